-- File name patterns: * ? [abc] [a-z] [!a]; a backslash takes the next character as it is. Pure.
local M = {}

local function literal(character)
  return (character:gsub("%W", "%%%0"))
end

-- A pattern of one path component as a Lua pattern, anchored; nil when it is no pattern.
local function translate(component)
  local out, is_pattern, at = { "^" }, false, 1
  while at <= #component do
    local c = component:sub(at, at)
    if c == "\\" then
      at = at + 1
      out[#out + 1] = literal(component:sub(at, at))
    elseif c == "*" then
      out[#out + 1], is_pattern = ".*", true
    elseif c == "?" then
      out[#out + 1], is_pattern = ".", true
    elseif c == "[" then
      local negation, set, close = component:match("^%[([!^]?)(%]?[^%]]+)%]()", at)
      if set then
        set = set:gsub("[%%%^%]]", "%%%0")
        out[#out + 1], is_pattern = "[" .. (negation ~= "" and "^" or "") .. set .. "]", true
        at = close - 1
      else
        out[#out + 1] = "%["
      end
    else
      out[#out + 1] = literal(c)
    end
    at = at + 1
  end
  out[#out + 1] = "$"
  return is_pattern and table.concat(out) or nil
end

local function plain(component)
  return (component:gsub("\\(.)", "%1"))
end

-- True when the whole text matches.
function M.matches(pattern, text)
  local translated = translate(pattern)
  if not translated then return plain(pattern) == text end
  return text:find(translated) ~= nil
end

-- Paths that match, sorted; list(directory) gives the names in it or nil.
function M.expand(pattern, list)
  local prefixes = { pattern:match("^/+") and "/" or "" }
  for component in pattern:gmatch("[^/]+") do
    local translated, found = translate(component), {}
    for _, prefix in ipairs(prefixes) do
      local base = (prefix == "" or prefix == "/") and prefix or prefix .. "/"
      if not translated then
        found[#found + 1] = base .. plain(component)
      else
        local names = list(prefix == "" and "." or prefix) or {}
        table.sort(names)
        for _, name in ipairs(names) do
          local hidden = name:sub(1, 1) == "." and component:sub(1, 1) ~= "."
          if not hidden and name:find(translated) then found[#found + 1] = base .. name end
        end
      end
    end
    prefixes = found
  end
  return prefixes
end

return M
