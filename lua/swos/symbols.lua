-- Names of code addresses: the file /lib/debug/symbols of an image, written by scripts/host/mksymbols.lua.
--
-- Little-endian. One name is stored once for all programs, and a program's functions as differences
-- from one to the next, so the whole image's symbols are a few bytes a function.
--
--   header   0 u8[8] "SWSYMBOL"  8 u32 version=1  12 u32 programs  16 u32 names offset  20 u32 names size
--   program  at 24 + 32 * i, sorted by identity:
--            0 u64 identity  8 u32 offset, 12 u32 size of its functions  16 u32 functions  20 u32 name
--            24 u64 0
--   names    each with a NUL behind it, sorted; a name is an offset into them
--   function varint gap, varint size, varint name: gap is the distance from the end of the function
--            before (the first: from the program's base), gap and size in units of 4 bytes. A varint
--            has 7 bits a byte, the lowest first, bit 7 set in all but the last
--
-- The identity of a program is the first 8 bytes of the SHA-256 of its file, that of a kernel the sum
-- kernel/crash.c makes of its code. A crash record names both, so symbols are of that very program or
-- there are none.
local M = {}

local MAGIC, VERSION = "SWSYMBOL", 1
local HEADER, PROGRAM = "<c8I4I4I4I4", "<i8I4I4I4I4I8"
local HEADER_SIZE, PROGRAM_SIZE = 24, 32

local function varint(value)
  local bytes = {}
  while value > 127 do
    bytes[#bytes + 1] = string.char(value & 127 | 128)
    value = value >> 7
  end
  bytes[#bytes + 1] = string.char(value)
  return table.concat(bytes)
end

-- The file of a list of programs { identity, name, functions }; functions { start, size, name }, start
-- counted from the program's base, sorted, none inside another.
function M.encode(programs)
  local wanted, names = {}, {}
  local function want(name)
    if wanted[name] then return end
    wanted[name] = true
    names[#names + 1] = name
  end
  for _, program in ipairs(programs) do
    want(program.name)
    for _, f in ipairs(program.functions) do want(f.name) end
  end
  table.sort(names)
  local at, pool = 0, {}
  for i, name in ipairs(names) do
    wanted[name], pool[i] = at, name .. "\0"
    at = at + #name + 1
  end
  programs = table.move(programs, 1, #programs, 1, {})
  table.sort(programs, function(a, b) return math.ult(a.identity, b.identity) end)
  local offset = HEADER_SIZE + PROGRAM_SIZE * #programs
  local heads, bodies = {}, {}
  for i, program in ipairs(programs) do
    local parts, last = {}, 0
    for _, f in ipairs(program.functions) do
      assert(f.start >= last and f.start % 4 == 0 and f.size > 0 and f.size % 4 == 0, f.name)
      parts[#parts + 1] = varint((f.start - last) // 4) .. varint(f.size // 4) .. varint(wanted[f.name])
      last = f.start + f.size
    end
    bodies[i] = table.concat(parts)
    heads[i] = PROGRAM:pack(program.identity, offset, #bodies[i], #parts, wanted[program.name], 0)
    offset = offset + #bodies[i]
  end
  return HEADER:pack(MAGIC, VERSION, #programs, offset, at) .. table.concat(heads) .. table.concat(bodies)
    .. table.concat(pool)
end

local Program = {}
Program.__index = Program

-- The function at an address counted from the program's base, and how far inside it; nil: none.
function Program:at(offset)
  local low, high = 1, #self.starts
  while low <= high do
    local middle = (low + high) // 2
    if self.starts[middle] > offset then
      high = middle - 1
    elseif self.starts[middle] + self.sizes[middle] <= offset then
      low = middle + 1
    else
      return self.file:text(self.names[middle]), offset - self.starts[middle]
    end
  end
  return nil
end

local File = {}
File.__index = File

function File:text(offset)
  return ("z"):unpack(self.bytes, self.names_at + offset + 1)
end

-- The symbols of a program; nil: the file has none.
function File:program(identity)
  local low, high = 0, self.count - 1
  while low <= high do
    local middle = (low + high) // 2
    local found, offset, size, count, name =
      PROGRAM:unpack(self.bytes, HEADER_SIZE + PROGRAM_SIZE * middle + 1)
    if found == identity then return self:read(offset, size, count, name) end
    if math.ult(found, identity) then low = middle + 1 else high = middle - 1 end
  end
  return nil
end

function File:read(offset, size, count, name)
  local at, stop = offset + 1, offset + size
  local function number()
    local value, shift = 0, 0
    while true do
      local byte = at <= stop and self.bytes:byte(at) or error("symbols: cut off", 0)
      at = at + 1
      value = value | (byte & 127) << shift
      if byte < 128 then return value end
      shift = shift + 7
    end
  end
  local program = setmetatable({ file = self, name = self:text(name), starts = {}, sizes = {}, names = {} },
    Program)
  local last = 0
  for i = 1, count do
    program.starts[i] = last + number() * 4
    program.sizes[i] = number() * 4
    program.names[i] = number()
    last = program.starts[i] + program.sizes[i]
  end
  return program
end

-- The symbols in a file's bytes. nil, message when it is not one.
function M.open(bytes)
  if #bytes < HEADER_SIZE then return nil, "symbols: not a file of symbols" end
  local magic, version, count, names_at, names_size = HEADER:unpack(bytes)
  if magic ~= MAGIC or version ~= VERSION or names_at + names_size > #bytes
      or HEADER_SIZE + PROGRAM_SIZE * count > names_at then
    return nil, "symbols: not a file of symbols of version 1"
  end
  return setmetatable({ bytes = bytes, count = count, names_at = names_at }, File)
end

return M
