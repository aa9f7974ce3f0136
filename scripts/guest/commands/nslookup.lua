#!/bin/lua
-- nslookup NAME [SERVER] [PORT] [AAAA]: the address of a host, from netd or from one name server.
local command = require("swos.command")
local inet = require("swos.inet")
local loop = require("swos.loop")
local protocol = require("swos.protocol")
local swos = require("swos")

local PORT = 53
local TRIES, SECONDS = 3, 2
local KINDS = { [4] = 1, [6] = 28 }  -- A, AAAA
local CAPACITY = 4096

local _, rest = command.options(arg)
local family = 4
if #rest > 1 and rest[#rest]:upper() == "AAAA" then
  family = 6
  table.remove(rest)
end
if #rest < 1 or #rest > 3 then command.usage() end
local name, server = rest[1], rest[2]
local port = not rest[3] and PORT or inet.port(rest[3]) or command.usage(rest[3] .. ": not a port")

-- ---- a question of our own (RFC 1035, 4)

local function question(id)
  local labels = {}
  for label in name:gsub("%.$", ""):gmatch("[^.]*") do
    if label == "" or #label > 63 then command.fail(name .. ": not a name") end
    labels[#labels + 1] = ("s1"):pack(label)
  end
  return (">I2I2I2I2I2I2"):pack(id, 0x0100, 1, 0, 0, 0) .. table.concat(labels)
    .. ("\0" .. (">I2I2"):pack(KINDS[family], 1))
end

-- Behind the name at a place of a message; nil if it leads outside.
local function skip_name(text, at)
  while at <= #text do
    local length = text:byte(at)
    if length >= 0xc0 then return at + 2 end
    at = at + 1 + length
    if length == 0 then return at end
  end
end

-- The address in an answer; nil, and what the server says instead.
local function address_in(text)
  local _, flags, questions, answers = (">I2I2I2I2"):unpack(text)
  local code = flags & 15
  if code == 3 then return nil, "no such name" end
  if code ~= 0 then return nil, ("the server answers with error %d"):format(code) end
  local at = 13
  for _ = 1, questions do
    at = skip_name(text, at)
    if not at then return nil, "malformed answer" end
    at = at + 4
  end
  for _ = 1, answers do
    at = skip_name(text, at)
    if not at or at + 9 > #text then return nil, "malformed answer" end
    local kind, class, _, length = (">I2I2I4I2"):unpack(text, at)
    at = at + 10
    if at + length - 1 > #text then return nil, "malformed answer" end
    if kind == KINDS[family] and class == 1 and length == (family == 4 and 4 or 16) then
      return text:sub(at, at + length - 1) .. ("\0"):rep(16 - length)
    end
    at = at + length
  end
  return nil, "no address"
end

-- Asks the server; the address, or nil and why there is none.
local function ask(net)
  local to, kind = inet.host(net, server, 0)
  command.check(to, kind)
  local event <close> = command.check(swos.sys.event_create())
  local bound = command.check(protocol.net.bind(net, { address = ("\0"):rep(16), family = kind, port = 0,
    event = event }))
  local socket <close> = bound.socket or command.malformed()
  for _ = 1, TRIES do
    local id = ("I2"):unpack(swos.sys.random(2))
    command.check(protocol.endpoint.send_to(socket, { address = to, family = kind, port = port, scope = 0,
      data = question(id) }))
    local deadline = swos.deadline(SECONDS)
    repeat
      swos.sys.event_update(event, swos.SOCKET_FOR_PROGRAM, 0)
      local reply, message, code = protocol.endpoint.receive_from(socket, { capacity = CAPACITY })
      if reply and inet.format(reply.address, reply.family) == inet.format(to, kind) and reply.port == port
        and #reply.data >= 12 and (">I2"):unpack(reply.data) == id then
        return address_in(reply.data)
      end
      if not reply and code ~= "TIMED_OUT" then command.fail(message) end
    until not reply and not loop.wait(event, swos.SOCKET_FOR_PROGRAM, deadline)
  end
  return nil, server .. " does not answer"
end

local net = command.check(inet.connect())
local function look_up()
  if not server then return inet.host(net, name, family) end
  local address, message = ask(net)
  return address, address and family or ("%s: %s"):format(name, message)
end
loop.run(function()
  local address, kind = look_up()
  command.check(address, kind)
  print(("%s -> %s"):format(name, inet.format(address, kind)))
end)
