-- Operations of the protocol `system`. The binding has checked the caller's capability already.
local swos = require("swos")
local directory = require("init.directory")
local log = require("init.log")
local loop = require("swos.loop")
local power = require("init.power")
local protocol = require("swos.protocol")
local supervisor = require("init.supervisor")
local sys = swos.sys

local M = {}

local TEXT_MAX = 16384
local TRIM_SECONDS = 5
local KILL_CRASH, KILL_HANG, KILL_FREEZE = 1, 2, 3  -- service_kill.how
local KILLED = 137
local SCRIPT_MOST = 65536
local LOG_READ, DEVICE = 6, 8  -- bits of the capabilities
local TEXT_SHORT = 900  -- in a reply without a data buffer

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
    math.min(message.data_length, TEXT_MAX), 0)
  if not text then return nil, code end
  return answer_text(message, text, { next = following })
end

function M.log_filter(message)
  local request = message.request
  local ok, _, code = sys.log_filter(swos.handle("root"), request.source, request.level)
  if not ok then return nil, code end
  log.info("log: lines of %s are kept from level %d on, %s", request.source == "" and "all" or request.source,
    request.level, supervisor.requester(message))
  return {}
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

function M.statistics(message)
  return answer_text(message, require("init.statistics").text(), {})
end

function M.process_open(message)
  local process <close> = sys.job_find(swos.handle("root"), message.request.pid)
  if not process then return nil, "NOT_FOUND" end
  local info, _, code = sys.process_info(process)
  if not info then return nil, code end
  -- Session 0 is that of all services: none of them is another one's own.
  if (info.session == 0 or info.session ~= message.session) and message.caps >> DEVICE & 1 == 0 then
    return nil, "ACCESS", 1 + DEVICE
  end
  local given <close>, _, why = process:duplicate(swos.RIGHT_READ | swos.RIGHT_BIND | swos.RIGHT_TRACE
    | swos.RIGHT_DUPLICATE | swos.RIGHT_TRANSFER)
  if not given then return nil, why end
  swos.reply(message, { process = given })  -- at once, not when the collector comes by
  return nil, "LATER"
end

-- ---- services

function M.service_list(message)
  return answer_text(message, require("init.report").list(), {})
end

-- The service of a name; one that is not known yet may be once operators' scripts have been read.
local function find_service(name)
  if not supervisor.get(name) then require("init.scripts").await_loaded() end
  return supervisor.get(name)
end

local REPORTS = { [swos.REPORT_STATUS] = "status", [swos.REPORT_WHY] = "why", [swos.REPORT_TREE] = "tree",
  [swos.REPORT_BLAME] = "blame" }

function M.service_report(message)
  local what = REPORTS[message.request.what]
  if not what then return nil, "INVALID" end
  local service
  if what == "status" or what == "why" then
    service = find_service(message.request.name)
    if not service then return nil, "NOT_FOUND" end
  end
  local text = require("init.report")[what](service, message.caps >> LOG_READ & 1 == 1)
  return answer_text(message, text:sub(1, message.data_length), {})
end

-- An operation on the service a request names.
local function on_service(action)
  return function(message)
    local service = find_service(message.request.name)
    if not service then return nil, "NOT_FOUND" end
    local reply, code = action(service, message)
    if not reply then return nil, code end
    return reply == true and {} or reply
  end
end

local kill_service = on_service(function(service, message)
  return supervisor.kill(service, message.request.how, supervisor.requester(message))
end)

-- init itself: keeper ends it if need be, and starts it again. The caller gets its answer first.
local function kill_init(how)
  if how == KILL_FREEZE then return sys.job_stop(swos.handle("job")) end
  local own  -- beside a script that runs
  for _, info in ipairs(sys.job_list(swos.handle("job"), 0)) do
    if info.name == "init" then own = info end
  end
  local process <close> = assert(sys.job_find(swos.handle("job"), own.pid))
  if how == KILL_CRASH or how == KILL_HANG then
    sys.process_divert(process, how == KILL_CRASH and swos.DIVERT_FAULT or swos.DIVERT_LOOP)
  else
    sys.process_kill(process, KILLED)
  end
end

function M.service_kill(message)
  local request = message.request
  if request.how > KILL_FREEZE then return nil, "INVALID" end
  if request.name ~= "init" then return kill_service(message) end
  loop.at(swos.deadline(0), function() kill_init(request.how) end)
  return {}
end

-- Answers when the service has come to rest.
local function outcome(service)
  return { text = require("init.report").outcome(service) }
end

M.service_start = on_service(function(service, message)
  supervisor.start({ service.name }, "started " .. supervisor.requester(message))
  return outcome(service)
end)

M.service_restart = on_service(function(service, message)
  supervisor.restart(service, supervisor.requester(message))
  return outcome(service)
end)

M.service_stop = on_service(function(service, message)
  supervisor.stop(service, supervisor.requester(message))
  return outcome(service)
end)

M.service_enable = on_service(function(service, message)
  supervisor.enable(service, message.request.enabled ~= 0)
  return true
end)

function M.service_reload(message)
  local text, unread = require("init.scripts").reload(supervisor.requester(message))
  local more = require("init.network").reload()
  text = text .. (text ~= "" and more ~= "" and "\n" or "") .. more
  return { text = text:sub(1, TEXT_SHORT), unread = unread }
end

-- The script's text is the caller's data: init reads no file for whoever asks.
function M.service_check(message)
  if message.data_length > SCRIPT_MOST then return nil, "TOO_LARGE" end
  local text, _, code = "", nil, nil
  if message.data_length > 0 then
    text, _, code = sys.call_read(message.token, swos.AREA_DATA, 0, message.data_length)
  end
  if not text then return nil, code end
  local problem = require("init.network").check(message.request.name, text)
    or require("init.scripts").check(message.request.name, text)
  return { text = (problem or ""):sub(1, TEXT_SHORT) }
end

function M.device_list(message)
  return answer_text(message, require("init.leases").text(), {})
end

function M.device_open(message)
  local flags = message.request.flags
  if flags & ~swos.DEVICE_OPEN_DRIVE ~= 0 then return nil, "INVALID" end
  local device <close>, code = require("init.leases").open(message.request.name, flags ~= 0)
  if not device then return nil, code end
  -- At once, not when the collector comes by: a search through all slots opens dozens.
  swos.reply(message, { device = device })
  return nil, "LATER"
end

function M.trim()
  for _, name in ipairs { "file/base", "file/tmp" } do
    local connection <close> = directory.connection(name, 0)
    if connection then protocol.file.trim(connection, {}, swos.deadline(TRIM_SECONDS)) end
  end
  loop.tidy()
  return { live = swos.trim() }
end

return M
