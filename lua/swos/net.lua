-- Sockets: TCP connections, listeners and UDP. docs/networking.md shows them in use.
--
--   net.connect(host, port [, deadline [, options]]) -> connection
--   net.listen(port [, deadline [, options]])        -> listener       port 0: any
--   net.bind(port [, deadline [, options]])          -> UDP socket     port 0: any
--   net.resolve(name [, family [, deadline]])        -> address, family
--
--   connection:read([most [, deadline]])   bytes as soon as there are some; "" at the end
--   connection:write(bytes [, deadline])   true when all are in the ring; how many are is a fourth result
--   connection:shutdown([how [, deadline]])  "write" (as without a word), "read"
--   connection:set(option, value [, deadline])  "nodelay", "keepalive": on or not; "keepidle",
--                                          "keepinterval": seconds, "keepprobes": a count; 0: as net.lua says
--   listener:accept([deadline [, options]])  connection, address, port of the other end
--   socket:send(bytes, host, port [, deadline])
--   socket:receive([most [, deadline]])    bytes, address, port, length of the datagram
--   all: ends([deadline]) -> local address, port, remote address, port; close(), also by `<close>`; `port`
--
-- Inside swos.loop a waiting operation yields, and coroutines may read and write one connection side by
-- side; elsewhere it blocks. Deadlines are monotonic ns (swos.deadline). Failures are nil, a message that
-- names the other end, a code; TIMED_OUT has changed nothing, but connect gives up. RESET: the other end or
-- netd gave it up; GIVEN_UP: the other end no longer answers; sockets outlive netd. options: `ring` (bytes
-- each way), `family` (4, 6), `address` (of this machine, to listen or bind at), `backlog`, `network` (a
-- connection to netd; else the process's own).
local swos = require("swos")
local inet = require("swos.inet")
local loop = require("swos.loop")
local protocol = require("swos.protocol")
local sys = swos.sys

local M = {}

local RING = 16384
local BACKLOG = 128
local READ_MOST, DATAGRAM_MOST = 65536, 65536
local ANY = ("\0"):rep(16)
local FOR_PROGRAM, FOR_STACK = swos.SOCKET_FOR_PROGRAM, swos.SOCKET_FOR_STACK
local WANT_MORE, WANT_ROOM = swos.SOCKET_WANT_MORE, swos.SOCKET_WANT_ROOM
local HOW = { read = swos.SHUT_READ, write = swos.SHUT_WRITE }
local SWITCHES = { nodelay = swos.SOCKET_NODELAY, keepalive = swos.SOCKET_KEEPALIVE }
local NUMBERS = { keepidle = swos.SOCKET_KEEP_IDLE, keepinterval = swos.SOCKET_KEEP_INTERVAL,
  keepprobes = swos.SOCKET_KEEP_PROBES }

local TEXTS = { RESET = "the network lost it", TIMED_OUT = "timed out", BAD_STATE = "closed",
  BAD_MESSAGE = "malformed message", PEER_CLOSED = "writing was ended" }

-- nil, "NAME: MESSAGE", code
local function failure(name, message, code)
  return nil, ("%s: %s"):format(name, message or TEXTS[code]), code
end

local own_network

local function network_of(options, deadline)
  if options.network then return options.network end
  if own_network then return own_network end
  local connection, message, code = inet.connect(deadline)
  if not connection then return nil, message, code end
  own_network = own_network or connection  -- another coroutine may have been quicker
  return own_network
end

-- Bytes, family, scope of a host: by name, or an address, a link-local one with %SCOPE behind it.
local function address_of(network, host, family, deadline)
  local text, scope = host:match("^(.*)%%(%d%d?%d?)$")
  local bytes, kind, code = inet.host(network, text or host, family or 0, deadline)
  if not bytes then return nil, kind, code end
  return bytes, kind, tonumber(scope) or 0
end

local function text_of(address, family, scope)
  local text = inet.format(address, family)
  return scope ~= 0 and ("%s%%%d"):format(text, scope) or text
end

-- ---- waiting

-- All who wait look again, or hear the code of what ends their waiting.
local function wake_all(socket, code)
  local list = {}
  for wake in pairs(socket.waiters) do list[#list + 1] = wake end
  for _, wake in ipairs(list) do wake(code) end
end

local function unwatch(socket)
  if socket.watch then loop.unwatch(socket.event, socket.watch) end
  socket.watch = nil
end

local function watch(socket)
  local message, code
  socket.watch, message, code = loop.watch(socket.event, FOR_PROGRAM, function()
    sys.event_update(socket.event, FOR_PROGRAM, 0)
    wake_all(socket)
  end)
  if not socket.watch then return nil, message, code end
  return true
end

local function await_blocking(socket, deadline)
  local port <close>, message, code = sys.port_create()
  if not port then return nil, message, code end
  local ok
  ok, message, code = sys.port_bind(port, socket.event, FOR_PROGRAM, 0)
  if not ok then return nil, message, code end
  local kind, key, name = swos.port_wait(port, deadline)
  if not kind then return nil, TEXTS[name] or key, name end
  sys.event_update(socket.event, FOR_PROGRAM, 0)
  return true
end

-- Waits until netd sets the event; nil, message, code. The caller has said what it waits for
-- and looked again before, and looks afterwards.
local function await(socket, deadline)
  if not loop.is_inside() then return await_blocking(socket, deadline) end
  if not next(socket.waiters) then
    local ok, message, code = watch(socket)
    if not ok then return nil, message, code end
  end
  local wait, wake = loop.signal()
  socket.waiters[wake] = true
  local timer = deadline and deadline ~= swos.NEVER and loop.at(deadline, function() wake("TIMED_OUT") end)
  local code = wait()
  if timer then loop.cancel(timer) end
  socket.waiters[wake] = nil
  if not next(socket.waiters) then unwatch(socket) end
  if code then return nil, TEXTS[code], code end
  return true
end

-- ---- life

local function close(socket)
  if socket.closed then return end
  socket.closed = true
  unwatch(socket)
  for _, name in ipairs { "connection", "event", "stream" } do
    if socket[name] then socket[name]:close() end
  end
  wake_all(socket, "BAD_STATE")
end

local function ends(socket, deadline)
  if socket.closed then return failure(socket.name, nil, "BAD_STATE") end
  local reply, message, code = protocol.endpoint.info(socket.connection, {}, deadline)
  if not reply then return failure(socket.name, message, code) end
  local function side(which)
    if reply[which .. "_port"] == 0 then return nil, nil end
    return text_of(reply[which .. "_address"], reply[which .. "_family"], reply[which .. "_scope"]),
      reply[which .. "_port"]
  end
  local address, port = side("local")
  return address, port, side("remote")
end

local function class()
  local methods = { close = close, ends = ends }
  return { __index = methods, __close = close, __name = "swos.socket" }, methods
end

local tcp_class, tcp = class()
local listener_class, listener = class()
local udp_class, udp = class()

-- A socket without its connection, with rings of so many bytes if it has any: socket, memory for netd.
local function new_socket(metatable, name, ring)
  local event, message, code = sys.event_create()
  if not event then return failure(name, message, code) end
  local socket = setmetatable({ name = name, event = event, waiters = {}, readers = 0,
    writers = 0 }, metatable)
  if not ring then return socket end
  local memory
  socket.stream, memory, code = swos.stream(ring)
  if socket.stream then return socket, memory end
  event:close()
  return failure(name, memory, code)
end

-- After the call that was to make it: the socket, or nil, message, code.
local function made(socket, reply, message, code)
  if reply and reply.socket then
    socket.connection = reply.socket
    return socket
  end
  close(socket)
  if reply then message, code = nil, "BAD_MESSAGE" end
  return failure(socket.name, message, code)
end

-- ---- TCP

-- Why no bytes flow; true when they do, or may yet.
local function check(socket)
  if socket.closed then return failure(socket.name, nil, "BAD_STATE") end
  local ok, message, code = socket.stream:check()
  if not ok then return failure(socket.name, message, code) end
  return true
end

local function flush(socket)
  if socket.stream:flush() then sys.event_update(socket.event, 0, FOR_STACK) end
end

-- Tells netd what those who wait here wait for: `count` more or fewer of one kind.
local function want(socket, which, count)
  socket[which] = socket[which] + count
  socket.stream:want((socket.readers > 0 and WANT_MORE or 0) | (socket.writers > 0 and WANT_ROOM or 0))
end

local function await_connected(socket, deadline)
  while true do
    local ok, message, code = check(socket)
    if not ok then return nil, message, code end
    if socket.stream:state() & swos.SOCKET_CONNECTED ~= 0 then return true end
    ok, message, code = await(socket, deadline)
    if not ok then return failure(socket.name, message, code) end
  end
end

function M.connect(host, port, deadline, options)
  options = options or {}
  local network, message, code = network_of(options, deadline)
  if not network then return nil, message, code end
  local address, family, scope = address_of(network, host, options.family, deadline)
  if not address then return nil, family, scope end
  local socket, memory <close>, why = new_socket(tcp_class, ("%s port %d"):format(host, port),
    options.ring or RING)
  if not socket then return nil, memory, why end
  socket, message, code = made(socket, protocol.net.connect(network, { address = address, family = family,
    port = port, scope = scope, memory = memory, event = socket.event }, deadline))
  if not socket then return nil, message, code end
  local ok
  ok, message, code = await_connected(socket, deadline)
  if ok then return socket end
  close(socket)
  return nil, message, code
end

function tcp:read(most, deadline)
  while true do
    local stream = self.stream
    local state = stream:state()  -- before the bytes: what came before the end is there
    local bytes = self.read_ended and "" or stream:read(most or READ_MOST)
    if bytes ~= "" then
      flush(self)
      return bytes
    end
    if self.read_ended or (not self.closed and state & swos.SOCKET_ENDED ~= 0) then return "" end
    local ok, message, code = check(self)
    if not ok then return nil, message, code end
    want(self, "readers", 1)
    if stream:amounts() == 0 and stream:state() == state then ok, message, code = await(self, deadline) end
    want(self, "readers", -1)
    if not ok then return failure(self.name, message, code) end
  end
end

function tcp:write(bytes, deadline)
  local done, length = 0, #bytes
  while true do
    local ok, message, code = check(self)
    if ok and self.write_ended then ok, message, code = failure(self.name, nil, "PEER_CLOSED") end
    if not ok then return nil, message, code, done end
    done = done + self.stream:write(bytes, done + 1)
    flush(self)
    if done == length then return true, nil, nil, done end
    want(self, "writers", 1)
    local _, room = self.stream:amounts()
    if room == 0 and self.stream:check() then ok, message, code = await(self, deadline) end
    want(self, "writers", -1)
    if not ok then
      message = select(2, failure(self.name, message, code))
      return nil, message, code, done
    end
  end
end

function tcp:shutdown(how, deadline)
  local number = HOW[how or "write"] or error("shutdown: " .. tostring(how), 2)
  local ok, message, code = check(self)
  if not ok then return nil, message, code end
  if how == "read" then
    self.read_ended = true
    wake_all(self)
    return true
  end
  if self.write_ended then return true end
  self.write_ended = true
  ok, message, code = protocol.endpoint.shutdown(self.connection, { how = number }, deadline)
  if not ok then return failure(self.name, message, code) end
  return true
end

function tcp:set(option, value, deadline)
  local number = NUMBERS[option] or SWITCHES[option] or error("set: " .. tostring(option), 2)
  if SWITCHES[option] then value = value and 1 or 0 end
  local ok, message, code = check(self)
  if not ok then return nil, message, code end
  ok, message, code = protocol.endpoint.set(self.connection, { option = number, value = value },
    deadline)
  if not ok then return failure(self.name, message, code) end
  return true
end

-- ---- listeners and UDP

-- A listener or a UDP socket at an address of this machine.
local function open_at(operation, metatable, port, deadline, options)
  local network, message, code = network_of(options, deadline)
  if not network then return nil, message, code end
  local name = ("port %d"):format(port)
  local address, family = ANY, options.family or 0
  if options.address then
    address, family, code = address_of(network, options.address, options.family, deadline)
    if not address then return nil, family, code end
    name = options.address .. " " .. name
  end
  local socket, why, number = new_socket(metatable, name)
  if not socket then return nil, why, number end
  local reply
  reply, message, code = protocol.net[operation](network, { address = address, family = family, port = port,
    backlog = options.backlog or BACKLOG, event = socket.event }, deadline)
  socket.port = reply and reply.port
  return made(socket, reply, message, code)
end

-- An operation of netd on the socket that says TIMED_OUT while there is nothing: asked again each time the
-- event is set. The deadline is for that; netd answers at once, and of a call that is left at the deadline
-- nobody could say whether it has taken something.
local function ask(socket, operation, fields, deadline)
  while true do
    if socket.closed then return failure(socket.name, nil, "BAD_STATE") end
    if socket.lost then return failure(socket.name, nil, "RESET") end
    local reply, message, code = protocol.endpoint[operation](socket.connection, fields)
    if reply then return reply end
    local ok = true
    if code == "NOT_CONNECTED" then  -- netd's successor could not go on with it
      socket.lost = true
    elseif code ~= "TIMED_OUT" then
      return failure(socket.name, message, code)
    elseif not socket.closed then
      ok, message, code = await(socket, deadline)
    end
    if not ok then return failure(socket.name, message, code) end
  end
end

function M.listen(port, deadline, options)
  return open_at("listen", listener_class, port, deadline, options or {})
end

function listener:accept(deadline, options)
  local socket, memory <close>, code = new_socket(tcp_class, self.name, options and options.ring or RING)
  if not socket then return nil, memory, code end
  local reply, message
  reply, message, code = ask(self, "accept", { memory = memory, event = socket.event }, deadline)
  if not reply then
    close(socket)
    return nil, message, code
  end
  local host = text_of(reply.address, reply.family, reply.scope)
  socket.name = ("%s port %d"):format(host, reply.port)
  socket, message, code = made(socket, reply)
  if not socket then return nil, message, code end
  return socket, host, reply.port
end

function M.bind(port, deadline, options)
  return open_at("bind", udp_class, port, deadline, options or {})
end

function udp:send(bytes, host, port, deadline)
  if self.closed then return failure(self.name, nil, "BAD_STATE") end
  local network, message, code
  if not inet.parse(host) then
    network, message, code = network_of(self, deadline)
    if not network then return nil, message, code end
  end
  local address, family, scope = address_of(network, host, nil, deadline)
  if not address then return nil, family, scope end
  local ok
  ok, message, code = protocol.endpoint.send_to(self.connection, { address = address, family = family,
    port = port, scope = scope, data = bytes }, deadline)
  if code == "NOT_CONNECTED" then self.lost, message, code = true, nil, "RESET" end
  if not ok then return failure(("%s port %d"):format(host, port), message, code) end
  return true
end

function udp:receive(most, deadline)
  local reply, message, code = ask(self, "receive_from", { capacity = most or DATAGRAM_MOST }, deadline)
  if not reply then return nil, message, code end
  return reply.data, text_of(reply.address, reply.family, reply.scope), reply.port, reply.length
end

-- ---- names

function M.resolve(name, family, deadline, options)
  local network, message, code = network_of(options or {}, deadline)
  if not network then return nil, message, code end
  local address, kind, scope = address_of(network, name, family, deadline)
  if not address then return nil, kind, scope end
  return text_of(address, kind, scope), kind
end

return M
