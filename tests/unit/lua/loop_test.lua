-- The loop on a simulated kernel: timers, waits with deadlines, calls, serving, and its end.
package.path = "lua/?.lua;" .. package.path

-- The kernel: a clock that jumps to the next thing, and events in the order they were queued.
local now, events, log = 0, {}, {}
local bound = {}
local swos = { NEVER = -1, EVENT_MESSAGE = 1, EVENT_EVENT = 3, EVENT_CALL_DONE = 5,
  EVENT_OVERDUE = 9, sys = {} }
function swos.monotonic() return now end
function swos.deadline(seconds) return now + math.floor(seconds * 1e9) end
function swos.reply(message, fields, status)
  log[#log + 1] = ("%s=%s"):format(message.name, status or fields.value)
end
function swos.port_wait(_, deadline)
  local event = events[1]
  if event and (not deadline or event.at <= deadline) then
    table.remove(events, 1)
    now = math.max(now, event.at)
    return event.kind, event.key or bound[event.object], event.bits, event.badge, event.message
  end
  assert(deadline, "the loop would wait for ever")
  now = deadline
  return nil, "timed out", "TIMED_OUT"
end
function swos.sys.port_create() return "port" end
function swos.sys.port_bind(_, object, _, key)
  if bound[object] then return nil, "exists", "EXISTS" end
  bound[object] = key
  return true
end
function swos.sys.port_unbind(_, object) bound[object] = nil end
function swos.sys.channel_serve(channel, _, key)
  bound[channel] = key
  return true
end
package.loaded.swos = swos
local loop = require("swos.loop")

local count = 0
local function check(ok, what)
  count = count + 1
  print(("%sok %d - %s"):format(ok and "" or "not ", count, what))
end

local order = {}
loop.run(function()
  for _, seconds in ipairs { 3, 1, 2, 0.5, 2.5 } do
    loop.spawn(function()
      loop.sleep(seconds)
      order[#order + 1] = seconds
    end)
  end
end)
check(table.concat(order, " ") == "0.5 1 2 2.5 3", "timers in order; the loop ends after the last")

local cancelled = true
loop.run(function()
  loop.cancel(loop.at(swos.deadline(1), function() cancelled = false end))
  loop.sleep(2)
end)
check(cancelled, "a cancelled timer does not run")

local bits, badge, name
loop.run(function()
  bits, badge, name = loop.wait("event", 1, swos.deadline(1))
end)
check(bits == nil and name == "TIMED_OUT" and not bound.event, "a wait ends at its deadline and is unbound")

events = { { at = now + 5, kind = swos.EVENT_EVENT, object = "event", bits = 4, badge = 7 } }
loop.run(function() bits, badge = loop.wait("event", 1, swos.deadline(1)) end)
check(bits == 4 and badge == 7 and not bound.event, "a wait ends with its event")

local seen, watch = {}, nil
for i = 1, 3 do
  events[i] = { at = now + i, kind = swos.EVENT_EVENT, object = "event", bits = i, badge = 0 }
end
loop.run(function()
  watch = loop.watch("event", -1, function(got)
    seen[#seen + 1] = got
    if got == 3 then loop.unwatch("event", watch) end
  end)
end)
check(table.concat(seen, " ") == "1 2 3" and not bound.event, "a watch hears of each event until it ends")

local request = {
  post = function(_, _, _, key)
    events[#events + 1] = { at = now + 1, kind = swos.EVENT_CALL_DONE, key = key }
    return true
  end,
  collect = function() return "answer" end,
  call = function() return "blocking" end,
}
local inside
loop.run(function() inside = loop.call(request, "connection") end)
check(inside == "answer", "a call inside the loop is posted")
check(loop.call(request, "connection") == "blocking", "a call outside blocks")

local waited
loop.run(function()
  local wait, wake = loop.signal()
  loop.spawn(function()
    loop.sleep(1)
    wake("now")
  end)
  waited = wait()
end)
check(waited == "now", "a signal wakes its waiter")

local finished = {}
events = { { at = now + 2000000000, kind = swos.EVENT_EVENT, object = "event", bits = 4, badge = 7 } }
loop.run(function()
  for _, seconds in ipairs { 3, 1 } do
    loop.spawn(function()
      loop.sleep(seconds)
      finished[#finished + 1] = seconds
    end)
  end
  loop.spawn(function()
    local event_bits = loop.wait("event", 1)
    finished[#finished + 1] = loop.is_inside() and event_bits or "outside"
  end)
  loop.tidy()
end)
finished = table.concat(finished, " ")
check(finished == "1 4 3", "tidying loses nothing that waits: " .. finished)

local held
loop.run(function()
  loop.at(swos.deadline(1), function() end)
  for _ = 1, 1000 do loop.cancel(loop.at(swos.deadline(100), function() end)) end
  collectgarbage()
  held = collectgarbage("count")
  loop.tidy()
  collectgarbage()
  held = held - collectgarbage("count")
end)
check(held > 50, ("tidying drops 1000 cancelled timers: %.0f KiB"):format(held))

-- Last, for a loop that serves has no end of its own.
local function message(n, refuse)
  return { at = now, kind = swos.EVENT_MESSAGE, object = "channel",
    message = { name = n, refuse = refuse, handles = {} } }
end
events = { message("a"), message("b", "ACCESS"), message("c"), message("d") }
local failures = {}
loop.on_error = function(text) failures[#failures + 1] = text end
loop.run(function()
  loop.serve("channel", function(received)
    if received.name == "c" then return nil, "NOT_FOUND" end
    if received.name == "d" then error("broken handler") end
    loop.sleep(0.1)
    return { value = "slept" }
  end)
  loop.sleep(1)
  loop.stop()
end)
check(table.concat(log, " ") == "b=ACCESS c=NOT_FOUND d=IO a=slept",
  "requests are answered as their handlers finish: " .. table.concat(log, " "))
check(#failures == 1 and failures[1]:find("broken handler", 1, true), "a failing handler is reported")

print("1.." .. count)
