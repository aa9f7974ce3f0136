-- init's questions with a network and services that are played: what each answer counts as, when the next
-- question comes, and that nothing of an earlier inquiry counts.

package.path = "tests/lib/?.lua;lua/?.lua;scripts/guest/?.lua;" .. package.path
local tap = require("tap")

local SECOND = 1000000000
local now = 0
local timers, errors = {}, {}
local netd  -- the service, nil without a card
local asked, play, list  -- addresses asked; what connect does; what list answers

local swos = { NET_RESOLVERS = 5 }
function swos.monotonic() return now end
function swos.deadline(seconds) return now + math.floor(seconds * SECOND) end

local loop = { on_error = function(text) errors[#errors + 1] = text end }
function loop.at(deadline, action)
  local timer = { at = deadline, action = action }
  timers[#timers + 1] = timer
  return timer
end
function loop.cancel(timer) timer.action = nil end
function loop.spawn(action, ...) assert(coroutine.resume(coroutine.create(action), ...)) end

local open = 0  -- sockets and connections to netd
local function closable(fields)
  open = open + 1
  return setmetatable(fields or {}, { __close = function() open = open - 1 end })
end

local net = {}
function net.connect(address, port, deadline, options)
  assert(deadline and options.network)
  asked[#asked + 1] = address
  local text, message, code = play(address, port, deadline)
  if not text then return nil, message and ("%s port %d: %s"):format(address, port, message), code end
  local socket = closable()
  function socket.write(_, _, limit) return assert(limit) and true end
  function socket.read(_, most)
    if type(text) == "table" then return nil, "x: " .. text[1], text[2] end
    local part = text:sub(1, math.min(most, 7))
    text = text:sub(#part + 1)
    return part
  end
  return socket
end

package.loaded.swos, package.loaded["swos.loop"], package.loaded["swos.net"] = swos, loop, net
package.loaded["swos.protocol"] = { net = { list = function(_, _, deadline)
  assert(deadline == now + 6 * SECOND, "not longer than netd's own limit")
  return list()
end } }
package.loaded["init.directory"] = { server = function() return netd end,
  connection = function() return closable() end }
local probes = require("init.probes")

local heard
local function tell(service, kind, outcome, why)
  heard[#heard + 1] = ("%s %s%s"):format(kind, outcome, why and " " .. why or "")
  if service.on_heard then service.on_heard() end
end

-- Runs timers up to a time.
local function run(until_when)
  while true do
    local first
    for i, timer in ipairs(timers) do
      if timer.action and timer.at <= until_when and (not first or timer.at < timers[first].at) then
        first = i
      end
    end
    if not first then break end
    local timer = table.remove(timers, first)
    now = math.max(now, timer.at)
    timer.action()
  end
  now = until_when
end

local function fresh(state, definition)
  timers, errors, asked, heard, now = {}, {}, {}, {}, 0
  netd = { name = "netd", pid = 5, state = { name = "ready" }, definition = { overdue = 5 } }
  play = function() return "" end
  list = function() return {} end
  return { name = "web", pid = 9, state = { name = state }, definition = definition }
end

local PROBE = { probe = { port = 80, seconds = 10, timeout = 5, failures = 3 } }
local HTTP = { probe = { port = 80, http = "/x", seconds = 10, timeout = 5, failures = 3 } }

-- What one probe comes to: what was told, and what the inquiry knows.
local function one(definition, connect, prepare)
  local service = fresh("ready", definition)
  play = connect
  if prepare then prepare() end
  probes.attend(service, tell)
  run(10 * SECOND)
  tap.equal(open, 0, "what is open afterwards")
  tap.check(#heard <= 1, "told more than once")
  return heard[1], service.inquiry
end

local function refuses() return nil, "connection refused", "REFUSED" end
local function times_out() return nil, "timed out", "TIMED_OUT" end
local function resets() return nil, "connection reset by the peer", "RESET" end

tap.test("a port: what counts", function()
  tap.equal(one(PROBE, function() return "" end), "probe answered")
  tap.equal(#asked, 1)
  tap.equal(one(PROBE, refuses), "probe missed connection refused")
  tap.equal(table.concat(asked, " "), "127.0.0.1 ::1")
  tap.equal(one(PROBE, function(address) if address == "::1" then return "" end return refuses() end),
    "probe answered")
  tap.equal(one(PROBE, times_out), "probe missed timed out")
  tap.equal(#asked, 1, "addresses asked after a time-out")
  tap.equal(one(PROBE, resets), "probe missed connection reset by the peer")
end)

tap.test("a path: what counts", function()
  for text, outcome in pairs { ["HTTP/1.1 200 OK\r\n\r\n"] = "answered", ["HTTP/1.0 200\n"] = "answered",
    ["HTTP/1.1 503 x\r\n"] = "missed it answers 503", [""] = "missed it ended without an answer",
    ["\0\255"] = "missed what it answers is not HTTP",
    [("x"):rep(100000)] = "missed what it answers is not HTTP" } do
    tap.equal(one(HTTP, function() return text end), "probe " .. outcome, text:sub(1, 20))
  end
  tap.equal(one(HTTP, function() return { "timed out", "TIMED_OUT" } end), "probe missed timed out")
  tap.equal(one(HTTP, function() return { "reset", "RESET" } end), "probe missed reset")
end)

tap.test("nobody could be asked: nothing is told, the reason is known, and it is asked again", function()
  local function unasked(connect, words, prepare)
    local told, inquiry = one(HTTP, connect, prepare)
    tap.equal(told, nil, words)
    tap.equal(inquiry.outcome, "unasked", words)
    tap.contains(inquiry.why, words)
    netd = { name = "netd", pid = 7, state = { name = "ready" }, definition = { overdue = 5 } }
    play = function() return "HTTP/1.1 200 OK\r\n" end
    run(20 * SECOND)
    tap.equal(heard[1], "probe answered", words)
  end
  unasked(refuses, "there is no network on this machine", function() netd = nil end)
  unasked(refuses, "netd is paused", function() netd.state.name = "paused" end)
  for _, answer in ipairs { refuses, times_out, resets } do
    unasked(function()
      netd.pid = 6
      return answer()
    end, "netd was started again meanwhile")
  end
  local function silent() list = function() return nil, "timed out", "TIMED_OUT" end end
  unasked(times_out, "netd does not answer", silent)
  unasked(resets, "netd does not answer", silent)
  unasked(function() return { "timed out", "TIMED_OUT" } end, "netd does not answer", silent)
  for _, code in ipairs { "NO_MEMORY", "BAD_MESSAGE", "PEER_DIED", "UNKNOWN_OUTCOME", "ACCESS", "INVALID" } do
    unasked(function() return nil, "this and that", code end, "this and that")
  end
  unasked(function() error("broken") end, "an error of init's own")
end)

tap.test("a list too large for the question is an answer, too", function()
  tap.equal(one(PROBE, times_out, function()
    list = function() return nil, "too large", "TOO_LARGE" end
  end), "probe missed timed out")
end)

tap.test("readiness: at once, then after growing pauses; probes: each so many seconds", function()
  local service = fresh("starting", { ready = { port = 80 } })
  local times = {}
  play = function()
    times[#times + 1] = ("%.1f"):format(now / SECOND)
    return refuses()
  end
  probes.attend(service, tell)
  run(5 * SECOND)
  tap.equal(table.concat(times, " "), "0.0 0.0 0.1 0.1 0.3 0.3 0.7 0.7 1.5 1.5 2.5 2.5 3.5 3.5 4.5 4.5")
  tap.equal(service.inquiry.why, "connection refused")
  service = fresh("ready", PROBE)
  times = {}
  probes.attend(service, tell)
  play = function()
    times[#times + 1] = ("%.0f"):format(now / SECOND)
    return ""
  end
  run(45 * SECOND)
  tap.equal(table.concat(times, " "), "10 20 30 40")
end)

local function live_timers()
  local live = 0
  for _, timer in ipairs(timers) do live = live + (timer.action and 1 or 0) end
  return live
end

tap.test("an inquiry ends with the state, the process and the definition it was for", function()
  local both = { ready = { port = 80 }, probe = PROBE.probe }
  local service = fresh("starting", both)
  probes.attend(service, tell)
  local first = service.inquiry
  probes.attend(service, tell)
  tap.check(service.inquiry == first, "the same question was begun anew")
  service.on_heard = function()
    service.state.name = "ready"
    probes.attend(service, tell)
  end
  run(0)
  tap.equal(heard[1], "ready answered")
  tap.check(service.inquiry ~= first and service.inquiry.question == PROBE.probe, "it does not probe")
  service.on_heard = nil
  run(10 * SECOND)
  tap.equal(table.concat(heard, ", "), "ready answered, probe answered")
  for _, change in ipairs {
    function() service.state.name = "stopping" end,
    function() service.pid = 10 end,
    function() service.definition = { probe = { port = 81, seconds = 10, timeout = 5, failures = 3 } } end,
    function() service.definition = {} end,
  } do
    service = fresh("ready", PROBE)
    probes.attend(service, tell)
    play = function()  -- while the question is under way
      change()
      probes.attend(service, tell)
      return ""
    end
    run(15 * SECOND)
    tap.equal(#heard, 0, "what an earlier inquiry told")
    tap.equal(live_timers(), service.inquiry and 1 or 0, "timers")
    service = fresh("ready", PROBE)  -- and between two
    probes.attend(service, tell)
    change()
    probes.attend(service, tell)
    tap.equal(live_timers(), service.inquiry and 1 or 0, "timers")
  end
end)

tap.done()
