-- Pages of commands and the options they declare: the form, mistakes in it, and how words are taken.
-- Checks that every command of the image has a page, too.
local tap = require("tap")
local options = require("swos.options")
local page = require("swos.page")

local TEXT = [[
# tool: do a thing

    tool [-av] [-n N] [FILE...]
    tool --version

Text that is long.

## Options

- `-a`, `--all`: all of
  them
- `-n N`, `--lines=N`: how many
- `--level=LEVEL`: how much
- `--leave`: go
- `-NUMBER`: the same

## Examples

    $ tool \
    > -a
    one
    two
    $ tool -n 1
    ...
]]

tap.test("a page is read", function()
  local read = assert(page.read(TEXT))
  tap.check(tap.same(read, {
    name = "tool", summary = "do a thing",
    synopsis = { "tool [-av] [-n N] [FILE...]", "tool --version" },
    options = {
      { short = "a", long = "all", text = "all of them" },
      { short = "n", long = "lines", argument = "N", text = "how many" },
      { long = "level", argument = "LEVEL", text = "how much" },
      { long = "leave", text = "go" },
      { number = true, argument = "NUMBER", text = "the same" },
    },
    examples = {
      { command = "tool \\\n-a", output = { "one", "two" }, line = 19 },
      { command = "tool -n 1", output = {}, open = true, line = 23 },
    },
  }), "what was read is not what stands there")
end)

tap.test("help is made of it", function()
  tap.equal(page.help(assert(page.read(TEXT))), [[
usage: tool [-av] [-n N] [FILE...]
       tool --version
Do a thing.

  -a, --all          all of them
  -n, --lines=N      how many
      --level=LEVEL  how much
      --leave        go
  -NUMBER            the same
]])
end)

tap.test("mistakes are told with their line", function()
  for _, case in ipairs {
    { "tool\n", "line 1: expected \"# NAME: summary\"" },
    { "# tool: x\n\ntext\n", "no synopsis" },
    { "# tool: x\n\n    other [FILE]\n", "does not start with tool" },
    { "# tool: x\n\n    tool\n\n## Options\n\n- a: what\n", "line 7: expected" },
    { "# tool: x\n\n    tool\n\n## Examples\n\n    out\n", "line 7: output before" },
  } do
    local read, message = page.read(case[1])
    tap.check(not read, "no mistake found in %s", case[1])
    tap.contains(message, case[2])
  end
end)

local TABLE = assert(page.read(TEXT)).options

-- "a=true n=3 | x y", letters and long names without a letter, then the operands.
local function parsed(text, first)
  local words = {}
  for word in text:gmatch("%S+") do words[#words + 1] = word end
  local found, rest, order = options.parse(TABLE, words, first)
  if not found or found == "help" then return found or rest end
  local list = {}
  for _, pair in ipairs(order) do
    local name = pair[1].short or pair[1].long or "number"
    list[#list + 1] = ("%s=%s"):format(name, tostring(pair[2] or true))
    if order[#order] == pair then tap.equal(found[name], pair[2] or true, "the last value") end
  end
  return table.concat(list, " ") .. " | " .. table.concat(rest, " ")
end

tap.test("words of a command line", function()
  for _, case in ipairs {
    { "", " | " }, { "x -a y", "a=true | x y" }, { "-an3 x", "a=true n=3 | x" },
    { "-n 3 -a", "n=3 a=true | " }, { "-3", "number=3 | " }, { "--lines=4 --all", "n=4 a=true | " },
    { "--lines 4", "n=4 | " },
    { "--lin 4", "n=4 | " }, { "--lev=", "level= | " }, { "-- -a", " | -a" }, { "- -a", "a=true | -" },
    { "-a --help", "help" }, { "-- --help", " | --help" }, { "-n 1 -n 2", "n=1 n=2 | " },
  } do
    tap.equal(parsed(case[1]), case[2], case[1])
  end
  tap.equal(parsed("-a x -n 3", true), "a=true | x -n 3", "options first")
end)

tap.test("words that are refused", function()
  for _, case in ipairs {
    { "-x", "unknown option -x" }, { "-ax", "unknown option -x" },
    { "--nothing", "unknown option --nothing" }, { "-n", "-n: N expected" },
    { "--lines", "--lines: N expected" }, { "--all=x", "--all takes no value" },
    { "--le=1", "--le is --level or --leave" }, { "-a3", "unknown option -3" },
  } do
    tap.equal(parsed(case[1]), case[2], case[1])
  end
end)

tap.test("examples of any text", function()
  local text = "# x\n\n    block\n\n    $ one\n    out\n\ntext\n\n    not\n    $ two\n"
  tap.check(tap.same(page.examples(text), {
    { command = "one", output = { "out" }, line = 5 }, { command = "two", output = {}, line = 11 },
  }), "what was read is not what stands there")
end)

-- ---- the pages there are

local function lines_of(text)
  local list = {}
  local pipe = assert(io.popen(text))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

tap.test("every command has a page", function()
  local commands = {}
  for _, name in ipairs(lines_of("ls scripts/guest/commands")) do
    commands[#commands + 1] = name:match("^(.*)%.lua$")
  end
  for line in io.lines("bin/coreutils/commands.inc") do
    commands[#commands + 1] = line:match("COMMAND%((%w+)%)")
  end
  tap.check(#commands > 30, "%d commands found", #commands)
  for _, name in ipairs(commands) do
    local file = tap.check(io.open("docs/commands/" .. name .. ".md"), "docs/commands/%s.md is missing", name)
    file:close()
  end
end)

tap.done()
