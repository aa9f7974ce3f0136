-- Processes fan out: each has a CPU while there are enough of them, and an equal part when there are
-- twice as many; what they compute is right.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = Guest.cpus()
local guest = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

for _, count in ipairs({ CPUS, 2 * CPUS }) do
  tap.test(("%d processes on %d CPUs"):format(count, CPUS), function()
    guest:checks("/bin/tests/smp processes " .. count, 120)
  end)
end

guest:finish()
guest:close()

-- Counted in instructions, so that a CPU the host keeps waiting does not count as one that ran.
tap.test("twice as many processes as CPUs have equal parts", function()
  local counting <close> = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } },
    more = { "-icount", "shift=4" } })
  counting:login("root", "swordfish", 120)
  counting:checks(("/bin/tests/smp processes %d parts"):format(2 * CPUS), 120)
end)
tap.done()
