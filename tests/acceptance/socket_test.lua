-- BSD sockets of C programs: tests/guest/socket_test.c, and the same again with nothing lost.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } }, more = network.card() })

tap.test("as programs from elsewhere use them", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  local output, status = guest:run("/bin/tests/socket_test", 60)
  for line in output:gmatch("not ok[^\r\n]*") do tap.note("%s", line) end
  tap.check(status == 0 and output:find("\n?1%.%."), "status %d: %s", status, output:sub(-400))
end)

guest:finish(function() guest:must("/bin/tests/socket_test few >/tmp/out", 0, 60) end)
tap.done()
