-- Packets below TCP from a peer that means no good: fragments that overlap, miss or are too many, claims
-- about neighbours, routers that are none, IPv6 headers upon headers. What netd keeps of them is bounded,
-- and it goes on.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local Peer = require("peer")
local wire = require("wire")

local PORT = 5555
local BURST = 50
local NEIGHBOURS = 32  -- of each family, lwipopts.h
local MEMORY_MORE = 1 << 20
local MORE_FRAGMENTS = 0x2000

local peer = Peer.new()
local guest = Guest.start({ cpus = 2, more = peer:card() })
peer:attach(guest)

local function memory()
  return tonumber(tap.matches(guest:must([[metrics | grep 'memory_bytes{service="netd"}']]), " (%d+)$"))
end

local pings = 0
local function ping(version)
  pings = pings + 1
  local tail = "\0\7" .. (">I2"):pack(pings)
  if version == 6 then
    peer:ip6(wire.ICMP6, "\128\0\0\0" .. tail)
  else
    peer:ip(wire.ICMP, "\8\0\0\0" .. tail)
  end
  peer:expect("an answer to a ping", function(packet)
    return packet.protocol == (version == 6 and wire.ICMP6 or wire.ICMP)
      and packet.payload:byte(1) == (version == 6 and 129 or 0) and packet.payload:sub(5, 8) == tail
  end)
end

-- Sends many; the guest takes them in pieces, so that the card's ring does not become the limit.
local function many(count, send)
  for i = 1, count do
    send(i)
    if i % BURST == 0 then ping(4) end
  end
end

-- What IP carries, with its checksum.
local function inner(version, protocol, payload)
  local frame = version == 6 and wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x86dd,
      wire.ip6(Peer.ADDRESS6, Peer.GUEST6, protocol, payload))
    or wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x0800, wire.ip4(Peer.ADDRESS, Peer.GUEST, protocol, payload))
  return wire.parse(wire.right(frame)).payload
end

-- One fragment, of anything.
local function fragment(id, offset, more, bytes, protocol)
  peer:raw(wire.right(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x0800, wire.ip4(Peer.ADDRESS, Peer.GUEST,
    protocol or 254, bytes, id, (more and MORE_FRAGMENTS or 0) | offset // 8))))
end

-- What IP carries in pieces of 1000 bytes, in some order. Its own checksum is left as it is.
local function fragments(id, bytes, protocol, order)
  local frame = function(at)
    local piece = bytes:sub(at + 1, at + 1000)
    local packet = wire.ip4(Peer.ADDRESS, Peer.GUEST, protocol, piece, id,
      (at + 1000 < #bytes and MORE_FRAGMENTS or 0) | at // 8)
    packet = wire.put16(packet, 11, ~wire.sum(packet:sub(1, 20)) & 0xffff)
    peer:raw(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x0800, packet))
  end
  for _, i in ipairs(order) do frame(i * 1000) end
end

-- A datagram of several fragments comes back whole.
local identity = 100
local function fragments_work(order)
  identity = identity + 1
  local text = ("fragment %d "):format(identity):rep(300):sub(1, 3000)
  local got, parts = {}, 0
  peer:forget()
  fragments(identity, inner(4, wire.UDP, wire.udp(4000, PORT, text)), wire.UDP, order or { 0, 1, 2, 3 })
  peer:expect("the datagram", function(packet)
    if packet.protocol ~= wire.UDP then return false end
    got[(packet.fragment & 0x1fff) * 8] = packet.payload
    parts = parts + 1
    local all, at = "", 0
    while got[at] do
      all = all .. got[at]
      at = #all
    end
    return #all == #text + 8 and all:sub(9) == text
  end)
  tap.check(parts > 1, "in one piece")
end

tap.test("the guest takes the lease and listens", function()
  guest:login("root", "swordfish")
  guest:await("a lease", function() return guest:must("ip addr"):find("inet 10.9.0.2/24 dhcp", 1, true) end)
  guest:must("(udpecho -k >/dev/null 2>&1 &)")
  guest:await("the socket", function() return guest:must("ss -ul"):find(":5555 ", 1, true) end)
  guest:await("a link-local address", function()
    return guest:must("ip addr"):find("fe80::5054:ff:fe12:3456/64 link preferred", 1, true)
  end)
  ping(4)
  ping(6)
end)

tap.test("fragments: in any order, missing, over each other, too long", function()
  fragments_work()
  fragments_work({ 3, 1, 0, 2 })
  local before = memory()
  many(2000, function(i) fragment(i, 0, true, ("x"):rep(1400)) end)   -- the rest never comes
  many(500, function(i) fragment(i, 8 * (i % 64), true, ("x"):rep(16)) end)
  tap.check(memory() - before < MEMORY_MORE, "memory of netd: %d, then %d", before, memory())
  fragments_work()
  for id = 3000, 3050 do
    fragment(id, 0, true, ("a"):rep(64))
    fragment(id, 32, true, ("b"):rep(64))   -- over the first
    fragment(id, 8, true, ("c"):rep(8))     -- within it
    fragment(id, 88, false, ("d"):rep(32))
    fragment(id, 64, false, "")             -- two ends
    fragment(id, 65528, false, ("e"):rep(1400))  -- beyond 64 KiB
    fragment(id, 65528, true, ("f"):rep(1400))
  end
  for id = 4000, 4050 do
    fragment(id, 0, true, ("\0"):rep(8), wire.TCP)   -- a header in pieces
    fragment(id, 8, false, ("\255"):rep(64), wire.TCP)
  end
  ping(4)
  fragments_work()
end)

tap.test("fragments of IPv6, too", function()
  local before = memory()
  local function fragment6(id, offset, more, bytes)
    peer:ip6(44, (">BBI2I4"):pack(wire.UDP, 0, offset | (more and 1 or 0), id) .. bytes)
  end
  many(1000, function(i) fragment6(i, 0, true, ("x"):rep(1200)) end)
  for id = 5000, 5050 do
    fragment6(id, 0, true, ("a"):rep(64))
    fragment6(id, 32, true, ("b"):rep(64))
    fragment6(id, 65528, false, ("c"):rep(1200))
    fragment6(id, 0, false, "")
    fragment6(id, 8, true, "odd")
  end
  ping(6)
  tap.check(memory() - before < MEMORY_MORE, "memory of netd: %d, then %d", before, memory())
end)

tap.test("IPv6 headers upon headers", function()
  local echo = inner(6, wire.ICMP6, "\128\0\0\0\0\9\0\1")
  local function answers()
    ping(6)
    local count = 0
    for _, packet in ipairs(peer.packets) do
      if packet.protocol == wire.ICMP6 and packet.payload:byte(1) == 129 then count = count + 1 end
    end
    peer:forget()
    return count
  end
  local function sends(protocol, headers)
    peer:raw(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x86dd, wire.ip6(Peer.ADDRESS6, Peer.GUEST6, protocol,
      headers)))
  end
  peer:forget()
  -- An honest one: a hop-by-hop header of padding.
  sends(0, "\58\0\1\4\0\0\0\0" .. echo)
  peer:expect("an answer", function(packet)
    return packet.protocol == wire.ICMP6 and packet.payload:sub(5, 8) == "\0\9\0\1"
  end)
  for count = 1, 150, 7 do sends(60, ("\60\0\1\4\0\0\0\0"):rep(count - 1) .. "\58\0\1\4\0\0\0\0" .. echo) end
  sends(43, "\58\2\0\1\0\0\0\0" .. Peer.GUEST6 .. echo)          -- type 0 routing (RFC 5095)
  sends(43, "\58\2\0\255\0\0\0\0" .. Peer.GUEST6 .. echo)
  for _, protocol in ipairs({ 0, 43, 44, 50, 51, 60, 135, 139, 140, 59, 255 }) do
    sends(protocol, "")
    sends(protocol, "\58")
    sends(protocol, "\58\255" .. ("\1"):rep(6))                  -- longer than the packet
    sends(protocol, ("%c"):format(protocol) .. "\0\194\4\127\255\255\255") -- jumbo
    sends(protocol, "\58\0\1\255\0\0\0\0" .. echo)               -- an option longer than its header
    sends(protocol, "\58\0\192\4\0\0\0\0" .. echo)               -- one nobody knows
  end
  tap.check(answers() < 100, "more answers than questions")
  ping(6)
end)

tap.test("thousands of neighbours: the table is bounded, and real ones are found", function()
  many(2000, function(i)
    local number = ("%c%c"):format(i >> 8, i & 255)
    local mac, address = "\2\0\0\0" .. number, ("\10\9\0%c"):format(3 + i % 250)
    peer:raw(wire.ethernet(Peer.GUEST_MAC, mac, 0x0806,
      "\0\1\8\0\6\4\0\1" .. mac .. address .. ("\0"):rep(6) .. Peer.GUEST))
    peer:ip6(wire.ICMP6, "\135\0\0\0\0\0\0\0" .. Peer.GUEST6 .. "\1\1" .. mac,
      Peer.ADDRESS6:sub(1, 13) .. "\1" .. number)
  end)
  -- Somebody says he is the guest.
  peer:raw(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x0806, "\0\1\8\0\6\4\0\2" .. Peer.MAC .. Peer.GUEST
    .. Peer.GUEST_MAC .. Peer.GUEST))
  local four, six = 0, 0
  for line in (guest:must("ip neigh") .. "\n"):gmatch("(.-)\n") do
    if line:find("^10%.") then four = four + 1 end
    if line:find("^fe80") then six = six + 1 end
  end
  tap.note("%d and %d neighbours", four, six)
  tap.check(four <= NEIGHBOURS and six <= NEIGHBOURS, "%d and %d neighbours", four, six)
  ping(4)
  ping(6)
  tap.contains(guest:must("ping -c 1 10.9.0.2"), "1 received")  -- not by way of who says so
  peer:forget()
  guest:run("ping -c 1 -W 1 10.9.0.1")
  peer:expect("a ping of the guest's", function(packet)
    return packet.protocol == wire.ICMP and packet.payload:byte(1) == 8
  end)
end)

tap.test("a router's word counts only from the link, and only so much of it", function()
  local function advertisement(i, hops)
    local prefix = ("\xfd%c"):format(i) .. ("\0"):rep(14)
    local frame = wire.right(wire.ethernet(Peer.GUEST_MAC, Peer.MAC, 0x86dd, wire.ip6(Peer.ADDRESS6,
      Peer.GUEST6, wire.ICMP6, "\134\0\0\0\64\0\7\8\0\0\0\0\0\0\0\0\1\1" .. Peer.MAC
      .. "\3\4\64\xc0\0\1\0\0\0\1\0\0\0\0\0\0" .. prefix .. "\5\1\0\0\0\0\0\68")))
    peer:raw(frame:sub(1, 21) .. string.char(hops) .. frame:sub(23))
  end
  for i = 1, 50 do advertisement(i, 64) end
  ping(6)
  tap.lacks(guest:must("ip addr"), "inet6 fd")
  for i = 1, 200 do
    advertisement(i, 255)
    if i % BURST == 0 then ping(6) end
  end
  local _, addresses = guest:must("ip addr"):gsub("inet6 fd", "")
  tap.check(addresses >= 1 and addresses <= 5, "%d addresses", addresses)
  tap.contains(guest:must("ip addr"), "mtu 1500")
  ping(4)
end)

tap.test("nobody was started again", function()
  tap.matches(guest:must("svc list"), "netd +%S+ +%S+ +0")
  tap.matches(guest:must("svc list"), "nicd +%S+ +%S+ +0")
end)

guest:sleep(17)  -- what waits for a fragment is given up after 15 s
guest:finish(function()
  fragments_work()
  fragments_work({ 3, 1, 0, 2 })
  ping(6)
end)
tap.done()
