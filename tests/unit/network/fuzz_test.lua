-- The libFuzzer targets in fuzz/, built by env.FuzzTarget: each runs for so many inputs from a fixed seed,
-- must find nothing, and reach what it is for.
package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")

local RUNS = os.getenv("SWOS_FUZZ_RUNS")
-- name, inputs, edges reached by then; far fewer: it no longer gets past the first check.
local TARGETS = { { "dhcp", 200000, 200 }, { "dns", 60000, 60 }, { "fetch", 60000, 150 },
  { "httpd", 1000000, 300 }, { "packets", 60000, 40 }, { "settings", 60000, 100 } }

for _, target in ipairs(TARGETS) do
  local name, runs, least = table.unpack(target)
  tap.test(name, function()
    local pipe <close> = assert(io.popen(("build/host_fuzz/bin/%s -seed=1 -runs=%s -max_len=9000 -timeout=10 "
      .. "-dict=tests/unit/network/fuzz/%s.dict -artifact_prefix=build/host_fuzz/%s- 2>&1; echo status=$?")
      :format(name, RUNS or runs, name, name)))
    local output, reached = pipe:read("a"), 0
    tap.contains(output:sub(-3000), "status=0")
    for edges in output:gmatch(" cov: (%d+) ") do reached = math.max(reached, tonumber(edges)) end
    tap.note("%s: %d edges", name, reached)
    tap.check(reached >= least, "%d edges reached, %d expected", reached, least)
  end)
end

tap.done()
