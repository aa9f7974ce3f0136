-- A peer that breaks the rules of TCP in every way: what it sends is as the test says (tests/lib/peer.lua).
-- Connections live on, get the right bytes, and what netd keeps is bounded and given back.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local Peer = require("peer")
local wire = require("wire")

local PORT = 5555
local FULL = "\2\4\5\xb4\4\2\8\10\0\0\0\1\0\0\0\0\1\3\3\7"  -- MSS, SACK, timestamps, scale 7
local SACK = "\2\4\5\xb4\4\2\1\1"
local FIN, SYN, RST, PSH, ACK = wire.FIN, wire.SYN, wire.RST, wire.PSH, wire.ACK
local FLOOD, CONNECTS, STORM = 5000, 10000, 5000
local MANY_PORTS = 400
local ZERO_WINDOW = 125  -- seconds
local MEMORY_MORE = 4 << 20
local BURST = 100
local TOGETHER = 20
local LATE, LATE_BYTES = 8, 48000

local peer = Peer.new()
local guest = Guest.start({ cpus = 2, more = peer:card(), allow = { "overdue" } })
peer:attach(guest)

local function memory()
  return tonumber(tap.matches(guest:must([[metrics | grep 'memory_bytes{service="netd"}']]), " (%d+)$"))
end

local function bytes(count)
  local list = {}
  for i = 1, count do list[i] = string.char((i * 7 + (i >> 8)) & 255) end
  return table.concat(list)
end

-- Goes through the numbers in a mixed but fixed order.
local function shuffled(count)
  local order, state = {}, 12345
  for i = 1, count do order[i] = i end
  for i = count, 2, -1 do
    state = (state * 1103515245 + 12345) & 0x7fffffff
    local j = (state >> 8) % i + 1
    order[i], order[j] = order[j], order[i]
  end
  return order
end

-- What was sent before has been handled: the guest answers a ping.
local pings = 0
local function caught_up()
  pings = pings + 1
  local number = (">I2"):pack(pings)
  peer:ip(wire.ICMP, "\8\0\0\0\0\7" .. number)
  peer:expect("an answer to a ping", function(packet)
    return packet.protocol == wire.ICMP and packet.payload:sub(1, 1) == "\0"
      and packet.payload:sub(5, 8) == "\0\7" .. number
  end)
end

-- Sends many; the guest takes them in pieces, so that the card's ring does not become the limit.
local function many(count, send)
  for i = 1, count do
    send(i)
    if i % BURST == 0 then caught_up() end
  end
  caught_up()
end

local stuck, stuck_since  -- a connection whose window is closed for minutes

tap.test("the guest takes the lease and listens", function()
  guest:login("root", "swordfish")
  guest:await("a lease", function() return guest:must("ip addr"):find("inet 10.9.0.2/24 dhcp", 1, true) end)
  guest:must("(tcpecho -k >/dev/null 2>&1 &)")
  guest:await("the listener", function() return guest:must("ss -tl"):find(":5555 ", 1, true) end)
  peer:connect(PORT):close()
  stuck = peer:connect(PORT, { capacity = 500 })
  stuck:lives()
  stuck.segments, stuck.window = {}, 500
  stuck:send(bytes(3000))
  stuck:acknowledged()
  stuck_since = uv.hrtime()
end)

tap.test("options are used as agreed, and only then", function()
  local all = peer:connect(PORT, { syn_options = FULL })
  local options = all.syn.options
  tap.equal(options.mss, 1460)
  tap.equal(options.sack_permitted, true)
  tap.check(options.scale, "no window scale")
  tap.equal(options.echo, 1, "timestamp echoed")
  all:lives()
  local last = all.segments[#all.segments]
  tap.check(last.options.stamp and last.options.echo > 1 and last.options.echo <= all.clock,
    "timestamp echoed: %s, sent: %s", last.options.echo, all.clock)
  all:close()
  local none = peer:connect(PORT, { syn_options = "" })
  options = none.syn.options
  tap.check(not options.scale and not options.stamp and not options.sack_permitted, "not asked for")
  none:lives()
  none:send(bytes(1000))
  none:await(bytes(1000))
  for _, segment in ipairs(none.segments) do
    tap.check(not segment.options.stamp, "a timestamp nobody agreed to")
    tap.check(#segment.data <= 536, "%d bytes to one who named no size", #segment.data)
  end
  none:close()
end)

-- The guest may look when only some are there: what counts is that it happens.
tap.test("segments that come together are acknowledged together", function()
  guest:must("(tcpload -k sink 5600 >/dev/null 2>&1 &)")
  guest:await("the sink", function() return guest:must("ss -tl"):find(":5600 ", 1, true) end)
  local connection, piece, fewest = peer:connect(5600), bytes(1000), math.huge
  peer:wait("a window for all", function() return connection.room >= TOGETHER * #piece end)
  for _ = 1, 200 do
    connection.segments = {}
    peer:together(function()
      for _ = 1, TOGETHER do
        connection:segment(ACK | PSH, { data = piece })
        connection.seq = connection.seq + #piece & 0xffffffff
      end
    end)
    connection:acknowledged()
    fewest = math.min(fewest, #connection.segments)
    if fewest <= TOGETHER // 5 then break end
  end
  tap.note("%d segments, %d acknowledgements", TOGETHER, fewest)
  tap.check(fewest <= TOGETHER // 5, "%d acknowledgements of %d segments", fewest, TOGETHER)
  connection:close()
end)

-- While its window is low the acknowledgement waits for a program to read, but not for as long as lwIP's
-- timer would let it, a quarter of a second: a sender takes what it sent for lost after 200 ms. The program
-- sleeps for longer than either.
tap.test("a program that reads late: an acknowledgement in time, a window when it has read", function()
  local program = ([[local swos, net = require("swos"), require("swos.net")
    local connection = assert(assert(net.listen(5601)):accept(nil, { ring = 65536 }))
    for _ = 1, %d do
      swos.sleep(0.4)
      local left = %d
      while left > 0 do left = left - #assert(connection:read(left)) end
    end
    connection:close()]]):format(LATE, LATE_BYTES):gsub("%s+", " ")
  guest:must(("(lua -e '%s' >/tmp/late 2>&1 &)"):format(program))
  guest:await("the reader", function() return guest:must("ss -tl"):find(":5601 ", 1, true) end)
  local connection, piece, times, early = peer:connect(5601), bytes(1000), {}, 0
  for round = 1, LATE do
    peer:wait("a window for all", function() return connection.room >= LATE_BYTES end)
    local began = uv.hrtime()
    peer:together(function()
      for _ = 1, LATE_BYTES // #piece do
        connection:segment(ACK | PSH, { data = piece })
        connection.seq = connection.seq + #piece & 0xffffffff
      end
    end)
    connection:acknowledged()
    local took = (uv.hrtime() - began) / 1e6
    times[round] = ("%.0f"):format(took)
    if took < 100 then early = early + 1 end
  end
  tap.note("acknowledged after %s ms", table.concat(times, " "))
  tap.check(early >= LATE - 1, "%d of %d in time", early, LATE)
  connection:close()
  tap.equal(guest:must("cat /tmp/late; rm /tmp/late"), "")
end)

-- What is read first is too little to tell the peer of; it must not make netd forget to tell of the rest. The
-- program sleeps so that both segments are there, and netd has seen to what was read first.
tap.test("a small window grows again though it is read in pieces", function()
  local program = [[local swos, net = require("swos"), require("swos.net")
    local connection = assert(assert(net.listen(5602)):accept(nil, { ring = 4096 }))
    for _, count in ipairs({ 1000, 1920 }) do
      swos.sleep(0.5)
      assert(#connection:read(count) == count)
    end
    assert(connection:read() == "")]]
  guest:must(("(lua -e '%s' >/tmp/small 2>&1 &)"):format((program:gsub("%s+", " "))))
  guest:await("the reader", function() return guest:must("ss -tl"):find(":5602 ", 1, true) end)
  local connection, piece = peer:connect(5602), bytes(1460)
  peer:wait("a window for both", function() return connection.room >= 2 * #piece end)
  peer:together(function()
    for _ = 1, 2 do
      connection:segment(ACK | PSH, { data = piece })
      connection.seq = connection.seq + #piece & 0xffffffff
    end
  end)
  connection:acknowledged()
  peer:wait("the whole window", function() return connection.room >= 4000 end, 30)
  connection:close()
  tap.equal(guest:must("cat /tmp/small; rm /tmp/small"), "")
end)

tap.test("segments out of order, twice, and over each other: right bytes, SACK tells of them", function()
  local connection, data = peer:connect(PORT, { syn_options = SACK }), bytes(12000)
  connection:widen(#data)
  local start, sacks = connection.seq, 0
  for _, i in ipairs(shuffled(60)) do  -- each overlaps its neighbours
    local at = (i - 1) * 200
    connection:segment(ACK | PSH, { seq = start + math.max(at - 70, 0),
      data = data:sub(math.max(at - 69, 1), at + 270) })
  end
  connection.seq = start + #data
  connection:acknowledged()
  connection:await(data)
  for _, segment in ipairs(connection.segments) do
    for _, block in ipairs(segment.options.sacks or {}) do
      sacks = sacks + 1
      local left, right = Peer.after(block[1], start), Peer.after(block[2], start)
      tap.check(left > 0 and left < right and right <= #data, "SACK %d to %d", left, right)
    end
  end
  tap.check(sacks > 0, "no SACK")
  connection:lives()
  connection:close()
end)

tap.test("every second byte of a window, on many connections: bounded memory, right bytes", function()
  local before, connections, data = memory(), {}, bytes(8000)
  for i = 1, 8 do
    connections[i] = peer:connect(PORT, { syn_options = SACK })
    connections[i]:widen(#data)
  end
  for _, connection in ipairs(connections) do
    many(#data // 2, function(i)
      connection:segment(ACK, { seq = connection.seq + 2 * i - 1, data = data:sub(2 * i, 2 * i) })
    end)
  end
  local during = memory()
  tap.note("memory of netd: %d, then %d", before, during)
  tap.check(during - before < MEMORY_MORE, "%d bytes more", during - before)
  for _, connection in ipairs(connections) do
    connection:send(data)
    connection:await(data)
    connection:close()
  end
end)

tap.test("wrong checksums, wrong sequence numbers, acknowledgements of what was never sent", function()
  local connection = peer:connect(PORT)
  connection:lives()
  connection:segment(ACK | PSH, { data = "evil", bad = true })
  for _, seq in ipairs({ -4, -70000, 70000, 0x7fffffff, 0x80000000 }) do
    connection:segment(ACK | PSH, { seq = connection.seq + seq, data = "evil" })
  end
  caught_up()
  for _, ack in ipairs({ 1, 1000, 70000, 0x7fffffff, -0x7fffffff, -1 }) do
    connection:segment(ACK, { ack = connection.ack + ack })
  end
  caught_up()
  tap.equal(connection.received, "")
  tap.check(not connection.reset, "reset")
  connection:lives()
  connection:close()
end)

tap.test("only a reset that hits the next byte ends a connection; others are asked about", function()
  local connection = peer:connect(PORT)
  connection:lives()
  local asked = #connection.segments
  many(STORM, function(i)
    local off = i % 3 == 0 and i % 16000 + 1 or (i * 0x9e3779b1 & 0x3fffffff) + 70000
    connection:segment(RST, { seq = connection.seq + off })
  end)
  local answers = #connection.segments - asked
  tap.check(answers > 0, "no challenge")
  tap.check(answers <= STORM // 3 + 10, "%d answers to %d resets", answers, STORM)
  connection:lives()
  asked = #connection.segments
  for _, seq in ipairs({ 0, 5, -1, 100000 }) do
    connection:segment(SYN, { seq = connection.seq + seq })
    connection:segment(SYN | ACK, { seq = connection.seq + seq })
  end
  caught_up()
  tap.check(#connection.segments > asked and not connection.reset, "SYN is to be asked about")
  connection:lives()
  connection:segment(RST)
  caught_up()
  connection:segment(ACK | PSH, { data = "anybody?" })
  peer:wait("RST of a connection that is gone", function() return connection.reset end)
  connection:forget()
end)

tap.test("a storm of acknowledgements is answered by nobody", function()
  local connection = peer:connect(PORT)
  connection:lives()
  local before = #connection.segments
  many(STORM, function(i) connection:segment(ACK, { window = i % 2 == 0 and 20000 or 30000 }) end)
  tap.check(#connection.segments - before < 10, "%d answers", #connection.segments - before)
  connection:lives()
  connection:close()
end)

-- The first segment of a connection nobody means, of an address nobody has.
local function forged(i, flags)
  peer:ip(wire.TCP, wire.tcp({ from = 1024 + i, to = PORT, seq = i * 7919 + (flags and 1 or 0),
    flags = flags or SYN, options = "\2\4\5\xb4" }), ("\10\7%c%c"):format(i >> 8 & 255, i & 255))
end

tap.test(("%d SYNs of forged addresses: the listener goes on, bounded memory"):format(FLOOD), function()
  local before, each = memory(), FLOOD // 5
  local alive = peer:connect(PORT)
  for round = 1, 5 do
    many(each, function(i) forged((round - 1) * each + i) end)
    local connection = peer:connect(PORT)
    connection:lives(("round %d"):format(round))
    connection:close()
    alive:lives()
    peer:forget()
  end
  alive:close()
  local during = memory()
  tap.note("memory of netd: %d, then %d", before, during)
  tap.check(during - before < MEMORY_MORE, "%d bytes more", during - before)
end)

tap.test("FIN in strange states", function()
  -- Before the data it follows.
  local connection = peer:connect(PORT)
  local start = connection.seq
  connection:segment(FIN | ACK, { seq = start + 5 })
  caught_up()
  tap.check(not connection.ended, "the end came before the data")
  connection:segment(ACK | PSH, { seq = start, data = "hello" })
  connection.seq = start + 6
  connection:await("hello")
  peer:wait("the guest's FIN", function() return connection.ended end)
  connection:forget()
  -- Again and again, with data, with more data behind it.
  connection = peer:connect(PORT)
  start = connection.seq
  for _ = 1, 5 do connection:segment(FIN | ACK | PSH, { data = "last" }) end
  connection:segment(ACK | PSH, { seq = start + 5, data = "late" })
  connection.seq = start + 5
  connection:await("last")
  peer:wait("the guest's FIN", function() return connection.ended or connection.reset end)
  connection:forget()
  -- Both at once: ours crosses the guest's.
  connection = peer:connect(PORT)
  connection.answers = false
  connection:segment(FIN | ACK)
  peer:wait("the guest's FIN", function() return connection.ended end)
  connection:segment(FIN | ACK, { ack = connection.ack - 1 })
  connection.seq = connection.seq + 1
  connection:segment(ACK)
  connection:forget()
  -- To nobody, with SYN, with everything, with nothing.
  for i, flags in ipairs({ FIN, FIN | ACK, SYN | FIN, SYN | RST, SYN | FIN | RST | PSH | ACK | 32, 0 }) do
    for _, port in ipairs({ PORT, 5556 }) do
      peer:ip(wire.TCP, wire.tcp({ from = 900 + i, to = port, seq = 77, ack = 99, flags = flags }))
    end
  end
  caught_up()
  -- In the middle of the handshake.
  connection = peer:end_of(PORT)
  connection:segment(SYN, { options = "\2\4\5\xb4", ack = 0 })
  connection.seq = connection.seq + 1
  peer:wait("an answer to SYN", function() return connection.syn end)
  connection:segment(FIN | ACK)
  connection.seq = connection.seq + 1
  peer:wait("the guest's FIN", function() return connection.ended end)
  connection:forget()
  peer:connect(PORT):lives()
end)

tap.test("ICMP errors that lie about a connection do not end it", function()
  local connection = peer:connect(PORT)
  connection:lives()
  local quoted = wire.ip4(Peer.GUEST, Peer.ADDRESS, wire.TCP,
    (">I2I2I4"):pack(PORT, connection.from, connection.ack))
  for code = 0, 15 do peer:ip(wire.ICMP, (">BBI2I2I2"):pack(3, code, 0, 0, 68) .. quoted) end
  peer:ip(wire.ICMP, (">BBI2I4"):pack(4, 0, 0, 0) .. quoted)
  peer:ip(wire.ICMP, (">BBI2I4"):pack(11, 0, 0, 0) .. quoted)
  peer:ip(wire.ICMP, (">BBI2I4"):pack(12, 0, 0, 0) .. quoted)
  peer:ip(wire.ICMP, (">BBI2I4"):pack(5, 1, 0, 0x0a090063) .. quoted)
  connection:lives(bytes(3000))
  tap.check(not connection.reset, "reset")
  connection:close()
end)

tap.test("a window of one byte: it comes byte by byte", function()
  local connection = peer:connect(PORT, { window = 1 })
  connection:send("slowly")
  connection:await("slowly", 120)
  for _, segment in ipairs(connection.segments) do
    tap.check(#segment.data <= 1, "%d bytes", #segment.data)
  end
  connection.window = 65535
  connection:send("!")
  connection:await("!")
  connection:lives(bytes(5000))
  connection:close()
end)

tap.test("initial sequence numbers: no pattern over ports, the clock's pace for one (RFC 6528)", function()
  local numbers, high = {}, {}
  for i = 1, 256 do
    local connection = peer:connect(PORT)
    numbers[i] = connection.iss
    high[connection.iss >> 28] = (high[connection.iss >> 28] or 0) + 1
    connection:abort()
  end
  local chi = 0
  for i = 0, 15 do chi = chi + ((high[i] or 0) - 16) ^ 2 / 16 end
  tap.check(chi < 60, "sixteenths: chi square %g", chi)  -- 15 degrees: once in 10 million by chance
  local near = 0
  for i = 2, #numbers do
    if math.abs(Peer.after(numbers[i], numbers[i - 1])) < 1 << 24 then near = near + 1 end
  end
  tap.check(near < 16, "%d of 255 lie near the one before", near)
  local from, last = peer:next_port(), nil
  for _ = 1, 5 do
    local began = uv.hrtime()
    local connection = peer:connect(PORT, { from = from })
    if last then
      local step = Peer.after(connection.iss, last.iss)
      tap.check(step > 0, "it went back")
      local passed = uv.hrtime() - last.began
      tap.check(step <= passed / 4000 + 250000, "%d in %d ns", step, passed)
    end
    last = { iss = connection.iss, began = began }
    connection:abort()
  end
end)

tap.test("ports of the guest's own connections are not to be guessed, nor the same again soon", function()
  local ports, seen = {}, {}
  peer.on_segment = function(packet)
    if packet.tcp.to ~= 7000 then return false end
    if packet.tcp.flags & SYN ~= 0 then
      ports[#ports + 1] = packet.tcp.from
      peer:ip(wire.TCP, wire.tcp({ from = 7000, to = packet.tcp.from, seq = 0, ack = packet.tcp.seq + 1,
        flags = RST | ACK }))
    end
    return true
  end
  local began = uv.hrtime()
  guest:must(([[lua -e 'local net = require("swos").net
    for i = 1, %d do
      local ok, _, code = net.connect("10.9.0.1", 7000)
      assert(not ok and code == "REFUSED", code)
    end']]):format(MANY_PORTS):gsub("\n%s*", " "), 0, 120)
  local lasted = (uv.hrtime() - began) / 1e9
  peer.on_segment = nil
  tap.check(#ports >= MANY_PORTS, "only %d connections", #ports)
  local near, twice = 0, 0
  for i, port in ipairs(ports) do
    tap.check(port >= 49152, "port %d", port)
    twice = twice + (seen[port] and 1 or 0)
    seen[port] = true
    if i > 1 and math.abs(port - ports[i - 1]) < 256 then near = near + 1 end
  end
  tap.note("%d connections in %.1f s, %d ports twice, %d near the one before", #ports, lasted, twice, near)
  tap.check(near <= MANY_PORTS // 8, "%d near the one before", near)  -- 3 in 100 by chance
  -- The other end may remember them for a minute; by chance there would be none in a hundred runs.
  tap.check(twice == 0 or lasted >= 60, "%d ports were taken twice", twice)
end)

-- The life of a connection, each step when the guest has answered the one before; `width` side by side.
local function connects(count, width)
  local running, begun, done = {}, 0, 0
  local function step(connection)
    if connection.reset then error("reset", 0) end
    if connection.syn and not connection.asked then
      connection.asked = true
      connection.seq = connection.seq + 1
      connection.stamps = false
      connection.last_ack = connection.syn.ack
      connection:segment(ACK)
      connection:segment(FIN | ACK)
      connection.seq = connection.seq + 1
    end
    if not connection.ended then return false end
    connection:forget()
    return true
  end
  peer:wait(("%d connections"):format(count), function()
    for i = width, 1, -1 do
      if running[i] and step(running[i]) then
        running[i], done = nil, done + 1
      end
      if not running[i] and begun < count then
        begun = begun + 1
        running[i] = peer:end_of(PORT)
        running[i]:segment(SYN, { options = "\2\4\5\xb4", ack = 0 })
      end
    end
    return done == count
  end, 180)
end

tap.test(("%d connects in a row leave nothing behind"):format(CONNECTS), function()
  connects(200, 16)
  local before, began = memory(), uv.hrtime()
  connects(CONNECTS, 16)
  tap.note("%d connections a second", CONNECTS / ((uv.hrtime() - began) / 1e9) // 1)
  local after = memory()
  tap.check(after - before < 256 << 10, "memory of netd: %d, then %d", before, after)
  peer:connect(PORT):lives()
end)

tap.test("a window that is closed for minutes is asked about, and the connection goes on", function()
  peer:wait("the time", function() return uv.hrtime() - stuck_since > ZERO_WINDOW * 1e9 end, ZERO_WINDOW * 2)
  local probes = #stuck.segments
  tap.note("%d segments of it meanwhile", probes)
  tap.check(probes >= 4, "only %d", probes)
  tap.check(probes < 60, "%d: no back-off", probes)
  tap.check(not stuck.reset, "reset")
  stuck.capacity, stuck.window = nil, 65535
  stuck:segment(ACK)
  stuck:await(bytes(3000), 90)
  stuck:lives()
  stuck:close()
end)

tap.test("netd was not started again", function()
  tap.matches(guest:must("svc list"), "netd +%S+ +%S+ +0")
  tap.matches(guest:must("svc list"), "nicd +%S+ +%S+ +0")
end)

guest:finish(function()
  connects(100, 8)
  many(200, forged)
  many(200, function(i) forged(i, RST) end)
end)
for _, name in ipairs({ "nicd", "netd" }) do
  tap.test(("a frozen %s is found when a packet waits for it"):format(name), function()
    guest:must("svc kill " .. name .. " freeze")
    peer:forget()
    local asked = 0
    guest:await("an answer to a ping", function()
      -- netd may have lost the addresses for a while.
      asked = asked + 1
      peer:ip(wire.ICMP, "\8\0\0\0\0\9" .. (">I2"):pack(asked))
      guest:sleep(0.5)
      for _, packet in ipairs(peer.packets) do
        if packet.protocol == wire.ICMP and packet.payload:sub(1, 1) == "\0" then return true end
      end
    end)
    tap.matches(guest:must("svc list"), name .. " +ready +%S+ +1")
  end)
end

tap.done()
