-- The service directory and the system protocol: init's own channel.
--
-- A connection's badge says what it is for: 0 the directory as a session sees it, 1 the system
-- protocol, 16 + N the directory as service N of the boot list sees it (it may say `ready`).
-- Which names a caller sees is decided by its principal, which the kernel stamps on the call.
local swos = require("swos")
local kept = require("init.kept")
local loop = require("swos.loop")
local sys = swos.sys

local M = { NAMES = 0, SYSTEM = 1, SERVICE = 16 }

local channel
local channels = {}  -- service name in the directory -> its channel
local views          -- principal -> set of names
local on_ready = {}  -- badge -> action

-- A service's channel and the badge under which it says it is ready.
function M.add(name, service_channel, number, ready)
  channels[name] = service_channel
  on_ready[M.SERVICE + number] = ready
end

-- A new connection to a service.
function M.connection(name, badge)
  if not channels[name] then return nil, name .. ": no such service", "NOT_FOUND" end
  return sys.connection_create(channels[name], badge)
end

-- A new connection to init itself.
function M.own_connection(badge)
  return sys.connection_create(channel, badge)
end

local function visible(message, name)
  return (views[message.principal] or views.other)[name]
end

local names = {}

function names.lookup(message)
  local name = message.request.name
  if not visible(message, name) then return nil, "NOT_FOUND" end
  local connection, _, code
  if name == "names" then
    connection, _, code = M.own_connection(M.NAMES)
  elseif name == "system" then
    connection, _, code = M.own_connection(M.SYSTEM)
  else
    connection, _, code = M.connection(name, 0)
  end
  if not connection then return nil, code end
  return { connection = connection }
end

function names.list(message)
  local list = {}
  for name in pairs(views[message.principal] or views.other) do list[#list + 1] = name end
  table.sort(list)
  local text = table.concat(list, "\n") .. "\n"
  if #text > message.data_length then return nil, "TOO_LARGE" end
  local ok, _, code = sys.call_write(message.token, 0, text)
  if not ok then return nil, code end
  return { bytes = #text }
end

function names.ready(message)
  local action = on_ready[message.badge]
  if not action then return nil, "ACCESS" end
  action()
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

local function set(list)
  local result = {}
  for _, name in ipairs(list) do result[name] = true end
  return result
end

function M.serve(plan)
  views = {}
  for principal, list in pairs(plan.views) do views[principal] = set(list) end
  channel = kept.get(kept.CHANNEL, sys.channel_create)
  return loop.serve(channel, handle)
end

return M
