#!/bin/lua
-- free [-bkmh]: memory of the machine, in KiB.
local command = require("swos.command")
local swos = require("swos")

local options, operands = command.options(arg)
if operands[1] then command.usage(operands[1] .. ": no operand expected") end

local UNITS = { "B", "Ki", "Mi", "Gi" }

local function readable(bytes)
  local unit = 1
  while bytes >= 1024 and UNITS[unit + 1] do bytes, unit = bytes / 1024, unit + 1 end
  return (bytes < 10 and unit > 1 and "%.1f%s" or "%.0f%s"):format(bytes, UNITS[unit])
end

local shift = options.b and 0 or options.m and 20 or 10

local function show(bytes)
  return options.h and readable(bytes) or tostring(bytes >> shift)
end

local info = command.check(swos.sys.system_info())
print(("%-8s %11s %11s %11s %11s"):format("", "total", "used", "free", "available"))
print(("%-8s %11s %11s %11s %11s"):format("Mem:", show(info.ram_total),
  show(info.ram_total - info.ram_free), show(info.ram_free), show(info.ram_free + swos.fs.cached())))
local objects = info.kernel_heap + info.page_tables
print(("%-8s %11s %11s %11s %11s"):format("Kernel:", show(info.kernel_image + objects), show(objects), "-",
  "-"))
