-- printf FORMAT [ARGUMENT...]. Pure but for what it prints.
local M = {}

local ESCAPES = { a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v", ["\\"] = "\\",
  ['"'] = '"', ["'"] = "'" }

-- The character a backslash at `at` stands for and the position behind it; nil at \c. in_argument: as %b has
-- it, with a 0 before octal digits.
local function escape(text, at, in_argument)
  local c = text:sub(at + 1, at + 1)
  local digits = text:match(in_argument and "^0([0-7]?[0-7]?[0-7]?)" or "^[0-7][0-7]?[0-7]?", at + 1)
  if in_argument and not digits then digits = text:match("^[1-7][0-7]?[0-7]?", at + 1) end
  if digits then
    local length = #digits + (in_argument and c == "0" and 1 or 0)
    return string.char((tonumber(digits, 8) or 0) & 255), at + 1 + length
  end
  if c == "c" and in_argument then return nil end
  if ESCAPES[c] then return ESCAPES[c], at + 2 end
  return "\\" .. c, at + 2
end

-- Text with its escapes; true when \c ended it.
local function unescaped(text)
  local out, at = {}, 1
  while at <= #text do
    local stop = text:find("\\", at, true) or #text + 1
    out[#out + 1] = text:sub(at, stop - 1)
    if stop > #text then break end
    local character
    character, at = escape(text, stop, true)
    if not character then return table.concat(out), true end
    out[#out + 1] = character
  end
  return table.concat(out), false
end

-- The number a word is, as `read` has it: nothing is 0, a quote stands before a character, and of what is
-- none the beginning that `begin` finds counts.
local function read_word(state, word, read, begin)
  if word == nil or word == "" then return 0 end
  local first = word:sub(1, 1)
  if first == "'" or first == '"' then return word:byte(2) or 0 end
  local value, beyond = read(word)
  if not value then
    state.bad(word .. ": expected numeric value")
    value = read(begin(word) or "0")
  elseif beyond then
    state.bad(word .. ": out of range")
  end
  return value
end

local function begins_number(word)
  return word:match("^%s*[+-]?0[xX]%x+") or word:match("^%s*[+-]?0[0-7]*") or word:match("^%s*[+-]?%d+")
end

local function number(state, word, is_unsigned)
  local arith = require("swos.sh.arith")
  return read_word(state, word, is_unsigned and arith.unsigned or arith.number, begins_number)
end

local function begins_float(word)
  return word:match("^%s*[+-]?%d+%.?%d*[eE][+-]?%d+") or word:match("^%s*[+-]?%d+%.?%d*")
    or word:match("^%s*[+-]?%.%d+")
end

-- string.format refuses widths of three digits.
local function pad(text, flags, width)
  if #text >= width then return text end
  local space = (" "):rep(width - #text)
  return flags:find("-", 1, true) and text .. space or space .. text
end

local function integer(flags, width, precision, conversion, value)
  local sign, digits = "", tostring(value)
  if conversion == "d" or conversion == "i" then
    if digits:byte() == 45 then
      sign, digits = "-", digits:sub(2)
    elseif flags:find("+", 1, true) then
      sign = "+"
    elseif flags:find(" ", 1, true) then
      sign = " "
    end
  elseif conversion == "u" then
    if value < 0 then -- without its sign
      local high = (value >> 1) // 5
      digits = ("%d%d"):format(high, value - high * 10)
    end
  else
    digits = ("%" .. conversion):format(value)
    if flags:find("#", 1, true) and value ~= 0 then
      if conversion == "o" then digits = "0" .. digits else sign = "0" .. conversion end
    end
  end
  if precision then
    digits = ("0"):rep(precision - #digits) .. digits
    if precision == 0 and value == 0 then digits = "" end
  elseif flags:find("0", 1, true) and not flags:find("-", 1, true) then
    digits = ("0"):rep(width - #digits - #sign) .. digits
  end
  return pad(sign .. digits, flags, width)
end

local function float(state, flags, width, precision, conversion, word)
  local value = read_word(state, word, tonumber, begins_float)
  local mark = flags:gsub("[-0]", "")
  local digits = precision and "." .. math.min(precision, 99) or ""
  local text = ("%" .. mark .. digits .. conversion):format(value)
  if flags:find("0", 1, true) and not flags:find("-", 1, true) and #text < width then
    local sign, rest = text:match("^([-+ ]?)(.*)$")
    text = sign .. ("0"):rep(width - #text) .. rest
  end
  return pad(text, flags, width)
end

-- One conversion: its text; true: the output ends here.
local function convert(state, flags, width, precision, conversion)
  if conversion:find("[diuoxX]") then
    local is_unsigned = not conversion:find("[di]")
    return integer(flags, width, precision, conversion, number(state, state.take(), is_unsigned))
  elseif conversion:find("[eEfFgG]") then
    return float(state, flags, width, precision, conversion == "F" and "f" or conversion, state.take())
  end
  local text, ends = state.take() or "", false
  if conversion == "b" then text, ends = unescaped(text) end
  if conversion == "c" then text = text == "" and "\0" or text:sub(1, 1) end
  if precision then text = text:sub(1, precision) end
  return pad(text, flags, width), ends
end

-- The format once; true when the output ends here, nil and a message for what is no conversion.
local function once(state, format, out)
  local at = 1
  while at <= #format do
    local stop = format:find("[\\%%]", at) or #format + 1
    out[#out + 1] = format:sub(at, stop - 1)
    at = stop
    local c = format:sub(at, at)
    if c == "\\" then
      out[#out + 1], at = escape(format, at, false)
    elseif format:sub(at, at + 1) == "%%" then
      out[#out + 1] = "%"
      at = at + 2
    elseif c == "%" then
      local flags, width, behind = format:match("^%%([-+ #0]*)(%d*)()", at)
      if format:sub(behind, behind) == "*" then
        width, behind = tostring(number(state, state.take())), behind + 1
        if width:byte() == 45 then flags, width = flags .. "-", width:sub(2) end
      end
      local dot, digits, after = format:match("^(%.?)(%d*)()", behind)
      if dot == "" then after, digits = behind, nil end
      if dot ~= "" and format:sub(after, after) == "*" then
        digits, after = tostring(number(state, state.take())), after + 1
      end
      local conversion = format:match("^[diuoxXeEfFgGsbc]", after)
      if not conversion then return nil, format:sub(at, after) .. ": invalid directive" end
      local text, ends = convert(state, flags, math.min(tonumber(width) or 0, 1 << 20),
        dot ~= "" and math.min(tonumber(digits) or 0, 1 << 20) or nil, conversion)
      out[#out + 1] = text
      if ends then return true end
      at = after + 1
    end
  end
  return false
end

-- The text of format with arguments; messages about words that are no numbers; one when the format is wrong.
function M.format(format, arguments)
  local out, bad, at, count = {}, {}, 0, #arguments
  local state = {
    take = function()
      at = at + 1
      return arguments[at]
    end,
    bad = function(text) bad[#bad + 1] = text end,
  }
  local message
  repeat
    local before = at
    local ends, wrong = once(state, format, out)
    message = wrong
  until ends ~= false or at >= count or at == before
  return table.concat(out), bad, message
end

function M.builtin(_, words, io)
  local at = words[2] == "--" and 3 or 2
  if not words[at] then return io.fail("usage: printf FORMAT [ARGUMENT...]", 2) end
  local text, bad, message = M.format(words[at], table.move(words, at + 1, #words, 1, {}))
  io.write(text)
  local status = 0
  for _, why in ipairs(bad) do status = io.fail(why) end
  if message then status = io.fail(message, 2) end
  return status
end

return M
