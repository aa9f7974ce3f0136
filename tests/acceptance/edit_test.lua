-- edit on the terminal: keys, saving in one step, what cannot be saved, and the terminal afterwards.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start()
guest:login("root", "swordfish")
guest:must("mkdir /tmp/e; cd /tmp/e")

local function start(file, words)
  guest.position = #guest.text + 1
  guest:line("edit " .. file)
  guest:expect("\27[?1049h")
  guest:expect(words or "Ctrl-S save")
end

local function press(keys, words)
  guest:send(keys)
  if words then guest:expect(words) end
end

local function leave(keys)
  press(keys or "\17", "\27[?1049l")
  guest:prompt()
end

tap.test("a new file is written", function()
  start("'a b'", "a new file")
  press("first line\rsecond \195\164\r", "line 3/3")
  press("\19", "saved, 21 bytes")
  leave()
  tap.equal(guest:must("cat 'a b'"), "first line\nsecond \195\164")
  tap.equal(guest:must("ls"), "a b", "nothing else is left")
  tap.contains(guest.text:sub(-100), "ls; echo", "the echo of the line")
end)

tap.test("lines are cut, pasted, found; mode and owner stay", function()
  guest:must("lua -e 'for i = 1, 50 do print(\"line \" .. i) end' >n; chmod 600 n")
  guest:must("lua -e 'assert(swos.fs.chown(\"n\", 2))'")
  start("n", "line 1/51")
  press("\7" .. "30\r", "line 30/51")
  press("\11\11", "line 30/49")
  press("\6" .. "line 9\r", "line 9/49")
  press("\21", "line 11/51")
  press("\27[B\27[F!", "line 12/51")
  press("\19", "saved")
  leave()
  tap.equal(guest:must("head -n 13 n | wc -l"):match("%d+"), "13")
  tap.equal(guest:must("head -n 12 n"), "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\n"
    .. "line 30\nline 31\nline 9\nline 10!")
  tap.matches(guest:must("ls -l n"), "^%-rw%-%-%-%-%-%-%-%s.*user")
end)

tap.test("leaving with changes asks", function()
  start("n")
  press("x", "(changed)")
  press("\17", "Save it first?")
  press("\27", "Ctrl-S save")
  press("\17", "Save it first?")
  leave("n")
  tap.equal(guest:must("head -n 1 n"), "line 1")
  start("n")
  press("x\17", "Save it first?")
  leave("y")
  tap.equal(guest:must("head -n 1 n"), "xline 1")
end)

tap.test("binary data comes out as it went in", function()
  guest:must([[lua -e 'io.write("\0\1\255\27[1m\t\r\n", ("x"):rep(500), "\n\nend")' >odd; cat odd >before]])
  start("odd")
  press("x\8\19", "saved, 515 bytes")
  leave()
  guest:must("lua -e 'assert(io.open(\"odd\"):read(\"a\") == io.open(\"before\"):read(\"a\"))'")
end)

tap.test("a read-only file says so, and can be saved elsewhere", function()
  start("/hello.txt", "read-only: ")
  press("x\15", "Save as: /hello.txt")
  press("\21copy\r", "saved")
  leave()
  tap.equal(guest:must("cat copy"), guest:must("cat /hello.txt"))
end)

tap.test("a full /tmp loses nothing", function()
  guest:must("echo precious >keep")
  guest:run("lua -e 'local x = (\"x\"):rep(1 << 20); local f = io.open(\"/tmp/fill\", \"w\"); "
    .. "while f:write(x) and f:flush() do end' ; lua -e 'local f = io.open(\"/tmp/fill2\", \"w\"); "
    .. "while f:write((\"x\"):rep(512)) and f:flush() do end'", 120)
  start("keep")
  press(("y"):rep(3000) .. "\19", "not saved: ")
  press("\17", "Save it first?")
  press("y", "not saved: ")
  press("\17", "Save it first?")
  leave("n")
  tap.equal(guest:must("cat keep"), "precious")
  guest:must("rm /tmp/fill /tmp/fill2")
  tap.lacks(guest:must("ls"), ".edit")
end)

tap.test("what cannot be edited", function()
  for _, case in ipairs({ { "edit /tmp", "edit: /tmp: not a regular file" },
    { "edit", "edit: file expected" }, { "edit a b", "b: one file expected" },
    { "echo x | edit n | cat", "edit: not on a terminal" } }) do
    local output = guest:run(case[1])
    tap.contains(output, case[2], case[1])
  end
end)

guest:finish(function()
  start("n")
  leave()
end)

tap.test("user's refusals name the thing", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  start("/tmp/e/new", "a new file")
  press("x\19", "not saved: /tmp/e/new: permission denied")
  press("\17", "Save it first?")
  leave("n")
  guest:line("exit")
  guest:login("guest", "guest")
  tap.equal(guest:run("edit /tmp/x"), "edit: /tmp/x: permission denied (needs capability fs-read)")
end)

tap.done()
