-- init: starts the system's services and keeps them running; answers `names` and `system`.
--
-- It never waits on what it supervises: every call to a service is posted, every wait yields to
-- the loop. What a successor needs (channels, jobs, records) lies in kept slots, so a restarted init
-- finds the services running and goes on.
local swos = require("swos")
local loop = require("swos.loop")
local console = require("init.console")
local devices = require("init.devices")
local directory = require("init.directory")
local log = require("init.log")
local logs = require("init.logs")
local plan = require("init.boot")
local services = require("init.services")
local supervisor = require("init.supervisor")

local SCRIPTS_AFTER = 0.5  -- seconds from the login's start to reading operators' scripts

loop.on_error = function(message)
  for line in message:gmatch("[^\n]+") do log.write(swos.LOG_ERROR, line) end
end

-- Tells logd what to read each time it becomes ready.
local function attach_logs()
  while true do
    supervisor.await_state("logd", "ready", true)
    logs.served()
    supervisor.await_state("logd", "ready", false)
  end
end

-- Starts what the boot list names and no init before this one has started.
local function start_boot_list()
  local names = {}
  for _, name in ipairs(plan.start) do
    local service = supervisor.get(name)
    if service and supervisor.is_new(service) and devices.has(service.definition.needs) then
      names[#names + 1] = name
    end
  end
  if names[1] then supervisor.start(names, "at boot") end
end

-- Operators' scripts, once the login is there; then what the boot list names of them.
local function read_scripts()
  supervisor.await_state("console", "ready", true)
  loop.sleep(SCRIPTS_AFTER)
  require("init.scripts").load()
  start_boot_list()
end

loop.run(function()
  devices.find()
  assert(directory.serve(plan))
  supervisor.recall(services)
  for _, name in ipairs(plan.start) do
    local definition = services[name]
    if definition and devices.has(definition.needs) and not supervisor.get(name) then
      supervisor.add(name, definition, "bundle")
    end
  end
  start_boot_list()
  loop.spawn(console.prepare, supervisor, not supervisor.get("console").first.ready)
  loop.spawn(attach_logs)
  loop.spawn(read_scripts)
end)
error("nothing left to wait for")
