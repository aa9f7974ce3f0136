-- Handles that servers answer with, looked at before init uses them. A server may be hostile: what it
-- sends may be nothing, an object of another type, or a handle without the rights it is for.
local M = {}

local MALFORMED = "malformed message"

-- True if the handle is of that type and has those rights.
local function is_good(handle, kind, rights)
  local found, has = nil, nil
  if handle then found, has = handle:info() end
  return found == kind and has & rights == rights
end

-- The reply if all of its handles are good: { name, type, rights } each; nil, message when they are not.
function M.check(reply, ...)
  for _, entry in ipairs { ... } do
    if not is_good(reply[entry[1]], entry[2], entry[3]) then return nil, MALFORMED end
  end
  return reply
end

M.MALFORMED = MALFORMED

return M
