-- Lines of standard input for small programs that ask: with a prompt on a terminal, without one in a pipe.
local swos = require("swos")

local M = {}

-- Runs take(line) for each line until it returns true or the input ends.
function M.lines(prompt, take)
  local asks = swos.fd.kind(0) == swos.FD_TERMINAL
  while true do
    if asks then
      io.stdout:write(prompt)
      io.stdout:flush()
    end
    local line = io.read("l")
    if not line then
      if asks then io.stdout:write("\n") end
      return
    end
    if take(line) then return end
    io.stdout:flush()
  end
end

-- Bytes that live in this program's Lua state.
function M.memory()
  collectgarbage()
  return math.tointeger(collectgarbage("count") * 1024 // 1)
end

return M
