#!/bin/lua
-- poweroff: switches the machine off; needs the capability power.
local command = require("swos.command")
local protocol = require("swos.protocol")
local swos = require("swos")

command.no_operands(arg)

local system <close> = command.connect("system")
command.check(protocol.system.power(system, { kind = swos.POWER_OFF }))
