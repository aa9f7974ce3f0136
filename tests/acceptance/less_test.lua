-- less, more and man on the terminal: keys while standard input is a pipe, endless and binary input, early
-- ends, and that the terminal is afterwards as it was.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start()
guest:login("root", "swordfish")

-- Types a line that starts a pager; waits until its status line has the words.
local function start(line, words)
  guest.position = #guest.text + 1
  guest:line(line)
  guest:expect("\27[?1049h")
  guest:expect(words)
end

-- Types keys; waits for the words.
local function press(keys, words)
  guest:send(keys)
  return guest:expect(words)
end

-- Leaves with q; the terminal must be as before: lines with echo, Ctrl-C an interrupt.
local function leave(keys)
  guest:send(keys or "q")
  guest:expect(";1H\27[K\27[?25h\27[?1049l") -- below the text, where the terminal has no second screen
  guest:prompt()
  tap.equal(guest:must("echo still here"), "still here")
  tap.contains(guest.text:sub(-200), "echo still here; echo", "the echo of the line")
end

guest:must("lua -e 'for i = 1, 200 do print(\"line \" .. i) end' >/tmp/lines")

tap.test("a file is scrolled and searched", function()
  start("less /tmp/lines", "/tmp/lines  lines 1-23")
  press(" ", "lines 24-46")
  press("b", "lines 1-23")
  press("G", "lines 178-200/200 100% (END)")
  press("g", "lines 1-23/200")
  press("50g", "lines 50-72/200")
  press("/line 77\r", "\27[0m\27[7mline 77\27[0m")
  press("?line 12\r", "\27[0m\27[7mline 12\27[0m")
  press("\27[6~", "lines 35-57")
  press("\27[A", "lines 34-56")
  press("/none\r", "none: not found")
  press("h", "this help")
  guest:send("h") -- not one more on top
  press("q", "lines 34-56")
  press("-N", "     34 line 34")
  leave()
end)

tap.test("keys come from the terminal while standard input is a pipe", function()
  start("cat /tmp/lines | less", "lines 1-23")
  press("G", "lines 178-200/200 100% (END)")
  leave()
  start("(cat /tmp/lines; echo last) | less -S +G", "lines 179-201/201")
  leave()
end)

tap.test("endless input is shown at once, and its producer ends with the pager", function()
  start("lua -e 'for i = 1, math.huge do io.write(\"endless \", i, \"\\n\") end' | less", "lines 1-23")
  press(" ", "endless 46")
  leave()
  tap.lacks(guest:must("ps"), "lua\n")
end)

tap.test("Ctrl-C ends reading to the end of endless input; memory is bounded", function()
  start("lua -e 'local x = (\"x\"):rep(999); while true do print(x) end' | less -S", "lines 1-23")
  press("G", "reading,")
  guest:sleep(3) -- it reads meanwhile
  local size = guest.text:sub(-4000):match(".*reading, (%d+) lines")
  tap.check(tonumber(size) > 500, "%s lines were read", size)
  press("\3", "mlines ")
  press("h", "this help")
  guest:send("q")
  leave()
end)

tap.test("slow input comes into view by and by", function()
  start("(echo first; sleep 2; echo second) | less", "first")
  press("", "second")
  leave()
end)

tap.test("following a file that grows", function()
  guest:must("echo begin >/tmp/grows")
  guest:run("(sleep 2; echo more >>/tmp/grows) & true")
  start("less +F /tmp/grows", "waiting for more")
  guest:expect("more")
  local from = #guest.text + 1
  guest:sleep(2) -- it looks several times a second, and draws only what is new
  local _, drawn = guest.text:sub(from):gsub("\27%[%?25l", "")
  tap.check(drawn <= 2, "%d times drawn", drawn)
  press("\3", "lines 1-2")
  leave()
end)

tap.test("binary data, colours, long lines", function()
  guest:must([[lua -e 'io.write("\27[1mbold\27[0m\0\255\n", ("0123456789"):rep(20), "\nnext\n")' >/tmp/odd]])
  start("less /tmp/odd", "lines 1-3/3")
  tap.contains(guest.text:sub(-3000), "^@<FF>")
  press("-S", "long lines are cut")
  tap.lacks(guest.text:sub(-3000), "0123456789\27[K", "the character in the last column goes")
  leave()
  start("less -R /tmp/odd", "\27[0m\27[1mbold\27[0m")
  leave()
  tap.equal(guest:must("less /tmp/odd | wc -c"):match("%d+"), "221")
end)

tap.test("several files; one that is not there", function()
  guest:must("echo one >'/tmp/a b'; echo two >/tmp/two")
  start("less '/tmp/a b' /tmp/none /tmp/two", "one")
  press(":n", "/tmp/none: not found")
  press(":n", "two")
  press(":p", "/tmp/none: not found")
  leave()
  local output, status = guest:run("less /tmp/none")
  tap.equal(output, "less: /tmp/none: not found")
  tap.equal(status, 1)
  tap.equal(guest:run("less /tmp/none /tmp/two | cat"), "less: /tmp/none: not found\ntwo")
  output, status = guest:run("less")
  tap.contains(output, "less: file expected")
  tap.equal(status, 2)
end)

tap.test("-F prints what fits", function()
  tap.equal(guest:must("less -F /tmp/two"), "two")
  tap.equal(guest:must("echo x | less -F"), "x")
  start("cat /tmp/lines | less -F", "lines 1-23")
  press("G", "line 200")
  leave()
end)

tap.test("more leaves at the end", function()
  start("more /tmp/lines", "lines 1-23")
  press("150g", "lines 150-172")
  guest:send("  ")
  guest:expect("\27[?1049l")
  guest:prompt()
end)

tap.test("a window of another size", function()
  guest:must("stty rows 10 columns 30")
  start("less /tmp/lines", "lines 1-9")
  leave()
  guest:must("stty rows 24 columns 80")
end)

tap.test("a long page of man is paged, a short one printed, a pipe gets plain text", function()
  start("man less", "less  lines 1-23")
  press("/examples\r", "EXAMPLES")
  leave()
  tap.contains(guest:run("man true"), "\27[1mtrue\27[0m - ")
  tap.equal(guest:must("man true | head -n 1"), "NAME")
  tap.lacks(guest:must("man less | cat"), "\27", "plain text")
  tap.contains(guest:must("man -k MACHINE"), "reboot")
  local output, status = guest:run("man nosuch")
  tap.contains(output, "man: nosuch: no page")
  tap.equal(status, 1)
  output, status = guest:run("man ../passwd")
  tap.contains(output, "man: ../passwd: no page")
  tap.equal(status, 1)
end)

tap.test("help says where to start, and names every page", function()
  local output = guest:must("help")
  tap.contains(output, "man NAME")
  for _, name in ipairs({ "cat", "less", "svc", "uptime" }) do tap.contains(output, "  " .. name, name) end
  tap.equal(guest:must("help true | cat"), guest:must("man true | cat"))
end)

guest:finish(function()
  start("cat /tmp/lines | less", "lines 1-23")
  leave()
  guest:must("man less | wc; help | wc")
end)

tap.test("user and guest", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  start("help | less", "lines 1-")
  leave()
  guest:line("exit")
  guest:login("guest", "guest")
  tap.contains(guest:run("man true"), "permission denied (needs capability fs-read)")
  tap.contains(guest:run("help"), "man NAME")
  tap.contains(guest:run("less /hello.txt"), "less: /hello.txt: permission denied (needs capability fs-read)")
end)

tap.done()
