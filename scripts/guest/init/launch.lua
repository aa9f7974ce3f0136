-- Starting a service's process: its handles, its program, its job.
--
-- A program is opened once and stays open, so that a restart asks no file server.
local swos = require("swos")
local directory = require("init.directory")
local grants = require("init.grants")
local kept = require("init.kept")
local logs = require("init.logs")
local plan = require("init.boot")
local programs = require("init.programs")
local protocol = require("swos.protocol")
local sys = swos.sys

local M = {}

local BANDS = { normal = 0, servers = 1, drivers = 2 }
local OPEN_SECONDS = 30

local function limits_of(definition)
  local limits = { band = BANDS[definition.band] }
  for name, value in pairs(definition.limits) do limits[name] = value end
  return limits
end

function M.new_job(service)
  return sys.job_create(swos.handle("services"), limits_of(service.definition))
end

local function drop_caps(keep)
  local mask = 0
  for _, name in ipairs(keep) do mask = mask | swos["CAP_" .. name] end
  return ~mask
end

-- Opens the service's program if that has not been done: { name } of the bundle, or the answer of
-- open_program with its memory.
local function open_program(service)
  local path = service.definition.program
  if service.opened and service.opened.path == path then return service.opened end
  local name = path:match("^bundle:(.*)$")
  if name then
    service.opened = { path = path, name = name }
    return service.opened
  end
  local base <close> = directory.connection("file/base", 0)
  if not base then return nil, "no file server" end
  local reply, message = protocol.file.open_program(base, { path = path:sub(2) }, swos.deadline(OPEN_SECONDS))
  if not reply then return nil, ("%s: %s"):format(path, message) end
  reply.path = path
  service.opened = reply
  return reply
end

local function has(list, wanted)
  for _, name in ipairs(list) do
    if name == wanted then return true end
  end
  return false
end

-- The path table: the file servers the service may look up.
local function paths_of(definition)
  local paths = {}
  for _, entry in ipairs(plan.paths) do
    if has(definition.names, entry[2]) then
      paths[#paths + 1] = { entry[1], assert(directory.connection(entry[2], 0)) }
    end
  end
  return paths
end

local function start_process(opened, options)
  if opened.name then return programs.start(opened.name, options) end
  if opened.form ~= 2 then
    options.bare = true
    local memory = { opened.memory0, opened.memory1, opened.memory2, opened.memory3 }
    return swos.spawn_loaded(opened.program, memory, options)
  end
  -- a script: the bundle's interpreter is the image's
  options.handles.script = { opened.memory0, info = opened.attributes.size }
  table.insert(options.arguments, 1, "lua")
  return programs.start("lua", options)
end

-- Starts the service's process: process, pid; nil, nil, message. May yield.
function M.start(service)
  local definition = service.definition
  local opened, message = open_program(service)
  if not opened then return nil, nil, message end
  local view <close> = assert(directory.own_connection(directory.SERVICE + service.number))
  local handles = { job = service.job, log = swos.handle("log"), names = view }
  if definition.serves then
    handles.serve = { service.channel, rights = swos.RIGHT_SERVE | swos.RIGHT_MANAGE }
  end
  if not has(definition.gives, "terminal") then
    local printer = logs.printer(service)
    handles["fd/0"] = { false, info = swos.FD_NULL }
    handles["fd/1"] = { printer, info = swos.FD_PIPE }
    handles["fd/2"] = { printer, info = swos.FD_PIPE }
  end
  local ok
  ok, message = grants.add(definition.gives, handles, swos.deadline(OPEN_SECONDS))
  if not ok then return nil, nil, message end
  -- What the bundle's programs log begins with the name they are started by.
  local name = opened.name and service.name or definition.program:match("[^/]+$")
  if opened.form == 2 then name = definition.program end
  local arguments = { name, table.unpack(definition.arguments) }
  local environment = table.move(definition.environment, 1, #definition.environment, #plan.environment + 1,
    table.move(plan.environment, 1, #plan.environment, 1, {}))
  local paths = paths_of(definition)
  local options = { name = service.name, arguments = arguments, environment = environment, handles = handles,
    paths = paths, directory = "/", band = BANDS[definition.band],
    drop_caps = drop_caps(definition.capabilities) }
  local process, pid, code
  for attempt = 1, 2 do
    sys.job_continue(service.job)  -- it may have been stopped to look hung
    sys.job_limit(service.job, limits_of(definition))
    options.job, handles.job = service.job, service.job
    process, pid, code = start_process(opened, options)
    if process or code ~= "BAD_STATE" or attempt == 2 then break end
    -- it has killed its own job, and with it what it kept there
    service.job = assert(M.new_job(service))
    kept.replace(service.number, kept.OWN_JOB, service.job)
  end
  for _, entry in ipairs(paths) do entry[2]:close() end
  if not process then return nil, nil, pid end
  return process, pid
end

return M
