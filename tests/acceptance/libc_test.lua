-- The C library and libswos from inside: tests/guest/libc_test.c.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

-- Two of its children die by faults on purpose.
local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } },
  allow = { "BEGIN CRASH" } })
guest:login("root", "swordfish")

tap.test("the checks of tests/guest/libc_test.c", function()
  local output, status = guest:run("/bin/tests/libc_test", 120)
  for line in output:gmatch("[^\n]*not ok[^\n]*") do tap.note("%s", line) end
  tap.lacks(output, "not ok")
  local plan = tonumber(tap.matches(output, "\n1%.%.(%d+)"))
  local _, passed = ("\n" .. output):gsub("\nok ", "")
  tap.equal(passed, plan, "checks passed")
  tap.equal(status, 0)
end)

guest:finish(function() guest:run("/bin/tests/libc_test") end)
tap.done()
