-- Keep-alive, as a program asks for it: a peer that answers is asked again, one that vanished is given up, in
-- the program's own measure and not in that of the network's settings, which is hours. Also across a death of
-- netd. The peer is the test's own (tests/lib/peer.lua).

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local Peer = require("peer")
local wire = require("wire")

local IN_C, IN_LUA = 5557, 5558
local PROBES = 3
local HEARD = { c = "Connection timed out", lua = "GIVEN_UP" } -- not as a wait whose time is over
local ACK, RST = wire.ACK, wire.RST

local peer = Peer.new()
local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } }, more = peer:card() })
peer:attach(guest)

-- A question is a segment without bytes from before what was acknowledged.
local function is_probe(connection, segment)
  return segment.flags & RST == 0 and #segment.data == 0 and Peer.after(segment.seq, connection.ack) == -1
end

local function probes(connection)
  local count = 0
  for _, segment in ipairs(connection.segments) do
    if is_probe(connection, segment) then count = count + 1 end
  end
  return count
end

-- Answers this many questions; there is no other segment.
local function answer(connection, count)
  for i = 1, count do
    peer:wait("question " .. i, function()
      tap.check(not connection.reset, "given up at question %d", i)
      return probes(connection) > 0
    end, 120)
    connection.segments = {}
    connection:segment(ACK)
  end
end

-- Waits until the guest gives the connection up: how often it asked.
local function vanish(connection)
  connection.segments = {}
  peer:wait("a reset", function() return connection.reset end, 120)
  return probes(connection)
end


tap.test("servers in C and in Lua that want to know whether the other end is there", function()
  guest:login("root", "swordfish")
  guest:await("a lease", function() return guest:must("ip addr"):find("inet 10.9.0.2/24 dhcp", 1, true) end)
  guest:must(("(/bin/tests/socket_test keepalive %d >/tmp/c 2>&1 &)"):format(IN_C))
  guest:must(("(lua -e 'local net = require([[swos]]).net local l = assert(net.listen(%d)) while true do "
    .. "local c = assert(l:accept()) assert(c:set([[keepalive]], true)) assert(c:set([[keepidle]], 2)) "
    .. "assert(c:set([[keepinterval]], 1)) assert(c:set([[keepprobes]], %d)) print(c:read()) c:close() end' "
    .. ">/tmp/lua 2>&1 &)"):format(IN_LUA, PROBES))
  guest:await("the listeners", function()
    local text = guest:must("ss -tl")
    return text:find(":5557 ", 1, true) and text:find(":5558 ", 1, true)
  end)
end)

for name, port in pairs({ c = IN_C, lua = IN_LUA }) do
  tap.test(("a peer that answers is kept, one that vanished is given up (%s)"):format(name), function()
    local connection = peer:connect(port)
    answer(connection, PROBES + 2)
    tap.equal(vanish(connection), PROBES, "questions without an answer")
    guest:await("the program hears of it", function()
      return guest:must("cat /tmp/" .. name):find(HEARD[name], 1, true)
    end)
    connection:forget()
  end)

  tap.test(("so it is after netd died (%s)"):format(name), function()
    local connection = peer:connect(port)
    answer(connection, 1)
    guest:must("svc kill netd")
    answer(connection, PROBES + 1)
    tap.equal(vanish(connection), PROBES, "questions without an answer")
    connection:forget()
  end)
end

tap.test("a byte comes through meanwhile", function()
  local connection = peer:connect(IN_C)
  answer(connection, 1)
  connection:segment(ACK, { data = "x" })
  guest:await("it is read", function() return guest:must("cat /tmp/c"):find("a byte", 1, true) end)
  connection:abort()
end)

tap.test("values there are not are refused", function()
  tap.contains(guest:must("lua -e 'local net = require([[swos]]).net local l = assert(net.listen(6000)) "
    .. "local c = assert(net.connect([[127.0.0.1]], 6000)) print(c:set([[keepidle]], 86401)) "
    .. "print(c:set([[keepprobes]], 0))'"), "INVALID\ntrue")
end)

guest:finish(function()
  local connection = peer:connect(IN_C) -- garbage of the one in Lua would count as lost
  answer(connection, 1)
  vanish(connection)
  connection:forget()
end)
tap.done()
