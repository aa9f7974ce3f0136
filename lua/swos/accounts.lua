-- Names of principals, as /etc/passwd shows them; numbers when it cannot be read.
local swos = require("swos")

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

-- Whether a mask of capabilities, as process_info gives it, has the one of that name.
function M.may(caps, capability)
  return (" " .. swos.capability_names(caps) .. " "):find(" " .. capability .. " ", 1, true) ~= nil
end

return M
