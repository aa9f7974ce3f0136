-- init's supervisor with a kernel, a loop and launches that are played: what a new init makes of the states
-- it finds, what a start by hand brings along, and that no definition is taken that its own death would lose.

package.path = "tests/lib/?.lua;lua/?.lua;scripts/guest/?.lua;" .. package.path
local tap = require("tap")

local SECOND = 1000000000
local now = 0
local errors, log_lines, asleep = {}, {}, {}
local launched    -- names of services, in order
local killed      -- jobs whose processes were ended
local slots       -- what a predecessor kept: number -> { state, definition, pids }
local refuses     -- a definition that cannot be recorded

local function closable(fields)
  return setmetatable(fields or {}, { __close = function() end, __index = { close = function() end } })
end

local sys = setmetatable({}, { __index = function() return function() return true end end })
function sys.channel_create() return closable() end
function sys.job_list(job, first)
  local list = {}
  for _, info in ipairs(job.processes) do
    if not first or info.pid >= first then list[#list + 1] = info end
  end
  return list
end
function sys.job_find(job, pid)
  for _, info in ipairs(job.processes) do
    if info.pid == pid then return closable({ job = job, pid = pid }) end
  end
end
function sys.process_kill(process)
  killed[#killed + 1] = process.pid
  for _, info in ipairs(process.job.processes) do
    if info.pid == process.pid then info.dying = true end
  end
  return true
end

local swos = { sys = sys, LOG_WARNING = 2, LOG_INFO = 1, PROCESS_ENDED = 9, JOB_EXITED = 1,
  INTERRUPT_TERM = 1 }
function swos.monotonic() return now end
function swos.deadline(seconds) return now + seconds * SECOND end
function swos.handle() return closable() end

local loop = { on_error = function(text) errors[#errors + 1] = text end }
function loop.spawn(action, ...)
  local thread = coroutine.create(action)
  local ok, message = coroutine.resume(thread, ...)
  if not ok then errors[#errors + 1] = debug.traceback(thread, message) end
end
-- Leaves a coroutine where the loop would wait, until go_on: no time passes.
local function park(why)
  asleep[#asleep + 1] = { thread = coroutine.running(), why = why }
  return coroutine.yield()
end
-- Lets go on who sleeps for a reason.
local function go_on(why, ...)
  local threads = asleep
  asleep = {}
  for _, sleeper in ipairs(threads) do
    if sleeper.why ~= why then
      asleep[#asleep + 1] = sleeper
    else
      local ok, message = coroutine.resume(sleeper.thread, ...)
      if not ok then errors[#errors + 1] = debug.traceback(sleeper.thread, message) end
    end
  end
end
function loop.at(at) return { at = at } end
function loop.cancel() end
function loop.watch_overdue() return 1 end
function loop.wait_exit(process)
  local status = park("end of " .. process.pid)
  local list = process.job.processes
  for i = #list, 1, -1 do
    if list[i].pid == process.pid then table.remove(list, i) end
  end
  return status
end
function loop.wait(job)  -- for the processes of a job that were killed
  park("sweep")
  for i = #job.processes, 1, -1 do
    if job.processes[i].dying then table.remove(job.processes, i) end
  end
  return true
end
function loop.signal()
  local thread
  return function()
    thread = coroutine.running()
    coroutine.yield()
  end, function()
    if thread then coroutine.resume(thread) end
  end
end

package.loaded.swos, package.loaded["swos.loop"] = swos, loop
package.loaded["init.directory"] = { add = function() end, remove = function() end, SERVICE = 16 }
package.loaded["init.grants"] = { withdraw = function() end }
local function log_line(_, text) log_lines[#log_lines + 1] = text end
package.loaded["init.log"] = { write = log_line,
  warning = function(text, ...) log_line(2, text:format(...)) end }
package.loaded["init.logs"] = { recall = function() end, forget = function() end,
  next_line = function() return { number = 7 } end, await = function() return park("line") end }
package.loaded["init.launch"] = { new_job = function() return closable({ processes = {} }) end,
  start = function(service)
    launched[#launched + 1] = service.name
    park("launch")
    local pid = 100 + #launched
    table.insert(service.job.processes, { pid = pid })
    return closable({ job = service.job, pid = pid }), pid
  end }
local record = { STATE = "state", DEFINITION = "definition", saved = {} }
function record.create() return closable({}) end
function record.write(memory, area, value)
  if value.definition and value.definition == refuses then return nil, "too much of it" end
  memory[area] = value
  return true
end
function record.read(memory, area) return memory[area] end
function record.write_event() return true end
function record.events() return {} end
package.loaded["init.record"] = record
local kept = { OWN_CHANNEL = 0, OWN_JOB = 1, OWN_RECORD = 2, SERVICES_MOST = 20 }
function kept.numbers()
  local list = {}
  for number in pairs(slots) do list[#list + 1] = number end
  table.sort(list)
  return list
end
function kept.own(number, which, make)
  local slot = slots[number]
  if slot and which == kept.OWN_RECORD then
    return closable({ state = slot.state, definition = slot.definition })
  end
  if slot and which == kept.OWN_JOB then return closable({ processes = slot.processes }) end
  return make and make() or closable()
end
function kept.clear(number) slots[number] = nil end
package.loaded["init.kept"] = kept

local schema = require("swos.service.schema")

local function define(script)
  script = script or {}
  script.program = "/bin/x"
  local definition, problems = schema.check(script, "tmp")
  assert(definition, problems and problems[1] and problems[1].text)
  return definition
end

local supervisor

local function fresh()
  errors, log_lines, asleep, launched, killed, slots, refuses, now = {}, {}, {}, {}, {}, {}, nil, 100 * SECOND
  package.loaded["init.supervisor"] = nil
  supervisor = require("init.supervisor")
end

-- A service a predecessor left in a state; pids: what lives in its job.
local function left(number, name, script, state, pids)
  local processes = {}
  for i, pid in ipairs(pids or {}) do processes[i] = { pid = pid } end
  slots[number] = { processes = processes, definition = { origin = "/tmp/services/" .. name .. ".lua",
    definition = define(script) }, state = { name = name, pid = pids and pids[1], events = 3, last = 3,
    first = {}, counts = {}, state = { name = state, failures = 0, restarts = 0, launched = now,
      timer = state == "starting" and now + 60 * SECOND or nil } } }
end

local function add(name, script)
  return assert(supervisor.add(name, define(script), "/tmp/services/" .. name .. ".lua"))
end

local function state(name) return supervisor.get(name).state.name end

-- Everything that was launched is there.
local function launch_all()
  for _ = 1, 10 do go_on("launch") end
end

local function no_errors() tap.equal(table.concat(errors, "\n"), "") end

tap.test("what a new init finds waiting is launched once, however soon what it waits for is there", function()
  fresh()
  left(0, "a", { restart = "never", ready = "message" }, "starting")  -- it has ended meanwhile
  left(1, "b", { after = { "a" } }, "waiting")
  left(2, "c", { after = { "a" } }, "waiting")
  loop.spawn(supervisor.recall, {})
  tap.equal(state("a"), "failed")
  tap.equal(table.concat(launched, " "), "b c")
  launch_all()
  tap.equal(state("b"), "ready")
  tap.equal(#supervisor.get("b").job.processes, 1)
  no_errors()
end)

tap.test("nothing is launched while a job of the predecessor's is swept, whoever asks meanwhile", function()
  fresh()
  left(0, "a", {}, "ready", { 20 })
  slots[0].state.pid = 19  -- the one it knew is gone, something else of the job is left
  left(1, "b", {}, "stopped")
  left(2, "c", {}, "launching", { 30 })
  left(3, "d", { ready = "message" }, "ready", { 40 })
  loop.spawn(supervisor.recall, {})
  tap.equal(killed[1], 20)
  supervisor.start({ "b" }, "started by somebody")
  supervisor.stop(supervisor.get("d"), "by somebody")
  tap.equal(state("b"), "waiting")
  tap.equal(table.concat(launched, " "), "")
  go_on("sweep")
  tap.equal(table.concat(launched, " "), "a b")
  tap.equal(supervisor.get("c").pid, 30)  -- found, not started again
  tap.equal(state("c"), "ready")
  tap.equal(supervisor.get("d").pid, 40)
  tap.equal(state("d"), "stopping")
  go_on("end of 40", 0)
  tap.equal(state("d"), "stopped")
  no_errors()
end)

tap.test("what is gone is gone for all that require it, in any number of steps", function()
  fresh()
  add("x", { requires = { "y" } })
  add("y", { requires = { "z" } })
  add("z")
  add("w", { after = { "y" } })
  supervisor.start({ "x" }, "started")
  launch_all()
  tap.equal(state("x") .. state("y") .. state("z"), "readyreadyready")
  local function ends(name) go_on("end of " .. supervisor.get(name).pid, 0) end
  supervisor.stop(supervisor.get("z"), "by somebody")
  ends("z")
  tap.equal(state("z") .. " " .. state("y"), "stopped stopping")
  ends("y")
  tap.equal(state("y") .. " " .. state("x"), "waiting stopping")
  ends("x")
  tap.equal(state("x"), "waiting")
  tap.equal(supervisor.settled(supervisor.get("x")), "lost")
  supervisor.start({ "w" }, "started")  -- `after` what does not come
  launch_all()
  tap.equal(state("w"), "ready")
  supervisor.start({ "z" }, "started")
  launch_all()
  tap.equal(state("x") .. state("y") .. state("z"), "readyreadyready")
  no_errors()
end)

tap.test("a restart of what does not run is a start, with what it requires", function()
  fresh()
  add("x", { requires = { "y" } })
  add("y")
  supervisor.restart(supervisor.get("x"), "by somebody")
  tap.equal(supervisor.get("x").by_hand, true)
  launch_all()
  tap.equal(state("x") .. " " .. state("y"), "ready ready")
  local pid = supervisor.get("x").pid
  supervisor.restart(supervisor.get("x"), "by somebody")
  tap.equal(state("x"), "stopping")
  go_on("end of " .. pid, 0)
  launch_all()
  tap.equal(state("x"), "ready")
  no_errors()
end)

tap.test("a start brings back what it requires and is about to stop", function()
  fresh()
  add("x", { requires = { "y" } })
  add("y")
  supervisor.start({ "y" }, "started")
  launch_all()
  local y = supervisor.get("y")
  supervisor.stop(y, "by somebody")
  tap.equal(state("y"), "stopping")
  supervisor.start({ "x" }, "started")
  go_on("end of " .. y.pid, 0)
  launch_all()
  tap.equal(state("x") .. " " .. state("y"), "ready ready")
  no_errors()
end)

tap.test("where the lines of a process begin is recorded before it is started", function()
  fresh()
  local service = add("x", { ready = { line = "here" } })
  supervisor.start({ "x" }, "started")
  tap.equal(table.concat(launched), "x")
  tap.equal(service.record.state.first_line.number, 7)
  tap.equal(service.record.state.state.name, "launching")
  no_errors()
end)

tap.test("a definition that cannot be recorded is not taken", function()
  fresh()
  refuses = define()
  local service, message = supervisor.add("x", refuses, "/tmp/services/x.lua")
  tap.equal(service, nil)
  tap.equal(message, "its definition cannot be recorded: too much of it")
  tap.equal(supervisor.get("x"), nil)
  tap.equal(#supervisor.all(), 0)
  local good = add("x")
  local old = good.definition
  local ok
  ok, message = supervisor.redefine(good, refuses, "/tmp/services/y.lua")
  tap.equal(ok, nil)
  tap.contains(message, "cannot be recorded")
  tap.equal(good.definition, old)
  tap.equal(supervisor.definitions.x, old)
  tap.equal(supervisor.redefine(good, define({ stop_seconds = 9 }), "/tmp/services/x.lua"), true)
  tap.equal(good.definition.stop_seconds, 9)
end)

tap.test("why says what was done to it", function()
  fresh()
  local service = add("x")
  supervisor.start({ "x" }, "started")
  launch_all()
  for how, words in pairs { "made to crash", "made to hang", "made to stand still" } do
    supervisor.kill(service, how, "by somebody")
    tap.contains(log_lines[#log_lines], words .. " by somebody")
  end
end)

tap.done()
