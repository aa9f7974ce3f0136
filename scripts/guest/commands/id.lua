#!/bin/lua
-- id: principal, session and capabilities of this session.
local command = require("swos.command")
local swos = require("swos")
local accounts = require("swos.accounts")

local options, operands = command.options(arg)
if operands[1] then command.usage(operands[1] .. ": no operand expected") end
if options.n and not options.u then command.usage("-n without -u") end

local info = assert(swos.sys.process_info(nil))
local name = accounts.name(info.principal)
-- without fs-read nobody can look into /etc/passwd; login put the name into the environment
if name == tostring(info.principal) then name = os.getenv("LOGNAME") or name end
if options.u then
  print(options.n and name or info.principal)
else
  print(("principal=%d(%s) session=%d caps=0x%x (%s)"):format(info.principal, name, info.session, info.caps,
    (swos.capability_names(info.caps))))
end
