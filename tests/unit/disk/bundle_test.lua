-- The host's ELF layout and the boot bundle tool.

package.path = "lua/?.lua;scripts/host/?.lua;tests/lib/?.lua;" .. package.path
package.cpath = "build/host/lua/?.so;" .. package.cpath
local tap = require("tap")
local disk = require("disk")
local crypto = require("swcrypto")
local elf = require("elf")

-- A program: a page of tables, a page of text, data at 0x3040 with two relocated words.
-- `change` edits the fields before they are packed.
local function program(change)
  local f = {
    kind = 3, machine = 183, entry = 0x1004, relocation = 1027,
    tables = { 1, 4, 0, 0, 0, 0x1000, 0x1000, 0x1000 },
    text = { 1, 5, 0x1000, 0x1000, 0, 0x1000, 0x1000, 0x1000 },
    data = { 1, 6, 0x2040, 0x3040, 0, 0x100, 0x5000, 0x1000 },
    dynamic = { 2, 6, 0x300, 0x300, 0, 64, 64, 8 },
    tags = { 7, 0x200, 8, 72, 9, 24, 0, 0 },
    words = { 0x3040, 0x30f8 },
  }
  if change then change(f) end
  local header = ("<c16I2I2I4I8I8I8I4I2I2I2I2I2I2"):pack("\x7fELF\2\1\1" .. ("\0"):rep(9), f.kind,
    f.machine, 1, f.entry, 64, 0, 0, 64, 56, 5, 0, 0, 0)
  local programs = ""
  for _, p in ipairs({ f.tables, f.text, f.data, f.dynamic,
      { 0x6474e551, 6, 0, 0, 0, 0, 0x8000, 16 } }) do
    programs = programs .. ("<I4I4i8i8i8i8i8i8"):pack(table.unpack(p))
  end
  local function place(bytes, offset, more)
    return bytes .. ("\0"):rep(offset - #bytes) .. more
  end
  local bytes = place(header .. programs, 0x200, ("<i8i8i8i8i8i8i8i8i8"):pack(
    f.words[1], f.relocation, 0x1004, f.words[2], 1027, 0x2000, 0, 0, 0))
  bytes = place(bytes, 0x300, ("<i8i8i8i8i8i8i8i8"):pack(table.unpack(f.tags)))
  bytes = place(bytes, 0x1000, ("T"):rep(0x1000))
  return place(bytes, 0x2040, ("D"):rep(0x100))
end

tap.test("a program is laid out as it lies in memory", function()
  local layout = tap.check(elf.layout(program()))
  tap.equal(#layout.segments, 3)
  tap.equal(layout.span, 0x9000)
  tap.equal(layout.entry, 0x1004)
  tap.equal(layout.stack_size, 0x8000)
  tap.equal(layout.segments[2].flags, elf.EXECUTE)
  tap.equal(layout.segments[3].flags, elf.WRITE)
  tap.equal(layout.segments[3].offset, 0x3000)
  tap.equal(layout.segments[3].file_size, 0x140)
  tap.equal(layout.segments[3].pages, 6)
  tap.equal(#layout.content, 0x3140)
  tap.equal(table.concat(layout.relocations, " "), "12352 12536")
  tap.equal(("<I8"):unpack(layout.content, 0x3041), 0x1004)
  tap.equal(layout.content:sub(0x2001, 0x3040), ("\0"):rep(0x1040), "what lies between")
  tap.equal(("<I8"):unpack(elf.relocate(layout, 0x10000000), 0x30f9), 0x10002000)
end)

local refused = {
  ["another machine"] = function(f) f.machine = 62 end,
  ["a fixed address"] = function(f) f.kind = 2 end,
  ["an interpreter"] = function(f) f.dynamic[1] = 3 end,
  ["writable text"] = function(f) f.text[2] = 7 end,
  ["segments on one page"] = function(f) f.data[4] = 0x1fff end,
  ["a segment outside the file"] = function(f) f.data[3] = 1 << 40 end,
  ["a negative offset"] = function(f) f.data[3] = -4096 end,
  ["a huge segment"] = function(f) f.data[7] = 1 << 50 end,
  ["an entry in the data"] = function(f) f.entry = 0x3040 end,
  ["a relocation in the text"] = function(f) f.words[1] = 0x1000 end,
  ["an unaligned relocation"] = function(f) f.words[1] = 0x3041 end,
  ["a relocation behind the file part"] = function(f) f.words[1] = 0x3140 end,
  ["a word relocated twice"] = function(f) f.words[1] = f.words[2] end,
  ["another relocation type"] = function(f) f.relocation = 1026 end,
  ["needed libraries"] = function(f) f.tags[7] = 1 end,
  ["relocations of the text"] = function(f) f.tags[7] = 22 end,
  ["relocations outside the file"] = function(f) f.tags[2] = 0x10000 end,
}
for name, change in pairs(refused) do
  tap.test("refused: " .. name, function() tap.check(not elf.layout(program(change))) end)
end

local function make(arguments)
  local path = disk.write("")
  local command = "LUA_PATH='lua/?.lua;scripts/host/?.lua;;' LUA_CPATH='build/host/lua/?.so;;' "
    .. "lua5.4 scripts/host/mkbundle.lua --out " .. path .. " " .. arguments .. " 2>/dev/null"
  return os.execute(command) and disk.read(path)
end

tap.test("a bundle holds programs on pages and files", function()
  local bytes = program()
  local path, script = disk.write(bytes), disk.write("return 42\n")
  local bundle = tap.check(make(("keeper=%s lua=%s lua/init.lua=%s"):format(path, path, script)))
  local magic, version, count, size, keeper = ("<c8I4I4I8I4"):unpack(bundle)
  tap.equal(magic, "SWBUNDLE")
  tap.equal(version, 1)
  tap.equal(count, 3)
  tap.equal(size, #bundle)
  tap.equal(size % 4096, 0)
  tap.equal(keeper, 0)
  local entries = {}
  for i = 0, count - 1 do
    local at = 64 + 192 * i + 1
    local e = {}
    e.name, e.kind, e.relocations, e.offset, e.size, e.span, e.entry, e.words, e.segments =
      ("<zI4I4I8I8I8I8I8I4"):unpack(bundle:sub(at, at + 31):match("[^\0]*") .. "\0"
        .. bundle:sub(at + 32, at + 191))
    e.hash, e.stack = ("<c32I8"):unpack(bundle, at + 152)
    entries[e.name] = e
  end
  local lua, first = entries.lua, entries.keeper
  tap.equal(lua.offset % 4096, 0)
  tap.equal(lua.relocations, 2)
  tap.equal(lua.stack, 0x8000)
  tap.check(lua.hash == crypto.sha256(bytes))
  tap.equal(("<I4"):unpack(bundle, lua.words + 1), 0x3040)
  tap.equal(("<I8"):unpack(bundle, lua.offset + 0x3040 + 1), 0x1004)
  tap.equal(first.relocations, 0, "keeper's relocations")
  tap.equal(("<I8"):unpack(bundle, first.offset + 0x3040 + 1), 0x10001004)
  local init = entries["lua/init.lua"]
  tap.equal(init.kind, 2)
  tap.equal(bundle:sub(init.offset + 1, init.offset + init.size), "return 42\n")
end)

tap.test("Lua files become byte code on demand; broken ones are refused", function()
  local path = disk.write(program())
  local script, broken = disk.write("return 42\n"), disk.write("return return\n")
  tap.contains(make(("--lua stripped keeper=%s lua/a.lua=%s"):format(path, script)), "\x1bLua")
  tap.check(not make(("keeper=%s lua/a.lua=%s"):format(path, broken)))
  tap.check(not make(("lua=%s"):format(path)), "a bundle without keeper")
  tap.check(not make(("keeper=%s %s=%s"):format(path, ("n"):rep(32), script)), "a long name")
end)

tap.done()
