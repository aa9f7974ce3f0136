#!/bin/lua
-- /bin/swos-init: init itself comes from the boot bundle; this names it and what it runs.
local command = require("swos.command")
local protocol = require("swos.protocol")
local swos = require("swos")

local system <close> = command.connect("system")
local reply = command.check(protocol.system.service_list(system, { capacity = swos.PAGE }))
print("swos-init: running; services:")
for words in command.rows(reply.data, 4) do
  print(("  %-10s %-9s pid %-6s restarts %s"):format(table.unpack(words)))
end
