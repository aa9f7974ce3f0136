-- `scons -h` is the build's manual: every option and target that is promised stands in it, the guide's
-- test scripts lead to their targets, and a misspelt option is refused.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local disk = require("disk")

local function output(command)
  local pipe <close> = assert(io.popen(command .. " 2>&1"))
  return pipe:read("a"), select(3, pipe:close())
end

local HELP = output("scons -Q -h")

tap.test("options and targets with a line of help each", function()
  for word in ("SMP MEM CPU NET PROFILE VERBOSE KEYS build base-image run run-qemu test clean boot_test " ..
    "smp_boot_test vfs_disk_test console_login_test cap_enforce_test swift_coreutils_test top_test bench")
    :gmatch("%S+") do
    tap.matches("\n" .. HELP, "\n  " .. word:gsub("%p", "%%%0") .. " +%S", "the help")
  end
end)

tap.test("tests/NAME.sh for each of the guide's tests", function()
  for name in HELP:gmatch("\n  (%w+_test) +tests/acceptance/") do
    tap.contains(disk.read(("tests/%s.sh"):format(name)), "./sconsw " .. name)
    tap.check(os.execute(("test -x tests/%s.sh"):format(name)), "tests/%s.sh is no program", name)
    disk.read(("tests/acceptance/%s.lua"):format(name))
  end
end)

tap.test("an unknown option is refused by name", function()
  local text, status = output("scons -Q -n SPM=2 build")
  tap.check(status ~= 0, "it was taken")
  tap.contains(text, "unknown option SPM")
end)

tap.done()
