#!/bin/lua
-- nslookup NAME [AAAA]: the address of a host.
local command = require("swos.command")
local inet = require("swos.inet")

local _, rest = command.options(arg)
local family = 4
if #rest > 1 and rest[#rest]:upper() == "AAAA" then
  family = 6
  table.remove(rest)
end
if #rest ~= 1 then command.usage() end
local net = command.check(inet.connect())
local address, kind = inet.host(net, rest[1], family)
command.check(address, kind)
print(("%s -> %s"):format(rest[1], inet.format(address, kind)))
