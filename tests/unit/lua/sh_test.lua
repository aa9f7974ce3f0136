-- The shell's pure parts: lexer, parser, expansion, arithmetic, patterns, state as bytes; and token soup
-- against lexer and parser.
package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
local tap = require("tap")
local arith = require("swos.sh.arith")
local expand = require("swos.sh.expand")
local glob = require("swos.sh.glob")
local parser = require("swos.sh.parser")
local plain = require("swos.service.plain")
local printf = require("swos.sh.printf")

local variables
local files = { ["."] = { "b.txt", "a.txt", ".hidden", "c d" }, ["/"] = { "bin" }, ["/bin"] = { "ls",
  "lua" } }
local strict, arguments
local context = {
  get = function(name)
    if name == "#" then return tostring(#arguments) end
    if name:find("^%d$") then return arguments[tonumber(name)] end
    return variables[name]
  end,
  set = function(name, value) variables[name] = value end,
  arguments = function() return arguments end,
  command = function(list) return ("<%d>\n\n"):format(#list) end,
  list = function(directory) return files[directory] and table.move(files[directory], 1, 9, 1, {}) end,
  exists = function(path) return path == "/bin/ls" end,
  unset_is_error = function() return strict end,
  no_glob = function() return false end,
}

local function reset()
  strict, arguments = false, { "first", "second word" }
  variables = { A = "one two", B = "x", EMPTY = "", HOME = "/home/me", ["?"] = "3", P = "/a/b/c.tar.gz" }
end

-- Words of the first command, joined by |; the message behind ! when it is none.
local function fields(text)
  local list, message, line = parser.parse(text)
  if not list then return "!" .. message .. (line and " " .. line or "") end
  local ok, result = pcall(expand.words, list[1].words, context)
  if not ok then return "!" .. (type(result) == "table" and result.message or result) end
  return table.concat(result, "|")
end

local function words_are(name, list)
  tap.test(name, function()
    for _, case in ipairs(list) do
      reset()
      tap.equal(fields(case[1]), case[2], case[1])
    end
  end)
end

words_are("words and quotes", {
  { "echo hello  world", "echo|hello|world" }, { [[echo 'a  b' "c  d" e\ f]], "echo|a  b|c  d|e f" },
  { [[echo '' ""]], "echo||" }, { "echo a#b # c", "echo|a#b" }, { 'echo "a\\"b\\c"', 'echo|a"b\\c' },
  { "echo a \\\n b", "echo|a|b" }, { "echo a'b'\"c\"d", "echo|abcd" }, { "echo $ a$ \"$\"", "echo|$|a$|$" },
})
words_are("parameters", {
  { "echo $A", "echo|one|two" }, { 'echo "$A"', "echo|one two" }, { "echo x$A.y", "echo|xone|two.y" },
  { "echo $EMPTY $UNSET", "echo" }, { 'echo "$EMPTY"', "echo|" }, { "echo $? $1 ${1}x",
  "echo|3|first|firstx" },
  { 'echo "$@"', "echo|first|second word" }, { "echo $@", "echo|first|second|word" },
  { 'echo "$*" x"$@"y', "echo|first second word|xfirst|second wordy" },
  { "echo $# ${#} ${#A} ${#@}", "echo|2|2|7|2" },
  { "echo ${B}y ${UNSET:-default}", "echo|xy|default" }, { "echo ${UNSET:-a b} ${UNSET-'a b'}",
  "echo|a|b|a b" },
  { 'echo "${UNSET:-a  b}" "${EMPTY-d}" "${EMPTY:-d}"', "echo|a  b||d" },
  { "echo ${N:=new} $N", "echo|new|new" }, { "echo ${B:+is} [${EMPTY:+is}]", "echo|is|[]" },
  { "echo ${UNSET?gone}", "!UNSET: gone" }, { "echo ${EMPTY:?}", "!EMPTY: parameter not set or null" },
  { "echo ${P##*/} ${P#*/} ${P%.*} ${P%%.*}", "echo|c.tar.gz|a/b/c.tar.gz|/a/b/c.tar|/a/b/c" },
  { "echo \"${P#'/a'}\" ${P%\"gz\"}", "echo|/b/c.tar.gz|/a/b/c.tar." },
})
tap.test("\"$@\" without arguments is no field, but what else is quoted makes one", function()
  for text, wanted in pairs({ ['"$@"'] = 0, ['"$@"$UNSET'] = 0, ['"$@$@"'] = 0, ['${1+"$@"}'] = 0,
    ['""$@'] = 1,
    ['"$@"""'] = 1, ["''$@"] = 1, ['"$@$UNSET"'] = 1, ['"$UNSET$@"'] = 1, ['"${1+$@}"'] = 1, ['"${A+}"'] = 1,
    ['"${UNSET+x}"'] = 1, ['"${UNSET-}"'] = 1, ['"${@-}"'] = 1, ['"$*"'] = 1, ['"\\\n"'] = 1 }) do
    reset()
    arguments = {}
    tap.equal(#expand.words(parser.parse("x " .. text)[1].words, context), wanted + 1, text)
  end
end)
words_are("LINENO is the line, whatever is made of it", {
  { "\n\nx $LINENO ${LINENO:-x} ${LINENO+is} ${#LINENO} $((LINENO*2)) $(($LINENO+1))", "x|3|3|is|1|6|4" },
  { "\n\nx ${XLINENO-y} ${LINENO%3} $((LINENOX)) \\\n$((LINENO))", "x|y|0|4" },
})
tap.test("set -u", function()
  reset()
  strict = true
  tap.equal(fields("echo $UNSET"), "!UNSET: parameter not set")
  tap.equal(fields("echo ${UNSET-d} $B $@"), "echo|d|x|first|second|word")
end)
words_are("commands and arithmetic", {
  { "echo $(ls -l)", "echo|<1>" }, { 'echo "$(a "b)" c; d)"', "echo|<2>" }, { "echo `a; b` \"`c`\"",
  "echo|<2>|<1>" },
  { "echo $(case x in x) y;; esac)", "echo|<1>" }, { "echo $( (a) )", "echo|<1>" },
  { "echo $((1+2)) $((B2=4))$B2 $(( (1) ))", "echo|3|44|1" }, { "echo $((1+))",
  "!arithmetic: syntax error near 'end'" },
  { "echo $((echo a); b)", "echo|<2>" },
})
words_are("what export, readonly and local are given", {
  { "export x=$A y=~:~/z:a~ z=*.txt", "export|x=one two|y=/home/me:/home/me/z:a~|z=*.txt" },
  { "local x=$@ y=\"$@\" z=${N:-p  q}$A", "local|x=first second word|y=first second word|z=p  qone two" },
  { "readonly x='a  '$A v=$EMPTY $A '~'=~", "readonly|x=a  one two|v=|one|two|~=~" },
  { "command command export x=$A y=~", "command|command|export|x=one two|y=/home/me" },
  { "'export' x=$A 'y'=$A \"z=\"$A w='~'", "export|x=one two|y=one|two|z=one|two|w=~" },
  { "echo export x=$A y=~", "echo|export|x=one|two|y=~" },
})
words_are("file names and home", {
  { "echo ~ ~/x a~ '~'", "echo|/home/me|/home/me/x|a~|~" }, { "echo *.txt", "echo|a.txt|b.txt" },
  { "echo '*.txt' \"*\" \\*", "echo|*.txt|*|*" }, { "echo *.none", "echo|*.none" }, { "echo .h*",
  "echo|.hidden" },
  { "echo /bin/l?", "echo|/bin/ls" }, { "echo /b*/ls /b*/no", "echo|/bin/ls|/b*/no" },
  { "echo [ab].txt [!a].txt", "echo|a.txt|b.txt|b.txt" }, { "echo */", "echo|*/" }, { "echo /b*/",
  "echo|/bin/" },
})
tap.test("splitting by IFS", function()
  for _, case in ipairs({ { ":", "a:b::c:", "a|b||c" }, { ":", ":a", "|a" }, { ": ", " a : b  c:d ",
    "a|b|c|d" },
    { "", "a b", "a b" }, { ",", "a b,c", "a b|c" }, { ": ", "a : : b", "a||b" } }) do
    reset()
    variables.IFS, variables.V = case[1], case[2]
    tap.equal(fields("$V"), case[3], ("%q by %q"):format(case[2], case[1]))
  end
end)
words_are("mistakes", {
  { "echo 'open", "!incomplete" }, { 'echo "open', "!incomplete" }, { "echo $(open", "!incomplete" },
  { "echo `open", "!incomplete" }, { "a && ", "!incomplete" }, { "a |\n", "!incomplete" }, { "if a",
  "!incomplete" },
  { "cat <<E\nbody\n", "!incomplete" }, { "for", "!incomplete" }, { "echo >", "!incomplete" }, { "a \\\n",
  "!incomplete" },
  { "| a", "!syntax error near '|' 1" }, { "a\nb ;; c", "!syntax error near ';;' 2" },
  { "echo )", "!syntax error near ')' 1" }, { "echo >\n", "!syntax error near 'newline' 1" },
  { "fi", "!syntax error near 'fi' 1" }, { "a; then", "!syntax error near 'then' 1" },
  { "if a; then fi", "!syntax error near 'fi' 1" }, { "\n\nf( x", "!syntax error near 'x' 3" },
  { "echo ${a b}", "!${a b}: bad substitution 1" }, { "echo `'`",
  "!syntax error: unterminated quoted string 1" },
  { ("("):rep(1000), "!syntax error: nested too deeply 1" },
  { ("$("):rep(1000), "!syntax error: nested too deeply 1" },
  { ("${a:-"):rep(1000), "!syntax error: nested too deeply 1" },
})

-- A tree in a few letters.
local function shape(node)
  local kind = node.kind
  local function list(nodes)
    local out = {}
    for i, each in ipairs(nodes) do out[i] = shape(each) end
    return table.concat(out, ";")
  end
  local more = node.redirects and (">"):rep(#node.redirects) or ""
  if kind == "simple" then
    local out = {}
    for i, word in ipairs(node.words) do out[i] = word.lit or "?" end
    for _, entry in ipairs(node.assignments or {}) do table.insert(out, 1, entry[1] .. "=") end
    return table.concat(out, " ") .. more
  elseif kind == "pipeline" then
    local out = {}
    for i, each in ipairs(node.commands) do out[i] = shape(each) end
    return (node.negated and "!" or "") .. table.concat(out, "|")
  elseif kind == "and_or" then
    local out = shape(node.first)
    for _, entry in ipairs(node.rest) do out = out .. entry[1] .. shape(entry[2]) end
    return out
  elseif kind == "background" then
    return shape(node.node) .. "&"
  elseif kind == "subshell" or kind == "brace" then
    return (kind == "brace" and "{%s}" or "(%s)"):format(list(node.list)) .. more
  elseif kind == "if" then
    local out = ""
    for _, clause in ipairs(node.clauses) do
      out = out .. ("if[%s][%s]"):format(list(clause[1]), list(clause[2]))
    end
    return out .. (node.otherwise and ("else[%s]"):format(list(node.otherwise)) or "")
  elseif kind == "while" then
    local name = node.is_until and "until" or "while"
    return ("%s[%s][%s]"):format(name, list(node.condition), list(node.body)) .. more
  elseif kind == "for" then
    return ("for %s %s[%s]"):format(node.name, node.words and #node.words or "@", list(node.body))
  elseif kind == "case" then
    local out = "case"
    for _, item in ipairs(node.items) do out = out .. ("[%d:%s]"):format(#item.patterns, list(item.body)) end
    return out
  end
  return ("%s()%s"):format(node.name, shape(node.body))
end

tap.test("the tree", function()
  for _, case in ipairs({
    { "X=1 Y=$A cmd <in >out 2>>err 2>&1 | next", "Y= X= cmd>>>>|next" },
    { "a && b || c & d", "a&&b||c&;d" }, { "! a | b", "!a|b" }, { "(a; b) >f\n{ c; }", "(a;b)>;{c}" },
    { "if a; then b; elif c\nthen d; else e; fi", "if[a][b]if[c][d]else[e]" },
    { "while a; do b; done <f; until c\ndo d\ndone", "while[a][b]>;until[c][d]" },
    { "for i in 1 2; do a; done; for j; do b; done; for k do c; done", "for i 2[a];for j @[b];for k @[c]" },
    { "case x in a|b) c;; (d) e; f;; *) esac", "case[2:c][1:e;f][1:]" },
    { "f() { a; }; g ( )\n(b)", "f(){a};g()(b)" }, { "echo if then { } !", "echo if then { } !" },
    { "a |\n\n b &&\nc", "a|b&&c" }, { "", "" }, { "\n # only a comment\n", "" },
    { "cat <<A; cat <<B\n1\nA\n2\nB\nc", "cat>;cat>;c" },
  }) do
    local list, message = parser.parse(case[1])
    tap.check(list, "%s: %s", case[1], message)
    local out = {}
    for i, node in ipairs(list) do out[i] = shape(node) end
    tap.equal(table.concat(out, ";"), case[2], case[1])
  end
end)
tap.test("assignments and here-documents", function()
  reset()
  local list = parser.parse("X=$A Y='a b'c Z=~/x:~ W=*.txt cat <<E <<'F' <<-G\n"
    .. "$B \\$B \"\nE\n$B\nF\n\tt\n\tG\n")
  local command = list[1]
  local values = {}
  for i, entry in ipairs(command.assignments) do
    values[i] = entry[1] .. "=" .. expand.string(entry[2], context)
  end
  tap.equal(table.concat(values, "|"), "X=one two|Y=a bc|Z=/home/me/x:/home/me|W=*.txt")
  local bodies = {}
  for i, entry in ipairs(command.redirects) do
    bodies[i] = expand.string(entry.word, context)
  end
  tap.equal(table.concat(bodies, "|"), "x $B \"\n|$B\n|t\n")
end)
tap.test("here-documents end at their word as it stands, but for quotes", function()
  for word, case in pairs({ ["$B"] = { "$B", "x.\n" }, ["${B}c"] = { "${B}c", "x.\n" },
    ["a'b'"] = { "ab", "$B.\n" },
    ['a"$B"'] = { "a$B", "$B.\n" }, ["\\E"] = { "E", "$B.\n" }, ["'a\\b'"] = { "a\\b", "$B.\n" },
    ['"a\\b\\"c"'] = { 'a\\b"c', "$B.\n" }, ["~"] = { "~", "x.\n" }, ["$LINENO"] = { "$LINENO", "x.\n" } }) do
    reset()
    local list, message = parser.parse(("cat <<%s\n$B.\n%s\nend\n"):format(word, case[1]))
    tap.check(list, "%s: %s", word, message)
    tap.equal(#list, 2, word)
    tap.equal(expand.string(list[1].redirects[1].word, context), case[2], word)
  end
end)
tap.test("aliases", function()
  local aliases = { hi = "echo hello", two = "a; b", loop = "loop x", pre = "echo ", w = "world",
    go = "for i in 1; do", again = "two; two", limit = "echo limit", long = "longer ",
    longname = "c", short = "longname; d", outer = "inner ", inner = "echo w hi" }
  for text, wanted in pairs({ ["hi you"] = "echo hello you", ["two c"] = "a;b c", ["loop"] = "loop x",
    ["pre w w"] = "echo world w", ["go x; done"] = "for i 1[x]", ["'hi'"] = "hi",
    ["again hi"] = "a;b;a;b hi", ["limit; limit"] = "echo limit;echo limit", ["long w"] = "longer world",
    ["short; short"] = "c;d;c;d", ["outer w w"] = "echo w hi world w",
    ["echo hi"] = "echo hi" }) do
    local list = tap.check(parser.parse(text, aliases))
    local out = {}
    for i, node in ipairs(list) do out[i] = shape(node) end
    tap.equal(table.concat(out, ";"), wanted, text)
  end
end)
tap.test("aliases in what a word has inside", function()
  local aliases = { hi = "echo hello", loop = "echo $(loop 1) `loop 2` $(($(loop 3)))", more = "hi; hi",
    here = "cat <<E\n$(here)\nE" }
  -- the words of a tree's commands, those inside others before what is around them
  local function commands(list, out)
    for _, node in ipairs(list) do
      local texts, inside = {}, {}
      for i, word in ipairs(node.words) do texts[i], inside[i] = word.lit or "?", word end
      for _, entry in ipairs(node.redirects or {}) do inside[#inside + 1] = entry.word end
      for _, word in ipairs(inside) do
        for _, part in ipairs(word.parts or {}) do
          if part.list then commands(part.list, out) end
          for _, each in ipairs(part.word and part.word.parts or {}) do
            if each.list then commands(each.list, out) end
          end
        end
      end
      out[#out + 1] = table.concat(texts, " ")
    end
    return out
  end
  for text, wanted in pairs({
    ["a $(hi x) \"`hi y`\" ${A:-$(hi)} b"] = "echo hello x|echo hello y|echo hello|a ? ? ? b",
    ['a "${A:-"$(hi)" z}" `hi`'] = "echo hello|echo hello|a ? ?", ["a $(($(hi)))"] = "echo hello|a ?",
    ["a $(b; more c)d `more`"] = "b|echo hello|echo hello c|echo hello|echo hello|a ? ?",
    ["cat <<E; hi\n$(hi)\nE\n"] = "echo hello|cat|echo hello",
    ["loop; hi"] = "loop 1|loop 2|loop 3|echo ? ? ?|echo hello", ["here\nhi"] = "here|cat|echo hello",
    ["a $(loop) $(loop)"] = ("loop 1|loop 2|loop 3|echo ? ? ?|"):rep(2) .. "a ? ?" }) do
    tap.equal(table.concat(commands(tap.check(parser.parse(text, aliases)), {}), "|"), wanted, text)
  end
end)

tap.test("arithmetic", function()
  for text, wanted in pairs({ ["1+2*3"] = 7, ["(1+2)*3"] = 9, ["-7/2"] = -3, ["-7%3"] = -1, ["7/-2"] = -3,
    ["1<<62>>61"] = 2, ["-8>>1"] = -4, ["1<2&&3>2"] = 1, ["0||0"] = 0, ["!3"] = 0, ["~0"] = -1, ["1?2:3"] = 2,
    ["0?2:0?4:5"] = 5, ["010+0x1F"] = 39, ["x=5"] = 5, ["y+1"] = 8, ["y*=2"] = 14, ["0&&(z=1)"] = 0,
    ["u"] = 0,
    ["1?5:(1/0)"] = 5, ["5&3|8^1"] = 9, ["9223372036854775807+1"] = math.mininteger, [" "] = 0, ["- -y"] = 7,
    ["1==1!=0"] = 1, ["3-2-1"] = 0, ["a=b=4"] = 4, ["(1<<63)/-1"] = math.mininteger }) do
    local values = { y = "7" }
    local got = arith.eval(text, function(name) return values[name] end,
      function(name, value) values[name] = value end)
    tap.equal(got, wanted, text)
    tap.equal(values.z, nil, "a branch that is not taken assigns")
  end
  for _, text in ipairs({ "1+", "1 2", "(1", "1/0", "1%0", "08", "1=2", "*", "x=abc+", "s", "1?2",
    "@", ("("):rep(500),
    ("-"):rep(500), ("x="):rep(500) }) do
    local ok, failure = pcall(arith.eval, text, function(name) return name == "s" and "abc" or nil end,
      function() end)
    tap.check(not ok and type(failure) == "table" and failure.message, "%s: %s", text, failure)
  end
end)

tap.test("numbers of C, at the ends of their ranges and beyond", function()
  for text, case in pairs({ ["9223372036854775807"] = { math.maxinteger, false, math.maxinteger, false },
    ["-9223372036854775808"] = { math.mininteger, false, math.mininteger, false },
    ["9223372036854775808"] = { math.maxinteger, true, math.mininteger, false },
    ["-9223372036854775809"] = { math.mininteger, true, math.maxinteger, false },
    ["18446744073709551615"] = { math.maxinteger, true, -1, false },
    ["18446744073709551616"] = { math.maxinteger, true, -1, true },
    ["-18446744073709551616"] = { math.mininteger, true, -1, true },
    ["0xFFFFFFFFFFFFFFFF"] = { math.maxinteger, true, -1, false },
    ["0x10000000000000000"] = { math.maxinteger, true, -1, true },
    ["01777777777777777777777"] = { math.maxinteger, true, -1, false },
    ["02000000000000000000000"] = { math.maxinteger, true, -1, true },
    ["0000000000000000000000017"] = { 15, false, 15, false }, ["0x00"] = { 0, false, 0, false },
    ["-010"] = { -8, false, -8, false }, [" +5"] = { 5, false, 5, false },
    ["-0"] = { 0, false, 0, false } }) do
    local number, beyond = arith.number(text)
    tap.equal(number, case[1], text)
    tap.equal(beyond or false, case[2], text)
    number, beyond = arith.unsigned(text)
    tap.equal(number, case[3], text .. " without a sign")
    tap.equal(beyond or false, case[4], text .. " without a sign")
  end
  for _, text in ipairs({ "", "-", "08", "0x", "12x", "5 ", "--5", "abc", "1.5" }) do
    tap.equal(arith.number(text), nil, text)
    tap.equal(arith.unsigned(text), nil, text)
  end
  for text, wanted in pairs({ ["-9223372036854775808"] = math.mininteger, [" -7 "] = -7, ["0x1f "] = 31,
    ["9223372036854775808"] = false, ["-9223372036854775809"] = false }) do
    local ok, value = pcall(arith.eval, "x", function() return text end, error)
    tap.equal(ok and value, wanted, text)
  end
end)

tap.test("printf: numbers that are none, or out of range", function()
  for _, case in ipairs({ { "%d", "-9223372036854775808", "-9223372036854775808" },
    { "%d", "9223372036854775808", "9223372036854775807", "out of range" },
    { "%u", "18446744073709551615", "18446744073709551615" }, { "%u", "-1", "18446744073709551615" },
    { "%x", "18446744073709551616", "ffffffffffffffff", "out of range" }, { "%d", "010x", "8", "numeric" },
    { "%d", "0x1fz", "31", "numeric" }, { "%d", "x", "0", "numeric" }, { "%.1f", "'A", "65.0" },
    { "%.1f", '"', "0.0" }, { "%.1f", "2.5x", "2.5", "numeric" }, { "%.1f", "-", "0.0", "numeric" } }) do
    local text, bad = printf.format(case[1], { case[2] })
    tap.equal(text, case[3], case[1] .. " of " .. case[2])
    tap.check(case[4] and bad[1] and bad[1]:find(case[4]) or not case[4] and not bad[1], "%s: %s", case[2],
      bad[1])
  end
end)

tap.test("patterns", function()
  for _, case in ipairs({ { "*.c", "main.c", true }, { "*.c", "main.h", false }, { "a%b", "a%b", true },
    { "a.b", "axb", false }, { "a*b*c", "aXbXc", true }, { "a*b*c", "aXcXb", false }, { "*", "", true },
    { "?", "", false },
    { "[a-c]x", "bx", true }, { "[!a-c]x", "bx", false }, { "[]]", "]", true }, { "[a-]", "-", true },
    { "[", "[", true },
    { "[abc", "[abc", true }, { "[[:digit:]]*", "5a", true }, { "[[:alpha:]_]", "5", false }, { "\\*",
    "*", true },
    { "\\*", "x", false }, { "a**b", "ab", true }, { "ab*ba", "aba", false }, { "", "", true }, { "",
    "x", false },
    { "*a*a*a*a*a*a*a*b", ("a"):rep(200), false }, { "[%w]", "w", true }, { "[%w]", "a", false },
    { "[[:foo:]]", "a", false }, { "[[:foo:]]", "o]", true }, { "[![:foo:]]", "a]", true },
    { "[[:digit:]-]", "-", true } }) do
    tap.equal(glob.matches(case[1], case[2]), case[3], ("%s against %s"):format(case[1], case[2]))
  end
  for _, case in ipairs({ { "a.b.c", "*.", "#", "b.c" }, { "a.b.c", "*.", "##", "c" }, { "a.b.c", ".*", "%",
    "a.b" },
    { "a.b.c", ".*", "%%", "a" }, { "abc", "b", "#", "abc" }, { "abc", "*", "##", "" }, { "abc", "*", "#",
    "abc" },
    { "abc", "?", "%", "ab" }, { "abab", "a*b", "#", "ab" }, { "abab", "a*b", "##", "" }, { "abab", "a*b",
    "%", "ab" },
    { "abab", "a*b", "%%", "" }, { "xabab", "b*", "%%", "xa" }, { "", "*", "#", "" } }) do
    tap.equal(glob.trim(case[1], case[2], case[3]), case[4], table.concat(case, " ", 1, 3))
  end
end)

-- Like trim and matches, but by trying every place.
tap.test("patterns agree with trying everything", function()
  math.randomseed(7)
  local function random(set, length)
    local out = {}
    for i = 1, length do
      local at = math.random(#set)
      out[i] = set:sub(at, at)
    end
    return table.concat(out)
  end
  local function slow(pattern, text)
    local c = pattern:sub(1, 1)
    if c == "" then return text == "" end
    if c == "*" then
      for at = 1, #text + 1 do
        if slow(pattern:sub(2), text:sub(at)) then return true end
      end
      return false
    end
    return text ~= "" and (c == "?" or c == text:sub(1, 1)) and slow(pattern:sub(2), text:sub(2))
  end
  for _ = 1, 3000 do
    local pattern, text = random("ab*?*", math.random(0, 6)), random("ab", math.random(0, 7))
    tap.equal(glob.matches(pattern, text), slow(pattern, text), pattern .. " against " .. text)
    for op, order in pairs({ ["#"] = { 0, #text, 1 }, ["##"] = { #text, 0, -1 } }) do
      local wanted = text
      for length = order[1], order[2], order[3] do
        if slow(pattern, text:sub(1, length)) then
          wanted = text:sub(length + 1)
          break
        end
      end
      tap.equal(glob.trim(text, pattern, op), wanted, text .. op .. pattern)
    end
    for op, order in pairs({ ["%"] = { 0, #text, 1 }, ["%%"] = { #text, 0, -1 } }) do
      local wanted = text
      for length = order[1], order[2], order[3] do
        if slow(pattern, text:sub(#text - length + 1)) then
          wanted = text:sub(1, #text - length)
          break
        end
      end
      tap.equal(glob.trim(text, pattern, op), wanted, text .. op .. pattern)
    end
  end
end)

tap.test("state as bytes and back", function()
  local list = parser.parse("f() { for i in \"$@\" *; do echo ${x%'*'} $((1+1)) >f; done; } <<E\n$(a)\nE\n")
  local text = plain.encode(list, 100)
  tap.check(tap.same(list, plain.decode(text, 100)), "the tree came back changed")
  tap.check(not plain.decode(text:sub(1, -2), 100), "bytes that end too early")
  tap.check(not plain.decode(text, 3), "a tree deeper than is taken")
  tap.check(not pcall(plain.encode, list, 3), "a tree deeper than is sent")
end)

tap.test("token soup: a tree, more wanted, or a syntax message, in bounded time", function()
  local SOUP = { "if", "then", "else", "elif", "fi", "for", "in", "do", "done", "while", "until", "case",
    "esac", "{", "}",
    "(", ")", ";", ";;", "&", "&&", "|", "||", "!", "<", ">", ">>", "<<", "<<-", ">&", "<&", "<>", ">|",
    "2>", "\n", "\n",
    " ", " ", " ", "a", "b", "x=1", "x=", "$x", "${x", "${x:-", "${#x}", "${x%", "}", "$(", "$((", "))",
    "`", "'", "\"",
    "\\", "\\\n", "#", "*", "[", "]", "~", "E", "E\n", "f()", "$@", "\"$@\"", "\0", "\255", "=", "1" }
  math.randomseed(20)
  local limit = os.clock() + 60
  local kinds = { tree = 0, more = 0, message = 0 }
  for _ = 1, 20000 do
    local parts = {}
    for i = 1, math.random(1, 25) do
      parts[i] = SOUP[math.random(#SOUP)]
      if math.random(3) > 1 then parts[i] = parts[i] .. " " end
    end
    local text = table.concat(parts)
    local ok, list, message = pcall(parser.parse, text, math.random(2) == 1
      and { a = "b ", b = "if a" } or nil)
    tap.check(ok, "%q: %s", text, list)
    local kind = list and "tree" or message == "incomplete" and "more" or "message"
    if kind == "message" then
      tap.check(message:find("^syntax error") or message:find("bad substitution$"), "%q: %s", text, message)
    end
    kinds[kind] = kinds[kind] + 1
    tap.check(os.clock() < limit, "%q took too long", text)
  end
  tap.check(kinds.tree > 500 and kinds.more > 500 and kinds.message > 500, "the soup is too thin")
end)
tap.test("long texts take time in proportion", function()
  local start = os.clock()
  for _, piece in ipairs({ "echo a b >c; ", "a | ", "'x' ", "$x ", "\\\n", "a && ", "${x:-y} ", "x=1\n",
    "# c\n", "`a` " }) do
    parser.parse(piece:rep(20000))
    tap.check(os.clock() - start < 30, "%q", piece)
  end
end)
tap.done()
