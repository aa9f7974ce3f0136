-- Plain data as bytes: booleans, numbers, strings and tables of them, nothing else. What a service
-- script returns crosses from its process to init in this form (lua/binding/confine.c writes it),
-- init's own records lie in memory in it, and a shell tells another one in it what to run. Pure.
--
--   T F      true, false            i int64   n double      s length(u32) bytes
--   { key value ... }
--
-- A reader believes nothing: sizes, depth and the number of values are limited, and what is left
-- over behind the value is an error.
local M = {}

M.DEPTH, M.VALUES = 8, 8192

local function put(parts, value, depth, most)
  local kind = math.type(value) or type(value)
  if kind == "boolean" then
    parts[#parts + 1] = value and "T" or "F"
  elseif kind == "integer" then
    parts[#parts + 1] = ("<c1i8"):pack("i", value)
  elseif kind == "float" then
    parts[#parts + 1] = ("<c1d"):pack("n", value)
  elseif kind == "string" then
    parts[#parts + 1] = ("<c1s4"):pack("s", value)
  elseif kind == "table" and depth < most then
    parts[#parts + 1] = "{"
    for key, item in pairs(value) do
      put(parts, key, depth + 1, most)
      put(parts, item, depth + 1, most)
    end
    parts[#parts + 1] = "}"
  else
    error("not plain data: " .. kind, 0)
  end
end

-- The value's bytes; anything that is not plain data raises. depth: of tables in each other, M.DEPTH.
function M.encode(value, depth)
  local parts = {}
  put(parts, value, 0, depth or M.DEPTH)
  return table.concat(parts)
end

local function get(bytes, at, depth, budget)
  budget.left = budget.left - 1
  if budget.left < 0 then error("too many values", 0) end
  local kind = bytes:sub(at, at)
  if kind == "T" or kind == "F" then return kind == "T", at + 1 end
  if kind == "i" and #bytes >= at + 8 then return ("<i8"):unpack(bytes, at + 1) end
  if kind == "n" and #bytes >= at + 8 then return ("<d"):unpack(bytes, at + 1) end
  if kind == "s" and #bytes >= at + 4 and ("<I4"):unpack(bytes, at + 1) <= #bytes - at - 4 then
    return ("<s4"):unpack(bytes, at + 1)
  end
  if kind ~= "{" then error("malformed", 0) end
  if depth == budget.depth then error("nested too deep", 0) end
  local result = {}
  at = at + 1
  while bytes:sub(at, at) ~= "}" do
    local key, value
    key, at = get(bytes, at, depth + 1, budget)
    value, at = get(bytes, at, depth + 1, budget)
    result[key] = value  -- raises for a key that is not a number
  end
  return result, at + 1
end

-- The value; nil and what is wrong. depth, values: the most that is taken, M.DEPTH and M.VALUES.
function M.decode(bytes, depth, values)
  local ok, value, at = pcall(get, bytes, 1, 0, { depth = depth or M.DEPTH, left = values or M.VALUES })
  if not ok then return nil, value end
  if at ~= #bytes + 1 then return nil, "more than one value" end
  return value
end

return M
