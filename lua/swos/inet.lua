-- Internet addresses as text and as the 16 bytes of the protocols `net` and `endpoint`. Pure, but for `host`
-- and `connect`.
local M = {}

local function parse4(text)
  local a, b, c, d = text:match("^(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)%.(%d%d?%d?)$")
  local bytes = { tonumber(a), tonumber(b), tonumber(c), tonumber(d) }
  for _, byte in ipairs(bytes) do
    if byte > 255 then return nil end
  end
  return a and string.char(table.unpack(bytes))
end

-- Groups of hexadecimal digits with colons between them, as bytes; nil if it is not that.
local function groups(text)
  if text == "" then return "" end
  local parts = {}
  for group in (text .. ":"):gmatch("(.-):") do
    local last4 = group:find(".", 1, true) and parse4(group)
    if last4 then
      parts[#parts + 1] = last4
    elseif group:find("^%x%x?%x?%x?$") then
      parts[#parts + 1] = (">I2"):pack(tonumber(group, 16))
    else
      return nil
    end
  end
  return table.concat(parts)
end

local function parse6(text)
  local front, rest = text:match("^(.-)::(.*)$")
  if not front then
    local bytes = groups(text)
    return bytes and #bytes == 16 and bytes or nil
  end
  if rest:find("::", 1, true) then return nil end
  local before, after = groups(front), groups(rest)
  if not before or not after or #before + #after > 14 then return nil end
  return before .. ("\0"):rep(16 - #before - #after) .. after
end

-- An address in letters: its 16 bytes and its family, 4 or 6; nil if it is none.
function M.parse(text)
  local bytes = parse4(text)
  if bytes then return bytes .. ("\0"):rep(12), 4 end
  bytes = text:find(":", 1, true) and parse6(text)
  if bytes then return bytes, 6 end
end

-- "ADDRESS/BITS": bytes, family, bits; nil if it is none.
function M.prefix(text)
  local address, bits = text:match("^([^/]+)/(%d%d?%d?)$")
  local bytes, family = M.parse(address or "")
  if bytes and tonumber(bits) <= (family == 4 and 32 or 128) then return bytes, family, tonumber(bits) end
end

-- The binding leaves zeros at the end of an array out.
local function whole(bytes) return bytes .. ("\0"):rep(16 - #bytes) end

-- The address as text, IPv6 as RFC 5952 has it.
function M.format(bytes, family)
  bytes = whole(bytes)
  if family == 4 then return ("%d.%d.%d.%d"):format(bytes:byte(1, 4)) end
  local parts = { (">I2I2I2I2I2I2I2I2"):unpack(bytes) }
  local first, most = nil, 1
  for i = 1, 8 do
    local length = 0
    while parts[i + length] == 0 and i + length <= 8 do length = length + 1 end
    if length > most then first, most = i, length end
  end
  local text = ""
  local i = 1
  while i <= 8 do
    if i == first then
      text = text .. "::"
      i = i + most
    else
      text = text .. (text == "" and "" or text:sub(-1) == ":" and "" or ":") .. ("%x"):format(parts[i])
      i = i + 1
    end
  end
  return text
end

-- A port in letters: its number; nil if it is none.
function M.port(text)
  local number = text:find("^%d+$") and tonumber(text)
  return number and number >= 1 and number <= 65535 and math.tointeger(number) or nil
end

-- A connection to the network; nil, message, code.
function M.connect(deadline)
  local connection, message, code = require("swos.names").connect("net", deadline)
  if connection then return connection end
  if code == "NOT_FOUND" then message = "there is no network on this machine" end
  return nil, message, code
end

-- The address of a host by name or address: bytes, family; or nil, message, code. family: 4, 6, or 0 for any.
function M.host(net, name, family, deadline)
  local bytes, kind = M.parse(name)
  if bytes and (family == 0 or family == kind) then return bytes, kind end
  local reply, message, code = require("swos.protocol").net.resolve(net, { family = family, name = name },
    deadline)
  if not reply then return nil, ("%s: %s"):format(name, message), code end
  return whole(reply.address), reply.family
end

return M
