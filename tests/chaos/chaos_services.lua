
-- Appended to the definitions of the boot services for the chaos test: servers are overdue sooner, a
-- service talks all the time, and the agent that kills servers runs outside every session, with the
-- system's authority over jobs.
-- luacheck: globals services
local swos = require("swos")
local loop = require("swos.loop")

local OVERDUE, OVERDUE_AUTHD = 1, 6  -- seconds; a hash is one piece of work

for name, service in pairs(services) do
  if service.serves then service.overdue = name == "authd" and OVERDUE_AUTHD or OVERDUE end
end

services.talker = { program = "/bin/tests/chaos_load", arguments = { "talk", "6" }, environment = {},
  after = { "console", "imgfs" }, requires = {}, wants = {}, names = {}, folders = {}, capabilities = {},
  gives = {}, limits = {}, final = {}, band = "normal", ready = "started", restart = "always",
  oneshot = false, overdue = OVERDUE, start_seconds = 60, stop_seconds = 5, log = 262144 }
table.insert(require("init.boot").start, "talker")

local function start_agent()
  loop.sleep(0)  -- init makes the services known first
  local directory = require("init.directory")
  local supervisor = require("init.supervisor")
  local protocol = require("swos.protocol")
  supervisor.await_settled("imgfs", 5)
  supervisor.await_settled("consoled", 5)
  local base <close> = assert(directory.connection("file/base", 0))
  local program = assert(protocol.file.open_program(base, { path = "bin/tests/chaos_agent" }))
  local control <close> = assert(directory.connection("terminal/console", 0))
  local terminal = assert(protocol.terminal.open(control, {}))
  local memory = {}
  for i = 0, 3 do memory[#memory + 1] = program["memory" .. i] end
  assert(swos.spawn_loaded(program.program, memory, { name = "chaos", bare = true,
    job = assert(swos.sys.job_create(swos.handle("root"), { band = 3 })), band = 3,
    arguments = { "chaos" }, paths = { { "/tmp", assert(directory.connection("file/tmp", 0)) } },
    handles = { root = swos.handle("root"), init_job = swos.handle("job"),
      names = assert(directory.own_connection(directory.NAMES)),
      input = directory.connection("input", 0),  -- where there is a keyboard
      nic = directory.connection("nic", 0),  -- or a network card
      ["fd/1"] = { terminal.output, info = swos.FD_TERMINAL } } }))
end

for _, variable in ipairs(swos.environment()) do
  if variable == "INIT_STARTS=0" then loop.spawn(start_agent) end
end

return services
