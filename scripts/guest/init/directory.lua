-- The service directory and the system protocol: init's own channel.
--
-- A connection's badge says what it is for: 0 the directory, 1 the system protocol, 16 + N the
-- directory as service number N sees it (it may say `ready`). What a session sees is decided by its
-- principal, which the kernel stamps on the call; what a service sees, by its script.
local swos = require("swos")
local kept = require("init.kept")
local loop = require("swos.loop")
local machine = require("swos.service.machine")
local sys = swos.sys

local M = { NAMES = 0, SYSTEM = 1, SERVICE = 16 }

local channel
local servers = {}   -- name in the directory -> its service
local services = {}  -- badge -> service
local views          -- principal -> set of names

local function set(list)
  local result = {}
  for _, name in ipairs(list) do result[name] = true end
  return result
end

-- Makes a service known, or what has changed about it. It has a channel, a number, a definition, and
-- on_ready(service), called when it says that it is ready.
function M.add(service)
  M.remove(service)
  if service.definition.serves then servers[service.definition.serves] = service end
  service.view = set(service.definition.names)
  services[M.SERVICE + service.number] = service
end

function M.remove(service)
  for name, other in pairs(servers) do
    if other == service then servers[name] = nil end
  end
  services[M.SERVICE + service.number] = nil
end

-- The service that has a name in the directory.
function M.server(name) return servers[name] end

-- A new connection to a service.
function M.connection(name, badge)
  if not servers[name] then return nil, name .. ": no such service", "NOT_FOUND" end
  return sys.connection_create(servers[name].channel, badge)
end

-- A new connection to init itself.
function M.own_connection(badge)
  return sys.connection_create(channel, badge)
end

-- The names a caller sees. A session may have got its directory from the service that started it.
local function view_of(message)
  local service = message.principal == 0 and services[message.badge]
  return service and service.view or views[message.principal] or views.other
end

local names = {}

function names.lookup(message)
  local name = message.request.name
  if not view_of(message)[name] then return nil, "NOT_FOUND" end
  local connection, _, code
  local service = message.principal == 0 and services[message.badge]
  if name == "names" then
    connection, _, code = M.own_connection(message.badge)  -- which sees no more than this one
  elseif name == "net" and service then
    connection, _, code = require("init.network").connection(service)
  elseif name == "system" then
    connection, _, code = M.own_connection(M.SYSTEM)
  elseif servers[name] and machine.AT_REST[servers[name].state.name] then
    code = "REFUSED"  -- a call would wait for somebody to start it
  else
    connection, _, code = M.connection(name, 0)
  end
  if not connection then return nil, code end
  return { connection = connection }
end

function names.list(message)
  local list = {}
  for name in pairs(view_of(message)) do list[#list + 1] = name end
  table.sort(list)
  local text = table.concat(list, "\n") .. "\n"
  if #text > message.data_length then return nil, "TOO_LARGE" end
  local ok, _, code = sys.call_write(message.token, 0, text)
  if not ok then return nil, code end
  return { bytes = #text }
end

function names.ready(message)
  local service = message.principal == 0 and services[message.badge]
  if not service then return nil, "ACCESS" end
  service:on_ready()
  return {}
end

local function handle(message)
  local operations = names
  if message.badge == M.SYSTEM then operations = require("init.system") end
  if message.protocol ~= (operations == names and "names" or "system") then return nil, "NOT_SUPPORTED" end
  local operation = operations[message.operation]
  if not operation then return nil, "NOT_SUPPORTED" end
  return operation(message)
end

function M.serve(plan)
  views = {}
  for principal, list in pairs(plan.views) do views[principal] = set(list) end
  channel = kept.get(kept.CHANNEL, sys.channel_create)
  return loop.serve(channel, handle)
end

return M
