-- Keys of a terminal in raw mode: bytes into names. Pure.
--
-- A key that types something is that character. Others have names: enter, tab, backspace, escape, up, down,
-- left, right, home, end, pageup, pagedown, insert, delete, shift-tab, ctrl-a to ctrl-z, f1 to f12; with
-- ctrl-, alt- or shift- in front where the terminal tells; alt-x is x after an escape.
local M = {}

local CONTROLS = { [0] = "ctrl-space", [8] = "backspace", [9] = "tab", [10] = "enter", [13] = "enter",
  [27] = "escape", [28] = "ctrl-\\", [29] = "ctrl-]", [30] = "ctrl-^", [31] = "ctrl-_", [127] = "backspace" }

local FINALS = { A = "up", B = "down", C = "right", D = "left", H = "home", F = "end", Z = "shift-tab",
  P = "f1", Q = "f2", R = "f3", S = "f4" }

local NUMBERED = { ["1"] = "home", ["2"] = "insert", ["3"] = "delete", ["4"] = "end", ["5"] = "pageup",
  ["6"] = "pagedown", ["7"] = "home", ["8"] = "end", ["11"] = "f1", ["12"] = "f2", ["13"] = "f3",
  ["14"] = "f4", ["15"] = "f5", ["17"] = "f6", ["18"] = "f7", ["19"] = "f8", ["20"] = "f9", ["21"] = "f10",
  ["23"] = "f11", ["24"] = "f12" }

-- The second parameter of a sequence is 1 and these bits.
local MODIFIERS = { [2] = "shift-", [3] = "alt-", [5] = "ctrl-" }

local SEQUENCE_BYTES = 16 -- longer ones are no keys

-- Of what follows ESC [ or ESC O. A sequence that is no known key is "unknown".
local function sequence(bytes, at, is_last)
  local parameters, final = bytes:match("^([0-9;?<=>]*)([@-~])", at)
  if not final then
    local is_cut = not bytes:find("[^0-9;?<=>]", at) and #bytes - at < SEQUENCE_BYTES
    if is_cut and not is_last then return nil end
    return "unknown", #bytes
  end
  local length = at + #parameters
  local first, second = parameters:match("^(%d*);?(%d*)$")
  local name = final == "~" and NUMBERED[first] or FINALS[final]
  if not name then return "unknown", length end
  return (MODIFIERS[tonumber(second)] or "") .. name, length
end

-- Bytes a UTF-8 character of that first byte has.
local function character_length(byte)
  return byte >= 0xf0 and 4 or byte >= 0xe0 and 3 or byte >= 0xc0 and 2 or 1
end

-- The first key of bytes and how many of them it is; nil when more must come, unless is_last says that
-- none does. Bytes that are no UTF-8 are keys, too.
function M.decode(bytes, is_last)
  local byte = bytes:byte(1)
  if not byte then return nil end
  if byte == 27 then
    local second = bytes:byte(2)
    if not second then
      if is_last then return "escape", 1 end
      return nil
    elseif second == 91 or second == 79 then -- [ O
      if is_last and #bytes == 2 then return "alt-" .. string.char(second), 2 end
      return sequence(bytes, 3, is_last)
    elseif second == 27 then
      return "escape", 1
    end
    local key, length = M.decode(bytes:sub(2), is_last)
    if not key then return nil end
    return "alt-" .. key, length + 1
  elseif byte < 32 or byte == 127 then
    return CONTROLS[byte] or "ctrl-" .. string.char(byte + 96), 1
  end
  local length = character_length(byte)
  if #bytes < length and not is_last then return nil end
  if length > 1 and not utf8.len(bytes, 1, 1) then length = 1 end
  return bytes:sub(1, length), length
end

-- Whether the key types a character.
function M.is_text(key)
  return #key == 1 or key:byte(1) >= 0x80
end

return M
