-- Bytes a terminal sends as keys. Pure.
--
-- next(text, at) gives a kind, its value and the position behind it:
--   "text"   printable ASCII, or one other character
--   "key"    a name: "left", "C-a" (control), "M-b" (Alt, or Escape before it), "C-left", "none" (no meaning)
--   "size"   { rows, columns }: the answer to the question where the cursor is
-- or nil: what is there may be the beginning of something.
local columns = require("swos.sh.columns")

local M = {}

local SEQUENCE_BYTES = 32 -- a longer one is none

local LETTERS = { A = "up", B = "down", C = "right", D = "left", H = "home", F = "end" }
local NUMBERS = { [1] = "home", [7] = "home", [4] = "end", [8] = "end", [3] = "delete", [200] = "paste" }
local BYTES = { [13] = "enter", [10] = "enter", [9] = "tab", [8] = "backspace", [127] = "backspace" }

-- A key with modifiers as xterm counts them: Control, and Alt like it.
local function modified(name, modifiers)
  return name and modifiers and (modifiers - 1) & 6 ~= 0 and "C-" .. name or name or "none"
end

-- ESC [ parameters final
local function control_sequence(text, at)
  local parameters, final, behind = text:match("^([0-?]*)[ -/]*([@-~])()", at + 2)
  if not final or behind - at > SEQUENCE_BYTES then
    local rest = text:sub(at + 2, at + 1 + SEQUENCE_BYTES)
    if #rest < SEQUENCE_BYTES and not rest:find("[^ -?]") then return nil end
    return "key", "none", at + 2
  end
  if final == "[" and parameters == "" then -- the Linux console's function keys
    if behind > #text then return nil end
    return "key", "none", behind + 1
  end
  local first, second = parameters:match("^(%d*);?(%d*)")
  first, second = tonumber(first), tonumber(second)
  if final == "R" and first and second then return "size", { first, second }, behind end
  if final == "~" then return "key", modified(NUMBERS[first], second), behind end
  return "key", modified(LETTERS[final], second or first), behind
end

-- ESC O final
local function single_shift(text, at)
  local modifiers, final, behind = text:match("^([0-9;]*)([^0-9;])()", at + 2)
  if not final then
    if #text - at < SEQUENCE_BYTES then return nil end
    return "key", "none", at + 2
  end
  if final == "M" then return "key", "enter", behind end
  local name = LETTERS[final]
  if not name and final:find("[a-d]") then return "key", "C-" .. LETTERS[final:upper()], behind end
  return "key", modified(name, tonumber(modifiers:match("%d+$"))), behind
end

local function escape(text, at)
  local second = text:byte(at + 1)
  if not second then return nil end
  if second == 91 then return control_sequence(text, at) end
  if second == 79 then return single_shift(text, at) end
  if second >= 0x80 then
    local character = columns.character(text, at + 1)
    if not character then return nil end
    return "key", "none", at + 1 + #character
  end
  if second == 27 then -- Alt with a key that is a sequence itself
    local kind, value, behind = M.next(text, at + 1)
    if kind == "key" and (value == "left" or value == "right") then value = "C-" .. value end
    return kind, value, behind
  end
  local name = BYTES[second]
  if name == "backspace" then return "key", "M-backspace", at + 2 end
  if name then return "key", name, at + 2 end
  return "key", second >= 32 and "M-" .. string.char(second):lower() or "none", at + 2
end

function M.next(text, at)
  local run, behind = text:match("^([ -~]+)()", at)
  if run then return "text", run, behind end
  local byte = text:byte(at)
  if byte == 27 then return escape(text, at) end
  if BYTES[byte] then return "key", BYTES[byte], at + 1 end
  if byte < 32 then return "key", "C-" .. string.char(byte + 96), at + 1 end
  local character = columns.character(text, at)
  if not character then return nil end
  return "text", character, at + #character
end

return M
