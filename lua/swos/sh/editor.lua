-- The line editor: bytes of keys in, bytes to print and what happened out. It does no input or output itself.
--
--   local editor = Editor.new({ history =, complete = })
--   print(editor:start(prompt, width))
--   local output, event, text = editor:feed(bytes)   -- event: nil, "line" with its text, "end", "interrupt"
--
-- The line is a list of clusters (swos.cells). `after` of each is where the cursor is behind it, in rows
-- and columns from the prompt's beginning, as one number: row * width + column. Behind the last column of a
-- row is the first of the next: a terminal waits there with the wrap until something is printed, so what
-- ends there is followed by a space and a return. What changed is printed from the first cluster that did
-- (`dirty`) to the end, once for all keys that came together.
--
-- It does not look at what is above the screen: a line of more rows than the screen has is edited right, but
-- the rows above do not change there.
local cells = require("swos.cells")
local keys = require("swos.keys")

local Editor = {}
Editor.__index = Editor

local PASTE_ON, PASTE_OFF, PASTE_END = "\27[?2004h", "\27[?2004l", "\27[201~"
local ASK_ABOVE = 100 -- completions are listed without a question up to here
local TAB = 8

-- Goes to the far corner, asks where that is, and comes back.
local ASK_SIZE = "\0277\27[999;999H\27[6n\0278"

-- options: history (swos.sh.history); complete(left, right) -> nil or { keep =, text =, items = }: of `left`
-- the first `keep` bytes stay, text follows, items are what it could become.
function Editor.new(options)
  return setmetatable({ history = options.history, complete = options.complete, input = "", killed = "" },
    Editor)
end

-- ---- printing

local function put_out(self, text) self.out[#self.out + 1] = text end

-- Prints a cluster at `at` into out; where it ends.
local function put(cluster, at, width, out)
  if cluster == "\n" then
    if at % width == 0 and out.wraps then out[#out + 1] = " \r" end
    out[#out + 1] = out.over and "\27[K\n" or "\n"
    out.wraps = false
    return (at // width + 1) * width
  end
  out.wraps = true
  if cluster == "\t" then
    local column = at % width
    local blanks = math.min(TAB - column % TAB, width - column)
    out[#out + 1] = (" "):rep(blanks)
    return at + blanks
  end
  local shown, taken = cells.shown(cluster)
  if taken == 2 and #shown > 2 then
    if width < 2 then
      shown, taken = "?", 1
    elseif at % width == width - 1 then -- it does not fit into this row
      shown, taken = " " .. shown, 3
    end
  end
  out[#out + 1] = shown
  return at + taken
end

-- Moves the terminal's cursor.
local function move(self, target)
  local width, out = self.width, self.out
  local rows = target // width - self.at // width
  if rows ~= 0 then
    out[#out + 1] = ("\27[%s%s"):format(rows * rows > 1 and math.abs(rows) or "", rows < 0 and "A" or "B")
  end
  local from, to = self.at % width, target % width
  if to == 0 and from ~= 0 then
    out[#out + 1] = "\r"
  elseif to < from and from - to < 4 then
    out[#out + 1] = ("\b"):rep(from - to)
  elseif to ~= from then
    local distance = math.abs(to - from)
    out[#out + 1] = ("\27[%s%s"):format(distance > 1 and distance or "", to < from and "D" or "C")
  end
  self.at = target
end

-- Where the cursor stands that is behind `count` clusters: a wide one that does not fit is in the next row.
local function place(self, count)
  local at, width, following = self.after[count], self.width, self.chars[count + 1]
  if following and at % width == width - 1 and width > 1 and following ~= "\n" and following ~= "\t" then
    local shown, taken = cells.shown(following)
    if taken == 2 and #shown > 2 then return at + 1 end
  end
  return at
end

-- The prompt, at the beginning; escape sequences in it take no column.
local function put_prompt(self, prompt)
  local out, at, from = self.out, 0, 1
  while from <= #prompt do
    local sequence, behind = prompt:match("^(\27%[[0-?]*[@-~])()", from)
    if sequence then
      out[#out + 1], from = sequence, behind
    else
      local character = prompt:sub(from, from + cells.length(prompt, from) - 1)
      if cells.joins(out.wraps and out[#out], character) then
        out[#out + 1] = character
      else
        at = put(character, at, self.width, out)
      end
      from = from + #character
    end
  end
  self.after[0] = at
end

-- Brings the screen up to date.
local function render(self)
  local dirty, chars, after, width, out = self.dirty, self.chars, self.after, self.width, self.out
  if dirty then
    local stop = self.stop -- where what is on the screen ends
    out.wraps = false
    if self.repaint then
      move(self, 0)
      out.over = true
      put_prompt(self, self.shown_prompt)
      dirty = 1
    else
      move(self, after[dirty - 1])
      out.over = dirty <= self.shown
    end
    local at = after[dirty - 1]
    for i = dirty, #chars do
      local cluster = chars[i]
      local byte = cluster:byte()
      if #cluster == 1 and byte >= 32 and byte < 127 then
        out[#out + 1], at, out.wraps = cluster, at + 1, true
      else
        at = put(cluster, at, width, out)
      end
      after[i] = at
    end
    if at % width == 0 and out.wraps then out[#out + 1] = " \r" end
    if self.repaint or at < stop then out[#out + 1] = "\27[J" end
    self.at, self.stop, self.shown = at, at, #chars
    self.dirty, self.repaint = nil, nil
  end
  move(self, place(self, self.cursor))
end

local function touch(self, index)
  if not self.dirty or index < self.dirty then self.dirty = index end
end

local function show_prompt(self, prompt)
  self.shown_prompt, self.repaint = prompt, true
  touch(self, 1)
end

-- Behind the line, on a row of its own.
local function leave_line(self)
  render(self)
  move(self, self.stop)
  -- the newline goes down from a row the line has filled
  if self.stop % self.width == 0 and self.stop > 0 and self.chars[#self.chars] ~= "\n" then
    put_out(self, "\27[A")
  end
  put_out(self, "\n")
end

-- As if nothing were on the screen: at the beginning of an empty row.
local function begin(self)
  self.at, self.stop, self.shown = 0, 0, 0
  show_prompt(self, self.shown_prompt)
end

-- ---- the line

local function text_of(self, first, last)
  return table.concat(self.chars, "", first or 1, last or #self.chars)
end

local function insert(self, list)
  local chars, cursor, count = self.chars, self.cursor, #list
  table.move(chars, cursor + 1, #chars, cursor + 1 + count)
  table.move(list, 1, count, cursor + 1, chars)
  self.cursor = cursor + count
  touch(self, cursor + 1)
end

local function insert_text(self, text)
  if text == "" then return end
  local first = text:sub(1, cells.length(text, 1))
  if self.cursor > 0 and cells.joins(self.chars[self.cursor], first) then
    local cluster = self.chars[self.cursor]
    local list = cells.split(cluster .. text, {})
    self.chars[self.cursor] = list[1]
    touch(self, self.cursor)
    table.remove(list, 1)
    return insert(self, list)
  end
  local list = {}
  if text:find("^[ -~]*$") then
    for i = 1, #text do list[i] = text:sub(i, i) end
  else
    cells.split(text, list)
  end
  insert(self, list)
end

-- Takes clusters first to last out; their text.
local function remove(self, first, last)
  if last < first then return "" end
  local chars, count = self.chars, #self.chars
  local text = text_of(self, first, last)
  table.move(chars, last + 1, count, first)
  for i = count, count - (last - first), -1 do chars[i] = nil end
  self.cursor = first - 1
  touch(self, first)
  return text
end

local function set_line(self, text)
  self.chars = cells.split(text, {})
  self.cursor = #self.chars
  touch(self, 1)
end

local function kill(self, first, last)
  local backwards = first <= self.cursor
  local text = remove(self, first, last)
  if self.last ~= "kill" then
    self.killed = text
  elseif backwards then
    self.killed = text .. self.killed
  else
    self.killed = self.killed .. text
  end
  self.this = "kill"
end

local function is_of_word(cluster) return cluster:find("^[%w_\x80-\xff]") ~= nil end
local function is_not_blank(cluster) return not cluster:find("^%s") end

-- The count of clusters before the word the cursor is in or behind, and behind the one it is in or before.
local function word_start(self, belongs)
  local at = self.cursor
  while at > 0 and not belongs(self.chars[at]) do at = at - 1 end
  while at > 0 and belongs(self.chars[at]) do at = at - 1 end
  return at
end

local function word_end(self)
  local at, count = self.cursor, #self.chars
  while at < count and not is_of_word(self.chars[at + 1]) do at = at + 1 end
  while at < count and is_of_word(self.chars[at + 1]) do at = at + 1 end
  return at
end

-- ---- history

local function step_history(self, step)
  local history, at = self.history, self.history_at + step
  if at < history.first or at > history.last + 1 then return put_out(self, "\a") end
  if self.history_at > history.last then self.draft = text_of(self) end
  self.history_at = at
  set_line(self, history[at] or self.draft)
end

-- The last word of a line, with its quotes.
local function last_word(text)
  local last, at = "", 1
  while at <= #text do
    local from = text:match("^[%s;&|]*()", at)
    at = from
    while at <= #text and not text:find("^[%s;&|]", at) do
      at = text:match("^\\.?()", at) or text:match("^'[^']*'?()", at) or text:match('^"[^"]*"?()', at)
        or at + 1
    end
    if at > from then last = text:sub(from, at - 1) end
  end
  return last
end

-- Puts in the last word of the line before, again: in its place that of the one before that.
local function last_argument(self)
  local history, again = self.history, self.last == "argument"
  local at = (again and self.argument_at or history.last + 1) - 1
  self.this = again and "argument" or nil
  if at < history.first then return put_out(self, "\a") end
  if again then remove(self, self.argument_from, self.cursor) end
  self.this, self.argument_at, self.argument_from = "argument", at, self.cursor + 1
  insert_text(self, last_word(history[at]))
end

local function show_search(self)
  local search = self.search
  show_prompt(self, ("(%s%s)'%s': "):format(search.failed and "failed " or "",
    search.step < 0 and "reverse-search" or "search", (cells.printable(search.text))))
end

-- Looks for the search's text from entry `at` on; without one the line stays.
local function look(self, at)
  local search, history = self.search, self.history
  local number, where
  if search.text ~= "" then number, where = history:find(search.text, at, search.step) end
  search.failed = search.text ~= "" and not number
  if number then
    search.at, self.history_at = number, number
    set_line(self, history[number])
    self.cursor = #cells.split(history[number]:sub(1, where - 1), {})
  end
  show_search(self)
end

local function begin_search(self, step)
  local history = self.history
  local from = math.min(self.history_at, history.last)
  self.search = { text = "", step = step, from = from, at = from, chars = self.chars, cursor = self.cursor,
    history_at = self.history_at }
  if self.history_at > history.last then self.draft = text_of(self) end
  show_search(self)
end

local function end_search(self)
  self.search = nil
  show_prompt(self, self.prompt)
end

-- The next one that is another text.
local function search_on(self, step)
  local search, history = self.search, self.history
  search.step = step
  if search.text == "" then search.text = self.searched or "" end
  local at = search.at
  if history[at] == text_of(self) then
    repeat at = at + step until history[at] ~= history[search.at]
  end
  look(self, at)
end

-- A key while searching; true: it is done with.
local function search_key(self, name)
  local search = self.search
  if name == "ctrl-r" or name == "ctrl-s" then
    search_on(self, name == "ctrl-r" and -1 or 1)
  elseif name == "backspace" then
    search.text = search.text:sub(1, (utf8.offset(search.text, -1) or 1) - 1)
    search.at = search.from
    look(self, search.from)
  elseif name == "ctrl-g" then
    self.chars, self.cursor, self.history_at = search.chars, search.cursor, search.history_at
    end_search(self)
  else
    if search.text ~= "" then self.searched = search.text end
    end_search(self)
    return name == "unknown"
  end
  return true
end

-- ---- completion

local function list_items(self, items)
  local width, widest, texts = self.width, 0, {}
  for i, item in ipairs(items) do
    local text, count = cells.printable(item)
    texts[i] = { text, count }
    widest = math.max(widest, count)
  end
  local across = math.max(1, (width + 2) // (widest + 2))
  local down = (#items + across - 1) // across
  for row = 1, down do
    for i = row, #items, down do
      local gap = i + down <= #items and (" "):rep(widest + 2 - texts[i][2]) or ""
      put_out(self, texts[i][1] .. gap)
    end
    put_out(self, "\n")
  end
  begin(self)
end

local function complete(self)
  local left = text_of(self, 1, self.cursor)
  local result = self.complete and self.complete(left, text_of(self, self.cursor + 1))
  if not result then return put_out(self, "\a") end
  self.this = "tab"
  local replaced = left:sub(result.keep + 1)
  if result.text ~= replaced then
    local first, bytes = 1, 0
    while self.chars[first] and bytes + #self.chars[first] <= result.keep do
      first, bytes = first + 1, bytes + #self.chars[first]
    end
    remove(self, first, self.cursor)
    insert_text(self, left:sub(bytes + 1, result.keep) .. result.text)
  elseif self.last == "tab" and #result.items > 1 then
    leave_line(self)
    if #result.items <= ASK_ABOVE then return list_items(self, result.items) end
    self.asking = result.items
    put_out(self, ("Display all %d possibilities? (y or n)"):format(#result.items))
  end
  if #result.items > 1 and self.last ~= "tab" then put_out(self, "\a") end
end

local function answer(self, is_yes)
  local items = self.asking
  self.asking = nil
  put_out(self, "\n")
  if is_yes then list_items(self, items) else begin(self) end
end

-- ---- keys

local K = {}

K["ctrl-a"] = function(self) self.cursor = 0 end
K["ctrl-e"] = function(self) self.cursor = #self.chars end
K["ctrl-b"] = function(self) self.cursor = math.max(self.cursor - 1, 0) end
K["ctrl-f"] = function(self) self.cursor = math.min(self.cursor + 1, #self.chars) end
K["alt-b"] = function(self) self.cursor = word_start(self, is_of_word) end
K["alt-f"] = function(self) self.cursor = word_end(self) end
K["home"], K["end"], K["left"], K["right"] = K["ctrl-a"], K["ctrl-e"], K["ctrl-b"], K["ctrl-f"]
K["ctrl-left"], K["ctrl-right"] = K["alt-b"], K["alt-f"]
K["ctrl-home"], K["ctrl-end"] = K["ctrl-a"], K["ctrl-e"]

function K.backspace(self) remove(self, math.max(self.cursor, 1), self.cursor) end
function K.delete(self)
  if self.cursor < #self.chars then remove(self, self.cursor + 1, self.cursor + 1) end
end
K["ctrl-d"] = function(self)
  if not self.chars[1] then return "end" end
  K.delete(self)
end
K["ctrl-k"] = function(self) kill(self, self.cursor + 1, #self.chars) end
K["ctrl-u"] = function(self) kill(self, 1, self.cursor) end
K["ctrl-w"] = function(self) kill(self, word_start(self, is_not_blank) + 1, self.cursor) end
K["alt-backspace"] = function(self) kill(self, word_start(self, is_of_word) + 1, self.cursor) end
K["alt-d"] = function(self) kill(self, self.cursor + 1, word_end(self)) end
K["ctrl-delete"] = K["alt-d"]
K["ctrl-y"] = function(self) insert_text(self, self.killed) end
K["ctrl-t"] = function(self)
  local chars, at = self.chars, math.min(self.cursor, #self.chars - 1)
  if at < 1 then return end
  chars[at], chars[at + 1] = chars[at + 1], chars[at]
  self.cursor = at + 1
  touch(self, at)
end

K["ctrl-p"] = function(self) step_history(self, -1) end
K["ctrl-n"] = function(self) step_history(self, 1) end
K.up, K.down = K["ctrl-p"], K["ctrl-n"]
K["alt-."], K["alt-_"] = last_argument, last_argument
K["ctrl-r"] = function(self) begin_search(self, -1) end
K["ctrl-s"] = function(self) begin_search(self, 1) end
K.tab = complete

K["ctrl-l"] = function(self)
  put_out(self, "\27[H\27[2J" .. ASK_SIZE)
  begin(self)
  self.asks = true
end

K["ctrl-c"] = function(self)
  self.search = nil
  self.cursor = #self.chars
  return "interrupt"
end
K["ctrl-g"] = function(self) put_out(self, "\a") end
function K.enter() return "line" end
function K.paste(self) self.pasting = true end
K["alt-enter"], K["alt-tab"] = K.enter, K.tab
for _, name in ipairs { "left", "right", "home", "end", "up", "down", "delete" } do
  K["alt-" .. name] = K["ctrl-" .. name] or K[name]
  K["shift-" .. name] = K[name]
end

local function on_key(self, name)
  if self.asking then return answer(self, name == "tab") end
  if self.search and search_key(self, name) then return end
  self.this = nil
  local action = K[name] or K[name:lower()]
  local event = action and action(self)
  self.last = self.this
  return event
end

local function on_text(self, text)
  if self.asking then
    answer(self, text:find("^[yY ]") ~= nil)
    text = text:sub(cells.length(text, 1) + 1)
  end
  if self.search and text ~= "" then
    self.search.text = self.search.text .. text
    return look(self, self.search.at)
  end
  self.last = nil
  insert_text(self, text)
end

-- Pasted text at the beginning of input, as far as it is there; the position behind it, nil: more is needed.
local function take_paste(self, input, at)
  local first, last = input:find(PASTE_END, at, true)
  local stop = first and first - 1
  if not first then
    stop = #input
    -- what may be the beginning of the paste's end, or of a character, waits
    for length = math.min(#PASTE_END - 1, #input - at + 1), 1, -1 do
      if input:sub(-length) == PASTE_END:sub(1, length) then
        stop = #input - length
        break
      end
    end
    local lead = stop == #input and input:match("()[\xc2-\xf4][\x80-\xbf]*$", math.max(at, stop - 3))
    if lead and cells.is_cut(input, lead) then stop = lead - 1 end
    if input:byte(stop) == 13 then stop = stop - 1 end -- a newline may follow
  end
  local text = input:sub(at, stop):gsub("\r\n?", "\n")
  if text ~= "" then on_text(self, text) end
  self.pasting = not first or nil
  return last and last + 1 or stop + 1, not first
end

-- The terminal's answer to ASK_SIZE.
local function on_size(self, size)
  if not self.asks then return end
  self.asks = nil
  self.size = size
  local width = math.max(size[2], 1)
  if width == self.width then return end
  render(self)
  local row, is_one_row = self.at // self.width, self.stop < math.min(self.width, width)
  self.width = width
  if is_one_row then return end
  put_out(self, "\r") -- whether the terminal has wrapped the rows anew is not known
  self.at = row * width
  show_prompt(self, self.shown_prompt)
end

-- ---- the interface

-- A new line behind a prompt. ask: the terminal is asked for its size, which comes as editor.size, { rows,
-- columns }; brackets: it is to say what is pasted.
function Editor:start(prompt, width, ask, brackets)
  self.prompt, self.shown_prompt, self.width = prompt, prompt, math.max(width, 1)
  self.chars, self.cursor, self.after, self.out = {}, 0, {}, {}
  self.history_at, self.draft = self.history.last + 1, ""
  self.search, self.asking, self.pasting, self.last = nil, nil, nil, nil
  self.asks, self.size, self.brackets = ask, nil, brackets
  self.at, self.stop, self.shown = 0, 0, 0
  if ask then put_out(self, ASK_SIZE) end
  if brackets then put_out(self, PASTE_ON) end
  self.out.wraps = false
  put_prompt(self, prompt)
  self.at, self.stop = self.after[0], self.after[0]
  if self.at % self.width == 0 and self.out.wraps then put_out(self, " \r") end
  return table.concat(self.out)
end

-- What is to be printed; once the line is done with, nothing of it is kept while its command runs.
local function take_output(self, event)
  local output = table.concat(self.out)
  if event then self.chars, self.after, self.out, self.draft, self.search = nil, nil, nil, nil, nil end
  return output
end

local function finish(self, event)
  if not self.asking then render(self) end
  if self.brackets then put_out(self, PASTE_OFF) end
  if event == "line" then
    leave_line(self)
  elseif event == "interrupt" then
    if not self.asking then move(self, self.stop) end
    put_out(self, "^C\n")
  end
end

-- Takes bytes; gives what is to be printed and what happened, at most one thing: the rest of the bytes stays
-- for the next feed.
function Editor:feed(bytes)
  local input, at, event = self.input .. bytes, 1, nil
  self.out = {}
  while at <= #input and not event do
    if self.pasting then
      local waits
      at, waits = take_paste(self, input, at)
      if waits then break end
    else
      local run, behind = input:match("^([ -~]+)()", at)
      if run then
        at = behind
        on_text(self, run)
      else
        local key, length, size = keys.decode(input, at)
        if not key then break end
        at = at + length
        if size then
          on_size(self, size)
        elseif keys.is_text(key) then
          on_text(self, key)
        else
          event = on_key(self, key)
        end
      end
    end
  end
  self.input = input:sub(at)
  local text
  if event then
    text = event == "line" and text_of(self) or nil
    finish(self, event)
  elseif not self.asking then
    render(self)
  end
  return take_output(self, event), event, text
end

-- The line is given up, by a Ctrl-C that came as an event.
function Editor:abandon()
  self.out, self.search, self.input = {}, nil, ""
  finish(self, "interrupt")
  return take_output(self, "interrupt")
end

return Editor
