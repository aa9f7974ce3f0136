-- Write the boot bundle:
--   mkbundle.lua --out FILE [--lua text|bytecode|stripped] [--root DIR] [NAME=PATH]...
--
-- ELF files become programs, laid out and ready to map; anything else is kept as a file.
-- keeper is relocated to its fixed base here, because the kernel only maps it. Lua files
-- (NAME lua/....lua) are kept as text unless --lua says byte code. With --root every file below
-- DIR is an entry named by its path; what lies in DIR/bin/ is named without the bin/. NAME=PATH
-- takes the place of such a file.
-- The format stands in docs/architecture.md.

local crypto = require("swcrypto")
local elf = require("elf")
local tool = require("tool")

local fail, check, quote, read_file = tool.fail, tool.check, tool.quote, tool.read_file

local KEEPER_BASE = 0x10000000
local HEADER = "<c8I4I4I8I4I4"
local ENTRY = "<c32 I4I4 I8I8I8I8I8 I4I4"
local ENTRY_SIZE, HEADER_SIZE, NAME_MAX = 192, 64, 31
local PROGRAM, FILE = 1, 2

local function padded(bytes, unit)
  return bytes .. ("\0"):rep(-#bytes % unit)
end

-- Adds what lies under a folder to the table of sources.
local function scan(root, sources)
  local list = check(io.popen("find " .. quote(root) .. " -type f -printf '%P\\0'"))
  for path in list:read("a"):gmatch("([^\0]+)\0") do
    local name = path:match("^bin/(.+)$") or path
    sources[name] = sources[name] or root .. "/" .. path
  end
  check(list:close(), root .. ": cannot be listed")
end

-- A Lua file as it is kept.
local function lua_file(name, bytes, form)
  local chunk = check(load(bytes:gsub("^#[^\n]*", ""), "@" .. name, "t"))
  return form == "text" and bytes or string.dump(chunk, form == "stripped")
end

local function program_entry(name, bytes)
  local layout, message = elf.layout(bytes)
  if not layout then fail("%s: %s", name, message) end
  local entry = { kind = PROGRAM, align = elf.PAGE, layout = layout, content = layout.content,
    relocations = layout.relocations }
  if name == "keeper" then
    entry.content, entry.relocations = elf.relocate(layout, KEEPER_BASE), {}
  end
  return entry
end

-- Packs { name, kind, content, hash, ... } entries; returns the bundle's bytes.
local function pack(entries)
  local body, position = {}, HEADER_SIZE + #entries * ENTRY_SIZE
  local function append(bytes, align)
    local gap = -position % align
    body[#body + 1] = ("\0"):rep(gap) .. bytes
    position = position + gap + #bytes
    return position - #bytes
  end
  local table_bytes, keeper = {}, nil
  -- Small things first, so that only one gap up to a page boundary precedes the programs.
  for _, entry in ipairs(entries) do
    if entry.kind == FILE then entry.offset = append(entry.content, 16) end
    if entry.kind == PROGRAM then
      entry.relocations_at = append(
        ("<" .. ("I4"):rep(#entry.relocations)):pack(table.unpack(entry.relocations)), 16)
    end
  end
  for index, entry in ipairs(entries) do
    local layout = entry.layout or { segments = {}, span = 0, entry = 0, stack_size = 0 }
    if entry.kind == PROGRAM then entry.offset = append(entry.content, elf.PAGE) end
    if entry.name == "keeper" then keeper = index - 1 end
    local segments = {}
    for at, s in ipairs(layout.segments) do
      segments[at] = ("<I4I4I4I4"):pack(s.offset // elf.PAGE, s.pages, s.file_size, s.flags)
    end
    table_bytes[index] = ENTRY:pack(entry.name, entry.kind,
      entry.relocations and #entry.relocations or 0, entry.offset, #entry.content, layout.span,
      layout.entry, entry.relocations_at or 0, #layout.segments, 0)
      .. table.concat(segments) .. ("\0"):rep(64 - 16 * #segments) .. entry.hash
      .. ("<I8"):pack(layout.stack_size)
  end
  check(keeper, "no entry named keeper")
  local size = position + -position % elf.PAGE
  return padded(padded(HEADER:pack("SWBUNDLE", 1, #entries, size, keeper, 0), HEADER_SIZE)
    .. table.concat(table_bytes) .. table.concat(body), elf.PAGE)
end

local options, sources, at = { lua = "text" }, {}, 1
while arg[at] do
  local option = arg[at]:match("^%-%-(%l+)$")
  local name, path = arg[at]:match("^([^=]+)=(.+)$")
  if option then
    options[option] = arg[at + 1] or fail("%s needs a value", arg[at])
    at = at + 1
  elseif name then
    sources[name] = path
  else
    fail("%s: neither an option nor NAME=PATH", arg[at])
  end
  at = at + 1
end
if not options.out or not ({ text = true, bytecode = true, stripped = true })[options.lua] then
  fail("usage: mkbundle.lua --out FILE [--lua text|bytecode|stripped] [--root DIR] [NAME=PATH]...")
end
if options.root then scan(options.root, sources) end

local entries = {}
for name, path in pairs(sources) do
  if #name > NAME_MAX then fail("%s: name longer than %d bytes", name, NAME_MAX) end
  local bytes = read_file(path)
  local entry = elf.is_elf(bytes) and program_entry(name, bytes)
    or { kind = FILE, content = name:find("%.lua$") and lua_file(name, bytes, options.lua) or bytes }
  entry.name, entry.hash = name, crypto.sha256(bytes)
  entries[#entries + 1] = entry
end
table.sort(entries, function(a, b) return a.name < b.name end)
local bytes = pack(entries)
local out = check(io.open(options.out .. ".new", "wb"))
check(out:write(bytes))
check(out:close())
check(os.rename(options.out .. ".new", options.out))
