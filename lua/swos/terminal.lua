-- The terminal of a program that takes keys and draws the screen: raw mode, size, keys, and all put back.
--
-- Keys come from descriptor 0 where that is the terminal, else from the start handle `terminal`, which every
-- process of a session has: a pager's standard input is a pipe. Ctrl-C is a key in raw mode; the program must
-- end by its own decision, through close (local t <close>).
local swos = require("swos")
local keys = require("swos.keys")
local protocol = require("swos.protocol")
local fd, sys = swos.fd, swos.sys

local M = {}
local Terminal = {}
Terminal.__index = Terminal

local RECORD_BYTES = 4096
local SEQUENCE_SECONDS = 0.1 -- what one key sends comes within that
local ENTER, LEAVE = "\27[?1049h\27[H", "\27[?1049l" -- the screen behind, and back
local KEYS = 1 -- of the port

local function is_terminal(number)
  return fd.kind(number) == swos.FD_TERMINAL
end

-- The control connection of the terminal on one of the descriptors, and that descriptor; nil: none.
function M.control(...)
  for _, number in ipairs { ... } do
    local control = is_terminal(number) and swos.handle(("fd/%d/control"):format(number))
    if control then return control, number end
  end
end

-- Rows and columns of the terminal standard output is on; nil when it is none.
function M.size()
  local control = M.control(1)
  local reply = control and protocol.terminal.get_mode(control)
  if reply then return reply.rows, reply.columns end
end

-- Whether keys can be had.
function M.has_keys()
  return is_terminal(0) or swos.handle("terminal") ~= nil
end

-- The terminal in raw mode, on a screen of its own; nil, message.
function M.open()
  local control, output = M.control(1, 2, 0)
  local input = is_terminal(0) and swos.handle("fd/0") or swos.handle("terminal")
  if not control or not input then return nil, "not on a terminal" end
  local mode, message = protocol.terminal.get_mode(control)
  if not mode then return nil, message end
  local port
  port, message = sys.port_create()
  if not port then return nil, message end
  local self = setmetatable({ control = control, output = output, input = input, saved = mode.mode,
    rows = math.max(mode.rows, 2), columns = math.max(mode.columns, 8),
    port = port, typed = "", drawn = {} }, Terminal)
  local ok
  ok, message = protocol.terminal.set_mode(control, { mode = 0, drain = 0 })
  if not ok then return nil, message end
  sys.port_bind(port, input, swos.PIPE_READABLE, KEYS)
  self:write(ENTER)
  return self
end

function Terminal:write(text)
  return fd.write(self.output, text)
end

-- Draws rows from the top, those that changed, with the cursor at a row and column (from 1) or not shown. A
-- row is erased first: behind a full one the cursor still stands on its last column, which would go.
function Terminal:draw(rows, row, column)
  local parts = {}
  for i, text in ipairs(rows) do
    if self.drawn[i] ~= text then parts[#parts + 1] = ("\27[%d;1H\27[K%s"):format(i, text) end
    self.drawn[i] = text
  end
  if row then parts[#parts + 1] = ("\27[%d;%dH\27[?25h"):format(row, column) end
  if parts[1] or self.shows_cursor then self:write("\27[?25l" .. table.concat(parts)) end
  self.shows_cursor = row ~= nil
end

-- Forgets what is drawn, and asks for the size again.
function Terminal:renew()
  self.drawn = {}
  self:write("\27[2J")
  local reply = protocol.terminal.get_mode(self.control)
  if reply then self.rows, self.columns = math.max(reply.rows, 2), math.max(reply.columns, 8) end
end

-- Has wait() return, too, while the pipe can be read.
function Terminal:also_wait(pipe, wanted)
  if wanted and self.other ~= pipe then
    sys.port_bind(self.port, pipe, swos.PIPE_READABLE | swos.PIPE_PEER_CLOSED, KEYS + 1)
    self.other = pipe
  elseif not wanted and self.other then
    sys.port_unbind(self.port, self.other)
    self.other = nil
  end
end

-- Takes what was typed; false at the end of the terminal.
local function take(self, deadline)
  local record, _, name = sys.pipe_read(self.input, RECORD_BYTES, deadline)
  if record == "" or not record and name ~= "TIMED_OUT" then return false end
  self.typed = self.typed .. (record or "")
  return true
end

-- Whether more keys have come: then drawing can wait.
function Terminal:has_typed()
  if self.typed == "" then take(self, 0) end
  return self.typed ~= ""
end

-- Waits for a key: its name; "input" when the pipe of also_wait can be read; nil when the deadline passed;
-- "gone" at the end of the terminal.
function Terminal:key(deadline)
  while true do
    local key, length = keys.decode(self.typed, 1)
    if not key and self.typed ~= "" then
      local before = #self.typed
      if not take(self, swos.deadline(SEQUENCE_SECONDS)) then return "gone" end
      if #self.typed == before then key, length = keys.decode(self.typed, 1, true) end
    end
    if key then
      self.typed = self.typed:sub(length + 1)
      return key
    end
    if self.typed == "" then
      local kind, which, name = swos.port_wait(self.port, deadline)
      if not kind then
        if name == "TIMED_OUT" then return nil end
        return "gone"
      elseif which ~= KEYS then
        return "input"
      elseif not take(self, 0) then
        return "gone"
      end
    end
  end
end

-- Puts back screen and modes. A terminal that has no screen behind goes on below what was drawn.
function Terminal:close()
  if not self.port then return end
  self:write(("\27[%d;1H\27[K\27[?25h"):format(self.rows) .. LEAVE)
  protocol.terminal.set_mode(self.control, { mode = self.saved, drain = 1 })
  self.port:close()
  self.port = nil
end

Terminal.__close = Terminal.close

return M
