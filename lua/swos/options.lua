-- Options of a command line, as the command's page in docs/commands declares them. Pure, but for `of`.
--
-- Letters may stand together (-la), a value follows its letter or is the next word (-n3, -n 3), long options
-- take it after "=" or as the next word and may be cut short as long as they are one option's. Options and
-- operands may be mixed, but where a command takes another one's words; "--" ends the options.
local M = {}

-- Of a command: { name, help, options }; nil if it has no page.
function M.page(name)
  local found, page = pcall(require, "swos.page." .. name)
  return found and page or nil
end

-- The options a command has, for completion: { short, long, argument, text }...; nil if it has no page.
function M.of(name)
  local page = M.page(name)
  return page and page.options
end

local function by_letter(options, letter)
  for _, option in ipairs(options) do
    if option.short == letter then return option end
  end
end

-- nil, message if there is none, or more than one that starts so.
local function by_name(options, name)
  local found, other
  for _, option in ipairs(options) do
    if option.long == name then return option end
    if option.long and option.long:sub(1, #name) == name then found, other = option, found end
  end
  if not found then return nil, "unknown option --" .. name end
  if other then return nil, ("--%s is --%s or --%s"):format(name, other.long, found.long) end
  return found
end

local function note(found, order, option, value)
  order[#order + 1] = { option, value }
  if option.short then found[option.short] = value or true end
  if option.long then found[option.long] = value or true end
  if option.number then found.number = value end
end

-- The letters of one word. Returns how many of the next words it took; nil, message.
local function letters(options, found, order, word, next_word)
  local number, at = by_letter(options, word:sub(2, 2)) == nil and word:match("^%-(%d+)$"), 2
  for _, option in ipairs(number and options or {}) do
    if option.number then
      note(found, order, option, number)
      return 0
    end
  end
  while at <= #word do
    local letter = word:sub(at, at)
    local option = by_letter(options, letter)
    if not option then return nil, "unknown option -" .. letter end
    if option.argument then
      local value = at < #word and word:sub(at + 1) or next_word
      if not value then return nil, ("-%s: %s expected"):format(letter, option.argument) end
      note(found, order, option, value)
      return at < #word and 0 or 1
    end
    note(found, order, option)
    at = at + 1
  end
  return 0
end

local function long(options, found, order, word, next_word)
  local name, value = word:match("^%-%-([^=]*)=(.*)$")
  local option, message = by_name(options, name or word:sub(3))
  if not option then return nil, message end
  if value and not option.argument then return nil, ("--%s takes no value"):format(option.long) end
  if option.argument and not value and not next_word then
    return nil, ("--%s: %s expected"):format(option.long, option.argument)
  end
  note(found, order, option, option.argument and (value or next_word))
  return option.argument and not value and 1 or 0
end

-- Parses words 1 to #words. first: whether the first operand ends the options. Returns found, where
-- found[letter] and found[long name] are true or the last value given (found.number of -NUMBER); the
-- operands; and { option, value }... in the order given. "help" if --help was there; nil, message.
function M.parse(options, words, first)
  local found, operands, order, i = {}, {}, {}, 1
  while i <= #words do
    local word = words[i]
    if word == "--" then
      table.move(words, i + 1, #words, #operands + 1, operands)
      break
    elseif word == "--help" then
      return "help"
    elseif word:find("^%-.") then
      local take = word:find("^%-%-") and long or letters
      local taken, message = take(options, found, order, word, words[i + 1])
      if not taken then return nil, message end
      i = i + taken
    elseif first then
      table.move(words, i, #words, #operands + 1, operands)
      break
    else
      operands[#operands + 1] = word
    end
    i = i + 1
  end
  return found, operands, order
end

return M
