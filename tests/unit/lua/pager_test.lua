-- The pager's core: what is in view after which keys, with input that comes in pieces.
local tap = require("tap")
local pager = require("swos.pager")

local function numbered(count, width)
  local lines = {}
  for i = 1, count do lines[i] = ("line %d"):format(i) .. ("."):rep(width or 0) end
  return table.concat(lines, "\n") .. "\n"
end

local function new(text, options)
  local made = pager.new(options or { rows = 6, columns = 40 })
  made:feed(text)
  made:finish()
  return made
end

local function press(one, keys)
  local result
  for key in keys:gmatch("%S+") do result = one:key(key == "space" and " " or key) end
  return result
end

local function view(one)
  local rows, status = one:view()
  return table.concat(rows, "|"), (status:gsub("\27%[%d*m", ""))
end

tap.test("scrolling", function()
  local one = new(numbered(100))
  tap.equal(view(one), "line 1|line 2|line 3|line 4|line 5")
  for _, case in ipairs {
    { "j", "line 2" }, { "space", "line 7" }, { "k", "line 6" }, { "b", "line 1" }, { "b", "line 1" },
    { "d", "line 3" }, { "u", "line 1" }, { "G", "line 96" }, { "j", "line 96" }, { "g", "line 1" },
    { "5 0 %", "line 50" }, { "4 2 G", "line 42" }, { "4 2 g", "line 42" }, { "1 0 j", "line 52" },
    { "pagedown", "line 57" }, { "up", "line 56" }, { "end", "line 96" }, { "home", "line 1" },
    { "9 9 9 G", "line 96" }, { "1 0 k", "line 86" },
  } do
    press(one, case[1])
    tap.equal(one:view()[1], case[2], "after " .. case[1])
  end
  tap.equal(press(one, "q"), "quit")
end)

tap.test("the status line", function()
  local one = new(numbered(10), { rows = 6, columns = 40, name = "file" })
  tap.equal(select(2, view(one)), "file  lines 1-5/10 50%")
  press(one, "G")
  tap.equal(select(2, view(one)), "file  lines 6-10/10 100% (END)")
  press(one, "9 9 j")
  tap.equal(select(2, view(one)), "file  lines 6-10/10 100% (END)", "there is no more to wait for")
  press(one, "4")
  tap.equal(select(2, view(one)), ":4")
  press(one, "x /")
  press(one, "a b backspace")
  tap.equal(select(2, view(one)), "/a")
  tap.equal(select(2, view(new("", { rows = 6, columns = 40 }))), "lines 0-0/0 100% (END)")
end)

tap.test("long lines are wrapped, or cut and shifted", function()
  local one = new("0123456789abcdef\nnext\n", { rows = 6, columns = 6 })
  tap.equal(view(one), "012345|6789ab|cdef|next|")
  press(one, "- S")
  tap.equal(view(one), "012345|next|||")
  press(one, "right")
  tap.equal(view(one), "89abcd||||")
  press(one, "left - N")
  one.columns = 12
  one:key("-")
  one:key("N")
  one:key("-")
  one:key("N")
  tap.equal(view(one), "      1 0123|      2 next|||")
  tap.equal(view(new("a漢字\n", { rows = 4, columns = 4 })), "a漢|字|")
end)

tap.test("what cannot be shown has a stand-in; colours only when asked for", function()
  tap.equal(view(new("\27[1mbold\27[0m\xff\n", { rows = 2, columns = 40 })),
    "\27[0m\27[7m^[\27[0m[1mbold\27[0m\27[7m^[\27[0m[0m\27[0m\27[7m<FF>\27[0m")
  tap.equal(view(new("\27[1mbold\27[0m x\n", { rows = 2, columns = 40, colour = true })),
    "\27[0m\27[1mbold\27[0m x")
  tap.equal(view(new("\27[1mboldly\27[0m\n", { rows = 3, columns = 4, colour = true })),
    "\27[0m\27[1mbold\27[0m|\27[0m\27[1mly\27[0m")
end)

local function search(one, kind, text)
  one:key(kind)
  for letter in text:gmatch(utf8.charpattern) do one:key(letter) end
  return one:key("enter")
end

tap.test("searching", function()
  local one = new(numbered(100) .. "Last\n")
  search(one, "/", "line 5")
  tap.equal(one.top, 5)
  tap.equal(one:view()[1], "\27[0m\27[7mline 5\27[0m")
  press(one, "n")
  tap.equal(one.top, 50)
  press(one, "3 n")
  tap.equal(one.top, 53)
  press(one, "N")
  tap.equal(one.top, 52)
  search(one, "?", "line 2")
  tap.equal(one.top, 29)
  press(one, "n")
  tap.equal(one.top, 28, "n goes on backwards")
  press(one, "N")
  tap.equal(one.top, 29)
  search(one, "/", "LINE")
  tap.equal(one.top, 29, "capitals are capitals")
  tap.contains(select(2, view(one)), "LINE: not found")
  search(one, "/", "last")
  tap.equal(one.match, 101, "small letters are both")
  tap.equal(one.top, 97, "the end stays at the bottom")
  press(one, "n")
  tap.contains(select(2, view(one)), "not found")
  press(one, "g")
  search(one, "/", "%d")
  tap.contains(select(2, view(one)), "not found", "plain text")
  local wrapped = new(("x"):rep(20) .. "needle\n" .. numbered(9), { rows = 3, columns = 10 })
  search(wrapped, "/", "needle")
  tap.equal(wrapped:view()[1], "\27[0m\27[7mneedle\27[0m", "the row with the match")
end)

tap.test("input that comes in pieces, and is read only as far as is needed", function()
  local one = pager.new({ rows = 6, columns = 40 })
  tap.check(one:wants(), "nothing came, and nothing is wanted")
  one:feed("li")
  one:feed("ne 1\nline")
  tap.equal(view(one), "line 1|line|||")
  one:feed(" 2\n" .. numbered(20))
  tap.check(not one:wants(), "there are more than two pages")
  press(one, "G")
  tap.check(one:wants(), "the end is wanted")
  tap.contains(select(2, view(one)), "reading, 22 lines so far")
  one:feed(numbered(10))
  tap.equal(one.top, 1, "the end has not come")
  one:finish()
  tap.equal(one.top, 28)
  one = pager.new({ rows = 6, columns = 40 })
  one:feed(numbered(10))
  search(one, "/", "line 15")
  tap.check(one:wants(), "the match has not come")
  one:feed(numbered(20):sub(#numbered(10) + 1))
  tap.equal(one.top, 15, "the match came")
  press(one, "G")
  one:key("ctrl-c")
  one:finish()
  tap.equal(one.top, 15, "Ctrl-C took the wish back")
end)

tap.test("memory is bounded: the oldest lines go", function()
  local one = pager.new({ rows = 6, columns = 40, limit = 1000 })
  one:feed(numbered(1000))
  tap.check(one.cost <= 1000, "%d bytes are kept", one.cost)
  one:finish()
  press(one, "G")
  tap.equal(one:view()[5], "line 1000")
  press(one, "g")
  tap.contains(select(2, view(one)), "are gone")
  tap.equal(one:view()[1], "line " .. one.first)
  local lines = 0
  for _ in pairs(one.lines) do lines = lines + 1 end
  tap.equal(lines, 1000 - one.first + 1, "lines kept")
  one = pager.new({ rows = 6, columns = 40, limit = 100000 })
  for _ = 1, 100 do one:feed(("x"):rep(10000)) end
  tap.check(one.cost <= 100000 and #one.partial <= 16384, "a line without end")
end)

tap.test("following", function()
  local one = new(numbered(3))
  tap.equal(press(one, "F"), "follow")
  one:feed(numbered(10))
  tap.equal(one:view()[5], "line 10")
  one:key("ctrl-c")
  tap.equal(one.follow, nil)
end)

tap.test("words of the command line", function()
  local one = new(numbered(50))
  tap.check(one:start("+20") and one.top == 20, "+20")
  tap.check(one:start("+/line 33") and one.top == 33, "+/line 33")
  tap.check(one:start("+G") and one.top == 46, "+G")
  tap.check(not one:start("+x"), "+x")
end)

tap.test("a row that is no more when a character is whole", function()
  local one = pager.new({ rows = 2, columns = 8, wrap = true })
  one:feed("abcdef\xe6")
  press(one, "j")
  tap.contains(one:view()[1], "<E6>")
  one:feed("\xbc\xa2")
  tap.equal(one:view()[1], "abcdef漢")
end)

tap.test("random keys: what is in view is what a list of all rows says", function()
  for seed = 1, 300 do
    math.randomseed(seed)
    local lines, rows = {}, {}
    for i = 1, math.random(0, 30) do
      lines[i] = ("%d"):format(i):rep(math.random(0, 12))
      local line = lines[i]
      repeat
        rows[#rows + 1] = line:sub(1, 7)
        line = line:sub(8)
      until line == ""
    end
    local height, top = math.random(1, 8), 1
    local text = table.concat(lines, "\n") .. (#lines > 0 and "\n" or "")
    local one = new(text, { rows = height + 1, columns = 7 })
    local moves = { j = 1, k = -1, f = height, b = -height, d = height // 2, u = -(height // 2),
      G = 1000, g = -1000 }
    local pressed = {}
    for _ = 1, 40 do
      local key = ({ "j", "k", "f", "b", "d", "u", "G", "g" })[math.random(8)]
      pressed[#pressed + 1] = key
      one:key(key)
      top = math.max(1, math.min(top + moves[key], #rows - height + 1))
      local wanted = {}
      for i = 1, height do wanted[i] = rows[top + i - 1] or "" end
      tap.equal(view(one), table.concat(wanted, "|"), ("seed %d, %s"):format(seed, table.concat(pressed)))
    end
  end
end)

tap.done()
