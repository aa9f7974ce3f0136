-- Names of principals, as /etc/passwd shows them; numbers when it cannot be read.
local M = {}

local by_principal

local function read()
  local known = { [0] = "system" }
  local text = require("swos.fs").read("/etc/passwd")
  for name, principal in (text or ""):gmatch("([^:\n]+):[^:\n]*:(%d+):[^\n]*") do
    known[tonumber(principal)] = known[tonumber(principal)] or name
  end
  return known
end

function M.name(principal)
  by_principal = by_principal or read()
  return by_principal[principal] or tostring(principal)
end

return M
