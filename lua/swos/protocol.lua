-- Operations of the message protocols: protocol.file.stat(connection, { path = "etc" }, deadline).
--
-- Fields, strings and handles go in by name; so do `data` (bytes the server reads) and
-- `capacity` (bytes it may write). The answer is one table: fields, strings, handles, `data`.
-- A server that was replaced is accepted and asked again: such a call changed nothing. One that
-- died with the request is asked again when the operation is idempotent, or when servers know a
-- repeated one by its id. The limits are those of runtime/libswos/message.c.
local swos = require("swos")
local loop = require("swos.loop")

local DEATHS_MAX = 8         -- of servers that had the request: then it is the request that kills
local SUCCESSORS_MAX = 64    -- of one recovery that ended before they took the request

local function invoke(protocol, operation, connection, fields, deadline)
  local request <close>, message, name = swos.request(protocol, operation, fields)
  if not request then return nil, message, name end
  local deaths, successors = 0, 0
  while true do
    local reply, detail, answer
    reply, message, name, detail, answer = loop.call(request, connection, deadline)
    if reply then return reply end
    if name == "SERVER_REPLACED" and successors < SUCCESSORS_MAX then
      successors = successors + 1
      swos.sys.connection_accept(connection)
    elseif name == "PEER_DIED" and deaths < DEATHS_MAX and request:may_repeat() then
      deaths, successors = deaths + 1, 0
    else
      return nil, message, name, detail, answer
    end
  end
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
