-- Tokens into a tree. Pure.
--
-- list       { { kind = "and_or", first = pipeline, rest = { { "&&" | "||", pipeline }... },
--               background = bool, text = source }... }
-- pipeline   { negated = bool, commands = { command... }, text = source }
-- command    { kind = "simple", assignments = { { name, word }... }, words = { word... }, redirects = {...} }
--            { kind = "subshell", text = source inside the parentheses, redirects = {...} }
-- redirect   { fd = N, text = ">", target = word }
local lexer = require("swos.sh.lexer")

local M = {}

local INCOMPLETE = {}

local Parser = {}
Parser.__index = Parser

local function fail(token)
  if not token then error(INCOMPLETE, 0) end
  local name = token.kind == "newline" and "newline" or token.text or "word"
  error({ message = ("syntax error near '%s'"):format(name) }, 0)
end

function Parser:peek() return self.tokens[self.at] end

function Parser:is_operator(text)
  local token = self:peek()
  return token ~= nil and token.kind == "operator" and token.text == text
end

function Parser:skip_newlines()
  while self:peek() and self:peek().kind == "newline" do self.at = self.at + 1 end
end

-- Source from token number first to the one before `at`.
function Parser:source(first)
  return self.text:sub(self.tokens[first].first, self.tokens[self.at - 1].last)
end

function Parser:redirect(redirects)
  local token = self:peek()
  self.at = self.at + 1
  local target = self:peek()
  if not target or target.kind ~= "word" then fail(target) end
  redirects[#redirects + 1] = { fd = token.fd, text = token.text, target = target }
  self.at = self.at + 1
end

-- NAME=word at the start of a command: the name, and the word without it.
local function assignment(token)
  local first = token.parts[1]
  if not first or first.kind ~= "text" or first.quoted then return nil end
  local name, value = first.text:match("^([%a_][%w_]*)=(.*)$")
  if not name then return nil end
  local parts = table.move(token.parts, 2, #token.parts, 2, {})
  parts[1] = { kind = "text", text = value, quoted = true }
  for i = 2, #parts do
    if not parts[i].quoted then
      local copy = {}
      for key, field in pairs(parts[i]) do copy[key] = field end
      copy.quoted = true  -- no splitting in an assignment
      parts[i] = copy
    end
  end
  return name, { kind = "word", parts = parts }
end

function Parser:simple()
  local command = { kind = "simple", assignments = {}, words = {}, redirects = {} }
  local start = self.at
  while self:peek() do
    local token = self:peek()
    if token.kind == "redirect" then
      self:redirect(command.redirects)
    elseif token.kind == "word" then
      local name, value
      if #command.words == 0 then name, value = assignment(token) end
      if name then
        table.insert(command.assignments, { name, value })
      else
        table.insert(command.words, token)
      end
      self.at = self.at + 1
    else
      break
    end
  end
  if self.at == start then fail(self:peek()) end
  return command
end

function Parser:subshell()
  self.at = self.at + 1
  local start = self.at
  self:list(")")
  if not self:is_operator(")") then fail(self:peek()) end
  if self.at == start then fail(self:peek()) end
  local command = { kind = "subshell", text = self:source(start), redirects = {} }
  self.at = self.at + 1
  while self:peek() and self:peek().kind == "redirect" do self:redirect(command.redirects) end
  return command
end

local function is_negation(token)
  local part = token and token.kind == "word" and #token.parts == 1 and token.parts[1]
  return part and part.text == "!" and not part.quoted
end

function Parser:pipeline()
  local pipeline, start = { negated = false, commands = {} }, self.at
  if is_negation(self:peek()) then
    pipeline.negated = true
    self.at = self.at + 1
  end
  repeat
    local again = false
    table.insert(pipeline.commands, self:is_operator("(") and self:subshell() or self:simple())
    if self:is_operator("|") then
      again = true
      self.at = self.at + 1
      self:skip_newlines()
    end
  until not again
  pipeline.text = self:source(start)
  return pipeline
end

function Parser:and_or()
  local start = self.at
  local node = { kind = "and_or", first = self:pipeline(), rest = {}, background = false }
  while self:is_operator("&&") or self:is_operator("||") do
    local operator = self:peek().text
    self.at = self.at + 1
    self:skip_newlines()
    table.insert(node.rest, { operator, self:pipeline() })
  end
  node.text = self:source(start)
  return node
end

-- Commands up to the end or the operator `stop`.
function Parser:list(stop)
  local list = {}
  self:skip_newlines()
  while self:peek() and not (stop and self:is_operator(stop)) do
    local node = self:and_or()
    list[#list + 1] = node
    local token = self:peek()
    if token and (self:is_operator(";") or self:is_operator("&") or token.kind == "newline") then
      node.background = self:is_operator("&")
      self.at = self.at + 1
      self:skip_newlines()
    elseif token and not (stop and self:is_operator(stop)) then
      fail(token)
    end
  end
  return list
end

-- The list of text; nil, "incomplete" when more lines are needed; nil, message.
function M.parse(text)
  local tokens, message = lexer.tokens(text)
  if not tokens then return nil, message end
  local parser = setmetatable({ tokens = tokens, text = text, at = 1 }, Parser)
  local ok, result = pcall(parser.list, parser)
  if ok then return result end
  if result == INCOMPLETE then return nil, "incomplete" end
  if type(result) == "table" then return nil, result.message end
  error(result, 0)
end

return M
