-- Runs the fuzzer as a machine of its own and shows its serial line:
--
--   lua5.4 tests/fuzz/run.lua [SEED [STEPS [CPUS [MEMORY]]]]     after scons fuzz
--
-- Ends with status 0 when the machine said that it ends clean.

package.path = "tests/lib/?.lua;" .. package.path
local Guest = require("guest")
local disk = require("disk")
local machine = require("machine")

local seed, steps, cpus, memory = arg[1] or "1", arg[2] or "20000", arg[3] or "4", arg[4] or "64M"

local function run()
  local made = machine.with_bundle("build/kernel.img", "build/fuzz.bundle")
  local kernel <close> = disk.temporary(made)
  local guest <close> = Guest.start({ kernel = kernel.path, cpus = cpus, memory = memory,
    disks = {}, append = ("init.seed=%s init.steps=%s"):format(seed, steps),
    allow = { "BEGIN CRASH" } })
  local ok, failure = pcall(guest.expect_end, guest, 600)
  print(guest.text)
  if not ok then print(failure) end
  return ok and guest.text:find("fuzz ends: clean", 1, true)
end

os.exit(run() and 0 or 1)
