-- How text stands on a terminal: clusters (a character with the marks on it) and the columns they take. Bytes
-- that are not UTF-8 are clusters of their own. Pure.
local M = {}

-- Code points that take no column, and that take two: first, last, first, last...
local COMBINING = { 0x300, 0x36f, 0x483, 0x489, 0x591, 0x5bd, 0x5bf, 0x5bf, 0x5c1, 0x5c2, 0x5c4, 0x5c5, 0x5c7,
  0x5c7, 0x610, 0x61a, 0x64b, 0x65f, 0x670, 0x670, 0x6d6, 0x6dc, 0x6df, 0x6e4, 0x6e7, 0x6e8, 0x6ea, 0x6ed,
  0x900, 0x902, 0x93a, 0x93a, 0x93c, 0x93c, 0x941, 0x948, 0x94d, 0x94d, 0xe31, 0xe31, 0xe34, 0xe3a, 0xe47,
  0xe4e, 0x1ab0, 0x1aff, 0x1dc0, 0x1dff, 0x200b, 0x200f, 0x202a, 0x202e, 0x2060, 0x2064, 0x20d0, 0x20ff,
  0x302a, 0x302d, 0x3099, 0x309a, 0xfe00, 0xfe0f, 0xfe20, 0xfe2f, 0xfeff, 0xfeff, 0xe0100, 0xe01ef }
local WIDE = { 0x1100, 0x115f, 0x231a, 0x231b, 0x2e80, 0x303e, 0x3041, 0xa4cf, 0xa960, 0xa97f, 0xac00, 0xd7a3,
  0xf900, 0xfaff, 0xfe30, 0xfe6f, 0xff00, 0xff60, 0xffe0, 0xffe6, 0x1f300, 0x1faff, 0x20000, 0x3fffd }
local CLUSTER_BYTES = 32 -- more marks than that do not gather on one character

local REPLACEMENT = "\u{fffd}"

local function is_in(ranges, point)
  for i = 1, #ranges, 2 do
    if point < ranges[i] then return false end
    if point <= ranges[i + 1] then return true end
  end
  return false
end

-- The character at a byte, which may be one byte that is none; nil: the text ends within it.
function M.character(text, at)
  local lead = text:byte(at)
  if lead < 0xc2 or lead > 0xf4 then return text:sub(at, at) end
  local length = lead < 0xe0 and 2 or lead < 0xf0 and 3 or 4
  local character = text:sub(at, at + length - 1)
  if utf8.len(character) == 1 then return character end
  if #character < length and not character:find("[^\x80-\xbf]", 2) then return nil end
  return text:sub(at, at)
end

local function is_combining(character)
  return #character > 1 and is_in(COMBINING, utf8.codepoint(character))
end

-- Whether a character belongs to the cluster before it.
function M.joins(cluster, character)
  return cluster and is_combining(character) and not cluster:find("^%c") and #cluster < CLUSTER_BYTES
    and (#cluster > 1 or cluster:byte() < 0x80)
end

-- Adds the clusters of text to a list.
function M.split(text, list)
  local at = 1
  while at <= #text do
    local character = M.character(text, at) or text:sub(at, at)
    if M.joins(list[#list], character) then
      list[#list] = list[#list] .. character
    else
      list[#list + 1] = character
    end
    at = at + #character
  end
  return list
end

-- What shows a cluster, and its columns. Newline and tab are their user's matter. Control characters show as
-- two, like ^A; a mark that has nothing to stand on stands on a space.
function M.shown(cluster)
  local byte = cluster:byte()
  if byte < 0x80 then
    if byte < 32 or byte == 127 then return "^" .. string.char(byte ~ 64), 2 end
    return cluster, 1
  elseif #cluster == 1 then
    return REPLACEMENT, 1
  end
  local point = utf8.codepoint(cluster)
  if point < 0xa0 then return REPLACEMENT, 1 end
  if is_in(COMBINING, point) then return " " .. cluster, 1 end
  return cluster, is_in(WIDE, point) and 2 or 1
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
