-- The libFuzzer harnesses in fuzz/, each for so many inputs from a fixed seed; what was found in an earlier
-- run (build/host_test/fuzz/corpus) is where it begins.
package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")

local RUNS = tonumber(os.getenv("SWOS_FUZZ_RUNS") or "60000")
local OUT = "build/host_test/fuzz"

-- Each target's other sources, and words its inputs are made of.
local TARGETS = {
  { "dns", { "bin/netd/dns.c" }, { "\\xc0\\x0c", "\\x00\\x01\\x00\\x01", "\\x00\\x05\\x00\\x01",
    "\\x00\\x1c" } },
  { "http", { "bin/fetch/http.c" }, { "HTTP/1.1 200 ", "\\x0d\\x0a", "Content-Length: ",
    "Transfer-Encoding: chunked", "Content-Range: bytes ", "Location: ", "ETag: \\\"", "http://" } },
  { "packets", { "runtime/packets/stack.c" }, { "\\xff\\xff\\xff\\xff", "\\x01\\x00\\x00\\x00" } },
  { "settings", { "bin/netd/settings.c" }, { "ipv4 static ", "ipv6 auto", "dns 4 01020304 53", "sntp ",
    "rules 16", "connect 4 0a000000 8", "listen 80", "keepalive 1 1 1", "\\x0a" } },
}

local function run(command)
  local pipe <close> = assert(io.popen(command .. " 2>&1; echo $?"))
  local said = pipe:read("a")
  return said, said:match("(%d+)\n$") == "0"
end

assert(os.execute("mkdir -p " .. OUT))
for _, target in ipairs(TARGETS) do
  local name, sources, words = table.unpack(target)
  tap.test(name, function()
    local said, good = run(("clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all "
      .. "-D_GNU_SOURCE -Ibuild/generated/include -Iruntime/libswos/include -Iruntime/packets/include "
      .. "-o %s/%s tests/unit/network/fuzz/%s.c %s"):format(OUT, name, name, table.concat(sources, " ")))
    tap.check(good, "%s", said)
    local dictionary <close> = assert(io.open(("%s/%s.words"):format(OUT, name), "w"))
    for _, word in ipairs(words) do dictionary:write('"', word, '"\n') end
    dictionary:close()
    local binary = OUT .. "/" .. name
    said, good = run(("mkdir -p %s/corpus/%s && %s -seed=1 -runs=%d -max_len=2048 -timeout=10 -dict=%s.words "
      .. "-artifact_prefix=%s- %s/corpus/%s"):format(OUT, name, binary, RUNS, binary, binary, OUT, name))
    tap.check(good, "%s", said:sub(-3000))
    local coverage = tonumber(said:match(".*cov: (%d+)"))
    tap.note("%s: %d inputs, coverage %d", name, RUNS, coverage)
    tap.check(coverage > 40, "nothing is reached: coverage %d", coverage)
  end)
end
tap.done()
