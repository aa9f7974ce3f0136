-- The life of a service: every event in every state, and long random orders of events.
package.path = "tests/lib/?.lua;lua/?.lua;" .. package.path
local tap = require("tap")
local machine = require("swos.service.machine")

local SECOND = 1000000000
local POLICIES = {
  always = { restart = "always", start_seconds = 60, stop_seconds = 5 },
  immediate = { restart = "always", start_seconds = 60, stop_seconds = 5, immediate = true },
  failure = { restart = "failure", start_seconds = 60, stop_seconds = 5 },
  never = { restart = "never", start_seconds = 60, stop_seconds = 5 },
  oneshot = { restart = "failure", oneshot = true, start_seconds = 60, stop_seconds = 5 },
  final = { restart = "always", final = { 10 }, start_seconds = 60, stop_seconds = 5 },
  probed = { restart = "always", misses = 3, start_seconds = 60, stop_seconds = 5 },
}

-- What is said of a state, whatever the way there.
local function check_state(state)
  local name, timed = state.name, state.timer ~= nil
  local known = false
  for _, one in ipairs(machine.STATES) do known = known or one == name end
  tap.check(known, "unknown state %s", name)
  if name == "starting" or name == "stopping" or name == "paused" then
    tap.check(timed, "%s without a timer", name)
  else
    tap.check(not timed, "%s with a timer", name)
  end
  if state["then"] then
    tap.check(name == "launching" or name == "stopping" or name == "ending", "`then` in %s", name)
  end
  tap.check(not state.misses or name == "ready", "misses in %s", name)
end

local function state(name, fields)
  local result = { name = name, failures = 0, restarts = 0, launched = 0 }
  if name == "starting" or name == "stopping" or name == "paused" then result.timer = 10 * SECOND end
  for key, value in pairs(fields or {}) do result[key] = value end
  return result
end

-- state[:then] event[:status] -> state[:then] [actions], from the prose at the machine's head. What
-- is not listed changes nothing.
local TABLE = {
  ["stopped start"] = "waiting", ["failed start"] = "waiting", ["done start"] = "waiting",
  ["waiting start"] = "waiting", ["paused start"] = "waiting",
  ["stopping start"] = "stopping:again", ["ending start"] = "ending:again",
  ["stopping:stop start"] = "stopping:again", ["ending:stop start"] = "ending:again",
  ["launching:stop start"] = "launching:again",
  ["waiting stop"] = "stopped", ["paused stop"] = "stopped", ["failed stop"] = "stopped",
    ["done stop"] = "stopped",
  ["launching stop"] = "launching:stop",
  ["starting stop"] = "stopping:stop interrupt", ["ready stop"] = "stopping:stop interrupt",
  ["stopping stop"] = "stopping:stop",
  ["ending stop"] = "ending:stop",
  ["starting restart"] = "stopping:again interrupt", ["ready restart"] = "stopping:again interrupt",
  ["launching restart"] = "launching:again", ["launching:stop restart"] = "launching:again",
  ["stopping restart"] = "stopping:again", ["stopping:stop restart"] = "stopping:again",
  ["ending restart"] = "ending:again", ["ending:stop restart"] = "ending:again",
  ["stopped restart"] = "waiting", ["failed restart"] = "waiting", ["done restart"] = "waiting",
  ["waiting restart"] = "waiting", ["paused restart"] = "waiting",
  ["waiting satisfied"] = "launching launch",
  ["launching lost"] = "launching:wait",
  ["starting lost"] = "stopping:wait interrupt", ["ready lost"] = "stopping:wait interrupt",
  ["stopping lost"] = "stopping:wait", ["ending lost"] = "ending:wait", ["paused lost"] = "waiting",
  ["launching launched"] = "starting", ["launching:stop launched"] = "ending:stop kill",
  ["launching unlaunched"] = "waiting", ["launching:stop unlaunched"] = "stopped",
  ["starting ready"] = "ready",
  ["starting kill"] = "ending kill", ["ready kill"] = "ending kill",
  ["stopping kill"] = "ending kill", ["stopping:stop kill"] = "ending:stop kill",
  ["ending kill"] = "ending kill", ["ending:stop kill"] = "ending:stop kill",
  ["starting provoked"] = "starting", ["ready provoked"] = "ready",
  ["starting hung"] = "ending kill", ["ready hung"] = "ending kill",
  ["stopping hung"] = "ending kill", ["stopping:stop hung"] = "ending:stop kill",
  ["starting exited"] = "waiting", ["ready exited"] = "waiting", ["stopping exited"] = "waiting",
  ["ending exited"] = "waiting", ["stopping:stop exited"] = "stopped", ["ending:stop exited"] = "stopped",
  ["starting timer"] = "ending kill", ["stopping timer"] = "ending kill",
  ["stopping:stop timer"] = "ending:stop kill", ["paused timer"] = "waiting",
  ["launching absent"] = "waiting", ["launching:stop absent"] = "stopped",
  ["starting absent"] = "waiting", ["ready absent"] = "waiting", ["stopping absent"] = "waiting",
  ["ending absent"] = "waiting", ["stopping:stop absent"] = "stopped", ["ending:stop absent"] = "stopped",
  ["launching present"] = "starting", ["launching:stop present"] = "ending:stop kill",
}

tap.test("every event in every state does what the table says", function()
  local seen = 0
  for _, name in ipairs(machine.STATES) do
    for _, next_step in ipairs { "", ":stop" } do
      if next_step == "" or name == "launching" or name == "stopping" or name == "ending" then
        for _, event in ipairs(machine.EVENTS) do
          local label = ("%s%s %s"):format(name, next_step, event)
          local before = state(name, { ["then"] = next_step ~= "" and "stop" or nil })
          local now, actions = machine.step(before, event, 10 * SECOND, POLICIES.always, 1)
          local got = now.name .. (now["then"] and ":" .. now["then"] or "")
          if actions[1] then got = got .. " " .. table.concat(actions, " ") end
          local wanted = TABLE[label] or (name .. next_step)
          tap.equal(got, wanted, label)
          if TABLE[label] then seen = seen + 1 else tap.check(now == before, "%s made a new state", label) end
          check_state(now)
        end
      end
    end
  end
  for _ in pairs(TABLE) do seen = seen - 1 end
  tap.equal(seen, 0, "rows of the table that no state and event reach")
end)

-- The two events of probes in each state, with and without misses, and where no probe is wanted.
tap.test("probes count in ready only, and only where one is wanted", function()
  for _, name in ipairs(machine.STATES) do
    for _, event in ipairs { "missed", "answered" } do
      for _, policy in ipairs { "always", "probed" } do
        local wants = policy == "probed"
        for misses = 0, name == "ready" and 2 or 0 do
          local before = state(name, { misses = misses > 0 and misses or nil, ready_at = 4, by_hand = true })
          local after, actions = machine.step(before, event, 10 * SECOND, POLICIES[policy])
          local got = ("%s %s %s"):format(after.name, after.misses or 0, actions[1] or "")
          local wanted = ("%s %d "):format(name, misses)
          if name == "ready" and event == "answered" then wanted = "ready 0 " end
          if name == "ready" and event == "missed" and wants then
            wanted = misses < 2 and ("ready %d "):format(misses + 1) or "ending 0 kill"
          end
          tap.equal(got, wanted, ("%s, %d misses, %s, %s"):format(name, misses, event, policy))
          check_state(after)
          tap.equal(after.ready_at, 4, "since when it is ready")
          tap.check(after.by_hand, "that it was provoked is forgotten")
          local is_same = got == ("%s %d "):format(name, misses)
          tap.check(not is_same or after == before, "%s: a new state", got)
        end
      end
    end
  end
end)

tap.test("misses in a row: an answer or a new process begins anew; a service that hangs is a failure",
  function()
  local s, policy = state("ready", { ready_at = 0 }), POLICIES.probed
  local function feed(event, status)
    local actions
    s, actions = machine.step(s, event, SECOND, policy, status)
    return actions[1]
  end
  for _, event in ipairs { "missed", "missed", "answered", "missed", "missed" } do
    tap.equal(feed(event), nil, "an action")
  end
  tap.equal(feed("provoked"), nil)
  tap.equal(s.misses, 2, "misses after provoked")
  s.by_hand = nil
  tap.equal(feed("missed"), "kill")
  feed("exited", 137)
  tap.equal(s.name .. s.failures, "waiting1")
  for _, event in ipairs { "satisfied", "launched", "ready" } do feed(event) end
  tap.equal(s.name .. tostring(s.misses), "readynil", "a new process")
  tap.equal(machine.step(state("ready"), "missed", SECOND, { restart = "always", misses = 1 }).name, "ending")
end)

local function ended(policy, status, fields, now)
  local after = machine.step(state("ready", fields), "exited", now or 100 * SECOND, POLICIES[policy], status)
  check_state(after)
  return after
end

tap.test("what follows an end: policy and status", function()
  local FOLLOWS = {
    { "always", 0, "waiting" }, { "always", 1, "waiting" }, { "failure", 0, "stopped" }, { "failure", 1,
      "waiting" },
    { "never", 0, "stopped" }, { "never", 1, "failed" }, { "oneshot", 0, "done" }, { "oneshot", 1,
      "waiting" },
    { "final", 10, "failed" }, { "final", 11, "waiting" },
  }
  for _, row in ipairs(FOLLOWS) do
    tap.equal(ended(row[1], row[2]).name, row[3], ("%s, status %d"):format(row[1], row[2]))
  end
  tap.equal(ended("final", 10, { by_hand = true }).name, "waiting", "a kill by hand is not its last word")
  tap.equal(ended("never", 137, { by_hand = true }).name, "waiting", "a service killed by hand comes back")
end)

tap.test("pauses: none, 0.1 s, doubling to 30 s; 60 s of health forget them", function()
  local s, now = state("ready", { ready_at = 0 }), SECOND
  local pauses = {}
  for i = 1, 14 do
    s = machine.step(s, "exited", now, POLICIES.always, 1)
    pauses[i] = s.timer and (s.timer - now) / SECOND or 0
    s.name, s.timer, s.ready_at = "ready", nil, now
  end
  tap.equal(table.concat(pauses, " "), "0 0.1 0.2 0.4 0.8 1.6 3.2 6.4 12.8 25.6 30.0 30.0 30.0 30.0")
  s.ready_at = now - 59 * SECOND
  tap.equal(machine.step(s, "exited", now, POLICIES.always, 1).name, "paused", "after 59 s of health")
  s.ready_at = now - 60 * SECOND
  local healthy = machine.step(s, "exited", now, POLICIES.always, 1)
  tap.equal(healthy.name, "waiting", "after 60 s of health")
  tap.equal(healthy.failures, 1)
end)

tap.test("an end by hand costs no pause and counts as no failure", function()
  local s = state("ready", { failures = 9, ready_at = 0 })
  s = machine.step(s, "kill", SECOND, POLICIES.always)
  s = machine.step(s, "exited", SECOND, POLICIES.always, 137)
  tap.equal(s.name, "waiting")
  tap.equal(s.failures, 0)
  tap.equal(s.restarts, 1)
end)

tap.test("what was provoked costs no pause either, by a crash or by hanging", function()
  local s = machine.step(state("ready", { failures = 9, ready_at = 0 }), "provoked", SECOND, POLICIES.never)
  local crashed = machine.step(s, "exited", SECOND, POLICIES.never, 139)
  tap.equal(crashed.name, "waiting")
  local ended_one = machine.step(machine.step(s, "hung", SECOND, POLICIES.always), "exited", SECOND,
    POLICIES.always, 137)
  tap.equal(ended_one.name, "waiting")
  tap.equal(ended_one.failures, 0)
end)

tap.test("a clean end is not punished, but takes a second from start to start", function()
  tap.equal(ended("always", 0, { launched = 99 * SECOND }).name, "waiting")
  local quick = ended("always", 0, { launched = 99 * SECOND + SECOND // 2 })
  tap.equal(quick.name, "paused")
  tap.equal(quick.timer, 100 * SECOND + SECOND // 2)
  tap.equal(quick.failures, 0)
end)

tap.test("a timer that comes early does nothing", function()
  local s = state("paused")
  tap.check(machine.step(s, "timer", 9 * SECOND, POLICIES.always) == s, "it went on")
end)

-- A world with one process at most, and the machine in it.
local function life(seed)
  math.randomseed(seed)
  local names = {}
  for name in pairs(POLICIES) do names[#names + 1] = name end
  table.sort(names)
  local policy = POLICIES[names[math.random(#names)]]
  local s, now = machine.new(), SECOND
  local alive, launching = false, false
  local function feed(event, status)
    local actions
    s, actions = machine.step(s, event, now, policy, status)
    check_state(s)
    for _, action in ipairs(actions) do
      if action == "launch" then
        tap.check(not alive and not launching, "seed %d: a second process (after %s)", seed, event)
        launching = true
      else
        tap.check(alive, "seed %d: %s without a process (after %s)", seed, action, event)
      end
    end
    tap.check((machine.ALIVE[s.name] or false) == alive, "seed %d: %s, process %s (after %s)", seed, s.name,
      tostring(alive), event)
    tap.check((s.name == "launching") == launching, "seed %d: %s while launching is %s", seed, s.name,
      tostring(launching))
  end
  for _ = 1, 200 do
    now = now + math.random(0, 3 * SECOND)
    local event = machine.EVENTS[math.random(#machine.EVENTS)]
    if event == "exited" or event == "absent" then
      if alive or (event == "absent" and launching) then
        alive, launching = false, false
        feed(event, ({ 0, 1, 10, 137 })[math.random(4)])
      end
    elseif event == "launched" or event == "unlaunched" or event == "present" then
      if launching then
        launching, alive = false, event ~= "unlaunched"
        feed(event)
      end
    else
      feed(event)
    end
  end
  return s, now, policy, alive, launching, feed
end

-- The world does what the machine asks, and nothing else happens.
local function settle(s, now, policy, alive, launching)
  for _ = 1, 10 do
    local event, status
    if launching then
      event, launching, alive = "launched", false, true
    elseif s.name == "ending" or s.name == "stopping" then
      event, status, alive = "exited", 137, false
    elseif s.name == "waiting" then
      event = "satisfied"
    elseif s.name == "starting" then
      event = "ready"
    else
      break
    end
    local actions
    s, actions = machine.step(s, event, now, policy, status)
    launching = launching or actions[1] == "launch"
  end
  return s, alive
end

tap.test("random orders of events: one process at most, and states that say what is", function()
  for seed = 1, 3000 do life(seed) end
end)

tap.test("after any of them a start by hand leads to a ready service, a stop to a stopped one", function()
  for seed = 1, 1500 do
    local s, now, policy, alive, launching = life(seed)
    local started, actions = machine.step(s, "start", now, policy)
    local up = settle(started, now, policy, alive, launching or actions[1] == "launch")
    -- a process that is being killed for what it did before may count as a failure once more
    if up.name == "paused" then up = settle(machine.step(up, "start", now, policy), now, policy, false,
      false) end
    tap.equal(up.name, "ready", ("seed %d from %s"):format(seed, s.name))
    local down = machine.step(up, "stop", now, policy)
    down, alive = settle(down, now, policy, true, false)
    tap.equal(down.name, "stopped", ("seed %d"):format(seed))
    tap.check(not alive and not down.timer, "seed %d: stopped with a process or a timer", seed)
  end
end)

tap.done()
