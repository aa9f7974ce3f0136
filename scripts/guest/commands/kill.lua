#!/bin/lua
-- kill [-SIGNAL] PID... | kill -l [NUMBER...]: ends processes of the session. SIGNAL: KILL, TERM, INT, HUP
-- or its number; it decides the exit status (128 + number). -0 only looks.
local command = require("swos.command")
local swos = require("swos")

local NUMBERS = { HUP = 1, INT = 2, KILL = 9, TERM = 15 }
local STOPPING = { STOP = true, TSTP = true, CONT = true, ["18"] = true, ["19"] = true, ["20"] = true }

local signal, words = 15, arg

-- The names, or those of numbers and of exit statuses that such an end gives.
local function print_names(list)
  local names = {}
  for name, number in pairs(NUMBERS) do
    names[#names + 1] = name
    names[tostring(number)], names[tostring(number + 128)] = name, name
  end
  if not list[1] then
    table.sort(names, function(a, b) return NUMBERS[a] < NUMBERS[b] end)
    print(table.concat(names, " "))
  end
  for _, word in ipairs(list) do print(names[word] or command.fail(word .. ": unknown signal")) end
  os.exit(0)
end

if arg[1] == "-l" then print_names(table.move(arg, 2, #arg, 1, {})) end
local word = arg[1] and arg[1]:match("^%-([^-].*)$")
if word then
  if STOPPING[word:upper():gsub("^SIG", "")] then
    command.fail(word .. ": stops or continues jobs of the shell alone, which it lists with: jobs -l")
  end
  signal = NUMBERS[word:upper():gsub("^SIG", "")] or math.tointeger(tonumber(word))
    or command.usage("unknown signal " .. word)
  words = table.move(arg, 2, #arg, 1, {})
end
local _, pids = command.options(words)
if not pids[1] then command.usage("process expected") end

local job, failed = swos.handle("session") or swos.handle("job"), false
for i = 1, #pids do
  local pid = math.tointeger(tonumber(pids[i]))
  local process, message
  if pid then process, message = swos.sys.job_find(job, pid) else message = "not a process number" end
  if not process then
    if message == "not found" then message = "no such process in this session" end
    io.stderr:write(("kill: %s: %s\n"):format(pids[i], message))
    failed = true
  elseif signal ~= 0 then
    command.check(swos.sys.process_kill(process, 128 + signal))
  end
end
os.exit(failed and 1 or 0)
