-- System calls and messages in words, by the tables generated from runtime/abi (swos.abi_names).
--
-- What is decoded may come from a hostile process: bytes are looked at where they are there, a length
-- is believed as far as there are bytes, and text is quoted.
local names = require("swos.abi_names")

local M = { names = names }

local REPLY_HEADER = 8
local SCALARS = { u8 = "<B", u16 = "<I2", u32 = "<I4", u64 = "<i8", i32 = "<i4", i64 = "<i8" }
local SIZES = { u8 = 1, u16 = 2, u32 = 4, u64 = 8, i32 = 4, i64 = 8 }
local TEXT_MOST = 80     -- bytes of a string that are shown
local LARGE = 1 << 20    -- numbers from here on are shown in hexadecimal
local ELEMENTS_MOST = 8  -- of an array

function M.status(number)
  return names.status[-number] or tostring(number)
end

function M.number(value)
  if value >= 0 and value < LARGE then return ("%d"):format(value) end
  if value == -1 then return "MAX" end
  return ("0x%x"):format(value)
end

-- Bytes as a quoted string: whole of `length` bytes, or cut.
function M.text(bytes, length)
  local shown = bytes:sub(1, TEXT_MOST)
  local quoted = shown:gsub('[%c"\\\x7f-\xff]', function(byte)
    if byte == "\n" then return "\\n" end
    if byte == '"' or byte == "\\" then return "\\" .. byte end
    return ("\\x%02x"):format(byte:byte())
  end)
  return '"' .. quoted .. '"' .. (#shown < (length or #bytes) and "..." or "")
end

-- Rights of a handle of that type, as names.
function M.rights(value)
  local list = {}
  for bit = 0, 31 do
    if value >> bit & 1 == 1 then list[#list + 1] = names.right[bit] or ("bit %d"):format(bit) end
  end
  return #list > 0 and table.concat(list, " ") or "none"
end

local function value_at(bytes, at, kind)
  local size = SIZES[kind]
  if at + size > #bytes then return nil end
  return (SCALARS[kind]):unpack(bytes, at + 1)
end

local fields_text

local function field_text(bytes, at, kind, count)
  local struct = names.struct[kind]
  if struct and not count then
    return at < #bytes and "{" .. fields_text(bytes, at, struct.fields) .. "}" or nil
  end
  if kind == "u8" and count then
    local piece = bytes:sub(at + 1, at + count):gsub("%z+$", "")
    return at < #bytes and M.text(piece) or nil
  end
  if not count then
    local value = SIZES[kind] and value_at(bytes, at, kind)
    return value and M.number(value)
  end
  local list, size = {}, SIZES[kind] or struct.size
  for i = 0, math.min(count, ELEMENTS_MOST) - 1 do
    list[#list + 1] = field_text(bytes, at + i * size, kind)
  end
  if count > ELEMENTS_MOST then list[#list + 1] = "..." end
  return list[1] and "[" .. table.concat(list, " ") .. "]"
end

-- `name=value` of the fields that are there, of those that say something.
function fields_text(bytes, base, fields)
  local list = {}
  for _, f in ipairs(fields) do
    local name, kind, offset, count = f[1], f[2], f[3], f[4]
    if not name:find("^reserved") then
      local text = field_text(bytes, base + offset, kind, count)
      list[#list + 1] = text and name .. "=" .. text or "..."
      if not text then break end
    end
  end
  return table.concat(list, " ")
end

-- A structure of the ABI: `name=value ...`.
function M.struct(name, bytes)
  return fields_text(bytes, 0, names.struct[name].fields)
end

-- Fields and strings of a request or reply whose fixed part begins behind the header: fields count from
-- the message's start.
local function message_text(bytes, shape, total)
  local fields, size, strings = shape[1], shape[2], shape[3]
  local list = { fields_text(bytes, 0, fields) }
  if list[1] == "" then list[1] = nil end
  local at = (size + 4 * #strings + 7) // 8 * 8
  for i, name in ipairs(strings) do
    local length = value_at(bytes, size + 4 * (i - 1), "u32")
    if not length or at > #bytes then
      list[#list + 1] = "..."
      break
    end
    list[#list + 1] = name .. "=" .. M.text(bytes:sub(at + 1, at + length), math.min(length, total - at))
    at = at + length
  end
  return table.concat(list, " ")
end

-- The operation a request asks for, and the request in words; nil: of no protocol known here. `total`:
-- its length, of which `bytes` is the beginning.
function M.request(bytes, total)
  if #bytes < 6 then return nil end
  local protocol, version, operation = ("<I2I2I2"):unpack(bytes)
  local p = names.protocol[protocol]
  local op = p and p.operations[operation]
  if not op or version ~= p.version then return nil end
  local text = message_text(bytes, op.request, total or #bytes)
  return op, op.name .. (text ~= "" and " " .. text or "")
end

-- A reply to a request of that operation (nil: not known) in words.
function M.reply(op, bytes, total)
  if #bytes < REPLY_HEADER then return "..." end
  local status = ("<i4"):unpack(bytes)
  if status ~= 0 or not op then return M.status(status) end
  local text = message_text(bytes, op.reply, total or #bytes)
  return text ~= "" and text or "OK"
end

-- Hexadecimal digits, with blanks, as bytes.
function M.bytes(hex)
  return (hex:gsub("%s", ""):gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

return M
