-- init: starts the system's services and keeps them running; answers `names` and `system`.
--
-- It never waits on what it supervises: every call to a service is posted, every wait yields to
-- the loop. What a successor needs (channels, jobs) lies in the kept slots of init's job, so a
-- restarted init finds the services running and goes on.
local swos = require("swos")
local loop = require("swos.loop")
local console = require("init.console")
local devices = require("init.devices")
local directory = require("init.directory")
local log = require("init.log")
local plan = require("init.boot")
local supervisor = require("init.supervisor")

loop.on_error = function(message)
  for line in message:gmatch("[^\n]+") do log.write(swos.LOG_ERROR, line) end
end

loop.run(function()
  devices.find()
  assert(directory.serve(plan))
  for _, service in ipairs(plan.services) do supervisor.add(service) end
  for _, service in ipairs(plan.services) do loop.spawn(supervisor.keep, service.name) end
  loop.spawn(console.keep, plan)
end)
error("nothing left to wait for")
