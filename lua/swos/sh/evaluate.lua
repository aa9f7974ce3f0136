-- `= EXPR` of the interactive line: Lua, in an environment that stays as long as the shell.
local swos = require("swos")

local INSTRUCTIONS = 100000 -- between two looks for a Ctrl-C

local M = {}

local function new_environment(shell)
  local environment = { swos = swos }
  function environment.print(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    io.stdout:flush() -- what the C library has buffered goes before it
    shell:write(1, table.concat(words, "\t") .. "\n")
  end
  return setmetatable(environment, { __index = _G })
end

-- The chunk of an expression or of statements; nil, message; nil, nil: the text is not complete.
local function compile(text, environment)
  local chunk, as_expression = load("return " .. text, "=lua", "t", environment)
  if chunk then return chunk end
  local message
  chunk, message = load(text, "=lua", "t", environment)
  if not chunk and (as_expression:find("<eof>$") or message:find("<eof>$")) then return nil end
  return chunk, message
end

-- Runs the text behind `=`; its status, nil: there must be more of it.
function M.run(shell, text)
  if not text:find("%S") then
    shell:say("usage: = EXPRESSION (Lua)")
    return 2
  end
  shell.lua = shell.lua or new_environment(shell)
  local chunk, message = compile(text, shell.lua)
  if not chunk and not message then return nil end
  local ok, results
  if chunk then
    debug.sethook(function()
      shell:take_interrupts()
      if shell.interrupts then error("interrupted", 0) end
    end, "", INSTRUCTIONS)
    results = table.pack(pcall(chunk))
    ok, message = results[1], results[2]
    if ok and results.n > 1 then ok, message = pcall(shell.lua.print, table.unpack(results, 2, results.n)) end
    debug.sethook()
    io.stdout:flush()
  end
  shell:poll()
  if ok then return 0 end
  if shell.unwind ~= "interrupt" then shell:say("=: " .. tostring(message)) end
  return 1
end

return M
