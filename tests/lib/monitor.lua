-- QEMU's monitor, for what only the machine's owner can do to a guest: pressing keys.
--
--   local path = monitor.path()
--   local guest <close> = Guest.start({ monitor = path })
--   local keys <close> = monitor.open(guest, path)
--   keys:press("shift-a")
--   keys:type("echo hello\n")

local uv = require("luv")
local tap = require("tap")

local M = {}
M.__index = M

local PROMPT = "(qemu) "
local HOLD_MS = 5 -- a key is held down

--- A path for the socket, removed at the end.
function M.path()
  local path = os.tmpname()
  os.remove(path)
  tap.on_done(function() os.remove(path) end)
  return path
end

--- Connects to the monitor of a guest that was started with this path.
function M.open(guest, path)
  local self = setmetatable({ guest = guest, text = "", pipe = uv.new_pipe() }, M)
  local connected, failure
  guest:wait(function() return uv.fs_stat(path) end, 10)
  self.pipe:connect(path, function(message) connected, failure = not message, message end)
  guest:wait(function() return connected or failure end, 10)
  if not connected then error("no monitor: " .. tostring(failure), 0) end
  self.pipe:read_start(function(_, data) self.text = self.text .. (data or "") end)
  self:expect_prompt()
  return self
end

function M:expect_prompt()
  if not self.guest:wait(function() return self.text:find(PROMPT, 1, true) end, 10) then
    error("the monitor does not answer: " .. self.text, 0)
  end
  self.text = ""
end

--- Gives a command and waits until it was carried out.
function M:command(line)
  self.pipe:write(line .. "\n")
  self:expect_prompt()
end

--- Presses and releases a key by QEMU's name ("ctrl-c", "shift-minus", "up").
function M:press(key)
  self:command(("sendkey %s %d"):format(key, HOLD_MS))
  -- QEMU presses and releases in its own time, and forgets what queues up too long.
  self.guest:sleep(2 * HOLD_MS / 1000)
end

local NAMES = { ["\n"] = "ret", ["\t"] = "tab", [" "] = "spc", ["\b"] = "backspace", ["\27"] = "esc",
  ["-"] = "minus", ["="] = "equal", ["["] = "bracket_left", ["]"] = "bracket_right", [";"] = "semicolon",
  ["'"] = "apostrophe", ["`"] = "grave_accent", ["\\"] = "backslash", [","] = "comma", ["."] = "dot",
  ["/"] = "slash" }
local UNSHIFTED, SHIFTED = "1234567890-=[];'`\\,./", "!@#$%^&*()_+{}:\"~|<>?"

local function key_of(byte)
  local at = SHIFTED:find(byte, 1, true)
  if at then return "shift-" .. key_of(UNSHIFTED:sub(at, at)) end
  if byte:find("%u") then return "shift-" .. byte:lower() end
  return NAMES[byte] or byte
end

--- Types a text on a US keyboard.
function M:type(text)
  for byte in text:gmatch(".") do self:press(key_of(byte)) end
end

function M:close()
  if not self.pipe:is_closing() then self.pipe:close() end
end
M.__close = M.close

return M
