#!/bin/lua
-- edit FILE: a screen editor. What keys do is in swos.editor; here are the terminal and the file.
local command = require("swos.command")
local editor = require("swos.editor")
local fs = require("swos.fs")
local path = require("swos.path")
local swos = require("swos")
local terminals = require("swos.terminal")

local MOST_BYTES = 4 << 20
local NEW_MODE = 0x1a4 -- rw-r--r--

local HELP = [[
edit: arrows, Home, End, page keys move; Ctrl-Left and Ctrl-Right by words,
Ctrl-Home and Ctrl-End to the beginning and the end.

  Ctrl-S   save                     Ctrl-Q   leave; asks when there are changes
  Ctrl-O   save under another name  Ctrl-L   draw again
  Ctrl-F   find; Enter alone finds the last text again, round the end
  Ctrl-G   go to a line
  Ctrl-K   cut the line; several in a row are kept together
  Ctrl-U   put what was cut in front of the line
  Escape   leaves a question

Any key goes on.]]

local _, operands = command.options(arg)
local name = operands[1] or command.usage("file expected")
if operands[2] then command.usage(operands[2] .. ": one file expected") end

-- What is known of a file: its attributes, or nil when there is none yet; why it cannot be written.
local function look_at(file)
  local attributes, message, code = fs.stat(file)
  if not attributes then
    if code ~= "NOT_FOUND" then command.fail(message) end
    return nil
  end
  if attributes.kind ~= swos.FILE_REGULAR then command.fail(file .. ": not a regular file") end
  if attributes.size > MOST_BYTES then
    command.fail(("%s: too large, %d MiB at most"):format(file, MOST_BYTES >> 20))
  end
  -- Opened for writing and closed again: nothing changes, and the server says whether it may be.
  local opened, refusal = fs.open(file, swos.OPEN_WRITE)
  if not opened then return attributes, refusal end
  if opened.handle then opened.handle:close() end
  return attributes
end

local attributes, read_only = look_at(name)
local text = attributes and command.check(fs.read(name)) or ""

-- Writes to a new file beside it, which then takes its name: a cut or full file system leaves the old one.
local function save(file, bytes)
  local old = fs.stat(file)
  if old and old.kind ~= swos.FILE_REGULAR then return nil, file .. ": not a regular file" end
  local parent, last = file:match("^(.-)([^/]+)$")
  if not last then return nil, file .. ": not a file's name" end
  local new = ("%s.%s.edit%d"):format(parent, last, swos.sys.process_info(nil).pid)
  local ok, message = fs.write(new, bytes, { mode = old and old.mode or NEW_MODE })
  if ok and old then
    ok, message = fs.chmod(new, old.mode)
    local made = fs.stat(new)
    if ok and made and made.owner ~= old.owner then ok, message = fs.chown(new, old.owner) end
  end
  if ok then ok, message = fs.rename(new, file) end
  if not ok then
    fs.remove(new)
    return nil, (message:gsub("^.-: ", function() return file .. ": " end)) -- not the name nobody has typed
  end
  return true
end

if not terminals.size() then command.fail("not on a terminal") end
local terminal <close> = command.check(terminals.open())
local one = editor.new({ rows = terminal.rows, columns = terminal.columns, name = name, text = text,
  read_only = read_only })
if not attributes then one.message = "a new file" end
if read_only then one.message = "read-only: " .. read_only end

-- Saves; whether that went well.
local function try_save(file)
  file = file or name
  local bytes = one:text()
  local ok, message = save(file, bytes)
  if not ok then
    one.message = "not saved: " .. message
    return false
  end
  if path.normalize("/", file) ~= path.normalize("/", name) or one.read_only then
    name, one.name, one.read_only = file, file, nil
  end
  one.changed = nil
  one.message = ("saved, %d bytes"):format(#bytes)
  return true
end

local function show_help()
  local rows = {}
  for line in HELP:gmatch("([^\n]*)\n?") do rows[#rows + 1] = line end
  for i = #rows + 1, one.rows do rows[i] = "" end
  terminal:draw(rows)
  return terminal:key()
end

while true do
  if not terminal:has_typed() then terminal:draw(one:view()) end
  local key = terminal:key()
  if key == "gone" then break end
  local action, file = one:key(key)
  if action == "quit" then
    break
  elseif action == "save" then
    try_save(file)
  elseif action == "save and quit" then
    if try_save() then break end
  elseif action == "redraw" then
    terminal:renew()
    one.rows, one.columns = terminal.rows, terminal.columns
  elseif action == "help" and show_help() == "gone" then
    break
  end
end
