-- test and [: facts about files, strings and numbers.
local swos = require("swos")

local M = {}

local find, tointeger = string.find, math.tointeger -- which takes digits, too

local function fail(text)
  error({ test = text }, 0)
end

local function number(text)
  local digits = text:match("^%s*([+-]?%d+)%s*$")
  return digits and math.tointeger(tonumber(digits)) or fail(text .. ": number expected")
end

local function stat(path) return require("swos.fs").stat(path) end

local function is_kind(kind)
  return function(path)
    local attributes = stat(path)
    return attributes ~= nil and attributes.kind == kind
  end
end

local READ, WRITE, EXECUTE = 4, 2, 1 -- of others; the owner's are higher
local ANYBODY_EXECUTES = 0x49 -- --x--x--x
local ROOT = 1 -- and the system, 0

-- Whether the file's server lets this principal. Root it lets, but execute what nobody may.
local function allows(bit)
  return function(path)
    if path == "/dev/null" then return bit ~= EXECUTE end
    local attributes = stat(path)
    if not attributes then return false end
    local principal = (swos.sys.process_info(nil) or {}).principal or math.huge
    local mode = attributes.mode
    local is_let = mode & (attributes.owner == principal and bit << 6 or bit) ~= 0
    if principal <= ROOT then
      is_let = bit ~= EXECUTE or attributes.kind == swos.FILE_DIRECTORY or mode & ANYBODY_EXECUTES ~= 0
    end
    if not is_let or bit ~= WRITE then return is_let end
    local space = require("swos.fs").space(path)
    return space ~= nil and space.read_only == 0
  end
end

local function never() return false end

local UNARY = {
  ["-n"] = function(text) return text ~= "" end,
  ["-z"] = function(text) return text == "" end,
  ["-e"] = function(path) return path == "/dev/null" or stat(path) ~= nil end,
  ["-f"] = is_kind(swos.FILE_REGULAR),
  ["-d"] = is_kind(swos.FILE_DIRECTORY),
  ["-s"] = function(path)
    local attributes = stat(path)
    return attributes ~= nil and attributes.size > 0
  end,
  ["-r"] = allows(READ), ["-w"] = allows(WRITE), ["-x"] = allows(EXECUTE),
  -- the system has none of these
  ["-b"] = never, ["-c"] = function(path) return path == "/dev/null" end, ["-p"] = never, ["-S"] = never,
  ["-L"] = never, ["-h"] = never, ["-u"] = never, ["-g"] = never, ["-k"] = never,
}

local function newer(a, b)
  local first, second = stat(a), stat(b)
  if not first then return false end
  return not second or first.mtime > second.mtime
end

-- Operators of whole numbers.
local NUMERIC = {
  ["-eq"] = function(a, b) return a == b end, ["-ne"] = function(a, b) return a ~= b end,
  ["-lt"] = function(a, b) return a < b end, ["-le"] = function(a, b) return a <= b end,
  ["-gt"] = function(a, b) return a > b end, ["-ge"] = function(a, b) return a >= b end,
}

local BINARY = {
  ["="] = function(a, b) return a == b end, ["=="] = function(a, b) return a == b end,
  ["!="] = function(a, b) return a ~= b end,
  ["<"] = function(a, b) return a < b end, [">"] = function(a, b) return a > b end,
  ["-nt"] = newer, ["-ot"] = function(a, b) return newer(b, a) end,
  ["-ef"] = function(a, b)
    local first, second = stat(a), stat(b)
    return first ~= nil and second ~= nil and first.id == second.id
  end,
}

for operator, compare in pairs(NUMERIC) do
  BINARY[operator] = function(a, b) return compare(number(a), number(b)) end
end

local function integer(text) return find(text, "^%-?%d+$") and tointeger(text) end

-- What most tests are: three words, the second of them an operator. nil: it has to be read.
local function quick(words)
  local operator = words[3]
  local compare = NUMERIC[operator]
  if compare then
    local a, b = integer(words[2]), integer(words[4])
    if a and b then return compare(a, b) end
  elseif operator == "=" then
    return words[2] == words[4]
  elseif operator == "!=" then
    return words[2] ~= words[4]
  end
end

local Reader = {}
Reader.__index = Reader

-- Whether word number `at` is a binary operator between two others.
function Reader:is_binary(at)
  return BINARY[self.words[at] or ""] ~= nil and at < self.last and at > self.at
end

function Reader:primary()
  local words, at = self.words, self.at
  local word = words[at]
  if at > self.last then fail("argument expected") end
  if word == "!" and at < self.last and not self:is_binary(at + 1) then
    self.at = at + 1
    return not self:primary()
  elseif self:is_binary(at + 1) then
    self.at = at + 3
    return BINARY[words[at + 1]](word, words[at + 2])
  elseif word == "(" and at < self.last then
    self.at = at + 1
    local result = self:either()
    if self.at > self.last or words[self.at] ~= ")" then fail("closing paren expected") end
    self.at = self.at + 1
    return result
  elseif word == "-t" and at < self.last then
    self.at = at + 2
    local own = self.shell.descriptors[number(words[at + 1])]
    return math.type(own) ~= nil and swos.fd.kind(own) == swos.FD_TERMINAL
  elseif UNARY[word] and at < self.last then
    self.at = at + 2
    return UNARY[word](words[at + 1])
  end
  self.at = at + 1
  return word ~= ""
end

function Reader:both()
  local result = self:primary()
  while self.words[self.at] == "-a" and self.at < self.last do
    self.at = self.at + 1
    result = self:primary() and result
  end
  return result
end

function Reader:either()
  local result = self:both()
  while self.words[self.at] == "-o" and self.at < self.last do
    self.at = self.at + 1
    result = self:both() or result
  end
  return result
end

-- What three and four words mean does not depend on what could be read in them otherwise: a binary operator
-- is in the middle, or parentheses are around the rest, or `!` is before all of it. So any text can be
-- compared.
local function evaluate(shell, words, last)
  local first, negated = 2, false
  while true do
    local count = last - first + 1
    if count ~= 4 and (count ~= 3 or BINARY[words[first + 1]]) then break end
    if words[first] == "(" and words[last] == ")" then
      first, last = first + 1, last - 1
      break
    elseif words[first] ~= "!" then
      break
    end
    first, negated = first + 1, not negated
  end
  if last < first then return false end
  local reader = setmetatable({ shell = shell, words = words, at = first, last = last }, Reader)
  local result = reader:either()
  if reader.at <= last then fail(words[reader.at] .. ": unexpected operator") end
  return result ~= negated
end

local function run(shell, words, io, last)
  if last == 4 then
    local result = quick(words)
    if result ~= nil then return result and 0 or 1 end
  end
  local ok, result = pcall(evaluate, shell, words, last)
  if ok then return result and 0 or 1 end
  if type(result) ~= "table" or not result.test then error(result, 0) end
  return io.fail(result.test, 2)
end

function M.test(shell, words, io) return run(shell, words, io, #words) end

function M.bracket(shell, words, io)
  if words[#words] ~= "]" then return io.fail("missing ]", 2) end
  return run(shell, words, io, #words - 1)
end

return M
