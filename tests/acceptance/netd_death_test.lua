-- What goes on when netd dies: connections with data in flight both ways, half-closed ones, idle ones in a
-- poll, listeners, UDP sockets; and what is lost, which is no more than docs/networking.md says.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local disk = require("disk")
local network = require("network")

local tcp, udp = network.free_port("tcp"), network.free_port("udp")
local KILLS = 4 -- at least, in each test of bytes that flow
local CARD = network.card({ { "tcp", tcp, 5555 }, { "udp", udp, 5556 } })
local guest = Guest.start({ cpus = Guest.cpus(), disks = { { "build/test.img" } }, more = CARD,
  allow = { "BEGIN CRASH", "overdue" } })

local function netd()
  local state, pid, restarts = guest:must("svc list"):match("netd +(%S+) +(%S+) +(%d+)")
  return state, pid, tonumber(restarts)
end

local function await(what, ready)
  for _ = 1, 480 do
    local result = ready()
    if result then return result end
    guest:sleep(0.25)
  end
  error("not within 120 s: " .. what, 0)
end

-- Ends netd and waits until another one is ready.
local function kill(how)
  local _, _, before = netd()
  guest:must("svc kill netd " .. (how or ""))
  if how == "hang" then guest:must("ip addr") end -- it is missed by those who ask it something
  await("netd is back", function()
    local state, _, restarts = netd()
    return state == "ready" and restarts > before
  end)
end

local names = 0

-- Starts a program in the guest; its output is in /tmp/NAME.
local function start(command, line)
  names = names + 1
  local name = "out" .. names
  network.background(guest, name, command, line)
  return name
end

local function says(name, line)
  return await(("%s says %q"):format(name, line), function()
    local text = guest:must("cat /tmp/" .. name)
    if text:find("failed", 1, true) then error(text, 0) end
    return text:find(line, 1, true) and text
  end)
end

-- A connection of this machine's to the guest: what came, and whether it has ended.
local function connect()
  local self = { text = {}, bytes = 0 }
  self.tcp = uv.new_tcp()
  self.tcp:connect("127.0.0.1", tcp, function(err)
    self.connected, self.failed = not err, err
    if err then return end
    self.tcp:read_start(function(reason, data)
      if data then
        self.text[#self.text + 1] = data
        self.bytes = self.bytes + #data
      else
        self.ended, self.failed = not reason, reason
      end
    end)
  end)
  await("connected", function() return self.connected or self.failed end)
  return self
end

-- Ends programs that listen, and waits until another one can: their sockets go after them.
local function end_programs(file)
  guest:must(("kill $(cat %s)"):format(file))
  await("the port is free", function() return not guest:must("ss -tnl"):find("LISTEN[^\n]*:5555 ") end)
end

local function datagram(text)
  local socket = uv.new_udp()
  socket:send(text, "127.0.0.1", udp)
  guest:sleep(0.05) -- for it to leave before the socket is closed
  socket:close()
end

local function random_file(bytes)
  local path = disk.blank(0)
  assert(os.execute(("head -c %d /dev/urandom >%s"):format(bytes, path)))
  return path
end

-- An echo of a file through tcpecho, to be looked at with `echoed`.
local function echo(path)
  local back = disk.blank(0)
  local client = network.start(("timeout 500 nc -N 127.0.0.1 %d <%s >%s"):format(tcp, path, back))
  await("bytes flow", function()
    local now = assert(uv.fs_stat(back)).size
    return now > 0 or client.status
  end)
  return { client = client, path = path, back = back }
end

local function echoed(one)
  await("the echo's end", function() return one.client.status end)
  tap.equal(one.client.status, 0, "status of nc")
  local difference, differs = network.run(guest, ("cmp %s %s 2>&1"):format(one.path, one.back))
  if differs ~= 0 then
    error(("other bytes came back: %s\n%s"):format(difference,
      guest:must("ss -t; ip addr; cat /tmp/out*; svc logs netd")), 0)
  end
end

-- Ends a connection's sending.
local function finish(connection) connection.tcp:shutdown() end

tap.test("netd is killed every second while 96 MiB go each way", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  start("sh -c 'tcpecho -k & echo $! >/tmp/echo; wait'", "tcpecho: listening on 5555")
  local path, kills = random_file(96 << 20), 0
  repeat
    local one = echo(path)
    while not one.client.status do
      kill()
      kills = kills + 1
      guest:sleep(1) -- a kill a second
    end
    echoed(one)
  until kills >= KILLS
  tap.note("%d kills", kills)
end)

for _, how in ipairs({ "crash", "hang" }) do
  tap.test(("netd %ss while bytes go both ways"):format(how), function()
    local one = echo(random_file(64 << 20))
    kill(how)
    echoed(one)
  end)
end

tap.test("netd is killed twice at once, again and again, so that it dies while it rebuilds", function()
  local path, kills = random_file(64 << 20), 0
  repeat
    local one = echo(path)
    while not one.client.status and kills < 20 do
      guest:run("svc kill netd; svc kill netd; svc kill netd")
      kills = kills + 1
    end
    echoed(one)
  until kills >= KILLS
  await("netd is back", function() return (netd()) == "ready" end)
  tap.note("%d times", kills)
end)

tap.test("the listener accepts afterwards", function()
  kill()
  echoed(echo(random_file(100000)))
  end_programs("/tmp/echo")
end)

-- A datagram that nobody has read goes with netd; what comes afterwards arrives.
tap.test("a connection that the other end has ended: what is sent back afterwards comes whole", function()
  local name = start("/bin/tests/net_death half", "listening")
  datagram("unread")
  local one = connect()
  local text = {}
  for i = 1, 1000 do text[i] = ("%d "):format(i) end
  text = table.concat(text)
  kill()
  one.tcp:write(text)
  finish(one)
  says(name, ("read %d bytes to the end"):format(#text))
  tap.lacks(guest:must("cat /tmp/" .. name), "sending")
  kill()
  datagram("go")
  says(name, "sending")
  kill()
  says(name, "sent")
  kill()
  await("the end", function() return one.ended or one.failed end)
  tap.equal(one.failed, nil)
  tap.check(table.concat(one.text) == text:rep((1 << 20) // #text), "other bytes came back")
end)

tap.test("a connection that our end has ended: what comes afterwards is read", function()
  local name = start("/bin/tests/net_death sender", "listening")
  local one = connect()
  says(name, "sent")
  kill()
  await("all of it", function() return one.ended or one.failed end)
  tap.equal(one.bytes, 1 << 20)
  kill()
  one.tcp:write("hello")
  kill()
  finish(one)
  says(name, "read 5 bytes to the end")
end)

tap.test("a program that waits in poll is woken by a connection, bytes, a datagram, the end", function()
  local name = start("/bin/tests/net_death poll", "listening")
  kill()
  local one = connect()
  says(name, "a connection")
  kill()
  one.tcp:write("abc")
  says(name, "bytes: abc")
  await("the answer", function() return one.bytes == 3 end)
  kill()
  datagram("hello")
  says(name, "a datagram: hello")
  kill()
  finish(one)
  says(name, "the end")
end)

tap.test("a connection that is being made goes on from the same port, and is given up in time", function()
  local name = start("sh -c 'tcpget 10.0.2.77 80; echo status $?'")
  local function line() return guest:must("ss -tn"):match("SYN_SENT[^\n]*") end
  local before = await("a SYN is sent", line)
  kill()
  tap.equal(line(), before)
  kill()
  tap.contains(says(name, "status"), "connection timed out")
end)

tap.test("a connection of the machine with itself: both ends are rebuilt", function()
  local kills = 0
  repeat
    local name = start("/bin/tests/net_death pair", "connected")
    while not guest:must("cat /tmp/" .. name):find("all bytes came", 1, true) do
      tap.lacks(guest:must("cat /tmp/" .. name), "another")
      kill()
      kills = kills + 1
      guest:sleep(0.3) -- for bytes to flow between kills
    end
  until kills >= KILLS
  tap.note("%d kills", kills)
end)

-- Bytes lie in both rings whenever they grow, so each growth copies some, and each kill may come in one.
tap.test("rings that grow with bytes in them, both ways", function()
  local name, kills = start("/bin/tests/net_death grow 12", "growing"), 0
  while not says(name, "grow"):find("all bytes came", 1, true) do
    tap.lacks(guest:must("cat /tmp/" .. name), "another")
    guest:must("svc kill netd")
    kills = kills + 1
    guest:sleep(math.random() * 0.2) -- for netd to come to a growth, or not to
  end
  tap.check(kills >= KILLS, "only %d kills", kills)
  tap.note("%d kills, %s", kills, guest:must("cat /tmp/" .. name):match("the rings grew[^\n]*"))
end)

tap.test("1,000 ends of idle connections", function()
  local name = start("sh -c '/bin/tests/net_death idle 100 & echo $! >>/tmp/idle; wait'", "connected")
  for round = 1, 3 do
    kill()
    datagram("go")
    says(name, "round " .. round)
  end
  -- Not accepted: nobody was promised anything. The peer hears of it when it says something.
  local one = connect()
  one.tcp:write("x")
  await("it waits to be accepted", function()
    return guest:must("ss -tn"):find("10.0.2.15:5555", 1, true)
  end)
  kill()
  tap.lacks(guest:must("ss -tn"), "10.0.2.15:5555")
  one.tcp:write("y")
  await("the peer hears", function() return one.ended or one.failed end)
  datagram("go")
  says(name, "round 4")
  for port = 5600, 5606, 2 do
    start(("sh -c '/bin/tests/net_death idle 100 %d & echo $! >>/tmp/idle; wait'"):format(port), "connected")
  end
  kill()
  tap.contains(guest:must("svc logs netd"),
    "back with 1000 connections, 5 listeners, 5 UDP sockets; 0 are lost")
  datagram("go")
  says(name, "round 5")
  end_programs("/tmp/idle")
end)

tap.test("300 kills at random moments, four transfers", function()
  local delays, files = {}, {}
  start("sh -c 'tcpecho -k & echo $! >/tmp/echo; wait'", "tcpecho: listening on 5555")
  for i = 1, 4 do files[i] = echo(random_file(48 << 20)) end
  math.randomseed(1)
  for i = 1, 300 do delays[i] = ("%.3f"):format(math.random() ^ 2 * 0.2) end
  local killing = start(("sh -c 'for s in %s; do svc kill netd; sleep $s; done; echo over'"):format(
    table.concat(delays, " ")))
  for i = 1, 4 do echoed(files[i]) end
  says(killing, "over")
  await("netd is back", function() return (netd()) == "ready" end)
  local text = guest:must("svc logs netd")
  tap.matches(text, "back with")
  tap.lacks(text, "cannot be gone on with")
  tap.lacks(text, "makes no sense")
  echoed(echo(random_file(100000)))
end)

-- Nothing woke netd meanwhile. A connection that began was counted that time, and taken for one whose
-- handshake does not end.
tap.test("after a minute of silence a connection is accepted", function()
  guest:sleep(61) -- the minute
  echoed(echo(random_file(100000)))
end)

tap.test("no pages, handles or objects are lost", function()
  local path = random_file(200000)
  guest:leak_check(function()
    local one = echo(path)
    kill()
    echoed(one)
  end, 3, 1)
end)

tap.done()
