-- Frames as they lie on an Ethernet: made, with the checksums their bytes should have, and taken apart.
-- Addresses are strings of bytes, 4 or 16 of them.

local uv = require("luv")
local network = require("network")

local M = {}

M.TCP, M.UDP, M.ICMP, M.ICMP6 = 6, 17, 1, 58
M.FIN, M.SYN, M.RST, M.PSH, M.ACK = 1, 2, 4, 8, 16

local PLACE = { [1] = 3, [6] = 17, [17] = 7, [58] = 3 }  -- of the checksum, from 1

--- The sum of 16-bit words that checksums are the complement of (RFC 1071).
function M.sum(bytes, start)
  local total = start or 0
  if #bytes % 2 == 1 then bytes = bytes .. "\0" end
  for i = 1, #bytes, 2 do total = total + (">I2"):unpack(bytes, i) end
  while total > 0xffff do total = (total & 0xffff) + (total >> 16) end
  return total
end

function M.put16(bytes, at, value)
  return bytes:sub(1, at - 1) .. (">I2"):pack(value) .. bytes:sub(at + 2)
end

-- What IP carries with its checksum, as far as it has one; pseudo: the sum of what goes before it.
local function right_inner(bytes, protocol, pseudo)
  local at = PLACE[protocol]
  if not at or #bytes < at + 1 then return bytes end
  bytes = M.put16(bytes, at, 0)
  return M.put16(bytes, at, ~M.sum(bytes, pseudo) & 0xffff)
end

--- A frame with the checksums its bytes should have, where its lengths make sense.
function M.right(frame)
  local kind = #frame >= 34 and (">I2"):unpack(frame, 13)
  if kind == 0x0800 then
    local header = (frame:byte(15) & 15) * 4
    local packet = frame:sub(15)
    if header < 20 or #packet < header then return frame end
    packet = M.put16(packet, 11, 0)
    packet = M.put16(packet, 11, ~M.sum(packet:sub(1, header)) & 0xffff)
    local total, protocol = (">I2"):unpack(packet, 3), packet:byte(10)
    local inner = packet:sub(header + 1, math.max(total, header))
    local pseudo = protocol == 1 and 0 or M.sum(packet:sub(13, 20) .. (">I2I2"):pack(protocol, #inner))
    return frame:sub(1, 14) .. packet:sub(1, header) .. right_inner(inner, protocol, pseudo)
      .. packet:sub(header + #inner + 1)
  elseif kind == 0x86dd and #frame >= 54 then
    local protocol, inner = frame:byte(21), frame:sub(55)
    return frame:sub(1, 54)
      .. right_inner(inner, protocol, M.sum(frame:sub(23, 54) .. (">I4I4"):pack(#inner, protocol)))
  end
  return frame
end

function M.ethernet(to, from, kind, payload) return to .. from .. (">I2"):pack(kind) .. payload end

--- An IPv4 packet without its checksum; fragment: flags and offset.
function M.ip4(from, to, protocol, payload, id, fragment)
  return (">BBI2I2I2BBI2"):pack(0x45, 0, 20 + #payload, id or 1, fragment or 0, 64, protocol, 0)
    .. from .. to .. payload
end

function M.ip6(from, to, protocol, payload)
  return (">I4I2BB"):pack(0x60000000, #payload, protocol, 255) .. from .. to .. payload
end

function M.udp(from, to, payload) return (">I2I2I2I2"):pack(from, to, 8 + #payload, 0) .. payload end

--- A TCP segment: from, to, seq, ack, flags, window, options, data.
function M.tcp(segment)
  local options = segment.options or ""
  options = options .. ("\0"):rep(-#options % 4)
  return (">I2I2I4I4BBI2I2I2"):pack(segment.from, segment.to, segment.seq & 0xffffffff,
    (segment.ack or 0) & 0xffffffff, (5 + #options // 4) << 4, segment.flags, segment.window or 65535, 0, 0)
    .. options .. (segment.data or "")
end

--- The frame of a DHCP server's message. fields: message (2 offer, 5 ack, 6 nak), xid, address, server, to
--- and from (cards), options (bytes of more of them).
function M.dhcp(fields)
  local yours = fields.message == 6 and ("\0"):rep(4) or fields.address
  local payload = M.udp(67, 68, "\2\1\6\0" .. fields.xid .. ("\0"):rep(8) .. yours .. fields.server
    .. ("\0"):rep(4) .. fields.to .. ("\0"):rep(10 + 192) .. "\x63\x82\x53\x63\53\1"
    .. string.char(fields.message) .. "\54\4" .. fields.server .. "\1\4\255\255\255\0\3\4" .. fields.server
    .. "\6\4" .. fields.server .. fields.options .. "\255")
  return M.right(M.ethernet(fields.to, fields.from, 0x0800,
    M.ip4(fields.server, "\255\255\255\255", M.UDP, payload)))
end

--- What a frame of a DHCP client says: its message (1 discover, 3 request, 7 release), its number, and the
--- address the client has. nil: it is none.
function M.dhcp_asked(frame)
  if #frame <= 286 or frame:sub(24, 24) ~= "\17" or frame:sub(37, 38) ~= "\0\67" then return nil end
  local message = frame:match("\x63\x82\x53\x63.-\53\1(.)")
  return message and message:byte(), frame:sub(47, 50), frame:sub(55, 58)
end

--- A card whose other end is the test, frame by frame in datagrams (some may be lost, as on any wire):
--- `arguments` of QEMU, send(frame); on_frame(frame) is called with what the guest sends.
function M.start(on_frame)
  local here, there = network.free_port("udp"), network.free_port("udp")
  local socket = uv.new_udp()
  assert(socket:bind("127.0.0.1", here))
  local self = { arguments = { "-netdev",
    ("socket,id=n0,udp=127.0.0.1:%d,localaddr=127.0.0.1:%d"):format(here, there),
    "-device", "virtio-net-device,netdev=n0" } }
  function self.send(_, frame) socket:send(frame, "127.0.0.1", there) end
  socket:recv_start(function(_, frame)
    if frame then on_frame(frame) end
  end)
  return self
end

-- Options of a TCP header as a table: mss, scale, sack_permitted, stamp, echo, sacks.
local function options_of(bytes)
  local found, at = {}, 1
  while at <= #bytes do
    local kind, length = bytes:byte(at), bytes:byte(at + 1) or 0
    if kind == 0 then break end
    if kind == 1 then
      at = at + 1
    else
      if length < 2 or at + length - 1 > #bytes then break end
      if kind == 2 then found.mss = (">I2"):unpack(bytes, at + 2) end
      if kind == 3 then found.scale = bytes:byte(at + 2) end
      if kind == 4 then found.sack_permitted = true end
      if kind == 5 then
        found.sacks = {}
        for place = at + 2, at + length - 8, 8 do
          local left, right = (">I4I4"):unpack(bytes, place)
          found.sacks[#found.sacks + 1] = { left, right }
        end
      end
      if kind == 8 then found.stamp, found.echo = (">I4I4"):unpack(bytes, at + 2) end
      at = at + length
    end
  end
  return found
end

--- A frame taken apart: kind; of IP packets version, source, target, protocol, payload; of TCP segments
--- `tcp` besides. Nil for what is none of them or is cut.
function M.parse(frame)
  if #frame < 14 then return nil end
  local out = { kind = (">I2"):unpack(frame, 13), mac = frame:sub(7, 12), to = frame:sub(1, 6) }
  if out.kind == 0x0806 then
    out.payload = frame:sub(15)
    return #out.payload >= 28 and out or nil
  elseif out.kind == 0x0800 and #frame >= 34 then
    local header, total = (frame:byte(15) & 15) * 4, (">I2"):unpack(frame, 17)
    out.version, out.protocol, out.ttl = 4, frame:byte(24), frame:byte(23)
    out.id, out.fragment = (">I2I2"):unpack(frame, 19)
    out.source, out.target = frame:sub(27, 30), frame:sub(31, 34)
    out.payload = frame:sub(15 + header, 14 + total)
  elseif out.kind == 0x86dd and #frame >= 54 then
    out.version, out.protocol, out.ttl = 6, frame:byte(21), frame:byte(22)
    out.source, out.target = frame:sub(23, 38), frame:sub(39, 54)
    out.payload = frame:sub(55, 54 + (">I2"):unpack(frame, 19))
  else
    return nil
  end
  local payload = out.payload
  if out.protocol == M.TCP and #payload >= 20 then
    local segment = {}
    segment.from, segment.to, segment.seq, segment.ack, segment.header, segment.flags, segment.window =
      (">I2I2I4I4BBI2"):unpack(payload)
    segment.header = (segment.header >> 4) * 4
    segment.options = options_of(payload:sub(21, segment.header))
    segment.data = payload:sub(segment.header + 1)
    out.tcp = segment
  end
  return out
end

return M
