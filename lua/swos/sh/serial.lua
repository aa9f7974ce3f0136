-- Plain data (strings, integers, booleans, tables of them, without cycles) as bytes and back: how a shell
-- tells another one what to run and with which state. Pure.
local M = {}

local function encode(value, out)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = ("s%d:"):format(#value)
    out[#out + 1] = value
  elseif kind == "number" then
    out[#out + 1] = ("i%d;"):format(value)
  elseif kind == "boolean" then
    out[#out + 1] = value and "t" or "f"
  elseif kind == "table" then
    out[#out + 1] = "{"
    for key, field in pairs(value) do
      encode(key, out)
      encode(field, out)
    end
    out[#out + 1] = "}"
  else
    error("cannot be sent: " .. kind)
  end
end

function M.encode(value)
  local out = {}
  encode(value, out)
  return table.concat(out)
end

local function decode(text, at)
  local kind = text:sub(at, at)
  if kind == "s" then
    local length, behind = text:match("^(%d+):()", at + 1)
    length = tonumber(length)
    return text:sub(behind, behind + length - 1), behind + length
  elseif kind == "i" then
    local number, behind = text:match("^(-?%d+);()", at + 1)
    return math.tointeger(tonumber(number)), behind
  elseif kind == "t" or kind == "f" then
    return kind == "t", at + 1
  elseif kind == "{" then
    local result = {}
    at = at + 1
    while text:sub(at, at) ~= "}" do
      local key, field
      key, at = decode(text, at)
      field, at = decode(text, at)
      result[key] = field
    end
    return result, at + 1
  end
  error("malformed state")
end

-- The value; raises when the bytes are not what encode made.
function M.decode(text) return (decode(text, 1)) end

return M
