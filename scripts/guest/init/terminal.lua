-- Something to talk to an operator with: consoled's terminal, or the kernel's early console.
-- Both write(text) and read_line(); both yield, neither blocks.
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

function terminal:write(text)
  while #text > 0 do
    local done, _, name, partial = sys.pipe_write(self.output, text, 0)
    if not done then
      if name ~= "TIMED_OUT" then return nil end
      loop.wait(self.output, swos.PIPE_WRITABLE)
      done = partial or 0
    end
    text = text:sub(done + 1)
  end
  return true
end

-- A line without its newline; nil at the end of the input.
function terminal:read_line()
  while true do
    local record, _, name = sys.pipe_read(self.input, RECORD_MAX, 0)
    if record then
      if record == "" then return nil end
      return (record:gsub("\n$", ""))
    end
    if name ~= "TIMED_OUT" then return nil end
    loop.wait(self.input, swos.PIPE_READABLE)
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
