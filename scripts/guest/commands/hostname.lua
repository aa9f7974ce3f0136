#!/bin/lua
-- hostname: the machine's name.
local command = require("swos.command")

command.no_operands(arg)
print(command.check(require("swos.fs").read("/etc/hostname")):match("%S+") or "swift-os")
