#!/bin/lua
-- timeout [-s SIGNAL] [-k DURATION] DURATION COMMAND [ARGUMENT...]
local command = require("swos.command")
local run = require("swos.run")
local swos = require("swos")
local sys = swos.sys

local TIMED_OUT, KILLED, FAILED = 124, 137, 125
local SIGNALS = { INT = swos.INTERRUPT_INT, TERM = swos.INTERRUPT_TERM, HUP = swos.INTERRUPT_HUP,
  KILL = "KILL", ["1"] = swos.INTERRUPT_HUP, ["2"] = swos.INTERRUPT_INT, ["9"] = "KILL",
  ["15"] = swos.INTERRUPT_TERM }

local options, words = command.options(arg, "first")

local function duration(word)
  local seconds = run.seconds(word)
  if not seconds then command.fail(word .. ": not a duration", FAILED) end
  return seconds
end

if not words[2] then command.usage(words[1] and "command expected" or "duration expected") end
local signal = SIGNALS[(options.s or "TERM"):upper():gsub("^SIG", "")]
if not signal then command.fail(options.s .. ": unknown signal", FAILED) end
local limit = duration(words[1])
local grace = options.k and duration(options.k)

local started, message, status = run.start(table.move(words, 2, #words, 1, {}))
if not started then command.fail(message, status) end

local function deadline(seconds) return seconds > 0 and swos.deadline(seconds) or swos.NEVER end

local function tell(kind)
  if options.v then io.stderr:write(("timeout: %s after %s\n"):format(words[2], words[1])) end
  if kind == "KILL" then sys.job_kill(started.job, KILLED) else sys.job_interrupt(started.job, kind) end
end

local name
status, message, name = run.wait(started, deadline(limit))
if not status and name == "TIMED_OUT" then
  tell(signal)
  status, message, name = run.wait(started, grace and deadline(grace) or swos.NEVER)
  if not status and name == "TIMED_OUT" then
    tell("KILL")
    status, message = run.wait(started)
  end
  if status and status ~= KILLED and not options["preserve-status"] then status = TIMED_OUT end
end
if not status then command.fail(message, FAILED) end
os.exit(status)
