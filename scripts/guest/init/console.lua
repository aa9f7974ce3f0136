-- The terminal of the system console: opened when consoled is ready, given to the login once the base
-- image is there, with the base's marker before the first one; the rescue prompt while it is not.
local directory = require("init.directory")
local log = require("init.log")
local loop = require("swos.loop")
local protocol = require("swos.protocol")
local terminals = require("init.terminal")

local M = {}

local MARKER = "M11c: read-only base mounted from disk\n"
local GARBAGE_PERCENT = 120  -- of what lives: where the next collection begins
local TRIES = 5  -- of consoled and imgfs before init says that they do not start

local ready, waiting  -- the terminal for the login; who waits for it

-- consoled's terminal, or the early console when consoled does not start.
local function open_terminal(supervisor)
  if supervisor.await_settled("consoled", TRIES) == "ready" then
    local control = assert(directory.connection("terminal/console", 0))
    local reply, message = protocol.terminal.open(control, {})
    if reply then
      local terminal = terminals.new(reply.input, reply.output)
      terminal.control = control
      return terminal
    end
    log.warning("the console cannot be opened: %s", message)
  end
  return terminals.early()
end

-- Waits for the base, talking to the operator while it is refused.
local function await_base(supervisor, terminal)
  while true do
    local state, status = supervisor.await_settled("imgfs", TRIES)
    if state == "ready" then return end
    -- what is typed may still be for a session that an init before this one has left
    if terminal.control then protocol.terminal.set_foreground(terminal.control, {}) end
    require("init.rescue").prompt(terminal, state, status)  -- loaded when there is trouble only
    supervisor.start({ "imgfs" }, "from the rescue prompt")
  end
end

-- is_first: no init before this one has shown the marker.
function M.prepare(supervisor, is_first)
  local terminal = open_terminal(supervisor)
  await_base(supervisor, terminal)
  if is_first then terminal:write(MARKER) end
  if not terminal.control then terminal:write("swos: no console driver; no login\n") end
  -- From here on init only answers now and then: rather more collections than a heap that grows by
  -- garbage and keeps the pages that something which lives has come to lie in.
  collectgarbage("incremental", GARBAGE_PERCENT)
  ready = terminal
  for _, wake in ipairs(waiting or {}) do wake() end
end

-- The terminal, once the login may have it. Yields.
function M.await_terminal()
  while not ready do
    local wait, wake = loop.signal()
    waiting = waiting or {}
    waiting[#waiting + 1] = wake
    wait()
  end
  return ready
end

return M
