-- udpecho with a real client over QEMU's port forwarding: the guide's command, sizes up to what needs
-- fragments, and many datagrams.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local port = network.free_port("udp")
local guest = Guest.start({ cpus = 2, more = network.card({ { "udp", port, 5555 } }) })

tap.test("the guide's command: one datagram there and back, then it ends", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  network.background(guest, "one", "udpecho", "udpecho: listening on 5555")
  local output = network.run(guest, ("nc -u -w2 127.0.0.1 %d"):format(port), "hello udp")
  tap.equal(output, "hello udp")
  tap.matches(network.await_line(guest, "one", "udpecho: got"), "udpecho: got 9 bytes from 10%.0%.2%.2:%d+")
  tap.lacks(guest:must("ps"), "udpecho")
end)

-- Sends a datagram until it comes back: any may be lost.
local function echo(bytes)
  local socket, back = uv.new_udp(), nil
  socket:bind("127.0.0.1", 0)
  socket:recv_start(function(_, data) back = back or data end)
  for _ = 1, 5 do
    socket:send(bytes, "127.0.0.1", port)
    for _ = 1, 25 do
      if back then break end
      guest:sleep(0.02)
    end
    if back then break end
  end
  socket:close()
  return back
end

tap.test("datagrams of all sizes, large ones in fragments", function()
  network.background(guest, "many", "udpecho -k", "udpecho: listening on 5555")
  for _, size in ipairs({ 1, 100, 1400, 1472, 1473, 3000, 9000 }) do
    local bytes = ("%d:"):format(size):rep(size):sub(1, size)
    tap.check(echo(bytes) == bytes, "%d bytes: other ones or none came back", size)
  end
  for i = 1, 200 do tap.equal(echo(tostring(i)), tostring(i)) end
end)

tap.test("a very large one, within the machine", function()
  guest:must("lua -e '"
    .. "local swos, p, inet = require(\"swos\"), require(\"swos.protocol\"), require(\"swos.inet\") "
    .. "local net, event = inet.connect(), swos.sys.event_create() "
    .. "local self = inet.parse(\"10.0.2.15\") "
    .. "local any = (\"\\0\"):rep(16) "
    .. "local socket = p.net.bind(net, { address = any, family = 4, port = 0, event = event }).socket "
    .. "local big = (\"0123456789\"):rep(4000) "
    .. "assert(p.endpoint.send_to(socket, "
    .. "{ address = self, family = 4, port = 5555, scope = 0, data = big })) "
    .. "for _ = 1, 50 do "
    .. "local reply, _, code = p.endpoint.receive_from(socket, { capacity = 65536 }) "
    .. "if reply then assert(reply.data == big and reply.length == #big) os.exit(0) end "
    .. "assert(code == \"TIMED_OUT\") swos.sleep(0.1) end os.exit(1)'")
end)

tap.test("no pages, handles or objects are lost", function()
  guest:leak_check(function()
    for i = 1, 20 do tap.equal(echo("leak " .. i), "leak " .. i) end
  end, 2, 1)
end)

tap.done()
