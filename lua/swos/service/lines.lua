-- Where the keys of a service script stand: a map from key path ("limits.memory", "names[2]") to
-- line, from the source. One pass over its tokens. A key that is not written as such in the table
-- the script returns has no line; messages then name the line of `return`. Pure.
local M = {}

local DEPTH = 8  -- of tables whose keys are told

local OPENS = { ["("] = true, ["["] = true, ["{"] = true }
local CLOSES = { [")"] = true, ["]"] = true, ["}"] = true }

-- The next token at or behind `at`: kind ("name", "string", "other"), text, first byte behind it.
-- Comments and space are skipped. nil at the end.
local function token(source, at)
  while true do
    at = source:find("%S", at)
    if not at then return nil end
    local level = source:match("^%-%-%[(=*)%[", at)
    if level then
      local _, stop = source:find("]" .. level .. "]", at, true)
      at = (stop or #source) + 1
    elseif source:find("^%-%-", at) then
      at = source:find("\n", at, true) or #source + 1
    else
      break
    end
  end
  local name = source:match("^[%a_][%w_]*", at)
  if name then return "name", name, at + #name, at end
  local quote = source:match("^[\"']", at)
  if quote then
    local stop = at + 1
    while stop <= #source do
      local byte = source:sub(stop, stop)
      if byte == "\\" then stop = stop + 1 elseif byte == quote or byte == "\n" then break end
      stop = stop + 1
    end
    return "string", source:sub(at + 1, stop - 1), stop + 1, at
  end
  local level = source:match("^%[(=*)%[", at)
  if level then
    local _, stop = source:find("]" .. level .. "]", at, true)
    stop = (stop or #source) + 1
    return "string", source:sub(at, stop - 1), stop, at
  end
  return "other", source:sub(at, at), at + 1, at
end

-- Lines of byte positions, asked for in ascending order.
local function line_counter(source)
  local line, seen = 1, 1
  return function(at)
    for _ in source:sub(seen, at - 1):gmatch("\n") do line = line + 1 end
    seen = at
    return line
  end
end

-- path -> line; path "" is the line of the last `return` outside all brackets.
function M.map(source)
  local lines, line_at = {}, line_counter(source)
  local stack = {}   -- open brackets: { path = prefix or nil, index = list position }
  local at, fresh = 1, false  -- fresh: an entry of a table starts here
  local pending, returned
  while true do
    local kind, text, behind, first = token(source, at)
    if not kind then return lines end
    local top = stack[#stack]
    if kind == "name" and text == "return" and not top then
      lines, returned = { [""] = line_at(first) }, true
    elseif OPENS[text] and kind == "other" then
      local inner = {}
      if text == "{" then
        if not top and returned then
          inner.path = ""
        elseif top and top.path and #stack < DEPTH then
          local path = pending
          if not path and fresh then
            top.index = (top.index or 0) + 1
            path = ("%s[%d]"):format(top.path, top.index)
            lines[path] = lines[path] or line_at(first)
          end
          inner.path = path
        end
      elseif text == "[" and top and top.path and fresh then
        inner.key = true  -- ["name"] = value
      end
      stack[#stack + 1] = inner
      fresh, pending, returned = text == "{" and inner.path ~= nil, nil, nil
    elseif CLOSES[text] and kind == "other" then
      stack[#stack] = nil
      local outer = stack[#stack]
      fresh = false
      if top and top.key and top.name and outer then
        pending = outer.path == "" and top.name or outer.path .. "." .. top.name
        lines[pending] = lines[pending] or line_at(first)
      end
    elseif top and top.key then
      if kind == "string" then top.name = text end
    elseif (text == "," or text == ";") and kind == "other" and top and top.path then
      fresh, pending = true, nil
    elseif fresh then
      fresh, returned = false, nil
      local next_kind, next_text, next_behind = token(source, behind)
      if kind == "name" and next_kind == "other" and next_text == "="
        and source:sub(next_behind, next_behind) ~= "=" then
        pending = top.path == "" and text or top.path .. "." .. text
        lines[pending] = lines[pending] or line_at(first)
        behind = next_behind
      else
        top.index = (top.index or 0) + 1
        local path = ("%s[%d]"):format(top.path, top.index)
        lines[path] = lines[path] or line_at(first)
      end
    else
      returned = nil
      if kind == "name" or kind == "string" then pending = nil end
    end
    at = behind
  end
end

-- The line of a path: its own, or that of what it stands in.
function M.line_of(lines, path)
  while true do
    if lines[path] then return lines[path] end
    if path == "" then return 1 end
    path = path:match("^(.*)%[%d+%]$") or path:match("^(.*)%.[^.]*$") or ""
  end
end

return M
