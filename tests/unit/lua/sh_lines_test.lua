-- The lines of a terminal on a simulated one: what a Ctrl-C and a line typed behind it do, at each call of
-- the shell the interrupt can meet.
package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")

local INT = 2
local PROMPT = "$ "

-- The terminal: what can be read, and the call (counted over all operations) at which Ctrl-C comes and a line
-- behind it.
local input, calls, interrupt_at, pending, operations
local clock = 0 -- ns

local function is_interrupted(name)
  calls = calls + 1
  operations[#operations + 1] = name
  if calls == interrupt_at then pending, input = true, "typed behind\n" end
  return pending
end

local function operation(name, reply)
  return function()
    if is_interrupted(name) then return nil, "interrupted", "INTERRUPTED" end
    return reply
  end
end

local fd = {}
function fd.write() return true end
function fd.read(_, _, timeout)
  if is_interrupted(timeout and "look" or "read") then return nil, "interrupted", "INTERRUPTED" end
  local piece = input
  input = nil
  if piece then return piece end
  assert(timeout, "the shell waits for ever")
  return nil, "timed out", "TIMED_OUT"
end

package.loaded.swos = { fd = fd, monotonic = function() return clock end,
  INTERRUPT_INT = INT, TERMINAL_CANONICAL = 1, TERMINAL_ECHO = 2,
  TERMINAL_SIGNALS = 4, TERMINAL_HOLD = 8 }
package.loaded["swos.protocol"] = { terminal = { get_mode = operation("get_mode",
  { mode = 7, rows = 24, columns = 80 }), set_mode = operation("set_mode", {}),
  set_size = operation("set_size", {}) } }
local lines = require("swos.sh.lines")

local function new_shell()
  local shell = { control = true, status = 0 }
  function shell.get(_, name) return name == "TERM" and "vt220" or nil end
  function shell:take_interrupts()
    if pending then self.interrupts = (self.interrupts or 0) | INT end
    pending = false
  end
  return shell
end

-- Reads a line while Ctrl-C comes at a call; what the next read returns.
local function read_behind(at, typed)
  input, calls, interrupt_at, pending, operations = typed, 0, at, false, {}
  local shell = new_shell()
  local own = lines.new(shell)
  local text, _, name = own:read(PROMPT, "")
  if calls < at then return nil end
  tap.check(name == "INTERRUPTED", "Ctrl-C at %s (%d): %s", operations[at], at, tostring(text))
  shell:take_interrupts()
  shell.interrupts = nil
  interrupt_at = 0
  return own:read(PROMPT, "")
end

tap.test("a line typed behind Ctrl-C is the next one, whatever call the interrupt ends", function()
  for _, typed in ipairs({ "half", "\27[30;90Rhalf" }) do -- a terminal's answer sets its size
    local at = 1
    while true do
      input = nil
      local ok, text = pcall(read_behind, at, typed)
      if not ok and tostring(text):find("waits for ever", 1, true) and calls < at then break end
      if not ok then error(text, 0) end
      tap.equal(text, "typed behind\n", ("%q, call %d, %s"):format(typed, at, operations[at]))
      at = at + 1
    end
    tap.check(at > 4, "only %d calls", at)
  end
end)

tap.test("the size is asked for behind lines of a person, not behind what came at once", function()
  calls, interrupt_at, pending, operations = 0, 0, false, {}
  local own = lines.new(new_shell())
  local read, write = fd.read, fd.write
  local pieces, printed = {}, ""
  function fd.write(_, text) printed = printed .. text end
  function fd.read(_, _, timeout)
    if timeout then return nil, "timed out", "TIMED_OUT" end
    local piece = assert(table.remove(pieces, 1), "the shell waits for ever")
    clock = clock + piece[1] * 1000000
    return piece[2]
  end
  -- Reads a line of { milliseconds before it, bytes }...; whether the size was asked for.
  local function asks(wanted, list)
    pieces, printed = list, ""
    tap.equal(own:read(PROMPT, ""), wanted .. "\n")
    own:leave()
    return printed:find("\27[6n", 1, true) ~= nil
  end
  tap.check(asks("first", { { 1, "\27[30;90R" }, { 5000, "fir" }, { 300, "st\r" } }), "at first")
  tap.check(asks("by hand", { { 9, "\27[30;90R" }, { 5000, "b" }, { 90, "y han" }, { 90, "d\r" } }))
  tap.check(asks("pasted", { { 9, "\27[30;90R" }, { 5000, "paste" }, { 9, "d\r" } }))
  tap.check(not asks("more", { { 0, "more\r" } }), "behind a paste")
  tap.check(not asks("", { { 4000, "\r" } }), "behind a paste")
  tap.check(asks("x", { { 4000, "x" }, { 500, "\r" } }), "behind an empty line")
  fd.read, fd.write = read, write
end)
tap.done()
