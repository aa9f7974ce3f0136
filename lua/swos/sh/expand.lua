-- Words into fields: parameters, commands, arithmetic, splitting, file names. Pure: what it needs to
-- know and do comes from `context`:
--   context.get(name), context.set(name, value)   a variable's or parameter's value, or nil
--   context.arguments()      the positional parameters
--   context.command(list)    the output of commands
--   context.list(directory)  names in a directory, or nil; context.exists(path)
--   context.unset_is_error(), context.no_glob()   set -u, set -f
-- A failure is raised as { message = }.
local M = {}

local find, unpack = string.find, table.unpack
local WHITE = " \t\n"
local UNPACK_MAX = 200 -- words that are copied through the stack
local PIECE_MAX = 4096 -- a text that long is set aside: adding to it copies it

-- What is being collected. out: the fields so far; text: the field that grows, nil before there is one;
-- pattern: the same with quoted pattern characters behind backslashes; is_pattern: it has one that
-- is not quoted. single: everything is one string, nothing is split; want_pattern: of which the pattern
-- is wanted.
local function set_aside(state)
  local texts = state.texts or {}
  texts[#texts + 1], state.texts, state.text = state.text, texts, ""
  if not state.pattern then return end
  local patterns = state.patterns or {}
  patterns[#patterns + 1], state.patterns, state.pattern = state.pattern, patterns, ""
end

-- Puts what was set aside before the rest.
local function collect(state)
  if not state.texts then return end
  state.text, state.texts = table.concat(state.texts) .. state.text, nil
  if not state.patterns then return end
  state.pattern, state.patterns = table.concat(state.patterns) .. state.pattern, nil
end

local function append(state, text, quoted)
  if state.text and #state.text > PIECE_MAX then set_aside(state) end
  local before = state.text
  state.text = before and before .. text or text
  if state.single and not state.want_pattern then return end
  local pattern = text
  if quoted then
    if text:find("[*?%[%]\\!-]") then pattern = text:gsub("[*?%[%]\\!-]", "\\%0") end
  elseif not state.single then
    if text:find("\\", 1, true) then pattern = text:gsub("\\", "\\\\") end
    if text:find("[*?%[]") then state.is_pattern = true end
  end
  state.pattern = before and state.pattern .. pattern or pattern
end

local function finish(state)
  if not state.text then return end
  collect(state)
  local text = state.text
  local out = state.out
  local matches
  if state.is_pattern and not state.context.no_glob() then
    local glob = require("swos.sh.glob")
    matches = glob.expand(state.pattern, state.context.list, state.context.exists)
  end
  if matches and matches[1] then
    table.move(matches, 1, #matches, #out + 1, out)
  else
    out[#out + 1] = text
  end
  state.text, state.pattern, state.is_pattern = nil, nil, nil
end

local function split_at_white(state, value)
  if value:find("^[ \t\n]") then finish(state) end
  for field, behind in value:gmatch("([^ \t\n]+)()") do
    append(state, field, false)
    if behind <= #value then finish(state) end
  end
end

-- An unquoted value: the characters of IFS separate fields.
local function split(state, value)
  if value == "" then return end
  if state.single then return append(state, value, false) end
  local ifs = state.context.get("IFS") or WHITE
  if ifs == WHITE then return split_at_white(state, value) end
  local set = ifs ~= "" and "[" .. ifs:gsub("%W", "%%%0") .. "]"
  local at = set and value:find(set)
  if not at then return append(state, value, false) end
  local from = 1
  while at do
    local c = value:sub(at, at)
    if at > from then append(state, value:sub(from, at - 1), false) end
    if c:find("[ \t\n]") then
      -- white space around another separator belongs to it
      local behind = at + 1
      while behind <= #value and value:find("^[ \t\n]", behind) and value:find("^" .. set, behind) do
        behind = behind + 1
      end
      c = value:sub(behind, behind)
      if c ~= "" and c:find(set) and (state.text or from > 1 or at > 1) then
        at = behind
      else
        at, c = behind - 1, " "
      end
    end
    if not c:find("[ \t\n]") then
      if not state.text then append(state, "", false) end
      while value:find("^[ \t\n]", at + 1) and value:find("^" .. set, at + 1) do at = at + 1 end
    end
    finish(state)
    from = at + 1
    at = value:find(set, from)
  end
  if from <= #value then append(state, value:sub(from), false) end
end

local expand_parts, shape_of, joined

-- One string of all the parts of a word; no splitting.
local function collected(word, context, want_pattern)
  local state = { single = true, context = context, want_pattern = want_pattern }
  expand_parts(state, word)
  collect(state)
  if want_pattern then return state.pattern or "" end
  return state.text or ""
end

-- The same, by the shortest way.
local function string_of(word, context, want_pattern)
  if not want_pattern then
    if word.lit then return word.lit end
    if (word.shape or shape_of(word)) ~= "other" then return joined(word, context) end
  end
  return collected(word, context, want_pattern)
end

local function separator(context)
  local ifs = context.get("IFS")
  return ifs and ifs:sub(1, 1) or " "
end

-- $@ and $*. Without arguments "$@" adds nothing: alone it is no field.
local function add_arguments(state, part)
  local arguments = state.context.arguments()
  if part.name == "*" and part.q then
    return append(state, table.concat(arguments, separator(state.context)), true)
  end
  for i, argument in ipairs(arguments) do
    if i > 1 then
      if state.single then
        append(state, part.q and " " or separator(state.context), true)
      else
        finish(state)
      end
    end
    if part.q then append(state, argument, true) else split(state, argument) end
  end
end

local function fail(format, ...)
  error({ message = format:format(...) }, 0)
end

local function add_value(state, part, value)
  if part.q then append(state, value, true) else split(state, value) end
end

-- ${name OP word} for - = ? +.
local function conditional(state, part, value)
  local op, context = part.op, state.context
  local is_set = value ~= nil
  if #op == 2 then is_set = is_set and value ~= "" end
  local kind = op:sub(-1)
  if kind == "+" then
    if is_set then expand_parts(state, part.word, true) end
    return true
  end
  if is_set then return false end
  if kind == "-" then
    expand_parts(state, part.word, true)
  elseif kind == "?" then
    local text = part.word.parts and not part.word.parts[1] and "" or string_of(part.word, context)
    if text == "" then text = #op == 2 and "parameter not set or null" or "parameter not set" end
    fail("%s: %s", part.name, text)
  else
    if not part.name:find("^[%a_]") then fail("%s: cannot be assigned", part.name) end
    value = string_of(part.word, context)
    context.set(part.name, value)
    add_value(state, part, value)
  end
  return true
end

local function add_parameter(state, part)
  local name, op, context = part.name, part.op, state.context
  local is_list = name == "@" or name == "*"
  if is_list and not op then return add_arguments(state, part) end
  local value
  if is_list then
    local arguments = context.arguments()
    if op == "length" then return append(state, tostring(#arguments), part.q) end
    value = arguments[1] and table.concat(arguments, " ") or nil
  else
    value = part.line or context.get(name)
  end
  if op and op:find("[-=?+]$") then
    if conditional(state, part, value) then
      if part.q then append(state, "", true) end -- a field, also when the word has nothing
      return
    end
    if is_list then return add_arguments(state, part) end
  elseif value == nil and context.unset_is_error() then
    fail("%s: parameter not set", name)
  end
  value = value or ""
  if op == "length" then
    value = tostring(#value)
  elseif op and op:find("^[%%#]") then
    value = require("swos.sh.glob").trim(value, string_of(part.word, context, true), op)
  end
  add_value(state, part, value)
end

local function output_of(part, context)
  local output = context.command(part.list)
  local last = #output
  while output:byte(last) == 10 do last = last - 1 end
  output = output:sub(1, last)
  if output:find("\0", 1, true) then output = output:gsub("%z", "") end
  return output
end

-- ---- words that are expanded most often, without a state of what is collected

-- What a word is, kept with it. "whole": all is quoted and one field; "text": what each part gives is put
-- together where nothing is split; "other": it has an operator, or $@ or $*; "single": so it has, but is one
-- field all the same.
function shape_of(word)
  local shape = word.parts[1] and "whole" or "text"
  for _, part in ipairs(word.parts) do
    if part.op or part.name == "@" or part.name == "*" then
      shape = "other"
      break
    end
    if not part.q then shape = "text" end
  end
  if word.single then shape = shape == "other" and "single" or "whole" end
  word.shape = shape
  return shape
end

local eval -- swos.sh.arith's, at its first use

local function arithmetic(part, context)
  eval = eval or require("swos.sh.arith").eval
  local get, line = context.get, part.line
  if line then get = function(name) return name == "LINENO" and line or context.get(name) end end
  return eval(string_of(part.word, context), get, context.set) .. ""
end

-- What a part without an operator gives, by kind.
local TEXT_OF = { command = output_of, arith = arithmetic }

function TEXT_OF.text(part) return part.text end

function TEXT_OF.param(part, context)
  local value = context.get(part.name)
  if value == nil and context.unset_is_error() then fail("%s: parameter not set", part.name) end
  return value or ""
end

function TEXT_OF.tilde(_, context) return context.get("HOME") or "/" end

function joined(word, context)
  local parts = word.parts
  if not parts[2] then return parts[1] and TEXT_OF[parts[1].k](parts[1], context) or "" end
  local texts = {}
  for i = 1, #parts do texts[i] = TEXT_OF[parts[i].k](parts[i], context) end
  return table.concat(texts)
end

-- The word's parts. splits: text that is not quoted is split too (the word inside ${x:-word}).
function expand_parts(state, word, splits)
  if word.lit then return append(state, word.lit, true) end
  for _, part in ipairs(word.parts) do
    local kind = part.k
    if kind == "text" then
      if splits and not part.q then split(state, part.text) else append(state, part.text, part.q) end
    elseif kind == "param" then
      add_parameter(state, part)
    elseif kind == "tilde" then
      append(state, state.context.get("HOME") or "/", true)
    elseif kind == "command" then
      add_value(state, part, output_of(part, state.context))
    else
      add_value(state, part, arithmetic(part, state.context))
    end
  end
end

-- Whether a value that is not quoted is one field, as it is.
local function is_one_field(value, context)
  return value ~= "" and context.get("IFS") == WHITE
    and not (find(value, "%W") and find(value, "[ \t\n*?%[]"))
end

-- The fields of a value that is all of a word, and not quoted.
local function add_fields(out, value, context)
  if is_one_field(value, context) then
    out[#out + 1] = value
    return
  end
  local state = { out = out, context = context }
  split(state, value)
  finish(state)
end

local function add_word(out, word, context)
  local part, shape = word.parts[1], word.shape or shape_of(word)
  if shape == "whole" then
    out[#out + 1] = joined(word, context)
  elseif shape == "text" and part and not word.parts[2] and part.k ~= "text" and part.k ~= "tilde" then
    add_fields(out, TEXT_OF[part.k](part, context), context)
  elseif shape == "single" then
    out[#out + 1] = collected(word, context)
  else
    local state = { out = out, context = context }
    expand_parts(state, word)
    finish(state)
  end
end

-- The fields of words.
function M.words(words, context)
  local out = {}
  for i = 1, #words do
    local word = words[i]
    local lit = word.lit
    if lit then out[#out + 1] = lit else add_word(out, word, context) end
  end
  return out
end

-- M.words(words, context) for words that are expanded again and again: a function of the context. Parameters
-- that are all of a word are put into their places among the words that stand there; when one of them is not
-- one field, all is done once more (looking at a parameter changes nothing).
function M.prepared_words(words)
  local count, given, places, is_simple = #words, {}, {}, true
  for i, word in ipairs(words) do
    given[i] = word.lit or false
    if not word.lit then
      local part = word.parts[1]
      places[#places + 1], is_simple = i, is_simple and part and part.k == "param"
        and not word.parts[2] and shape_of(word) ~= "other"
    end
  end
  if not is_simple or count > UNPACK_MAX then
    return function(context) return M.words(words, context) end
  end
  if not places[1] then return function() return { unpack(given, 1, count) } end end
  return function(context)
    local out = { unpack(given, 1, count) }
    for i = 1, #places do
      local place = places[i]
      local part = words[place].parts[1]
      local value = context.get(part.name)
      if not value or not part.q and not is_one_field(value, context) then return M.words(words, context) end
      out[place] = value
    end
    return out
  end
end

-- The same for M.string.
function M.prepared_string(word)
  local text, part = word.lit, not word.lit and word.parts[1]
  if text then return function() return text end end
  if not part or word.parts[2] or shape_of(word) == "other" then
    return function(context) return string_of(word, context) end
  end
  local value_of, expression = TEXT_OF[part.k], part.k == "arith" and not part.line and part.word.lit
  if expression then
    eval = eval or require("swos.sh.arith").eval
    return function(context) return eval(expression, context.get, context.set) .. "" end
  end
  return function(context) return value_of(part, context) end
end

-- A word as one string: no splitting, no file names.
function M.string(word, context)
  return word.lit or string_of(word, context)
end

-- A word as a pattern: what was quoted stands behind backslashes.
function M.pattern(word, context)
  return string_of(word, context, true)
end

return M
