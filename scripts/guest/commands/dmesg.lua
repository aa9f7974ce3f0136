#!/bin/lua
-- dmesg: the kernel log; -w: and what comes from now on. dmesg -c N: crash record N, 0 the newest.
-- dmesg -n [SOURCE=]LEVEL: from which level on lines are kept.
local command = require("swos.command")
local protocol = require("swos.protocol")
local swos = require("swos")

local CAPACITY = 16384
local PAUSE = 0.25  -- between two looks
local LEVELS = { debug = swos.LOG_DEBUG, info = swos.LOG_INFO, warning = swos.LOG_WARNING,
  error = swos.LOG_ERROR, default = swos.LOG_DEFAULT }

local options, rest = command.options(arg)
if rest[1] then command.usage() end
local system <close> = command.connect("system")

if options.c then
  local index = math.tointeger(tonumber(options.c)) or command.usage()
  io.write(command.check(protocol.system.read_crash(system, { index = index, capacity = CAPACITY })).data)
  os.exit(0)
end

if options.n then
  local source, word = options.n:match("^([^=]+)=(%l+)$")
  local level = LEVELS[word or options.n] or command.usage()
  command.check(protocol.system.log_filter(system, { source = source or "", level = level }))
  os.exit(0)
end

-- Prints what there is from line `sequence` on; the number of the line to go on with.
local function print_from(sequence)
  while true do
    local reply = command.check(protocol.system.read_log(system,
      { sequence = sequence, capacity = CAPACITY }))
    if reply.data == "" then return reply.next end
    local _, count = reply.data:gsub("\n", "")
    if reply.next - count > sequence then
      print(("-- %d lines of the kernel log are gone: more came than it keeps --"):format(
        reply.next - count - sequence))
    end
    io.write(reply.data)
    sequence = reply.next
  end
end

local sequence = print_from(0)
while options.w do
  io.stdout:flush()
  swos.sleep(PAUSE) -- the kernel's log cannot be waited for by a session
  sequence = print_from(sequence)
end
