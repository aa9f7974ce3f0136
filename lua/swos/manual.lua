-- Pages of docs/commands for people at a terminal or in a pipe: the little Markdown they use, laid out. Pure.
local cells = require("swos.cells")

local M = {}

local WIDEST, NARROWEST = 90, 30
local INDENT = 4
local TERMS = 24 -- columns options may take in front of their text
local BOLD, PLAIN = "\27[1m", "\27[0m"

-- Columns without colours.
local function width_of(text)
  return cells.width((text:gsub("\27%[%d*m", "")))
end

-- Words of a paragraph in lines of at most so many columns. A piece in bold may go over several.
local function fill(text, columns)
  local lines, line, used = {}, {}, 0
  for word in text:gmatch("%S+") do
    local width = width_of(word)
    if line[1] and used + 1 + width > columns then
      lines[#lines + 1] = table.concat(line, " ")
      line, used = {}, 0
    end
    used = used + width + (line[1] and 1 or 0)
    line[#line + 1] = word
  end
  lines[#lines + 1] = table.concat(line, " ")
  return lines
end

local Page = {}
Page.__index = Page

-- `code` and links of a text, in bold or as they are.
local function inline(self, text)
  text = text:gsub("%[([^%]]+)%]%([^)]*%)", "%1")
  return (text:gsub("`([^`]+)`", function(code)
    if not self.bold then return code end
    return (code:gsub("%S+", BOLD .. "%0" .. PLAIN))
  end))
end

function Page:put(text)
  self.lines[#self.lines + 1] = text
end

function Page:gap()
  if self.lines[1] and self.lines[#self.lines] ~= "" then self:put("") end
end

function Page:heading(text)
  self:gap()
  self:put(self.bold and BOLD .. text:upper() .. PLAIN or text:upper())
end

function Page:paragraph(text)
  self:gap()
  for _, line in ipairs(fill(inline(self, text), self.columns - INDENT)) do
    self:put((" "):rep(INDENT) .. line)
  end
end

-- The names in front of "`-n N`, `--lines=N`: text", and the text; nil when an item does not begin so.
local function term_of(item)
  local at = 1
  while true do
    local code = item:match("^`[^`]*`", at)
    if not code then return nil end
    at = at + #code
    local text = item:match("^:%s+(.*)$", at)
    if text then return item:sub(1, at - 1), text end
    if item:sub(at, at + 1) ~= ", " then return nil end
    at = at + 2
  end
end

-- Items "`-n N`, `--lines=N`: text" stand in two columns, others have a dash.
function Page:items(items)
  local terms, column = {}, 0
  for i, item in ipairs(items) do
    local names, text = term_of(item)
    terms[i] = names and { inline(self, names), text }
    if names then column = math.max(column, width_of(terms[i][1])) end
  end
  column = math.min(column, TERMS)
  for i, item in ipairs(items) do
    local term, text = "-", item
    if terms[i] then term, text = terms[i][1], terms[i][2] end
    local hang = INDENT + (terms[i] and column + 2 or 2)
    local lines = fill(inline(self, text), self.columns - hang)
    local gap = hang - INDENT - width_of(term)
    if gap < 1 then
      self:put((" "):rep(INDENT) .. term)
      term, gap = "", hang - INDENT
    end
    self:put((" "):rep(INDENT) .. term .. (" "):rep(gap) .. lines[1])
    for at = 2, #lines do self:put((" "):rep(hang) .. lines[at]) end
  end
end

-- Lines that stand as they are.
function Page:block(lines, is_bold)
  self:gap()
  for _, line in ipairs(lines) do
    if self.bold and (is_bold or line:find("^[$>] ")) then line = BOLD .. line .. PLAIN end
    self:put(line == "" and "" or (" "):rep(INDENT) .. line)
  end
end

-- What is gathered of one paragraph, list or block, put down when something else begins.
local function flush(self)
  local kind, gathered = self.kind, self.gathered
  self.kind, self.gathered = nil, nil
  if kind == "text" then self:paragraph(table.concat(gathered, " "))
  elseif kind == "list" then
    self:gap()
    self:items(gathered)
  elseif kind == "block" then
    while gathered[#gathered] == "" do gathered[#gathered] = nil end
    self:block(gathered, self.section == "synopsis")
    if self.section == "synopsis" then self.section = "text" end
  end
end

local function gather(self, kind)
  if self.kind ~= kind then
    flush(self)
    self.kind, self.gathered = kind, {}
    -- what stands between synopsis and first heading is the description
    if self.section == "text" and kind ~= "block" then
      self:heading("description")
      self.section = "described"
    end
  end
  return self.gathered
end

local function take_line(self, line)
  local title, indented, item = line:match("^##+ (.+)$"), line:match("^    (.*)$"), line:match("^%- (.+)$")
  local more = line:match("^  (%S.*)$")
  if title then
    flush(self)
    self.section = "section"
    self:heading(title)
  elseif indented and self.kind ~= "list" and self.kind ~= "text" then
    local block = gather(self, "block")
    block[#block + 1] = indented
  elseif item then
    local list = gather(self, "list")
    list[#list + 1] = item
  elseif line == "" then
    -- a block goes on behind an empty line
    if self.kind == "block" then self.gathered[#self.gathered + 1] = "" else flush(self) end
  elseif self.kind == "list" and more then
    self.gathered[#self.gathered] = self.gathered[#self.gathered] .. " " .. more
  else
    local text = gather(self, "text")
    text[#text + 1] = line
  end
end

-- A page as text. options: columns (80), bold (false).
function M.render(text, options)
  options = options or {}
  local columns = math.max(NARROWEST, math.min(options.columns or 80, WIDEST))
  local self = setmetatable({ lines = {}, bold = options.bold, columns = columns }, Page)
  local name, summary = text:match("^# ([^%s:]+): ([^\n]+)")
  self:heading("name")
  local line = ("%s - %s"):format(name or "?", summary or "")
  self:block { self.bold and name and BOLD .. name .. PLAIN .. line:sub(#name + 1) or line }
  self:heading("synopsis")
  self.section = "synopsis"
  for one in (text:gsub("\n?$", "\n")):gmatch("(.-)\n", (text:find("\n", 1, true) or #text) + 1) do
    take_line(self, one)
  end
  flush(self)
  -- No empty line between a heading and what it heads.
  local lines = {}
  for i, one in ipairs(self.lines) do
    local before = self.lines[i - 1] and self.lines[i - 1]:gsub("\27%[%d*m", "")
    if not (one == "" and before and before:find("^%u")) then lines[#lines + 1] = one end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- The lines of an index ("NAME: summary") that have all words, in any case, aligned; with text_of(NAME)
-- those whose pages have them.
function M.search(index, words, text_of)
  local found, column = {}, 0
  for name, summary in index:gmatch("([^:\n]+): ([^\n]*)") do
    local text, has_all = (text_of and text_of(name) or name .. " " .. summary):lower(), true
    for _, word in ipairs(words) do
      if not text:find(word:lower(), 1, true) then has_all = false end
    end
    if has_all then
      found[#found + 1] = { name, summary }
      column = math.max(column, #name)
    end
  end
  for i, entry in ipairs(found) do found[i] = ("%-" .. column .. "s - %s"):format(entry[1], entry[2]) end
  return found
end

-- Names in columns of a terminal, read downwards.
function M.columns(names, columns)
  local widest = 0
  for _, name in ipairs(names) do widest = math.max(widest, #name) end
  local across = math.max(1, (columns - 2) // (widest + 2))
  local rows, lines = (#names + across - 1) // across, {}
  for row = 1, rows do
    local line = {}
    for at = row, #names, rows do line[#line + 1] = ("%-" .. widest .. "s"):format(names[at]) end
    lines[row] = "  " .. (table.concat(line, "  "):gsub("%s+$", ""))
  end
  return lines
end

return M
