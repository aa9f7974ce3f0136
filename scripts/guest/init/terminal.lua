-- Something to talk to an operator with: consoled's terminal, or the kernel's early console.
-- Both write(text) and read_line(); both yield, neither blocks. What consoled's ends of the pipes do is
-- not believed: a terminal that cannot be waited for is one that has failed.
local swos = require("swos")
local loop = require("swos.loop")
local sys = swos.sys

local M = {}

local RECORD_MAX = 4096

local terminal = {}
terminal.__index = terminal

-- input, output: pipe ends of a terminal
function M.new(input, output)
  return setmetatable({ input = input, output = output }, terminal)
end

-- nil: it has failed, or what was written before the deadline is not all.
function terminal:write(text, deadline)
  while #text > 0 do
    local done, _, name, partial = sys.pipe_write(self.output, text, 0)
    if not done then
      if name ~= "TIMED_OUT" then return nil end
      if not loop.wait(self.output, swos.PIPE_WRITABLE, deadline) then return nil end
      done = partial or 0
    end
    text = text:sub(done + 1)
  end
  return true
end

-- A line without its newline; false at the end of the input, nil when the terminal has failed.
function terminal:read_line()
  while true do
    local record, _, name = sys.pipe_read(self.input, RECORD_MAX, 0)
    if record then
      if record == "" then return false end
      return (record:gsub("\n$", ""))
    end
    if name ~= "TIMED_OUT" then return nil end
    if not loop.wait(self.input, swos.PIPE_READABLE) then return nil end
  end
end

-- ---- the early console: polled, so only while nothing better is there

local POLL_SECONDS = 0.02
local early = {}
early.__index = early

function M.early()
  return setmetatable({}, early)
end

function early.write(_, text)
  sys.early_write(swos.handle("root"), (text:gsub("\n", "\r\n")))
  return true
end

local function early_byte()
  while true do
    local byte = sys.early_read(swos.handle("root"))
    if byte then return string.char(byte) end
    loop.sleep(POLL_SECONDS)
  end
end

function early:read_line()
  local line = ""
  while true do
    local byte = early_byte()
    if byte == "\r" or byte == "\n" then
      self:write("\n")
      return line
    elseif byte == "\b" or byte == "\127" then
      if line ~= "" then
        line = line:sub(1, -2)
        self:write("\b \b")
      end
    elseif byte >= " " and #line < RECORD_MAX then
      line = line .. byte
      self:write(byte)
    end
  end
end

return M
