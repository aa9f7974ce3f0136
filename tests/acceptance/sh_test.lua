-- The shell: words, quotes, variables, status, pipes, redirection, lists, Ctrl-C.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start()
guest:login("user", "swordfish")

local function outputs(name, list)
  tap.test(name, function()
    for _, case in ipairs(list) do
      local output, status = guest:run(case[1])
      tap.equal(output, case[2], case[1])
      tap.equal(status, case[3] or 0, "status of " .. case[1])
    end
  end)
end

outputs("words and quotes", {
  { "echo a   b", "a b" }, { "echo 'a   b'", "a   b" }, { "echo \"a   b\"", "a   b" },
  { "echo a\\ \\ b", "a  b" }, { "echo 'it'\"'\"'s'", "it's" }, { "echo ''", "" },
  { "echo a'b'c\"d\"", "abcd" }, { "echo '$x' \"'\"", "$x '" }, { "echo a#b", "a#b" },
  { "echo '|' \">\" '&'", "| > &" },
})
outputs("variables", {
  { "x=1; echo $x ${x}2", "1 12" }, { "x='a  b'; echo \"$x\"", "a  b" }, { "echo [$none]", "[]" },
  { "x=1; x=2; echo $x", "2" }, { "true; echo $?", "0" }, { "false; echo $?", "1" },
  { "echo \\$x", "$x" },
})
outputs("status and lists", {
  { "true && echo yes", "yes" }, { "false && echo yes", "", 1 }, { "false || echo no", "no" },
  { "true || echo no", "" }, { "false; echo next", "next" }, { "true && false || echo x", "x" },
  { "nosuchcommand 2>/dev/null || echo $?", "127" }, { "lua -e 'os.exit(9)'", "", 9 },
})
outputs("pipes", {
  { "echo a | cat", "a" }, { "echo a | cat | cat | cat", "a" }, { "echo x | false", "", 1 },
  { "false | echo x", "x" }, { "echo a | cat >/tmp/p; cat /tmp/p", "a" },
  -- The writer of a pipe nobody reads any more ends; the pipeline does not hang.
  { "lua -e 'while true do print(1) end' 2>/dev/null | head -n 1", "1" },
  { "lua -e 'for i = 1, 100000 do print(i) end' | wc | cat | head -n 1 | wc -l", "1" },
})
outputs("redirection", {
  { "echo one >/tmp/r; cat /tmp/r", "one" }, { "echo two >>/tmp/r; cat </tmp/r", "one\ntwo" },
  { ">/tmp/r echo three; cat /tmp/r", "three" }, { "cat </tmp/r >/tmp/q; cat /tmp/q", "three" },
  { "rm /tmp/r /tmp/q /tmp/p", "" },
})
tap.test("a redirection that fails does not run the command", function()
  local output, status = guest:run("echo ran >/no/file")
  tap.check(status ~= 0)
  tap.lacks(output, "ran\n")
  output, status = guest:run("echo ran </tmp/none")
  tap.check(status ~= 0)
  tap.contains(output, "/tmp/none")
end)
outputs("a directory is no program and no input", {
  { "cat </tmp", "sh: /tmp: is a directory", 2 }, { "/tmp/", "sh: /tmp/: is a directory", 126 },
  { "/bin", "sh: /bin: is a directory", 126 },
})
outputs("builtins know --help", {
  { "cd --help | head -n 1", "usage: cd [DIRECTORY]" }, { "(cd --help) >/dev/null && pwd", "/" },
  { "echo --help", "--help" }, { "printf --help", "--help" }, { "test --help && echo a text", "a text" },
})
tap.test("a redirection makes files others cannot change", function()
  tap.matches(guest:must("echo a >/tmp/made; ls -l /tmp/made; rm /tmp/made"), "^%-rw%-r%-%-r%-%- ")
end)
tap.test("mistakes are told and leave the shell alive", function()
  for _, line in ipairs({ "echo 'open", "| cat", "echo a | | cat", "echo >", "&& true", ";;" }) do
    guest.position = #guest.text + 1
    guest:line(line)
    guest:sleep(0.3)
    guest:send("\3")
    guest:sleep(0.2)
    guest:prompt()
  end
  tap.equal(guest:must("echo alive"), "alive")
end)
tap.test("scripts: #! from /tmp, arguments, status", function()
  guest:must("echo '#!/bin/sh' >/tmp/s; echo 'echo script' >>/tmp/s; echo 'exit 4' >>/tmp/s")
  guest:must("chmod 755 /tmp/s")
  local output, status = guest:run("/tmp/s")
  tap.equal(output, "script")
  tap.equal(status, 4)
  guest:must("rm /tmp/s")
end)
tap.test("background commands do not hold the prompt", function()
  guest.position = #guest.text + 1
  guest:line("sleep 1000 &")
  guest:prompt(10)
  tap.equal(guest:must("echo free"), "free")
end)
tap.test("Ctrl-C ends a pipeline, also one that loops", function()
  for _, line in ipairs({ "sleep 1000 | cat", "lua -e 'while true do end'", "cat" }) do
    guest:line(line)
    guest:sleep(1)
    guest.position = #guest.text + 1
    guest:send("\3")
    guest:prompt(10)
    tap.equal(guest:run("echo $?"), "130", "status of " .. line)
  end
end)
tap.test("Ctrl-C ends loops, of builtins and of programs, and read", function()
  for _, line in ipairs({ "while :; do :; done; echo no", "while true; do sleep 1000; done; echo no",
    "f() { f2; }; f2() { sleep 1000; }; for i in 1 2 3; do f; done; echo no", "read x; echo no",
    "(while :; do :; done); echo no", "while :; do echo $(echo a); done >/dev/null; echo no" }) do
    guest:line(line)
    guest:sleep(0.7)
    guest.position = #guest.text + 1
    guest:send("\3")
    guest:prompt(10)
    tap.lacks(guest.text:sub(-40), "\nno\r\n")
    tap.equal(guest:run("echo $?"), "130", "status of " .. line)
  end
end)
tap.test("trap INT: a script goes on, a shell too", function()
  guest:line("sh -c 'trap \"echo caught\" INT; sleep 1000; echo after $?'")
  guest:sleep(1)
  guest:send("\3")
  guest:expect("caught\r\nafter 130")
  guest:prompt()
  local loop = "echo go >&2; while :; do :; done"
  for _, line in ipairs({ loop, ("x=$(%s)"):format(loop), ("( (%s); echo no)"):format(loop) }) do
    guest.position = #guest.text + 1
    guest:line(("sh -c 'trap \"exit 5\" INT; %s; echo no'"):format(line))
    guest:expect("\r\ngo\r\n")
    guest:send("\3")
    guest:prompt()
    tap.equal(guest:run("echo $?"), "5", line)
  end
end)
tap.test("lines that go on are asked for", function()
  for _, lines in ipairs({ { "for i in 1 2", "do echo n$i", "done", "n1\r\nn2\r\n" },
    { "cat <<E", "a $((1+1))", "E", "a 2\r\n" },
    { "echo 'a", "b'", "a\r\nb\r\n" }, { "echo a \\", "b", "a b\r\n" }, { "true &&", "echo c", "c\r\n" } }) do
    for i = 1, #lines - 2 do
      guest:line(lines[i])
      guest:expect("\r\n> ")
    end
    guest:line(lines[#lines - 1])
    guest:expect(lines[#lines - 1] .. "\r\n" .. lines[#lines])
    guest:prompt()
  end
end)
tap.test("messages name the line, the thing and the reason", function()
  for command, message in pairs({
    ["nosuch"] = "sh: nosuch: not found", ["sh -c 'if'"] = "sh: line 1: syntax error: unexpected end",
    ["printf 'echo a\\n\\nfi\\n' | sh"] = "a\nsh: line 3: syntax error near 'fi'",
    ["sh -c 'echo $((1/0))'"] = "sh: arithmetic: division by zero",
    ["sh -c 'set -u; echo $u'"] = "sh: u: parameter not set",
    ["printf '#!/bin/bash\\n' >/tmp/b; chmod +x /tmp/b; cd /tmp; ./b"] =
      "sh: ./b: interpreter /bin/bash: not found",
    ["cd /nodir"] = "sh: cd: /nodir: not found",
    ["echo >/tmp/none/x"] = "sh: /tmp/none/x: not found",
    ["readonly r=1; r=2"] = "sh: r: is read only",
    ["[ 1 -eq x ]"] = "sh: [: x: number expected", ["shift 99"] = "sh: shift: cannot shift that many",
  }) do
    local output, status = guest:run("(" .. command .. ")")
    tap.equal(output, message, command)
    tap.check(status ~= 0, "%s: status 0", command)
  end
end)
tap.test("what a subshell leaves in the background goes on", function()
  guest:must("(sleep 1; echo late >/tmp/late) & (sleep 1 && echo later >/tmp/later &)")
  guest:sleep(2.5)
  tap.equal(guest:must("cat /tmp/late /tmp/later; rm /tmp/late /tmp/later"), "late\nlater")
end)
tap.test("binary Lua chunks from /tmp are refused", function()
  guest:must("lua -e 'io.open(\"/tmp/b\", \"w\"):write(\"\\27Lua\", (\"T\"):rep(40))'")
  for _, command in ipairs({ "lua /tmp/b", "lua -e 'assert(loadfile(\"/tmp/b\"))()'",
    "lua -e 'local d = string.dump(function() end) assert(load(d))'" }) do
    local output, status = guest:run(command)
    tap.check(status ~= 0, "%s succeeded: %s", command, output)
  end
  guest:must("rm /tmp/b")
end)

tap.test("long lines: 4,000 bytes pass, an endless one does not hang", function()
  local word = ("x"):rep(4000)
  tap.equal(guest:must("echo " .. word), word)
end)
guest:line("exit")
guest:login("root", "swordfish")
guest:finish(function()
  guest:must("echo a | cat | cat; cat </hello.txt; false || true; (echo b; echo c) | wc")
  guest:must("f() { local x=$1; echo $x | while read y; do echo $y; done; }; f $(echo a; ls / | wc)")
  guest:must("(cd /tmp; exec 3>/tmp/l; echo a >&3; cat </tmp/l; rm /tmp/l; sleep 0 & wait)")
  guest:must("x=$((1+1)); case $x in 2) ;; esac; for i in /bin/*; do :; done; echo $(cat </none) `true`")
  guest:must("echo \"${x%2}\" | (read a; [ -z \"$a\" ])")
  guest:must("(echo ${none?}); (eval 'fi'); (. /none); echo b >/no/file; true")
end)
tap.done()
