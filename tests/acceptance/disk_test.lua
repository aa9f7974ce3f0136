-- blkd, tests/guest/disk_test.c as its client: writes, flushes, refusals, errors of the disk, many
-- requests at once. At the end the host compares the whole disk with what it must hold.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local disk = require("disk")
local machine = require("machine")

local SECTOR = 512
local SIZE = 8 << 20

-- disk_test.c's rule.
local function sector_bytes(sector)
  local bytes = {}
  for i = 0, SECTOR - 1 do
    bytes[i + 1] = string.char((sector * 31 + (sector >> 8) * 5 + i * 7 + 1) & 0xff)
  end
  return table.concat(bytes)
end

-- { first sector, sectors } that disk_test.c writes; the rest of the disk stays as it was.
local WRITTEN = { { 5, 1 }, { 7, 3 }, { 100, 4097 }, { 8192, 48 * 33 }, { SIZE // SECTOR - 1, 1 } }

-- What the third disk refuses, as disk_test.c knows it.
local FAILING_SIZE, FAILS = 1 << 20, { { "write", 100 }, { "read", 200 }, { "flush" } }

local function wanted()
  local sectors = {}
  for sector = 0, SIZE // SECTOR - 1 do sectors[sector + 1] = ("\0"):rep(SECTOR) end
  for _, range in ipairs(WRITTEN) do
    for sector = range[1], range[1] + range[2] - 1 do
      sectors[sector + 1] = sector_bytes(sector)
    end
  end
  return sectors
end

local kernel <close> = disk.temporary(machine.with_bundle("build/kernel.img", "build/disk.bundle"))

for _, cpus in ipairs({ 1, 4 }) do
  local path, fixed = disk.blank(SIZE), disk.write(("r"):rep(4 << 20))
  local failing = disk.blank(FAILING_SIZE)

  tap.test(("the checks of tests/guest/disk_test.c hold with %d CPUs"):format(cpus), function()
    local guest <close> = Guest.start({ kernel = kernel.path, cpus = cpus,
      disks = { { path, writable = true }, { "build/base.img" }, { fixed },
        { failing, writable = true, fails = FAILS } } })
    local plan = tonumber((guest:expect_pattern("consoled: 1%.%.(%d+)", 60)))
    local output = guest.text:gsub("\r", "")
    for line in output:gmatch("not ok[^\n]*") do tap.note("%s", line) end
    tap.lacks(output, "not ok")
    local _, passed = output:gsub("consoled: ok ", "")
    tap.equal(passed, plan, "checks passed")
  end)

  tap.test("the disk holds what was written, and nothing else", function()
    local bytes = disk.read(path)
    tap.equal(#bytes, SIZE, "its size")
    for i, sector in ipairs(wanted()) do
      local got = bytes:sub((i - 1) * SECTOR + 1, i * SECTOR)
      tap.check(got == sector, "sector %d is not what it must be", i - 1)
    end
    tap.check(disk.read(fixed) == ("r"):rep(4 << 20), "the read-only disk was changed")
  end)
end

tap.done()
