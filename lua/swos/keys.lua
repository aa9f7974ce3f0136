-- Bytes a terminal sends as keys. Pure.
--
-- A key that types something is that character. Others have names: enter, tab, backspace, escape, up, down,
-- left, right, home, end, pageup, pagedown, insert, delete, shift-tab, ctrl-a to ctrl-z, f1 to f12; with one
-- of ctrl-, alt- or shift- in front where the terminal tells; alt-x is x after an escape. What is no key:
-- paste (a bracketed paste begins), size (the answer where the cursor is), unknown.
local cells = require("swos.cells")

local M = {}

local CONTROLS = { [0] = "ctrl-space", [8] = "backspace", [9] = "tab", [10] = "enter", [13] = "enter",
  [27] = "escape", [28] = "ctrl-\\", [29] = "ctrl-]", [30] = "ctrl-^", [31] = "ctrl-_", [127] = "backspace" }

local FINALS = { A = "up", B = "down", C = "right", D = "left", H = "home", F = "end", Z = "shift-tab",
  P = "f1", Q = "f2", R = "f3", S = "f4" }

-- Of a terminal with a number pad, behind ESC O.
local PAD = { M = "enter", a = "ctrl-up", b = "ctrl-down", c = "ctrl-right", d = "ctrl-left" }

local NUMBERED = { [1] = "home", [2] = "insert", [3] = "delete", [4] = "end", [5] = "pageup",
  [6] = "pagedown", [7] = "home", [8] = "end", [11] = "f1", [12] = "f2", [13] = "f3", [14] = "f4",
  [15] = "f5", [17] = "f6", [18] = "f7", [19] = "f8", [20] = "f9", [21] = "f10", [23] = "f11",
  [24] = "f12", [200] = "paste" }

-- The Linux console's function keys, behind ESC [ [.
local LINUX = { A = "f1", B = "f2", C = "f3", D = "f4", E = "f5" }

local SEQUENCE_BYTES = 32 -- longer ones are no keys

-- A key with modifiers: 1 and the bits shift 1, alt 2, control 4.
local function modified(name, modifiers)
  local bits = (modifiers or 1) - 1
  local prefix = bits & 4 ~= 0 and "ctrl-" or bits & 2 ~= 0 and "alt-" or bits & 1 ~= 0 and "shift-" or ""
  return name and prefix .. name or "unknown"
end

-- Of ESC [ or ESC O at `at`. What cannot go on as a sequence is unknown, and its rest is typed.
local function sequence(bytes, at, is_last)
  local parameters, final, behind = bytes:match("^([0-?]*)[ -/]*([@-~])()", at + 2)
  if not final or behind - at > SEQUENCE_BYTES then
    local is_cut = #bytes - at < SEQUENCE_BYTES and not bytes:find("[^ -?]", at + 2)
    if not is_cut then return "unknown", 2 end
    if is_last then return "unknown", #bytes - at + 1 end
    return nil
  end
  local is_control = bytes:byte(at + 1) == 91
  if is_control and final == "[" and parameters == "" then
    if behind <= #bytes then return LINUX[bytes:sub(behind, behind)] or "unknown", behind + 1 - at end
    if is_last then return "unknown", behind - at end
    return nil
  end
  local first, second = parameters:match("^(%d*);?(%d*)$")
  first, second = tonumber(first), tonumber(second)
  local length = behind - at
  if is_control and final == "R" and first and second then return "size", length, { first, second } end
  if final == "~" then return modified(NUMBERED[first], second), length end
  if not is_control and PAD[final] then return PAD[final], length end
  return modified(FINALS[final], second or first), length
end

-- Of an escape at `at`.
local function escape(bytes, at, is_last)
  local second = bytes:byte(at + 1)
  if not second then
    if is_last then return "escape", 1 end
    return nil
  elseif second == 91 or second == 79 then -- [ O
    if is_last and #bytes == at + 1 then return "alt-" .. string.char(second), 2 end
    return sequence(bytes, at, is_last)
  elseif second == 27 and bytes:byte(at + 2) == 27 then
    return "escape", 1
  end
  local key, length, size = M.decode(bytes, at + 1, is_last)
  if not key then return nil end
  if key == "escape" then return "escape", 1 end
  if size or key == "unknown" or key == "paste" then return key, length + 1, size end
  return "alt-" .. key, length + 1
end

-- The key at a byte and how many bytes it is; nil when more must come, unless is_last says that none does.
-- Bytes that are no UTF-8 are keys, too. With "size" comes { rows, columns }.
function M.decode(bytes, at, is_last)
  local byte = bytes:byte(at)
  if not byte then return nil end
  if byte == 27 then return escape(bytes, at, is_last) end
  if byte < 32 or byte == 127 then return CONTROLS[byte] or "ctrl-" .. string.char(byte + 96), 1 end
  if not is_last and cells.is_cut(bytes, at) then return nil end
  local length = cells.length(bytes, at)
  return bytes:sub(at, at + length - 1), length
end

-- Whether the key types a character.
function M.is_text(key)
  return #key == 1 or key:byte(1) >= 0x80
end

return M
