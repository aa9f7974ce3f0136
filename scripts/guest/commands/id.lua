#!/bin/lua
-- id: principal, session and capabilities of this session.
local command = require("swos.command")
local swos = require("swos")
local accounts = require("swos.accounts")

command.no_operands(arg)

local info = assert(swos.sys.process_info(nil))
local name = accounts.name(info.principal)
-- without fs-read nobody can look into /etc/passwd; login put the name into the environment
if name == tostring(info.principal) then name = os.getenv("LOGNAME") or name end
print(("principal=%d(%s) session=%d caps=0x%x (%s)"):format(info.principal, name, info.session, info.caps,
  (swos.capability_names(info.caps))))
