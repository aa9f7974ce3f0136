#!/bin/lua
-- ip addr|route|neigh: what netd knows of interfaces and their addresses, of routes, of neighbours.
local command = require("swos.command")
local inet = require("swos.inet")
local protocol = require("swos.protocol")
local swos = require("swos")

local CAPACITY = 32768

local _, rest = command.options(arg)
if #rest ~= 1 then command.usage() end

local net

local function rows(what, count)
  local reply = command.check(protocol.net.list(net, { what = what, capacity = CAPACITY }))
  return command.rows(reply.data, count)
end

local function family(number) return number == "6" and "inet6" or "inet" end

local objects = {}

function objects.addr()
  local of = {}
  for words in rows(swos.NET_ADDRESSES, 7) do
    local name, kind, address, bits, origin, state, life = table.unpack(words)
    of[name] = of[name] or {}
    table.insert(of[name], ("    %s %s/%s %s %s %s"):format(family(kind), address, bits, origin, state,
      life == "forever" and life or life .. "s"))
  end
  for words in rows(swos.NET_LINKS, 5) do
    local name, number, mtu, card, state = table.unpack(words)
    print(("%s: %s: %s mtu %s%s"):format(number, name, state, mtu, card == "-" and "" or " " .. card))
    for _, line in ipairs(of[name] or {}) do print(line) end
  end
end

function objects.route()
  for words in rows(swos.NET_ROUTES, 5) do
    local name, _, destination, bits, gateway = table.unpack(words)
    print(("%s%s dev %s"):format(destination == "default" and destination or destination .. "/" .. bits,
      gateway == "-" and "" or " via " .. gateway, name))
  end
end

function objects.neigh()
  for words in rows(swos.NET_NEIGHBOURS, 5) do
    local name, _, address, card, state = table.unpack(words)
    print(("%s dev %s%s %s"):format(address, name, card == "-" and "" or " lladdr " .. card, state))
  end
end

-- The words may be cut short.
local chosen
for name, show in pairs(objects) do
  if name:sub(1, #rest[1]) == rest[1] or rest[1] == name .. "ess" then chosen = show end
end
if not chosen then command.usage(rest[1] .. ": addr, route or neigh expected") end
net = command.check(inet.connect())
chosen()
