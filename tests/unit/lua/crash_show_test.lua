-- Symbols of programs, requests in words, and crash records as they are shown: also of processes that
-- left nonsense.
package.path = "tests/lib/?.lua;lua/?.lua;build/generated/lua/?.lua;" .. package.path
local tap = require("tap")
local abi = require("abi")
local crash = require("swos.crash")
local decode = require("swos.decode")
local symbols = require("swos.symbols")

local VERSION = abi.protocol.terminal.version

local function programs()
  local many = { identity = -5, name = "many", functions = {} }
  for i = 1, 3000 do
    many.functions[i] = { start = i * 1000, size = i % 200 * 4 + 4, name = "f" .. i % 1500 }
  end
  return { many, { identity = 7, name = "small", functions = {
    { start = 0, size = 8, name = "start" }, { start = 8, size = 4, name = "main" },
    { start = 4096, size = 1 << 20, name = "huge" } } }, { identity = 3, name = "none", functions = {} } }
end

tap.test("every function is found at its first and last byte, and nothing between", function()
  local list = programs()
  local file = tap.check(symbols.open(symbols.encode(list)))
  for _, p in ipairs(list) do
    local found = file:program(p.identity)
    tap.equal(found.name, p.name)
    for _, f in ipairs(p.functions) do
      for _, offset in ipairs({ 0, f.size - 1 }) do
        local name, at = found:at(f.start + offset)
        tap.equal(name, f.name)
        tap.equal(at, offset)
      end
    end
    tap.equal(found:at(-1), nil)
    tap.equal(found:at(1 << 40), nil)
  end
  tap.equal(file:program(-5):at(999), nil)
  tap.equal(file:program(-5):at(1000 + 8), nil)
  tap.equal(file:program(8), nil)
  tap.check(#file.bytes < 3000 * 10, "%d bytes", #file.bytes)
  tap.equal(symbols.encode(list), symbols.encode({ list[3], list[1], list[2] }))
end)

tap.test("a file that is none, or cut off, is refused", function()
  local bytes = symbols.encode(programs())
  for _, bad in ipairs({ "", "SWSYMBOL", ("x"):rep(100), bytes:sub(1, 2000) }) do
    tap.equal(symbols.open(bad), nil)
  end
end)

local function hex(bytes) return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

tap.test("requests are told in words, as far as their bytes go", function()
  local mode = ("<I2I2I2I2I8I4I4"):pack(3, VERSION, 2, 0, 0, 5, 1)
  local _, text = decode.request(mode)
  tap.equal(text, "terminal.set_mode mode=5 drain=1")
  _, text = decode.request(mode:sub(1, 20), 24)
  tap.equal(text, "terminal.set_mode mode=5 ...")
  local open = ("<I2I2I2I2I8I4I4I4I4"):pack(2, 1, 1, 0, 9, 3, 420, 9, 0) .. 'a"\n\xff\0bcd\27'
  _, text = decode.request(open)
  tap.equal(text, 'file.open flags=3 mode=420 path="a\\"\\n\\xff\\x00bcd\\x1b"')
  _, text = decode.request(("<I2I2I2I2I8I4I4I4I4"):pack(2, 1, 1, 0, 9, 3, 420, 1 << 31, 0) .. "abc", 35)
  tap.equal(text, 'file.open flags=3 mode=420 path="abc"')
  for _, bad in ipairs({ "", "abc", ("\xff"):rep(64), ("<I2I2I2"):pack(2, 9, 1),
    ("<I2I2I2"):pack(2, 1, 999) }) do
    tap.equal(decode.request(bad), nil)
  end
  local op = decode.request(mode)
  tap.equal(decode.reply(op, ("<i4I4"):pack(-4, 1)), "ACCESS")
  tap.equal(decode.reply(op, ("<i4I4"):pack(0, 0)), "OK")
  local get = decode.request(("<I2I2I2I2I8"):pack(3, VERSION, 1, 0, 0))
  tap.equal(decode.reply(get, ("<i4I4I4I2I2I4I4"):pack(0, 0, 7, 24, 80, 5, 0)),
    "mode=7 rows=24 columns=80 interrupts=5")
  tap.equal(decode.rights(0x132), "WRITE DUPLICATE TRANSFER BIND")
end)

local RECORD = [[
small pid 3 ended: address not mapped, address 0
pc  0000000000010008 lr  0000000000010004 sp  0 pstate 0
x00 0000000000000000
back-trace 10008 11004 10000 99999999
principal 0 session 0 threads 1 handles 2
program 0000000000000007 base 10000 at 12 ms
thread 1 crashed
  last call made, by its memory, request of 24: %s
  serves x pid 3, badge 0, secret request of 3
handles: number, type, object, rights
  10001 pipe #5 132
last log lines
[1] [E] crash: back-trace 10008
  10001 pipe #5 132
]]

tap.test("a record is shown with names; a caller without a frame stands in lr", function()
  local file = symbols.open(symbols.encode(programs()))
  local text = RECORD:format(hex(("<I2I2I2I2I8I4I4"):pack(3, VERSION, 2, 0, 0, 5, 1)))
  local shown = table.concat(crash.render(text, file), "\n")
  tap.contains(shown, "back-trace\n  #0  0000000000010008  small main+0x0\n" ..
    "  #1  0000000000010004  small start+0x4\n" ..
    "  #2  0000000000011004  small huge+0x4\n  #3  0000000000010000  small start+0x0\n" ..
      "  #4  0000000099999999  ?\n")
  tap.contains(shown, "program 0000000000000007 base 10000 at 12 ms (small)\n")
  tap.contains(shown, "  last call made, by its memory: terminal.set_mode mode=5 drain=1\n" ..
    "  serves x pid 3, badge 0, secret request of 3\n")
  tap.contains(shown, "  10001 pipe #5 WRITE DUPLICATE TRANSFER BIND\nlast log lines\n" ..
    "[1] [E] crash: back-trace 10008\n" ..
    "  10001 pipe #5 132")
  shown = table.concat(crash.render(text, nil), "\n")
  tap.contains(shown, "#0  0000000000010008  ?\n")
  tap.contains(shown, "(no symbols of it)")
end)

tap.test("what a liar left does not stop the show", function()
  math.randomseed(7)
  local file = symbols.open(symbols.encode(programs()))
  for _ = 1, 300 do
    local text = RECORD:format(hex("\3\0\1\0\2\0"))
    for _ = 1, 20 do
      local at = math.random(#text)
      text = text:sub(1, at - 1) .. string.char(math.random(32, 126)) .. text:sub(at + 1)
    end
    crash.render(text, file)
  end
end)

tap.done()
