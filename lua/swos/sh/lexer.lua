-- Shell text into tokens, one at a time, as the parser asks for them. Pure.
--
-- A token is { kind = "word", word =, plain = }, { kind = "operator", text = "&&" }, { kind =
-- "redirect", fd = N, text = ">" }, { kind = "newline" } or { kind = "end" }, with first and last:
-- where it stands in the text. plain is the text of a word without any quoting: what may be a
-- keyword, a name or an alias.
--
-- A word is { lit = text } when nothing in it is expanded, else { parts = {...} }, with single = true when
-- it is one field whatever is in it. A part is
--   { k = "text", text =, q = }
--   { k = "param", name =, op =, word =, q =, line = }   op: - :- = := ? :? + :+ % %% # ## length
--   { k = "command", list =, q = }               the parser's tree
--   { k = "arith", word =, q =, line = }
--   { k = "tilde" }
-- What is quoted (q) is neither split nor matched against files. line: LINENO's value, where that is named.
--
-- Text inside text ($(...), `...`, bodies of here-documents) is lexed by another Lexer; those of $(...)
-- share the source, so that its end is where the parser finds it.
local M = {}

-- Raised when the text ends inside something that goes on.
M.INCOMPLETE = {}

-- Nesting of all kinds; a syntax error beyond it.
local DEPTH_MAX = 400

local OPERATORS = { ["&&"] = true, ["||"] = true, [";;"] = true, [";"] = true, ["&"] = true, ["|"] = true,
  ["("] = true, [")"] = true }
local REDIRECTS = { ["<<-"] = true, [">>"] = true, ["<<"] = true, [">&"] = true, ["<&"] = true, ["<>"] = true,
  [">|"] = true, [">"] = true, ["<"] = true }
-- Words without anything special, and the characters that end them.
local PLAIN = "^[%w_./,:+@%%%-=!{}^]+()"

local ENDS_PLAIN = {}
for c in (" \t\r\n\v\f;&|()"):gmatch(".") do ENDS_PLAIN[c:byte()] = true end

local Lexer = {}
Lexer.__index = Lexer

-- source: { text =, depth =, closed =, line =, aliases =, in_use = }: closed when an end inside something is
-- an error; line of its beginning; aliases and in_use are the parser's. hooks.list(lexer, at) parses commands
-- up to ")" and returns the tree and the position behind it; hooks.text(source) all of it.
function M.new(source, at, hooks)
  source.depth = source.depth or 0
  return setmetatable({ source = source, at = at or 1, hooks = hooks, pending = {} }, Lexer)
end

function M.line_of(source, at)
  local _, count = source.text:sub(1, at - 1):gsub("\n", "")
  return count + (source.line or 1)
end

function Lexer:fail(at, format, ...)
  error({ message = format:format(...), line = M.line_of(self.source, at) }, 0)
end

function Lexer:incomplete()
  if self.source.closed then self:fail(#self.source.text, "syntax error: unterminated quoted string") end
  error(M.INCOMPLETE, 0)
end

function Lexer:enter()
  local source = self.source
  source.depth = source.depth + 1
  if source.depth > DEPTH_MAX then self:fail(self.at, "syntax error: nested too deeply") end
end

function Lexer:leave() self.source.depth = self.source.depth - 1 end

-- A source for text that was taken from `at`. What stands in the text of an alias does so here, too.
function Lexer:inner(text, at, line)
  local source, in_use = self.source, {}
  for _, alias in ipairs(source.in_use or {}) do
    if at < alias.limit then in_use[#in_use + 1] = { name = alias.name, limit = math.huge } end
  end
  return { text = text, closed = true, depth = source.depth, line = line, aliases = source.aliases,
    in_use = in_use }
end

local function literal(parts, text, quoted)
  local last = parts[#parts]
  if last and last.k == "text" and last.q == quoted then
    last.pieces[#last.pieces + 1] = text
  elseif text ~= "" or quoted then
    parts[#parts + 1] = { k = "text", pieces = { text }, q = quoted }
  end
end

-- ~ or ~/... at the start of a word (or behind = and : of an assignment) is a part of its own.
local function split_tilde(parts)
  local first = parts[1]
  if not first or first.k ~= "text" or first.q or first.text:byte() ~= 126 then return end
  if first.text == "~" and #parts == 1 then
    parts[1] = { k = "tilde" }
  elseif first.text:sub(2, 2) == "/" then
    first.text = first.text:sub(2)
    table.insert(parts, 1, { k = "tilde" })
  end
end

-- The word of parts; plain too when it has no quoting. keep_parts: never `lit`.
local function finish(parts, keep_parts)
  local is_literal, opens = parts[1] ~= nil and not keep_parts, false
  for _, part in ipairs(parts) do
    if part.k == "text" then
      part.text = table.concat(part.pieces)
      part.pieces = nil
      if not part.q then
        if part.text:find("[*?]") then is_literal = false end
        opens = opens or part.text:find("[", 1, true) ~= nil
      end
      if opens and part.text:find("]", 1, true) then is_literal = false end -- "[" alone is no pattern
    else
      is_literal = false
    end
  end
  local plain = #parts == 1 and parts[1].k == "text" and not parts[1].q and parts[1].text or nil
  split_tilde(parts)
  if not is_literal or parts[1].k == "tilde" then return { parts = parts }, plain end
  if parts[2] == nil then return { lit = parts[1].text }, plain end
  local texts = {}
  for i, part in ipairs(parts) do texts[i] = part.text end
  return { lit = table.concat(texts) }, nil
end

-- ---- what $ and ` start

-- $((...)) at `at`; nil when it is a command in a subshell instead.
function Lexer:arithmetic(at, quoted)
  local text, depth, position = self.source.text, 0, at + 3
  while true do
    position = text:find("[()\\]", position)
    if not position then self:incomplete() end
    local c = text:byte(position)
    if c == 92 then
      position = position + 1
    elseif c == 40 then
      depth = depth + 1
      if depth > 2 * DEPTH_MAX then self:fail(at, "syntax error: nested too deeply") end
    elseif depth > 0 then
      depth = depth - 1
    elseif text:byte(position + 1) == 41 then
      break
    elseif position == #text then
      self:incomplete()
    else
      return nil
    end
    position = position + 1
  end
  text = text:sub(at + 3, position - 1)
  local inner = M.new(self:inner(text, at, M.line_of(self.source, at)), 1, self.hooks)
  return { k = "arith", word = inner:whole("arith"), q = quoted,
    line = self:lineno(text:find("LINENO", 1, true), at) }, position + 2
end

-- LINENO's value at `at`, if it is wanted. The line a command stands on is known here, and nowhere later.
function Lexer:lineno(is_wanted, at)
  return is_wanted and tostring(M.line_of(self.source, at)) or nil
end

-- $NAME at `at`.
function Lexer:parameter(name, at, quoted)
  if name == "LINENO" then return { k = "text", pieces = { self:lineno(true, at) }, q = quoted } end
  return { k = "param", name = name, q = quoted }
end

-- ${...} at `at`.
function Lexer:braced(at, quoted)
  local text = self.source.text
  local name, behind = text:match("^#([%a_][%w_]*)}()", at + 2)
  if not name then name, behind = text:match("^#(%d+)}()", at + 2) end
  if not name then name, behind = text:match("^#([?$!#@*%-])}()", at + 2) end
  if name then
    return { k = "param", name = name, op = "length", q = quoted, line = self:lineno(name == "LINENO", at) },
      behind
  end
  name, behind = text:match("^([%a_][%w_]*)()", at + 2)
  if not name then name, behind = text:match("^(%d+)()", at + 2) end
  if not name then name, behind = text:match("^([?$!#@*%-])()", at + 2) end
  if not name and at + 2 > #text then self:incomplete() end
  local op = name and (text:match("^:?[-=?+]", behind) or text:match("^%%%%?", behind)
    or text:match("^##?", behind))
  if name and text:byte(behind) == 125 then
    return self:parameter(name, at, quoted), behind + 1
  elseif not op then
    if name and behind > #text then self:incomplete() end
    local close = text:find("}", at, true)
    if not close then self:incomplete() end
    self:fail(at, "%s: bad substitution", text:sub(at, close))
  end
  self:enter()
  local parts, is_pattern = {}, op:find("^[%%#]") ~= nil
  if quoted and not is_pattern then
    behind = self:quoted(parts, behind + #op, "brace")
  else
    behind = self:unquoted(parts, behind + #op, "brace")
  end
  self:leave()
  return { k = "param", name = name, op = op, word = finish(parts, true), q = quoted,
    line = self:lineno(name == "LINENO", at) }, behind + 1
end

-- What a `$` at `at` starts: the part and the position behind it; a `$` alone is itself.
function Lexer:dollar(parts, at, quoted)
  local text = self.source.text
  local following = text:byte(at + 1)
  local part, behind
  if following == 40 then
    self:enter()
    if text:byte(at + 2) == 40 then part, behind = self:arithmetic(at, quoted) end
    if not part then
      local list
      list, behind = self.hooks.list(self, at + 2)
      part = { k = "command", list = list, q = quoted }
    end
    self:leave()
  elseif following == 123 then
    part, behind = self:braced(at, quoted)
  else
    local name = text:match("^[%a_][%w_]*", at + 1) or text:match("^[%d?$!#@*%-]", at + 1)
    if not name then
      literal(parts, "$", quoted)
      return at + 1
    end
    part, behind = self:parameter(name, at, quoted), at + 1 + #name
  end
  parts[#parts + 1] = part
  return behind
end

-- `...` at `at`, inside double quotes when quoted.
function Lexer:backquote(parts, at, quoted)
  local text, pieces, position = self.source.text, {}, at + 1
  while true do
    local stop = text:find("[`\\]", position)
    if not stop then self:incomplete() end
    pieces[#pieces + 1] = text:sub(position, stop - 1)
    position = stop + 1
    if text:byte(stop) == 96 then break end
    local following = text:sub(stop + 1, stop + 1)
    if following:find(quoted and '[$`\\"]' or "[$`\\]") then
      pieces[#pieces + 1] = following
      position = stop + 2
    else
      pieces[#pieces + 1] = "\\"
    end
  end
  self:enter()
  local list = self.hooks.text(self:inner(table.concat(pieces), at, M.line_of(self.source, at)))
  self:leave()
  parts[#parts + 1] = { k = "command", list = list, q = quoted }
  return position
end

-- ---- text with and without quotes

local QUOTED_STOP = { dq = '["\\$`]', brace = '["\\$`}]', here = "[\\$`]", arith = '["\\$`]' }
local QUOTED_ESCAPE = { dq = '[$`"\\]', brace = '[$`"\\}]', here = "[$`\\]", arith = '[$`"\\]' }

-- Text as between double quotes, from `at`; the position where it stopped: at the closing quote (dq),
-- at } (brace), behind the end (here, arith).
function Lexer:quoted(parts, at, mode)
  local text = self.source.text
  while true do
    local stop = text:find(QUOTED_STOP[mode], at)
    if not stop then
      if mode == "dq" or mode == "brace" then self:incomplete() end
      literal(parts, text:sub(at), true)
      return #text + 1
    end
    if stop > at then literal(parts, text:sub(at, stop - 1), true) end
    local c = text:byte(stop)
    if c == 125 or c == 34 and mode == "dq" then
      return stop
    elseif c == 34 then
      at = stop + 1
      if mode == "brace" then
        at = self:quoted(parts, at, "dq") + 1
        text = self.source.text
      end
    elseif c == 36 then
      at = self:dollar(parts, stop, true)
      text = self.source.text
    elseif c == 96 then
      at = self:backquote(parts, stop, true)
    else
      local following = text:sub(stop + 1, stop + 1)
      if following == "" then
        if mode ~= "here" and mode ~= "arith" then self:incomplete() end
        literal(parts, "\\", true)
      elseif following ~= "\n" then
        literal(parts, following:find(QUOTED_ESCAPE[mode]) and following or "\\" .. following, true)
      end
      at = stop + 2
    end
  end
end

local STOP = { word = "[%s;&|()<>'\"\\$`]", brace = "['\"\\$`}]" }

-- Text outside quotes from `at`; the position where it stopped: at blank or operator (word), at } (brace).
function Lexer:unquoted(parts, at, mode)
  local text, pattern = self.source.text, STOP[mode]
  while true do
    local stop = text:find(pattern, at)
    if not stop then
      if mode == "brace" then self:incomplete() end
      stop = #text + 1
    end
    if stop > at then literal(parts, text:sub(at, stop - 1), false) end
    local c = text:byte(stop)
    if c == 39 then
      local close = text:find("'", stop + 1, true)
      if not close then self:incomplete() end
      literal(parts, text:sub(stop + 1, close - 1), true)
      at = close + 1
    elseif c == 34 then
      local before = #parts
      at = self:quoted(parts, stop + 1, "dq") + 1
      if #parts == before then literal(parts, "", true) end -- "" is a word; "$@" may be none
    elseif c == 92 then
      local following = text:sub(stop + 1, stop + 1)
      if following == "" then self:incomplete() end
      if following ~= "\n" then literal(parts, following, true) end
      at = stop + 2
    elseif c == 36 then
      at = self:dollar(parts, stop, false)
    elseif c == 96 then
      at = self:backquote(parts, stop, false)
    else
      return stop
    end
    text = self.source.text
  end
end

-- All of the text as one word: a body of a here-document, or arithmetic.
function Lexer:whole(mode)
  local parts = {}
  self:quoted(parts, 1, mode)
  return (finish(parts))
end

-- ---- here-documents

-- A word as it stands in the text, but for its quotes; whether it had some. A `$` in it is itself.
local function without_quotes(text)
  local out, at, open, quoted = {}, 1, nil, false -- open: the quote that is
  text = text:gsub("\\\n", "")
  while at <= #text do
    local c = text:sub(at, at)
    at = at + 1
    if c == open then
      open = nil
    elseif not open and (c == "'" or c == '"') then
      open, quoted = c, true
    else
      if c == "\\" and (not open or open == '"' and text:find('^[$`"\\]', at)) then
        c, at, quoted = text:sub(at, at), at + 1, true
      end
      out[#out + 1] = c
    end
  end
  return table.concat(out), quoted
end

-- Registers one whose delimiter was just read; its body comes with the next newline.
function Lexer:expect_here(redirect, token, strip)
  local delimiter, quoted = without_quotes(self.source.text:sub(token.first, token.last))
  self.pending[#self.pending + 1] = { redirect = redirect, strip = strip, delimiter = delimiter,
    quoted = quoted }
end

local function read_here(self, at, entry)
  local text, lines, first = self.source.text, {}, at
  while true do
    if at > #text then
      if self.source.closed then break end
      error(M.INCOMPLETE, 0)
    end
    local stop = text:find("\n", at, true)
    local line = text:sub(at, stop and stop - 1 or #text)
    at = (stop or #text) + 1
    if entry.strip then line = line:gsub("^\t+", "") end
    if line == entry.delimiter then break end
    lines[#lines + 1] = line .. "\n"
  end
  local body = table.concat(lines)
  if entry.quoted then
    entry.redirect.word = { lit = body }
  else
    local source = self:inner(body, first, M.line_of(self.source, at) - #lines - 1)
    local inner = M.new(source, 1, self.hooks)
    local word = inner:whole("here")
    if word.parts and not word.parts[1] then word = { lit = "" } end
    entry.redirect.word = word
  end
  return at
end

-- ---- tokens

-- Puts an alias's text in the place of a token.
function Lexer:replace(token, text)
  local source = self.source
  source.text = source.text:sub(1, token.first - 1) .. text .. source.text:sub(token.last + 1)
  self.at = token.first
end

local function io_number(digits, text)
  if digits ~= "" then return math.tointeger(tonumber(digits)) or -1 end
  return text:byte() == 60 and 0 or 1
end

-- Where the next token begins: behind blanks, comments, continued lines.
local function skip_blanks(source, at)
  local text = source.text
  while true do
    at = text:find("[^ \t\r]", at) or #text + 1
    local c = text:byte(at)
    if c == 35 then
      at = text:find("\n", at, true) or #text + 1
    elseif c == 92 and text:byte(at + 1) == 10 then
      at = at + 2
      if at > #text and not source.closed then error(M.INCOMPLETE, 0) end
    else
      return at
    end
  end
end

function Lexer:at_end(at)
  if self.pending[1] and not self.source.closed then error(M.INCOMPLETE, 0) end
  for _, entry in ipairs(self.pending) do entry.redirect.word = { lit = "" } end
  self.pending = {}
  self.at = at
  return { kind = "end", first = at, last = at - 1 }
end

function Lexer:newline(at)
  local behind = at + 1
  if self.pending[1] then
    for _, entry in ipairs(self.pending) do behind = read_here(self, behind, entry) end
    self.pending = {}
  end
  self.at = behind
  return { kind = "newline", first = at, last = at }
end

function Lexer:redirect(at, digits)
  local text, from = self.source.text, at + #digits
  for length = 3, 1, -1 do
    local redirect = text:sub(from, from + length - 1)
    if REDIRECTS[redirect] then
      self.at = from + length
      return { kind = "redirect", text = redirect, fd = io_number(digits, redirect), first = at,
        last = self.at - 1 }
    end
  end
end

-- The next token.
function Lexer:next()
  local source, at = self.source, self.at
  local text = source.text
  local c = text:byte(at)
  if not c or c <= 35 or c == 92 then
    at = skip_blanks(source, at)
    c = text:byte(at)
    if not c then return self:at_end(at) end
    if c == 10 then return self:newline(at) end
  end
  local behind = text:match(PLAIN, at)
  if behind then -- most words
    local stop = text:byte(behind)
    if not stop or ENDS_PLAIN[stop] or (stop == 60 or stop == 62) and not text:find("^%d+[<>]", at) then
      local plain = text:sub(at, behind - 1)
      self.at = behind
      return { kind = "word", plain = plain, word = { lit = plain }, first = at, last = behind - 1 }
    end
  end
  local digits = text:match("^(%d*)[<>]", at)
  if digits then return self:redirect(at, digits) end
  local operator = text:sub(at, at + 1)
  if not OPERATORS[operator] then operator = text:sub(at, at) end
  if OPERATORS[operator] then
    self.at = at + #operator
    return { kind = "operator", text = operator, first = at, last = self.at - 1 }
  end
  local parts = {}
  self.at = at
  behind = self:unquoted(parts, at, "word")
  self.at = behind
  local word, plain = finish(parts)
  return { kind = "word", plain = plain, word = word, parts = parts, first = at, last = behind - 1 }
end

return M
