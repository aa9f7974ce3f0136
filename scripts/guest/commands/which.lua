#!/bin/lua
-- which [-a] NAME...: the programs that names stand for.
local command = require("swos.command")
local fs = require("swos.fs")
local run = require("swos.run")
local swos = require("swos")

local EXECUTE = 73 -- any of the three bits

local options, names = command.options(arg)
if not names[1] then command.usage("name expected") end
local failed = false
for _, name in ipairs(names) do
  local found = false
  for _, path in ipairs(name == "" and {} or run.candidates(name)) do
    local attributes, message, code = fs.stat(path)
    if not attributes and code ~= "NOT_FOUND" then command.fail(message) end
    if attributes and attributes.kind == swos.FILE_REGULAR and attributes.mode & EXECUTE ~= 0
        and (options.a or not found) then
      print(path)
      found = true
    end
  end
  failed = failed or not found
end
os.exit(failed and 1 or 0)
