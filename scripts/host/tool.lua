-- What the host's tools share: failing with their name, whole files, words for the shell.

local M = {}

local NAME = arg[0]:match("([^/]*)%.lua$")

--- Ends the program with status 1 and a message made with string.format.
function M.fail(...)
  io.stderr:write(NAME, ": ", string.format(...), "\n")
  os.exit(1)
end

--- The value, unless it is nil or false: then the program ends with the message.
function M.check(value, message)
  if not value then M.fail("%s", message) end
  return value
end

function M.read_file(path)
  local file <close> = M.check(io.open(path, "rb"))
  return M.check(file:read("a"))
end

function M.quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

return M
