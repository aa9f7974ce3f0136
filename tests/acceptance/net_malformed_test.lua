-- Malformed packets of every layer. The test is the wire: QEMU's card sends and receives frames as
-- datagrams, and the test gives the lease, so that packets reach every part of the stack. Frames are good
-- ones with bytes changed, cut or grown, half of them with checksums made right again, so that they get
-- past those.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local SEED = tonumber(os.getenv("SWOS_PACKETS_SEED") or "1")
local COUNT = tonumber(os.getenv("SWOS_PACKETS_COUNT") or "12000")
local BURST = 40

local random = SEED
local function below(limit)
  random = (random * 6364136223846793005 + 1442695040888963407) & math.maxinteger
  return (random >> 33) % limit
end

local MAC, OURS = "\x52\x54\0\x12\x34\x56", "\x02\0\0\0\0\1"
local GUEST, HOST = "\10\9\0\2", "\10\9\0\1"
local GUEST6 = "\xfe\x80\0\0\0\0\0\0\x50\x54\0\xff\xfe\x12\x34\x56"
local HOST6 = "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1"

-- ---- checksums and frames

local function sum(bytes, start)
  local total = start or 0
  if #bytes % 2 == 1 then bytes = bytes .. "\0" end
  for i = 1, #bytes, 2 do total = total + (">I2"):unpack(bytes, i) end
  while total > 0xffff do total = (total & 0xffff) + (total >> 16) end
  return total
end

local function put16(bytes, at, value)
  return bytes:sub(1, at - 1) .. (">I2"):pack(value) .. bytes:sub(at + 2)
end

local PLACE = { [1] = 3, [6] = 17, [17] = 7, [58] = 3 }  -- of the checksum, from 1

-- The checksum of what IP carries, as far as there is one; pseudo: what goes before it.
local function right_inner(bytes, protocol, pseudo)
  local at = PLACE[protocol]
  if not at or #bytes < at + 1 then return bytes end
  bytes = put16(bytes, at, 0)
  return put16(bytes, at, ~sum(bytes, pseudo) & 0xffff)
end

-- A frame with the checksums its bytes should have, where its lengths make sense.
local function right(frame)
  local kind = #frame >= 34 and (">I2"):unpack(frame, 13)
  if kind == 0x0800 then
    local header = (frame:byte(15) & 15) * 4
    local packet = frame:sub(15)
    if header < 20 or #packet < header then return frame end
    packet = put16(packet, 11, 0)
    packet = put16(packet, 11, ~sum(packet:sub(1, header)) & 0xffff)
    local total, protocol = (">I2"):unpack(packet, 3), packet:byte(10)
    local inner = packet:sub(header + 1, math.max(total, header))
    local pseudo = protocol == 1 and 0 or sum(packet:sub(13, 20) .. (">I2I2"):pack(protocol, #inner))
    return frame:sub(1, 14) .. packet:sub(1, header) .. right_inner(inner, protocol, pseudo)
      .. packet:sub(header + #inner + 1)
  elseif kind == 0x86dd and #frame >= 54 then
    local protocol, inner = frame:byte(21), frame:sub(55)
    return frame:sub(1, 54)
      .. right_inner(inner, protocol, sum(frame:sub(23, 54) .. (">I4I4"):pack(#inner, protocol)))
  end
  return frame
end

local function ethernet(kind, payload, to) return (to or MAC) .. OURS .. (">I2"):pack(kind) .. payload end

local function ip4(protocol, payload, fragment)
  return right(ethernet(0x0800, (">BBI2I2I2BBI2"):pack(0x45, 0, 20 + #payload, below(65536), fragment or 0,
    64, protocol, 0) .. HOST .. GUEST .. payload))
end

local function ip6(protocol, payload)
  return right(ethernet(0x86dd, (">I4I2BB"):pack(0x60000000, #payload, protocol, 255) .. HOST6 .. GUEST6
    .. payload))
end

local function udp(from, to, payload) return (">I2I2I2I2"):pack(from, to, 8 + #payload, 0) .. payload end

local function tcp(flags, options, payload, sequence)
  options = options .. ("\0"):rep(-#options % 4)
  return (">I2I2I4I4BBI2I2I2"):pack(40000 + below(8), 5555, sequence or 1000,
    below(2) * 77, (5 + #options // 4) << 4, flags, 65535, 0, 0) .. options .. (payload or "")
end

local function dhcp(message, xid)
  return ethernet(0x0800, (">BBI2I2I2BBI2"):pack(0x45, 0, 0, 1, 0, 64, 17, 0) .. HOST
    .. "\255\255\255\255") .. udp(67, 68, "\2\1\6\0" .. xid .. ("\0"):rep(8)
    .. GUEST .. HOST .. ("\0"):rep(4) .. MAC .. ("\0"):rep(10 + 192) .. "\x63\x82\x53\x63\53\1" .. message
    .. "\54\4" .. HOST .. "\51\4\0\1\0\0\1\4\255\255\255\0\3\4" .. HOST .. "\6\4" .. HOST .. "\255")
end

local function dhcp_frame(message, xid)
  local frame = dhcp(message, xid)
  return right(put16(frame, 17, #frame - 14))
end

-- What is good before it is changed.
local SEEDS = {
  function() return ethernet(0x0806, "\0\1\8\0\6\4\0\1" .. OURS .. HOST .. ("\0"):rep(6) .. GUEST) end,
  function() return ip4(1, "\8\0\0\0\0\1\0\2" .. ("ping"):rep(10)) end,
  function() return ip4(1, "\3\3\0\0\0\0\0\0" .. ("\x45"):rep(28)) end,
  function() return ip4(17, udp(7, 5555, ("datagram"):rep(below(20)))) end,
  function()
    return ip4(17, udp(53, 49152 + below(16384), ("\0\1\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\1\0\1"):rep(2)))
  end,
  function() return ip4(17, ("fragment"):rep(8), 0x2000 | below(40)) end,
  function() return ip4(17, ("fragment"):rep(8), below(40)) end,
  function() return ip4(6, tcp(2, "\2\4\5\xb4\3\3\7\4\2\8\10\0\0\0\1\0\0\0\0")) end,
  function() return ip4(6, tcp(0x10, "", "")) end,
  function()
    return ip4(6, tcp(0x18, "\5\10\0\0\0\1\0\0\0\9", ("bytes"):rep(below(100)), 1001 + below(3) * 100))
  end,
  function() return ip4(6, tcp(below(64), "", "")) end,
  function() return dhcp_frame("\5", ("\1"):rep(4)) end,
  function() return ip6(58, "\128\0\0\0\0\1\0\2" .. ("ping"):rep(10)) end,
  function() return ip6(58, "\135\0\0\0\0\0\0\0" .. GUEST6 .. "\1\1" .. OURS) end,
  function() return ip6(58, "\136\0\0\0\x60\0\0\0" .. HOST6 .. "\2\1" .. OURS) end,
  function()
    return ip6(58, "\134\0\0\0\64\0\7\8\0\0\0\0\0\0\0\0\1\1" .. OURS .. "\3\4\64\xc0\0\1\0\0\0\1\0\0\0\0\0\0"
      .. "\xfd\0" .. ("\0"):rep(14) .. "\25\3\0\0\0\0\1\0" .. HOST6 .. "\5\1\0\0\0\0\5\xdc")
  end,
  function() return ip6(58, "\130\0\0\0\0\1\0\0" .. ("\0"):rep(16)) end,
  function() return ip6(44, "\17\0\0\1\0\0\0\1" .. ("fragment"):rep(8)) end,
  function() return ip6(0, "\58\0\5\2\0\0\1\0\128\0\0\0\0\1\0\2") end,
  function() return ip6(17, udp(7, 5555, "datagram")) end,
  function() return ip6(6, tcp(2, "\2\4\5\xb4", "")) end,
}

local function changed(frame)
  for _ = 1, below(4) do
    local at = 13 + below(math.max(#frame - 12, 1))
    frame = frame:sub(1, at - 1) .. string.char(below(3) == 0 and 255 or below(256)) .. frame:sub(at + 1)
  end
  local how = below(12)
  if how == 0 then frame = frame:sub(1, 14 + below(math.max(#frame - 13, 1))) end
  if how == 1 then frame = frame .. ("\xa5"):rep(below(1400)) end
  return below(2) == 0 and right(frame) or frame
end

-- ---- the wire

local here, there = network.free_port("udp"), network.free_port("udp")
local wire = uv.new_udp()
assert(wire:bind("127.0.0.1", here))
local came, leased = 0, 0
wire:recv_start(function(_, frame)
  if not frame then return end
  came = came + 1
  local message = #frame > 286 and frame:sub(24, 24) == "\17" and frame:sub(37, 38) == "\0\67"
    and frame:match("\x63\x82\x53\x63.-\53\1(.)")
  if message == "\1" or message == "\3" then
    leased = leased + 1
    wire:send(dhcp_frame(message == "\1" and "\2" or "\5", frame:sub(47, 50)), "127.0.0.1", there)
  end
end)

local guest = Guest.start({ cpus = 2, more = { "-netdev",
  ("socket,id=n0,udp=127.0.0.1:%d,localaddr=127.0.0.1:%d"):format(here, there),
  "-device", "virtio-net-device,netdev=n0" } })

local function restarts()
  local list = guest:must("svc list")
  return tonumber(list:match("netd +%S+ +%S+ +(%d+)")), tonumber(list:match("nicd +%S+ +%S+ +(%d+)"))
end

tap.test("the guest takes the lease", function()
  guest:login("root", "swordfish")
  for _ = 1, 80 do
    if guest:must("ip addr"):find("inet 10.9.0.2/24 dhcp", 1, true) then break end
    guest:sleep(0.25)
  end
  tap.contains(guest:must("ip addr"), "inet 10.9.0.2/24 dhcp")
  tap.check(leased >= 2, "no lease was asked for")
  network.background(guest, "tcp", "tcpecho -k", "tcpecho: listening on 5555")
  network.background(guest, "udp", "udpecho -k", "udpecho: listening on 5555")
end)

tap.test(("%d malformed packets (seed %d)"):format(COUNT, SEED), function()
  local before = came
  for i = 1, COUNT do
    wire:send(changed(SEEDS[1 + below(#SEEDS)]()), "127.0.0.1", there)
    if i % BURST == 0 then guest:sleep(0.02) end
  end
  guest:sleep(1)
  tap.check(came > before + COUNT // 50, "only %d frames were answered", came - before)
  tap.note("%d frames came back", came - before)
  local netd, nicd = restarts()
  if netd ~= 0 then tap.note("%s", guest:must("svc logs netd")) end
  tap.equal(netd, 0, "restarts of netd")
  tap.equal(nicd, 0, "restarts of nicd")
  tap.contains(guest:must("ping -c 1 127.0.0.1"), "1 received")
end)

tap.done()
