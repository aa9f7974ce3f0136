#!/bin/lua
-- svc: services. Without arguments the list; `svc help` says the rest.
local command = require("swos.command")
local protocol = require("swos.protocol")
local swos = require("swos")

local HOW = { crash = 1, hang = 2, freeze = 3 }
local CAPACITY = 16384
local LAST_LINES = 20

local actions = {}

local function connect() return command.connect("system") end

function actions.list()
  local system <close> = connect()
  local reply = command.check(protocol.system.service_list(system, { capacity = CAPACITY }))
  print(("%-12s %-10s %6s %8s"):format("NAME", "STATE", "PID", "RESTARTS"))
  for words in command.rows(reply.data, 4) do
    print(("%-12s %-10s %6s %8s"):format(table.unpack(words)))
  end
end

local function failed(name, message, code)
  if code == "NOT_FOUND" then message = "no such service" end
  if code == "BAD_STATE" then message = "it does not run" end
  command.fail(("%s: %s"):format(name, message))
end

-- An operation on one service; what it answers is printed.
local function on_service(operation, fields)
  return function(name)
    if not name then command.usage("name of a service expected") end
    local system <close> = connect()
    local request = fields and fields() or {}
    request.name = name
    local reply, message, code = protocol.system[operation](system, request)
    if not reply then failed(name, message, code) end
    if reply.text then print(reply.text) end
    return reply
  end
end

-- Ends with status 1 unless the service came to be as wanted.
local function wanting(operation, states)
  local act = on_service(operation)
  return function(name)
    local state = act(name).text:match(": (%l+)")
    if not states[state] then os.exit(1) end
  end
end

local UP = { ready = true, done = true, starting = true }
actions.start = wanting("service_start", UP)
actions.restart = wanting("service_restart", UP)
actions.stop = wanting("service_stop", { stopped = true })

function actions.kill(name, how)
  if how and not HOW[how] then command.usage(how .. ": crash, hang or freeze expected") end
  on_service("service_kill", function() return { how = HOW[how] or 0 } end)(name)
end

local function enabling(enabled)
  local act = on_service("service_enable", function() return { enabled = enabled } end)
  return function(name)
    act(name)
    print(("%s: %s until the machine reboots: there is no /data to remember it in"):format(name,
      enabled == 1 and "enabled" or "disabled"))
  end
end

actions.enable, actions.disable = enabling(1), enabling(0)

local function report(what, name)
  local system <close> = connect()
  local reply, message, code = protocol.system.service_report(system, { what = what, name = name or "",
    capacity = CAPACITY })
  if not reply then failed(name or "report", message, code) end
  io.write(reply.data)
end

-- Lines of a service's log from number `sequence` on: the text and the next number; nil, message.
local function log_lines(connection, name, sequence, flags)
  local reply, message, code = protocol.log.lines(connection,
    { name = name, sequence = sequence, flags = flags, capacity = CAPACITY })
  if not reply then return nil, code == "NOT_FOUND" and "no log" or message, code end
  return reply.data, reply.next
end

-- Everything a log has; the number of the line to go on with.
local function whole_log(connection, name)
  local parts, sequence = {}, 0
  while true do
    local text, next_sequence = log_lines(connection, name, sequence, 0)
    if not text then return nil, next_sequence end
    if text == "" then return table.concat(parts), sequence end
    parts[#parts + 1], sequence = text, next_sequence
  end
end

function actions.logs(first, second)
  local follow = first == "-f" or second == "-f"
  local name = first == "-f" and second or first
  if not name then command.usage("name of a service expected") end
  local connection <close> = command.connect("log")
  local text, sequence = whole_log(connection, name)
  if not text then command.fail(("%s: %s"):format(name, sequence)) end
  io.write(text)
  while follow do
    io.stdout:flush()
    text, sequence = log_lines(connection, name, sequence, swos.LOG_FOLLOW)
    if not text then command.fail(("%s: %s"):format(name, sequence)) end
    io.write(text)
  end
end

function actions.status(name)
  if not name then return actions.list() end
  report(swos.REPORT_STATUS, name)
end

function actions.why(name)
  if not name then command.usage("name of a service expected") end
  report(swos.REPORT_WHY, name)
  local connection <close> = command.connect("log")
  local text, message = whole_log(connection, name)
  if not text then return print("last lines of its log: " .. message) end
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    if not line:find("^%[%d+%] %[E%] crash: ") then lines[#lines + 1] = line end -- the report has its record
  end
  print("last lines of its log:")
  for i = math.max(1, #lines - LAST_LINES + 1), #lines do print("  " .. lines[i]) end
end

function actions.tree() report(swos.REPORT_TREE) end

function actions.blame() report(swos.REPORT_BLAME) end

function actions.check(path)
  if not path then command.usage("file expected") end
  local text = command.check(swos.fs.read(path))
  local system <close> = connect()
  local reply = command.check(protocol.system.service_check(system, { name = path, data = text }))
  if reply.text ~= "" then
    print(reply.text)
    os.exit(1)
  end
  print(path .. ": good")
end

function actions.reload()
  local system <close> = connect()
  local reply = command.check(protocol.system.service_reload(system))
  print(reply.text ~= "" and reply.text or "nothing has changed")
  if reply.unread ~= 0 then os.exit(1) end
end

function actions.trim()
  local system <close> = connect()
  local live = command.check(protocol.system.trim(system)).live
  print(("caches are dropped; what init itself remembers takes %d bytes"):format(live))
end

function actions.help()
  io.write(require("swos.options").page("svc").help)
end

local _, words = command.options(arg, "first")
local action = actions[words[1] or "list"] or command.usage(words[1] .. ": no such command")
action(words[2], words[3])
