-- Pages of commands: text as docs/commands/README.md describes it, read into tables. Pure.
--
-- A page is { name, summary, synopsis = { line... }, options = { option... }, examples = { example... } };
-- an option { short = "n", long = "lines", number = true (it is -NUMBER), argument = "N", text }; an
-- example { command, output, open = whether more may follow, line }.
local M = {}

local WIDTH = 78

local function option_of(text)
  local names, rest = text:match("^(`.-`):%s+(.+)$")
  if not names then return nil end
  local option = { text = rest }
  for name in names:gmatch("`([^`]+)`") do
    local long, value = name:match("^%-%-([%w-]+)=?(.*)$")
    local short, operand = name:match("^%-([%w%?@])%s?(.*)$")
    if name == "-NUMBER" then
      option.number, option.argument = true, "NUMBER"
    elseif long then
      option.long = long
      if value ~= "" then option.argument = value end
    elseif short then
      option.short = short
      if operand ~= "" then option.argument = operand end
    else
      return nil
    end
  end
  return (option.short or option.long or option.number) and option
end

-- Adds a line of the section of examples to them.
local function example_line(examples, text, number)
  local command, more = text:match("^%$ (.+)$"), text:match("^> (.*)$")
  local last = examples[#examples]
  if command then
    examples[#examples + 1] = { command = command, output = {}, line = number }
  elseif not last then
    return nil
  elseif more and #last.output == 0 then
    last.command = last.command .. "\n" .. more
  elseif text == "..." then
    last.open = true
  else
    last.output[#last.output + 1] = text
  end
  return true
end

-- The examples of any text: its indented lines that begin with "$ ", and what follows them. Other indented
-- blocks are none.
function M.examples(text)
  local examples, number, is_example = {}, 0, false
  for line in (text:gsub("\n?$", "\n")):gmatch("(.-)\n") do
    number = number + 1
    local indented = line:match("^    (.*)$")
    is_example = indented and (is_example or indented:find("^%$ ") ~= nil)
    if is_example then example_line(examples, indented, number) end
  end
  return examples
end

-- The page; nil, message with the line's number.
function M.read(text)
  local page, section, number, option = { synopsis = {}, options = {}, examples = {} }, nil, 0, nil
  for line in (text:gsub("\n?$", "\n")):gmatch("(.-)\n") do
    number = number + 1
    local indented, title = line:match("^    (.*)$"), line:match("^## (.+)$")
    if number == 1 then
      page.name, page.summary = line:match("^# ([^%s:]+): (.+)$")
      if not page.name then return nil, "line 1: expected \"# NAME: summary\"" end
    elseif title then
      section, option = title, nil
    elseif not section and indented and (#page.synopsis == 0 or page.in_synopsis) then
      page.in_synopsis = true
      page.synopsis[#page.synopsis + 1] = indented
    elseif not section then
      page.in_synopsis = page.in_synopsis and line == "" and #page.synopsis == 0 or nil
    elseif section == "Options" then
      local item, more = line:match("^%- (.+)$"), line:match("^  (%S.*)$")
      if item then
        option = option_of(item)
        if not option then
          return nil, ("line %d: expected \"- `-x`, `--long=VALUE`: text\""):format(number)
        end
        page.options[#page.options + 1] = option
      elseif more and option then
        option.text = option.text .. " " .. more
      end
    elseif section == "Examples" and indented then
      if not example_line(page.examples, indented, number) then
        return nil, ("line %d: output before the first \"$ command\""):format(number)
      end
    end
  end
  page.in_synopsis = nil
  if #page.synopsis == 0 then return nil, "no synopsis (lines indented by 4)" end
  for _, line in ipairs(page.synopsis) do
    if line:match("^%S+") ~= page.name then
      return nil, ("synopsis %q does not start with %s"):format(line, page.name)
    end
  end
  return page
end

local function wrapped(text, indent, width)
  local lines, line = {}, ""
  for word in text:gmatch("%S+") do
    if line ~= "" and utf8.len(line) + 1 + utf8.len(word) > width - indent then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n" .. (" "):rep(indent))
end

local function option_names(option)
  if option.number then return "  -" .. option.argument end
  local value = option.argument and "=" .. option.argument or ""
  local long = option.long and "--" .. option.long .. value
  if not option.short then return "      " .. long end
  if long then return ("  -%s, %s"):format(option.short, long) end
  return ("  -%s%s"):format(option.short, option.argument and " " .. option.argument or "")
end

-- What --help prints.
function M.help(page)
  local lines, column = {}, 0
  for i, line in ipairs(page.synopsis) do
    lines[#lines + 1] = (i == 1 and "usage: " or "       ") .. line
  end
  lines[#lines + 1] = wrapped(page.summary:gsub("^%l", string.upper) .. ".", 0, WIDTH)
  for _, option in ipairs(page.options) do column = math.max(column, #option_names(option)) end
  column = math.min(column, 26) + 2
  if #page.options > 0 then lines[#lines + 1] = "" end
  for _, option in ipairs(page.options) do
    local names = option_names(option)
    local gap = #names + 2 > column and "\n" .. (" "):rep(column) or (" "):rep(column - #names)
    lines[#lines + 1] = names .. gap .. wrapped(option.text:gsub("`", ""), column, WIDTH)
  end
  return table.concat(lines, "\n") .. "\n"
end

return M
