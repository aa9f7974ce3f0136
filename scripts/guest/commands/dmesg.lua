#!/bin/lua
-- dmesg: the kernel log. dmesg -c N: crash record N, 0 the newest.
local command = require("swos.command")
local protocol = require("swos.protocol")

local USAGE = "[-c RECORD]"
local CAPACITY = 16384

local options, rest = command.options(arg, "c:", USAGE)
if rest[1] then command.usage(USAGE) end
local system <close> = command.connect("system")
if options.c then
  local index = math.tointeger(tonumber(options.c)) or command.usage(USAGE)
  io.write(command.check(protocol.system.read_crash(system, { index = index, capacity = CAPACITY })).data)
  os.exit(0)
end
local sequence = 0
while true do
  local reply = command.check(protocol.system.read_log(system, { sequence = sequence, capacity = CAPACITY }))
  io.write(reply.data)
  if reply.data == "" or reply.next == sequence then break end
  sequence = reply.next
end
