-- Programs that ask netd for more than they should have, and that die at each step of a connection's life:
-- others go on, and nothing is left (tests/guest/socket_limits.c).

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local IDLE, IDLE_KIB = 400, 8 -- connections that say nothing; what each may take of the machine's memory

local tcp, udp = network.free_port("tcp"), network.free_port("udp")
local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } },
  more = network.card({ { "tcp", tcp, 5555 }, { "udp", udp, 5556 } }) })

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

tap.test("connections that are accepted and idle", function()
  network.background(guest, "hold", "/bin/tests/net_death hold " .. IDLE, "listening")
  local before, clients = guest:counters(), {}
  for i = 1, IDLE do
    clients[i] = network.connect(tcp)
    network.until_true(guest, "connection " .. i, function() return clients[i].connected end)
  end
  network.await_line(guest, "hold", "held")
  local after = guest:counters()
  local each = (before.pages - after.pages) * 4 / IDLE
  tap.note("%.2f KiB each", each)
  tap.check(each <= IDLE_KIB, "%.2f KiB each", each)
  for i = 1, IDLE do
    tap.check(not clients[i].ended, "connection %d has ended", i)
    clients[i].close()
  end
  local datagram = uv.new_udp()
  network.until_true(guest, "it ends", function()
    datagram:try_send("over", "127.0.0.1", udp)
    return not guest:must("ps"):find("net_death", 1, true)
  end)
  datagram:close()
  guest:await("no connection is left", function()
    return not guest:must("ss"):find(":5555", 1, true)
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
