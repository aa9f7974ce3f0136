-- Servers with a hostile client, and clients of the C library with a hostile server: nobody crashes,
-- hangs or leaks.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local SEED = tonumber(os.getenv("SWOS_HOSTILE_SEED") or "1")
local COUNT = tonumber(os.getenv("SWOS_HOSTILE_COUNT") or "2000")

local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

-- Runs the guest program and takes over its results.
local function run(...)
  local output, status = guest:run("/bin/tests/hostile " .. table.concat({ ... }, " "), 280)
  local checks = 0
  for line in output:gmatch("[^\n]+") do
    local bad, what = line:match("^(n?o?t? ?)ok %d+ %- (.*)")
    if bad == "not " then error(what, 0) end
    if bad then checks = checks + 1 end
  end
  tap.check(status == 0 and checks > 0, "status %d: %s", status, output)
end

local function restarts()
  local count = 0
  for number in (guest:must("svc list") .. "\n"):gmatch("(%d+)\n") do count = count + tonumber(number) end
  return count
end

tap.test("when a request is sent again, how often, and under which id", function() run("rules") end)

local before = restarts()
tap.test("each server takes malformed requests and answers the next honest one", function()
  run("client", SEED, COUNT)
  tap.equal(restarts(), before, "restarts")
end)

for seed = SEED, SEED + 3 do
  tap.test(("a client takes wrong answers, late ones and none (seed %d)"):format(seed), function()
    run("server", seed, COUNT // 4)
  end)
end

guest:finish(function()
  run("client", SEED, 200)
  run("server", SEED, 100)
  guest:must("rm -f /tmp/hostile")
end)
tap.done()
