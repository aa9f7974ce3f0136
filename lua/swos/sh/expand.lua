-- Words into fields: variables, command substitution, splitting, file names. Pure: what it needs
-- to know comes from `context`:
--   context.variable(name)   a variable's or parameter's value, or nil
--   context.arguments()      the positional parameters ("$@")
--   context.command(text)    the output of a command
--   context.list(directory)  names in a directory, or nil
local glob = require("swos.sh.glob")

local M = {}

-- Collects fields. Each character is kept as it is; those that may be pattern characters and were
-- not quoted are noted, so that a quoted * stays a star.
local Fields = {}
Fields.__index = Fields

function Fields:append(text, quoted)
  local current = self.current or { text = "", pattern = "", is_pattern = false }
  self.current = current
  current.text = current.text .. text
  if quoted then
    current.pattern = current.pattern .. text:gsub("[*?%[%]\\]", "\\%0")
  else
    current.pattern = current.pattern .. text:gsub("\\", "\\\\")
    if text:find("[*?%[]") then current.is_pattern = true end
  end
end

function Fields:finish()
  if self.current then
    self[#self + 1] = self.current
    self.current = nil
  end
end

-- An unquoted value: white space separates fields.
function Fields:split(value)
  if value:find("^%s") then self:finish() end
  local first = true
  for piece in value:gmatch("%S+") do
    if not first then self:finish() end
    self:append(piece, false)
    first = false
  end
  if not first and value:find("%s$") then self:finish() end
end

local function value_of(part, context)
  if part.kind == "command" then return (context.command(part.text):gsub("\n+$", "")) end
  local value = context.variable(part.name)
  if part.default and (value == nil or value == "") then value = part.default end
  return value or ""
end

local function expand_part(fields, part, context)
  if part.kind == "text" then
    fields:append(part.text, part.quoted)
  elseif part.kind == "variable" and part.name == "@" then
    for i, argument in ipairs(context.arguments()) do
      if i > 1 then fields:finish() end
      if part.quoted then fields:append(argument, true) else fields:split(argument) end
    end
  elseif part.quoted then
    fields:append(value_of(part, context), true)
  else
    fields:split(value_of(part, context))
  end
end

local function is_home(parts)
  local first = parts[1]
  if not first or first.kind ~= "text" or first.quoted then return false end
  return first.text == "~" or first.text:sub(1, 2) == "~/"
end

-- The fields of one word, added to `out`.
function M.word(word, context, out)
  local fields = setmetatable({}, Fields)
  for i, part in ipairs(word.parts) do
    if i == 1 and is_home(word.parts) then
      fields:append(context.variable("HOME") or "/", true)
      if part.text ~= "~" then fields:append(part.text:sub(2), false) end
    else
      expand_part(fields, part, context)
    end
  end
  fields:finish()
  for _, field in ipairs(fields) do
    local matches = field.is_pattern and glob.expand(field.pattern, context.list) or {}
    if #matches == 0 then matches = { field.text } end
    table.move(matches, 1, #matches, #out + 1, out)
  end
  return out
end

function M.words(words, context)
  local out = {}
  for _, word in ipairs(words) do M.word(word, context, out) end
  return out
end

-- A word as one string: the right side of an assignment.
function M.string(word, context)
  local parts = {}
  for i, part in ipairs(word.parts) do
    parts[i] = part.kind == "text" and part.text
      or part.name == "@" and table.concat(context.arguments(), " ") or value_of(part, context)
  end
  return table.concat(parts)
end

return M
