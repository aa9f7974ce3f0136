-- Threads of one process fan out: they keep all CPUs busy, count exactly, and none ever uses a
-- translation of their address space that another has changed.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = Guest.cpus()
local MOST = 600 -- seconds: where 8 CPUs share two busy ones of the host, each has to come by each time
local guest = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

tap.test(("%d threads count together"):format(CPUS), function()
  guest:checks("/bin/tests/shared count " .. CPUS, MOST)
end)

tap.test(("%d threads count together"):format(CPUS + 2), function()
  guest:checks("/bin/tests/shared count " .. CPUS + 2, MOST)
end)

tap.test("what one changes in the address space the others see at once", function()
  guest:checks("/bin/tests/shared map " .. math.max(1, CPUS - 1), MOST) -- and the one that changes it
end)

guest:finish(function() guest:must("/bin/tests/shared count 2 >/tmp/out; rm /tmp/out", 0, 60) end)
tap.done()
