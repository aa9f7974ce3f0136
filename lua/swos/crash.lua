-- Crash records for people: addresses get names, rights and requests words. What a record says of a
-- process comes from its memory and may be wrong on purpose; only text is made of it.
local decode = require("swos.decode")

local M = {}

-- The programs a record names, with the symbols there are of them, and the place of each.
local function programs(text, symbols)
  local list = {}
  for identity, base in ("\n" .. text):gmatch("\nprogram (%x+) base (%x+)") do
    local found = symbols and symbols:program(tonumber(identity, 16))
    list[#list + 1] = { base = tonumber(base, 16), symbols = found }
  end
  return list
end

local function name_of(list, address)
  for _, program in ipairs(list) do
    local name, offset
    if program.symbols then name, offset = program.symbols:at(address - program.base) end
    if name then return name, ("%s %s+0x%x"):format(program.symbols.name, name, offset), offset end
  end
  return nil, "?"
end

local function frames(list, line, return_address)
  local out, addresses = {}, {}
  for word in line:gmatch("%x+") do addresses[#addresses + 1] = tonumber(word, 16) end
  local function put(address, text)
    out[#out + 1] = ("  #%-2d %016x  %s"):format(#out, address, text)
  end
  for i, address in ipairs(addresses) do
    -- A return address is that of the instruction behind the call, which may be another function's.
    local function_name, text = name_of(list, address)
    if i > 1 then
      local _, before, offset = name_of(list, address - 4)
      if offset then text = before:gsub("%+0x%x+$", ("+0x%x"):format(offset + 4)) end
    end
    put(address, text)
    -- A function that calls nothing makes no frame: who called it stands in lr alone.
    if i == 1 and return_address and return_address ~= 0 and return_address ~= addresses[2] then
      local caller, caller_text = name_of(list, return_address - 4)
      if caller and caller ~= function_name then
        put(return_address, caller_text:gsub("%+0x(%x+)$",
          function(digits) return ("+0x%x"):format(tonumber(digits, 16) + 4) end))
      end
    end
  end
  return out
end

-- The record as lines. symbols: what swos.symbols opened; nil: none.
function M.render(text, symbols)
  local list, lines = programs(text, symbols), {}
  local return_address = tonumber(text:match("\npc  %x+ lr  (%x+)") or "0", 16)
  local in_handles, in_lines
  -- Without the newline of the last line the pattern would look for it from each byte of that line.
  if text:sub(-1) ~= "\n" then text = text .. "\n" end
  for line in text:gmatch("([^\n]*)\n") do
    local indent, addresses = line:match("^(%s*)back%-trace (.*)$")
    local said, length, hex = line:match("^(.-), request of (%d+):(.*)$")
    local handle, kind, object, rights = line:match("^  (%x+) (%l+) (#%x+) (%x+)$")
    if line:find("^last l") then in_lines = true end
    if in_lines then
      lines[#lines + 1] = line
    elseif addresses then
      lines[#lines + 1] = indent .. "back-trace"
      for _, frame in ipairs(frames(list, addresses, indent == "" and return_address)) do
        lines[#lines + 1] = indent .. frame
      end
    elseif said then
      local bytes = decode.bytes(hex)
      local _, request = decode.request(bytes, tonumber(length))
      lines[#lines + 1] = ("%s: %s"):format(said, request or ("%s bytes%s"):format(length, hex))
    elseif in_handles and handle then
      lines[#lines + 1] = ("  %s %s %s %s"):format(handle, kind, object, decode.rights(tonumber(rights, 16)))
    elseif line:find("^program %x+ base ") then
      local identity, rest = line:match("^program (%x+) (.*)$")
      local found = symbols and symbols:program(tonumber(identity, 16))
      lines[#lines + 1] = ("program %s %s (%s)"):format(identity, rest,
        found and found.name or "no symbols of it")
    else
      lines[#lines + 1] = line
    end
    in_handles = line:find("^handles: ") ~= nil or in_handles and handle
  end
  return lines
end

return M
