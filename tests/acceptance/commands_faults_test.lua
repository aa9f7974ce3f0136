-- The commands in trouble: a full /tmp, a reader that has gone, odd names,
-- files that grow or shrink under tail, what guest and user may not, and what must be refused.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start()
guest:login("root", "swordfish")

local function prints(command, output, status)
  local got, code = guest:run(command)
  tap.equal(got, output, command)
  tap.equal(code, status or 0, command .. ": status")
end

tap.test("a reader that has gone ends the writer without a word", function()
  prints("yes | head -n 1", "y")
  for _, command in ipairs({ "seq 1000000", "cat /bin/lua", "xxd /bin/lua", "base64 /bin/lua", "find /",
    "sort /tmp/l", "grep -n '' /tmp/l", "sed p /tmp/l", "tail -n +1 /tmp/l", "tr a b </tmp/l",
    "cut -c 1- /tmp/l" }) do
    guest:must("seq 100000 >/tmp/l")
    prints(command .. " | head -c 0", "")
  end
  prints("seq 100000 | tee /tmp/t | head -n 1", "1")
  prints("seq 100000 | tee /tmp/t | tail -n 1; wc -l </tmp/t", "100000\n100000")
  prints("tail -f /tmp/l | head -n 1", "99991")
  guest:must("rm /tmp/l /tmp/t")
end)

tap.test("names with spaces, newlines and control characters", function()
  guest:must("mkdir '/tmp/a b'; cd '/tmp/a b'")
  guest:must("echo 1 >\"$(printf 'x\\ny')\"; echo 2 >\"$(printf 'e\\033[7m')\"")
  prints("ls", "e?[7m  x?y")
  prints("ls | cat -v", "e^[[7m\nx\ny")
  prints("find . -type f -print0 | xargs -0 cat", "2\n1")
  prints("grep -rc . . | cat -v", "./e^[[7m:1\n./x\ny:1")
  prints("cp -r . ../c && diff -r . ../c && rm -rv ../c | cat -v",
    "removed '../c/e^[[7m'\nremoved '../c/x\ny'\nremoved directory '../c'")
  prints("sha256sum x* | sha256sum -c", "\\x\\ny: OK")
  guest:must("cd /; rm -r '/tmp/a b'")
end)

tap.test("what would remove too much or copy for ever is refused", function()
  for _, path in ipairs({ "/", "//", "/tmp/..", "/.", "." }) do
    local output = guest:must("cd /tmp; rm -rf " .. path, 1)
    tap.equal(output, ("rm: %s: is never removed"):format(path))
  end
  guest:must("mkdir -p /tmp/d/e")
  prints("cp -r /tmp/d /tmp/d/e/f", "cp: /tmp/d: cannot copy a directory into itself", 1)
  prints("ls -R /tmp/d", "/tmp/d:\ne\n\n/tmp/d/e:")
  prints("echo x >/tmp/d/f; cp /tmp/d/f /tmp/d/../d/f; cat /tmp/d/f",
    "cp: /tmp/d/../d/f: is the same file\nx")
  prints("mv /tmp/d /tmp/d/e; ls /tmp/d | cat", "mv: /tmp/d: invalid argument\ne\nf")
  guest:must("rm -r /tmp/d")
end)

tap.test("mv from one file server to another copies and says what cannot be removed", function()
  local output = guest:must("mv /www/index.html /tmp/index", 1)
  tap.contains(output, "mv: /www/index.html: ")
  guest:must("cmp /www/index.html /tmp/index; rm /tmp/index")
end)

tap.test("tail follows a file that grows, is cut, and a pipe", function()
  guest:must("echo one >/tmp/log")
  guest:background("tail -f /tmp/log >/tmp/seen 2>/tmp/said")
  local pid = tap.matches(guest:must("ps"), "(%d+)[^\n]*tail")
  guest:must("echo two >>/tmp/log; sleep 0.6; echo three >>/tmp/log")
  guest:await("tail sees what is added", function()
    return guest:must("cat /tmp/seen") == "one\ntwo\nthree"
  end)
  guest:must("echo new >/tmp/log")
  guest:await("tail sees the new start", function()
    return guest:must("tail -n 1 /tmp/seen") == "new"
  end)
  prints("cat /tmp/said", "tail: /tmp/log: has become shorter")
  guest:must("kill " .. pid)
  prints("{ echo a; sleep 0.3; echo b; } | tail -f", "a\nb")
  guest:must("rm /tmp/log /tmp/seen /tmp/said")
end)

tap.test("a full /tmp is said, and its files are whole up to there", function()
  guest:must("mkdir /tmp/i; echo old >/tmp/i/f")
  local output = guest:must("yes 0123456789 >/tmp/full", 1)
  tap.equal(output, "yes: standard output: no space left")
  guest:run("while head -c 4096 /bin/lua >>/tmp/full; do :; done 2>/dev/null")
  for _, line in ipairs({
    { "echo x | tee /tmp/t >/dev/null", "tee: /tmp/t: no space left" },
    { "seq 100000 >/tmp/s", "seq: standard output: no space left" },
    { "sort /etc/passwd -o /tmp/s", "sort: standard output: no space left" },
    { "cp /bin/lua /tmp/c", "cp: /tmp/c: no space left" },
    { "sed s/a/b/ /etc/passwd >/tmp/s", "sed: standard output: no space left" },
    { "grep . /etc/passwd >/tmp/s", "grep: standard output: no space left" },
  }) do
    local text = guest:run(line[1])
    tap.contains(text, line[2], line[1])
  end
  guest:must("rm -f /tmp/s /tmp/t /tmp/c")
  guest:run("while head -c 4096 /bin/lua >>/tmp/full; do :; done 2>/dev/null")
  prints("sed -i 's/.*/&&&&&&&&/; s/.*/&&&&&&&&/; s/.*/&&&&&&&&/; s/.*/&&&&&&&&/' /tmp/i/f",
    "sed: /tmp/i/f: no space left", 4)
  prints("ls -A /tmp/i; cat /tmp/i/f", "f\nold")
  guest:must("rm -rf /tmp/full /tmp/i; echo fits >/tmp/s; rm /tmp/s")
end)

tap.test("sed -i keeps the owner, is not stopped by what another sed left, and leaves nothing", function()
  guest:must("mkdir /tmp/i; cd /tmp/i; echo a >f; chmod 640 f; chown user f; touch f.sed")
  prints("sed -i s/a/b/ f; cat f; stat -c '%U %a' f; ls -A", "b\nuser 640\nf  f.sed")
  prints("sed -i 's//x/' f; cat f; ls -A", "sed: no expression was used before //\nb\nf  f.sed")
  guest:must("cd /; rm -r /tmp/i")
end)

tap.test("one write of 1 MiB arrives whole", function()
  guest:must("lua -e 'io.write((\"x\"):rep(1048576))' >/tmp/big")
  prints("wc -c </tmp/big; tr -d x </tmp/big | wc -c; rm /tmp/big", "1048576\n0")
end)

tap.test("closed standard input and directories are errors, not hangs", function()
  for _, command in ipairs({ "cat", "wc", "sort", "uniq", "cut -c 1", "tr a b", "grep x", "sed p", "head",
    "tail", "base64", "xxd", "sha256sum", "tac", "rev", "tee", "xargs" }) do
    local output, status = guest:run(command .. " <&-")
    tap.check(status ~= 0, "%s <&-: status %d, printed %s", command, status, output)
    tap.contains(output, command:match("^%S+") .. ": ", command)
  end
  for _, command in ipairs({ "cat", "wc", "sort", "head", "tail", "grep x", "sed p", "cmp /etc/motd",
    "xxd" }) do
    local output, status = guest:run(command .. " /www")
    tap.check(status ~= 0, "%s /www: status %d", command, status)
    tap.contains(output, "/www: is a directory", command)
  end
end)

tap.test("one line of 32 MB takes no longer than many short ones", function()
  local text = "yes 0123456789abcdef0123456789abcde | tr -d '\\n' | head -c 32000000"
  local output = guest:run(text .. " | grep -c x", 12)
  tap.equal(output, "0")
end)

tap.test("what is too large or nested too deep is said", function()
  local function repeated(text, times)
    return ("$(yes '%s' | head -n %d | tr -d '\\n')"):format(text, times)
  end
  prints("grep -cE \"" .. repeated("a|", 1000) .. "Welcome\" /etc/motd", "1")
  for _, case in ipairs({ { "a|", 5000 }, { "(a*)*", 400 }, { "(a*)*", 4000 }, { "x.", 10000 },
    { "(a{1,200}){1,200}", 1 }, { "((a?){0,255}){0,20}", 20 } }) do
    local output = guest:must("grep -E \"" .. repeated(case[1], case[2]) .. "z\" /etc/motd", 2, 60)
    tap.matches(output, "^grep: .*: the regular expression is too large$", case[1])
  end
  for _, word in ipairs({ "(", "!" }) do
    local output = guest:must(("yes '%s' | head -n 1000 | xargs find /etc/motd"):format(word), 123)
    tap.contains(output, ("find: %s: nested too deep"):format(word))
  end
end)

tap.test("memory that ends is said", function()
  local output, status = guest:run("yes | sort", 120)
  tap.contains(output, "sort: ")
  tap.contains(output, "out of memory")
  tap.equal(status, 2)
end)

guest:line("exit")
guest:login("user", "swordfish")
tap.test("sed -i leaves a file as it is that it may not read", function()
  guest:must("mkdir /tmp/i; cd /tmp/i; echo precious >f; chmod 200 f")
  prints("sed -i s/a/b/ f", "sed: f: permission denied", 2)
  prints("chmod 600 f; cat f; ls -A", "precious\nf")
  guest:must("cd /; rm -r /tmp/i")
end)

guest:line("exit")
guest:login("guest", "guest")
tap.test("guest: refusals name the capability", function()
  for _, command in ipairs({ "mkdir -p /tmp/x/y", "touch /tmp/x", "tee /tmp/x </dev/null",
    "cp /etc/motd /tmp/x", "sed -n 'w /tmp/x' /etc/motd", "sort /etc/motd -o /tmp/x", "mktemp",
    "rm -r /tmp/none2" }) do
    local output, status = guest:run(command)
    tap.check(status ~= 0, "%s succeeded", command)
    if not command:find("^rm") then
      tap.contains(output, "permission denied (needs capability ", command)
    end
  end
end)

tap.done()
