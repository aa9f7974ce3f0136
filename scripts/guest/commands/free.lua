#!/bin/lua
-- free: memory of the machine in KiB.
local command = require("swos.command")
local swos = require("swos")

command.no_operands(arg)

local info = command.check(swos.sys.system_info())
print(("%-8s %11s %11s %11s"):format("", "total", "used", "free"))
print(("%-8s %11d %11d %11d"):format("Mem:", info.ram_total // 1024, (info.ram_total - info.ram_free) // 1024,
  info.ram_free // 1024))
local objects = info.kernel_heap + info.page_tables
print(("%-8s %11d %11d %11s"):format("Kernel:", (info.kernel_image + objects) // 1024, objects // 1024, "-"))
