#!/bin/lua
-- stty [-a] [SETTING...]: modes and size of the terminal.
local command = require("swos.command")
local protocol = require("swos.protocol")
local swos = require("swos")
local terminals = require("swos.terminal")

local FLAGS = { { "echo", swos.TERMINAL_ECHO }, { "icanon", swos.TERMINAL_CANONICAL },
  { "isig", swos.TERMINAL_SIGNALS } }
local ALL = swos.TERMINAL_ECHO | swos.TERMINAL_CANONICAL | swos.TERMINAL_SIGNALS

-- Modes by one word: those of a login, none, and lines without ...
local WHOLE = { sane = ALL, cooked = ALL, ["-raw"] = ALL, raw = 0, ["-cooked"] = 0,
  cbreak = swos.TERMINAL_ECHO | swos.TERMINAL_SIGNALS }

-- Settings with a dash in front are no options.
local words, settings = {}, {}
for _, word in ipairs(arg) do
  local list = (word == "-a" or word == "-g" or word:find("^%-%-")) and words or settings
  list[#list + 1] = word
end
local options = command.options(words)

local control = terminals.control(0, 1, 2)
if not control then command.fail("not on a terminal") end
local state = command.check(protocol.terminal.get_mode(control))

local function number(name, word)
  local value = math.tointeger(tonumber(word))
  if not value or value < 1 or value > 65535 then
    command.usage(("%s: %s"):format(name, word and word .. ": not a size" or "number expected"))
  end
  return value
end

local function take_flag(word)
  for _, flag in ipairs(FLAGS) do
    if word == flag[1] then state.mode = state.mode | flag[2] return true end
    if word == "-" .. flag[1] then state.mode = state.mode & ~flag[2] return true end
  end
end

local at, has_size = 1, false
while settings[at] do
  local word = settings[at]
  if word == "size" then
    print(("%d %d"):format(state.rows, state.columns))
  elseif word == "rows" or word == "columns" or word == "cols" then
    at = at + 1
    state[word == "rows" and "rows" or "columns"] = number(word, settings[at])
    has_size = true
  elseif WHOLE[word] then
    state.mode = WHOLE[word]
  elseif not take_flag(word) then
    command.usage(word:find("^%-") and "unknown option " .. word or word .. ": no such setting")
  end
  at = at + 1
end

if settings[1] then
  command.check(protocol.terminal.set_mode(control, { mode = state.mode, drain = 1 }))
  if has_size then
    command.check(protocol.terminal.set_size(control, { rows = state.rows, columns = state.columns }))
  end
elseif options.g then
  local list = { "rows", state.rows, "columns", state.columns }
  for _, flag in ipairs(FLAGS) do list[#list + 1] = (state.mode & flag[2] == 0 and "-" or "") .. flag[1] end
  print(table.concat(list, " "))
else
  print(("rows %d; columns %d;"):format(state.rows, state.columns))
  local list = {}
  for i, flag in ipairs(FLAGS) do list[i] = (state.mode & flag[2] == 0 and "-" or "") .. flag[1] end
  print(table.concat(list, " "))
end
