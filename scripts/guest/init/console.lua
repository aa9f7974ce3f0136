-- The terminal of the system console: opened when consoled is ready, given to the login once the base
-- image is there, with the base's marker before the first one; the rescue prompt while it is not.
local directory = require("init.directory")
local log = require("init.log")
local loop = require("swos.loop")
local replies = require("init.replies")
local swos = require("swos")
local protocol = require("swos.protocol")
local terminals = require("init.terminal")

local M = {}

local MARKER = "M11c: read-only base mounted from disk\n"
local GARBAGE_PERCENT = 120  -- of what lives: where the next collection begins
local TRIES = 5  -- of consoled and imgfs before init says that they do not start
local ASK_SECONDS = 30  -- for consoled to answer, and to take what is printed
local READ = swos.RIGHT_READ | swos.RIGHT_BIND
local WRITE = swos.RIGHT_WRITE | swos.RIGHT_BIND

local ready, waiting  -- the terminal for the login; who waits for it

-- The terminal that the server of a connection answers with; nil, message when it is of no use.
local function ask_terminal(control)
  local reply, message = protocol.terminal.open(control, {}, swos.deadline(ASK_SECONDS))
  if reply then
    reply, message = replies.check(reply, { "input", swos.TYPE_pipe, READ },
      { "output", swos.TYPE_pipe, WRITE })
  end
  if not reply then return nil, message end
  local terminal = terminals.new(reply.input, reply.output)
  terminal.control = control
  return terminal
end

-- consoled's terminal, or the early console when there is none. A consoled that answers wrongly is ended.
local function open_terminal(supervisor)
  for _ = 1, TRIES do
    if supervisor.await_settled("consoled", TRIES) ~= "ready" then break end
    local control, message = directory.connection("terminal/console", 0)
    local terminal
    if control then terminal, message = ask_terminal(control) end
    if terminal then return terminal end
    log.warning("the console cannot be opened: %s", message)
    supervisor.accuse("consoled", "it gave no terminal: " .. message)
  end
  return terminals.early()
end

-- Waits for the base, talking to the operator while it is refused.
local function await_base(supervisor, terminal)
  while true do
    local state, status = supervisor.await_settled("imgfs", TRIES)
    if state == "ready" then return end
    -- what is typed may still be for a session that an init before this one has left
    if terminal.control then
      protocol.terminal.set_foreground(terminal.control, {}, swos.deadline(ASK_SECONDS))
    end
    require("init.rescue").prompt(terminal, state, status)  -- loaded when there is trouble only
    supervisor.start({ "imgfs" }, "from the rescue prompt")
  end
end

-- is_first: no init before this one has shown the marker.
function M.prepare(supervisor, is_first)
  local terminal = open_terminal(supervisor)
  await_base(supervisor, terminal)
  if is_first then terminal:write(MARKER, swos.deadline(ASK_SECONDS)) end
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
