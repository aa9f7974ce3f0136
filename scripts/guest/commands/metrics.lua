#!/bin/lua
-- metrics: what the system counts, in the Prometheus text format. docs/observability.md says more.
local command = require("swos.command")
local metrics = require("swos.metrics")

command.no_operands(arg)
local text, is_whole = command.check(metrics.text())
io.write(text)
if not is_whole then io.stderr:write("metrics: the figures of services need the capability inspect\n") end
