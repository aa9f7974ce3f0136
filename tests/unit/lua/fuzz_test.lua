-- The libFuzzer targets (env.FuzzTarget): each runs for a while from a fixed seed and must find nothing, and
-- reach what it is for.
local tap = require("tap")

local RUNS = tonumber(os.getenv("SWOS_FUZZ_RUNS") or "1000000")
-- Edges each reaches from nothing within the usual runs; far fewer: it no longer gets past the first check.
local REACHES = { http = 300 }

for name, least in pairs(REACHES) do
  tap.test(name, function()
    local pipe <close> = assert(io.popen(("build/host_fuzz/bin/%s -seed=1 -runs=%d -max_len=9000 -dict=%s "
      .. "-artifact_prefix=/tmp/fuzz- 2>&1; echo status=$?"):format(name, RUNS,
        "tests/unit/network/" .. name .. ".dict"), "r"))
    local output = pipe:read("a")
    tap.contains(output, "status=0")
    local reached = 0
    for edges in output:gmatch(" cov: (%d+) ") do reached = math.max(reached, tonumber(edges)) end
    tap.check(reached >= least, "%d edges reached, %d expected", reached, least)
    tap.note("%s: %d edges in %d runs", name, reached, RUNS)
  end)
end

tap.done()
