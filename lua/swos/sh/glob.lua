-- Patterns: * ? [abc] [a-z] [!a] [[:alpha:]]; a backslash takes the next character as it is. Pure.
--
-- A pattern is compiled into what stands between its stars: Lua patterns of fixed length. So a match
-- takes no backtracking, however many stars there are.
local M = {}

local function literal(character)
  return (character:gsub("%W", "%%%0"))
end

local CLASSES = { alpha = "%a", digit = "%d", alnum = "%w", upper = "%u", lower = "%l", space = "%s",
  punct = "%p", cntrl = "%c", xdigit = "%x", graph = "%g", print = "%g ", blank = " \t" }

-- The Lua pattern of a bracket expression at `at` and the position behind it; nil: it is not closed.
local function bracket(pattern, at)
  local out, position = { "[" }, at + 1
  if pattern:find("^[!^]", position) then
    out[2], position = "^", position + 1
  end
  local first = position
  while true do
    local c = pattern:sub(position, position)
    if c == "" then return nil end
    if c == "]" and position > first then break end
    local class, behind = pattern:match("^%[:(%a+):%]()", position)
    if CLASSES[class] then -- another name's characters stand for themselves
      out[#out + 1] = CLASSES[class]
      position = behind
    else
      if c == "\\" then
        position = position + 1
        c = pattern:sub(position, position)
      end
      local last, after = pattern:match("^%-([^%]\\])()", position + 1)
      if not last then last, after = pattern:match("^%-\\(.)()", position + 1) end
      if last then
        -- a range with a special end does not stand in a Lua set: each character by itself
        local low, high = c:byte(), last:byte()
        for byte = low, high do out[#out + 1] = literal(string.char(byte)) end
        position = after
      else
        out[#out + 1] = literal(c)
        position = position + 1
      end
    end
  end
  if #out == (out[2] == "^" and 2 or 1) then out[#out + 1] = "%z" end
  out[#out + 1] = "]"
  return table.concat(out), position + 1
end

-- Segments { pattern =, length = } between the stars; whether it is a pattern at all.
local function compile(pattern)
  local segments, current, length, at, is_pattern = {}, {}, 0, 1, false
  local function close()
    local text = table.concat(current)
    segments[#segments + 1] = { free = text, anchored = "^" .. text, length = length }
    current, length = {}, 0
  end
  while at <= #pattern do
    local c = pattern:sub(at, at)
    if c == "*" then
      close()
      is_pattern = true
    elseif c == "?" then
      current[#current + 1], length, is_pattern = ".", length + 1, true
    else
      local set, behind
      if c == "[" then set, behind = bracket(pattern, at) end
      if set then
        current[#current + 1], is_pattern, at = set, true, behind - 1
      else
        if c == "\\" and at < #pattern then
          at = at + 1
          c = pattern:sub(at, at)
        end
        current[#current + 1] = literal(c)
      end
      length = length + 1
    end
    at = at + 1
  end
  close()
  return segments, is_pattern
end

-- The leftmost place of segments first..last from `at`, each behind the one before: the end; nil.
local function leftmost(segments, first, last, text, at)
  for i = first, last do
    local segment = segments[i]
    local from = segment.length == 0 and at or text:find(segment.free, at)
    if not from then return nil end
    at = from + segment.length
  end
  return at
end

local function matches(segments, text)
  local count = #segments
  local head, tail = segments[1], segments[count]
  if not text:find(head.anchored) then return false end
  if count == 1 then return #text == head.length end
  local limit = #text - tail.length + 1
  if limit < head.length + 1 or not text:find(tail.anchored, limit) then return false end
  local at = leftmost(segments, 2, count - 1, text, head.length + 1)
  return at ~= nil and at <= limit
end

-- True when the whole text matches.
function M.matches(pattern, text)
  if pattern == "*" then return true end
  return matches(compile(pattern), text)
end

-- The rightmost place of a segment that ends before `limit` and begins at `first` or later; nil.
local function rightmost(segment, text, first, limit)
  for at = limit - segment.length, first, -1 do
    if text:find(segment.anchored, at) then return at end
  end
  return nil
end

-- What is left of text when the smallest (or largest) beginning that matches is cut.
local function without_prefix(segments, text, largest)
  local count = #segments
  local head, tail = segments[1], segments[count]
  if not text:find(head.anchored) then return text end
  if count == 1 then return text:sub(head.length + 1) end
  if not largest then
    local at = leftmost(segments, 2, count, text, head.length + 1)
    return at and text:sub(at) or text
  end
  local at = leftmost(segments, 2, count - 1, text, head.length + 1)
  local from = at and rightmost(tail, text, at, #text + 1)
  return from and text:sub(from + tail.length) or text
end

local function without_suffix(segments, text, largest)
  local count = #segments
  local head, tail = segments[1], segments[count]
  local limit = #text - tail.length + 1
  if limit < 1 or not text:find(tail.anchored, limit) then return text end
  if count == 1 then return text:sub(1, limit - 1) end
  if largest then
    local from = head.length == 0 and 1 or text:find(head.free)
    local at = from and leftmost(segments, 2, count - 1, text, from + head.length)
    return at and at <= limit and text:sub(1, from - 1) or text
  end
  for i = count - 1, 1, -1 do
    limit = rightmost(segments[i], text, 1, limit)
    if not limit then return text end
  end
  return text:sub(1, limit - 1)
end

-- ${text OP pattern}: op is # ## % or %%.
function M.trim(text, pattern, op)
  local segments = compile(pattern)
  if op:byte() == 35 then return without_prefix(segments, text, #op == 2) end
  return without_suffix(segments, text, #op == 2)
end

local function plain(component)
  return (component:gsub("\\(.)", "%1"))
end

-- Names in prefix that match, added to found.
local function match_names(segments, component, prefix, slashes, list, found)
  local base = (prefix == "" or prefix:sub(-1) == "/") and prefix or prefix .. slashes
  local names = list(prefix == "" and "." or prefix) or {}
  local hidden_too = component:byte() == 46 or component:find("^\\%.")
  for _, name in ipairs(names) do
    if (name:byte() ~= 46 or hidden_too) and matches(segments, name) then found[#found + 1] = base .. name end
  end
end

-- Paths that match, sorted. list(directory) gives the names in it or nil; exists(path) whether there is such
-- a file; both may fail for what is no directory.
function M.expand(pattern, list, exists)
  local prefixes, must_exist = { pattern:match("^/+") and "/" or "" }, false
  for slashes, component, behind in pattern:gmatch("(/*)([^/]+)()") do
    local segments, is_pattern = compile(component)
    local found = {}
    for _, prefix in ipairs(prefixes) do
      if is_pattern then
        match_names(segments, component, prefix, slashes, list, found)
      else
        local separator = (prefix == "" or prefix:sub(-1) == "/") and "" or slashes
        found[#found + 1] = prefix .. separator .. plain(component)
      end
    end
    must_exist = must_exist or is_pattern
    if not is_pattern and must_exist and behind > #pattern then
      for i = #found, 1, -1 do
        if not exists(found[i]) then table.remove(found, i) end
      end
    end
    prefixes = found
  end
  if pattern:sub(-1) == "/" and pattern:find("[^/]") then
    local found = {}
    for _, prefix in ipairs(prefixes) do
      if list(prefix) then found[#found + 1] = prefix .. "/" end
    end
    prefixes = found
  end
  table.sort(prefixes)
  return prefixes
end

return M
