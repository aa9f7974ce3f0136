-- What outlives init: kept slots of its job, made once and found again by a successor.
--
-- Slots of init's job by name; from SHELVES on each holds a shelf, a job without processes whose own
-- slots hold what belongs to services: PER_SERVICE handles each. Service number n (from 0) has the
-- slots of shelf n // SERVICES from (n % SERVICES) * PER_SERVICE on.
local swos = require("swos")
local log = require("init.log")
local sys = swos.sys

local M = { CHANNEL = 0, SESSIONS = 1, KEYS_READER = 2, KEYS_WRITER = 3, ACCOUNTS = 4, PACKETS = 5,
  WAKE_NICD = 6, WAKE_NETD = 7, NETWORK = 24 }

-- Handles of a service, by number.
M.OWN_CHANNEL, M.OWN_JOB, M.OWN_RECORD, M.OWN_PRINTER, M.OWN_PRINTED = 0, 1, 2, 3, 4

local SHELVES, SHELF_LIMIT = 8, 16
local PER_SERVICE = 5
local SERVICES = swos.KEPT_SLOTS // PER_SERVICE
M.SERVICES_MOST = SERVICES * SHELF_LIMIT

local function get(job, slot, make)
  local handle = sys.job_kept(job, slot)
  if handle then return handle, true end
  if not make then return nil end
  local made, message = make()
  if not made then error(("kept slot %d: %s"):format(slot, message)) end
  local ok, reason = sys.job_keep(job, slot, made)
  if not ok then log.warning("slot %d cannot be kept: %s", slot, reason) end
  return made, false
end

-- The handle in a slot of init's job, or what make() returns, which is then kept; and whether it was
-- found.
function M.get(slot, make)
  return get(swos.handle("job"), slot, make)
end

local shelves = {}

local function shelf_of(number, make)
  local index = number // SERVICES
  shelves[index] = shelves[index] or M.get(SHELVES + index, make and function()
    return sys.job_create(swos.handle("job"), {})
  end)
  return shelves[index], number % SERVICES * PER_SERVICE
end

-- The same for a handle of service `number`. Without make: nil when there is none.
function M.own(number, which, make)
  local shelf, first = shelf_of(number, make)
  if shelf then return get(shelf, first + which, make) end
end

-- Puts another handle (nil: none) in its place.
function M.replace(number, which, handle)
  local shelf, first = shelf_of(number, true)
  local ok, reason = sys.job_keep(shelf, first + which, handle)
  if not ok then log.warning("service %d: not kept: %s", number, reason) end
end

-- Forgets all that is kept of a service.
function M.clear(number)
  for which = 0, PER_SERVICE - 1 do M.replace(number, which, nil) end
end

-- Numbers of the services a predecessor kept a record of.
function M.numbers()
  local list = {}
  for index = 0, SHELF_LIMIT - 1 do
    local shelf = shelf_of(index * SERVICES)
    for at = 0, shelf and SERVICES - 1 or -1 do
      local record <close> = sys.job_kept(shelf, at * PER_SERVICE + M.OWN_RECORD)
      if record then list[#list + 1] = index * SERVICES + at end
    end
  end
  return list
end

return M
