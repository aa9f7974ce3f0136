-- The shell's line editor against a screen that obeys what it prints, and against a simple model of the line.
package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")
local cells = require("swos.cells")
local Editor = require("swos.sh.editor")
local histories = require("swos.sh.history")
local keys = require("swos.keys")

-- ---- a screen of endless height

local Screen = {}
Screen.__index = Screen

local CELLS = { ["漢"] = 2, ["字"] = 2, ["👍"] = 2, ["\u{301}"] = 0 }

local function new_screen(width)
  return setmetatable({ width = width, row = 1, column = 0, rows = { {} }, bells = 0 }, Screen)
end

function Screen:down()
  self.row, self.wrapped = self.row + 1, false
  self.rows[self.row] = self.rows[self.row] or {}
end

function Screen:print(character)
  local wide = CELLS[character] or 1
  if wide == 0 then
    self.rows[self.last_row][self.last_column] = self.rows[self.last_row][self.last_column] .. character
    return
  end
  tap.check(wide <= self.width, "a wide character in one column")
  if self.wrapped then
    self:down()
    self.column = 0
  end
  tap.check(self.column + wide <= self.width, "a wide character at the margin")
  self.rows[self.row][self.column] = character
  if wide == 2 then self.rows[self.row][self.column + 1] = "" end
  self.last_row, self.last_column = self.row, self.column
  self.column = self.column + wide
  if self.column == self.width then self.column, self.wrapped = self.width - 1, true end
end

function Screen:erase(row, from)
  tap.check(not self.wrapped, "erased while the wrap waits")
  for column = from, self.width do self.rows[row][column] = nil end
end

local CONTROL = {
  ["\a"] = function(self) self.bells = self.bells + 1 end,
  ["\b"] = function(self)
    tap.check(self.column > 0)
    self.column, self.wrapped = self.column - 1, false
  end,
  ["\r"] = function(self) self.column, self.wrapped = 0, false end,
  ["\n"] = function(self) -- the terminal makes a return of it, too
    self:down()
    self.column = 0
  end,
}

local SEQUENCES = {
  A = function(self, count)
    tap.check(count < self.row, "above the first row")
    self.row = self.row - count
  end,
  B = function(self, count)
    tap.check(self.row + count <= #self.rows, "below the last row")
    self.row = self.row + count
  end,
  C = function(self, count)
    tap.check(self.column + count < self.width)
    self.column = self.column + count
  end,
  D = function(self, count)
    tap.check(self.column - count >= 0)
    self.column = self.column - count
  end,
  J = function(self)
    self:erase(self.row, self.column)
    for row = self.row + 1, #self.rows do self.rows[row] = {} end
  end,
  K = function(self) self:erase(self.row, self.column) end,
  H = function(self) self.row, self.column = 1, 0 end,
  m = function() end,
  n = function(self) self.asked = true end,
  h = function(self) self.brackets = true end,
  l = function(self) self.brackets = false end,
}

function Screen:show(text)
  local at = 1
  while at <= #text do
    local parameters, final, behind = text:match("^\27%[([0-?]*)(%a)()", at)
    if final == "J" and parameters == "2" then
      self.rows, at = { {} }, behind
    elseif final == "H" and parameters ~= "" then
      at = behind -- only in the question, which comes back
    elseif final then
      tap.check(SEQUENCES[final], "unknown sequence %q", final)
      if not ("mhlJK"):find(final, 1, true) then self.wrapped = false end
      SEQUENCES[final](self, tonumber(parameters) or 1)
      at = behind
    elseif text:find("^\27[78]", at) then
      if text:sub(at + 1, at + 1) == "7" then
        self.saved = { self.row, self.column }
      else
        self.row, self.column = table.unpack(self.saved)
      end
      at = at + 2
    else
      local character = text:match("^[%z\1-\127\xc2-\xf4][\x80-\xbf]*", at)
      tap.check(character, "not UTF-8 at %q", text:sub(at, at + 5))
      at = at + #character
      if CONTROL[character] then
        CONTROL[character](self)
      else
        tap.check(not character:find("^%c"), "control character %q", character)
        self:print(character)
      end
    end
  end
end

function Screen:lines()
  local out = {}
  for row = 1, #self.rows do
    local line = {}
    for column = 0, self.width - 1 do line[#line + 1] = self.rows[row][column] or " " end
    out[row] = table.concat(line):gsub(" +$", "")
  end
  while out[1] and out[#out] == "" do out[#out] = nil end
  return table.concat(out, "\n")
end

-- Where text stands: the lines, and row and column of the cursor behind the first `cursor` units.
local function laid_out(units, cursor, width)
  local rows, row, column = { {} }, 1, 0
  local function step(text)
    if column == width then
      row, column = row + 1, 0
      rows[row] = rows[row] or {}
    end
    rows[row][column + 1] = text
    column = column + 1
  end
  local cursor_row, cursor_column
  local function note()
    cursor_row, cursor_column = row, column
    if column == width then cursor_row, cursor_column = row + 1, 0 end
  end
  for i, unit in ipairs(units) do
    local wide = CELLS[unit:match("^[%z\1-\127\xc2-\xf4][\x80-\xbf]*") or ""]
    if column == width and unit ~= "\n" then row, column, rows[row + 1] = row + 1, 0, {} end
    if wide == 2 and width > 1 and column == width - 1 then
      step(" ")
      row, column, rows[row + 1] = row + 1, 0, {}
    end
    if i == cursor + 1 then note() end
    if unit == "\n" then
      if column == width then row, rows[row + 1] = row + 1, {} end
      row, column = row + 1, 0
      rows[row] = {}
    elseif unit == "\t" then
      for _ = 1, math.min(8 - column % 8, width - column) do step(" ") end
    elseif wide == 2 and width > 1 then
      step(unit)
      step("")
    elseif wide == 2 then
      step("?")
    elseif wide == 0 then
      step(" " .. unit)
    elseif unit:find("^%c") then
      step("^")
      step(string.char(unit:byte() ~ 64))
    elseif unit:find("^[\x80-\xff]$") then
      for shown in ("<%02X>"):format(unit:byte()):gmatch(".") do step(shown) end
    else
      step(unit)
    end
  end
  if cursor >= #units then note() end
  local lines = {}
  for i = 1, #rows do lines[i] = table.concat(rows[i]):gsub(" +$", "") end
  while lines[1] and lines[#lines] == "" do lines[#lines] = nil end
  return table.concat(lines, "\n"), cursor_row, cursor_column
end

-- ---- typing

local PROMPT = "me:/$ "

local function new(options)
  options = options or {}
  local history = histories.new()
  for _, line in ipairs(options.history or {}) do history:add(line) end
  local width = options.width or 80
  local it = { screen = new_screen(width), width = width, prompt = options.prompt or PROMPT,
    history = history,
    editor = Editor.new({ history = history, complete = options.complete }), ask = options.ask,
    brackets = options.brackets }
  it.screen:show(it.editor:start(it.prompt, width, it.ask, it.brackets))
  return it
end

-- Feeds bytes in one piece, or in pieces of `size`.
local function type_keys(it, bytes, size)
  local event, text
  for at = 1, #bytes, size or #bytes do
    local out
    out, event, text = it.editor:feed(bytes:sub(at, at + (size or #bytes) - 1))
    it.output = out
    it.screen:show(out)
    if event then break end
  end
  return event, text
end

local function units_of(text) return cells.split(text, {}) end

local function line_of(it) return table.concat(it.editor.chars) end

-- The screen shows prompt and line, the cursor is in its place.
local function check_screen(it, what)
  local units = units_of(it.prompt)
  local before = #units
  table.move(it.editor.chars, 1, #it.editor.chars, before + 1, units)
  local lines, row, column = laid_out(units, before + it.editor.cursor, it.width)
  tap.equal(it.screen:lines(), lines, what)
  tap.equal(it.screen.row, row, "row: " .. what)
  tap.equal(it.screen.column, column, "column: " .. what)
  tap.check(not it.screen.wrapped, "%s: the wrap waits", what)
end

-- After the keys, the line with | at the cursor; with all ways to cut what is typed.
local function expect_line(bytes, wanted, options)
  for _, size in ipairs({ 1, 2, 3, 5, 1000 }) do
    local it = new(options)
    type_keys(it, bytes, size)
    local chars = it.editor.chars
    local left = table.concat(chars, "", 1, it.editor.cursor)
    local right = table.concat(chars, "", it.editor.cursor + 1)
    tap.equal(left .. "|" .. right, wanted, ("%q in pieces of %d"):format(bytes, size))
    check_screen(it, ("%q"):format(bytes))
  end
end

tap.test("what is typed, moves and deletions", function()
  for bytes, wanted in pairs({
    ["abc"] = "abc|", ["abc\27[Dx"] = "abx|c", ["abc\2x"] = "abx|c", ["abc\27ODx"] = "abx|c",
    ["abc\1x"] = "x|abc", ["abc\27[Hx"] = "x|abc", ["abc\27OHx"] = "x|abc", ["abc\27[1~x"] = "x|abc",
    ["abc\27[7~x"] = "x|abc", ["abc\1\5x"] = "abcx|", ["abc\1\27[F"] = "abc|", ["abc\1\27OF"] = "abc|",
    ["abc\1\27[4~"] = "abc|", ["abc\1\27[8~"] = "abc|", ["abc\1\6"] = "a|bc", ["abc\1\27[C"] = "a|bc",
    ["abc\127"] = "ab|", ["abc\8"] = "ab|", ["\127a"] = "a|", ["abc\1\27[3~"] = "|bc", ["abc\1\4"] = "|bc",
    ["abc\4"] = "abc|", ["one two\23"] = "one |", ["one two  \23"] = "one |", ["one a/b\27\127"] = "one a/|",
    ["one two\1\11\25\25"] = "one twoone two|", ["one two\2\2\21"] = "|wo", ["one two\27b\11"] = "one |",
    ["one two\1\27d\25"] = "one| two", ["one two\27b\27bX"] = "X|one two", ["one two\1\27f"] = "one| two",
    ["one two\27[1;5Dx"] = "one x|two", ["one two\27[5Dx"] = "one x|two", ["one two\27Odx"] = "one x|two",
    ["one two\27\27[Dx"] = "one x|two", ["one two\27[1;3Dx"] = "one x|two",
    ["one two\1\27[1;5C"] = "one| two", ["one two\1\27Oc"] = "one| two", ["abc\20"] = "acb|",
    ["abc\2\2\20"] = "ba|c", ["a\20"] = "a|", ["\20"] = "|", ["one two\23\23\25"] = "one two|",
    ["a b\23x\23\25"] = "a x|", ["a b c\1\27d\27d\25"] = "a b| c",
    ["a\27[15~b\27OPc\27[[Ad\27[1;2Pe"] = "abcde|", ["a\27\27x"] = "a|", ["a\27[\1b"] = "b|a",
    ["a\0b\15c"] = "abc|", ["漢字\2x"] = "漢x|字", ["漢字\127"] = "漢|", ["e\u{301}x\2\127"] = "|x",
    ["ab\2\u{301}c"] = "a\u{301}c|b", ["\u{301}a"] = "\u{301}a|", ["a\xffb\127"] = "a\xff|",
    ["\xe4\xbd"] = "|", ["\xe4\xbda"] = "\xe4\xbda|", ["\xc0\x80"] = "\xc0\x80|", ["x\xf5"] = "x\xf5|",
    ["a\27[20" .. ("1"):rep(40) .. "b"] = "a" .. "20" .. ("1"):rep(40) .. "b|",
  }) do expect_line(bytes, wanted) end
end)

tap.test("a letter at the end costs its own byte, in a row only", function()
  local it = new()
  type_keys(it, "x")
  tap.equal(it.output, "x")
  type_keys(it, "漢")
  tap.equal(it.output, "漢")
  type_keys(it, "\27[D")
  tap.equal(it.output, "\b\b")
end)

tap.test("Enter, Ctrl-D, Ctrl-C", function()
  for _, ending in ipairs({ "\r", "\n", "\27OM" }) do
    for width = 1, 20 do
      local it = new({ width = width })
      local event, text = type_keys(it, "some words\1\6" .. ending)
      tap.equal(event, "line")
      tap.equal(text, "some words")
      local lines, _, _ = laid_out(units_of(PROMPT .. "some words"), 0, width)
      tap.equal(it.screen:lines(), lines)
      tap.equal(it.screen.column, 0)
      tap.equal(it.screen.row, select(2, lines:gsub("\n", "")) + 2, "no row is left empty at " .. width)
    end
  end
  tap.equal((type_keys(new(), "\4")), "end")
  tap.equal((type_keys(new(), "a\127\4")), "end")
  local it = new()
  tap.equal((type_keys(it, "abc\1\3")), "interrupt")
  tap.equal(it.screen:lines(), PROMPT .. "abc^C")
  it = new()
  type_keys(it, "abc\1")
  it.screen:show(it.editor:abandon())
  tap.equal(it.screen:lines(), PROMPT .. "abc^C")
  tap.equal(it.screen.row, 2)
end)

tap.test("what follows a line belongs to the next", function()
  local it = new()
  local _, text = type_keys(it, "one\rtwo")
  tap.equal(text, "one")
  it.screen:show(it.editor:start(PROMPT, 80))
  type_keys(it, "\r")
  tap.equal(it.screen:lines(), PROMPT .. "one\n" .. PROMPT .. "two")
end)

tap.test("pasted text is not obeyed", function()
  for paste, wanted in pairs({ ["a\rb"] = "a\nb|", ["a\r\nb\n"] = "a\nb\n|", ["\1\27[Dx\t"] = "\1\27[Dx\t|",
    ["\27[201"] = "\27[201|", ["漢\xe4"] = "漢\xe4|" }) do
    expect_line("\27[200~" .. paste .. "\27[201~", wanted)
    for width = 1, 9 do
      local it = new({ width = width })
      type_keys(it, "xy\2\27[200~" .. paste .. "\27[201~")
      check_screen(it, ("pasted %q at %d"):format(paste, width))
    end
  end
  local it = new({ brackets = true })
  tap.check(it.screen.brackets)
  type_keys(it, "a\r")
  tap.check(not it.screen.brackets)
end)

tap.test("history", function()
  local history = { "one", "two 漢", "for x\ndo y\ndone" }
  for bytes, wanted in pairs({ ["\27[A"] = history[3] .. "|", ["\16\16"] = "two 漢|",
    ["\16\16\16\16"] = "one|",
    ["ab\16\14"] = "ab|", ["ab\27[A\27[A\27[B\27[B\27[B"] = "ab|", ["\14x"] = "x|",
    ["\18o"] = "f|or x\ndo y\ndone", ["\18ne"] = "for x\ndo y\ndo|ne", ["\18ne\18"] = "o|ne",
    ["\18ne\18\19"] = "for x\ndo y\ndo|ne", ["abc\2\18two\7"] = "ab|c", ["\18tw\27[C!"] = "t!|wo 漢",
    ["\18two\127\127\127on\27OF"] = history[3] .. "|", ["\18zz\5"] = "|", ["q\18zz\5"] = "q|",
    ["\18漢"] = "two |漢", ["\18tw\16"] = "one|", ["\18one\7\18tw\27[F\1\18\18"] = "|two 漢" }) do
    for _, size in ipairs({ 1, 1000 }) do
      local it = new({ history = history })
      type_keys(it, bytes, size)
      local chars, cursor = it.editor.chars, it.editor.cursor
      tap.equal(table.concat(chars, "", 1, cursor) .. "|" .. table.concat(chars, "", cursor + 1), wanted,
        ("%q"):format(bytes))
      if not it.editor.search then check_screen(it, ("%q"):format(bytes)) end
    end
  end
  local it = new({ history = history })
  type_keys(it, "\18tw")
  tap.equal(it.screen:lines(), "(reverse-search)'tw': two 漢")
  type_keys(it, "x")
  tap.equal(it.screen:lines(), "(failed reverse-search)'twx': two 漢")
  type_keys(it, "\127\r")
  tap.equal(it.screen:lines(), PROMPT .. "two 漢")
  tap.equal((type_keys(new(), "\16")), nil)
  it = new({ history = history })
  type_keys(it, "\18one\1\21\18\18")
  tap.equal(line_of(it), "one", "the text searched for last")
end)

tap.test("the last word of lines before", function()
  local history = { "one", "cp a 'b c'", "echo x; ls \"q r\"\\ s ", "tail" }
  for bytes, wanted in pairs({ ["cat \27."] = "cat tail|", ["\27.\27."] = "\"q r\"\\ s|",
    ["ab\2\27_\27.\27."] = "a'b c'|b", ["\27.\27.\27.\27.\27.x"] = "onex|", ["\27.x\27."] = "tailxtail|",
    ["\27.\27.\2\27."] = "\"q r\"\\ tail|s" }) do
    expect_line(bytes, wanted, { history = history })
  end
  expect_line("a\27.", "a|")
end)

tap.test("the list of lines", function()
  local history = histories.new()
  tap.check(history:add("a"))
  tap.check(not history:add("a"))
  tap.check(not history:add(" \n"))
  tap.check(history:add("b"))
  tap.check(history:add("a"))
  for i = 1, 600 do history:add("line " .. i) end
  tap.equal(history.last - history.first + 1, 500)
  tap.equal(history[history.last], "line 600")
  for i = 1, 10 do history:add(i .. ("x"):rep(20000)) end
  tap.check(history.bytes <= 65536)
  tap.equal(history.last - history.first + 1, 3)
  local kept = 0
  for key in pairs(history) do kept = kept + (math.type(key) and 1 or 0) end
  tap.equal(kept, 3, "entries that are gone are gone")
  history:set_limit(0)
  tap.equal(history.last, 0)
  tap.equal(history.bytes, 0)
  tap.check(not history:add("a"))
  for _, text in ipairs({ "a\nb\\n\\", "\\\\\n" }) do
    tap.lacks(histories.encode(text), "\n")
    tap.equal(histories.decode(histories.encode(text)), text)
  end
end)

tap.test("columns", function()
  for text, wanted in pairs({ [""] = 0, a = 1, ["\u{2ff}"] = 1, ["a\u{300}"] = 1, ["a\u{36f}b"] = 2,
    ["\u{370}"] = 1, ["\u{10ff}"] = 1, ["\u{1100}"] = 2, ["\u{115f}"] = 2, ["\u{1160}"] = 1,
    ["\u{303f}"] = 1, ["\u{20000}"] = 2, ["\u{3fffd}"] = 2, ["\u{9f}"] = 8, ["\u{a0}"] = 1, ["\1"] = 2,
    ["\127"] = 2, ["\x80"] = 4, ["\xed\xa0\x80"] = 12, ["\xc2\x80"] = 8, ["\xf4\x90\x80\x80"] = 16,
    ["\u{e0100}"] = 1, ["e" .. ("\u{301}"):rep(20)] = 2 }) do
    tap.equal(select(2, cells.printable(text)), wanted, ("%q"):format(text))
  end
  tap.equal((cells.printable("a\27b")), "a^[b")
  tap.equal((cells.printable("\u{9b}")), "<U+009B>", "a control sequence of one character")
end)

tap.test("completion: inserts, rings, lists, asks", function()
  local function completes(keep, text, items)
    return function() return { keep = keep, text = text, items = items } end
  end
  local it = new({ complete = completes(3, "file ", { "file" }) })
  type_keys(it, "ls fi\t")
  tap.equal(line_of(it), "ls file ")
  tap.equal(it.screen.bells, 0)
  it = new({ complete = completes(0, "ab", { "abc", "abd" }), width = 20 })
  type_keys(it, "a;z\27[D\27[D\t")
  tap.equal(line_of(it), "ab;z")
  tap.equal(it.screen.bells, 1)
  type_keys(it, "\t")
  tap.equal(it.screen:lines(), PROMPT .. "ab;z\nabc  abd\n" .. PROMPT .. "ab;z")
  tap.equal(it.screen.column, #PROMPT + 2)
  it = new({ complete = function() end })
  type_keys(it, "\t\t")
  tap.equal(it.screen.bells, 2)
  local many = {}
  for i = 1, 101 do many[i] = ("n%03d"):format(i) end
  it = new({ complete = completes(0, "n", many) })
  type_keys(it, "n\t\t")
  tap.contains(it.screen:lines(), "Display all 101 possibilities? (y or n)")
  type_keys(it, "n")
  tap.equal(it.screen:lines():match("[^\n]*$"), PROMPT .. "n")
  tap.lacks(it.screen:lines(), "n002")
  type_keys(it, "\t\ty")
  tap.contains(it.screen:lines(), "\nn001  n009")
  tap.equal(it.screen:lines():match("[^\n]*$"), PROMPT .. "n")
  tap.equal(line_of(it), "n")
  type_keys(it, "x")
  tap.equal(it.screen:lines():match("[^\n]*$"), PROMPT .. "nx")
  for width = 4, 12 do
    it = new({ complete = completes(0, "ab", { "漢字", "abd", "x" }), width = width })
    type_keys(it, "ab\t\t")
    tap.equal(it.screen.column, (#PROMPT + 2) % width)
  end
end)

tap.test("the window's size", function()
  local it = new({ ask = true })
  tap.check(it.screen.asked)
  tap.equal(it.screen:lines() .. " ", PROMPT)
  type_keys(it, "ab\27[40;132Rc", 1)
  tap.equal(line_of(it), "abc")
  tap.same(it.editor.size, { 40, 132 })
  tap.equal(it.editor.width, 132)
  it = new()
  type_keys(it, "\27[40;132R")
  tap.equal(it.editor.size, nil, "nobody asked")
  it = new({ width = 10 })
  type_keys(it, "\12")
  tap.check(it.screen.asked)
  type_keys(it, ("x"):rep(30))
  it.screen.width, it.width = 20, 20
  it.screen.rows = { {}, {}, {}, {} } -- a terminal that does not wrap anew, and clears
  type_keys(it, "\27[24;20R")
  check_screen(it, "after a change of the size")
end)

tap.test("Ctrl-L", function()
  for width = 1, 15 do
    local it = new({ width = width })
    type_keys(it, "some words\2\2\12")
    check_screen(it, "cleared at " .. width)
  end
end)

tap.test("prompts with colours and rows", function()
  local it = new({ width = 12, prompt = "\27[1;32mgreen\27[m\n$ " })
  it.prompt = "green\n$ "
  type_keys(it, "ab\1漢漢漢漢漢漢漢")
  check_screen(it, "coloured prompt")
  type_keys(it, "\18\7")
  check_screen(it, "coloured prompt again")
end)

-- ---- random keys against a simple model

local TEXTS = { "a", "b", " ", "/", "é", "漢", "👍", "\u{301}", "\xff", "word ", "longer words" }

local function model_new(history)
  return { units = {}, cursor = 0, history = history, at = #history + 1, killed = "", draft = "" }
end

local function before(m) return table.concat(m.units, "", 1, m.cursor) end
local function behind(m) return table.concat(m.units, "", m.cursor + 1) end
local function word(unit) return unit:find("^[%w_\x80-\xff]") end
local function solid(unit) return unit:find("^%S") end

local function set(m, left, right)
  m.units = units_of(left)
  m.cursor = #m.units
  for _, unit in ipairs(units_of(right)) do m.units[#m.units + 1] = unit end
end

local function insert(m, text)
  local at = 1
  while at <= #text do
    local character = text:sub(at, at + cells.length(text, at) - 1)
    at = at + #character
    if m.cursor > 0 and cells.joins(m.units[m.cursor], character) then
      m.units[m.cursor] = m.units[m.cursor] .. character
    else
      m.cursor = m.cursor + 1
      table.insert(m.units, m.cursor, character)
    end
  end
end

local function cut(m, first, last)
  local out = {}
  for _ = first, last do out[#out + 1] = table.remove(m.units, first) end
  if last >= first then m.cursor = first - 1 end
  return table.concat(out)
end

local function back(m, belongs)
  local at = m.cursor
  while at > 0 and not belongs(m.units[at]) do at = at - 1 end
  while at > 0 and belongs(m.units[at]) do at = at - 1 end
  return at
end

local function forth(m)
  local at = m.cursor
  while at < #m.units and not word(m.units[at + 1]) do at = at + 1 end
  while at < #m.units and word(m.units[at + 1]) do at = at + 1 end
  return at
end

local function killed(m, first, last)
  local is_back = first <= m.cursor
  local text = cut(m, first, last)
  if not m.goes_on then m.killed = "" end
  m.killed = is_back and text .. m.killed or m.killed .. text
  m.kills = true
end

local function recall(m, step)
  local at = m.at + step
  if at < 1 or at > #m.history + 1 then return end
  if m.at == #m.history + 1 then m.draft = before(m) .. behind(m) end
  m.at = at
  set(m, m.history[at] or m.draft, "")
end

local ACTIONS = {
  { "\27[D", function(m) m.cursor = math.max(0, m.cursor - 1) end },
  { "\27OC", function(m) m.cursor = math.min(#m.units, m.cursor + 1) end },
  { "\1", function(m) m.cursor = 0 end }, { "\27[F", function(m) m.cursor = #m.units end },
  { "\127", function(m) cut(m, math.max(1, m.cursor), m.cursor) end },
  { "\27[3~", function(m) cut(m, m.cursor + 1, math.min(m.cursor + 1, #m.units)) end },
  { "\23", function(m) killed(m, back(m, solid) + 1, m.cursor) end },
  { "\27\127", function(m) killed(m, back(m, word) + 1, m.cursor) end },
  { "\27d", function(m) killed(m, m.cursor + 1, forth(m)) end },
  { "\11", function(m) killed(m, m.cursor + 1, #m.units) end },
  { "\21", function(m) killed(m, 1, m.cursor) end },
  { "\25", function(m) insert(m, m.killed) end },
  { "\27b", function(m) m.cursor = back(m, word) end }, { "\27[1;5C", function(m) m.cursor = forth(m) end },
  { "\20", function(m)
    local at = math.min(m.cursor, #m.units - 1)
    if at < 1 then return end
    m.units[at], m.units[at + 1] = m.units[at + 1], m.units[at]
    m.cursor = at + 1
  end },
  { "\27[A", function(m) recall(m, -1) end }, { "\14", function(m) recall(m, 1) end },
  { "\27[200~a\rb\t\1\27[201~", function(m) insert(m, "a\nb\t\1") end },
  { "\12", function() end }, { "\18o\7", function() end },
}

local seed = tonumber(os.getenv("SEED") or "") or 20240611

tap.test("random keys at all widths", function()
  math.randomseed(seed)
  local history = { "one", "two 漢字漢字漢字", "for x\ndo y\ndone", ("long "):rep(30) }
  for round = 1, 400 do
    local width = (round - 1) % 80 + 1
    local it, m = new({ width = width, history = history }), model_new(history)
    local log = {}
    for _ = 1, 40 do
      local bytes = {}
      for _ = 1, math.random(3) do
        m.goes_on, m.kills = m.kills, nil
        if math.random() < 0.5 then
          local text = TEXTS[math.random(#TEXTS)]
          bytes[#bytes + 1] = text
          insert(m, text)
        else
          local action = ACTIONS[math.random(#ACTIONS)]
          bytes[#bytes + 1] = action[1]
          action[2](m)
        end
      end
      local text = table.concat(bytes)
      log[#log + 1] = ("%q"):format(text)
      local what = ("seed %d, width %d: %s"):format(seed, width, table.concat(log, " "))
      local event = type_keys(it, text, math.random() < 0.5 and math.random(4) or nil)
      tap.equal(event, nil, what)
      tap.equal(line_of(it), before(m) .. behind(m), what)
      tap.equal(it.editor.cursor, m.cursor, what)
      check_screen(it, what)
    end
  end
end)

tap.test("random bytes do no harm", function()
  math.randomseed(seed)
  for _ = 1, 300 do
    local it = new({ width = math.random(40), history = { "one", "two" },
      complete = function(left) return { keep = #left, text = "x", items = { "x", "y" } } end })
    for _ = 1, 30 do
      local bytes = {}
      for i = 1, math.random(6) do
        bytes[i] = math.random() < 0.3 and "\27[" or string.char(math.random(0, 255))
      end
      local _, event = it.editor:feed(table.concat(bytes))
      if event then it.editor:start(PROMPT, it.width) end
    end
    tap.check(#it.editor.input < 64, "input waits for ever")
  end
end)

tap.test("keys say when they need more", function()
  for _, bytes in ipairs({ "\27", "\27[", "\27[1;", "\27O", "\27[[", "\27\27", "\27\27[", "\xe4", "\xe4\xbd",
    "\27\xc3" }) do
    tap.equal(keys.decode(bytes, 1), nil, ("%q"):format(bytes))
  end
end)

tap.test("what is said to be elsewhere is not here", function()
  for name in pairs(require("swos.sh.elsewhere")) do
    local file = io.open("docs/commands/" .. name .. ".md")
    tap.check(not file, "%s has a page", name)
    if file then file:close() end
  end
end)

tap.done()
