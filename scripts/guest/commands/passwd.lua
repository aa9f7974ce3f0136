#!/bin/lua
-- passwd [NAME]: the line of the account file with another password.
local cells = require("swos.cells")
local command = require("swos.command")
local fs = require("swos.fs")
local keys = require("swos.keys")
local names = require("swos.names")
local protocol = require("swos.protocol")
local swos = require("swos")
local terminals = require("swos.terminal")
local fd = swos.fd

local ACCOUNTS = "/etc/swos/passwd"
local LINE_BYTES = 4096

local _, operands = command.options(arg)
if operands[2] then command.usage(operands[2] .. ": one name expected") end
local name = operands[1] or os.getenv("LOGNAME") or command.usage("name expected")

-- Sessions without the capability do not see authd.
if swos.sys.process_info(nil).caps & swos.CAP_console == 0 then
  command.fail(name .. ": permission denied (needs capability console)")
end
local before, after
for line in command.check(fs.read(ACCOUNTS)):gmatch("[^\n]+") do
  local first, rest = line:match("^([^:]*:[^:]*:[^:]*:[^:]*:)[^:]*(:.*)$")
  if first and first:match("^[^:]*") == name then before, after = first, rest end
end
if not before then command.fail(name .. ": no such account") end

local control = terminals.control(0)
local mode = control and command.check(protocol.terminal.get_mode(control)).mode

local typed = ""

-- A line in raw mode: nothing is shown, and Ctrl-C is a key; nil when it was pressed or the input ended.
local function read_line()
  local line = ""
  while true do
    local key, length = keys.decode(typed, 1)
    if not key then
      local more = fd.read(0, LINE_BYTES)
      if not more or more == "" then return nil end
      typed = typed .. more
    else
      typed = typed:sub(length + 1)
      if key == "enter" then return line end
      if key == "ctrl-c" or key == "ctrl-d" then return nil end
      if key == "backspace" then line = line:sub(1, #line - cells.length_before(line, #line + 1)) end
      if key == "ctrl-u" then line = "" end
      if keys.is_text(key) then line = line .. key end
    end
  end
end

-- The new password, asked for twice; nil, message.
local function ask()
  local first, second
  fd.write(2, ("New password for %s: "):format(name))
  first = read_line()
  if not first or first == "" then return nil, "no password given" end
  fd.write(2, "\nAgain: ")
  second = read_line()
  if first ~= second then return nil, "the two are not the same" end
  return first
end

local password, message
if control then
  command.check(protocol.terminal.set_mode(control, { mode = 0, drain = 0 }))
  password, message = ask()
  fd.write(2, "\n")
  protocol.terminal.set_mode(control, { mode = mode, drain = 0 })
else
  password, message = io.read("l"), "no password given"
  if password == "" then password = nil end
end
if not password then command.fail(name .. ": " .. message) end
local auth <close> = command.check(names.connect("auth"))
local reply = command.check(protocol.auth.hash(auth, { password = password }))
if control then
  io.stderr:write(ACCOUNTS, " is part of the image: put this line into etc/swos/passwd of the sources.\n")
end
print(before .. reply.record .. after)
