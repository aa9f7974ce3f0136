-- The commands: what they print, their exit status, and that errors name the thing.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start()
guest:login("root", "swordfish")

-- { command, output } with status 0; output nil: only the status counts.
local function outputs(name, list)
  tap.test(name, function()
    for _, case in ipairs(list) do
      local output = guest:must(case[1])
      if case[2] then tap.equal(output, case[2], case[1]) end
    end
  end)
end

-- { command, words }: fails, and the message has the words.
local function fails(name, list)
  tap.test(name, function()
    for _, case in ipairs(list) do
      local output, status = guest:run(case[1])
      tap.check(status ~= 0, "%s succeeded: %s", case[1], output)
      for i = 2, #case do tap.contains(output, case[i], case[1]) end
    end
  end)
end

outputs("echo", {
  { "echo", "" }, { "echo a  b 'c  d'", "a b c  d" }, { "echo -n x; echo y", "xy" },
  { [[echo "a\tb"]], [[a\tb]] },
})
outputs("pwd and cd", {
  { "pwd", "/" }, { "cd /www/sub && pwd", "/www/sub" }, { "cd .. && pwd", "/www" },
  { "cd / && pwd", "/" },
})
outputs("mkdir, touch, ls, rmdir", {
  { "mkdir /tmp/a /tmp/b" }, { "touch /tmp/a/z /tmp/a/y /tmp/a/x" }, { "ls /tmp/a | cat", "x\ny\nz" },
  { "ls /tmp/a", "x  y  z" },
  { "rm /tmp/a/x /tmp/a/y /tmp/a/z" }, { "rmdir /tmp/a /tmp/b" }, { "ls /tmp", "" },
})
outputs("cat", {
  { "echo one >/tmp/1; echo two >/tmp/2; cat /tmp/1 /tmp/2", "one\ntwo" },
  { "cat </tmp/1", "one" }, { "echo piped | cat", "piped" }, { "echo piped | cat /tmp/1 -",
    "one\npiped" },
})
outputs("head and wc", {
  { "lua -e 'for i = 1, 30 do print(i) end' >/tmp/n" },
  { "head /tmp/n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10" }, { "head -n 2 /tmp/n", "1\n2" },
  { "head -n3 /tmp/n", "1\n2\n3" }, { "cat /tmp/n | head -n 1", "1" },
})
tap.test("wc counts lines, words, bytes", function()
  tap.matches(guest:must("wc /tmp/n"), "^%s*30%s+30%s+81%s+/tmp/n$")
  tap.matches(guest:must("echo a b c | wc"), "^%s*1%s+3%s+6%s*$")
  tap.matches(guest:must("echo -n '' | wc"), "^%s*0%s+0%s+0%s*$")
end)
outputs("mv and cp", {
  { "mv /tmp/1 /tmp/3; cat /tmp/3", "one" }, { "cp /tmp/3 /tmp/4; cat /tmp/3 /tmp/4", "one\none" },
  { "mkdir /tmp/d; cp /tmp/3 /tmp/d; mv /tmp/4 /tmp/d; ls -1 /tmp/d", "3\n4" },
  { "cp /hello.txt /tmp/h; cat /tmp/h" },
  { "echo new >/tmp/5; mv /tmp/5 /tmp/3; cat /tmp/3", "new" },
})
outputs("rm -r", {
  { "mkdir /tmp/d/e; echo x >/tmp/d/e/f; rm -r /tmp/d; ls -1 /tmp", "2\n3\nh\nn" },
  { "rm -f /tmp/none" }, { "rm /tmp/2 /tmp/3 /tmp/h /tmp/n; ls /tmp", "" },
})
tap.test("chmod and ls -l", function()
  guest:must("touch /tmp/m; chmod 640 /tmp/m")
  tap.matches(guest:must("ls -l /tmp/m"), "^%-rw%-r%-%-%-%-%-%s.*root.*%s0%s.*/tmp/m$")
  guest:must("chmod 755 /tmp/m")
  tap.matches(guest:must("ls -l /tmp/m"), "^%-rwxr%-xr%-x")
  guest:must("rm /tmp/m")
end)
fails("errors name what failed", {
  { "cat /tmp/none", "cat", "/tmp/none", "not found" }, { "ls /tmp/none", "ls", "/tmp/none" },
  { "rm /tmp/none", "rm", "/tmp/none" }, { "rmdir /tmp/none", "rmdir", "/tmp/none" },
  { "mv /tmp/none /tmp/x", "mv", "/tmp/none" }, { "cp /tmp/none /tmp/x", "cp", "/tmp/none" },
  { "mkdir /tmp/a/b", "mkdir", "/tmp/a/b" }, { "mkdir /tmp", "exists" },
  { "rm /www", "rm", "/www" }, { "head /tmp/none", "head", "/tmp/none" },
  { "wc /tmp/none", "wc", "/tmp/none" }, { "chmod 644 /tmp/none", "chmod", "/tmp/none" },
  { "chmod 9 /tmp", "chmod" }, { "chmod", "chmod" }, { "kill 99999", "kill", "99999" },
  { "kill x", "kill" }, { "sleep x", "sleep" }, { "mkdir", "mkdir" }, { "mv /tmp/x", "mv" },
  { "nosuchcommand", "nosuchcommand", "not found" },
})
tap.test("date, uptime, free, id, ps", function()
  tap.matches(guest:must("date"), "^%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d UTC$")
  tap.matches(guest:must("uptime"), "up")
  tap.matches(guest:must("free"), "[Mm]em")
  tap.matches(guest:must("id"), "^principal=1%(root%) session=%d+ caps=0x%x+ %(")
  local ps = guest:must("ps")
  tap.matches(ps, "^%s*PID")
  for _, name in ipairs({ "keeper", "init", "imgfs", "tmpfs", "blkd", "consoled", "authd" }) do
    tap.contains(ps, name, "ps")
  end
end)
tap.test("sleep sleeps, kill ends it", function()
  guest:must("sleep 1; sleep 0.1")
  guest:run("sleep 1000 & true")
  local pid = tap.matches(guest:must("ps"), "(%d+)[^\n]*sleep")
  guest:must("kill " .. pid)
  guest:await("its end", function() return not guest:must("ps"):find("sleep", 1, true) end)
end)
outputs("lua runs scripts and expressions", {
  { "lua -e 'print(6 * 7)'", "42" },
  { "echo 'print(\"script\", ...)' >/tmp/s.lua; lua /tmp/s.lua a b", "script\ta\tb" },
  { "echo 'print(1 + 1)' | lua -", "2" }, { "rm /tmp/s.lua" },
})
tap.test("lua is a REPL on the terminal", function()
  guest.position = #guest.text + 1
  guest:line("lua")
  guest:expect("> ")
  guest:line("1 + 41")
  guest:expect("42")
  guest:line("error('as asked')")
  guest:expect("as asked")
  guest:line("os.exit(3)")
  guest:prompt()
  tap.equal(guest:run("echo $?"), "3")
end)

-- What must work once may not lose anything when it is done often.
guest:finish(function()
  guest:must("cat /hello.txt | head -n 1 | wc; ls -l /www; ps | cat; lua -e 'print(1)' | wc")
end)

tap.done()
