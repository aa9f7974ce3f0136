-- A program's registers are its own, whatever the kernel and other programs do on its CPU.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 4, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

tap.test("registers survive wakes, interrupts and switches on 4 CPUs", function()
  tap.equal(guest:must("/bin/tests/registers 2", 0, 60), "")
  -- Two at once: each has the other's registers before it on some CPU.
  tap.equal(guest:must("/bin/tests/registers 3 | cat & /bin/tests/registers 3; wait", 0, 60)
    :gsub("%[%d+%][^\n]*\n?", ""), "")
end)

guest:finish()
tap.done()
