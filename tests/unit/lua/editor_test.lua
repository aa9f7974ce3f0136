-- The editor's core: keys against a model that has the text as one string and the cursor as a place in it.
local tap = require("tap")
local cells = require("swos.cells")
local editor = require("swos.editor")

local function new(text, options)
  options = options or {}
  return editor.new({ rows = options.rows or 10, columns = options.columns or 40, name = "file", text = text,
    read_only = options.read_only })
end

local function press(one, keys)
  local result = {}
  for key in keys:gmatch("%S+") do result = { one:key(key == "space" and " " or key) } end
  return table.unpack(result)
end

local function joined(one) return table.concat(one.lines, "\n") end

tap.test("typing, deleting, cutting, pasting", function()
  for _, case in ipairs {
    { "", "a b enter c", "ab\nc\n" }, { "one\ntwo\n", "end backspace", "on\ntwo\n" },
    { "one\ntwo\n", "down backspace", "onetwo\n" }, { "one\ntwo", "end delete", "onetwo" },
    { "no end", "x", "xno end" }, { "äöü\n", "right delete", "äü\n" },
    { "a漢b\n", "end left left x", "ax漢b\n" },
    { "1\n2\n3\n", "ctrl-k ctrl-k down ctrl-u", "3\n1\n2\n" }, { "1\n2\n", "ctrl-k x ctrl-k ctrl-u", "x2\n" },
    { "a b\n", "ctrl-right x ctrl-left ctrl-left y", "ya xb\n" }, { "\xff\xfe\n", "right x", "\xffx\xfe\n" },
    { "a\n", "tab", "\ta\n" }, { "", "", "" }, { "\n", "", "\n" }, { "x", "ctrl-k", "" },
    { "abc\nd\nefg\n", "end down down x", "abc\nd\nefgx\n" }, { "1\n2\n", "ctrl-end x", "1\n2\nx\n" },
    { "1\n2\n", "ctrl-g 2 enter x", "1\nx2\n" },
    { "one two one\n", "ctrl-f o n e enter x", "one two xone\n" },
    { "one two one\n", "ctrl-f o n e enter ctrl-f enter x", "xone two one\n" },
  } do
    local one = new(case[1])
    press(one, case[2])
    tap.equal(one:text(), case[3], ("%q after %s"):format(case[1], case[2]))
  end
end)

tap.test("a question on a screen of one column", function()
  for columns = 1, 3 do
    local one = new("a\n", { rows = 1, columns = columns })
    press(one, "ctrl-f 漢 x")
    tap.equal(#one:view(), 3)
  end
end)

tap.test("leaving asks when there are changes", function()
  local one = new("a\n", { columns = 80 })
  tap.equal(press(one, "ctrl-q"), "quit")
  press(one, "x")
  tap.equal(press(one, "ctrl-q"), nil)
  tap.contains(one:view()[10], "Save it first?")
  tap.equal(press(one, "escape"), nil)
  tap.equal(press(one, "ctrl-q n"), "quit")
  tap.equal(press(one, "ctrl-q y"), "save and quit")
  tap.equal(press(one, "ctrl-s"), "save")
  local action, name = press(one, "ctrl-o ctrl-u n e w enter")
  tap.equal(action, "save")
  tap.equal(name, "new")
end)

tap.test("a read-only text cannot be changed", function()
  local one = new("a\nb\n", { read_only = "permission denied" })
  press(one, "enter tab delete down backspace ctrl-k ctrl-u x")
  tap.equal(one:text(), "a\nb\n")
  tap.check(not one.changed, "it is changed")
  tap.contains(one:view()[10], "read-only: permission denied")
  tap.equal(press(one, "ctrl-s"), nil)
end)

tap.test("the view follows the cursor", function()
  local lines = {}
  for i = 1, 100 do lines[i] = "line " .. i end
  local one = new(table.concat(lines, "\n"))
  press(one, "pagedown pagedown")
  local rows, row, column = one:view()
  tap.equal(rows[1], "line 17")
  tap.equal(row, 1)
  tap.equal(column, 1)
  press(one, "up")
  tap.equal(one:view()[1], "line 16")
  press(one, "ctrl-end")
  rows, row, column = one:view()
  tap.equal(rows[8], "line 100")
  tap.equal(row, 8)
  tap.equal(column, 9)
  one = new(("0123456789"):rep(10))
  press(one, "end")
  rows, row, column = one:view()
  tap.equal(row, 1)
  tap.check(column <= 40 and rows[1]:sub(-1) == "9" and #rows[1] <= 39, "%s, column %d", rows[1], column)
  press(one, "home")
  tap.equal(one:view()[1], ("0123456789"):rep(10):sub(1, 39))
  tap.equal(new("a\tb\1\xff"):view()[1], "a       b\27[7m^A\27[0m\27[7m<FF>\27[0m")
end)

-- ---- the model

local function split(text)
  local list, at = {}, 1
  while at <= #text do
    local length = text:sub(at, at) == "\n" and 1 or cells.length(text, at)
    list[#list + 1] = text:sub(at, at + length - 1)
    at = at + length
  end
  return list
end

-- Takes a key on { characters, at }, at from 1 to #characters + 1.
local function model_key(model, key)
  local text = model.characters
  local function line_start(at)
    while at > 1 and text[at - 1] ~= "\n" do at = at - 1 end
    return at
  end
  local function line_end(at)
    while text[at] and text[at] ~= "\n" do at = at + 1 end
    return at
  end
  if key == "left" then model.at = math.max(1, model.at - 1)
  elseif key == "right" then model.at = math.min(#text + 1, model.at + 1)
  elseif key == "home" then model.at = line_start(model.at)
  elseif key == "end" then model.at = line_end(model.at)
  elseif key == "ctrl-home" then model.at = 1
  elseif key == "ctrl-end" then model.at = #text + 1
  elseif key == "backspace" then
    if model.at > 1 then
      model.at = model.at - 1
      table.remove(text, model.at)
    end
  elseif key == "delete" then
    if text[model.at] then table.remove(text, model.at) end
  elseif key == "ctrl-k" then
    local first, last = line_start(model.at), line_end(model.at)
    if not model.cutting then model.cut = {} end
    model.cut[#model.cut + 1] = table.concat(text, "", first, last - 1)
    if not text[last] and first > 1 then
      -- the last line goes with the newline in front
      first, last = first - 1, last - 1
    end
    for _ = first, math.min(last, #text) do table.remove(text, first) end
    model.at = line_start(math.min(first, #text + 1))
  elseif key == "ctrl-u" then
    if model.cut[1] then
      local at = line_start(model.at)
      for _, character in ipairs(split(table.concat(model.cut, "\n") .. "\n")) do
        table.insert(text, at, character)
        at = at + 1
      end
      model.at = at
    end
  else
    table.insert(text, model.at, key == "enter" and "\n" or key == "tab" and "\t" or key)
    model.at = model.at + 1
  end
  model.cutting = key == "ctrl-k"
end

tap.test("random keys: text and cursor are the model's, and the view is sound", function()
  local alphabet = { "a", "b", " ", "ä", "漢", "\n", "\t", "\xff" }
  local known = { "left", "right", "home", "end", "ctrl-home", "ctrl-end", "backspace", "delete", "ctrl-k",
    "ctrl-u", "enter", "tab", "a", "ä", "漢", "left", "right", "enter", "a" }
  for seed = 1, 400 do
    math.randomseed(seed)
    local text, pressed = "", {}
    for _ = 1, math.random(0, 30) do text = text .. alphabet[math.random(#alphabet)] end
    local one = new(text, { rows = math.random(3, 8), columns = math.random(8, 20) })
    local model = { characters = split(text), at = 1, cut = {} }
    for _ = 1, 60 do
      local key = known[math.random(#known)]
      pressed[#pressed + 1] = key
      one:key(key)
      model_key(model, key)
      local what = ("seed %d, %q, %s"):format(seed, text, table.concat(pressed, " "))
      tap.equal(joined(one), table.concat(model.characters), what)
      local before = table.concat(one.lines, "\n", 1, one.row - 1) .. (one.row > 1 and "\n" or "")
        .. one.lines[one.row]:sub(1, one.byte - 1)
      tap.equal(before, table.concat(model.characters, "", 1, model.at - 1), what)
      local rows, row, column = one:view()
      tap.equal(#rows, one.rows, what)
      tap.check(row >= 1 and row <= one.rows - 2 and column >= 1 and column < one.columns, "%s: at %d, %d",
        what, row, column)
      for i = 1, one.rows - 2 do
        local width = cells.width((rows[i]:gsub("\27%[%d*m", "")))
        tap.check(width < one.columns, "%s: row %d has %d columns", what, i, width)
      end
    end
  end
end)

tap.done()
