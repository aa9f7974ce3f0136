#!/bin/lua
-- man NAME... | man -k WORD...: pages of commands.
local command = require("swos.command")
local fs = require("swos.fs")
local manual = require("swos.manual")
local terminals = require("swos.terminal")

local PAGES = "/share/man/"

local options, names = command.options(arg)
if not names[1] then command.usage(options.k and "word expected" or "name of a command expected") end

if options.k then
  local index = command.check(fs.read(PAGES .. "index"))
  local found = manual.search(index, names)
  if not found[1] then
    found = manual.search(index, names, function(name) return (fs.read(PAGES .. name .. ".md")) end)
  end
  for _, line in ipairs(found) do print(line) end
  if not found[1] then command.fail(table.concat(names, " ") .. ": nothing appropriate") end
  os.exit(0)
end

-- A number before a name is a section of other systems' manuals; here there is one.
if names[2] and names[1]:find("^[1-8]$") then table.remove(names, 1) end

local rows, columns = terminals.size()
local texts, failed = {}, false
for _, name in ipairs(names) do
  local text, message, code
  if not name:find("/", 1, true) then text, message, code = fs.read(PAGES .. name .. ".md") end
  if text then
    texts[#texts + 1] = manual.render(text, { columns = columns, bold = rows ~= nil })
  else
    local is_missing = not message or code == "NOT_FOUND"
    io.stderr:write(is_missing and ("man: %s: no page; man -k WORD looks for one\n"):format(name)
      or ("man: %s\n"):format(message))
    failed = true
  end
end

local text = table.concat(texts, "\n")
local _, lines = text:gsub("\n", "")
if rows and lines >= rows and terminals.has_keys() then
  local less = require("swos.less")
  command.check(less.show({ less.text_source(table.concat(names, " "), text) }, { colour = true }))
else
  io.write(text)
end
os.exit(failed and 1 or 0)
