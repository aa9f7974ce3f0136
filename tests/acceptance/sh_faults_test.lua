-- The shell in trouble: long lines, many arguments, deep nesting, endless output, closed and full files,
-- killed members of pipelines, a pager left early. Each is tried as a script, on standard input, as `sh -c`
-- and typed; each time nothing runs on, the terminal's modes are kept, and at the end nothing is lost.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2 })
guest:login("root", "swordfish")

local function write(path, lines)
  for i, line in ipairs(lines) do
    guest:must(("echo '%s' %s%s"):format(line, i == 1 and ">" or ">>", path))
  end
end

-- R WORD N: the word N times; @ is a newline.
write("/tmp/R", { "#!/bin/lua", "io.write((arg[1]:gsub([[@]], string.char(10)):rep(tonumber(arg[2]))))" })
write("/tmp/mode.lua", { "local swos, protocol = require([[swos]]), require([[swos.protocol]])",
  "print(protocol.terminal.get_mode(swos.handle([[fd/0/control]]), {}).mode)" })
guest:must("chmod 755 /tmp/R; PATH=/bin:/tmp")

-- Programs the cases start; one shell is there always.
local STARTED = { sh = true, cat = true, lua = true, yes = true, head = true, sleep = true, wc = true,
  less = true, seq = true, R = true }

local function nothing_left()
  guest:await("only the shell runs", function()
    local names = {}
    for name in guest:must("ps -o cmd"):gmatch("[^\n]+") do
      if STARTED[name] then names[#names + 1] = name end
    end
    return table.concat(names, " ") == "sh"
  end, 10)
  tap.equal(guest:must("jobs; lua /tmp/mode.lua"), "7")
end

-- The ways a text is run; %s is the text.
local WAYS = { "sh /tmp/case", "sh </tmp/case", "sh -c \"$(cat /tmp/case)\"", "(%s)" }

-- cases: { text without ', output, status of all (0) }
local function holds(name, cases)
  tap.test(name, function()
    for _, case in ipairs(cases) do
      write("/tmp/case", { case[1] })
      for _, way in ipairs(WAYS) do
        local output, status = guest:run(way:gsub("%%s", (case[1]:gsub("%%", "%%%%"))), 60)
        local what = ("%s as %s"):format(case[1], way)
        tap.equal(output, case[2], what)
        tap.equal(status, case[3] or 0, "status of " .. what)
      end
    end
    nothing_left()
  end)
end

holds("a line of 1 MiB", {
  { "x=$(R x 1048576); echo ${#x}; case $x in *y) echo y;; *x) echo x;; esac; echo $x | wc -c",
    "1048576\nx\n1048577" },
  { "eval \"echo $(R x 1048576)\" | wc -c", "1048577" },
  { "(R \"echo \" 1; R x 1048576) >/tmp/l; sh /tmp/l | wc -c; . /tmp/l | wc -c; sh </tmp/l | wc -c",
    "1048577\n1048577\n1048577" },
  { "eval \"$(R \"wc -c <<E@\" 1; R x 1048576; R \"@E@\" 1)\"", "1048577" },
  { "eval \"$(R \"wc -c <<E@\" 1; R \"\\$y@\" 100000; R \"@E@\" 1)\"", "100001" },
  { "f() { echo ${#1}; }; x=$(R x 1048576); f $x; f $x | cat", "1048576\n1048576" },
  { "x=$(R x 1048576); eval \"$(printf \"{ read -r y; echo \\${#y}; } <<E\\n\\$x\\nE\")\"", "1048576" },
})

holds("arguments: 10,000 reach a program, and too many are said", {
  { "/bin/echo $(seq 10000) | wc -w; set -- $(seq 10000); echo $# ${10000}", "10000\n10000 10000" },
  { "R x 2 $(seq 10000)", "xx" },
  { "for i in $(seq 10000); do :; done; echo $i; echo $(R \"a \" 100000) | wc -w", "10000\n100000" },
  { "cat $(R x 1048576) 2>&1; echo $?", "sh: cat: argument list too long\n126" },
  { "/bin/true $(R \"a \" 100000) 2>&1; echo $?", "sh: /bin/true: argument list too long\n126" },
  { "/bin/echo $(R x 260000) | wc -c; /bin/echo $(R \"a \" 25000) | wc -c", "260001\n50000" },
  { "x=$(R x 1048576) /bin/true; echo $?", "sh: /bin/true: argument list too long\n126" },
  { "export x=$(R x 1048576); /bin/true; echo $?; unset x; /bin/true; echo $?",
    "sh: /bin/true: argument list too long\n126\n0" },
  { "R x 1000000 | xargs /bin/true; /bin/true $(R x 200000); echo $?",
    "xargs: /bin/true: argument list too long\n0" },
})

local DEEP = "sh: line 1: syntax error: nested too deeply"
holds("deep nesting", {
  { "eval \"$(R \"(\" 100)echo x$(R \")\" 100)\"; eval \"$(R \"{ \" 100)echo x$(R \";}\" 100)\"", "x\nx" },
  { "eval \"echo $(R \"\\$(echo \" 100)x$(R \")\" 100)\"; eval \"echo $(R \"\\${a:-\" 100)x$(R \"}\" 100)\"",
    "x\nx" },
  { "eval \"$(R \"(\" 10000)echo x$(R \")\" 10000)\"", DEEP, 2 },
  { "eval \"$(R \"{ \" 10000)echo x$(R \"; }\" 10000)\"", DEEP, 2 },
  { "eval \"$(R \"if :; then \" 10000)echo x$(R \"; fi\" 10000)\"", DEEP, 2 },
  { "eval \"echo $(R \"\\$(echo \" 10000)x$(R \")\" 10000)\"", DEEP, 2 },
  { "eval \"echo $(R \"\\${a:-\" 10000)x$(R \"}\" 10000)\"", DEEP, 2 },
  { "eval \"echo $(R \"\\$((\" 10000)1$(R \"))\" 10000)\"", DEEP, 2 },
  { "eval \"echo \\$(($(R \"(\" 300)1$(R \")\" 300)))\"", "sh: arithmetic: nested too deeply", 2 },
  { "f() { f; }; f", "sh: f: too many functions in each other", 2 },
  { "f() { { { f; }; }; }; (f); echo $?", "sh: f: too many functions in each other\n2" },
  { "e=\"eval \\\"\\$e\\\"\"; eval \"$e\"", "sh: too many texts in each other", 2 },
  { "echo . /tmp/self >/tmp/self; . /tmp/self", "sh: too many texts in each other", 2 },
})

holds("endless output into what ends", {
  { "yes | head -n 1; while :; do echo b; done | head -n 1; f() { while :; do echo c; done; }; f | head -n 1",
    "y\nb\nc" },
  { "(yes a) | head -n 2; echo $(yes | head -n 1) $?", "a\na\ny 0" },
  { "yes | { read x; echo $x; }; yes | while read x; do echo $x; break; done; yes | : ; yes | true", "y\ny" },
  { "yes | cat | cat | head -c 3 | wc -c; echo \"$(yes | head -n 100000)\" | head -n 1", "3\ny" },
})

holds("closed and full files", {
  { "read x <&-; echo $?; cat <&-; echo $?; sh -c \"read y; echo \\$?\" <&-",
    "sh: read: bad file descriptor\n1\ncat: -: no such handle, or a stale one\n1\n"
    .. "sh: read: bad file descriptor\n1" },
  { "echo a >&-; echo $?; /bin/echo a >&-; echo $?", "sh: echo: bad file descriptor\n1\n"
    .. "echo: no such handle, or a stale one\n1" },
  { "exec <&-; cat; echo $?; read x; echo $?",
    "cat: -: no such handle, or a stale one\n1\nsh: read: bad file descriptor\n1" },
})

tap.test("a full /tmp", function()
  guest:run("while head -c 65536 /bin/lua >>/tmp/full; do :; done 2>/dev/null", 60)
  guest:run("while head -c 4096 /bin/lua >>/tmp/full; do :; done 2>/dev/null", 60)
  guest:run("while echo >>/tmp/full; do :; done 2>/dev/null", 60)
  for _, line in ipairs({ "echo x >/tmp/f", "printf x >/tmp/f", "{ echo x; } >/tmp/f", "(echo x) >/tmp/f",
    "echo x | cat >/tmp/f", "sh -c \"echo x\" >/tmp/f" }) do
    local output, status = guest:run(line)
    tap.contains(output, "no space left", line)
    tap.check(status ~= 0, "%s: status 0", line)
  end
  tap.equal(guest:must("HISTFILE=/tmp/history; eval \"$(printf \"cat <<E\\nhere\\nE\")\""), "here")
  guest:must("unset HISTFILE; rm -f /tmp/full /tmp/f /tmp/history; echo x >/tmp/f; rm /tmp/f")
  nothing_left()
end)

holds("killed members of pipelines", {
  { "sh -c \"kill -KILL \\$\\$\" | cat; echo $?; yes | sh -c \"kill -KILL \\$\\$\"; echo $?", "0\n137" },
  { "sh -c \"kill -KILL \\$\\$\" | sh -c \"kill -KILL \\$\\$; echo no\"; echo $?", "137" },
  { "f() { sh -c \"kill -KILL \\$\\$\"; echo $?; }; f | cat; echo $(f) $(echo a | f)", "137\n137 137" },
  { "(sleep 1000 & kill -KILL $!; wait $!; echo $?)", "137" },
})

holds("many jobs of a script", {
  { "i=0; while [ $i -lt 60 ]; do true & i=$((i+1)); done; wait; echo $?; jobs", "0" },
})

tap.test("a pager left early", function()
  for _, line in ipairs({ "yes | less", "seq 100000 | less", "f() { while :; do echo; done; }; f | less" }) do
    guest.position = #guest.text + 1
    guest:line(line)
    guest:sleep(1.5)
    guest.position = #guest.text + 1
    guest:send("q")
    guest:prompt(20)
    tap.equal(guest:must("echo $?"), "0", line)
    nothing_left()
  end
end)

guest:must("rm -f /tmp/case /tmp/self /tmp/l")
guest:finish(function()
  guest:must("(eval \"$(R \"(\" 1000)\"); cat $(R x 300000); f() { f; }; (f)", 2)
  guest:must("x=$(R x 1048576); eval \"$(printf \"{ read -r y; echo \\${#y}; } <<E\\n\\$x\\nE\")\"")
  guest:must("unset x y; f() { sh -c \"kill -KILL \\$\\$\"; }; f | f; yes | head -n 1; cat <&-", 1)
end)
tap.done()
