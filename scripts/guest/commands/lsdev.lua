#!/bin/lua
-- lsdev [-a] [-l]: devices, their drivers, generation and state; -a: empty slots, too; -l: interrupt,
-- pins, registers.
local command = require("swos.command")
local protocol = require("swos.protocol")

local CAPACITY = 16384
local FORMAT = "%-16s %-20s %10s  %-8s %s"
local LONG = "%-16s %-20s %10s  %-8s %-16s %4s %-7s %5s %s+0x%x"

local options, rest = command.options(arg)
if rest[1] then command.usage() end
local system <close> = command.connect("system")
local reply = command.check(protocol.system.device_list(system, { capacity = CAPACITY }))
local header = FORMAT:format("NAME", "DEVICE", "GENERATION", "STATE", "HOLDER")
if options.l then
  header = ("%-16s %-20s %10s  %-8s %-16s %4s %-7s %5s %s"):format("NAME", "DEVICE", "GENERATION",
    "STATE", "HOLDER", "IRQ", "MASK", "PINS", "REGISTERS")
end
print(header)
for words in command.rows(reply.data, 11) do
  local name, node, state, holder, pid, generation, irq, mask, pins, address = table.unpack(words)
  local length = math.tointeger(tonumber(words[11])) or command.malformed()
  local who = pid == "0" and "-" or ("%s (%s)"):format(holder, pid)
  if options.a or not name:find("^pseudo%-") or state ~= "free" then
    if options.l then
      print(LONG:format(name, node, generation, state, who, irq, irq == "0" and "-" or mask, pins, address,
        length))
    else
      print(FORMAT:format(name, node, generation, state, who))
    end
  end
end
