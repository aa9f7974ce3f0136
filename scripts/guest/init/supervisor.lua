-- Services: started, watched, started again.
--
-- waiting -> starting -> ready | running -> (ends) -> paused -> starting; `stopped` by hand and
-- `refused` (the service itself said that starting it again is of no use) stay until started by
-- hand. "running" is a service that has not said ready yet. The job and the channel of a service
-- outlive its processes: a successor finds the calls that waited and its kept handles.
local swos = require("swos")
local directory = require("init.directory")
local grants = require("init.grants")
local kept = require("init.kept")
local log = require("init.log")
local loop = require("swos.loop")
local programs = require("init.programs")
local sys = swos.sys

local M = {}

local PAUSE_FIRST, PAUSE_LONGEST = 0.1, 30
local LIVED_LONG = 30 * 1000000000  -- ns: then a failure counts as the first again
local KILLED = 137
local OVERDUE = 5  -- seconds: few servers take so long without deferring their answer
-- imgfs: no usable base image. Starting it again would give the same answer.
local REFUSED_FIRST, REFUSED_LAST = 10, 18

local services, order = {}, {}

local function change(service, state)
  service.state = state
  local waiters = service.waiters
  service.waiters = {}
  for _, wake in ipairs(waiters) do wake() end
end

-- Waits until condition(service) holds.
local function await(service, condition)
  while not condition(service) do
    local wait, wake = loop.signal()
    table.insert(service.waiters, wake)
    wait()
  end
end

function M.add(definition)
  local number = #order
  local slot = kept.SERVICES + 2 * number
  local service = { definition = definition, name = definition.name, number = number,
    state = "waiting", waiters = {}, restarts = 0, failures = 0 }
  service.channel = kept.get(slot, sys.channel_create)
  service.job = kept.get(slot + 1, function()
    return sys.job_create(swos.handle("services"), { band = definition.band })
  end)
  directory.add(definition.serves, service.channel, number, function() change(service, "ready") end)
  services[service.name], order[number + 1] = service, service
  local limit = (definition.overdue or OVERDUE) * 1000000000
  loop.watch_overdue(service.channel, limit, function()
    if not service.process then return end
    log.warning("%s is overdue, ending it", service.name)
    sys.process_kill(service.process, KILLED)
  end)
end

function M.get(name)
  return services[name]
end

-- All services in the order of the boot list.
function M.all()
  return order
end

local function drop_caps(keep)
  local mask = 0
  for _, name in ipairs(keep) do mask = mask | swos["CAP_" .. name] end
  return ~mask
end

local function start(service)
  local definition = service.definition
  local handles = {
    serve = { service.channel, rights = swos.RIGHT_SERVE | swos.RIGHT_MANAGE },
    job = service.job,
    log = swos.handle("log"),
  }
  local view <close> = assert(directory.own_connection(directory.SERVICE + service.number))
  handles.names = view
  local ok, message = grants.add(definition.gives, handles, swos.NEVER)
  if not ok then return nil, message end
  sys.job_continue(service.job)  -- it may have been stopped to look hung
  return programs.start(definition.program, { job = service.job, name = definition.name,
    arguments = { definition.name }, handles = handles, band = definition.band,
    drop_caps = drop_caps(definition.caps) })
end

-- The process of the service that a predecessor of this init started, if it lives.
local function adopt(service)
  for _, info in ipairs(sys.job_list(service.job, 0, 4) or {}) do
    if info.state ~= swos.PROCESS_ENDED then
      local process = sys.job_find(service.job, info.pid)
      if process then return process, info.pid end
    end
  end
end

-- Waits for the end of the service's process and says what to do: the pause, nil for none at all.
local function ended(service, status)
  service.process, service.pid = nil, nil
  if service.stop then
    service.stop = nil
    change(service, "stopped")
    return nil
  end
  log.warning("%s ended with status %d", service.name, status)
  if status >= REFUSED_FIRST and status <= REFUSED_LAST and service.name == "imgfs" then
    service.status = status
    change(service, "refused")
    return nil
  end
  if service.by_hand or swos.monotonic() - service.started > LIVED_LONG then service.failures = 0 end
  service.by_hand = nil
  service.failures = service.failures + 1
  change(service, "paused")
  -- at once the first time, then doubling
  return service.failures == 1 and 0 or math.min(PAUSE_FIRST * 2 ^ (service.failures - 2), PAUSE_LONGEST)
end

-- Runs the service for ever.
function M.keep(name)
  local service = services[name]
  local process, pid = adopt(service)
  local adopted = process ~= nil
  while true do
    if not process then
      local after = services[service.definition.after]
      if after then await(after, function(other) return other.state == "ready" end) end
      change(service, "starting")
      local message
      process, message = start(service)
      pid = process and message
      if not process then log.warning("%s cannot be started: %s", name, message) end
    end
    local pause
    service.started = swos.monotonic()
    if process then
      service.process, service.pid = process, pid
      if adopted then
        change(service, "ready")
      elseif service.state == "starting" then
        change(service, "running")
      end
      adopted = false
      local status = loop.wait_exit(process)
      process:close()
      process = nil
      pause = ended(service, status or -1)
    else
      pause = ended(service, -1)
    end
    if pause and pause > 0 then
      loop.sleep(pause)
    elseif not pause then
      await(service, function() return service.state == "waiting" end)
      service.failures = 0
    end
    service.restarts = service.restarts + 1
  end
end

-- ---- by hand

-- Kills the service's process; it is started again.
function M.kill(service, how)
  if not service.process then return nil, "BAD_STATE" end
  local ok, _, code
  service.by_hand = true  -- not a failure: no pause for it
  if how == 2 then
    ok, _, code = sys.job_stop(service.job)
  else
    ok, _, code = sys.process_kill(service.process, KILLED)
  end
  return ok, code
end

function M.stop(service)
  if not service.process then return nil, "BAD_STATE" end
  service.stop = true
  local ok, _, code = sys.process_kill(service.process, KILLED)
  return ok, code
end

function M.start(service)
  if service.state ~= "stopped" and service.state ~= "refused" then return nil, "BAD_STATE" end
  change(service, "waiting")
  return true
end

-- Waits until the service is ready or will never be: its state, and why.
function M.await_settled(name, failures)
  local service = services[name]
  await(service, function(s)
    return s.state == "ready" or s.state == "refused" or s.state == "stopped"
      or (s.state == "paused" and s.failures >= failures)
  end)
  return service.state, service.status
end

return M
