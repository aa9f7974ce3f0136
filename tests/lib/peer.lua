-- Another machine on the guest's wire that says whatever a test wants: a stream socket of QEMU carries the
-- frames, so none is lost and none comes late. It gives the guest its lease, answers for every address it
-- is asked for, and speaks TCP without a stack: each segment is as the test says.
--
--   local peer = Peer.new()
--   local guest = Guest.start({ more = peer:card() })
--   peer:attach(guest)
--   local connection = peer:connect(5555)
--   connection:send("hello"); connection:await("hello")

local uv = require("luv")
local tap = require("tap")
local wire = require("wire")

local Peer, Connection = {}, {}
Peer.__index, Connection.__index = Peer, Connection

Peer.MAC, Peer.GUEST_MAC = "\x02\0\0\0\0\1", "\x52\x54\0\x12\x34\x56"
Peer.ADDRESS, Peer.GUEST = "\10\9\0\1", "\10\9\0\2"
Peer.ADDRESS6 = "\xfe\x80" .. ("\0"):rep(13) .. "\1"
Peer.GUEST6 = "\xfe\x80\0\0\0\0\0\0\x50\x54\0\xff\xfe\x12\x34\x56"
Peer.KEPT = 4096  -- packets kept for the test to look at

local FIN, SYN, RST, PSH, ACK = wire.FIN, wire.SYN, wire.RST, wire.PSH, wire.ACK
local WINDOW = 65535

--- How far sequence number a lies after b; negative: before.
local function after(a, b) return ((a - b + 0x80000000) & 0xffffffff) - 0x80000000 end
Peer.after = after

function Peer.new()
  local self = setmetatable({ path = os.tmpname(), input = "", packets = {}, connections = {},
    port = 20000, leases = 0, count = 0 }, Peer)
  os.remove(self.path)
  self.listener = uv.new_pipe()
  assert(self.listener:bind(self.path))
  self.listener:listen(1, function()
    self.stream = uv.new_pipe()
    self.listener:accept(self.stream)
    self.stream:read_start(function(_, bytes)
      if bytes then self:take(bytes) end
    end)
  end)
  tap.on_done(function() os.remove(self.path) end)
  return self
end

--- QEMU's arguments of the card.
function Peer:card()
  return { "-netdev", "stream,id=n0,server=off,addr.type=unix,addr.path=" .. self.path,
    "-device", "virtio-net-device,netdev=n0" }
end

function Peer:attach(guest) self.guest = guest end

-- What comes over the socket: frames, each with its length before it.
function Peer:take(bytes)
  self.input = self.input .. bytes
  local at = 1
  while #self.input - at + 1 >= 4 do
    local length = (">I4"):unpack(self.input, at)
    if #self.input - at + 1 < 4 + length then break end
    self:frame(self.input:sub(at + 4, at + 3 + length))
    at = at + 4 + length
  end
  self.input = self.input:sub(at)
end

--- Sends a frame as it is.
function Peer:raw(frame)
  local bytes = (">I4"):pack(#frame) .. frame
  if self.held then table.insert(self.held, bytes) else self.stream:write(bytes) end
end

--- What a function sends reaches the guest's card at once.
function Peer:together(send)
  self.held = {}
  send()
  local bytes = table.concat(self.held)
  self.held = nil
  self.stream:write(bytes)
end

--- Sends what an IP header is to carry, from an address (the peer's own by default), checksums made.
function Peer:ip(protocol, payload, from)
  self:raw(wire.right(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x0800,
    wire.ip4(from or Peer.ADDRESS, Peer.GUEST, protocol, payload))))
end

function Peer:ip6(protocol, payload, from)
  self:raw(wire.right(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x86dd,
    wire.ip6(from or Peer.ADDRESS6, Peer.GUEST6, protocol, payload))))
end

-- ARP and neighbour solicitation: the peer is whoever is asked for, but the guest itself.
function Peer:resolve(packet)
  local payload = packet.payload
  if packet.kind == 0x0806 then
    local target = payload:sub(25, 28)
    if payload:sub(7, 8) == "\0\1" and target ~= Peer.GUEST then
      self:raw(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x0806, "\0\1\8\0\6\4\0\2" .. Peer.MAC .. target
        .. payload:sub(9, 18)))
    end
  elseif packet.protocol == wire.ICMP6 and payload:byte(1) == 135 and packet.source ~= ("\0"):rep(16) then
    local target = payload:sub(9, 24)
    if target ~= Peer.GUEST6 then
      self:ip6(wire.ICMP6, "\136\0\0\0\x60\0\0\0" .. target .. "\2\1" .. Peer.MAC, target)
    end
  end
end

local function key_of(address, from, to) return ("%s/%d/%d"):format(address, from, to) end

function Peer:frame(frame)
  self.count = self.count + 1
  local message, xid = wire.dhcp_asked(frame)
  if message == 1 or message == 3 then
    self.leases = self.leases + 1
    self:raw(wire.dhcp({ message = message == 1 and 2 or 5, xid = xid, address = Peer.GUEST,
      server = Peer.ADDRESS, to = Peer.GUEST_MAC, from = Peer.MAC, options = "\51\4\0\1\0\0" }))
    return
  end
  local packet = wire.parse(frame)
  if not packet then return end
  if not self.silent then self:resolve(packet) end
  if packet.tcp then
    local connection = self.connections[key_of(packet.target, packet.tcp.to, packet.tcp.from)]
    if connection then return connection:take(packet.tcp) end
    if self.on_segment and self.on_segment(packet) then return end
  end
  self.packets[#self.packets + 1] = packet
  if #self.packets > Peer.KEPT then table.remove(self.packets, 1) end
end

--- Waits until fact() holds; raises after `timeout` seconds.
function Peer:wait(what, fact, timeout)
  local result = self.guest:wait(fact, timeout)
  if not result then error("did not come about: " .. what, 0) end
  return result
end

--- Waits for a packet that came since the last look and for which test(packet) holds; returns it.
function Peer:expect(what, test, timeout)
  return self:wait(what, function()
    while self.packets[1] do
      local packet = table.remove(self.packets, 1)
      if test(packet) then return packet end
    end
  end, timeout)
end

--- Forgets what came.
function Peer:forget() self.packets = {} end

function Peer:next_port()
  self.port = self.port + 1
  if self.port > 60000 then self.port = 20001 end
  return self.port
end

-- ---- a TCP connection

--- A connection's end with this port of the guest, before its SYN. options: from (a port), address,
--- version (4), window, syn_options, iss; capacity: the window is what `received` leaves of so many bytes.
function Peer:end_of(to, options)
  options = options or {}
  local address = options.address or (options.version == 6 and Peer.ADDRESS6 or Peer.ADDRESS)
  local self_ = setmetatable({ peer = self, to = to, from = options.from or self:next_port(),
    address = address, version = #address == 16 and 6 or 4, window = options.window or options.capacity
    or WINDOW, capacity = options.capacity,
    syn_options = options.syn_options or "\2\4\5\xb4", seq = options.iss or 1000, ack = 0, received = "",
    segments = {}, unread = 0, answers = true, last_ack = nil }, Connection)
  self.connections[key_of(address, self_.from, to)] = self_
  return self_
end

--- Sends a segment: flags and what differs from what comes next (seq, ack, data, window, options, bad: a
--- wrong checksum, IPv4 only).
function Connection:segment(flags, other)
  other = other or {}
  local options = other.options
  if not options and self.stamps then
    self.clock = (self.clock or 5000) + 1
    options = "\1\1\8\10" .. (">I4I4"):pack(self.clock, self.echo or 0)
  end
  local payload = wire.tcp({ from = self.from, to = self.to, seq = other.seq or self.seq,
    ack = other.ack or self.ack, flags = flags, window = other.window or self.window, options = options,
    data = other.data })
  local peer = self.peer
  if other.bad then
    local frame = wire.right(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x0800,
      wire.ip4(self.address, Peer.GUEST, wire.TCP, payload)))
    return peer:raw(wire.put16(frame, 51, (">I2"):unpack(frame, 51) ~ 0x5555))
  end
  if self.version == 6 then peer:ip6(wire.TCP, payload, self.address)
  else peer:ip(wire.TCP, payload, self.address) end
end

-- A segment of the guest's. In order it is taken over and, if the connection answers, acknowledged.
function Connection:take(segment)
  self.segments[#self.segments + 1] = segment
  if #self.segments > Peer.KEPT then table.remove(self.segments, 1) end
  if segment.options.stamp then self.echo = segment.options.stamp end
  if segment.flags & RST ~= 0 then
    self.reset = segment
    return
  end
  if segment.flags & ACK ~= 0 then
    if not self.last_ack or after(segment.ack, self.last_ack) > 0 then self.last_ack = segment.ack end
    self.room = segment.window << (segment.flags & SYN == 0 and self.scale or 0)
  end
  if segment.flags & SYN ~= 0 then
    self.syn, self.iss, self.ack = segment, segment.seq, segment.seq + 1
    return
  end
  local new = math.min(after(segment.seq + #segment.data, self.ack), self.window)
  if after(segment.seq, self.ack) <= 0 and new > 0 then
    local known = after(self.ack, segment.seq)
    self.received = self.received .. segment.data:sub(known + 1, known + new)
    self.ack = self.ack + new
    if self.capacity then self.window = self.capacity - #self.received end
  end
  if segment.flags & FIN ~= 0 and segment.seq + #segment.data == self.ack then
    self.ack, self.ended = self.ack + 1, true
  end
  self.ack = self.ack & 0xffffffff
  if self.answers and (#segment.data > 0 or segment.flags & FIN ~= 0) then self:segment(ACK) end
end

--- SYN and, once its answer is there, the ACK.
function Connection:open(timeout)
  self:segment(SYN, { options = self.syn_options, ack = 0 })
  self.seq = self.seq + 1
  self.peer:wait("an answer to SYN", function() return self.syn or self.reset end, timeout)
  tap.check(not self.reset, "the SYN was answered with RST")
  self.last_ack = self.syn.ack
  self.stamps = self.syn.options.stamp ~= nil and self.syn_options:find("\8\10", 1, true) ~= nil
  if self.syn_options:find("\3\3", 1, true) then self.scale = self.syn.options.scale end
  self:segment(ACK)
  return self
end

function Peer:connect(to, options) return self:end_of(to, options):open() end

--- Sends bytes and goes on by them, in pieces the guest takes in one segment, as it has room for them: for
--- half of its least window.
function Connection:send(data)
  local at = 1
  while at <= #data do
    local free
    self.peer:wait("room in the guest's window", function()
      free = self.room - after(self.seq, self.last_ack)
      return self.reset or free >= math.min(#data - at + 1, 512)
    end)
    local piece = data:sub(at, at + math.min(self.reset and 1400 or free, 1400) - 1)
    self:segment(ACK | PSH, { data = piece })
    self.seq = self.seq + #piece & 0xffffffff
    at = at + #piece
  end
end

--- Waits until the guest's window is so wide: it grows when what comes fills it.
function Connection:widen(room)
  self:lives(("-"):rep(3000))
  self.peer:wait(("a window of %d bytes"):format(room), function()
    return self.reset or self.room >= room
  end)
end

--- Waits until exactly these bytes have come, and takes them.
function Connection:await(data, timeout)
  self.peer:wait(("%d bytes"):format(#data), function()
    return #self.received >= #data or self.reset
  end, timeout)
  if self.received ~= data then
    error(("other bytes came: %d of %d, reset: %s"):format(#self.received, #data, self.reset ~= nil), 0)
  end
  self.received = ""
end

--- The bytes there and back again: the connection lives.
function Connection:lives(data)
  data = data or "are you there?"
  self:send(data)
  self:await(data)
end

--- Waits until the guest has acknowledged all that was sent.
function Connection:acknowledged(timeout)
  self.peer:wait("an acknowledgement", function()
    return self.last_ack and after(self.last_ack, self.seq) >= 0 or self.reset
  end, timeout)
  tap.check(not self.reset, "reset")
end

--- FIN both ways.
function Connection:close(timeout)
  self:segment(FIN | ACK)
  self.seq = self.seq + 1
  self.peer:wait("the guest's FIN", function() return self.ended or self.reset end, timeout)
  self:forget()
end

--- RST, and no more of it.
function Connection:abort()
  self:segment(RST | ACK)
  self:forget()
end

function Connection:forget() self.peer.connections[key_of(self.address, self.from, self.to)] = nil end

return Peer
