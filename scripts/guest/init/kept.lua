-- Kept slots of init's job: what outlives init, made once and found again by a successor.
local swos = require("swos")
local log = require("init.log")
local sys = swos.sys

local M = {}

-- Slots by name; a service's two follow SERVICES in the order of the boot list.
M.CHANNEL, M.SESSIONS, M.CONSOLE_JOB, M.SERVICES = 0, 1, 2, 8

-- The handle in the slot, or what make() returns, which is then kept; and whether it was found.
function M.get(slot, make)
  local job = swos.handle("job")
  local handle = sys.job_kept(job, slot)
  if handle then return handle, true end
  local made, message = make()
  if not made then error(("kept slot %d: %s"):format(slot, message)) end
  local ok, reason = sys.job_keep(job, slot, made)
  if not ok then log.warning("slot %d cannot be kept: %s", slot, reason) end
  return made, false
end

return M
