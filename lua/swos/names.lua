-- Services by name, through the start handle `names`.
local swos = require("swos")
local protocol = require("swos.protocol")

local M = {}

-- A connection to the service; the caller's to close.
function M.connect(name, deadline)
  local directory = swos.handle("names")
  if not directory then return nil, name .. ": no service directory", "NOT_FOUND" end
  local reply, message, code = protocol.names.lookup(directory, { name = name }, deadline)
  if reply and not reply.connection then message, code = "malformed message", "BAD_MESSAGE" end
  if not reply or not reply.connection then return nil, ("%s: %s"):format(name, message), code end
  return reply.connection
end

-- The names this process may look up.
function M.list(deadline)
  local directory = swos.handle("names")
  if not directory then return nil, "no service directory", "NOT_FOUND" end
  local reply, message, code = protocol.names.list(directory, { capacity = swos.PAGE }, deadline)
  if not reply then return nil, message, code end
  local names = {}
  for name in reply.data:gmatch("[^\n]+") do names[#names + 1] = name end
  return names
end

return M
