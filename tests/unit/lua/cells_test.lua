-- What a terminal shows of a text, and which bytes are a key.
local tap = require("tap")
local cells = require("swos.cells")
local keys = require("swos.keys")

tap.test("characters, their stand-ins and their columns", function()
  for _, case in ipairs {
    { "a", 0, 1, "a", 1 }, { "\t", 0, 1, "        ", 8 }, { "\t", 3, 1, "     ", 5 }, { "\1", 0, 1, "^A", 2 },
    { "\127", 0, 1, "^?", 2 }, { "\0", 0, 1, "^@", 2 }, { "ä", 0, 2, "ä", 1 }, { "漢", 0, 3, "漢", 2 },
    { "😀", 0, 4, "😀", 2 }, { "\u{301}", 0, 2, "\u{301}", 0 }, { "\xff", 0, 1, "<FF>", 4 },
    { "\xc3", 0, 1, "<C3>", 4 }, { "\xc3(", 0, 1, "<C3>", 4 }, { "\u{85}", 0, 2, "<U+0085>", 8 },
    { "\xed\xa0\x80", 0, 1, "<ED>", 4 },
  } do
    local length, shown, width = cells.character(case[1], 1, case[2])
    tap.equal(length, case[3], "bytes of " .. case[4])
    tap.equal(shown, case[4])
    tap.equal(width, case[5], "columns of " .. case[4])
    tap.equal(cells.length(case[1], 1), case[3], "length of " .. case[4])
  end
end)

tap.test("characters backwards are those forwards", function()
  local alphabet = { "a", "ä", "漢", "😀", "\xff", "\x80", "\xc3", "\xe6\xbc", "\n" }
  for seed = 1, 500 do
    math.randomseed(seed)
    local text, starts, back = "", {}, {}
    for _ = 1, math.random(8) do text = text .. alphabet[math.random(#alphabet)] end
    local at = 1
    while at <= #text do
      starts[#starts + 1] = at
      at = at + cells.length(text, at)
    end
    while at > 1 do
      at = at - cells.length_before(text, at)
      table.insert(back, 1, at)
    end
    tap.check(tap.same(starts, back), "seed %d: %q", seed, text)
  end
end)

tap.test("widths and cutting", function()
  tap.equal(cells.width("a\tb"), 9)
  tap.equal(cells.width("\t", 6), 2)
  tap.equal(cells.cut("a漢b", 2), "a")
  tap.equal(cells.cut("a漢b", 3), "a漢")
  tap.equal(cells.cut("abc", 9), "abc")
end)

-- The names of the keys in bytes; "..." when more must come.
local function names(bytes, is_last)
  local list = {}
  while bytes ~= "" do
    local key, length = keys.decode(bytes, 1, is_last)
    list[#list + 1] = key or "..."
    if not key then break end
    bytes = bytes:sub(length + 1)
  end
  return table.concat(list, " ")
end

tap.test("keys", function()
  for _, case in ipairs {
    { "ab", "a b" }, { "ä漢", "ä 漢" }, { "\r\n\t", "enter enter tab" },
    { "\3\26\0", "ctrl-c ctrl-z ctrl-space" }, { "\8\127", "backspace backspace" },
    { "\27[A\27[B\27OC\27OD", "up down right left" },
    { "\27[H\27[F\27[1~\27[4~\27OH", "home end home end home" },
    { "\27[5~\27[6~\27[3~", "pageup pagedown delete" },
    { "\27[1;5C\27[1;2A\27[3;5~", "ctrl-right shift-up ctrl-delete" },
    { "\27x\27\13", "alt-x alt-enter" },
    { "\27[15~\27OP\27[24~\27[Z", "f5 f1 f12 shift-tab" }, { "\27", "..." },
    { "\27[", "..." }, { "\27[1;", "..." },
    { "\xc3", "..." }, { "\xc3x", "\xc3 x" }, { "\xff", "\xff" }, { "\xe6x", "\xe6 x" },
    { "\x80a", "\x80 a" }, { "\27\27[A", "alt-up" }, { "\27\27\27", "escape ..." },
    { "\27[99~x", "unknown x" }, { "\27[<0;1;2Mq", "unknown q" }, { "\27[\1a", "unknown ctrl-a a" },
    { "\27[200~a", "paste a" }, { "\27[24;80Rx", "size x" }, { "\27[1;6D\27[1;4C", "ctrl-left alt-right" },
    { "\27[[Ax", "f1 x" }, { "\27[[", "..." }, { "\27OM\27Od\27O5C", "enter ctrl-left ctrl-right" },
  } do
    tap.equal(names(case[1]), case[2], ("%q"):format(case[1]))
  end
  tap.equal(names("\27", true), "escape")
  tap.equal(names("\27[", true), "alt-[")
  tap.equal(names("\xc3", true), "\xc3")
  tap.equal(names("\27[1;", true), "unknown")
  tap.equal(names("\27\27", true), "escape escape")
  tap.check(tap.same({ keys.decode("a\27[24;80R", 2) }, { "size", 8, { 24, 80 } }))
end)

tap.test("no bytes make it fail or stand still", function()
  local alphabet = { "\27", "[", "O", "1", ";", "~", "A", "\xc3", "\xf0", "\x80", "x", "\0" }
  for seed = 1, 2000 do
    math.randomseed(seed)
    local bytes = ""
    for _ = 1, math.random(10) do bytes = bytes .. alphabet[math.random(#alphabet)] end
    local rest = bytes
    while rest ~= "" do
      local key, length = keys.decode(rest, 1, true)
      tap.check(key and length >= 1 and length <= #rest, "seed %d: %q", seed, bytes)
      rest = rest:sub(length + 1)
    end
  end
end)

tap.done()
