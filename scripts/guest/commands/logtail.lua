#!/bin/lua
-- logtail: the last lines of all logs, the kernel's and the services', in the order they came.
local command = require("swos.command")
local protocol = require("swos.protocol")
local swos = require("swos")

local CAPACITY = 16384
local RECORDS = 20
local LEVELS = { debug = "DIWEP", info = "IWEP", warning = "WEP", error = "EP" }

local options, rest = command.options(arg)
local most = math.tointeger(tonumber(rest[1] or RECORDS))
local levels = LEVELS[options.l or "debug"]
if rest[2] or not most or most < 0 or not levels then command.usage() end
if most == 0 then most = math.maxinteger end

-- True if a line is asked for: [ms] [L] source: text. Gaps are told to whoever could miss their lines;
-- those of the kernel's log to all, since any source may have written there.
local function is_wanted(line)
  if line:find(" logd: %d+ lines of the kernel log are gone") then return true end
  local level, source = line:match("^%[%d+%] %[(%u)%] ([^:]*)")
  if level then
    return levels:find(level, 1, true) and (not options.s or source == options.s)
  end
  local name = line:match("^%-%- %d+ lines of (.-) are gone")
  return not options.s or name == options.s or name == "kernel"
end

local logs <close> = command.connect("log")

-- Hands lines from number `sequence` on to put(); the number to go on with.
local function read(sequence, flags, put)
  local reply = command.check(protocol.log.lines(logs, { name = "", sequence = sequence, flags = flags,
    capacity = CAPACITY }))
  for number, line in reply.data:gmatch("(%d+) ([^\n]*)\n") do
    if is_wanted(line) then put(options.N and number .. " " .. line or line) end
  end
  return reply.next, reply.data == ""
end

-- Prints the last `most` lines of what there is; the number to go on with.
local function print_last()
  local kept, count = {}, 0
  local sequence, is_end = 0, false
  while not is_end do
    sequence, is_end = read(sequence, 0, function(line)
      kept[count % most + 1] = line
      count = count + 1
    end)
  end
  for i = math.max(0, count - most), count - 1 do print(kept[i % most + 1]) end
  return sequence
end

local sequence = print_last()

while options.f do
  io.stdout:flush()
  sequence = read(sequence, swos.LOG_FOLLOW, print)
end
