-- Malformed packets of every layer. The test is the wire: QEMU's card sends and receives frames as
-- datagrams, and the test gives the lease, so that packets reach every part of the stack. Frames are good
-- ones with bytes changed, cut or grown, half of them with checksums made right again, so that they get
-- past those.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local network = require("network")
local wire = require("wire")
local right, udp = wire.right, wire.udp

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

local function ethernet(kind, payload) return wire.ethernet(MAC, OURS, kind, payload) end

local function ip4(protocol, payload, fragment)
  return right(ethernet(0x0800, wire.ip4(HOST, GUEST, protocol, payload, below(65536), fragment)))
end

local function ip6(protocol, payload)
  return right(ethernet(0x86dd, wire.ip6(HOST6, GUEST6, protocol, payload)))
end

local function tcp(flags, options, payload, sequence)
  return wire.tcp({ from = 40000 + below(8), to = 5555, seq = sequence or 1000, ack = below(2) * 77,
    flags = flags, options = options, data = payload })
end

local function dhcp_frame(message, xid)
  return wire.dhcp({ message = message, xid = xid, address = GUEST, server = HOST, to = MAC, from = OURS,
    options = "\51\4\0\1\0\0" })
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
  function() return dhcp_frame(5, ("\1"):rep(4)) end,
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

local came, leased = 0, 0
local card
card = wire.start(function(frame)
  came = came + 1
  local message, xid = wire.dhcp_asked(frame)
  if message == 1 or message == 3 then
    leased = leased + 1
    card:send(dhcp_frame(message == 1 and 2 or 5, xid))
  end
end)

local guest = Guest.start({ cpus = 2, more = card.arguments })

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
    card:send(changed(SEEDS[1 + below(#SEEDS)]()))
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
