-- Pages as people read them.
local tap = require("tap")
local manual = require("swos.manual")

local PAGE = [[
# tool: do a thing

    tool [-a] FILE
    tool --version

It does `a thing` to a [file](there), and what it does takes more words than fit into a line.

- `one two`: text
- plain item that goes
  on

## Options

- `-a`, `--all`: all of them, however many there may be of them in all
- `-n N`, `--a-very-long-name=NUMBER`: long

## Examples

    $ tool x
    out

    $ tool y
]]

tap.test("a page in a pipe", function()
  tap.equal(manual.render(PAGE, { columns = 50 }), [[
NAME
    tool - do a thing

SYNOPSIS
    tool [-a] FILE
    tool --version

DESCRIPTION
    It does a thing to a file, and what it does
    takes more words than fit into a line.

    one two  text
    - plain item that goes on

OPTIONS
    -a, --all                 all of them, however
                              many there may be of
                              them in all
    -n N, --a-very-long-name=NUMBER
                              long

EXAMPLES
    $ tool x
    out

    $ tool y
]])
end)

tap.test("the same with bold names has the same words", function()
  local bold = manual.render(PAGE, { columns = 50, bold = true })
  tap.contains(bold, "\27[1mNAME\27[0m")
  tap.contains(bold, "\27[1m-a\27[0m, \27[1m--all\27[0m")
  tap.contains(bold, "\27[1m$ tool x\27[0m")
  tap.equal(bold:gsub("\27%[%d*m", ""), (manual.render(PAGE, { columns = 50 })))
end)

tap.test("all pages: no line is too wide, no word of an example is lost", function()
  for path in io.popen("ls docs/commands/*.md"):lines() do
    local file = assert(io.open(path))
    local text = file:read("a")
    file:close()
    if not path:find("README") then
      local shown = manual.render(text, { columns = 80 })
      for line in text:gmatch("\n    ([^\n]*)") do tap.contains(shown, "    " .. line, path) end
      tap.lacks(shown, "\n\n\n", path)
      tap.contains(shown, "\nSYNOPSIS\n    ", path)
    end
  end
end)

tap.test("looking for words", function()
  local index = "cat: print files one after the other\nls: list directories\nsvc: look after services\n"
  tap.equal(table.concat(manual.search(index, { "AFTER" }), "|"),
    "cat - print files one after the other|svc - look after services")
  tap.equal(#manual.search(index, { "after", "look" }), 1)
  tap.equal(#manual.search(index, { "." }), 0)
  local page = function(name) return name == "cat" and "Page of CAT, after all" or "" end
  tap.equal(table.concat(manual.search(index, { "page", "cat" }, page), "|"):match("^%S+"), "cat")
  tap.equal(#manual.search(index, { "page" }), 0)
end)

tap.test("names in columns", function()
  tap.equal(table.concat(manual.columns({ "a", "bb", "ccc", "d", "e" }, 14), "|"), "  a    d|  bb   e|  ccc")
  tap.equal(table.concat(manual.columns({ "long-name" }, 4), "|"), "  long-name")
end)

tap.done()
