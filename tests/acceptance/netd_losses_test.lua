-- What netd's death loses by design is that, and no more: the columns of the table in docs/networking.md, as
-- a peer sees them that says each segment itself (tests/lib/peer.lua). What goes on: netd_death_test.lua, and
-- there what waits to be accepted and datagrams that nobody has read.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local Peer = require("peer")
local wire = require("wire")

local ECHO, CLOSER, DATAGRAMS = 5555, 5556, 7000
local STRANGER = "\10\9\0\77"
local FIN, SYN, RST, ACK = wire.FIN, wire.SYN, wire.RST, wire.ACK

local peer = Peer.new()
local guest = Guest.start({ cpus = 2, more = peer:card() })
peer:attach(guest)

local function netd()
  local state, restarts = guest:must("svc list"):match("netd +(%S+) +%S+ +(%d+)")
  return state, tonumber(restarts)
end

local pings = 0

-- Sends an echo request, in pieces if it is to be more than one; returns what the answer is known by.
local function ping_pieces(count)
  pings = pings + 1
  local tail = "\0\9" .. (">I2"):pack(pings) .. ("x"):rep(16 * count - 8)
  local frame = wire.right(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x0800,
    wire.ip4(Peer.ADDRESS, Peer.GUEST, wire.ICMP, "\8\0\0\0" .. tail)))
  local payload, pieces = wire.parse(frame).payload, {}
  for i = 1, count do
    local more = i < count and 0x2000 or 0
    local packet = wire.ip4(Peer.ADDRESS, Peer.GUEST, wire.ICMP, payload:sub(16 * i - 15, 16 * i),
      1000 + pings, more | (i - 1) * 2)
    -- Not by `right`, which would give each piece a checksum of ICMP.
    packet = wire.put16(packet, 11, ~wire.sum(packet:sub(1, 20)) & 0xffff)
    pieces[i] = wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x0800, packet)
  end
  return pieces, function(packet)
    return packet.protocol == wire.ICMP and packet.payload:byte(1) == 0 and packet.payload:sub(5) == tail
  end
end

-- All that was sent before has been handled.
local function caught_up()
  local pieces, is_answer = ping_pieces(1)
  peer:raw(pieces[1])
  peer:expect("an answer to a ping", is_answer)
end

local function kill()
  local _, before = netd()
  caught_up()
  guest:must("svc kill netd")
  guest:await("netd is back", function()
    local state, restarts = netd()
    return state == "ready" and restarts > before
  end, 120)
  caught_up()
end

-- A segment that is not the guest's next is answered by RST: there is no such connection any more.
local function is_reset(connection, flags, other)
  connection:segment(flags, other)
  peer:wait("a reset", function() return connection.reset end)
  local answer = connection.reset
  tap.check(answer.flags & RST ~= 0, "flags %x", answer.flags)
  -- RFC 9293, 3.10.7.1: from where the peer says we are, so that it believes it.
  tap.equal(answer.seq, other and other.ack or connection.ack, "sequence number of the reset")
  connection:forget()
end

tap.test("the guest takes the lease and listens", function()
  guest:login("root", "swordfish")
  guest:await("a lease", function() return guest:must("ip addr"):find("inet 10.9.0.2/24 dhcp", 1, true) end)
  guest:must("(tcpecho -k >/dev/null 2>&1 &)")
  -- Ends each connection when something came.
  guest:must(("(lua -e 'local net = require([[swos]]).net local l = assert(net.listen(%d)) while true do "
    .. "local c = assert(l:accept()) c:read() c:close() end' >/tmp/closer 2>&1 &)"):format(CLOSER))
  guest:await("the listeners", function()
    local text = guest:must("ss -tl")
    return text:find(":5555 ", 1, true) and text:find(":5556 ", 1, true)
  end)
end)

-- ---- handshakes

local function half_open()
  local connection = peer:end_of(ECHO)
  connection:segment(SYN, { options = connection.syn_options, ack = 0 })
  peer:wait("an answer to SYN", function() return connection.syn end)
  return connection
end

tap.test("a handshake to a listener is lost: its last segment is answered with a reset", function()
  local connection = half_open()
  connection.seq = connection.seq + 1
  kill()
  is_reset(connection, ACK)
end)

tap.test("a handshake whose peer says SYN again begins anew", function()
  local connection = half_open()
  local first = connection.syn
  connection.syn = nil
  kill()
  connection:open()
  tap.check(not connection.reset, "reset")
  tap.check(connection.syn ~= first, "no new answer")
  connection:lives()
  connection:close()
end)

-- ---- ends

-- A connection the guest has ended: its FIN is there, acknowledged if the peer answers.
local function ended(answers)
  local connection = peer:connect(CLOSER)
  connection.answers = answers
  connection:segment(ACK, { data = "x" })
  connection.seq = connection.seq + 1
  peer:wait("the guest's FIN", function() return connection.ended end)
  return connection
end

-- The peer's FIN, and the guest's answer.
local function finish(connection)
  connection:segment(FIN | ACK)
  connection.seq = connection.seq + 1
  connection:acknowledged()
end

tap.test("in TIME_WAIT an old SYN is acknowledged, and a new one begins another connection", function()
  local connection = ended(true)
  finish(connection)
  local count = #connection.segments
  connection:segment(SYN, { seq = connection.seq - 5, ack = 0 })
  peer:wait("an acknowledgement by TIME_WAIT", function() return #connection.segments > count end)
  tap.check(not connection.reset and connection.segments[#connection.segments].flags & SYN == 0, "no SYN")
  local successor = peer:end_of(CLOSER, { from = connection.from, iss = connection.seq + 100000 }):open()
  successor:abort()
end)

tap.test("TIME_WAIT is lost: a FIN that comes again is answered with a reset, not acknowledged", function()
  local connection = ended(true)
  finish(connection)
  local again = { seq = connection.seq - 1 }
  local count = #connection.segments
  connection:segment(FIN | ACK, again)
  peer:wait("an acknowledgement by TIME_WAIT", function() return #connection.segments > count end)
  tap.check(not connection.reset, "reset before the death")
  kill()
  is_reset(connection, FIN | ACK, { seq = again.seq, ack = connection.ack })
  local successor = peer:end_of(CLOSER, { from = connection.from }):open()
  successor:abort()
end)

tap.test("FIN_WAIT_2 of a closed connection is lost: the peer's end is answered with a reset", function()
  local connection = ended(true)
  caught_up() -- our acknowledgement has been handled
  kill()
  is_reset(connection, FIN | ACK)
end)

tap.test("an end that was not acknowledged is not lost: it comes again, and the rest goes its way", function()
  local connection = ended(false)
  connection.segments = {}
  kill()
  peer:wait("the FIN again", function()
    for _, segment in ipairs(connection.segments) do
      if segment.flags & FIN ~= 0 and segment.seq + #segment.data + 1 == connection.ack then return true end
    end
  end, 120)
  connection:segment(ACK)
  finish(connection)
  tap.check(not connection.reset, "reset")
  connection:forget()
end)

-- ---- datagrams

local function comes(text)
  return function(packet)
    return packet.protocol == wire.UDP and packet.target == STRANGER and packet.payload:sub(9) == text
  end
end

-- The program sends "first", and the next ones when it is told to: its socket goes on.
tap.test("a datagram that waits for its neighbour's address is lost, the next ones are not", function()
  peer.silent = true
  peer:forget()
  guest:must(("(lua -e 'local u = assert(require([[swos]]).net.bind(%d)) local to = [[10.9.0.77]] "
    .. "u:send([[first]], to, 9) while true do u:send(u:receive(), to, 9) end' >/tmp/sender 2>&1 &)")
    :format(DATAGRAMS))
  peer:expect("the question for its address", function(packet)
    return packet.kind == 0x0806 and packet.payload:sub(25, 28) == STRANGER
  end)
  peer.silent = false
  kill()
  peer:ip(wire.UDP, wire.udp(9, DATAGRAMS, "second"))
  local first
  peer:expect("the second datagram", function(packet)
    first = first or comes("first")(packet)
    return comes("second")(packet)
  end)
  tap.check(not first, "the first came, too")
end)

tap.test("a datagram of which only a part had come is lost", function()
  local pieces, is_answer = ping_pieces(2)
  peer:raw(pieces[1])
  kill()
  peer:raw(pieces[2])
  local whole, is_whole = ping_pieces(2)
  peer:raw(whole[1])
  peer:raw(whole[2])
  local lost
  peer:expect("the answer to the whole one", function(packet)
    lost = lost or is_answer(packet)
    return is_whole(packet)
  end)
  tap.check(not lost, "the part was answered, too")
end)

tap.test("none of this was a crash", function()
  tap.lacks(guest:must("cat /tmp/closer /tmp/sender"), "attempt")
  tap.lacks(guest:must("svc logs netd"), "makes no sense")
end)

guest:finish(function()
  local connection = half_open()
  connection.seq = connection.seq + 1
  kill()
  is_reset(connection, ACK)
end)

tap.done()
