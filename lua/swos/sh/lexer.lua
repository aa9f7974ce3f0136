-- Shell text into tokens. Pure.
--
-- A token is { kind = "word", parts = {...} }, { kind = "operator", text = "&&" }, { kind =
-- "redirect", fd = N, text = ">" } or { kind = "newline" }, with first and last: where it stands
-- in the text. A part of a word is { kind = "text", text }, { kind = "variable", name, default }
-- or { kind = "command", text }; `quoted` parts are neither split nor matched against files.
local M = {}

-- Longest first.
local OPERATORS = { "&&", "||", ";", "&", "|", "(", ")" }
local REDIRECTS = { ">>", ">&", "<&", ">", "<" }
local NEEDS_QUOTING = "[%s;&|()<>]"

-- Raised (and caught by M.tokens) when the text ends inside something that goes on.
local INCOMPLETE = {}

local function fail(format, ...)
  error({ message = format:format(...) }, 0)
end

local function literal(parts, text, quoted)
  local last = parts[#parts]
  if last and last.kind == "text" and last.quoted == quoted then
    last.text = last.text .. text
  elseif text ~= "" or quoted then
    parts[#parts + 1] = { kind = "text", text = text, quoted = quoted }
  end
end

-- Position of the parenthesis that closes the one before `at`.
local function closing_parenthesis(text, at)
  local depth = 1
  while at <= #text do
    local c = text:sub(at, at)
    if c == "\\" then
      at = at + 1
    elseif c == "'" then
      at = text:find("'", at + 1, true) or error(INCOMPLETE, 0)
    elseif c == '"' then
      repeat
        at = text:find('["\\]', at + 1) or error(INCOMPLETE, 0)
        local stop = text:sub(at, at) == '"'
        if not stop then at = at + 1 end
      until stop
    elseif c == "(" then
      depth = depth + 1
    elseif c == ")" then
      depth = depth - 1
      if depth == 0 then return at end
    end
    at = at + 1
  end
  error(INCOMPLETE, 0)
end

-- What a `$` at `at` starts; the part and the position behind it. A `$` alone is itself.
local function dollar(text, at, quoted)
  local following = text:sub(at + 1, at + 1)
  if following == "(" then
    local close = closing_parenthesis(text, at + 2)
    return { kind = "command", text = text:sub(at + 2, close - 1), quoted = quoted }, close + 1
  elseif following == "{" then
    local close = text:find("}", at, true) or error(INCOMPLETE, 0)
    local inside = text:sub(at + 2, close - 1)
    local name, default = inside:match("^([%w_]+):%-(.*)$")
    name = name or inside:match("^[%w_]+$") or inside:match("^[?$!#@*]$")
    if not name then fail("${%s}: bad substitution", inside) end
    return { kind = "variable", name = name, default = default, quoted = quoted }, close + 1
  end
  local name = text:match("^[%a_][%w_]*", at + 1) or text:match("^[%d?$!#@*]", at + 1)
  if not name then return { kind = "text", text = "$", quoted = quoted }, at + 1 end
  return { kind = "variable", name = name, quoted = quoted }, at + 1 + #name
end

local function add_dollar(parts, text, at, quoted)
  local part, behind = dollar(text, at, quoted)
  if part.kind == "text" then literal(parts, part.text, quoted) else parts[#parts + 1] = part end
  return behind
end

local function double_quoted(parts, text, at)
  literal(parts, "", true)  -- "" is a word
  while true do
    local c = text:sub(at, at)
    if c == "" then
      error(INCOMPLETE, 0)
    elseif c == '"' then
      return at + 1
    elseif c == "\\" then
      local following = text:sub(at + 1, at + 1)
      if following == "" then error(INCOMPLETE, 0) end
      if following ~= "\n" then
        literal(parts, following:find('[$`"\\]') and following or "\\" .. following, true)
      end
      at = at + 2
    elseif c == "$" then
      at = add_dollar(parts, text, at, true)
    else
      local plain = text:match('^[^"\\$]+', at)
      literal(parts, plain, true)
      at = at + #plain
    end
  end
end

local function word(text, at)
  local parts = {}
  while at <= #text do
    local c = text:sub(at, at)
    if c:find(NEEDS_QUOTING) then
      break
    elseif c == "'" then
      local close = text:find("'", at + 1, true) or error(INCOMPLETE, 0)
      literal(parts, text:sub(at + 1, close - 1), true)
      at = close + 1
    elseif c == '"' then
      at = double_quoted(parts, text, at + 1)
    elseif c == "\\" then
      local following = text:sub(at + 1, at + 1)
      if following == "" then error(INCOMPLETE, 0) end
      if following ~= "\n" then literal(parts, following, true) end
      at = at + 2
    elseif c == "$" then
      at = add_dollar(parts, text, at, false)
    else
      local plain = text:match("^[^%s;&|()<>'\"\\$]+", at)
      literal(parts, plain, false)
      at = at + #plain
    end
  end
  return parts, at
end

local function starts_with_one_of(list, text, at)
  for _, operator in ipairs(list) do
    if text:sub(at, at + #operator - 1) == operator then return operator end
  end
end

local function tokens(text)
  local list, at = {}, 1
  local function add(token, behind)
    token.first, token.last = at, behind - 1
    list[#list + 1] = token
    at = behind
  end
  while true do
    at = text:find("[^ \t\r]", at) or #text + 1
    local c = text:sub(at, at)
    if c == "" then return list end
    local digits = text:match("^(%d*)[<>]", at)
    local operator = starts_with_one_of(OPERATORS, text, at)
    if c == "\n" then
      add({ kind = "newline" }, at + 1)
    elseif c == "#" then
      at = text:find("\n", at, true) or #text + 1
    elseif c == "\\" and text:sub(at + 1, at + 1) == "\n" then
      at = at + 2
    elseif digits then
      local redirect = starts_with_one_of(REDIRECTS, text, at + #digits)
      local fd = tonumber(digits) or (redirect:sub(1, 1) == "<" and 0 or 1)
      add({ kind = "redirect", fd = fd, text = redirect }, at + #digits + #redirect)
    elseif operator then
      add({ kind = "operator", text = operator }, at + #operator)
    else
      local parts, behind = word(text, at)
      add({ kind = "word", parts = parts }, behind)
    end
  end
end

-- The tokens of text; nil, "incomplete" when it ends too early; nil, message.
function M.tokens(text)
  local ok, result = pcall(tokens, text)
  if ok then return result end
  if result == INCOMPLETE then return nil, "incomplete" end
  if type(result) == "table" then return nil, result.message end
  error(result, 0)
end

return M
