-- Operations of the protocol `system`. The binding has checked the caller's capability already.
local swos = require("swos")
local directory = require("init.directory")
local loop = require("swos.loop")
local power = require("init.power")
local protocol = require("swos.protocol")
local supervisor = require("init.supervisor")
local sys = swos.sys

local M = {}

local TEXT_MAX = 16384
local TRIM_SECONDS = 5

-- Writes text into the caller's data buffer and answers with its length and more fields.
local function answer_text(message, text, fields)
  if #text > message.data_length then return nil, "TOO_LARGE" end
  if text ~= "" then
    local ok, _, code = sys.call_write(message.token, 0, text)
    if not ok then return nil, code end
  end
  fields.bytes = #text
  return fields
end

function M.power(message)
  local kind = message.request.kind
  if kind ~= swos.POWER_OFF and kind ~= swos.POWER_REBOOT then return nil, "INVALID" end
  loop.spawn(power.switch, kind)
  return {}
end

function M.set_time(message)
  local ok, _, code = sys.time_set(swos.handle("root"), message.request.wall_ns)
  if not ok then return nil, code end
  return {}
end

function M.read_log(message)
  local text, following, code = sys.log_read(swos.handle("root"), message.request.sequence,
    math.min(message.data_length, TEXT_MAX))
  if not text then return nil, code end
  return answer_text(message, text, { next = following })
end

function M.read_crash(message)
  local text, _, code = sys.crash_read(swos.handle("root"), message.request.index,
    math.min(message.data_length, TEXT_MAX))
  if not text then return nil, code end
  return answer_text(message, text, {})
end

function M.inspect()
  local job, _, code = swos.handle("root"):duplicate(swos.RIGHT_INSPECT | swos.RIGHT_INSPECT_ALL
    | swos.RIGHT_DUPLICATE | swos.RIGHT_TRANSFER)
  if not job then return nil, code end
  return { job = job }
end

function M.service_list(message)
  local lines = {}
  for _, service in ipairs(supervisor.all()) do
    lines[#lines + 1] = ("%s\t%s\t%s\t%d\n"):format(service.name, service.state,
      service.pid or "-", service.restarts)
  end
  return answer_text(message, table.concat(lines), {})
end

-- An operation on the service a request names.
local function on_service(action)
  return function(message)
    local service = supervisor.get(message.request.name)
    if not service then return nil, "NOT_FOUND" end
    local ok, code = action(service, message.request.how)
    if not ok then return nil, code end
    return {}
  end
end

M.service_kill = on_service(supervisor.kill)
M.service_start = on_service(supervisor.start)
M.service_stop = on_service(supervisor.stop)

function M.trim()
  for _, name in ipairs { "file/base", "file/tmp" } do
    local connection <close> = directory.connection(name, 0)
    if connection then protocol.file.trim(connection, {}, swos.deadline(TRIM_SECONDS)) end
  end
  swos.trim()
  return {}
end

return M
