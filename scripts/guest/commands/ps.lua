#!/bin/lua
-- ps [-eA] [-f] [-p PID,...] [-o COLUMN,...] | ps aux
local command = require("swos.command")
local processes = require("swos.processes")
local swos = require("swos")

-- name -> { header, width (negative: left-aligned, 0: last), value }
local COLUMNS = {
  pid = { "PID", 4, function(p) return p.pid end },
  ppid = { "PPID", 4, function(p) return p.parent end },
  state = { "STATE", -5, function(p) return p.letter end },
  stat = { "STAT", -4, function(p) return p.letter end },
  user = { "USER", -8, function(p) return p.user end },
  uid = { "UID", 5, function(p) return p.principal end },
  time = { "TIME", 8, function(p) return processes.clock(p.cpu_ns) end },
  cpu = { "%CPU", 5, function(p) return p.cpu end },
  psr = { "PSR", 3, function(p) return p.processor end },
  thcount = { "THCNT", 5, function(p) return p.threads end },
  wait = { "WAIT", -16, processes.wait },
  rss = { "RSS", 7, function(p) return p.memory // 1024 end },
  cmd = { "CMD", 0, function(p) return p.name end },
  command = { "COMMAND", 0, function(p) return p.name end },
}

local function cell(column, text, is_last)
  local width = column[2]
  if width == 0 or (is_last and width < 0) then return tostring(text) end
  return ("%" .. width .. "s"):format(tostring(text))
end

local function print_table(columns, list)
  local lines = {}
  for row = 0, #list do
    local cells = {}
    for i, column in ipairs(columns) do
      cells[i] = cell(column, row == 0 and column[1] or column[3](list[row]), i == #columns)
    end
    lines[#lines + 1] = table.concat(cells, " ")
  end
  print(table.concat(lines, "\n"))
end

local arguments = arg
local wanted = "pid,ppid,state,cmd"
if arguments[1] == "aux" then
  wanted, arguments = "user,pid,cpu,rss,stat,time,command", { table.unpack(arguments, 2) }
end
local options, rest = command.options(arguments)
if rest[1] then command.usage() end
if options.f then wanted = "user,pid,ppid,state,time,wait,cmd" end
if options.o then wanted = options.o end

local columns = {}
for name in wanted:gmatch("[^, ]+") do
  columns[#columns + 1] = COLUMNS[name] or command.fail(name .. ": no such column")
end
local only
if options.p then
  only = {}
  for pid in options.p:gmatch("[^, ]+") do
    only[tonumber(pid) or command.fail(pid .. ": not a number")] = true
  end
end

local list, now = {}, swos.monotonic()
for _, process in ipairs(command.check(processes.list(processes.visible_job()))) do
  process.processor = process.cpu
  process.cpu = ("%.1f"):format(100 * process.cpu_ns / math.max(now - process.start_ns, 1))
  if not only or only[process.pid] then list[#list + 1] = process end
end
print_table(columns, list)
if only and #list == 0 then os.exit(1) end
