-- The shell's pure parts: lexer, parser, expansion, patterns. Prints TAP.
package.path = "lua/?.lua;" .. package.path
local expand = require("swos.sh.expand")
local glob = require("swos.sh.glob")
local parser = require("swos.sh.parser")

local count = 0
local function check(ok, what)
  count = count + 1
  print((ok and "ok " or "not ok ") .. count .. " - " .. what)
end

local variables = { A = "one two", B = "x", EMPTY = "", HOME = "/home/me", ["?"] = "3", ["1"] = "first" }
local files = { ["."] = { "a.txt", "b.txt", ".hidden", "c d" }, ["/bin"] = { "ls", "lua" } }
local context = {
  variable = function(name) return variables[name] end,
  arguments = function() return { "first", "second word" } end,
  command = function(text) return "<" .. text .. ">\n" end,
  list = function(directory) return files[directory] and table.move(files[directory], 1, 9, 1, {}) end,
}

-- Words of the first command, joined by |.
local function fields(text)
  local list, message = parser.parse(text)
  if not list then return "!" .. message end
  return table.concat(expand.words(list[1].first.commands[1].words, context), "|")
end

local function words_are(text, expected)
  local got = fields(text)
  check(got == expected, ("%s -> %s"):format(text:gsub("\n", "\\n"), got))
end

words_are("echo hello  world", "echo|hello|world")
words_are([[echo 'a  b' "c  d" e\ f]], "echo|a  b|c  d|e f")
words_are([[echo '' ""]], "echo||")
words_are("echo $A", "echo|one|two")
words_are('echo "$A"', "echo|one two")
words_are("echo x$A.y", "echo|xone|two.y")
words_are("echo $EMPTY $UNSET", "echo")
words_are('echo "$EMPTY"', "echo|")
words_are("echo ${B}y ${UNSET:-default}", "echo|xy|default")
words_are("echo $? $1 $ a$", "echo|3|first|$|a$")
words_are('for "$@"', "for|first|second word")
words_are("for $@", "for|first|second|word")
words_are("echo $(ls -l) # comment", "echo|<ls|-l>")
words_are('echo "$(a "b)" c)"', 'echo|<a "b)" c>')
words_are("echo ~ ~/x a~", "echo|/home/me|/home/me/x|a~")
words_are("echo *.txt", "echo|a.txt|b.txt")
words_are("echo '*.txt' \"*\" \\*", "echo|*.txt|*|*")
words_are("echo *.none", "echo|*.none")
words_are("echo /bin/l?", "echo|/bin/ls")
words_are("echo /b*/ls", "echo|/b*/ls")
words_are("echo [ab].txt [!a].txt", "echo|a.txt|b.txt|b.txt")
words_are("echo a#b", "echo|a#b")
words_are('echo "a\\"b\\c"', 'echo|a"b\\c')
words_are("echo 'open", "!incomplete")
words_are('echo "open', "!incomplete")
words_are("echo $(open", "!incomplete")
words_are("echo a \\\n b", "echo|a|b")
words_are("a && ", "!incomplete")
words_are("a |", "!incomplete")
words_are("| a", "!syntax error near '|'")
words_are("a ;; b", "!syntax error near ';'")
words_are("echo >", "!incomplete")
words_are("echo )", "!syntax error near ')'")
words_are("echo ${a b}", "!${a b}: bad substitution")

local list = parser.parse("X=1 Y=$A cmd <in >out 2>>err 2>&1 | next; a && b || c & (d; e) >f\n! g")
check(#list == 4, "four lists")
local first = list[1].first.commands[1]
check(first.assignments[1][1] == "X" and first.assignments[2][1] == "Y", "assignments")
check(expand.string(first.assignments[2][2], context) == "one two", "an assignment is not split")
check(#first.redirects == 4 and first.redirects[3].fd == 2 and first.redirects[3].text == ">>", "redirects")
check(first.redirects[4].text == ">&" and first.redirects[4].fd == 2, "2>&1")
check(#list[1].first.commands == 2, "pipeline")
check(list[2].background and #list[2].rest == 2 and list[2].text == "a && b || c",
  "and-or list in the background")
check(list[3].first.commands[1].kind == "subshell" and list[3].first.commands[1].text == "d; e", "subshell")
check(#list[3].first.commands[1].redirects == 1, "redirect of a subshell")
check(list[4].first.negated, "negation")
check(#parser.parse("") == 0 and #parser.parse("\n # only a comment\n") == 0, "nothing to do")
check(glob.matches("*.c", "main.c") and not glob.matches("*.c", "main.h"), "suffix pattern")
check(glob.matches("a%b", "a%b") and not glob.matches("a.b", "axb"), "no Lua pattern shines through")
print("1.." .. count)
