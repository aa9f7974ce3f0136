#!/bin/lua
-- kv: a store of keys and values, as long as it runs; a line at a time.
local command = require("swos.command")
local kv = require("swos.kv")
local prompt = require("swos.prompt")

local HELP = [[
SET KEY VALUE   GET KEY   DEL KEY   KEYS   COUNT
:stats what was done   :mem memory in use   :q leave]]

command.no_operands(arg)
local store, failed = kv.new(), false

local commands = {
  [":help"] = function() return HELP end,
  [":stats"] = function() return store:statistics() end,
  [":mem"] = function() return prompt.memory() .. " bytes in use" end,
}

prompt.lines("kv> ", function(line)
  local word = line:match("^%s*(:%S*)%s*$")
  if word == ":q" then return true end
  local answer, message
  if word and not commands[word] then
    message = word .. ": no such command; :help lists them"
  elseif word then
    answer = commands[word]()
  else
    answer, message = store:execute(line)
  end
  if message then
    io.stdout:flush()
    io.stderr:write("kv: ", message, "\n")
    failed = true
  elseif answer ~= "" then
    print(answer)
  end
end)
os.exit(failed and 1 or 0)
