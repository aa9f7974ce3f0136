-- Tokens into a tree. Pure.
--
-- A list is { node... }. Words are the lexer's. Nodes, by kind:
--   simple      assignments = { { name, word }... }, words = { word... }, redirects
--   pipeline    commands = { node... }, negated
--   and_or      first = node, rest = { { "&&" | "||", node }... }
--   background  node, text = its source
--   subshell, brace    list, redirects
--   if          clauses = { { condition list, list }... }, otherwise = list or nil
--   while       condition = list, body = list, is_until
--   for         name, words = { word... } or nil for "$@", body = list
--   case        word, items = { { patterns = { word... }, body = list }... }
--   function    name, body = node
-- redirects: { { fd = N, op = ">", word }... }; the word of << is the body.
local lexer = require("swos.sh.lexer")

local M = {}

local Parser = {}
Parser.__index = Parser

local hooks = {}

-- A parser of source { text = }. aliases: { name = text }, or nil. source.in_use: { { name =, limit = }... },
-- the aliases whose text stands there up to limit, outer ones first; none of them is put in once more.
function M.new(source, aliases, at)
  source.aliases = aliases
  return setmetatable({ source = source, lexer = lexer.new(source, at, hooks), aliases = aliases,
    last = at or 1 }, Parser)
end

local function describe(token)
  if token.kind == "newline" then return "newline" end
  return token.text or token.plain or "word"
end

function Parser:fail(token)
  if token.kind == "end" then
    if self.source.closed then self.lexer:fail(token.first, "syntax error: unexpected end") end
    error(lexer.INCOMPLETE, 0)
  end
  self.lexer:fail(token.first, "syntax error near '%s'", describe(token))
end

function Parser:peek()
  local token = self.token
  if not token then
    token = self.lexer:next()
    self.token = token
  end
  return token
end

function Parser:advance()
  local token = self.token or self:peek()
  self.last, self.token = token.last, nil
  return token
end

function Parser:is_operator(text)
  local token = self:peek()
  return token.kind == "operator" and token.text == text
end

function Parser:is_keyword(text) return self:peek().plain == text end

function Parser:expect_operator(text)
  local token = self:peek()
  if token.kind ~= "operator" or token.text ~= text then self:fail(token) end
  return self:advance()
end

function Parser:expect_keyword(text)
  local token = self:peek()
  if token.plain ~= text then self:fail(token) end
  return self:advance()
end

function Parser:skip_newlines()
  while self:peek().kind == "newline" do self:advance() end
end

-- ---- simple commands

function Parser:redirect(redirects)
  local token = self:advance()
  local target = self:peek()
  if target.kind ~= "word" then self:fail(target) end
  local entry = { fd = token.fd, op = token.text, word = target.word }
  redirects[#redirects + 1] = entry
  if token.text == "<<" or token.text == "<<-" then
    entry.op = "<<"
    self.lexer:expect_here(entry, target, token.text == "<<-")
  end
  self:advance()
end

-- ~ behind = and : of an assignment's value is the home directory.
local function tildes(parts)
  local out = {}
  for i, part in ipairs(parts) do
    if part.k ~= "text" or part.q or not part.text:find("~", 1, true) then
      out[#out + 1] = part
    else
      local text, at = part.text, 1
      while at <= #text do
        local colon = text:find(":", at, true) or #text + 1
        local piece = text:sub(at, colon)
        local begins = at > 1 or i == 1
        if begins and piece:find("^~[/:]") or begins and piece == "~" and not parts[i + 1] then
          out[#out + 1] = { k = "tilde" }
          piece = piece:sub(2)
        end
        if piece ~= "" then out[#out + 1] = { k = "text", text = piece, q = true } end
        at = colon + 1
      end
    end
  end
  return out
end

-- NAME=word at the start of a command: the name, and the word without it.
local function assignment(token)
  if token.plain and not token.plain:find("~", 1, true) then
    if not token.plain:find("=", 1, true) then return nil end
    local name, value = token.plain:match("^([%a_][%w_]*)=(.*)$")
    return name, name and { lit = value }
  end
  local parts = token.parts
  local first = parts[1]
  if not first or first.k ~= "text" or first.q then return nil end
  local name, value = first.text:match("^([%a_][%w_]*)=(.*)$")
  if not name then return nil end
  if value == "" and parts[2] then
    parts = table.move(parts, 2, #parts, 1, {})
  else
    parts = table.move(parts, 2, #parts, 2, { { k = "text", text = value, q = false } })
  end
  return name, { parts = tildes(parts) }
end

-- Commands whose words NAME=word are expanded as assignments are; behind `command`, too.
local DECLARES = { export = true, readonly = true, ["local"] = true }

-- Such a word: one field, whatever is in it.
local function declared(token)
  local literal = token.word.lit
  if literal and not literal:find("~", 1, true) then return token.word end
  local name, value = assignment(token)
  if not name then return token.word end
  if value.lit then return { lit = name .. "=" .. value.lit } end
  table.insert(value.parts, 1, { k = "text", text = name .. "=", q = true })
  return { parts = value.parts, single = true }
end

-- Whether the name's text is being read at a place; forgets what ended before it.
local function is_in_use(in_use, name, at)
  while in_use[1] and at >= in_use[#in_use].limit do in_use[#in_use] = nil end
  for _, alias in ipairs(in_use) do
    if alias.name == name then return true end
  end
  return false
end

-- The token at a command's start with aliases put in.
function Parser:unalias()
  local token, source, next_at = self:peek(), self.source, nil
  local in_use = source.in_use or {}
  source.in_use = in_use
  while true do
    local name = token.plain
    local value = name and self.aliases and self.aliases[name]
    if not value or is_in_use(in_use, name, token.first) then return token end
    local more = #value - #name
    for _, alias in ipairs(in_use) do alias.limit = alias.limit + more end
    in_use[#in_use + 1] = { name = name, limit = token.first + #value }
    self.lexer:replace(token, value)
    self.token = nil
    next_at = value:find("[ \t]$") and token.first + #value or next_at and next_at + more
    self.alias_next = next_at
    token = self:peek()
  end
end

local ENDS = { ["then"] = true, ["else"] = true, ["elif"] = true, ["fi"] = true, ["do"] = true,
  ["done"] = true, ["esac"] = true, ["}"] = true }
local COMPOUND = {}

-- Whether a word at this place may be an alias.
function Parser:may_be_alias(token, count)
  if not self.aliases then return false end
  if count == 0 then return next(self.aliases) ~= nil end
  if not self.alias_next or token.first < self.alias_next then return false end
  self.alias_next = nil
  return true
end

function Parser:simple()
  local assignments, redirects
  local words, count = {}, 0
  local declares, may_declare = nil, true
  while true do
    local token = self:peek()
    if token.kind == "word" and self:may_be_alias(token, count) then token = self:unalias() end
    if token.kind == "redirect" then
      redirects = redirects or {}
      self:redirect(redirects)
    elseif token.kind ~= "word" then
      break
    else
      local name, value
      if count == 0 then name, value = assignment(token) end
      self:advance()
      if name then
        assignments = assignments or {}
        assignments[#assignments + 1] = { name, value }
      else
        count = count + 1
        words[count] = declares and declared(token) or token.word
        if may_declare then
          declares, may_declare = DECLARES[token.word.lit], token.word.lit == "command"
        end
        if count == 1 and not assignments and not redirects and self:is_operator("(") then
          return self:definition(token)
        end
      end
    end
  end
  if count == 0 and not assignments and not redirects then self:fail(self:peek()) end
  return { kind = "simple", words = words, assignments = assignments, redirects = redirects }
end

-- name() compound; the name was read.
function Parser:definition(token)
  local name = token.plain
  if not name or not name:find("^[%a_][%w_]*$") then self:fail(self:peek()) end
  self:advance()
  self:expect_operator(")")
  self:skip_newlines()
  return { kind = "function", name = name, body = self:command() }
end

-- ---- compound commands

-- A list that has at least one command.
function Parser:body()
  local list = self:list()
  if not list[1] then self:fail(self:peek()) end
  return list
end

local function closed_by_keyword(kind, keyword)
  return function(self)
    self:advance()
    local list = self:body()
    self:expect_keyword(keyword)
    return { kind = kind, list = list }
  end
end
COMPOUND["{"] = closed_by_keyword("brace", "}")

COMPOUND["if"] = function(self)
  local node = { kind = "if", clauses = {} }
  repeat
    self:advance()
    local condition = self:body()
    self:expect_keyword("then")
    table.insert(node.clauses, { condition, self:body() })
  until not self:is_keyword("elif")
  if self:is_keyword("else") then
    self:advance()
    node.otherwise = self:body()
  end
  self:expect_keyword("fi")
  return node
end

function Parser:do_group()
  self:expect_keyword("do")
  local list = self:body()
  self:expect_keyword("done")
  return list
end

local function loop(is_until)
  return function(self)
    self:advance()
    local condition = self:body()
    return { kind = "while", condition = condition, body = self:do_group(), is_until = is_until }
  end
end
COMPOUND["while"] = loop(false)
COMPOUND["until"] = loop(true)

COMPOUND["for"] = function(self)
  self:advance()
  local token = self:peek()
  if not token.plain or not token.plain:find("^[%a_][%w_]*$") then self:fail(token) end
  self:advance()
  local node = { kind = "for", name = token.plain }
  self:skip_newlines()
  if self:is_keyword("in") then
    self:advance()
    node.words = {}
    while self:peek().kind == "word" do table.insert(node.words, self:advance().word) end
    if not self:is_operator(";") and self:peek().kind ~= "newline" then self:fail(self:peek()) end
    self:advance()
  elseif self:is_operator(";") then
    self:advance()
  end
  self:skip_newlines()
  node.body = self:do_group()
  return node
end

COMPOUND["case"] = function(self)
  self:advance()
  local token = self:peek()
  if token.kind ~= "word" then self:fail(token) end
  self:advance()
  local node = { kind = "case", word = token.word, items = {} }
  self:skip_newlines()
  self:expect_keyword("in")
  self:skip_newlines()
  while not self:is_keyword("esac") do
    if self:is_operator("(") then self:advance() end
    local item = { patterns = {} }
    repeat
      local pattern = self:peek()
      if pattern.kind ~= "word" then self:fail(pattern) end
      self:advance()
      table.insert(item.patterns, pattern.word)
      local more = self:is_operator("|")
      if more then self:advance() end
    until not more
    self:expect_operator(")")
    item.body = self:list()
    table.insert(node.items, item)
    if not self:is_operator(";;") then break end
    self:advance()
    self:skip_newlines()
  end
  self:expect_keyword("esac")
  return node
end

function Parser:subshell()
  self:advance()
  local list = self:body()
  self:expect_operator(")")
  return { kind = "subshell", list = list }
end

-- One command of a pipeline.
function Parser:command()
  local token = self:peek()
  if token.plain and self.aliases and self.aliases[token.plain] then token = self:unalias() end
  local parse = token.plain and COMPOUND[token.plain]
  if self:is_operator("(") then
    parse = self.subshell
  elseif not parse then
    if ENDS[token.plain] then self:fail(token) end
    return self:simple()
  end
  self.lexer:enter()
  local node = parse(self)
  self.lexer:leave()
  while self:peek().kind == "redirect" do
    node.redirects = node.redirects or {}
    self:redirect(node.redirects)
  end
  return node
end

function Parser:pipeline()
  local negated = false
  while self:is_keyword("!") do
    negated = not negated
    self:advance()
  end
  local start = self:peek().first
  local first = self:command()
  if self:peek().text ~= "|" then
    if not negated then return first end
    return { kind = "pipeline", negated = true, commands = { first } }
  end
  local commands = { first }
  while self:is_operator("|") do
    self:advance()
    self:skip_newlines()
    commands[#commands + 1] = self:command()
  end
  return { kind = "pipeline", negated = negated, commands = commands,
    text = self.source.text:sub(start, self.last) }
end

function Parser:and_or()
  local start = self:peek().first
  local node = self:pipeline()
  if self:peek().kind ~= "operator" then return node end
  if self:is_operator("&&") or self:is_operator("||") then
    node = { kind = "and_or", first = node, rest = {} }
    while self:is_operator("&&") or self:is_operator("||") do
      local operator = self:advance().text
      self:skip_newlines()
      table.insert(node.rest, { operator, self:pipeline() })
    end
  end
  if self:is_operator("&") then
    return { kind = "background", node = node, text = self.source.text:sub(start, self.last) }
  end
  return node
end

-- Whether a command can begin here.
function Parser:begins()
  local token = self:peek()
  if token.kind == "word" then return not ENDS[token.plain] end
  return token.kind == "redirect" or token.kind == "operator" and token.text == "("
end

-- Commands up to what cannot begin one.
function Parser:list()
  local list = {}
  self:skip_newlines()
  while self:begins() do
    list[#list + 1] = self:and_or()
    if not (self:is_operator(";") or self:is_operator("&") or self:peek().kind == "newline") then break end
    self:advance()
    self:skip_newlines()
  end
  return list
end

-- The list of the next line that has commands; nil at the end. Raises.
function Parser:line()
  self:skip_newlines()
  if self:peek().kind == "end" then return nil end
  local list = {}
  repeat
    list[#list + 1] = self:and_or()
    local more = self:peek().kind == "operator" and (self:is_operator(";") or self:is_operator("&"))
    if more then self:advance() end
  until not more or not self:begins()
  local token = self:peek()
  if token.kind ~= "newline" and token.kind ~= "end" then self:fail(token) end
  return list
end

-- ---- text inside text

function hooks.list(outer, at)
  local parser = M.new(outer.source, outer.source.aliases, at)
  local list = parser:list()
  parser:expect_operator(")")
  return list, parser.lexer.at
end

function hooks.text(source)
  local parser = M.new(source, source.aliases)
  local all = {}
  for list in function() return parser:line() end do table.move(list, 1, #list, #all + 1, all) end
  return all
end

-- ---- entry points

local function raised(result)
  if result == lexer.INCOMPLETE then return nil, "incomplete" end
  if type(result) == "table" and result.message then return nil, result.message, result.line end
  error(result, 0)
end

-- parser:line() that does not raise: list, or false at the end; nil, "incomplete"; nil, message, line number.
function M.next_line(parser)
  local ok, result = pcall(parser.line, parser)
  if ok then return result or false end
  return raised(result)
end

-- The list of a whole text.
function M.parse(text, aliases)
  local parser, all = M.new({ text = text }, aliases), {}
  while true do
    local list, message, line = M.next_line(parser)
    if list == nil then return nil, message, line end
    if not list then return all end
    table.move(list, 1, #list, #all + 1, all)
  end
end

return M
