-- Text as a terminal shows it: which bytes are one character, what is shown of it, its columns. Pure.
--
-- Control characters show as ^X, bytes that are no UTF-8 as <XX>: nothing shown moves the cursor elsewhere.
local M = {}

-- Blocks of East Asian wide characters and emoji, which take two columns; consoled has the same.
local WIDE = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
  { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd } }

-- Characters that are shown on the one before.
local COMBINING = { { 0x300, 0x36f }, { 0x200b, 0x200f }, { 0xfe00, 0xfe0f } }

local TAB = 8

local function is_in(blocks, point)
  for _, block in ipairs(blocks) do
    if point >= block[1] and point <= block[2] then return true end
  end
  return false
end

-- Columns of a character that is not ASCII.
local function point_width(point)
  if is_in(COMBINING, point) then return 0 end
  return is_in(WIDE, point) and 2 or 1
end

-- The character at a byte: its bytes, what is shown of it at a column (from 0), the columns, and whether
-- that is a stand-in for what cannot be shown.
function M.character(text, at, column)
  local byte = text:byte(at)
  if byte == 9 then
    local width = TAB - column % TAB
    return 1, (" "):rep(width), width, false
  elseif byte < 32 or byte == 127 then
    return 1, "^" .. string.char(byte ~ 64), 2, true
  elseif byte < 127 then
    return 1, string.char(byte), 1, false
  elseif not utf8.len(text, at, at) then
    return 1, ("<%02X>"):format(byte), 4, true
  end
  local point = utf8.codepoint(text, at)
  local length = #utf8.char(point)
  if point < 0xa0 then
    local shown = ("<U+%04X>"):format(point)
    return length, shown, #shown, true
  end
  return length, text:sub(at, at + length - 1), point_width(point), false
end

-- The length in bytes of the character at a byte.
function M.length(text, at)
  if text:byte(at) < 128 or not utf8.len(text, at, at) then return 1 end
  return #utf8.char(utf8.codepoint(text, at))
end

-- The length in bytes of the character that ends in front of byte `at`; 0 at the beginning.
function M.length_before(text, at)
  for length = 2, math.min(4, at - 1) do
    local start = at - length
    if text:byte(start) >= 0xc0 then
      if M.length(text, start) == length then return length end
      break
    elseif text:byte(start) < 0x80 then
      break
    end
  end
  return at > 1 and 1 or 0
end

-- The columns of a text that starts at column 0 (or the one given).
function M.width(text, column)
  local first, at = column or 0, 1
  column = first
  while at <= #text do
    local length, _, width = M.character(text, at, column)
    at, column = at + length, column + width
  end
  return column - first
end

-- The beginning of a text that takes at most so many columns.
function M.cut(text, columns)
  local at, column = 1, 0
  while at <= #text do
    local length, _, width = M.character(text, at, column)
    if column + width > columns then break end
    at, column = at + length, column + width
  end
  return text:sub(1, at - 1)
end

return M
