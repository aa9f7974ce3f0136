#!/bin/lua
-- /bin/swos-init: init itself comes from the boot bundle; this names it and what it runs.
local swos = require("swos")
local names = require("swos.names")
local protocol = require("swos.protocol")

local system <close>, message = names.connect("system")
local reply
if system then reply, message = protocol.system.service_list(system, { capacity = swos.PAGE }) end
if not reply then
  io.stderr:write("swos-init: ", message, "\n")
  os.exit(1)
end
print("swos-init: running; services:")
for line in reply.data:gmatch("[^\n]+") do
  print(("  %-10s %-9s pid %-6s restarts %s"):format(line:match("^(%S+)\t(%S+)\t(%S+)\t(%S+)$")))
end
