-- What small commands share: their name in messages, options, connections that must exist.
local names = require("swos.names")

local M = {}

M.name = (arg and arg[0] or "lua"):match("[^/]+$")

-- Ends the program with NAME: text on stderr.
function M.fail(text, status)
  io.stdout:flush()
  io.stderr:write(M.name, ": ", text, "\n")
  os.exit(status or 1)
end

-- The values, or the end of the program with their message.
function M.check(value, message, ...)
  if value == nil then M.fail(message) end
  return value, message, ...
end

-- The end of the program for an answer that cannot be what the tables and servers say it is.
function M.malformed()
  M.fail("malformed message")
end

-- Goes through the lines of an answer, each as its `count` words with tabs between them.
function M.rows(text, count)
  local next_line = text:gmatch("[^\n]+")
  return function()
    local line = next_line()
    if not line then return nil end
    local words = {}
    for word in line:gmatch("[^\t]+") do words[#words + 1] = word end
    if #words ~= count then M.malformed() end
    return words
  end
end

function M.usage(text)
  io.stderr:write("usage: ", M.name, " ", text, "\n")
  os.exit(2)
end

-- Parses short options. spec: letters, one followed by ':' takes a value. Returns a table letter ->
-- true or value, and the remaining arguments.
function M.options(arguments, spec, usage)
  local found, rest, i = {}, {}, 1
  while i <= #arguments do
    local word = arguments[i]
    if word == "--" then
      table.move(arguments, i + 1, #arguments, #rest + 1, rest)
      break
    elseif word:find("^%-.") then
      local at = 2
      while at <= #word do
        local letter = word:sub(at, at)
        local place = letter ~= ":" and spec:find(letter, 1, true)
        if not place then M.usage(usage) end
        if spec:sub(place + 1, place + 1) == ":" then
          found[letter] = at < #word and word:sub(at + 1) or arguments[i + 1] or M.usage(usage)
          if at == #word then i = i + 1 end
          break
        end
        found[letter] = true
        at = at + 1
      end
    else
      rest[#rest + 1] = word
    end
    i = i + 1
  end
  return found, rest
end

-- A connection to a service.
function M.connect(service)
  return M.check(names.connect(service))
end

return M
