#!/bin/lua
-- svc [list] | svc kill NAME [crash|hang] | svc start NAME | svc stop NAME | svc trim
local command = require("swos.command")
local protocol = require("swos.protocol")

local USAGE = "[list] | kill NAME [crash|hang] | start NAME | stop NAME | trim"
local HOW = { crash = 1, hang = 2 }
local CAPACITY = 16384

local actions = {}

function actions.list(system)
  local reply = command.check(protocol.system.service_list(system, { capacity = CAPACITY }))
  print(("%-12s %-10s %6s %8s"):format("NAME", "STATE", "PID", "RESTARTS"))
  for line in reply.data:gmatch("[^\n]+") do
    print(("%-12s %-10s %6s %8s"):format(line:match("^([^\t]+)\t([^\t]+)\t([^\t]+)\t([^\t]+)$")))
  end
end

local function on_service(operation, with_how)
  return function(system, name, how)
    if not name or (how and not (with_how and HOW[how])) then command.usage(USAGE) end
    local reply, message, code = protocol.system[operation](system, { name = name, how = HOW[how] or 0 })
    if code == "NOT_FOUND" then message = "no such service" end
    if not reply then command.fail(("%s: %s"):format(name, message)) end
  end
end

actions.kill = on_service("service_kill", true)
actions.start = on_service("service_start")
actions.stop = on_service("service_stop")

function actions.trim(system)
  command.check(protocol.system.trim(system))
end

local action = actions[arg[1] or "list"] or command.usage(USAGE)
local system <close> = command.connect("system")
action(system, arg[2], arg[3])
