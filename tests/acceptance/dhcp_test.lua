-- DHCP with a server of the test's own, which is the other end of the wire: the lease and what comes with it,
-- its renewal when half of it is over, a server that takes the address back, and the time server it names.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local wire = require("wire")

local MAC, OURS = "\x52\x54\0\x12\x34\x56", "\x02\0\0\0\0\1"
local HOST, FIRST, SECOND = "\10\9\0\1", "\10\9\0\2", "\10\9\0\3"
local LEASE = 120 -- netd counts minutes: the shortest with a half
local NONE = ("\0"):rep(4)

-- What came: DHCP messages by kind, a list of { has = address the client had }; questions to port 123.
local heard, ntp_asked = { {}, {}, {}, {}, {}, {}, {} }, 0
local give, refuse = FIRST, false

local card
card = wire.start(function(frame)
  local kind = (">I2"):unpack(frame, 13)
  if kind == 0x0806 and frame:sub(21, 22) == "\0\1" and frame:sub(39, 42) == HOST then
    card:send(wire.ethernet(MAC, OURS, 0x0806, "\0\1\8\0\6\4\0\2" .. OURS .. HOST .. MAC
      .. frame:sub(29, 32)))
  end
  if kind == 0x0800 and frame:sub(24, 24) == "\17" and frame:sub(37, 38) == "\0\123" then
    ntp_asked = ntp_asked + 1
  end
  local message, xid, has = wire.dhcp_asked(frame)
  if not message then return end
  table.insert(heard[message], { has = has, to = frame:sub(31, 34) })
  if message ~= 1 and message ~= 3 then return end
  card:send(wire.dhcp({ message = message == 1 and 2 or refuse and has ~= NONE and 6 or 5,
    xid = xid, address = give, server = HOST, to = MAC, from = OURS,
    options = "\51\4" .. (">I4"):pack(LEASE) .. "\42\4" .. HOST }))
end)

local guest = Guest.start({ more = card.arguments })

local function await_address(address)
  return guest:await("the address " .. address, function()
    local text = guest:run("ip addr")
    return text:find("inet " .. address .. "/24 dhcp", 1, true) and text
  end, 300)
end

tap.test("the lease, and what comes with it", function()
  guest:login("root", "swordfish")
  tap.contains(await_address("10.9.0.2"), "preferred 120s")
  tap.contains(guest:must("ip route"), "default via 10.9.0.1 dev net0")
  tap.contains(guest:must("dmesg"), "net-dhcp OK: lease 10.9.0.2 gateway 10.9.0.1 dns 10.9.0.1")
  guest:await("a question to the time server", function() return ntp_asked > 0 end, 120)
end)

tap.test("half of it over, it is renewed", function()
  guest:await("a request of who has the address", function()
    local last = heard[3][#heard[3]]
    return last.has == FIRST and last.to == HOST
  end, 240)
  tap.equal(#heard[1], 1) -- it did not begin anew
  tap.contains(guest:must("ip addr"), "inet 10.9.0.2/24 dhcp")
end)

tap.test("an address that is taken back is given up, and another one asked for", function()
  refuse, give = true, SECOND
  await_address("10.9.0.3") -- at the next renewal
  tap.equal(#heard[1], 2)
  tap.lacks(guest:must("ip addr"), "10.9.0.2/")
  tap.contains(guest:must("dmesg"), "net-dhcp OK: lease 10.9.0.3")
end)

tap.test("settings that need no lease give it back", function()
  guest:must("echo 'return { interfaces = { net0 = { ipv4 = \"off\" } } }' >/tmp/net.lua")
  guest:must("svc reload", 0, 60)
  guest:await("the release", function() return #heard[7] == 1 and heard[7][1].has == SECOND end, 60)
  tap.lacks(guest:must("ip addr"), "10.9.0.3")
end)

guest:finish(function() guest:must("ip addr") end)
tap.done()
