-- Any process runs on any CPU: with one more than there are CPUs, each of them comes to each.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = Guest.cpus()
local guest = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

tap.test(("%d processes come to all of %d CPUs"):format(CPUS + 1, CPUS), function()
  guest:checks("/bin/tests/smp places", 120)
end)

guest:finish()
tap.done()
