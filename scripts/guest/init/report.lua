-- What init knows about services, as text for `svc`.
local swos = require("swos")
local graph = require("swos.service.graph")
local question = require("swos.service.question")
local supervisor = require("init.supervisor")
local sys = swos.sys

local M = {}

local SECOND = 1000000000
local CHAIN = 16      -- events shown by why
local BAR = 40        -- columns of a time line
local PROGRAM_MOST = 120
local MINE = 6        -- last events of a service shown by status

local boot_ns

-- Seconds from the kernel's start to a monotonic time.
local function since_boot(ns)
  if not boot_ns then
    local info = swos.info()
    boot_ns = math.floor(info.boot_counter * (SECOND / info.counter_frequency))
  end
  return (ns - boot_ns) / SECOND
end

local function event_line(service, event)
  return ("  %9.3f #%-4d %s: %s%s: %s"):format(since_boot(event.at), event.number, service.name,
    event.from ~= event.to and event.from .. " -> " or "", event.to, event.cause)
end

-- name, state, pid, restarts
function M.list()
  local lines = {}
  for _, service in ipairs(supervisor.all()) do
    lines[#lines + 1] = ("%s\t%s\t%s\t%d\n"):format(service.name, service.state.name,
      service.pid or "-", service.state.restarts)
  end
  return table.concat(lines)
end

-- What the state means right now.
local function state_words(service)
  local state = service.state
  local text = state.name
  if service.pid then text = text .. (", pid %d"):format(service.pid) end
  if state.name == "waiting" and service.waits_for then
    text = ("%s for %s"):format(text, service.waits_for)
  end
  if state.name == "paused" then
    text = ("%s, started again in %.1f s"):format(text, math.max(0, state.timer - swos.monotonic()) / SECOND)
  end
  return text
end

-- What a service that starts has still to do.
local function awaited(service)
  local ready = service.definition.ready
  local text = service.definition.oneshot and "its end with status 0" or "its word that it is ready"
  if type(ready) == "table" then
    text = ready.line and ("a line with %q"):format(ready.line) or question.words(ready) .. " to answer"
  end
  local why = service.inquiry and service.inquiry.why
  return ("%s%s; at most %.1f s more"):format(text, why and " (" .. why .. ")" or "",
    math.max(0, service.state.timer - swos.monotonic()) / SECOND)
end

-- How the last probe went.
local function probed(service)
  local probe, inquiry = service.definition.probe, service.inquiry
  local text = question.words(probe)
  if not inquiry or not inquiry.outcome then return text .. ": not asked yet" end
  local ago = ("%.1f s ago"):format((swos.monotonic() - inquiry.at) / SECOND)
  if inquiry.outcome == "answered" then return ("%s: answered %s"):format(text, ago) end
  if inquiry.outcome == "unasked" then
    return ("%s: could not be asked %s: %s"):format(text, ago, inquiry.why)
  end
  return ("%s: failed %d of %d times in a row, last %s: %s"):format(text, service.state.misses or 0,
    probe.failures, ago, inquiry.why)
end

function M.status(service)
  local definition = service.definition
  local lines = { service.name .. (definition.description and " - " .. definition.description or "") }
  local function put(what, ...) lines[#lines + 1] = ("  %-10s%s"):format(what, string.format(...)) end
  put("state", "%s", state_words(service))
  if service.state.name == "starting" then put("waits for", "%s", awaited(service)) end
  if service.state.name == "ready" and definition.probe then put("probe", "%s", probed(service)) end
  put("script", "%s", service.origin == "bundle" and "boot bundle" or service.origin)
  local words = table.concat({ definition.program, table.unpack(definition.arguments) }, " ")
  put("program", "%s", words:gsub("%s+", " "):sub(1, PROGRAM_MOST))
  put("restarts", "%d, %d failures in a row", service.state.restarts, service.state.failures)
  local info = sys.job_info(service.job)
  if info then
    put("charged", "%d KiB, %d handles, %d threads, %.3f s of CPU", info.memory_used // 1024, info.handles,
      info.threads, info.cpu_ns / SECOND)
  end
  if service.enabled ~= nil then
    put("boot", "%s until the machine reboots", service.enabled and "enabled" or "disabled")
  end
  local problem = require("init.scripts").problem_of(service.name)
  if problem then put("problem", "%s", problem) end
  put("events", "the last ones")
  local history = supervisor.events(service)
  for i = math.max(1, #history - MINE + 1), #history do
    lines[#lines + 1] = event_line(service, history[i])
  end
  return table.concat(lines, "\n") .. "\n"
end

local function find_event(number)
  for _, service in ipairs(supervisor.all()) do
    for _, event in ipairs(supervisor.events(service)) do
      if event.number == number then return service, event end
    end
  end
end

-- The chain of causes from the last event back. with_record: the last crash's registers and stack, too, which
-- are for whoever may read crash records.
function M.why(service, with_record)
  local lines = { ("%s: %s, because (the newest first)"):format(service.name, state_words(service)) }
  local history, shown = supervisor.events(service), {}
  local at, event = service, history[#history]
  while event and #lines < CHAIN do
    lines[#lines + 1] = event_line(at, event)
    shown[event.number] = true
    if not event.parent then break end
    local parent_service, parent = find_event(event.parent)
    if not parent then
      lines[#lines + 1] = ("            #%d is forgotten"):format(event.parent)
      break
    end
    at, event = parent_service, parent
  end
  for i = #history, 1, -1 do
    local asked = history[i]
    if asked.cause:find(" by principal ", 1, true) then
      if not shown[asked.number] then
        lines[#lines + 1] = "last asked for:"
        lines[#lines + 1] = event_line(service, asked)
      end
      break
    end
  end
  local crash = service.crash
  if crash then
    lines[#lines + 1] = "last crash:"
    local text = with_record and supervisor.crash_of(crash.pid)
      or ("pid %d: %s%s"):format(crash.pid, crash.reason, with_record and "; its record is gone" or "")
    for line in text:gmatch("[^\n]+") do lines[#lines + 1] = "  " .. line end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Who needs whom.
function M.tree()
  local names, lines = {}, {}
  for i, service in ipairs(supervisor.all()) do names[i] = service.name end
  for i, at in ipairs(graph.tree(supervisor.definitions, names)) do
    local service = supervisor.get(at.name)
    lines[i] = ("%s%s%s (%s)%s"):format(("  "):rep(at.depth), at.how and at.how .. " " or "", at.name,
      service and service.state.name or "not there", at.is_above and " as above" or "")
  end
  return table.concat(lines, "\n") .. "\n"
end

-- The boot as a time line: when each service was launched and became ready the first time.
function M.blame()
  local list, last = {}, 0
  for _, service in ipairs(supervisor.all()) do
    local first = service.first
    if first.launched then
      list[#list + 1] = service
      last = math.max(last, since_boot(first.ready or first.launched))
    end
  end
  table.sort(list, function(a, b) return a.first.launched < b.first.launched end)
  local lines = { ("%-12s %10s %10s  from the kernel's start to %.1f ms"):format("SERVICE", "START ms",
    "TOOK ms", last * 1000) }
  local function column(at) return math.floor(at / last * BAR) end
  for _, service in ipairs(list) do
    local start = since_boot(service.first.launched)
    local ready = service.first.ready and since_boot(service.first.ready)
    local bar = (" "):rep(column(start)) .. ("#"):rep(math.max(1, column(ready or start) - column(start)))
    lines[#lines + 1] = ("%-12s %10.1f %10s  %s"):format(service.name, start * 1000,
      ready and ("%.1f"):format((ready - start) * 1000) or "-", bar)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Waits until a service has come to rest, and says how.
function M.outcome(service)
  supervisor.await_rest(service)
  local events = supervisor.events(service)
  local last = events[#events]
  local text = ("%s: %s"):format(service.name, state_words(service))
  local verdict, other = supervisor.settled(service)
  if service.state.name == "waiting" and verdict == "lost" then
    text = ("%s: waiting for %s, which is not running"):format(service.name, other)
  elseif (service.state.name == "failed" or service.state.name == "paused") and last then
    text = ("%s (%s)"):format(text, last.cause)
  end
  return text:sub(1, 900)
end

return M
