#!/bin/lua
-- uname [-amnrsv]: what system this is.
local command = require("swos.command")
local swos = require("swos")

local options, operands = command.options(arg)
if operands[1] then command.usage(operands[1] .. ": no operand expected") end

-- Who may not read the file gets the name that everybody knows.
local function host()
  return (require("swos.fs").read("/etc/hostname") or ""):match("%S+") or "swift-os"
end

local info = swos.info()
local parts = { { "s", function() return "swos" end }, { "n", host },
  { "r", function() return info.abi_high end },
  { "v", function() return ("ABI %d to %d"):format(info.abi_low, info.abi_high) end },
  { "m", function() return "aarch64" end } }
local words = {}
for _, part in ipairs(parts) do
  if options.a or options[part[1]] then words[#words + 1] = part[2]() end
end
print(words[1] and table.concat(words, " ") or "swos")
