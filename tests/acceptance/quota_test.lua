-- Bombs: each is stopped by its quota, the console answers within a second meanwhile, and all
-- of it comes back.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

-- kind -> the most it may get (of bomb.c's limits; what it starts with counts).
local BOMBS = { event = 1000, port = 1000, channel = 1000, call = 200, object = 1000, pipe = 1000,
  bigpipe = 16, job = 1000, duplicate = 1000, connection = 1000, memory = 16, sparse = 4096,
  thread = 100, posted = 200, flood = 200, spawn = 40 }
local KINDS = {}
for kind in pairs(BOMBS) do KINDS[#KINDS + 1] = kind end
table.sort(KINDS)

for _, kind in ipairs(KINDS) do
  tap.test(kind .. " is stopped by the quota", function()
    local output = guest:must("/bin/tests/bomb " .. kind, 0, 60)
    local count, status = tap.matches(output, kind .. " (%d+) (%S+)")
    tap.equal(status, "QUOTA", "what stopped it")
    count = tonumber(count)
    tap.check(count > 0 and count <= BOMBS[kind], "%s got %d, more than %d", kind, count,
      BOMBS[kind])
  end)
end

-- Milliseconds the console takes for the slowest of five answers.
local function slowest_answer()
  local slowest = 0
  for _ = 1, 5 do
    local start = guest:elapsed()
    guest:must("echo here", 0, 60)
    slowest = math.max(slowest, guest:elapsed() - start)
  end
  return slowest
end

-- On a busy machine an answer takes long at rest, too: there the bombs may cost ten times as much.
tap.test("the console answers within 1 s while bombs hold what they got", function()
  local rest = slowest_answer()
  local limit = math.max(1000, 10 * rest)
  for _, kind in ipairs({ "memory", "sparse", "spawn", "thread", "flood", "posted", "fork" }) do
    guest:run(("/bin/tests/bomb %s hold >/tmp/out & true"):format(kind))
    guest:sleep(1) -- for the bomb to take what it may
    local took = slowest_answer()
    tap.check(took <= limit, "%s: the console took %d ms, %d at rest", kind, took, rest)
    for pid in guest:must("ps"):gmatch("(%d+)[^\n]*bomb") do guest:run("kill " .. pid) end
  end
  guest:await("the bombs' end", function() return not guest:must("ps"):find("bomb", 1, true) end)
end)

tap.test("/tmp has a limit", function()
  local output = guest:must("/bin/tests/bomb files", 0, 120)
  tap.matches(output, "files %d+ NO_SPACE")
  guest:must("echo after >/tmp/after && cat /tmp/after && rm /tmp/after")
end)

-- What it takes itself ends at the reserve (RAM/16, 996 pages here); what tmpfs keeps for it must, too.
tap.test("a session that takes all memory and writes into /tmp leaves the reserve", function()
  local small <close> = Guest.start({ cpus = 2, memory = "64M", disks = { { "build/test.img" } } })
  small:login("root", "swordfish")
  local output = small:must("/bin/tests/bomb reserve", 0, 120)
  local before, after, why = tap.matches(output, "reserve (%d+) (%d+) (%S+)")
  tap.check(tonumber(before) >= 900 and tonumber(before) <= 1100, "%s pages are left", before)
  tap.check(tonumber(after) >= tonumber(before) - 50, "%s pages are left when /tmp was written to", after)
  tap.equal(why, "NO_SPACE")
  tap.equal(small:must("echo well >/tmp/x; cat /tmp/x"), "well")
end)

guest:finish(function()
  for _, kind in ipairs(KINDS) do guest:must("/bin/tests/bomb " .. kind, 0, 60) end
end)
tap.done()
