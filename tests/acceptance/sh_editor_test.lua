-- The shell's line editor on the serial line: keys, history, completion, modes of the terminal, typed-ahead
-- input, the window's size, `= EXPR`.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

-- Types keys that end with Enter; what came behind the echo's newline and before the next prompt.
local function keys(bytes)
  guest.position = #guest.text + 1
  local start = guest.position
  guest:send(bytes)
  guest:expect("\n")
  guest:prompt()
  local text = guest.text:sub(start)
  return (text:match("\n(.*\r\n)[^\n]*$") or ""):gsub("\r\n", "\n")
end

local function each(list)
  for i = 1, #list, 2 do tap.equal(keys(list[i]), list[i + 1], ("%q"):format(list[i])) end
end

local function count(text, words)
  local found, at = 0, 1
  while true do
    at = text:find(words, at, true)
    if not at then return found end
    found, at = found + 1, at + #words
  end
end

tap.test("a command of other systems is told what does it here, not in scripts", function()
  each({ "vi x\r", "sh: vi: not found; here: edit FILE\n", "nosuch\r", "sh: nosuch: not found\n",
    "sh -c 'vi x'\r", "sh: vi: not found\n" })
end)

tap.test("the terminal is taken for a vt220, the shell has job control", function()
  each({ "echo $TERM $-\r", "vt220 mi\n", "set -o | grep monitor\r", "monitor         on\n" })
end)

tap.test("keys edit the line", function()
  each({ "echo abc\127d\r", "abd\n", "cho abc\1e\r", "abc\n", "echo ac\27[Db\r", "abc\n",
    "echo x one\27[1;5D\27[1;5D\11two\r", "two\n", "echo one two\23three\r", "one three\n",
    "xecho y\27[H\27[3~\r", "y\n", "echo \xe6\xbc\xa2\xc3\xa9\127e\r", "\xe6\xbc\xa2e\n",
    "echo ab\20\r", "ba\n", "junk\21echo z\r", "z\n",
    "echo " .. ("long "):rep(60) .. "\1\5\r", ("long "):rep(60):sub(1, -2) .. "\n" })
end)
tap.test("history: arrows, search, continued lines", function()
  each({ "echo first\r", "first\n", "echo second\r", "second\n", "\27[A\27[A\r", "first\n",
    "\27OA\27OB\27[A\127\127!\r", "fir!\n",
    "\18sec\r", "second\n", "echo draft\27[A\27[B\r", "draft\n" })
  guest:send("echo 'a\r")
  guest:expect("\r\n> ")
  tap.equal(keys("b'\r"), "a\nb\n")
  tap.equal(keys("\27[A\r"), "b'\na\nb\n") -- its second row is echo
  each({ "history -c\r", "", "history\r", "    1  history\n", "echo a\r", "a\n",
    "history 2\r", "    2  echo a\n    3  history 2\n", "history 0\r", "", "history 99 | head -n 1\r",
    "    1  history\n", "history x\r", "sh: history: usage: history [-c|COUNT]\n" })
  guest:must("HISTFILE=/tmp/h")
  guest:must("echo kept")
  tap.equal(guest:must("head -n 1 /tmp/h"):match("echo kept"), "echo kept")
  tap.matches(guest:must("ls -l /tmp/h"), "^%-rw%-%-%-%-%-%-%- ")
  guest:line("HISTFILE=/tmp/h sh")
  guest:expect("\n")
  guest:prompt()
  tap.equal(keys("\18kept\5X\r"):sub(1, 5), "kept\n") -- ends the echo with $?, so X follows the mark
  guest:line("exit")
  guest:prompt()
  guest:must("unset HISTFILE; rm /tmp/h")
end)
tap.test("Tab: commands, files, variables, options, lists", function()
  guest:must("mkdir /tmp/t; cd /tmp/t; echo one >'a b'; echo two >other; mkdir dir; f_function() { echo f; }")
  each({ "ec\tx\r", "x\n", "cat a\t\r", "one\n", "cat ot\t\r", "two\n", "echo d\t\r", "dir/\n",
    "f_fun\t\r", "f\n",
    "echo $HOM\t\r", "/\n", "cat 'a\t\r", "one\n", "wc --li\t </hello.txt\r", "1\n",
    "rm --fo\t/tmp/none\r", "" })
  guest.position = #guest.text + 1
  guest:send("cat /b\t\t")
  guest:expect("bin/")
  guest:send("\3")
  guest:expect("^C\r\n")
  guest:prompt()
  guest:must("cd /; rm /tmp/t/other '/tmp/t/a b'; rmdir /tmp/t/dir /tmp/t")
end)
tap.test("typed ahead: nothing is lost, and each line stands behind its prompt", function()
  local start = #guest.text + 1
  guest:send("sleep 1\recho ahe''ad1\recho ahe''ad2\recho half")
  guest:expect("# echo ahe''ad1\r\nahead1\r\n")
  guest:expect("# echo ahe''ad2\r\nahead2\r\n")
  guest:expect("# echo half")
  guest:send("way\r")
  guest:expect("\r\nhalfway\r\n")
  guest:prompt()
  local text = guest.text:sub(start)
  tap.lacks(text, "echo half\27")
  tap.equal(count(text, "echo ahe''ad1"), 2, "its echo and behind the prompt")
  tap.equal(count(text, "echo ahe''ad2"), 2)
  guest:send("echo 'a\rb\rc'\r") -- one command: nothing is echoed between its lines
  guest:expect("echo 'a\r\n> b\r\n> c'\r\na\r\nb\r\nc\r\n")
  guest:prompt()
  guest.position = #guest.text + 1
  guest:send("sleep 1\rcat\rfor one cat\r\4")
  guest:expect("# cat\r\nfor one cat\r\n")
  guest:prompt()
  guest:send("sleep 1\recho ne''ver1\rsleep 1000\recho ne''ver2\recho half\5\3")
  guest:expect("^C\r\n")
  guest:prompt()
  tap.equal(keys("echo on\r"), "on\n")
  tap.lacks(guest.text, "never", "behind a Ctrl-C")
  tap.equal(keys("cat\rfor cat\r\4"), "for cat\nfor cat\n")
  tap.equal(keys("read a\rvalue\r"), "value\n") -- echoed by the terminal
  tap.equal(keys("echo $a\r"), "value\n")
end)
tap.test("Ctrl-C at the prompt, at a command, in typed-ahead lines", function()
  guest:send("echo never\1")
  guest:expect("echo never")
  guest:send("\3")
  guest:expect("^C\r\n")
  guest:prompt()
  tap.equal(guest:run("echo $?"), "130")
  guest:line("sleep 1000")
  guest:sleep(0.5) -- until it runs
  guest:send("ls\3")
  guest:expect("^C\r\n")
  guest:prompt()
  tap.equal(guest:run("echo $?"), "130")
end)

local SHOW = "lua -e 'local t=require([[swos.protocol]]).terminal.get_mode("
  .. "require([[swos]]).handle([[fd/0/control]]),{}) print(t.mode, t.rows, t.columns)'"
local SET = "lua -e 'require([[swos.protocol]]).terminal.set_mode("
  .. "require([[swos]]).handle([[fd/0/control]]),{mode=%d,drain=0}) os.exit(%d)'"

tap.test("modes: a command's own are those of before; what one that failed left is put back", function()
  tap.equal(guest:must(SHOW), "7\t24\t80")
  keys(SET:format(0, 1) .. "\r")
  tap.equal(guest:must(SHOW), "7\t24\t80")
  guest:run(SET:format(5, 0)) -- without echo
  tap.equal(guest:must(SHOW), "5\t24\t80")
  guest:must("true")
  tap.equal(guest:must(SHOW), "5\t24\t80")
  guest:run(SET:format(7, 0))
  tap.equal(guest:must(SHOW), "7\t24\t80")
end)
tap.test("the window's size: asked for once when nobody answers; else what it says", function()
  tap.equal(count(guest.text, "\27[6n"), 2, "questions of two shells") -- one of them HISTFILE's
  guest:send("\12")
  guest:expect("\27[H\27[2J")
  guest:expect("\27[6n")
  guest:send("\27[40;132R")
  tap.equal(guest:must(SHOW), "7\t40\t132")
  guest.position = #guest.text + 1
  guest:send("\r")
  guest:expect("\27[6n") -- it may have changed
  guest:prompt()
  guest:send("echo by ")
  guest:sleep(0.3) -- as a person types
  guest:send("hand\r")
  guest:expect("\r\nby hand\r\n\0277\27[999;999H\27[6n")
  guest:send("\27[24;80R")
  tap.equal(guest:must(SHOW), "7\t24\t80")
end)
tap.test("a dumb terminal has plain lines; an xterm says what is pasted", function()
  local start = #guest.text + 1
  tap.equal(keys("TERM=dumb\r"), "")
  tap.equal(keys("echo ab\127c\r"), "ac\n")
  tap.equal(keys("echo a\27[Db\r"), "a\27[Db\n")
  guest:send("ec\3")
  guest:expect("^C\r\n")
  guest:prompt()
  guest:line("TERM=xterm")
  guest:expect("\27[?2004h")
  guest:prompt()
  guest:send("\27[200~echo p1\recho p2\t\r\27[201~")
  guest:expect("echo p2 ")
  guest:send("\r")
  guest:expect("\27[?2004l\r\np1\r\np2\r\n")
  guest:prompt()
  guest:line("TERM=vt220")
  guest:prompt()
  tap.equal(count(guest.text:sub(start), "\27[?2004h"), 2)
end)
tap.test("prompts of one's own", function()
  guest:must("v=1")
  guest:send("PS1='<$v># ' PS2='more$ '\r")
  guest:expect("<1># ")
  guest:send("echo 'a\r")
  guest:expect("\r\nmore$ ")
  tap.equal(keys("b'\r"), "a\nb\n")
  guest:send("PS1='$(x # '\r")
  guest:expect("\r\n$(x # ")
  tap.equal(keys("unset PS1 PS2\r"), "")
end)
tap.test("= EXPR", function()
  each({ "= 1 + 1\r", "2\n", "= x, 'a', nil\r", "nil\ta\tnil\n", "= x = 41\r", "", "= x + 1\r", "42\n",
    "= print(x)\r", "41\n", "=\r", "sh: usage: = EXPRESSION (Lua)\n", "= nil + 1\r",
    "sh: =: lua:1: attempt to perform arithmetic on a nil value\n",
    "= )\r", "sh: =: lua:1: unexpected symbol near ')'\n",
    "= swos.directory()\r", "/\n" })
  tap.matches(keys("= io.write('w', 'x')\r"), "^wxfile %(0x")
  each({ "echo $?\r", "0\n", "= )\r", "sh: =: lua:1: unexpected symbol near ')'\n", "echo $?\r", "1\n" })
  guest:send("= {\r")
  guest:expect("\r\n> ")
  tap.matches(keys("}\r"), "^table: ")
  guest:send("= (function() while true do end end)()\r")
  guest:sleep(0.5) -- until it loops
  guest:send("\3")
  guest:expect("^C\r\n")
  guest:prompt()
  tap.equal(guest:run("echo $?"), "130")
  local _, status = guest:run("sh -c '= 1'")
  tap.equal(status, 127)
end)
tap.test("a shell that is killed leaves the terminal to the next login as it was", function()
  guest:send("\12")
  guest:expect("\27[2J")
  guest:send("\27[40;132R")
  guest:background("(sleep 1; kill -9 $$)")
  guest:send("half") -- the modes are those of the editor
  guest:expect("login: ")
  guest:line("root")
  guest:expect("root\r\nPassword: ")
  guest:line("swordfish")
  guest:expect("session: ")
  guest:prompt()
  tap.equal(guest:must(SHOW), "7\t24\t80")
end)
tap.test("the console's driver may die while a line is edited", function()
  guest:background("(for i in 1 2 3 4; do sleep 0.4; svc kill consoled; done) >/dev/null 2>&1")
  guest:send("echo ")
  for i = 1, 20 do
    guest:send(i .. "x\127")
    guest:sleep(0.1) -- typing spread over the deaths
  end
  guest:send("\27[D\127\r")
  guest:expect("\r\n123456789101112131415161718190\r\n")
  guest:prompt()
  guest:must("wait")
  tap.equal(guest:must(SHOW), "7\t24\t80")
end)

guest:finish(function()
  keys("echo a\127b\1\5\27[A\14\18x\7\r")
  keys("ech\tb\r")
end)
tap.done()
