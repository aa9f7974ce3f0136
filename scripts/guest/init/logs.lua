-- What services print: a pipe each, which init keeps so that it outlives both ends, and which logd
-- reads. logd is told of all pipes whenever it becomes ready.
local swos = require("swos")
local directory = require("init.directory")
local kept = require("init.kept")
local log = require("init.log")
local loop = require("swos.loop")
local protocol = require("swos.protocol")
local sys = swos.sys

local M = {}

local CAPACITY = 8192
local ATTACH_SECONDS, ASK_SECONDS = 10, 5
local SECOND, MILLISECOND = 1000000000, 1000000
local PACE_SECONDS = 0.05  -- from one question to the next: logd may answer at once with nothing, for ever
local INIT = 1  -- badge of init's own connection to logd

local printing = {}  -- service -> true: has a pipe
local is_served = false

local function attach(service)
  loop.spawn(function()
    local connection <close> = directory.connection("log", INIT)
    if not connection then return end
    local size = service.definition.log
    service.log_size = size  -- that logd was told
    local reply, message = protocol.log.attach(connection, { name = service.name, pipe = service.printed,
      size = size }, swos.deadline(ATTACH_SECONDS))
    if not reply then
      service.log_size = nil
      log.warning("logd: %s: %s", service.name, message)
    end
  end)
end

-- Takes over the pipe a predecessor of this init made for a service: what runs prints into it, and the
-- next logd has to be told of it.
function M.recall(service)
  local number = service.number
  service.printer, service.printed = kept.own(number, kept.OWN_PRINTER), kept.own(number, kept.OWN_PRINTED)
  printing[service] = service.printer and true
end

-- The end of the service's pipe that it prints into, for a process that is started: what its definition says
-- of its log counts from now on.
function M.printer(service)
  if service.printer then
    if is_served and service.log_size ~= service.definition.log then attach(service) end
    return service.printer
  end
  local number = service.number
  M.recall(service)
  if not service.printer then
    service.printed, service.printer = assert(sys.pipe_create(CAPACITY, 0))
    kept.replace(number, kept.OWN_PRINTED, service.printed)
    kept.replace(number, kept.OWN_PRINTER, service.printer)  -- the second: where it is, so is the first
  end
  printing[service] = true
  if is_served then attach(service) end
  return service.printer
end

-- logd is ready: it gets everything to read.
function M.served()
  is_served = true
  for service in pairs(printing) do attach(service) end
end

function M.forget(service)
  printing[service] = nil
end

-- Where what the service prints from now on begins: { number } of its next line, or { since = milliseconds }
-- when logd does not say: a line is stamped when logd reads it, which is not before it was printed.
function M.next_line(service)
  local connection <close> = directory.connection("log", INIT)
  local reply = connection and protocol.log.lines(connection,
    { name = service.name, sequence = -1, flags = 0, capacity = 1 }, swos.deadline(ASK_SECONDS))
  return reply and { number = reply.next } or { since = swos.monotonic() // MILLISECOND }
end

-- Whether one of the lines logd gave has these words and is not older than `since`.
local function has_line(data, words, since)
  if not since then return data:find(words, 1, true) ~= nil end
  for stamp, line in data:gmatch("%[(%d+)%] ([^\n]*)") do
    if tonumber(stamp) >= since and line:find(words, 1, true) then return true end
  end
  return false
end

-- Waits until the service prints a line that has these words, in what begins where next_line said, as long
-- as condition() holds.
function M.await(service, words, first, condition)
  local connection <close> = directory.connection("log", INIT)
  local sequence = first.number or 0
  while connection and condition() do
    local next_at = swos.deadline(PACE_SECONDS)
    local reply = protocol.log.lines(connection, { name = service.name, sequence = sequence,
      flags = swos.LOG_FOLLOW, capacity = swos.PAGE }, swos.deadline(ASK_SECONDS))
    if not condition() then break end
    if reply then
      if has_line(reply.data, words, first.since) then return true end
      sequence = reply.next
    end
    local early = next_at - swos.monotonic()
    if early > 0 then loop.sleep(early / SECOND) end -- a logd that answers at once is asked no sooner
  end
  return false
end

return M
