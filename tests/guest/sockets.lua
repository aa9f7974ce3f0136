-- swos.net over the loopback interface, run by `lua`: the same outside swos.loop, where operations block,
-- and inside. With `hold`: sockets that wait while netd is killed, until /tmp/killed is there. With `one`:
-- only one connection, for netd remembers each for a minute.
local swos = require("swos")
local fs, loop, net = swos.fs, swos.loop, swos.net

local PORT, MIB = 7001, 1 << 20

local count = 0
local function check(ok, what, ...)
  count = count + 1
  print(("%sok %d - %s"):format(ok and "" or "not ", count, what:format(...)))
end

local function soon(seconds) return swos.deadline(seconds or 60) end

-- A failure with this code; its message has these words.
local function fails(what, code, words, value, message, got, ...)
  check(value == nil and got == code and message:find(words, 1, true), "%s: %s, %s, %s", what,
    tostring(value), tostring(message), tostring(got))
  return ...
end

-- netd hears of closed sockets a moment later, and gives the port back then.
local function listen(port, options)
  local deadline = soon()
  while true do
    local listener, message, code = net.listen(port, deadline, options)
    if code ~= "IN_USE" or swos.monotonic() > deadline then return assert(listener, message) end
    loop.sleep(0.01)
  end
end

local function pair(host, options)
  local listener <close> = listen(PORT)
  local near = assert(net.connect(host or "127.0.0.1", PORT, soon(), options))
  local far, address, port = assert(listener:accept(soon(), options))
  return near, far, address, port
end

local function tcp(where)
  local near, far, address, port = pair()
  local local_address, local_port, remote_address, remote_port = near:ends(soon())
  check(local_address == address and local_port == port and remote_address == "127.0.0.1"
    and remote_port == PORT, "%s: both name the same ends", where)
  check(near:write("hello", soon()) and far:read(nil, soon()) == "hello", "%s: bytes come", where)
  check(far:write("a longer answer", soon()) and near:read(8, soon()) == "a longer"
    and near:read(nil, soon()) == " answer", "%s: and are read in parts", where)
  fails(where .. ": nothing comes", "TIMED_OUT", "127.0.0.1 port ", far:read(nil, soon(0.05)))
  check(near:set("nodelay", true, soon()), "%s: an option", where)
  check(near:write("last", soon()) and near:shutdown("write", soon()), "%s: one end ends", where)
  fails(where .. ": and writes no more", "PEER_CLOSED", "writing was ended", near:write("x", soon()))
  check(far:read(nil, soon()) == "last" and far:read(nil, soon()) == "", "%s: the other reads the end", where)
  check(far:write("still", soon()) and near:read(nil, soon()) == "still", "%s: and may still write", where)
  near:close()
  near:close()
  fails(where .. ": a closed socket", "BAD_STATE", "closed", near:read(nil, soon()))
  fails(where .. ": nor is it written to", "BAD_STATE", "closed", near:write("x", soon()))
  far:close()
end

local function refusals(where)
  fails(where .. ": nobody listens", "REFUSED", "127.0.0.1 port 7002: connection refused",
    net.connect("127.0.0.1", 7002, soon()))
  local listener <close> = listen(PORT)
  fails(where .. ": nobody comes", "TIMED_OUT", "port 7001: timed out", listener:accept(soon(0.05)))
  fails(where .. ": the port is taken", "IN_USE", "address in use", net.listen(PORT, soon()))
  local again <close> = listen(0)
  check(again.port > 1024, "%s: a port of netd's choice", where)
  local near = assert(net.connect("127.0.0.1", again.port, soon(), { ring = 4096 }))
  local far = assert(again:accept(soon(), { ring = 4096 }))
  local done, _, code, bytes = near:write(("x"):rep(MIB), soon(0.2))
  check(done == nil and code == "TIMED_OUT" and bytes >= 4096 and bytes <= 65536,
    "%s: nobody reads: %s after %s bytes", where, code, bytes)
  near:close()
  far:close()
end

local function udp(where)
  local one <close> = assert(net.bind(0, soon()))
  local other <close> = assert(net.bind(PORT, soon()))
  check(one:send("ping", "127.0.0.1", PORT, soon()), "%s: a datagram", where)
  local bytes, address, port, length = other:receive(nil, soon())
  check(bytes == "ping" and address == "127.0.0.1" and port == one.port and length == 4, "%s: comes", where)
  check(other:send("", address, port, soon()) and one:receive(nil, soon()) == "", "%s: an empty one", where)
  one:send(("x"):rep(100), "127.0.0.1", PORT, soon())
  local datagram = table.pack(other:receive(10, soon()))
  check(#datagram[1] == 10 and datagram[4] == 100, "%s: its rest is lost", where)
  fails(where .. ": there is none", "TIMED_OUT", "timed out", one:receive(nil, soon(0.05)))
  fails(where .. ": too large", "TOO_LARGE", "127.0.0.1 port 7001",
    one:send(("x"):rep(65508), "127.0.0.1", PORT, soon()))
end

local function all(where)
  tcp(where)
  refusals(where)
  udp(where)
  local near, far = pair("::1")
  check(near:write("six", soon()) and far:read(nil, soon()) == "six" and near:ends() == "::1",
    "%s: IPv6", where)
  near:close()
  far:close()
  local address, family = net.resolve("127.0.0.1", 0, soon())
  check(address == "127.0.0.1" and family == 4, "%s: an address resolves to itself", where)
end

-- Both directions of both ends at once, through rings that are full all the time.
local function duplex()
  local near, far = pair()
  local finished, wrong = 0, 0
  for _, socket in ipairs { near, far } do
    loop.spawn(function()
      for i = 1, 64 do assert(socket:write((("%08d"):format(i)):rep(2048), soon())) end
      assert(socket:shutdown("write", soon()))
      finished = finished + 1
    end)
    loop.spawn(function()
      local text = {}
      repeat
        text[#text + 1] = assert(socket:read(nil, soon()))
      until text[#text] == ""
      text = table.concat(text)
      for i = 1, 64 do
        local piece = text:sub((i - 1) * 16384 + 1, i * 16384)
        if piece ~= (("%08d"):format(i)):rep(2048) then wrong = wrong + 1 end
      end
      finished = finished + 1
    end)
  end
  while finished < 4 do loop.sleep(0.01) end
  check(wrong == 0, "a megabyte each way, side by side: %d pieces are wrong", wrong)
  near:close()
  far:close()
end

-- Closing ends the waiting of others; who waits keeps the loop going, and nobody else.
local function closing()
  local near, far = pair()
  local listener = listen(PORT)
  local heard = {}
  local function note(name, _, _, code) heard[#heard + 1] = name .. "=" .. tostring(code) end
  loop.spawn(function() note("read", near:read(nil, soon())) end)
  loop.spawn(function() note("accept", listener:accept(soon())) end)
  loop.sleep(0.05)  -- until both wait
  near:close()
  listener:close()
  check(table.concat(heard, " ") == "read=BAD_STATE accept=BAD_STATE", "waiters hear that it is closed: %s",
    table.concat(heard, " "))
  far:close()
end

-- Everybody waits while netd is killed, and gets what comes after that.
local function hold()
  local listener, datagrams = listen(PORT), assert(net.bind(0, soon()))
  local near = assert(net.connect("127.0.0.1", PORT, soon()))
  local far = assert(listener:accept(soon()))
  local heard = {}
  local function note(name, value, _, code) heard[#heard + 1] = ("%s=%s"):format(name, value or code) end
  loop.spawn(function() note("read", near:read(nil, soon(300))) end)
  loop.spawn(function() note("write", near:write(("x"):rep(MIB), soon(300))) end)
  loop.spawn(function()
    local late <close>, _, code = listener:accept(soon(300))
    note("accept", late and "late", nil, code)
  end)
  loop.spawn(function() note("receive", datagrams:receive(nil, soon(300))) end)
  print("holding")
  while not fs.stat("/tmp/killed") do loop.sleep(0.05) end
  check(#heard == 0, "nobody heard of it: %s", table.concat(heard, " "))
  check(far:write("late", soon()), "written after it")
  local came = 0
  while came < MIB do
    local bytes, message = far:read(nil, soon(60))
    if not bytes or bytes == "" then error(message or "ended") end
    came = came + #bytes
  end
  assert(net.connect("127.0.0.1", PORT, soon())):close()
  assert(datagrams:send("late", "127.0.0.1", datagrams.port, soon()))
  while #heard < 4 do loop.sleep(0.01) end
  table.sort(heard)
  print(table.concat(heard, " "))
  for _, socket in ipairs { near, far, listener, datagrams } do socket:close() end
  tcp("again")
end

io.stdout:setvbuf("line")
if arg[1] == "hold" then
  loop.run(hold)
elseif arg[1] == "one" then
  loop.run(tcp, "in the loop")
else
  all("blocking")
  loop.run(all, "in the loop")
  loop.run(duplex)
  loop.run(closing)
end
print("1.." .. count)
