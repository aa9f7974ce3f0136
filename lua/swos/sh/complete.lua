-- What a Tab completes. Pure: what there is to complete comes from lookups.
--
-- lookups:
--   commands()      names of commands
--   variables()     names of variables
--   list(directory) { { name =, is_directory = }... }, or nil; "" is the present directory
--   options(name)   of a command: { { short =, long =, argument = }... }, or nil
--   help(name)      its --help, or nil
--   pages()         what there is to read about
--   services()      names
--   home()          what ~ is
local M = {}

local KEYWORDS = {} -- a command follows these
for word in ("if then else elif do while until ! {"):gmatch("%S+") do KEYWORDS[word] = true end

-- ---- where the cursor is

-- Scans a line as the lexer does, but what is open at its end is no mistake. A frame is the line itself or a
-- $( ), ` ` or ( ) in it: the words of its simple command, and the word that is being read.
local function new_frame(close)
  return { close = close, words = {} }
end

local function begin_word(frame, at)
  if not frame.from then frame.from, frame.value = at, {} end
end

local function end_word(frame)
  if not frame.from then return end
  local value = table.concat(frame.value)
  if frame.redirects then
    frame.redirects = nil
  elseif frame.words[1] or not (KEYWORDS[value] or value:find("^[%a_][%w_]*=")) then
    frame.words[#frame.words + 1] = value
  end
  frame.from, frame.value = nil, nil
end

local function end_command(frame)
  end_word(frame)
  frame.words, frame.redirects = {}, nil
end

-- Takes one step behind `at`; frames is the stack of what is open.
local function step(text, at, frames)
  local frame = frames[#frames]
  local c = text:sub(at, at)
  if frame.quote == "'" then
    if c == "'" then frame.quote = nil else table.insert(frame.value, c) end
    return at + 1
  end
  if c == "\\" then
    begin_word(frame, at)
    frame.escaped = at == #text
    local following = text:sub(at + 1, at + 1)
    local stays = frame.quote and not following:find('["$`\\]')
    table.insert(frame.value, stays and c .. following or following)
    return at + 2
  elseif text:find("^%$%(", at) or c == "`" then
    if c == "`" and frame.close == "`" then
      end_word(frame)
      table.remove(frames)
      return at + 1
    end
    begin_word(frame, at)
    table.insert(frame.value, "$") -- stands for what is not known
    frames[#frames + 1] = new_frame(c == "`" and "`" or ")")
    return c == "`" and at + 1 or at + 2
  elseif c == '"' then
    begin_word(frame, at)
    frame.quote = not frame.quote and c or nil
    return at + 1
  elseif frame.quote then
    table.insert(frame.value, c)
    return at + 1
  elseif c == "'" then
    begin_word(frame, at)
    frame.quote = c
    return at + 1
  elseif c == " " or c == "\t" then
    end_word(frame)
    return at + 1
  elseif c == "#" and not frame.from then
    local stop = text:find("\n", at, true)
    frame.is_comment = not stop
    return stop or #text + 1
  elseif c == "<" or c == ">" then
    if frame.from and not table.concat(frame.value):find("^%d+$") then end_word(frame) end
    frame.from, frame.value = nil, nil
    frame.redirects = true
    return text:match("^[<>]+[&|]?()", at)
  elseif c == ")" and frame.close == ")" and frames[2] then
    table.remove(frames)
    return at + 1
  elseif c == "(" then
    end_command(frame)
    frames[#frames + 1] = new_frame(")")
    return at + 1
  elseif c:find("[;&|\n)]") then
    end_command(frame)
    return at + 1
  end
  begin_word(frame, at)
  table.insert(frame.value, c)
  return at + 1
end

-- The word at the end of text: { from =, value =, quote =, words =, redirects =, tilde = }; nil: none can be
-- completed.
local function word_at_end(text)
  local frames, at = { new_frame() }, 1
  while at <= #text do at = step(text, at, frames) end
  local frame = frames[#frames]
  if frame.escaped or frame.is_comment then return nil end
  return { from = frame.from or #text + 1, value = frame.value and table.concat(frame.value) or "",
    quote = frame.quote, words = frame.words, redirects = frame.redirects,
    tilde = frame.from and text:sub(frame.from, frame.from) == "~" }
end

-- ---- candidates: { text =, shown =, goes_on = } where nothing but more of the same word may follow

local function names_that_begin(list, prefix)
  local out = {}
  for _, name in ipairs(list) do
    if name:sub(1, #prefix) == prefix then out[#out + 1] = { text = name, shown = name } end
  end
  return out
end

-- Files, and what of their names is there. tilde: ~ is the home directory.
local function files(path, lookups, tilde)
  local directory, base = path:match("^(.*/)([^/]*)$")
  directory, base = directory or "", base or path
  local where = directory
  if tilde and where:find("^~/") then where = lookups.home() .. where:sub(2) end
  local out = {}
  for _, entry in ipairs(lookups.list(where) or {}) do
    local name = entry.name
    if name:sub(1, #base) == base and (name:byte() ~= 46 or base:byte() == 46) then
      local slash = entry.is_directory and "/" or ""
      out[#out + 1] = { text = name .. slash, shown = name .. slash, goes_on = entry.is_directory }
    end
  end
  return out, base
end

local function directories(list)
  local out = {}
  for _, entry in ipairs(list) do
    if entry.goes_on then out[#out + 1] = entry end
  end
  return out
end

local function options(word, lookups)
  local out = {}
  for _, option in ipairs(lookups.options(word.words[1]) or {}) do
    local short, long = option.short and "-" .. option.short, option.long and "--" .. option.long
    if short and word.value ~= "--" and short:sub(1, #word.value) == word.value then
      out[#out + 1] = { text = short, shown = short }
    end
    if long and long:sub(1, #word.value) == word.value then
      local mark = option.argument and "=" or ""
      out[#out + 1] = { text = long .. mark, shown = long .. mark, goes_on = option.argument ~= nil }
    end
  end
  return out[1] and out
end

local function has_ended_options(words)
  for i = 2, #words do
    if words[i] == "--" then return true end
  end
  return false
end

-- What a command's operands are where they are no files: a lookup's name, and which operand (nil: all).
local OPERANDS = { man = { "pages" }, help = { "pages" }, which = { "commands" }, type = { "commands" },
  command = { "commands", 1 }, env = { "commands", 1 }, exec = { "commands", 1 }, time = { "commands", 1 },
  timeout = { "commands", 2 }, trace = { "commands", 1 }, watch = { "commands", 1 },
  xargs = { "commands", 1 }, svc = { "services", 2 } }
local TAKES_DIRECTORY = { cd = true, rmdir = true }

-- The words a command's usage has in its first operand's place.
local function words_of_usage(name, lookups)
  local names = {}
  for line in (lookups.help(name) or ""):gsub("^usage:", " "):gmatch("[^\n]+") do
    local choice = line:match("^%s+%S+ %[?([%l%d|]+)")
    for word in (choice or ""):gmatch("%l%w*") do names[#names + 1] = word end
  end
  return names
end

-- Names that are operands of the word's command at the word's place.
local function operands(word, lookups)
  local name, place = word.words[1], 1
  for i = 2, #word.words do
    if word.words[i]:byte() ~= 45 then place = place + 1 end
  end
  local known = OPERANDS[name]
  if known and (not known[2] or known[2] == place) then return lookups[known[1]]() end
  return place == 1 and words_of_usage(name, lookups) or {}
end

-- Candidates and what of them is there already.
local function candidates(word, lookups)
  local value = word.value
  if not word.words[1] and not word.redirects then
    local assigned = value:match("^[%a_][%w_]*=(.*)$")
    if assigned then return files(assigned, lookups) end
    if not value:find("/", 1, true) then return names_that_begin(lookups.commands(), value), value end
  elseif value:byte() == 45 and not word.redirects and not has_ended_options(word.words) then
    local file = value:match("^%-%-[%w-]+=(.*)$")
    if file then return files(file, lookups) end
    local list = options(word, lookups)
    if list then return list, value end
  elseif not word.redirects and not value:find("/", 1, true) then
    local list = names_that_begin(operands(word, lookups), value)
    if list[1] then return list, value end
  end
  local list, base = files(value, lookups, word.tilde)
  return TAKES_DIRECTORY[word.words[1]] and not word.redirects and directories(list) or list, base
end

-- ---- the answer

local function common_prefix(list)
  local first = list[1].text
  local length = #first
  for i = 2, #list do
    local other = list[i].text
    while other:sub(1, length) ~= first:sub(1, length) do length = length - 1 end
  end
  -- not within a character
  while length > 0 and length < #first and first:find("^[\x80-\xbf]", length + 1) do length = length - 1 end
  return first:sub(1, length)
end

-- Text as more of a word that is inside `quote`.
local function quoted(text, quote)
  if quote == "'" then return (text:gsub("'", "'\\''")) end
  if quote == '"' then return (text:gsub('["$`\\]', "\\%0")) end
  text = text:gsub("[^%w_./,:+@%%=^\x80-\xff-]", "\\%0")
  return (text:gsub("\\\n", "'\n'"))
end

-- $NAME or ${NAME at the end of the word, outside '...': what is before the name, the name.
local function variable(left, word)
  if word.quote == "'" then return nil end
  local from, name = left:match("()%$([%a_]?[%w_]*)$")
  if not from then from, name = left:match("()%${([%a_]?[%w_]*)$") end
  if not from or from < word.from then return nil end
  local slashes = #left:sub(word.from, from - 1):match("\\*$")
  if slashes % 2 == 1 then return nil end
  return #left - #name, name, left:sub(from + 1, from + 1) == "{"
end

local function sorted(list)
  table.sort(list, function(a, b) return a.text < b.text end)
  local out = {}
  for _, entry in ipairs(list) do
    if not out[1] or out[#out].text ~= entry.text then out[#out + 1] = entry end
  end
  return out
end

-- left and right: the line before and behind the cursor. nil, or { keep =, text =, items = } as the editor
-- wants it.
function M.complete(left, right, lookups)
  local word = word_at_end(left)
  if not word then return nil end
  local list, base, ending
  local keep, name, in_braces = variable(left, word)
  if keep then
    list, base, ending = names_that_begin(lookups.variables(), name), name, in_braces and "}" or ""
  else
    keep = word.from - 1
    list, base = candidates(word, lookups)
    ending = (word.quote or "") .. (right:find("^%s") and "" or " ")
  end
  list = sorted(list)
  if not list[1] then return nil end
  local suffix = common_prefix(list):sub(#base + 1)
  local text = left:sub(keep + 1) .. (name and suffix or quoted(suffix, word.quote))
  if #list == 1 and not list[1].goes_on then text = text .. ending end
  local items = {}
  for i, entry in ipairs(list) do items[i] = entry.shown end
  return { keep = keep, text = text, items = items }
end

return M
