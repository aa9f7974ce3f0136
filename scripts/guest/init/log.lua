-- Lines of init in the kernel log, and the log read back.
local swos = require("swos")
local sys = swos.sys

local M = {}

local LINE_MAX = 200

function M.write(level, text)
  sys.log_write(swos.handle("log"), level, ("init: " .. text):sub(1, LINE_MAX))
end

function M.info(...) M.write(swos.LOG_INFO, string.format(...)) end
function M.warning(...) M.write(swos.LOG_WARNING, string.format(...)) end

-- The newest log line of a source, without what precedes its message; nil when there is none.
function M.last_line_of(source)
  local found, sequence = nil, 0
  while true do
    local text, next_sequence = sys.log_read(swos.handle("root"), sequence, 4096, 0)
    if not text or text == "" then return found end
    for line in text:gmatch("[^\n]+") do
      local message = line:match("%] " .. source .. ": (.*)")
      if message then found = message end
    end
    if next_sequence == sequence then return found end
    sequence = next_sequence
  end
end

return M
