-- What small commands share: their name in messages, options, connections that must exist.
local names = require("swos.names")
local swos = require("swos")

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

-- The end of the program with what its page in docs/commands says of its use. message: what is wrong.
function M.usage(message)
  local page = require("swos.options").page(M.name)
  io.stdout:flush()
  if message then io.stderr:write(M.name, ": ", message, "\n") end
  io.stderr:write(page.help:match("^.-\n%f[%S]"))
  os.exit(2)
end

-- The end of the program with its help.
function M.help()
  io.write(require("swos.options").page(M.name).help)
  io.stdout:flush()
  os.exit(0)
end

-- The end of the program if it has not got the capability: for those that print before they are refused.
function M.needs(capability)
  if swos.sys.process_info(nil).caps & swos["CAP_" .. capability] == 0 then
    M.fail(("permission denied (needs capability %s)"):format(capability))
  end
end

-- The options, operands and order of options of the program's command line; see swos.options.parse.
-- --help is answered, and what the page does not have is refused. first: "first" if the first operand ends
-- the options.
function M.options(arguments, first)
  local options = require("swos.options")
  local page = options.page(M.name)
  local found, rest, order = options.parse(page.options, arguments, first == "first")
  if found == "help" then
    M.help()
  elseif not found then
    M.usage(rest)
  end
  return found, rest, order
end

-- For a program that takes neither options nor operands.
function M.no_operands(arguments)
  local _, rest = M.options(arguments)
  if rest[1] then M.usage(rest[1] .. ": no operand expected") end
end

-- A connection to a service.
function M.connect(service)
  return M.check(names.connect(service))
end

return M
