-- A calculator: expressions with variables, parsed here, so that a line can do nothing but calculate. Pure.
--
-- Whole numbers are exact as long as 64 bits hold them. Precedence, from the weakest: = (to the right), + -,
-- * / %, sign, ^ (to the right).
local M = {}
local Calc = {}
Calc.__index = Calc

local DEPTH = 100 -- of parentheses and signs within each other
local VARIABLES = 1000

local FUNCTIONS = { sqrt = math.sqrt, sin = math.sin, cos = math.cos, tan = math.tan, asin = math.asin,
  acos = math.acos, atan = math.atan, exp = math.exp, ln = math.log, abs = math.abs, floor = math.floor,
  ceil = math.ceil, min = math.min, max = math.max,
  log = function(x) return math.log(x, 10) end,
  round = function(x) return math.floor(x + 0.5) end }
local CONSTANTS = { pi = math.pi, e = math.exp(1) }
-- How many values a function takes, where it is not one.
local MOST = { min = math.huge, max = math.huge }

-- An error that ends the evaluation; told by its type from mistakes of this module.
local function fail(...)
  error({ text = string.format(...) }, 0)
end

-- ---- numbers

-- Of two whole numbers the exact result if it fits, else the rounded one: what went round is far from that.
local function exactly(exact, rounded)
  if math.type(exact) == "integer" and math.abs(exact - rounded) < 2 ^ 63 then return exact end
  return rounded
end

local function power(a, b)
  local are_whole = math.type(a) == "integer" and math.type(b) == "integer" and b >= 0
  if are_whole and math.abs((a + 0.0) ^ b) < 2 ^ 63 then
    local result = 1
    while b > 0 do
      if b & 1 == 1 then result = result * a end
      a, b = a * a, b >> 1
    end
    return result
  end
  return (a + 0.0) ^ b
end

local OPERATORS = {
  ["+"] = function(a, b) return exactly(a + b, a + 0.0 + b) end,
  ["-"] = function(a, b) return exactly(a - b, a + 0.0 - b) end,
  ["*"] = function(a, b) return exactly(a * b, (a + 0.0) * b) end,
  ["/"] = function(a, b)
    if b == 0 then fail("division by zero") end
    local is_exact = math.type(a) == "integer" and math.type(b) == "integer" and a % b == 0
    return is_exact and b ~= -1 and a // b or a / b
  end,
  ["%"] = function(a, b)
    if b == 0 then fail("division by zero") end
    return a % b
  end,
}

-- A number as people read it.
function M.show(value)
  if math.type(value) == "integer" then return tostring(value) end
  if value ~= value then return "not a number" end
  if value == math.huge or value == -math.huge then return value > 0 and "infinite" or "-infinite" end
  local text = ("%.14g"):format(value)
  return text == "-0" and "0" or text
end

-- ---- words

-- The words of a line: numbers, names, signs.
local function words_of(line)
  local words, at = {}, 1
  while true do
    at = line:find("%S", at)
    if not at then return words end
    local word = line:match("^0[xX]%x+", at) or line:match("^%d+%.?%d*[eE][-+]?%d+", at)
      or line:match("^%d+%.?%d*", at) or line:match("^%.%d+", at) or line:match("^[%a_][%w_]*", at)
      or line:match("^[-+*/%%^()=,]", at)
    if not word then fail("%s: not understood", line:sub(at, at + utf8.offset(line:sub(at), 2, 1) - 2)) end
    words[#words + 1] = word
    at = at + #word
  end
end

-- ---- the parser, which evaluates as it goes

local Parser = {}
Parser.__index = Parser

function Parser:next() return self.words[self.at] end

function Parser:take(word)
  if self.words[self.at] ~= word then return false end
  self.at = self.at + 1
  return true
end

function Parser:expect(word)
  if not self:take(word) then fail("%s expected%s", word, self:next() and " before " .. self:next() or "") end
end

-- Runs body one level deeper.
function Parser:deeper(body)
  self.depth = self.depth + 1
  if self.depth > DEPTH then fail("too many levels") end
  local value = body(self)
  self.depth = self.depth - 1
  return value
end

function Parser:call(name)
  local values = {}
  if not self:take(")") then
    repeat values[#values + 1] = self:deeper(self.sum) until not self:take(",")
    self:expect(")")
  end
  if #values < 1 or #values > (MOST[name] or 1) then fail("%s: wrong number of values", name) end
  local value = FUNCTIONS[name](table.unpack(values))
  return math.type(value) == "float" and math.tointeger(value) or value
end

function Parser:primary()
  local word = self:next()
  if not word then fail("something is missing at the end") end
  self.at = self.at + 1
  if word == "(" then
    local value = self:deeper(self.sum)
    self:expect(")")
    return value
  end
  local number = word:find("^[%d.]") and (math.tointeger(word) or tonumber(word))
  if number then return number end
  if FUNCTIONS[word] then
    self:expect("(")
    return self:call(word)
  end
  local value = self.variables[word] or CONSTANTS[word]
  if not value then fail(word:find("^[%a_]") and "%s: no such variable" or "%s is out of place", word) end
  return value
end

function Parser:power()
  local value = self:primary()
  return self:take("^") and power(value, self:deeper(self.sign)) or value
end

function Parser:sign()
  if self:take("-") then return OPERATORS["-"](0, self:deeper(self.sign)) end
  if self:take("+") then return self:deeper(self.sign) end
  return self:power()
end

-- Left to right: what `part` parses, joined by operators of `signs`.
function Parser:chain(part, signs)
  local value = part(self)
  while self:next() and signs[self:next()] do
    local sign = self:next()
    self.at = self.at + 1
    value = OPERATORS[sign](value, part(self))
  end
  return value
end

function Parser:product() return self:chain(self.sign, { ["*"] = true, ["/"] = true, ["%"] = true }) end
function Parser:sum() return self:chain(self.product, { ["+"] = true, ["-"] = true }) end

function Parser:line()
  local name = self:next()
  if not (name and name:find("^[%a_]") and self.words[self.at + 1] == "=") then return self:sum() end
  if FUNCTIONS[name] or CONSTANTS[name] then fail("%s: not a variable", name) end
  self.at = self.at + 2
  local value = self:deeper(self.line)
  if not self.variables[name] then
    if self.calc.count >= VARIABLES then fail("too many variables") end
    self.calc.count = self.calc.count + 1
  end
  self.variables[name] = value
  return value
end

-- ---- the calculator

function M.new()
  return setmetatable({ variables = {}, count = 0, sum = 0 }, Calc)
end

-- The value of a line, which also becomes `ans` and part of the sum; nil when it is empty; nil, message.
function Calc:evaluate(line)
  local ok, value = pcall(function()
    local words = words_of(line)
    if not words[1] then return nil end
    local parser = setmetatable({ words = words, at = 1, depth = 0, variables = self.variables, calc = self },
      Parser)
    local result = parser:line()
    if parser:next() then fail("%s is out of place", parser:next()) end
    return result
  end)
  if not ok then
    if type(value) ~= "table" then error(value, 0) end
    return nil, value.text
  end
  if value then
    if not self.variables.ans then self.count = self.count + 1 end
    self.variables.ans = value
    self.sum = OPERATORS["+"](self.sum, value)
  end
  return value
end

-- Names of variables in order.
function Calc:names()
  local names = {}
  for name in pairs(self.variables) do names[#names + 1] = name end
  table.sort(names)
  return names
end

return M
