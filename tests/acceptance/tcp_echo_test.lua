-- tcpecho with real clients over QEMU's port forwarding: the guide's command, much data, many clients,
-- clients that go away. nicd_death_test.lua and netd_death_test.lua kill the network's servers meanwhile.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local disk = require("disk")
local network = require("network")

local port = network.free_port("tcp")
local guest = Guest.start({ cpus = 2, more = network.card({ { "tcp", port, 5555 } }) })

local function listening(name, command)
  network.background(guest, name, command, "tcpecho: listening on 5555")
end

-- A file of this machine with so many bytes, none like its neighbours.
local function random_file(bytes)
  local path = disk.blank(0)
  assert(os.execute(("head -c %d /dev/urandom >%s"):format(bytes, path)))
  return path
end

-- Sends a file through the echo and compares what comes back.
local function echo(path, timeout)
  local back = disk.blank(0)
  network.run(guest, ("timeout %d nc -N 127.0.0.1 %d <%s >%s"):format(timeout or 60, port, path, back), nil,
    (timeout or 60) + 5)
  local _, same = network.run(guest, ("cmp %s %s"):format(path, back))
  return same == 0
end

tap.test("the guide's command: one line there and back, then it ends", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  listening("one", "tcpecho")
  local output = network.run(guest, ("nc -w8 127.0.0.1 %d"):format(port), "hello tcp\n")
  tap.equal(output, "hello tcp\n")
  network.await_line(guest, "one", "tcpecho: got 10 bytes")
  guest:sleep(0.5)
  tap.lacks(guest:must("ps"), "tcpecho")
end)

tap.test("16 MiB come back as they were", function()
  listening("many", "tcpecho -k")
  tap.check(echo(random_file(16 << 20)), "other bytes came back")
  network.await_line(guest, "many", "tcpecho: got 16777216 bytes")
end)

tap.test("eight clients side by side", function()
  local clients = {}
  for i = 1, 8 do
    local path, back = random_file(300000 + i), disk.blank(0)
    clients[i] = { path = path, back = back,
      started = network.start(("timeout 60 nc -N 127.0.0.1 %d <%s >%s"):format(port, path, back)) }
  end
  for _, client in ipairs(clients) do
    for _ = 1, 3000 do
      if client.started.status then break end
      guest:sleep(0.02)
    end
    tap.equal(client.started.status, 0, "status of nc")
    tap.check(os.execute(("cmp -s %s %s"):format(client.path, client.back)), "other bytes came back")
  end
end)

tap.test("a client that never reads holds up nobody", function()
  local path = random_file(2 << 20)
  local stuck = network.start(("(cat %s; sleep 30) | nc 127.0.0.1 %d | sleep 30"):format(path, port))
  guest:sleep(0.5)
  tap.check(echo(random_file(100000)), "other bytes came back")
  require("luv").kill(stuck.pid, "sigkill")
end)

tap.test("a hundred connections in a row", function()
  local text = network.run(guest, ("for i in $(seq 100); do echo $i | nc -N 127.0.0.1 %d; done"):format(port),
    nil, 60)
  local expected = {}
  for i = 1, 100 do expected[i] = i .. "\n" end
  tap.equal(text, table.concat(expected))
end)

tap.test("no pages, handles or objects are lost", function()
  local path = random_file(200000)
  guest:leak_check(function() tap.check(echo(path), "other bytes came back") end, 3, 2)
end)

tap.done()
