-- Arithmetic of $((...)): signed numbers of 64 bits, the operators of C with assignment. Pure.
--
-- eval(text, get, set): the number; raises { message = } for what is no expression. get(name) gives a
-- string or nil, set(name, string) assigns.
local M = {}

local find, tointeger = string.find, math.tointeger -- which takes digits, too
local DEPTH_MAX = 100

local function fail(format, ...)
  error({ message = "arithmetic: " .. format:format(...) }, 0)
end

-- The most that 64 bits hold, by base.
local MOST = { [8] = "1" .. ("7"):rep(21), [10] = "18446744073709551615", [16] = ("f"):rep(16) }
local SURE_MAX = 18 -- bytes of a decimal number that is in range, whatever its digits

-- The sign of a number of C and its 64 bits without it, true when it has more (then all are ones); nil when
-- it is none.
local function sign_and_bits(text)
  local sign, number = text:match("^%s*([+-]?)(%w+)$")
  if not number then return nil end
  local base, digits = 16, number:match("^0[xX](%x+)$")
  if not digits then base, digits = 8, number:match("^0[0-7]*$") end
  if not digits then base, digits = 10, number:match("^[1-9]%d*$") end
  if not digits then return nil end
  local most = MOST[base]
  digits = digits:match("^0*(.*)$"):lower()
  if #digits > #most or #digits == #most and digits > most then return sign, -1, true end
  return sign, tonumber(digits, base) or 0, false
end

-- A number of C: decimal, 0octal or 0xhex, with a sign and blanks before it. nil when it is none; when it is
-- out of range the nearest that is not, and true.
local function number_of(text)
  if find(text, "^[1-9]%d*$") then
    local number = tointeger(text)
    if number then return number end
    return math.maxinteger, true
  end
  if text == "0" then return 0 end
  if #text <= SURE_MAX and find(text, "^%-[1-9]%d*$") then return tointeger(text) end
  local sign, bits, beyond = sign_and_bits(text)
  if not sign then return nil end
  if sign == "-" then
    if beyond or bits < 0 and bits ~= math.mininteger then return math.mininteger, true end
    return -bits
  end
  if beyond or bits < 0 then return math.maxinteger, true end
  return bits
end

M.number = number_of

-- The same as a number without a sign, its 64 bits: a `-` takes it from 2^64.
function M.unsigned(text)
  local sign, bits, beyond = sign_and_bits(text)
  if not sign then return nil end
  return sign == "-" and not beyond and -bits or bits, beyond or nil
end

local function value_of(name, get)
  local text = get(name)
  if not text or text == "" then return 0 end
  local number, beyond = number_of(text)
  if number and not beyond then return number end
  if not number then number, beyond = number_of(text:match("^(.-)%s*$")) end
  if not number then fail("%s: not a number: %s", name, text) end
  if beyond then fail("%s: out of range: %s", name, text) end
  return number
end

local function truth(condition) return condition and 1 or 0 end

local function divisible(a, b)
  if b == 0 then fail("division by zero") end
  return a, b
end

local function divide(a, b)
  divisible(a, b)
  local quotient = a // b
  if quotient < 0 and quotient * b ~= a then quotient = quotient + 1 end -- towards zero
  return quotient
end

-- Shifts take the count's low six bits, as the machine does; to the right the sign is kept.
local function shift_right(a, b)
  b = b & 63
  if b == 0 then return a end
  return a >> b | (a < 0 and -1 << (64 - b) or 0)
end

local OPERATIONS = {
  ["*"] = function(a, b) return a * b end, ["/"] = divide,
  ["%"] = function(a, b) return math.fmod(divisible(a, b)) end,
  ["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end,
  ["<<"] = function(a, b) return a << (b & 63) end, [">>"] = shift_right,
  ["<"] = function(a, b) return truth(a < b) end, [">"] = function(a, b) return truth(a > b) end,
  ["<="] = function(a, b) return truth(a <= b) end, [">="] = function(a, b) return truth(a >= b) end,
  ["=="] = function(a, b) return truth(a == b) end, ["!="] = function(a, b) return truth(a ~= b) end,
  ["&"] = function(a, b) return a & b end, ["^"] = function(a, b) return a ~ b end,
  ["|"] = function(a, b) return a | b end,
}
local RANKS = { ["||"] = 1, ["&&"] = 2, ["|"] = 3, ["^"] = 4, ["&"] = 5, ["=="] = 6, ["!="] = 6, ["<"] = 7,
  [">"] = 7, ["<="] = 7, [">="] = 7, ["<<"] = 8, [">>"] = 8, ["+"] = 9, ["-"] = 9, ["*"] = 10, ["/"] = 10,
  ["%"] = 10 }
local ASSIGNMENTS = { ["="] = true, ["+="] = true, ["-="] = true, ["*="] = true, ["/="] = true, ["%="] = true,
  ["<<="] = true, [">>="] = true, ["&="] = true, ["^="] = true, ["|="] = true }

local Reader = {}
Reader.__index = Reader

-- The operator at `at` is the longest there is.
function Reader:next()
  local text = self.text
  local at = text:find("%S", self.at)
  if not at then
    self.token, self.kind, self.at = nil, "end", #text + 1
    return
  end
  local token = text:match("^[%a_][%w_]*", at)
  if token then
    self.kind = "name"
  else
    token = text:match("^%d%w*", at)
    self.kind = token and "number" or "operator"
    for length = 3, 1, -1 do
      if token then break end
      local try = text:sub(at, at + length - 1)
      if #try == length and (RANKS[try] or ASSIGNMENTS[try] or try:find("^[()?:!~]$")) then token = try end
    end
  end
  if not token then fail("syntax error near '%s'", text:sub(at)) end
  self.token, self.at = token, at + #token
end

function Reader:unexpected()
  fail("syntax error near '%s'", self.token or "end")
end

function Reader:expect(token)
  if self.token ~= token then self:unexpected() end
  self:next()
end

-- live: false in a branch that is not taken: nothing is assigned or divided there.
function Reader:operand(live)
  local token, kind = self.token, self.kind
  if kind == "number" then
    local number = M.number(token) or fail("%s: not a number", token)
    self:next()
    return number
  elseif kind == "name" then
    self:next()
    return live and value_of(token, self.get) or 0, token
  elseif token == "(" then
    self:next()
    local value = self:assignment(live)
    self:expect(")")
    return value
  end
  self:unexpected()
end

function Reader:unary(live)
  local token = self.token
  if self.kind ~= "operator" or not (token == "-" or token == "+" or token == "!" or token == "~") then
    return self:operand(live)
  end
  self.depth = self.depth + 1
  if self.depth > DEPTH_MAX then fail("nested too deeply") end
  self:next()
  local value = self:unary(live)
  self.depth = self.depth - 1
  if token == "-" then return -value end
  if token == "!" then return truth(value == 0) end
  if token == "~" then return ~value end
  return value
end

function Reader:binary(lowest, live)
  local left, name = self:unary(live)
  while true do
    local operator = self.kind == "operator" and self.token
    local rank = operator and RANKS[operator]
    if not rank or rank < lowest then return left, name end
    self:next()
    name = nil
    local taken = live
    if operator == "&&" then taken = live and left ~= 0 end
    if operator == "||" then taken = live and left == 0 end
    local right = self:binary(rank + 1, taken)
    if operator == "&&" then
      left = truth(left ~= 0 and right ~= 0)
    elseif operator == "||" then
      left = truth(left ~= 0 or right ~= 0)
    elseif live then
      left = OPERATIONS[operator](left, right)
    end
  end
end

function Reader:conditional(live)
  local value, name = self:binary(1, live)
  if self.token ~= "?" then return value, name end
  self:next()
  local first = self:assignment(live and value ~= 0)
  self:expect(":")
  local second = self:assignment(live and value == 0)
  return value ~= 0 and first or second
end

function Reader:assignment(live)
  self.depth = self.depth + 1
  if self.depth > DEPTH_MAX then fail("nested too deeply") end
  -- looked at before the name's value is asked for: x = 1 is right whatever x holds
  if self.kind == "name" then
    local name, at = self.token, self.at
    self:next()
    local operator = self.token
    if self.kind == "operator" and ASSIGNMENTS[operator] then
      self:next()
      local value = self:assignment(live)
      if live then
        if operator ~= "=" then value = OPERATIONS[operator:sub(1, -2)](value_of(name, self.get), value) end
        self.set(name, ("%d"):format(value))
      end
      self.depth = self.depth - 1
      return value
    end
    self.token, self.kind, self.at = name, "name", at
  end
  local value = self:conditional(live)
  self.depth = self.depth - 1
  return value
end

-- Two operands with an operator between them, as most expressions are: reading them token by token each time
-- takes ten times as long. { operation, left number, right number, left name, right name }, a number that is
-- none being false; false: it is something else.
local function read_simple(text)
  local left, operator, right = text:match("^%s*([%w_]+)%s*([-+*/%%<>])%s*([%w_]+)%s*$")
  if not left then return false end
  local a, b = M.number(left), M.number(right)
  if not a and left:find("^%d") or not b and right:find("^%d") then return false end
  return { OPERATIONS[operator], a or false, b or false, left, right }
end

local FORMS_MAX = 200
local forms, form_count = {}, 0 -- by text; what is in a loop comes again and again

local function form_of(text)
  if form_count == FORMS_MAX then forms, form_count = {}, 0 end
  local form = read_simple(text)
  forms[text], form_count = form, form_count + 1
  return form
end

function M.eval(text, get, set)
  local form = forms[text]
  if form == nil then form = form_of(text) end
  if form then
    return form[1](form[2] or value_of(form[4], get), form[3] or value_of(form[5], get))
  end
  local reader = setmetatable({ text = text, at = 1, get = get, set = set, depth = 0 }, Reader)
  reader:next()
  if reader.kind == "end" then return 0 end
  local value = reader:assignment(true)
  if reader.kind ~= "end" then reader:unexpected() end
  return value
end

return M
