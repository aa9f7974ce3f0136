#!/bin/lua
-- crash [list] | crash show [-r] N: the crash records logd keeps; -r: as they are, without names.
local command = require("swos.command")
local protocol = require("swos.protocol")

local LIST, RECORD = 4096, 65536
local SYMBOLS = "/lib/debug/symbols"

local function connect()
  return command.connect("log")
end

local function list()
  local log <close> = connect()
  local reply = command.check(protocol.log.crash_list(log, { capacity = LIST }))
  print(("%6s %14s  %s"):format("NUMBER", "SECONDS", "WHAT"))
  for number, earlier, ms, what in reply.data:gmatch("(%d+)\t(%d)\t(%d+)\t([^\n]*)\n") do
    local when = earlier == "1" and "before reset" or ("%.3f"):format(ms / 1000)
    print(("%6s %14s  %s"):format(number, when, what))
  end
end

local function show(number, raw)
  local log <close> = connect()
  local reply, message, code = protocol.log.crash_read(log, { number = number, capacity = RECORD })
  if not reply then command.fail(code == "NOT_FOUND" and ("%d: no such record"):format(number) or message) end
  if raw then return io.write(reply.data) end
  local bytes = require("swos").fs.read(SYMBOLS)
  local symbols = bytes and require("swos.symbols").open(bytes)
  print(table.concat(require("swos.crash").render(reply.data, symbols), "\n"))
end

local options, rest = command.options(arg)
if rest[1] == nil or rest[1] == "list" and not rest[2] then
  list()
elseif rest[1] == "show" and rest[2] and not rest[3] then
  show(math.tointeger(tonumber(rest[2])) or command.usage(), options.r)
else
  command.usage()
end
