#!/bin/lua
-- /bin/sh: sh [-c TEXT [NAME]] [FILE] [ARGUMENT...]
-- Interactive on a terminal. Lexer, parser, expansion and execution are modules swos.sh.*.
local swos = require("swos")
local exec = require("swos.sh.exec")
local shells = require("swos.sh.shell")
local fd, sys = swos.fd, swos.sys

local READ_BYTES = 4096

local function host_name()
  local text = require("swos.fs").read("/etc/hostname")
  return text and text:match("%S+") or "swift-os"
end

-- Ctrl-C at the prompt reaches the shell as an event instead of ending it.
local function catch_interrupts()
  local event = assert(sys.event_create())
  assert(sys.process_on_interrupt(event))
  return event
end

-- A line from the terminal; nil at its end; "" after an interrupt or a hang-up.
local function read_line(shell, interrupts)
  local text, _, name = fd.read(0, READ_BYTES)
  if name == "INTERRUPTED" then
    local bits = sys.event_read(interrupts)
    sys.event_update(interrupts, -1, 0)
    if bits & ~swos.INTERRUPT_INT ~= 0 then return nil end
    shell.status = 130
    return "" -- the terminal has shown "^C" and begun a new line
  end
  if not text or text == "" then return nil end
  return text
end

local function interact(shell)
  local interrupts <close> = catch_interrupts()
  local user, host = shell:get("USER") or "?", host_name()
  local mark = (sys.process_info(nil) or {}).principal == 1 and "#" or "$"
  shell.interactive = true
  shell.control = swos.handle("fd/0/control")
  local text = ""
  while not shell.stopped do
    shell:reap_background()
    swos.trim()  -- while nobody waits; a shell that sits there should be small
    fd.write(1, text == "" and ("%s@%s:%s%s "):format(user, host, swos.directory(), mark) or "> ")
    local line = read_line(shell, interrupts)
    if not line then
      fd.write(1, "exit\n")
      break
    elseif line == "" then
      text = ""
    else
      text = text .. line
      local _, message = exec.text(shell, text)
      if message ~= "incomplete" then text = "" end
    end
  end
  return shell.status
end

-- Runs a whole text, as from a file.
local function run(shell, text)
  local status, message = exec.text(shell, text)
  if not status then
    exec.say("syntax error: " .. message)
    return 2
  end
  return status
end

local function read_all(number)
  local pieces = {}
  while true do
    local piece = fd.read(number, READ_BYTES)
    if not piece or piece == "" then return table.concat(pieces) end
    pieces[#pieces + 1] = piece
  end
end

local function main(arguments)
  local first = arguments[1]
  if first == "-c" then
    if not arguments[2] then
      exec.say("-c: text expected")
      return 2
    end
    return run(shells.new(arguments[3] or "sh", { table.unpack(arguments, 4) }), arguments[2])
  elseif first and first:sub(1, 1) ~= "-" then
    local text, message = require("swos.fs").read(first)
    if not text then
      exec.say(message)
      return 127
    end
    if text:find("\0", 1, true) then
      exec.say(first .. ": cannot execute: neither a program of the image nor a text")
      return 126
    end
    return run(shells.new(first, { table.unpack(arguments, 2) }), (text:gsub("^#![^\n]*", "")))
  end
  local shell = shells.new("sh", {})
  if fd.kind(0) == swos.FD_TERMINAL then return interact(shell) end
  return run(shell, read_all(0))
end

os.exit(main(arg))
