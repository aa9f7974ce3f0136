-- Write the names of the functions of programs and kernels (lua/swos/symbols.lua has the format):
--   mksymbols.lua OUT [--kernel FILE]... [PROGRAM FILE_WITH_SYMBOLS]...
--
-- PROGRAM is the file as it is in the image, whose hash is its identity.
local symbols = require("swos.symbols")
local crypto = require("swcrypto")
local tool = require("tool")

local fail, read_file = tool.fail, tool.read_file

local LABEL, FUNCTION = 0, 2
local BINDING_RANK = { [1] = 1, [2] = 2, [0] = 3 }  -- global, weak, local

-- Sections by name: { type, address, offset, size, link }, and by index from 0.
local function sections(bytes, path)
  if bytes:sub(1, 4) ~= "\x7fELF" then fail("%s: not an ELF file", path) end
  local at, size, count, names = ("<I8"):unpack(bytes, 41), ("<I2I2I2"):unpack(bytes, 59)
  local list = {}
  for i = 0, count - 1 do
    local s = {}
    s.name, s.type, s.flags, s.address, s.offset, s.size, s.link =
      ("<I4I4I8I8I8I8I4"):unpack(bytes, at + i * size + 1)
    list[i] = s
  end
  for i = 0, count - 1 do
    local s = list[i]
    local name = ("z"):unpack(bytes, list[names].offset + s.name + 1)
    list[name] = list[name] or s
  end
  return list
end

-- The functions of a file, sorted, one a place, none reaching into the next.
local function functions(bytes, list, base)
  local found = {}
  local symtab = list[".symtab"]
  local strings = list[symtab.link]
  for at = symtab.offset, symtab.offset + symtab.size - 24, 24 do
    local name, info, _, section, value, size = ("<I4BBI2i8I8"):unpack(bytes, at + 1)
    local text = ("z"):unpack(bytes, strings.offset + name + 1)
    -- labels of assembly have no type; mapping symbols ($x) are none
    local is_label = info & 15 == LABEL and list[section] == list[".text"] and text:find("^%a")
    if (info & 15 == FUNCTION or is_label) and section ~= 0 and value % 4 == 0 then
      -- what the compiler adds to the name of a part or a copy of a function says nothing to a reader
      text = text:gsub("%.[%l_]+%.%d+", ""):gsub("%.[%l_]+$", "")
      local s = list[section]
      found[#found + 1] = { start = value - base, size = size & ~3, name = text,
        rank = is_label and 5 or BINDING_RANK[info >> 4] or 4, limit = s and s.address + s.size - base }
    end
  end
  table.sort(found, function(a, b)
    if a.start ~= b.start then return a.start < b.start end
    if a.rank ~= b.rank then return a.rank < b.rank end
    return a.name < b.name
  end)
  local kept = {}
  for _, f in ipairs(found) do
    local last = kept[#kept]
    if last and f.start == last.start then
      last.size = math.max(last.size, f.size)
    elseif f.rank < 5 or not (last and f.start < last.start + last.size) and f.start < f.limit then
      kept[#kept + 1] = f
    end
  end
  local result = {}
  for i, f in ipairs(kept) do
    local stop = kept[i + 1] and kept[i + 1].start or f.limit
    if f.size == 0 or f.start + f.size > stop then f.size = (stop - f.start) & ~3 end  -- assembly gives none
    if f.size > 0 then result[#result + 1] = f end
  end
  return result
end

local function program(path, with_symbols)
  local bytes = read_file(with_symbols)
  return { identity = (("<i8"):unpack(crypto.sha256(read_file(path)))), name = path:match("[^/]+$"),
    functions = functions(bytes, sections(bytes, with_symbols), 0) }
end

-- As kernel/crash.c sums up its code.
local function kernel(path)
  local bytes = read_file(path)
  local list = sections(bytes, path)
  local text, sum = list[".text"], -3750763034362895579  -- 14695981039346656037
  for at = text.offset + 1, text.offset + text.size - 7, 8 do
    sum = (sum ~ ("<i8"):unpack(bytes, at)) * 1099511628211
  end
  return { identity = sum, name = "kernel", functions = functions(bytes, list, text.address) }
end

local out, programs, at = arg[1], {}, 2
if not out then fail("usage: mksymbols.lua OUT [--kernel FILE]... [PROGRAM FILE_WITH_SYMBOLS]...") end
local known = {}
while arg[at] do
  local p = arg[at] == "--kernel" and kernel(arg[at + 1]) or program(arg[at], arg[at + 1])
  if not known[p.identity] then programs[#programs + 1] = p end
  known[p.identity] = true
  at = at + 2
end
local file = assert(io.open(out, "wb"))
file:write(symbols.encode(programs))
file:close()
