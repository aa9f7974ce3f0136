-- Starting a service's process: its handles, its program, its job.
--
-- A program is opened once and stays open, so that a restart asks no file server. One that could not be
-- started, failed twice in a row, or is started by hand is opened anew if it can be: what the file server
-- gave may be why it fails.
local swos = require("swos")
local directory = require("init.directory")
local grants = require("init.grants")
local kept = require("init.kept")
local logs = require("init.logs")
local plan = require("init.boot")
local programs = require("init.programs")
local protocol = require("swos.protocol")
local replies = require("init.replies")
local sys = swos.sys

local M = {}

local PROGRAM, SCRIPT = 1, 2  -- forms of an answer to open_program
local BANDS = { normal = 0, servers = 1, drivers = 2 }
local OPEN_SECONDS = 30
local FAILURES = 2  -- in a row, from which on the program may be the reason

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

-- The answer to open_program, or nil, message. What is in a program is the kernel's to check.
local function check_program(reply)
  if reply.form ~= PROGRAM and reply.form ~= SCRIPT then return nil, replies.MALFORMED end
  return replies.check(reply, { "memory0", swos.TYPE_memory, swos.RIGHT_MAP })
end

-- Forgets a program that is to be opened anew.
local function close_program(service)
  for i = 0, service.opened and 3 or -1 do
    local memory = service.opened["memory" .. i]
    if memory then memory:close() end
  end
  service.opened = nil
end

-- Opens the service's program if that has not been done: { name } of the bundle, or the answer of
-- open_program with its memory.
local function open_program(service)
  local path = service.definition.program
  local known = service.opened and service.opened.path == path and service.opened or nil
  if known and (known.name or not service.by_hand and service.state.failures < FAILURES) then
    return known
  end
  local name = path:match("^bundle:(.*)$")
  if name then
    service.opened = { path = path, name = name }
    return service.opened
  end
  local base <close> = directory.connection("file/base", 0)
  if not base then return known, "no file server" end
  local reply, message = protocol.file.open_program(base, { path = path:sub(2) }, swos.deadline(OPEN_SECONDS))
  if reply then reply, message = check_program(reply) end
  if not reply then return known, ("%s: %s"):format(path, message) end
  close_program(service)
  reply.path, service.by_hand = path, nil
  service.opened = reply
  return reply
end

local function has(list, wanted)
  for _, name in ipairs(list) do
    if name == wanted then return true end
  end
  return false
end

-- A connection to the image's file server that shows what lies below a folder; imgfs takes the badge as the
-- folder's id.
local function folder_connection(path, deadline)
  local base <close> = directory.connection("file/base", 0)
  if not base then return nil, "no file server" end
  local reply, message = protocol.file.stat(base, { path = path:sub(2) }, deadline)
  if reply and reply.attributes.kind ~= swos.FILE_DIRECTORY then reply, message = nil, "not a directory" end
  if not reply then return nil, ("%s: %s"):format(path, message) end
  return directory.connection("file/base", reply.attributes.id)
end

-- The path table: the file servers the service may look up, and its folders. nil, message.
local function paths_of(definition)
  local paths = {}
  for _, path in ipairs(definition.folders) do
    local connection, message = folder_connection(path, swos.deadline(OPEN_SECONDS))
    if not connection then return nil, message end
    paths[#paths + 1] = { path, connection }
  end
  for _, entry in ipairs(plan.paths) do
    if has(definition.names, entry[2]) then
      paths[#paths + 1] = { entry[1], assert(directory.connection(entry[2], 0)) }
    end
  end
  return paths
end

local function start_process(opened, options)
  if opened.name then return programs.start(opened.name, options) end
  if opened.form ~= SCRIPT then
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
  if opened.form == SCRIPT then name = definition.program end
  local arguments = { name, table.unpack(definition.arguments) }
  local environment = table.move(definition.environment, 1, #definition.environment, #plan.environment + 1,
    table.move(plan.environment, 1, #plan.environment, 1, {}))
  local paths
  paths, message = paths_of(definition)
  if not paths then return nil, nil, message end
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
  if not process then
    close_program(service)
    return nil, nil, pid
  end
  return process, pid
end

return M
