#!/bin/lua
-- ip addr|link|route|neigh: what netd knows of interfaces and their addresses, of routes, of neighbours.
local command = require("swos.command")
local inet = require("swos.inet")
local protocol = require("swos.protocol")
local swos = require("swos")

local CAPACITY = 32768

local options, rest = command.options(arg)
local object = table.remove(rest, 1) or command.usage()

-- What may follow in other systems' way: show, then the interface, with or without dev.
local only
if rest[1] and ("show"):sub(1, #rest[1]) == rest[1] or rest[1] == "list" or rest[1] == "ls" then
  table.remove(rest, 1)
end
if rest[1] == "dev" and rest[2] then table.remove(rest, 1) end
if rest[1] then only = table.remove(rest, 1) end
for _, change in ipairs({ "add", "change", "delete", "flush", "replace", "set" }) do
  if only and #only > 1 and change:sub(1, #only) == only then
    command.fail(only .. ": the network is only shown here; /etc/swos/net.lua says how it is to be", 2)
  end
end
if rest[1] then command.usage(rest[1] .. ": not expected") end

local net

-- Whether an address of family "4" or "6", on an interface, is asked for.
local function is_wanted(number, name)
  if only and name ~= only then return false end
  return not (options["4"] or options["6"]) or options[number] ~= nil
end

local function rows(what, count)
  local reply = command.check(protocol.net.list(net, { what = what, capacity = CAPACITY }))
  return command.rows(reply.data, count)
end

local function family(number) return number == "6" and "inet6" or "inet" end

local objects = {}

local function links(of)
  local shown = false
  for words in rows(swos.NET_LINKS, 5) do
    local name, number, mtu, card, state = table.unpack(words)
    if not only or name == only then
      print(("%s: %s: %s mtu %s%s"):format(number, name, state, mtu, card == "-" and "" or " " .. card))
      for _, line in ipairs(of[name] or {}) do print(line) end
      shown = true
    end
  end
  if not shown then command.fail(only .. ": no such interface") end
end

function objects.addr()
  local of = {}
  for words in rows(swos.NET_ADDRESSES, 7) do
    local name, kind, address, bits, origin, state, life = table.unpack(words)
    of[name] = of[name] or {}
    if is_wanted(kind, name) then
      table.insert(of[name], ("    %s %s/%s %s %s %s"):format(family(kind), address, bits, origin, state,
        life == "forever" and life or life .. "s"))
    end
  end
  links(of)
end

function objects.link() links({}) end

function objects.route()
  for words in rows(swos.NET_ROUTES, 5) do
    local name, kind, destination, bits, gateway = table.unpack(words)
    if is_wanted(kind, name) then
      print(("%s%s dev %s"):format(destination == "default" and destination or destination .. "/" .. bits,
        gateway == "-" and "" or " via " .. gateway, name))
    end
  end
end

function objects.neigh()
  for words in rows(swos.NET_NEIGHBOURS, 5) do
    local name, kind, address, card, state = table.unpack(words)
    if is_wanted(kind, name) then
      print(("%s dev %s%s %s"):format(address, name, card == "-" and "" or " lladdr " .. card, state))
    end
  end
end

-- The words may be cut short.
local chosen
for name, show in pairs(objects) do
  if name:sub(1, #object) == object or object == name .. "ess" then chosen = show end
end
if not chosen then command.usage(object .. ": addr, link, route or neigh expected") end
net = command.check(inet.connect())
chosen()
