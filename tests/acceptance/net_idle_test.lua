-- 1,000 idle connections from this machine into one of 256 MiB: what they take, that each lives, and that all
-- of it comes back.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local COUNT = 1000
local KIB_EACH = 8  -- at most; the rings, which have not grown, are 4 of them
local KIB_KEPT = 2048  -- of heaps that were larger, in pieces of which a little is in use

local PORT = network.free_port("tcp")
local guest = Guest.start({ cpus = 2, memory = "256M", disks = { { "build/test.img" } },
  more = network.card({ { "tcp", PORT, 7777 } }) })

local function kib_free()
  return tonumber(tap.matches(guest:must("free"), "\n *%S+ +%d+%S* +%d+%S* +(%d+)"))
end

local connections

-- Waits until this is the last that came on a connection.
local function await(i, text)
  local connection = connections[i]
  local came = guest:wait(function() return connection.problem or connection.text:sub(-#text) == text end, 60)
  if connection.problem or not came then
    error(("connection %d: %s"):format(i, connection.problem or "no echo"), 0)
  end
end

local function open(count)
  network.background(guest, "idle", ("/bin/tests/socket_limits idle %d"):format(count), "listening, success")
  connections = {}
  for i = 1, count do
    connections[i] = network.connect(PORT)
    connections[i].send("a")
    await(i, "a")  -- QEMU's own listener lets one wait, and the next one's SYN is dropped
  end
  network.await_line(guest, "idle", "all are here")
end

local function alive(text)
  for _, connection in ipairs(connections) do connection.send(text) end
  for i = 1, #connections do await(i, text) end
end

local function close()
  for _, connection in ipairs(connections) do connection.close() end
  network.await_line(guest, "idle", ("%d connections, success"):format(#connections))
  guest:await("their ends to be acknowledged", function()
    return not guest:must("ss -ta"):find(":7777", 1, true)
  end, 90)
end

local before

tap.test(("%d connections, and what each takes"):format(COUNT), function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  open(20)  -- whatever the first one brings along
  close()
  before = kib_free()
  open(COUNT)
  local each = (before - kib_free()) / COUNT
  tap.note("%.1f KiB each", each)
  tap.check(each <= KIB_EACH, "%.1f KiB each", each)
end)

tap.test("each is alive", function()
  alive("b")
  for i, connection in ipairs(connections) do tap.equal(connection.text, "ab", "connection " .. i) end
end)

tap.test("and netd's successor goes on with all of them", function()
  guest:must("svc kill netd", 0, 60)
  alive("c")
end)

tap.test("what they took comes back", function()
  close()
  guest:must("svc trim")
  local lost = before - kib_free()
  tap.note("%d KiB less than before", lost)
  tap.check(lost <= KIB_KEPT, "%d KiB less than before", lost)
end)

guest:finish(function()
  open(20)
  close()
end)
tap.done()
