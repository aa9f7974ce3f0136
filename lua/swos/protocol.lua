-- Operations of the message protocols: protocol.file.stat(connection, { path = "etc" }, deadline).
--
-- Fields, strings and handles go in by name; so do `data` (bytes the server reads) and
-- `capacity` (bytes it may write). The answer is one table: fields, strings, handles, `data`.
-- A server that was replaced is accepted and asked again: such a call changed nothing. One that
-- died with the request is asked again only when the operation is idempotent.
local swos = require("swos")
local loop = require("swos.loop")

local ATTEMPTS = 8

local function invoke(protocol, operation, connection, fields, deadline)
  local request <close>, message, name = swos.request(protocol, operation, fields)
  if not request then return nil, message, name end
  local reply, detail, answer
  for _ = 1, ATTEMPTS do
    reply, message, name, detail, answer = loop.call(request, connection, deadline)
    if reply then return reply end
    if name == "SERVER_REPLACED" then
      swos.sys.connection_accept(connection)
    elseif name ~= "PEER_DIED" or not request:is_idempotent() then
      break
    end
  end
  return nil, message, name, detail, answer
end

local operations = {
  __index = function(self, operation)
    local function call(connection, fields, deadline)
      return invoke(self.name, operation, connection, fields, deadline)
    end
    self[operation] = call
    return call
  end,
}

return setmetatable({}, {
  __index = function(self, name)
    local protocol = setmetatable({ name = name }, operations)
    self[name] = protocol
    return protocol
  end,
})
