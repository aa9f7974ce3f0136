-- udpecho over IPv6.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local ipv6 = require("ipv6")
local network = require("network")

local guest = Guest.start({ more = ipv6.CARD })

-- It asks until the answer is there (the socket's event is not bound to a port). No line of it may have a
-- quote: each is written by the guest's shell.
local ASK = [[
local swos, p, inet = require("swos"), require("swos.protocol"), require("swos.inet")
local net, event = inet.connect(), swos.sys.event_create()
local socket = p.net.bind(net, { address = ("\0"):rep(16), family = 6, port = 0, event = event }).socket
local to = inet.parse(arg[1])
assert(p.endpoint.send_to(socket, { address = to, family = 6, port = 5555, scope = 0, data = arg[2] }))
for _ = 1, 50 do
  local reply, _, code = p.endpoint.receive_from(socket, { capacity = 65536 })
  if reply then print(reply.data, inet.format(reply.address, reply.family)) os.exit(0) end
  assert(code == "TIMED_OUT")
  swos.sleep(0.1)
end
os.exit(1)
]]

tap.test("one datagram there and back, then it ends", function()
  guest:login("root", "swordfish")
  ipv6.await(guest)
  for line in ASK:gmatch("[^\n]+") do guest:must(("echo '%s' >>/tmp/ask.lua"):format(line)) end
  network.background(guest, "one", "udpecho 6", "udpecho: listening on 5555")
  tap.equal(guest:must(("lua /tmp/ask.lua %s hello"):format(ipv6.OWN)), "hello\t" .. ipv6.OWN)
  tap.contains(network.await_line(guest, "one", "udpecho: got"),
    "udpecho: got 5 bytes from " .. ipv6.OWN .. ":")
end)

guest:finish(function() guest:must("ping -c 1 ::1") end)
tap.done()
