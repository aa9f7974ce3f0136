-- Where threads run: woken ones on another CPU while their waker goes on, called ones on their
-- caller's, and no CPU idles while a thread is ready, with fewer, as many and more threads than CPUs.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = Guest.cpus()
local guest = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")
guest:settled() -- what is started after the login has its turns, too

tap.test("woken and called threads run where they should", function()
  guest:checks("/bin/tests/smp handover", 120)
end)

local counts = { [1] = true, [CPUS] = true, [CPUS + 3] = true, [math.max(1, CPUS - 1)] = true }
for count = 1, CPUS + 3 do
  if counts[count] then
    tap.test(("%d threads on %d CPUs"):format(count, CPUS), function()
      guest:checks("/bin/tests/smp busy " .. count, 60)
    end)
  end
end

guest:finish(function() guest:run("/bin/tests/shared count 2", 60) end)
tap.done()
