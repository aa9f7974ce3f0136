-- The life of a service as one pure function: step(state, event, now, policy) -> state, actions.
--
-- It knows no handles and waits for nothing. The caller carries out the actions, keeps a timer for
-- state.timer (and none when that is nil), and reports what happens as events.
--
--   stopped    not to run. No process, no timer
--   waiting    to run, once what it depends on is there. No process, no timer
--   launching  the caller is starting its process. No timer
--   starting   the process lives and is not ready yet. Timer: until it counts as failed
--   ready      the process lives and is ready. No timer
--   stopping   asked to end (TERM). Timer: until it is killed
--   ending     killed, not gone yet. No timer
--   paused     ended too soon; will be launched again. No process. Timer: until then
--   failed     ended, and starting it again by itself is of no use. No process, no timer
--   done       a oneshot that succeeded. No process, no timer
--
-- What `then` says in launching, stopping and ending: "stop" (to stopped), "wait" (to waiting),
-- "again" (to be launched at once), nil (as if it had ended by itself).
--
-- event        in these states                     leads to
-- start        stopped failed done waiting paused  waiting; the count of failures is forgotten
--              stopping ending, launching with     then again
--                a `then`
--              others                              nothing: it runs
-- stop         stopped                             nothing
--              waiting paused failed done          stopped
--              launching                           launching, then stop
--              starting ready                      stopping, then stop: interrupt
--              stopping ending                     then stop
-- restart      starting ready                      stopping, then again: interrupt
--              launching                           launching, then again
--              stopping ending                     then again
--              others                              as start
-- satisfied    waiting                             launching: launch
--              others                              nothing
-- lost         launching                           launching, then wait
--              starting ready                      stopping, then wait: interrupt
--              stopping ending, not to stop        then wait
--              paused                              waiting
--              others                              nothing
-- launched     launching                           starting, or ready when being started is enough;
--                                                  with `then`: ending, kill
-- unlaunched   launching                           as if it had failed; with `then`: what that says
-- ready        starting                            ready
-- kill         starting ready                      ending, as a failure that costs no pause
--              stopping ending                     kill again
-- provoked     starting ready                      the same: its next end costs no pause
-- hung         starting ready stopping             ending: kill (overdue)
-- missed       ready, and a probe is wanted        ready, with one miss more; the last of those allowed in
--                                                  a row: ending, kill, as a failure (a probe that failed)
-- answered     ready, with misses                  ready; they are forgotten
-- exited       starting ready stopping ending      by `then`, else by the exit status and policy:
--                final status: failed; oneshot with 0: done; restart "never", or "failure" with 0:
--                stopped; else paused, or waiting when the pause is 0
-- timer        starting                            ending: kill, a failure
--              stopping                            ending: kill
--              paused                              waiting
-- absent       any with a process, or launching    exited with an unknown status (a new init finds
--                                                  no process)
-- present      launching                           starting (a new init finds the process there)
-- Any other pair of state and event: nothing happens.
--
-- Pauses: none before the first restart, then 0.1 s, doubling to 30 s. A process that was ready for
-- 60 s makes its end a first failure again. An end with status 0 under "always" is no failure: it is
-- started again at once, but not sooner than a second after its last start.
--
-- policy: { restart, oneshot, final = { status... }, immediate = counts as ready when started,
--           start_seconds, stop_seconds, misses = probes that may fail in a row, nil: none is wanted }
-- Times are nanoseconds.
local M = {}

local SECOND = 1000000000
local PAUSE_FIRST, PAUSE_LONGEST, HEALTHY = SECOND // 10, 30 * SECOND, 60 * SECOND
local CLEAN_PAUSE = SECOND

M.STATES = { "stopped", "waiting", "launching", "starting", "ready", "stopping", "ending", "paused",
  "failed", "done" }
M.EVENTS = { "start", "stop", "restart", "satisfied", "lost", "launched", "unlaunched", "ready", "kill",
  "provoked", "hung", "missed", "answered", "exited", "timer", "absent", "present" }

-- States in which a process lives.
M.ALIVE = { starting = true, ready = true, stopping = true, ending = true }
-- States that only a start by hand, or of what requires it, leads out of.
M.AT_REST = { stopped = true, failed = true, done = true }

function M.new()
  return { name = "stopped", failures = 0, restarts = 0 }
end

local function to(state, name, fields)
  local new = { name = name, failures = state.failures, restarts = state.restarts,
    launched = state.launched, ready_at = nil, status = state.status }
  for key, value in pairs(fields or {}) do new[key] = value end
  return new
end

local function is_final(status, policy)
  for _, final in ipairs(policy.final or {}) do
    if status == final then return true end
  end
  return false
end

-- What follows the end of a process, or an attempt to start one that did not succeed.
local function after_end(state, status, now, policy)
  local next_step = state["then"]
  local fields = { status = status, restarts = state.restarts }
  if next_step == "stop" then return to(state, "stopped", fields) end
  if next_step == "wait" then return to(state, "waiting", fields) end
  if next_step == "again" then
    fields.failures, fields.restarts = 0, state.restarts + 1
    return to(state, "waiting", fields)
  end
  local by_hand = state.by_hand
  if not by_hand and is_final(status, policy) then return to(state, "failed", fields) end
  if not by_hand and status == 0 then
    if policy.oneshot then return to(state, "done", fields) end
    if policy.restart == "failure" then return to(state, "stopped", fields) end
  end
  if policy.restart == "never" and not by_hand then
    return to(state, status == 0 and "stopped" or "failed", fields)
  end
  fields.restarts = state.restarts + 1
  if status == 0 then
    local pause = CLEAN_PAUSE - (now - (state.launched or now))
    if pause > 0 then
      fields.timer = now + pause
      return to(state, "paused", fields)
    end
    return to(state, "waiting", fields)
  end
  if by_hand or (state.ready_at and now - state.ready_at >= HEALTHY) then fields.failures = 0 end
  fields.failures = (fields.failures or state.failures) + (by_hand and 0 or 1)
  if fields.failures <= 1 then return to(state, "waiting", fields) end
  -- the exponent is bounded: a shift by more than 63 bits gives 0
  local pause = math.min(PAUSE_FIRST << math.min(fields.failures - 2, 16), PAUSE_LONGEST)
  fields.timer = now + pause
  return to(state, "paused", fields)
end

local function ask(state, now, policy, next_step)
  return to(state, "stopping", { ["then"] = next_step, timer = now + policy.stop_seconds * SECOND,
    ready_at = state.ready_at }), { "interrupt" }
end

local function kill(state, fields)
  fields = fields or {}
  if fields["then"] == nil then fields["then"] = state["then"] end
  fields.by_hand = fields.by_hand or state.by_hand
  fields.ready_at = state.ready_at
  return to(state, "ending", fields), { "kill" }
end

local function started(state, now, policy)
  if policy.immediate then return to(state, "ready", { launched = now, ready_at = now }), {} end
  return to(state, "starting", { launched = now, timer = now + policy.start_seconds * SECOND }), {}
end

-- A different wish for what comes after the process that is going.
local function then_do(state, next_step)
  if state["then"] == next_step then return end
  local new = {}
  for key, value in pairs(state) do new[key] = value end
  new["then"] = next_step
  return new, {}
end

local function resting(names)
  local set = {}
  for name in names:gmatch("%S+") do set[name] = true end
  return set
end

local STARTABLE = resting("stopped failed done waiting paused")
local GOING = resting("stopping ending")
local events = {}

function events.start(state)
  if STARTABLE[state.name] then return to(state, "waiting", { failures = 0 }), {} end
  if GOING[state.name] or (state.name == "launching" and state["then"]) then
    return then_do(state, "again")
  end
end

function events.stop(state, now, policy)
  if STARTABLE[state.name] and state.name ~= "stopped" then
    return to(state, "stopped", { failures = 0 }), {}
  end
  if state.name == "launching" or GOING[state.name] then return then_do(state, "stop") end
  if state.name == "starting" or state.name == "ready" then return ask(state, now, policy, "stop") end
end

function events.restart(state, now, policy)
  if state.name == "launching" or GOING[state.name] then return then_do(state, "again") end
  if state.name == "starting" or state.name == "ready" then return ask(state, now, policy, "again") end
  return events.start(state)
end

function events.satisfied(state)
  if state.name == "waiting" then return to(state, "launching"), { "launch" } end
end

function events.lost(state, now, policy)
  if state.name == "launching" and state["then"] ~= "stop" then return then_do(state, "wait") end
  if state.name == "starting" or state.name == "ready" then return ask(state, now, policy, "wait") end
  if GOING[state.name] and state["then"] ~= "stop" then return then_do(state, "wait") end
  if state.name == "paused" then return to(state, "waiting"), {} end
end

function events.launched(state, now, policy)
  if state.name ~= "launching" then return end
  if state["then"] then return kill(state, { launched = now }) end
  return started(state, now, policy)
end

function events.unlaunched(state, now, policy)
  if state.name == "launching" then return after_end(state, -1, now, policy), {} end
end

function events.ready(state, now)
  if state.name ~= "starting" then return end
  return to(state, "ready", { ready_at = now, by_hand = state.by_hand }), {}
end

function events.kill(state)
  if state.name == "starting" or state.name == "ready" then return kill(state, { by_hand = true }) end
  if GOING[state.name] then return kill(state) end
end

function events.provoked(state)
  if state.name ~= "starting" and state.name ~= "ready" then return end
  return to(state, state.name, { timer = state.timer, ready_at = state.ready_at, misses = state.misses,
    by_hand = true }), {}
end

function events.hung(state)
  if state.name == "starting" or state.name == "ready" or state.name == "stopping" then return kill(state) end
end

local function ready_with(state, misses)
  return to(state, "ready", { ready_at = state.ready_at, by_hand = state.by_hand, misses = misses }), {}
end

function events.missed(state, _, policy)
  if state.name ~= "ready" or not policy.misses then return end
  local misses = (state.misses or 0) + 1
  if misses >= policy.misses then return kill(state) end
  return ready_with(state, misses)
end

function events.answered(state)
  if state.name == "ready" and state.misses then return ready_with(state, nil) end
end

function events.exited(state, now, policy, status)
  if M.ALIVE[state.name] then return after_end(state, status or -1, now, policy), {} end
end

function events.timer(state, now)
  if not state.timer or now < state.timer then return end
  if state.name == "paused" then return to(state, "waiting"), {} end
  return kill(state)  -- starting or stopping
end

function events.absent(state, now, policy)
  if state.name == "launching" then return after_end(state, -1, now, policy), {} end
  return events.exited(state, now, policy, -1)
end

function events.present(state, now, policy)
  if state.name ~= "launching" then return end
  if state["then"] then return kill(state, { launched = now }) end
  return started(state, now, policy)
end

-- One event. Returns the new state (the same table when nothing changed) and a list of actions:
-- "launch", "interrupt", "kill".
function M.step(state, event, now, policy, status)
  local new, actions = events[event](state, now, policy, status)
  return new or state, actions or {}
end

return M
