-- One port, many coroutines: calls, events, exits, pipes and timers without blocking.
--
-- Inside a coroutine started by loop.run or loop.spawn a waiting operation yields; everywhere
-- else it would block the process. Everything that waits has a key in `waiting`; the port's
-- events say which key goes on. A yield does not cross table.sort or gsub callbacks.
local swos = require("swos")
local sys = swos.sys

local M = {}

local port
local waiting, last_key = {}, 0  -- key -> function(kind, bits, badge, message)
local ours = {}  -- coroutines of the loop that have not ended; not weak: its size follows from them
local timers = {}  -- binary heap of { at, action }; a cancelled one has no action
local stopped = false

-- What becomes of an error in a coroutine; a supervisor replaces it.
function M.on_error(message)
  error(message, 0)
end

local function get_port()
  if not port then port = assert(sys.port_create()) end
  return port
end

local function new_key()
  last_key = last_key + 1
  return last_key
end

local function resume(co, ...)
  local ok, message = coroutine.resume(co, ...)
  if coroutine.status(co) == "dead" then ours[co] = nil end
  if not ok then M.on_error(debug.traceback(co, tostring(message))) end
end

-- True where an operation may yield.
function M.is_inside()
  local co, is_main = coroutine.running()
  return not is_main and ours[co] == true
end

function M.spawn(action, ...)
  local co = coroutine.create(action)
  ours[co] = true
  resume(co, ...)
end

-- ---- timers

local function timer_less(a, b) return math.ult(a.at, b.at) end

local function timer_push(timer)
  local i = #timers + 1
  timers[i] = timer
  while i > 1 and timer_less(timer, timers[i // 2]) do
    timers[i], i = timers[i // 2], i // 2
    timers[i] = timer
  end
end

local function timer_pop()
  local first, last = timers[1], table.remove(timers)
  if #timers == 0 then return first end
  local i, count = 1, #timers
  while true do
    local child = 2 * i
    if child > count then break end
    if child < count and timer_less(timers[child + 1], timers[child]) then child = child + 1 end
    if not timer_less(timers[child], last) then break end
    timers[i], i = timers[child], child
  end
  timers[i] = last
  return first
end

-- Runs action at the deadline (monotonic ns); returns a timer for M.cancel.
function M.at(deadline, action)
  local timer = { at = deadline, action = action }
  timer_push(timer)
  return timer
end

function M.cancel(timer)
  timer.action = nil
end

local function run_timers()
  local now = swos.monotonic()
  while timers[1] and (not timers[1].action or not math.ult(now, timers[1].at)) do
    local action = timer_pop().action
    if action then action() end
  end
end

function M.sleep(seconds)
  if not M.is_inside() then return swos.sleep(seconds) end
  local co = coroutine.running()
  M.at(swos.deadline(seconds), function() resume(co) end)
  coroutine.yield()
  return true
end

-- ---- waiting

-- Waits until one of the object's bits is set: bits, badge; or nil, "timed out", "TIMED_OUT".
function M.wait(object, mask, deadline)
  local co, key = coroutine.running(), new_key()
  local ok, message, name = sys.port_bind(get_port(), object, mask, key)
  if not ok then return nil, message, name end
  local timer
  local function go_on(...)
    waiting[key] = nil
    if timer then M.cancel(timer) end
    sys.port_unbind(port, object)
    resume(co, ...)
  end
  waiting[key] = function(_, bits, badge) go_on(bits, badge) end
  if deadline and deadline ~= swos.NEVER then
    timer = M.at(deadline, function() go_on(nil, "timed out", "TIMED_OUT") end)
  end
  return coroutine.yield()
end

-- Runs action(bits, badge) each time one of the object's bits is set, until M.unwatch: over and over, if
-- they stay set. Returns a key; the object has one watch or waits.
function M.watch(object, mask, action)
  local key = new_key()
  local ok, message, name = sys.port_bind(get_port(), object, mask, key)
  if not ok then return nil, message, name end
  waiting[key] = function(_, bits, badge) action(bits, badge) end
  return key
end

--- Ends the watch that has this key.
function M.unwatch(object, key)
  waiting[key] = nil
  sys.port_unbind(port, object)
end

-- Waits for the end of a process: its status.
function M.wait_exit(process, deadline)
  if not M.is_inside() then return swos.process_wait(process, deadline) end
  local bits, badge, name = M.wait(process, -1, deadline)
  if not bits then return nil, badge, name end
  local status = badge & 0xffffffff
  return status < 0x80000000 and status or status - 0x100000000
end

-- Sends a request: posted inside the loop, blocking elsewhere.
function M.call(request, connection, deadline)
  if not M.is_inside() then return request:call(connection, deadline) end
  local co, key = coroutine.running(), new_key()
  local ok, message, name = request:post(connection, get_port(), key, deadline)
  if not ok then return nil, message, name end
  waiting[key] = function()
    waiting[key] = nil
    resume(co)
  end
  coroutine.yield()
  return request:collect()
end

-- Waits until a wake(...) of the returned function; what it is given is returned by wait().
function M.signal()
  local co, result
  local function wake(...)
    result = table.pack(...)
    if co then
      local sleeper = co
      co = nil
      resume(sleeper)
    end
  end
  local function wait()
    if not result then
      co = coroutine.running()
      coroutine.yield()
    end
    return table.unpack(result, 1, result.n)
  end
  return wait, wake
end

-- ---- serving

local function refuse(message, status, detail)
  swos.reply(message, nil, status, detail)
end

-- Becomes the server of a channel. handler(message) runs in a coroutine of its own and returns
-- the reply's table, or nil, "STATUS" [, detail]; nil, "LATER" when it answers itself.
function M.serve(channel, handler)
  local key = new_key()
  local ok, message, name = sys.channel_serve(channel, get_port(), key)
  if not ok then return nil, message, name end
  waiting[key] = function(kind, _, _, received)
    if kind ~= swos.EVENT_MESSAGE then return end
    if received.refuse then return refuse(received, received.refuse, received.detail) end
    M.spawn(function()
      local good, reply, status, detail = xpcall(handler, debug.traceback, received)
      if not good then
        refuse(received, "IO")
        error(reply, 0)
      elseif reply then
        swos.reply(received, reply)
      elseif status ~= "LATER" then
        refuse(received, status, detail)
      end
      for _, handle in ipairs(received.handles) do handle:close() end
    end)
  end
  return true
end

-- Runs action each time the channel's oldest call has waited longer than the limit (ns) from now on.
-- Returns a key; given again, that watch of the channel begins anew.
function M.watch_overdue(channel, limit, action, key)
  key = key or new_key()
  waiting[key] = function(kind)
    if kind == swos.EVENT_OVERDUE then action() end
  end
  local ok, message, name = sys.channel_watch(channel, limit, get_port(), key)
  if not ok then return nil, message, name end
  return key
end

--- Ends the watch of a channel that has this key.
function M.unwatch_overdue(channel, key)
  sys.channel_watch(channel, 0, nil, 0)
  waiting[key] = nil
end

-- ---- running

-- A Lua table keeps the room of its fullest hour; these go back to what they hold. Cancelled timers go.
function M.tidy()
  local keys, threads, planned = {}, {}, timers
  for key, action in pairs(waiting) do keys[key] = action end
  for co in pairs(ours) do threads[co] = true end
  waiting, ours, timers = keys, threads, {}
  for _, timer in ipairs(planned) do
    if timer.action then timer_push(timer) end
  end
end

function M.stop()
  stopped = true
end

local function is_busy()
  return not stopped and (next(waiting) ~= nil or timers[1] ~= nil)
end

-- Runs the timers that are due, then waits for one event and handles it.
local function step()
  run_timers()
  if not is_busy() then return end
  local kind, key, bits, badge, message = swos.port_wait(get_port(), timers[1] and timers[1].at)
  if kind then
    local action = waiting[key]
    if action then action(kind, bits, badge, message) end
  end
end

-- Runs main and everything it starts until nothing waits any more or M.stop is called.
function M.run(main, ...)
  stopped = false
  M.spawn(main, ...)
  while is_busy() do step() end
end

return M
