-- Services: known, started, watched, started again.
--
-- What happens to a service is decided by swos.service.machine; here its actions are carried out and
-- what happens is told to it. Each change is noted with its cause, who asked for it and the event it
-- followed from, and recorded before the action it leads to, so that a successor of this init knows
-- what was under way. The job and the channel of a service outlive its processes: the next one finds
-- the calls that waited and its kept handles.
local swos = require("swos")
local directory = require("init.directory")
local graph = require("swos.service.graph")
local grants = require("init.grants")
local kept = require("init.kept")
local launch = require("init.launch")
local log = require("init.log")
local logs = require("init.logs")
local loop = require("swos.loop")
local machine = require("swos.service.machine")
local question = require("swos.service.question")
local record = require("init.record")
local sys = swos.sys

local M = {}

local KILLED = 137
local GONE_SECONDS = 5    -- for what a service left behind to go
local CRASHED = { [132] = true, [139] = true }
local CRASH_BYTES = 4096  -- of a crash record: the part that is shown
local LOUD = { failed = true, paused = true }

local services, order, definitions = {}, {}, {}
local last_event = 0

-- What ended a process that was started again, and where the buckets of the time to its successor end.
M.CAUSES = { "asked", "killed", "crashed", "hung", "late", "exited", "unknown" }
M.RECOVERY_BOUNDS = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30 }

M.definitions = definitions  -- name -> the definition in force

function M.get(name) return services[name] end

-- All services in the order they became known.
function M.all() return order end

-- ---- what is remembered

local function save(service)
  local ok, message = record.write(service.record, record.STATE, { name = service.name,
    state = service.state, events = service.events, last = service.last, pid = service.pid,
    enabled = service.enabled, crash = service.crash, first = service.first, ended = service.ended,
    cause = service.cause, counts = service.counts, first_line = service.first_line })
  if not ok then log.warning("%s: not recorded: %s", service.name, message) end
end

-- Keeps an event: its number.
local function note(service, to, cause, parent)
  local now = swos.monotonic()
  last_event = last_event + 1
  if to == "launching" or to == "ready" then
    local key = to == "ready" and "ready" or "launched"
    service.first[key] = service.first[key] or now
  end
  record.write_event(service.record, service.events, { number = last_event, at = now,
    from = service.state.name, to = to, cause = cause, parent = parent })
  service.events, service.last = service.events + 1, last_event
  return last_event
end

-- The last events of a service: { number, parent, at, from, to, cause }, the oldest first.
function M.events(service) return record.events(service.record) end

local function policy_of(definition)
  return { restart = definition.restart, oneshot = definition.oneshot, final = definition.final,
    immediate = definition.ready == "started" and not definition.oneshot,
    start_seconds = definition.start_seconds, stop_seconds = definition.stop_seconds,
    misses = definition.probe and definition.probe.failures }
end

-- Whether a line it prints makes a service ready, or an answer of a port.
local function is_ready_by(service, way)
  local ready = service.definition.ready
  return type(ready) == "table" and ready[way] ~= nil
end

-- ---- what is counted

-- What ends the service's process now: of a process the first cause counts. A recovery begins with the
-- end of the process that was ready, however many that follow do not become so.
local function count_end(service, cause)
  service.cause = service.cause or cause
  service.ended = service.ended or { cause = cause, at = swos.monotonic() }
end

local function count_start(service)
  local cause, counts = service.cause, service.counts
  if cause then counts[cause] = (counts[cause] or 0) + 1 end
  service.cause = nil
end

-- { nanoseconds, a count for each bound, and one for all that took longer }
local function count_recovery(service)
  local ended, bucket = service.ended, 1
  service.ended = nil
  if not ended or ended.cause == "asked" then return end
  local took = swos.monotonic() - ended.at
  while M.RECOVERY_BOUNDS[bucket] and took > M.RECOVERY_BOUNDS[bucket] * 1e9 do bucket = bucket + 1 end
  local recovery = service.counts.recovery
  if not recovery then
    recovery = { 0 }
    for i = 1, #M.RECOVERY_BOUNDS + 1 do recovery[i + 1] = 0 end
    service.counts.recovery = recovery
  end
  recovery[1] = recovery[1] + took
  recovery[bucket + 1] = recovery[bucket + 1] + 1
end

-- What an event says about why a process ends.
local END_CAUSES = { stop = "asked", restart = "asked", lost = "asked", kill = "killed", hung = "hung",
  missed = "hung", absent = "unknown" }

local function count(service, event, old, new)
  local cause = END_CAUSES[event] or (event == "timer" and old.name == "starting" and "late")
  if cause and machine.ALIVE[old.name] and new.name ~= "ready" then count_end(service, cause) end
  if event == "launched" then count_start(service) end
  if new.name == "ready" and old.name ~= "ready" then count_recovery(service) end
  if machine.AT_REST[new.name] then -- what is started from there is no recovery
    service.ended, service.cause = nil, nil
  end
end

-- ---- events

local feed

local function wake_waiters(service)
  local waiters = service.waiters
  service.waiters = {}
  for _, wake in ipairs(waiters) do wake() end
end

-- What services see of each other now.
local function seen_states()
  return graph.states(definitions, function(name)
    return services[name] and services[name].state.name
  end)
end

-- Whether the service may run: a verdict of graph.settled, and what it is about.
function M.settled(service)
  return graph.settled(service.name, definitions, seen_states())
end

-- Tells services whose turn may have come, or whose need is gone, about changes.
local reviewing, dirty
local function review(parent)
  dirty = parent or dirty or false
  if reviewing then return end
  reviewing = true
  while dirty ~= nil do
    local event, seen = dirty or nil, seen_states()
    dirty = nil
    for _, service in ipairs(order) do
      local waits = service.state.name == "waiting"
      if waits or service.definition.requires[1] then
        local verdict, other = graph.settled(service.name, definitions, seen)
        local has_changed = false
        if verdict == "lost" and not waits then
          has_changed = feed(service, "lost", ("%s, which it requires, is gone"):format(other), event)
        elseif verdict == "satisfied" and waits then
          has_changed = feed(service, "satisfied", "what it needs is there", event)
        end
        if has_changed then seen = seen_states() end
        service.waits_for = waits and other or nil
        if service.verdict ~= verdict then
          service.verdict = verdict
          wake_waiters(service)
        end
      end
    end
  end
  reviewing = false
end

-- What the network says of a service: as an event, with the words for it.
local function tell_answer(service, kind, outcome, why)
  local what = question.words(service.inquiry.question)
  if kind == "probe" and outcome == "missed" then
    feed(service, "missed", ("its probe failed (%d of %d): %s: %s"):format((service.state.misses or 0) + 1,
      service.policy.misses, what, why))
  elseif outcome == "answered" then
    feed(service, kind == "ready" and "ready" or "answered", what .. " answers")
  end
end

-- Has a port of the service asked for what its state makes of interest, and nothing else.
local function inquire(service)
  if service.inquiry or service.definition.probe or is_ready_by(service, "port") then
    require("init.probes").attend(service, tell_answer)
  end
end

-- Why a service is not ready yet, as far as that was asked.
local function why_late(service)
  local inquiry = service.inquiry
  return inquiry and inquiry.why and (": %s: %s"):format(question.words(inquiry.question), inquiry.why) or ""
end

local function set_timer(service)
  local at = service.state.timer
  if service.timer and service.timer.at == at then return end
  if service.timer then loop.cancel(service.timer) end
  service.timer = at and loop.at(at, function()
    service.timer = nil
    local name = service.state.name
    feed(service, "timer", name == "paused" and "the pause is over"
      or name == "starting" and "it does not become ready" .. why_late(service)
      or "it does not end when asked")
  end)
end

local act = {}

-- Reports an event to the service's machine. cause: words for people; parent: number of the event it
-- follows from, the service's own last one by default. Returns whether anything changed.
function feed(service, event, cause, parent, status)
  local old = service.state
  local new, actions = machine.step(old, event, swos.monotonic(), service.policy, status)
  if new == old and not actions[1] then return false end
  local before, is_boot = service.last, not service.first.ready
  count(service, event, old, new)
  local number = note(service, new.name, cause, parent or before)
  service.state = new
  save(service)
  if not is_boot or LOUD[new.name] then  -- the way up at boot is in `svc blame`
    local level = LOUD[new.name] and swos.LOG_WARNING or swos.LOG_INFO
    log.write(level, ("%s: %s -> %s: %s (#%d after #%d)"):format(service.name, old.name, new.name, cause,
      number, parent or before or 0))
  end
  set_timer(service)
  inquire(service)
  for _, action in ipairs(actions) do act[action](service) end
  if new.name == "stopped" then grants.withdraw(service) end
  if new.name ~= old.name then
    wake_waiters(service)
    review(number)
  end
  return true
end

-- ---- processes

-- Ends everything in a service's job but keeps the job: it holds what the next process needs. First
-- all stands still, so that nothing can escape by making processes faster than they are found.
local function sweep(service)
  local job = service.job
  local function alive()
    local found, first = false, 0
    repeat
      local infos = sys.job_list(job, first) or {}
      for _, info in ipairs(infos) do
        if info.state ~= swos.PROCESS_ENDED then
          found = true
          local process <close> = sys.job_find(job, info.pid)
          if process then sys.process_kill(process, KILLED) end
        end
        first = info.pid + 1
      end
    until #infos == 0
    return found
  end
  if not alive() then return end
  sys.job_stop(job)
  while alive() do
    if not loop.wait(job, swos.JOB_EXITED, swos.deadline(GONE_SECONDS)) then
      log.warning("%s: something in its job does not end", service.name)
      break
    end
  end
  sys.job_continue(job)
end

-- The head of a process's crash record, if the kernel still has it; `crash show` has the rest.
function M.crash_of(pid)
  local index = 0
  while true do
    local text = sys.crash_read(swos.handle("root"), index, CRASH_BYTES)
    if not text then return nil end
    if text:match("^[^\n]- pid (%d+) ended") == tostring(pid) then
      return (text:gsub("\nprogram .*$", "\n"))
    end
    index = index + 1
  end
end

-- Waits for the end of the service's process.
local function watch(service)
  local process, pid = service.process, service.pid
  local status = loop.wait_exit(process) or -1
  process:close()
  service.process, service.pid = nil, nil
  local cause = ("ended with status %d"):format(status)
  if CRASHED[status] then
    local text = M.crash_of(pid)
    service.crash = { pid = pid, reason = text and text:match("ended: ([^\n]*)") or "no record" }
    cause = "crashed: " .. service.crash.reason
  end
  count_end(service, CRASHED[status] and "crashed" or "exited")
  sweep(service)
  feed(service, "exited", cause, nil, status)
end

-- Follows what the service's process prints until it says that it is ready.
local function await_line(service)
  local pid = service.pid
  local found = logs.await(service, service.definition.ready.line, service.first_line, function()
    return service.pid == pid and service.state.name == "starting"
  end)
  if found then feed(service, "ready", "it printed the line that says so") end
end

local function overdue(service)
  if not service.process then return end
  log.warning("%s is overdue, ending it", service.name)
  feed(service, "hung", ("a call to it waited longer than %d s, or it kept a CPU from others for as long")
    :format(service.definition.overdue))
end

-- Ends a server whose answer no service could work with, as one that hangs.
function M.accuse(name, what)
  feed(services[name], "hung", what)
end

-- Begins the watch, or begins it anew: a call may have waited through a pause, and each process has
-- the whole time from its start.
local function watch_overdue(service)
  if service.definition.serves then
    service.watch = loop.watch_overdue(service.channel, service.definition.overdue * 1000000000, function()
      overdue(service)
    end, service.watch)
  end
end

function act.launch(service)
  loop.spawn(function()
    local by_line = is_ready_by(service, "line")
    service.first_line = by_line and logs.next_line(service) or nil
    if by_line then save(service) end  -- a new init that finds the process must not believe an older line
    local ok, process, pid, message = xpcall(launch.start, debug.traceback, service)
    if not ok then
      loop.on_error(process)
      process, message = nil, "an error of init's own"
    end
    if process then
      service.process, service.pid = process, pid
      watch_overdue(service)
      loop.spawn(watch, service)
      feed(service, "launched", ("started as pid %d"):format(pid))
      if by_line and service.process then loop.spawn(await_line, service) end
    else
      feed(service, "unlaunched", "cannot be started: " .. message)
    end
  end)
end

function act.interrupt(service)
  grants.withdraw(service)
  sys.job_interrupt(service.job, swos.INTERRUPT_TERM)
end

function act.kill(service)
  if service.process then sys.process_kill(service.process, KILLED) end
  sys.job_continue(service.job)  -- it may have been stopped to look hung
end

-- ---- becoming known

-- The process of the service that a predecessor of this init started, if it lives: the one it knew,
-- or the first of a job that was empty when it was being started.
local function find_process(service, pid)
  for _, info in ipairs(sys.job_list(service.job, pid) or {}) do
    if info.state ~= swos.PROCESS_ENDED and (info.pid == pid or not pid) then
      local process = sys.job_find(service.job, info.pid)
      if process then return process, info.pid end
    end
  end
end

local function recall(service, saved, memory)
  service.state = saved.state
  for _, key in ipairs { "enabled", "crash", "first", "first_line", "events", "last", "ended", "cause" } do
    service[key] = saved[key]
  end
  service.counts = saved.counts or {}
  for _, event in ipairs(record.events(memory)) do last_event = math.max(last_event, event.number) end
end

-- After all services are known: what became of the processes while there was no init. state: the one the
-- predecessor left the service in. Somebody may have asked for another one since, but nothing is launched
-- before all are resumed: what is found in the job is the predecessor's.
local function resume(service, state, pid)
  if state == "stopped" then grants.withdraw(service) end  -- the init before may have died short of it
  if not machine.ALIVE[state] and state ~= "launching" then return set_timer(service) end
  service.process, service.pid = find_process(service, state ~= "launching" and pid or nil)
  if service.process then
    loop.spawn(watch, service)
    if not feed(service, "present", "found running by a new init") then
      local now = service.state.name
      note(service, now, "found running by a new init", service.last)
      save(service)
      set_timer(service)
      if now == "ending" then act.kill(service) end
      if now == "stopping" then act.interrupt(service) end  -- the one who was about to may have died
    end
    if service.state.name == "starting" and is_ready_by(service, "line") and service.first_line then
      loop.spawn(await_line, service)
    end
    inquire(service)
  else
    sweep(service)
    feed(service, "absent", "ended while there was no init")
  end
end

local numbers = {}  -- taken

local function free_number()
  for number = 0, kept.SERVICES_MOST - 1 do
    if not numbers[number] then return number end
  end
end

local function attach(service)
  local number = service.number
  numbers[number] = true
  service.channel = kept.own(number, kept.OWN_CHANNEL, sys.channel_create)
  service.job = kept.own(number, kept.OWN_JOB, function() return launch.new_job(service) end)
  service.record = kept.own(number, kept.OWN_RECORD, record.create)
  directory.add(service)
  watch_overdue(service)
  services[service.name], order[#order + 1] = service, service
  definitions[service.name] = service.definition
end

local function new_service(name, definition, origin, number)
  return { name = name, definition = definition, origin = origin, policy = policy_of(definition),
    number = number, state = machine.new(), events = 0, first = {}, counts = {}, waiters = {},
    on_ready = function(service) feed(service, "ready", "it said so") end }
end

-- What the record has of a definition.
function M.recorded(definition, origin) return { origin = origin, definition = definition } end

local function save_definition(service, definition, origin)
  local ok, message = record.write(service.record, record.DEFINITION, M.recorded(definition, origin))
  if ok then return true end
  return nil, "its definition cannot be recorded: " .. message
end

-- Makes a service known: it; nil, message. origin: "bundle", or the file its definition came from. The
-- definition of one of a file has to outlive init.
function M.add(name, definition, origin)
  local number = free_number()
  if not number then return nil, "too many services" end
  local service = new_service(name, definition, origin, number)
  attach(service)
  if origin ~= "bundle" then
    local ok, message = save_definition(service, definition, origin)
    if not ok then
      M.remove(service)
      return nil, message
    end
  end
  save(service)
  return service
end

-- Another definition for a service; what runs goes on as it was started. nil, message: the old one stays.
function M.redefine(service, definition, origin)
  local ok, message = save_definition(service, definition, origin)
  if not ok then return nil, message end
  service.definition, service.origin, service.policy = definition, origin, policy_of(definition)
  definitions[service.name] = definition
  directory.add(service)
  watch_overdue(service)
  inquire(service)
  return true
end

-- Forgets a service that does not run, and gives back what was kept for it.
function M.remove(service)
  services[service.name], definitions[service.name] = nil, nil
  for i, other in ipairs(order) do
    if other == service then table.remove(order, i) end
  end
  numbers[service.number] = nil
  directory.remove(service)
  logs.forget(service)
  if service.watch then loop.unwatch_overdue(service.channel, service.watch) end
  sys.job_kill(service.job, KILLED)
  kept.clear(service.number)
  for _, name in ipairs { "channel", "job", "record", "printer", "printed" } do
    if service[name] then service[name]:close() end
  end
end

-- Finds the services a predecessor knew. boot: name -> definition of the bundle's services.
function M.recall(boot)
  local pids, states = {}, {}
  reviewing = true  -- not before all are resumed: it would launch a service whose process is not found yet
  for _, number in ipairs(kept.numbers()) do
    local memory <close> = kept.own(number, kept.OWN_RECORD)
    local saved, stored = record.read(memory, record.STATE), record.read(memory, record.DEFINITION)
    local name = saved and saved.name
    local definition = name and (boot[name] or (stored and stored.definition))
    if definition then
      local service = new_service(name, definition, boot[name] and "bundle" or stored.origin, number)
      recall(service, saved, memory)
      attach(service)
      logs.recall(service)
      pids[name], states[name] = saved.pid, saved.state.name
    else  -- that init died before it had written anything, as a rule
      log.warning("service %d: its record cannot be read", number)
      local job <close> = kept.own(number, kept.OWN_JOB)
      if job then sys.job_kill(job, KILLED) end
      kept.clear(number)
    end
  end
  for _, service in ipairs({ table.unpack(order) }) do
    if states[service.name] then resume(service, states[service.name], pids[service.name]) end
  end
  reviewing = false
  review()
end

-- True if nothing has happened to the service yet.
function M.is_new(service) return service.events == 0 end

-- ---- by hand

-- Words for who asked: from the kernel's stamp on the call.
function M.requester(message)
  return ("by principal %d, session %d, pid %d"):format(message.principal, message.session, message.pid)
end

-- Starts services and what they require and want.
function M.start(names, cause)
  for _, name in ipairs(graph.start_set(definitions, names)) do
    local service = services[name]
    local is_named = false
    for _, wanted in ipairs(names) do is_named = is_named or wanted == name end
    local state = service.state.name
    if is_named or state == "stopped" or state == "failed" or service.state["then"] == "stop" then
      service.by_hand = machine.AT_REST[state]
      feed(service, "start", is_named and cause or ("started with %s"):format(names[1]))
    end
  end
  review()
end

function M.stop(service, cause) feed(service, "stop", "stopped " .. cause) end

-- One that does not run is started, with what it requires.
function M.restart(service, cause)
  local state = service.state.name
  if not machine.ALIVE[state] and state ~= "launching" then
    return M.start({ service.name }, "started " .. cause)
  end
  feed(service, "restart", "restarted " .. cause)
end

local PROVOKED = { "made to crash ", "made to hang ", "made to stand still " }

-- how: 0 kill, 1 crash, 2 hang (in user mode), 3 hang (stopped). The service is started again.
function M.kill(service, how, cause)
  if not service.process then return nil, "BAD_STATE" end
  if how == 0 then return feed(service, "kill", "killed " .. cause), "BAD_STATE" end
  local ok, _, code
  if how == 3 then
    ok, _, code = sys.job_stop(service.job)
  else
    ok, _, code = sys.process_divert(service.process, how == 1 and swos.DIVERT_FAULT or swos.DIVERT_LOOP)
  end
  if ok then feed(service, "provoked", PROVOKED[how] .. cause) end
  return ok, code
end

function M.enable(service, enabled)
  service.enabled = enabled
  save(service)
end

-- Waits until condition(service) holds.
local function await(service, condition)
  while not condition(service) do
    local wait, wake = loop.signal()
    table.insert(service.waiters, wake)
    wait()
  end
end

-- Waits until the service is in a state, or no longer.
function M.await_state(name, state, is_in)
  await(services[name], function(service) return (service.state.name == state) == is_in end)
end

local SETTLED = { ready = true, stopped = true, failed = true, done = true }

-- Waits until the service has come to rest, for now or for good.
function M.await_rest(service)
  await(service, function(s)
    return SETTLED[s.state.name] or s.state.name == "paused"
      or (s.state.name == "waiting" and s.verdict == "lost")
  end)
end

-- True when the service neither runs nor is about to.
function M.is_idle(service) return machine.AT_REST[service.state.name] == true end

-- Waits until the service is ready or will not be without help: the state's name, and the status of
-- its last end. One that was ended `failures` times counts too.
function M.await_settled(name, failures)
  local service = services[name]
  await(service, function(s)
    return SETTLED[s.state.name] or (s.state.name == "paused" and s.state.failures >= failures)
  end)
  return service.state.name, service.state.status
end

return M
