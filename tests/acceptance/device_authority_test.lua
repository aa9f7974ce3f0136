-- tests/guest/authority.c with exactly what init gives blkd, two real disks, and no good intentions:
-- neighbours' registers, other interrupts, other memory, and what its death leaves behind.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local disk = require("disk")
local machine = require("machine")

local kernel = machine.with_bundle("build/kernel.img", "build/authority.bundle")

for _, cpus in ipairs({ 1, 4 }) do
  local guest = Guest.start({ kernel = kernel, cpus = cpus, allow = { "BEGIN CRASH" },
    disks = { { "build/base.img" }, { disk.blank(1 << 20) } } })

  local function life(source, number)
    guest.position = 1
    local checks, failed = guest:expect_pattern(
      ("%s: life %d: (%%d+) checks, (%%d+) failed"):format(source, number), 60)
    for line in guest.text:gmatch(source .. ": (not ok[^\r\n]*)") do tap.note("%s", line) end
    tap.equal(tonumber(failed), 0, "checks failed")
    tap.check(tonumber(checks) > 0, "no check was made")
    return tonumber(checks)
  end

  tap.test(("%d CPUs: a hostile driver reaches nothing but its device"):format(cpus), function()
    tap.check(life("blkd", 1) >= 40, "not all checks were made")
  end)

  tap.test(("%d CPUs: it dies; device free, interrupt masked, pins held until the reset"):format(cpus),
    function()
      tap.check(life("blkd", 2) >= 25, "not all checks were made")
    end)

  tap.test(("%d CPUs: a neighbour with a handle to a driven device gets nowhere"):format(cpus), function()
    tap.check(life("consoled", 1) >= 7, "not all checks were made")
  end)

  tap.test(("%d CPUs: an exit leaves the same as a crash"):format(cpus), function()
    life("blkd", 3)
  end)
  guest:close()
end

tap.done()
