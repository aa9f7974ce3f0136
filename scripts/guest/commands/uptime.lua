#!/bin/lua
-- uptime: time since the machine started.
local command = require("swos.command")
local processes = require("swos.processes")
local swos = require("swos")

command.no_operands(arg)

local info = command.check(swos.sys.system_info())
print(("up %s, %d processes, %d CPUs"):format(processes.clock(info.monotonic_ns), info.processes,
  info.cpu_count))
