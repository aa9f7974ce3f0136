#!/bin/lua
-- ss [-tulapn]: sockets of programs.
local command = require("swos.command")
local inet = require("swos.inet")
local protocol = require("swos.protocol")
local swos = require("swos")

local CAPACITY = 32768
local FORMAT = "%-5s %-11s %8s %8s  %5s  %-28s %s"

local options, rest = command.options(arg)
if rest[1] then command.usage() end
local all = not options.t and not options.u
local net <close> = command.check(inet.connect())

local function place(address, port, family)
  if address == "-" then return "-" end
  if family == "6" then address = "[" .. address .. "]" end
  return ("%s:%s"):format(address, port)
end

local function show(words)
  local kind, state, unread, unacknowledged, family, address, port, to, to_port, pid = table.unpack(words)
  local wanted = all or kind == "tcp" and options.t or kind == "udp" and options.u
  if wanted and (options.l or options.a or state ~= "LISTEN") then
    print(FORMAT:format(kind, state, unread, unacknowledged, pid, place(address, port, family),
      place(to, to_port, family)))
  end
end

local from = 0
repeat
  local reply = command.check(protocol.net.list(net, { what = swos.NET_SOCKETS, from = from,
    capacity = CAPACITY }))
  if from == 0 then
    print(FORMAT:format("KIND", "STATE", "UNREAD", "UNACKED", "PID", "LOCAL", "REMOTE"))
  end
  for words in command.rows(reply.data, 10) do show(words) end
  if reply.next ~= 0 and reply.next <= from then command.malformed() end
  from = reply.next
until from == 0
