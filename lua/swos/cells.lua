-- Text as a terminal shows it: which bytes are one character, what is shown of it, its columns. Pure.
--
-- Control characters show as ^X, bytes that are no UTF-8 as <XX>: nothing shown moves the cursor elsewhere.
local M = {}

-- Code points that take no column, and that take two: first, last, first, last... consoled has a table, too.
local COMBINING = { 0x300, 0x36f, 0x483, 0x489, 0x591, 0x5bd, 0x5bf, 0x5bf, 0x5c1, 0x5c2, 0x5c4, 0x5c5, 0x5c7,
  0x5c7, 0x610, 0x61a, 0x64b, 0x65f, 0x670, 0x670, 0x6d6, 0x6dc, 0x6df, 0x6e4, 0x6e7, 0x6e8, 0x6ea, 0x6ed,
  0x900, 0x902, 0x93a, 0x93a, 0x93c, 0x93c, 0x941, 0x948, 0x94d, 0x94d, 0xe31, 0xe31, 0xe34, 0xe3a, 0xe47,
  0xe4e, 0x1ab0, 0x1aff, 0x1dc0, 0x1dff, 0x200b, 0x200f, 0x202a, 0x202e, 0x2060, 0x2064, 0x20d0, 0x20ff,
  0x302a, 0x302d, 0x3099, 0x309a, 0xfe00, 0xfe0f, 0xfe20, 0xfe2f, 0xfeff, 0xfeff, 0xe0100, 0xe01ef }
local WIDE = { 0x1100, 0x115f, 0x231a, 0x231b, 0x2e80, 0x303e, 0x3041, 0xa4cf, 0xa960, 0xa97f, 0xac00, 0xd7a3,
  0xf900, 0xfaff, 0xfe30, 0xfe6f, 0xff00, 0xff60, 0xffe0, 0xffe6, 0x1f300, 0x1faff, 0x20000, 0x3fffd }

local TAB = 8

local CLUSTER_BYTES = 32 -- more marks than that do not gather on one character

local function is_in(ranges, point)
  for i = 1, #ranges, 2 do
    if point < ranges[i] then return false end
    if point <= ranges[i + 1] then return true end
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

-- Whether the text ends within the character at a byte.
function M.is_cut(text, at)
  local lead = text:byte(at)
  if lead < 0xc2 or lead > 0xf4 then return false end
  local length = lead < 0xe0 and 2 or lead < 0xf0 and 3 or 4
  return #text - at + 1 < length and not text:find("[^\x80-\xbf]", at + 1)
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

-- ---- clusters: a character with the marks on it; bytes that are not UTF-8 are clusters of their own

-- Whether a character belongs to the cluster before it.
function M.joins(cluster, character)
  return cluster and #character > 1 and is_in(COMBINING, utf8.codepoint(character))
    and not cluster:find("^%c") and #cluster < CLUSTER_BYTES and (#cluster > 1 or cluster:byte() < 0x80)
end

-- Adds the clusters of text to a list.
function M.split(text, list)
  local at = 1
  while at <= #text do
    local behind = at + M.length(text, at)
    local character = text:sub(at, behind - 1)
    if M.joins(list[#list], character) then
      list[#list] = list[#list] .. character
    else
      list[#list + 1] = character
    end
    at = behind
  end
  return list
end

-- What shows a cluster, and its columns. A tab is ^I; a mark that has nothing to stand on stands on a space.
function M.shown(cluster)
  if cluster == "\t" then return "^I", 2 end
  local _, shown, width, is_odd = M.character(cluster, 1, 0)
  if is_odd then return shown, width end
  if width == 0 then return " " .. cluster, 1 end
  return cluster, width
end

-- Text in one line as it may be printed, and its columns.
function M.printable(text)
  if not text:find("[^ -~]") then return text, #text end
  local out, columns = {}, 0
  for i, cluster in ipairs(M.split(text, {})) do
    local shown, width = M.shown(cluster)
    out[i], columns = shown, columns + width
  end
  return table.concat(out), columns
end

return M
