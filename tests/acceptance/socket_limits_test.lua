-- Programs that ask netd for more than they should have, and that die at each step of a connection's life:
-- others go on, and nothing is left (tests/guest/socket_limits.c).

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } }, more = network.card() })

tap.test("as many sockets as it gets: a clear error, and others go on", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  guest:checks("/bin/tests/socket_limits many", 120)
end)

tap.test("client and server die at each step, each with each", function()
  guest:checks("/bin/tests/socket_limits steps", 180)
  guest:await("no connection is left but in TIME_WAIT", function()
    return not guest:must("ss"):find(":7777", 1, true)
  end)
end)

tap.test("nobody was started again", function() tap.matches(guest:must("svc list"), "netd +%S+ +%S+ +0") end)

tap.test("no pages, handles or objects are lost", function()
  guest:leak_check(function()
    guest:checks("/bin/tests/socket_limits many", 120)
    guest:await("its sockets are gone", function()
      local output, status = guest:run("ss -ul")
      return status == 0 and not output:find("udp", 1, true)
    end)
  end, 1, 1)
end)

tap.done()
