#!/bin/lua
-- time [-p] COMMAND [ARGUMENT...]: runs a command and says how long it took.
local command = require("swos.command")
local run = require("swos.run")
local swos = require("swos")

local options, words = command.options(arg, "first")
if not words[1] then command.usage("command expected") end

local function format(ns)
  local seconds = ns / 1e9
  if options.p then return ("%.2f"):format(seconds) end
  return ("%dm%.3fs"):format(math.tointeger(seconds // 60), seconds % 60)
end

local began = swos.monotonic()
local started, message, status = run.start(words)
if not started then command.fail(message, status) end
status, message = run.wait(started)
local real = swos.monotonic() - began
local info = swos.sys.job_info(started.job)
io.stdout:flush()
local gap = options.p and " " or "\t"
io.stderr:write(options.p and "" or "\n", "real", gap, format(real), "\ncpu", gap,
  format(info and info.cpu_ns or 0), "\n")
if not status then command.fail(message) end
os.exit(status)
