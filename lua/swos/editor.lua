-- A screen editor without its terminal: lines, a cursor, keys, a view. Pure; /bin/edit drives it.
--
-- Lines are any bytes without newline; the text is they with newlines between. The cursor stands in front of
-- byte `byte` of line `row`, always at the beginning of a character. The screen shows lines
-- from `top` on, from column `left` on.
local cells = require("swos.cells")
local keys = require("swos.keys")

local M = {}
local Editor = {}
Editor.__index = Editor

local REVERSE, RESET = "\27[7m", "\27[0m"
local KEYS = "Ctrl-S save  Ctrl-Q quit  Ctrl-F find  Ctrl-G line  Ctrl-K cut  Ctrl-U paste  F1 help"
local MARGIN = 4 -- columns kept in view beside the cursor when the view moves to the side

-- options: rows, columns, name, text ("" for a new file), read_only (a reason).
function M.new(options)
  local self = setmetatable({ rows = options.rows, columns = options.columns, name = options.name,
    read_only = options.read_only, lines = {}, row = 1, byte = 1, top = 1, left = 0, cut = {} }, Editor)
  for line in (options.text .. "\n"):gmatch("(.-)\n") do self.lines[#self.lines + 1] = line end
  self.has_end = options.text == "" or self.lines[#self.lines] == ""
  return self
end

-- The text as it is to be saved: the last line ends, too, unless that of the file did not.
function Editor:text()
  local text = table.concat(self.lines, "\n")
  return self.has_end and self.lines[#self.lines] ~= "" and text .. "\n" or text
end

-- ---- moving

local function column_of(self, row, byte)
  return cells.width(self.lines[row]:sub(1, byte - 1))
end

-- The byte of the character at a column of a line, or behind the last one.
local function byte_at(self, row, column)
  local line, at, here = self.lines[row], 1, 0
  while at <= #line do
    local length, _, width = cells.character(line, at, here)
    if here + width > column then break end
    at, here = at + length, here + width
  end
  return at
end

-- The cursor to a line, near the column it had when it began to move up or down.
local function to_row(self, row)
  self.wanted = self.wanted or column_of(self, self.row, self.byte)
  self.row = math.max(1, math.min(row, #self.lines))
  self.byte = byte_at(self, self.row, self.wanted)
end

local function height(self)
  return math.max(1, self.rows - 2)
end

local actions = {}

function actions.up(self) to_row(self, self.row - 1) end
function actions.down(self) to_row(self, self.row + 1) end
function actions.pageup(self)
  self.top = math.max(1, self.top - height(self))
  to_row(self, self.row - height(self))
end
function actions.pagedown(self)
  self.top = math.min(self.top + height(self), #self.lines)
  to_row(self, self.row + height(self))
end

function actions.left(self)
  if self.byte > 1 then
    self.byte = self.byte - cells.length_before(self.lines[self.row], self.byte)
  elseif self.row > 1 then
    self.row = self.row - 1
    self.byte = #self.lines[self.row] + 1
  end
end

function actions.right(self)
  local line = self.lines[self.row]
  if self.byte <= #line then
    self.byte = self.byte + cells.length(line, self.byte)
  elseif self.row < #self.lines then
    self.row, self.byte = self.row + 1, 1
  end
end

function actions.home(self) self.byte = 1 end
actions["end"] = function(self) self.byte = #self.lines[self.row] + 1 end
actions["ctrl-a"], actions["ctrl-e"] = actions.home, actions["end"]
actions["ctrl-home"] = function(self) self.row, self.byte = 1, 1 end
actions["ctrl-end"] = function(self) self.row, self.byte = #self.lines, #self.lines[#self.lines] + 1 end

local WORD = "[%w_\x80-\xff]"

actions["ctrl-right"] = function(self)
  local line = self.lines[self.row]
  if self.byte > #line then return actions.right(self) end
  local at = line:find("[^%w_\x80-\xff]", self.byte) or #line + 1
  self.byte = line:find(WORD, at) or #line + 1
end

actions["ctrl-left"] = function(self)
  if self.byte == 1 then return actions.left(self) end
  local before = self.lines[self.row]:sub(1, self.byte - 1)
  self.byte = #before:gsub("[^%w_\x80-\xff]*$", ""):gsub("[%w_\x80-\xff]*$", "") + 1
end

-- ---- changing

-- Notes a change; false, with a message, where none may be made.
local function may_change(self)
  if self.read_only then
    self.message = "read-only: " .. self.read_only
    return false
  end
  self.changed = true
  return true
end

-- Puts text without newlines in.
local function insert(self, text)
  local line = self.lines[self.row]
  self.lines[self.row] = line:sub(1, self.byte - 1) .. text .. line:sub(self.byte)
  self.byte = self.byte + #text
end

function actions.enter(self)
  if not may_change(self) then return end
  local line = self.lines[self.row]
  self.lines[self.row] = line:sub(1, self.byte - 1)
  table.insert(self.lines, self.row + 1, line:sub(self.byte))
  self.row, self.byte = self.row + 1, 1
end

function actions.tab(self)
  if may_change(self) then insert(self, "\t") end
end

function actions.delete(self)
  local line = self.lines[self.row]
  if self.byte > #line and self.row == #self.lines or not may_change(self) then return end
  if self.byte > #line then
    self.lines[self.row] = line .. table.remove(self.lines, self.row + 1)
  else
    local length = cells.length(line, self.byte)
    self.lines[self.row] = line:sub(1, self.byte - 1) .. line:sub(self.byte + length)
  end
end
actions["ctrl-d"] = actions.delete

function actions.backspace(self)
  if self.row == 1 and self.byte == 1 or self.read_only then return may_change(self) end
  actions.left(self)
  actions.delete(self)
end

-- Lines cut one after the other are gathered; paste puts all of them in.
actions["ctrl-k"] = function(self)
  if not may_change(self) then return end
  if not self.cutting then self.cut = {} end
  self.cut[#self.cut + 1] = self.lines[self.row]
  if #self.lines == 1 then self.lines[1] = "" else table.remove(self.lines, self.row) end
  self.row, self.byte = math.min(self.row, #self.lines), 1
  return "cut"
end

actions["ctrl-u"] = function(self)
  if not self.cut[1] or not may_change(self) then return end
  for i, line in ipairs(self.cut) do table.insert(self.lines, self.row + i - 1, line) end
  self.row, self.byte = self.row + #self.cut, 1
end

-- ---- searching

-- Looks for the last text on from behind the cursor, round the end.
local function find_next(self)
  local pattern = self.pattern
  local function find(row, at)
    local line = self.lines[row]
    if not pattern:find("%u") then line = line:lower() end
    return line:find(pattern, at, true)
  end
  for step = 0, #self.lines do
    local row = (self.row - 1 + step) % #self.lines + 1
    local at = find(row, step == 0 and self.byte + 1 or 1)
    if at then
      self.row, self.byte = row, at
      return
    end
  end
  self.message = pattern .. ": not found"
end

local function ask(self, kind, label, text)
  self.prompt = { kind = kind, label = label, text = text or "" }
end

actions["ctrl-f"] = function(self)
  ask(self, "find", ("Find%s: "):format(self.pattern and " (" .. self.pattern .. ")" or ""))
end
actions["ctrl-g"] = function(self) ask(self, "line", "Go to line: ") end
actions["ctrl-o"] = function(self) ask(self, "name", "Save as: ", self.name) end
actions["ctrl-s"] = function(self)
  if self.read_only then
    self.message = "read-only: " .. self.read_only .. "; Ctrl-O saves elsewhere"
    return
  end
  return "save"
end
actions["ctrl-q"] = function(self)
  if not self.changed then return "quit" end
  self.prompt = { kind = "quit", label = "Changed. Save it first? y, n, or Escape to go on: ", text = "" }
end
actions["ctrl-l"] = function() return "redraw" end
actions["f1"] = function() return "help" end

local answers = {}

function answers.find(self, text)
  if text ~= "" then self.pattern = text end
  if self.pattern then find_next(self) end
end

function answers.line(self, text)
  local number = math.tointeger(tonumber(text))
  if not number then
    self.message = text .. ": not a line's number"
    return
  end
  self.row, self.byte = math.max(1, math.min(number, #self.lines)), 1
end

function answers.name(_, text)
  if text ~= "" then return "save", text end
end

local function prompt_key(self, key)
  local prompt = self.prompt
  if key == "escape" or key == "ctrl-c" then
    self.prompt = nil
  elseif prompt.kind == "quit" then
    if key == "y" or key == "Y" then
      self.prompt = nil
      return self.read_only and "quit" or "save and quit"
    elseif key == "n" or key == "N" then
      self.prompt = nil
      return "quit"
    end
  elseif key == "enter" then
    self.prompt = nil
    return answers[prompt.kind](self, prompt.text)
  elseif key == "backspace" then
    prompt.text = prompt.text:sub(1, #prompt.text - cells.length_before(prompt.text, #prompt.text + 1))
  elseif key == "ctrl-u" then
    prompt.text = ""
  elseif keys.is_text(key) then
    prompt.text = prompt.text .. key
  end
end

local VERTICAL = { up = true, down = true, pageup = true, pagedown = true }

-- Takes a key as swos.keys names it. Returns what the driver has to do, if anything: save (and the name, if
-- it is another one), quit, "save and quit", redraw, help.
function Editor:key(key)
  self.message = nil
  if self.prompt then return prompt_key(self, key) end
  if not VERTICAL[key] then self.wanted = nil end
  local result, more
  if keys.is_text(key) then
    if may_change(self) then insert(self, key) end
  elseif actions[key] then
    result, more = actions[key](self)
  end
  self.cutting = result == "cut"
  if result ~= "cut" and result ~= true and result ~= false then return result, more end
end

-- ---- view

-- What is seen of a line: columns left to left + columns - 1.
local function visible(self, line)
  local parts, at, column, right = {}, 1, 0, self.left + self.columns - 1
  while at <= #line and column < right do
    local length, shown, width, is_odd = cells.character(line, at, column)
    if column >= self.left and column + width <= right then
      parts[#parts + 1] = is_odd and REVERSE .. shown .. RESET or shown
    elseif column + width > self.left then
      -- half of it: as many blanks
      parts[#parts + 1] = (" "):rep(math.min(column + width, right) - math.max(column, self.left))
    end
    at, column = at + length, column + width
  end
  return table.concat(parts)
end

-- Moves the view so that the cursor is in it.
local function follow_cursor(self)
  self.top = math.max(math.min(self.top, self.row), self.row - height(self) + 1)
  local column = column_of(self, self.row, self.byte)
  if column < self.left then self.left = math.max(0, column - MARGIN) end
  if column > self.left + self.columns - 2 then self.left = column - self.columns + 2 + MARGIN end
  return column
end

-- The rows of the screen, and the cursor's row and column (from 1).
function Editor:view()
  local column = follow_cursor(self)
  local rows = {}
  for i = 0, height(self) - 1 do
    local line = self.lines[self.top + i]
    rows[#rows + 1] = line and visible(self, line) or "~"
  end
  local where = ("%s%s  line %d/%d, column %d"):format(self.name, self.changed and " (changed)" or "",
    self.row, #self.lines, column + 1)
  rows[#rows + 1] = REVERSE .. cells.cut(where .. (" "):rep(self.columns), self.columns - 1) .. RESET
  if self.prompt then
    local text = self.prompt.label .. self.prompt.text
    local excess = math.max(0, cells.width(text) - self.columns + 2)
    while excess > 0 and text ~= "" do
      excess = excess - select(3, cells.character(text, 1, 0))
      text = text:sub(1 + cells.length(text, 1))
    end
    rows[#rows + 1] = text
    return rows, #rows, cells.width(text) + 1
  end
  rows[#rows + 1] = cells.cut(self.message or KEYS, self.columns - 1)
  return rows, self.row - self.top + 1, column - self.left + 1
end

return M
