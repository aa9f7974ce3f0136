-- netd's resolver with a dnsmasq of the test's own and a server that lies, over UDP and TCP: several servers
-- of which the first is dead, what is remembered and for how long, names that do not exist, truncated, forged
-- and malformed answers.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

-- Aliases that do not fit a datagram, with the address behind them.
local LONG = {}
for i = 1, 3 do LONG[i] = (("x"):rep(60) .. "."):rep(3) .. i .. ".test" end

local port = network.free_port("udp")
network.start(("exec /usr/sbin/dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null "
  .. "--user= --pid-file= --listen-address=127.0.0.1 --bind-interfaces --port=%d "
  .. "--address=/v4.test/192.0.2.7 --address=/v6.test/2001:db8::7 --local-ttl=600 "
  .. "--cname=alias.test,real.test --host-record=real.test,192.0.2.8 --local=/test/ "
  .. "--cname=large.test,%s --cname=%s,%s --cname=%s,%s --host-record=%s,192.0.2.10 2>&1"):format(port,
  LONG[1], LONG[1], LONG[2], LONG[2], LONG[3], LONG[3]))

-- A server that does what it is told to, and counts.
local liar, asked, answer = uv.new_udp(), 0, nil
assert(liar:bind("127.0.0.1", 0))
local liar_port = liar:getsockname().port
liar:recv_start(function(_, data, from)
  if not data then return end
  asked = asked + 1
  for _, text in ipairs(answer and { answer(data, from) } or {}) do liar:send(text, from.ip, from.port) end
end)

-- The same over TCP: what it answers, by the connection, is the test's affair; what has come is `got`.
local tcp, connections, serve = uv.new_tcp(), 0, nil
assert(tcp:bind("127.0.0.1", liar_port))
assert(tcp:listen(16, function()
  local client, got = uv.new_tcp(), ""
  connections = connections + 1
  tcp:accept(client)
  local self = { send = function(bytes) client:write(bytes) end, bytes = function() return #got end }
  function self.close() if not client:is_closing() then client:close() end end
  client:read_start(function(_, data)
    if not data then return self.close() end
    got = got .. data
    local length = #got >= 2 and (">I2"):unpack(got)
    if length and #got == 2 + length then serve(got:sub(3), self) end
  end)
end))

local function framed(message) return (">s2"):pack(message) end

-- An answer: the question's id and question, flags, and records.
local function reply(question, flags, answers, authority)
  return question:sub(1, 2) .. (">I2I2I2I2I2"):pack(flags, 1, #answers, #(authority or {}), 0)
    .. question:sub(13) .. table.concat(answers) .. table.concat(authority or {})
end

local function address(seconds, last)
  return "\xc0\x0c\0\1\0\1" .. (">I4"):pack(seconds) .. "\0\4\192\0\2" .. string.char(last)
end

local function soa(seconds)
  return "\0\0\6\0\1" .. (">I4I2"):pack(seconds, 22) .. "\0\0" .. (">I4I4I4I4I4"):pack(1, 1, 1, 1, seconds)
end

local guest = Guest.start({ more = network.card() })

local function use(...)
  local list = {}
  for i, server in ipairs({ ... }) do list[i] = ('"10.0.2.2:%d"'):format(server) end
  -- other settings each time forget what was remembered; so the lists differ
  guest:must(("echo 'return { dns = { %s } }' >/tmp/net.lua"):format(table.concat(list, ", ")))
  guest:must("svc reload", 0, 60)
  asked = 0
end

local function lookup(words, wanted)
  local text, status = guest:run("nslookup " .. words, 120)
  tap.equal(status, wanted or 0, "nslookup " .. words .. ": " .. text)
  return text
end

tap.test("addresses of both kinds, aliases, and names that are none", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  use(port)
  tap.equal(lookup("v4.test"), "v4.test -> 192.0.2.7")
  tap.equal(lookup("V4.Test."), "V4.Test. -> 192.0.2.7")
  tap.equal(lookup("v6.test AAAA"), "v6.test -> 2001:db8::7")
  tap.equal(lookup("alias.test"), "alias.test -> 192.0.2.8")
  tap.contains(lookup("none.test", 1), "none.test: ")
  lookup("v4.test AAAA", 1)
  lookup(("x"):rep(64) .. ".test", 1)
  lookup("a..b", 1)
end)

tap.test("a dead first server holds up one query, and not those after it", function()
  local dead = uv.new_udp()
  assert(dead:bind("127.0.0.1", 0)) -- takes questions and says nothing
  local heard = 0
  dead:recv_start(function(_, data) if data then heard = heard + 1 end end)
  use(dead:getsockname().port, port)
  tap.equal(lookup("v4.test"), "v4.test -> 192.0.2.7")
  tap.equal(heard, 1)
  tap.equal(lookup("alias.test"), "alias.test -> 192.0.2.8")
  lookup("none.test", 1)
  tap.equal(heard, 1)
  -- and when nobody answers, that is what is said
  use(dead:getsockname().port)
  tap.contains(lookup("v4.test", 1), "v4.test: timed out")
  tap.equal(heard, 3)
  dead:close()
end)

tap.test("what a server says is remembered as long as it says", function()
  answer = function(q) return reply(q, 0x8180, { address(300, asked) }) end
  use(liar_port, port)
  tap.equal(lookup("a.test"), "a.test -> 192.0.2.1")
  tap.equal(lookup("A.test"), "A.test -> 192.0.2.1")
  tap.equal(asked, 1)
  answer = function(q) return reply(q, 0x8180, { address(0, asked) }) end
  tap.equal(lookup("b.test"), "b.test -> 192.0.2.2")
  tap.equal(lookup("b.test"), "b.test -> 192.0.2.3")
  answer = function(q) return reply(q, 0x8180, { address(1, asked) }) end
  lookup("c.test")
  guest:await("the second to go by", function() return lookup("c.test") ~= "c.test -> 192.0.2.4" end, 60)
  -- also that there is none
  answer = function(q) return reply(q, 0x8183, {}, { soa(300) }) end
  asked = 0
  lookup("d.test", 1)
  lookup("d.test", 1)
  tap.equal(asked, 1)
  answer = function(q) return reply(q, 0x8183, {}) end -- nobody says for how long
  lookup("e.test", 1)
  lookup("e.test", 1)
  tap.equal(asked, 3)
end)

tap.test("a server that fails is passed over", function()
  for _, case in ipairs({
    { "SERVFAIL", function(q) return reply(q, 0x8182, {}) end },
    { "REFUSED", function(q) return reply(q, 0x8185, {}) end },
    { "malformed", function(q) return reply(q, 0x8180, { "\xc0\xff\0\1" }) end },
    { "a circle", function(q) return reply(q, 0x8180, { "\xc0\x0c\0\5\0\1\0\0\0\9\0\2\xc0\x0c" }) end },
  }) do
    answer = case[2]
    use(liar_port)
    use(liar_port, port)
    tap.equal(lookup("v4.test"), "v4.test -> 192.0.2.7", case[1])
    tap.equal(asked, 1, case[1])
  end
end)

tap.test("what does not fit a datagram is asked for over TCP", function()
  use(port)
  tap.equal(lookup("large.test"), "large.test -> 192.0.2.10")
  answer = function(q) return reply(q, 0x8380, {}) end
  local many = {}
  for i = 1, 100 do many[i] = address(300, i) end
  serve = function(q, client)
    local text = framed(reply(q, 0x8180, many))
    for i = 1, #text, 50 do client.send(text:sub(i, i + 49)) end
  end
  use(liar_port)
  tap.equal(lookup("v4.test"), "v4.test -> 192.0.2.1")
  tap.equal(lookup("v4.test"), "v4.test -> 192.0.2.1") -- and remembered
  tap.equal(asked, 1)
  tap.equal(connections, 1)
  serve = function(q, client) client.send(framed(reply(q, 0x8183, {}, { soa(300) }))) end
  lookup("none.test", 1)
  tap.equal(connections, 2)
  use(port)
  use(liar_port)
  answer = function(q) return reply(q, 0x8380, { address(9, 9) }) end
  tap.equal(lookup("v4.test"), "v4.test -> 192.0.2.9") -- what is wanted came
  tap.equal(connections, 2)
end)

tap.test("a server that lies over TCP is passed over", function()
  local function good(q) return framed(reply(q, 0x8180, { address(300, 66) })) end
  answer = function(q) return reply(q, 0x8380, {}) end
  for _, case in ipairs({
    { "closed at once", function(_, client) client.close() end },
    { "closed in the middle", function(q, client)
      client.send(good(q):sub(1, -2))
      client.close()
    end },
    { "nothing", function(_, client) client.send("\0\0") end },
    { "less than a header", function(_, client) client.send("\0\5hello") end },
    { "more announced than comes", function(q, client)
      client.send("\xff\xff" .. good(q):sub(3))
      client.close()
    end },
    { "less announced than comes", function(q, client) client.send("\0\20" .. good(q):sub(3)) end },
    { "another id", function(q, client)
      client.send(good(string.char(q:byte(1) ~ 1) .. q:sub(2)))
    end },
    { "another question", function(q, client) client.send(good((q:gsub("v4", "v5")))) end },
    { "truncated again", function(q, client) client.send(framed(reply(q, 0x8380, {}))) end },
    { "SERVFAIL", function(q, client) client.send(framed(reply(q, 0x8182, {}))) end },
    { "silence", function() end },
    { "all zeros", function(_, client) client.send(("\0"):rep(200000)) end },
    { "byte after byte", function(q, client)
      local text, at, timer = "\xff\xff" .. good(q):sub(3), 0, uv.new_timer()
      timer:start(0, 300, function()
        at = at + 1
        client.send(text:sub(at, at))
        if at == #text then timer:close() end
      end)
    end },
  }) do
    serve, connections = case[2], 0
    use(liar_port)
    use(liar_port, port)
    tap.equal(lookup("v4.test"), "v4.test -> 192.0.2.7", case[1])
    tap.equal(connections, 1, case[1])
  end
  -- and where there is no other
  serve = function(_, client) client.send("\0\0") end
  use(liar_port)
  tap.contains(lookup("v4.test", 1), "malformed message")
  -- nobody listens
  local deaf = uv.new_udp()
  assert(deaf:bind("127.0.0.1", 0))
  deaf:recv_start(function(_, data, from)
    if data then deaf:send(reply(data, 0x8380, {}), from.ip, from.port) end
  end)
  use(deaf:getsockname().port, port)
  tap.equal(lookup("v4.test"), "v4.test -> 192.0.2.7")
  deaf:close()
end)

tap.test("netd killed while it asks over TCP: the name is asked for again", function()
  answer = function(q) return reply(q, 0x8380, {}) end
  serve, connections = function() end, 0
  use(liar_port)
  network.background(guest, "asked", "nslookup v4.test")
  network.until_true(guest, "a question over TCP", function() return connections > 0 end)
  serve = function(q, client) client.send(framed(reply(q, 0x8180, { address(300, 3) }))) end
  guest:must("svc kill netd", 0, 60)
  network.await_line(guest, "asked", "v4.test -> 192.0.2.3")
  tap.check(connections >= 2, "not asked again")
end)

tap.test("forged answers are not looked at", function()
  local function forged(change)
    return function(q)
      return change(reply(q, 0x8180, { address(300, 66) })), reply(q, 0x8180, { address(300, 1) })
    end
  end
  for name, change in pairs({
    id = function(text) return string.char(text:byte(1) ~ 1) .. text:sub(2) end,
    question = function(text) return text:sub(1, 13) .. "x" .. text:sub(15) end,
    kind = function(text) return (text:gsub("\0\1\0\1\xc0", "\0\28\0\1\xc0", 1)) end,
    ["no answer"] = function(text) return text:sub(1, 2) .. "\1" .. text:sub(4) end,
    short = function(text) return text:sub(1, 11) end,
  }) do
    answer = forged(change)
    use(port)
    use(liar_port)
    tap.equal(lookup("w.test"), "w.test -> 192.0.2.1", name)
    tap.equal(asked, 1, name)
  end
  -- from another port than the one asked
  local other = uv.new_udp()
  assert(other:bind("127.0.0.1", 0))
  answer = function(q, from)
    other:send(reply(q, 0x8180, { address(300, 66) }), from.ip, from.port)
    return reply(q, 0x8180, { address(300, 1) })
  end
  use(port)
  use(liar_port)
  tap.equal(lookup("w.test"), "w.test -> 192.0.2.1")
  other:close()
end)

tap.test("ids and ports are not to be guessed", function()
  local ids, ports = {}, {}
  answer = function(q, from)
    ids[q:sub(1, 2)], ports[from.port] = true, true
    return reply(q, 0x8180, { address(0, 1) })
  end
  for i = 1, 12 do lookup(("n%d.test"):format(i)) end
  local function count(set)
    local n = 0
    for _ in pairs(set) do n = n + 1 end
    return n
  end
  tap.check(count(ids) >= 11 and count(ports) >= 11, "%d ids, %d ports of 12", count(ids), count(ports))
end)

guest:finish(function()
  answer = nil
  use(port)
  lookup("v4.test")
  lookup("none.test", 1)
  lookup("large.test")
end)
tap.done()
