-- A pager without its terminal: lines come in, keys change what is in view. Pure; swos.less drives it.
--
-- Lines are kept in a window of bounded size: the oldest go when more come than it holds. A key that needs
-- lines that have not come yet (the end, a search) leaves a goal, pursued with each piece of input. Where a
-- line takes more than one row, `sub` is the row of the top line that is the first in view.
local cells = require("swos.cells")

local M = {}
local Pager = {}
Pager.__index = Pager

local KEPT_BYTES = 8 << 20 -- of lines, with what a line costs
local LINE_COST = 48
local LINE_BYTES = 16384 -- a longer line is shown in pieces
local CACHED = 128 -- lines laid out and kept
local NUMBER_COLUMNS = 8
local SHIFT = 8 -- columns of a step to the side
local RESET, REVERSE = "\27[0m", "\27[7m"

-- options: rows, columns, wrap (false: long lines are cut), numbers, colour (SGR sequences are colours),
-- name, limit (bytes to keep).
function M.new(options)
  return setmetatable({ rows = options.rows, columns = options.columns, wrap = options.wrap ~= false,
    numbers = options.numbers, colour = options.colour, name = options.name or "",
    limit = options.limit or KEPT_BYTES, lines = {}, first = 1, last = 0, cost = 0, partial = "",
    ended = false, top = 1, sub = 1, left = 0, count = "", cache = {}, cached = 0 }, Pager)
end

-- ---- input

local function put_line(self, line)
  self.last = self.last + 1
  self.lines[self.last] = line
  self.cost = self.cost + #line + LINE_COST
  while self.cost > self.limit and self.first < self.last do
    self.cost = self.cost - #self.lines[self.first] - LINE_COST
    self.lines[self.first] = nil
    self.first = self.first + 1
  end
  if self.top < self.first then self.top, self.sub = self.first, 1 end
end

local function put_pieces(self, line)
  while #line > LINE_BYTES do
    put_line(self, line:sub(1, LINE_BYTES))
    line = line:sub(LINE_BYTES + 1)
  end
  return line
end

-- Takes the next bytes of the text.
function Pager:feed(bytes)
  local at = 1
  while true do
    local newline = bytes:find("\n", at, true)
    if not newline then break end
    put_line(self, put_pieces(self, self.partial .. bytes:sub(at, newline - 1)))
    self.partial, at = "", newline + 1
  end
  self.partial = put_pieces(self, self.partial .. bytes:sub(at))
  self:keep_row()
  self:pursue()
end

-- The source has no more; one that grows may have more later.
function Pager:finish()
  self.ended = true
  self:pursue()
  self:clamp()
end

-- The number of the last line there is, unfinished or not.
function Pager:total()
  return self.partial ~= "" and self.last + 1 or self.last
end

local function line_text(self, number)
  if number == self.last + 1 and self.partial ~= "" then return self.partial end
  return self.lines[number]
end

-- ---- layout

-- A line's cells: what is shown, columns, byte in the text without colours, style.
local function cells_of(self, text)
  local shown, widths, places, styles, plain = {}, {}, {}, {}, {}
  local at, column, style, length_so_far = 1, 0, "", 0
  while at <= #text do
    local colour = self.colour and text:match("^\27%[[%d;]*m", at)
    if colour then
      style = colour:find("^\27%[0?m$") and "" or style .. colour
      at = at + #colour
    else
      local length, show, width, is_odd = cells.character(text, at, column)
      local count = #shown
      if width == 0 and count > 0 then
        shown[count] = shown[count] .. show
      else
        shown[count + 1], widths[count + 1], places[count + 1] = show, width, length_so_far + 1
        styles[count + 1] = is_odd and style .. REVERSE or style
      end
      plain[#plain + 1] = text:sub(at, at + length - 1)
      length_so_far = length_so_far + length
      at, column = at + length, column + width
    end
  end
  return { text = text, shown = shown, widths = widths, places = places, styles = styles,
    plain = table.concat(plain) }
end

local function text_columns(self)
  return math.max(1, self.columns - (self.numbers and NUMBER_COLUMNS or 0))
end

-- The cells with which rows start.
local function break_rows(layout, columns)
  local starts, column = { 1 }, 0
  for i, width in ipairs(layout.widths) do
    if column > 0 and column + width > columns then
      starts[#starts + 1] = i
      column = 0
    end
    column = column + width
  end
  return starts
end

local function layout_of(self, number)
  local text = line_text(self, number)
  if not text then return nil end
  local layout = self.cache[number]
  if layout and layout.text == text then return layout end
  if self.cached >= CACHED then self.cache, self.cached = {}, 0 end
  layout = cells_of(self, text)
  layout.starts = self.wrap and break_rows(layout, text_columns(self)) or { 1 }
  self.cache[number] = layout
  self.cached = self.cached + 1
  return layout
end

-- A line that was not all there may have fewer rows than before: what was no character has become one.
function Pager:keep_row()
  local layout = self.sub > 1 and layout_of(self, self.top)
  if layout then self.sub = math.min(self.sub, #layout.starts) end
end

-- Has everything laid out again.
local function forget_layout(self)
  self.cache, self.cached, self.sub = {}, 0, 1
end

-- The position `distance` rows further, and how many of them there were not.
local function moved(self, top, sub, distance)
  while distance > 0 do
    local layout = layout_of(self, top)
    local left = layout and #layout.starts - sub or 0
    if distance <= left then return top, sub + distance, 0 end
    if top >= self:total() then return top, sub + left, distance - left end
    distance, top, sub = distance - left - 1, top + 1, 1
  end
  while distance < 0 do
    if -distance < sub then return top, sub + distance, 0 end
    if top <= self.first then return top, 1, distance + sub - 1 end
    distance, top = distance + sub, top - 1
    sub = #layout_of(self, top).starts
  end
  return top, sub, 0
end

-- Rows of text in view.
local function height(self)
  return math.max(1, self.rows - 1)
end

-- Where the last page starts.
local function last_page(self)
  local last = math.max(self:total(), self.first)
  local layout = layout_of(self, last)
  return moved(self, last, layout and #layout.starts or 1, 1 - height(self))
end

-- Keeps the end of the text at the bottom; what has not come yet may be above it.
function Pager:clamp()
  if not self.ended then return end
  local top, sub = last_page(self)
  if self.top > top or self.top == top and self.sub > sub then self.top, self.sub = top, sub end
end

-- Whether rows up to a page below the view are missing, or what a goal asks for.
function Pager:wants()
  if self.ended then return false end
  if self.goal or self.follow then return true end
  local _, _, missing = moved(self, math.max(self.top, self.first), self.sub, 2 * height(self))
  return missing > 0
end

-- ---- goals

local function go(self, top, sub)
  self.top, self.sub, self.match = math.max(self.first, top), sub or 1, nil
  self:clamp()
end

-- The matches of the pattern in a text: { first, last }...
local function matches(pattern, text)
  local list, at = {}, 1
  if not pattern:find("%u") then text = text:lower() end
  while true do
    local first, last = text:find(pattern, at, true)
    if not first then return list end
    list[#list + 1] = { first, last }
    at = last + 1
  end
end

-- Puts line `number` at the top, from the row on that has the match.
local function go_to_match(self, number)
  local layout = layout_of(self, number)
  local place, sub = matches(self.pattern, layout.plain)[1][1], 1
  for row, start in ipairs(layout.starts) do
    if layout.places[start] and layout.places[start] <= place then sub = row end
  end
  go(self, number, sub)
  self.match = number
end

local function has_match(self, number)
  local text = line_text(self, number)
  if self.colour then text = text:gsub("\27%[[%d;]*m", "") end
  if not self.pattern:find("%u") then text = text:lower() end
  return text:find(self.pattern, 1, true) ~= nil
end

local pursuits = {}

function pursuits.rows(self, goal)
  local is_up = goal.rows < 0
  self.match = nil
  self.top, self.sub, goal.rows = moved(self, self.top, self.sub, goal.rows)
  self:clamp()
  return is_up or goal.rows == 0
end

function pursuits.line(self, goal)
  if goal.line > self:total() and not self.ended then return false end
  if goal.line < self.first and self.first > 1 then
    self.message = ("lines up to %d are gone: %d MiB are kept"):format(self.first - 1, self.limit >> 20)
  end
  go(self, math.min(goal.line, math.max(self:total(), 1)))
  return true
end

pursuits["end"] = function(self)
  if not self.ended then return false end
  go(self, last_page(self))
  return true
end

function pursuits.percent(self, goal)
  if not self.ended then return false end
  go(self, math.max(1, self:total() * math.min(goal.percent, 100) // 100))
  return true
end

function pursuits.search(self, goal)
  local limit = self.ended and self:total() or self.last
  goal.line = math.max(goal.line, self.first)
  if goal.step < 0 then goal.line = math.min(goal.line, limit) end
  while goal.line >= self.first and goal.line <= limit do
    if has_match(self, goal.line) then
      goal.times = goal.times - 1
      if goal.times <= 0 then
        go_to_match(self, goal.line)
        return true
      end
    end
    goal.line = goal.line + goal.step
  end
  if goal.step > 0 and not self.ended then return false end
  self.message = self.pattern .. ": not found"
  return true
end

-- Gets on with what the last key asked for.
function Pager:pursue()
  if self.follow then
    self.top, self.sub = last_page(self)
  elseif self.goal then
    if pursuits[self.goal.kind](self, self.goal) or self.ended then self.goal = nil end
  end
end

local function set_goal(self, goal)
  self.goal = goal
  self:pursue()
end

local function scroll(self, rows)
  set_goal(self, { kind = "rows", rows = rows })
end

-- Looks for the pattern on from the last match. from_here: the top line counts, too.
local function search(self, step, times, from_here)
  if not self.pattern then
    self.message = "nothing to search for"
    return
  end
  local start = from_here and self.top or (self.match or self.top) + step
  if step < 0 and start < self.first then
    self.message = self.pattern .. ": not found"
    return
  end
  set_goal(self, { kind = "search", line = start, step = step, times = times })
end

-- ---- keys

local actions = {}

local function action(names, body)
  for name in names:gmatch("%S+") do actions[name] = body end
end

-- number: what was typed before the key, or nil.
action("q Q", function() return "quit" end)
action("h", function() return "help" end)
action("j enter down ctrl-n ctrl-e e", function(self, number) scroll(self, number or 1) end)
action("k up ctrl-p ctrl-y y", function(self, number) scroll(self, -(number or 1)) end)
action("pagedown ctrl-f ctrl-v f", function(self, number) scroll(self, number or height(self)) end)
actions[" "] = actions.pagedown
action("pageup ctrl-b alt-v b", function(self, number) scroll(self, -(number or height(self))) end)
action("d ctrl-d", function(self, number) scroll(self, number or height(self) // 2) end)
action("u ctrl-u", function(self, number) scroll(self, -(number or height(self) // 2)) end)
action("g home <", function(self, number) set_goal(self, { kind = "line", line = number or 1 }) end)
action("G end >", function(self, number)
  set_goal(self, number and { kind = "line", line = number } or { kind = "end" })
end)
action("% p", function(self, number) set_goal(self, { kind = "percent", percent = number or 0 }) end)
action("right", function(self) if not self.wrap then self.left = self.left + SHIFT end end)
action("left", function(self) self.left = math.max(0, self.left - SHIFT) end)
action("F", function(self)
  self.follow = true
  self:pursue()
  return "follow"
end)
action("/ ?", function(self, number, key) self.prompt = { kind = key, text = "", number = number } end)
action(": -", function(self, _, key) self.prompt = { kind = key, text = "" } end)
action("n", function(self, number) search(self, self.direction or 1, number or 1) end)
action("N", function(self, number) search(self, -(self.direction or 1), number or 1) end)
action("r ctrl-l", function() return "redraw" end)
action("= ctrl-g", function(self)
  self.message = ("%s line %d of %s"):format(self.name, self.top,
    self.ended and self:total() or self:total() .. " so far")
end)

-- What the letter after - switches.
local SWITCHES = { S = { "wrap", "long lines are wrapped", "long lines are cut" },
  N = { "numbers", "lines are numbered", "lines are not numbered" },
  R = { "colour", "colours are shown", "colours are not shown" } }

local function switch(self, letter)
  local entry = SWITCHES[letter]
  if not entry then
    self.message = letter .. ": no such option"
    return
  end
  self[entry[1]] = not self[entry[1]]
  self.message = self[entry[1]] and entry[2] or entry[3]
  self.left = 0
  forget_layout(self)
end

local COLON = { n = "next", p = "previous", q = "quit", Q = "quit" }

local function finish_prompt(self, prompt)
  self.prompt = nil
  self.direction = prompt.kind == "/" and 1 or -1
  if prompt.text ~= "" then self.pattern = prompt.text end
  search(self, self.direction, prompt.number or 1, prompt.text ~= "" and prompt.kind == "/")
end

local function prompt_key(self, key)
  local prompt = self.prompt
  if key == "ctrl-c" or key == "escape" or key == "ctrl-g" then
    self.prompt = nil
  elseif prompt.kind == ":" or prompt.kind == "-" then
    self.prompt = nil
    if prompt.kind == "-" then switch(self, key) end
    return prompt.kind == ":" and COLON[key] or nil
  elseif key == "enter" then
    finish_prompt(self, prompt)
  elseif key == "backspace" then
    if prompt.text == "" then self.prompt = nil end
    prompt.text = prompt.text:sub(1, #prompt.text - cells.length_before(prompt.text, #prompt.text + 1))
  elseif key == "ctrl-u" then
    prompt.text = ""
  elseif #key == 1 or key:byte(1) >= 0x80 then
    prompt.text = prompt.text .. key
  elseif key == "tab" then
    prompt.text = prompt.text .. "\t"
  end
end

-- Takes a key as swos.keys names it. Returns what the driver has to do, if anything: quit, help, next,
-- previous, follow, redraw.
function Pager:key(key)
  self.message = nil
  if self.prompt then return prompt_key(self, key) end
  if self.follow or self.goal then
    local was_following = self.follow
    self.follow, self.goal = nil, nil
    if was_following or key == "ctrl-c" then return key == "q" and "quit" or nil end
  end
  if key:find("^%d$") and not (key == "0" and self.count == "") then
    self.count = (self.count .. key):sub(-9)
    return nil
  end
  local number, body = tonumber(self.count), actions[key]
  self.count = ""
  if body then return body(self, number, key) end
end

-- Starts with a word of the command line: +G, +F, +N, +/TEXT; false: it is none.
function Pager:start(word)
  local text = word:match("^%+/(.+)$")
  local number = word:match("^%+(%d+)$")
  if text then
    self.pattern, self.direction = text, 1
    search(self, 1, 1, true)
  elseif number then
    set_goal(self, { kind = "line", line = tonumber(number) })
  elseif word == "+G" or word == "+F" then
    self:key(word:sub(2))
  else
    return false
  end
  return true
end

-- ---- view

-- A row's text: cells `from` to `to` of a line.
local function row_text(self, layout, from, to)
  local marked = {}
  if self.pattern then
    for _, match in ipairs(matches(self.pattern, layout.plain)) do
      for byte = match[1], match[2] do marked[byte] = true end
    end
  end
  local parts, current = {}, ""
  for i = from, to do
    local style = layout.styles[i]
    if marked[layout.places[i]] then style = style .. REVERSE end
    if style ~= current then
      parts[#parts + 1] = RESET .. style
      current = style
    end
    parts[#parts + 1] = layout.shown[i]
  end
  if current ~= "" then parts[#parts + 1] = RESET end
  return table.concat(parts)
end

-- The cells of a line that is cut: those that lie whole between two columns.
local function cut_cells(self, layout)
  local column, from, to = 0, #layout.widths + 1, 0
  for i, width in ipairs(layout.widths) do
    if column >= self.left and column + width <= self.left + text_columns(self) then
      from, to = math.min(from, i), i
    end
    column = column + width
  end
  return from, to
end

-- What the last row says while a goal is pursued.
function Pager:progress()
  return ("%sreading, %d lines so far (Ctrl-C ends)%s"):format(REVERSE, self.last, RESET)
end

local function status(self, bottom)
  if self.prompt then return self.prompt.kind .. self.prompt.text end
  if self.message then return REVERSE .. self.message .. RESET end
  if self.count ~= "" then return ":" .. self.count end
  if self.follow then return REVERSE .. "waiting for more (Ctrl-C ends)" .. RESET end
  if self.goal then return self:progress() end
  local total, _, missing = self:total(), moved(self, self.top, self.sub, height(self))
  local name = self.name == "" and "" or self.name .. "  "
  local text = ("%slines %d-%d"):format(name, math.min(self.top, total), bottom)
  if self.ended then
    local percent = total == 0 and 100 or bottom * 100 // total
    text = ("%s/%d %d%%%s"):format(text, total, percent, missing > 0 and bottom == total and " (END)" or "")
  end
  return REVERSE .. cells.cut(text, self.columns - 1) .. RESET
end

-- What is in view: rows - 1 lines of text for the terminal, and the last row's.
function Pager:view()
  local rows, top, sub, bottom = {}, self.top, self.sub, self.top
  while #rows < height(self) do
    local layout = layout_of(self, top)
    if not layout then break end
    local prefix = ""
    if self.numbers then prefix = sub == 1 and ("%7d "):format(top) or (" "):rep(NUMBER_COLUMNS) end
    local from, to = layout.starts[sub], (layout.starts[sub + 1] or #layout.widths + 1) - 1
    if not self.wrap then from, to = cut_cells(self, layout) end
    rows[#rows + 1] = prefix .. row_text(self, layout, from, to)
    bottom, sub = top, sub + 1
    if sub > #layout.starts then top, sub = top + 1, 1 end
  end
  while #rows < height(self) do rows[#rows + 1] = "" end
  return rows, status(self, math.min(bottom, self:total()))
end

-- Whether all of the text is in view.
function Pager:is_one_screen()
  local _, _, missing = moved(self, self.first, 1, height(self))
  return self.ended and missing > 0
end

return M
