#!/bin/lua
-- calc [EXPRESSION...]: a calculator; without operands a line at a time.
local calc = require("swos.calc")
local command = require("swos.command")
local prompt = require("swos.prompt")

local HELP = [[
+ - * / % ^ ( )   NAME = EXPRESSION   ans: the last result   pi e
sqrt sin cos tan asin acos atan exp ln log abs floor ceil round min max
:vars variables   :sum of all results   :mem memory in use   :q leave]]

local one, failed = calc.new(), false

local function show(line)
  local value, message = one:evaluate(line)
  if value then
    print(calc.show(value))
  elseif message then
    io.stdout:flush()
    io.stderr:write("calc: ", message, "\n")
    failed = true
  end
end

local commands = {
  [":help"] = function() print(HELP) end,
  [":sum"] = function() print(calc.show(one.sum)) end,
  [":mem"] = function() print(prompt.memory() .. " bytes in use") end,
  [":vars"] = function()
    for _, name in ipairs(one:names()) do print(name .. " = " .. calc.show(one.variables[name])) end
  end,
}

-- An expression may start with a minus, so only what is no expression is an option.
local words = arg
if arg[1] and arg[1]:find("^%-%-%a") then words = select(2, command.options(arg)) end
if words[1] then
  show(table.concat(words, " "))
else
  prompt.lines("calc> ", function(line)
    local word = line:match("^%s*(:%S*)%s*$")
    if word == ":q" then return true end
    if word and not commands[word] then
      io.stderr:write("calc: ", word, ": no such command; :help lists them\n")
      failed = true
    elseif word then
      commands[word]()
    else
      show(line)
    end
  end)
end
os.exit(failed and 1 or 0)
