-- Commands in Lua that have to do with the terminal or with other commands: Ctrl-C, pipes that close, closed
-- standard input, odd names, and what accounts without capabilities are told.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start()
guest:login("root", "swordfish")

local function start(line, words)
  guest.position = #guest.text + 1
  guest:line(line)
  guest:expect("\n")
  guest:expect(words)
end

local function interrupt()
  guest:send("\3")
  guest:prompt()
  tap.equal(guest:must("stty"), "rows 24; columns 80;\necho icanon isig")
end

tap.test("Ctrl-C ends watch, timeout and time with what they run", function()
  start("watch -n 0.2 echo tick", "tick")
  guest:expect("\27[H\27[JEvery 0.2s: echo tick")
  interrupt()
  start("echo begin; timeout 100 sleep 1000", "begin")
  guest:sleep(0.5)
  interrupt()
  start("echo begin; time sleep 1000", "begin")
  guest:sleep(0.5)
  interrupt()
  tap.lacks(guest:must("ps"), "sleep 1000")
end)

tap.test("timeout: statuses, and nothing of what it started is left", function()
  tap.equal(select(2, guest:run("timeout -s KILL 0.2 sh -c 'sleep 77 & sleep 78'")), 137)
  tap.equal(select(2, guest:run("timeout 0.2 sh -c 'sleep 77'")), 124)
  tap.equal(select(2, guest:run("timeout 5 sh -c 'exit 9'")), 9)
  tap.equal(select(2, guest:run("timeout 5 nosuch")), 127)
  tap.equal(select(2, guest:run("timeout 5 /hello.txt")), 126)
  tap.equal(guest:must("timeout 0 echo no limit"), "no limit")
  tap.equal(guest:must("echo in | timeout 5 cat"), "in")
  guest:must("timeout -k 0.3 0.2 sh -c 'trap \"\" TERM; while true; do sleep 0.1; done'", 137)
  tap.lacks(guest:must("ps"), "sleep")
end)

tap.test("watch ends when its output does not matter any more", function()
  tap.equal(guest:must("watch -n 0.1 echo x | head -n 3"), "x\nx\nx")
  tap.equal(select(2, guest:run("watch -e -n 0.1 false")), 1)
end)

tap.test("calc and kv on the terminal", function()
  start("calc", "calc> ")
  guest:line("x = 6 * 7")
  guest:expect("42")
  guest:line(":vars")
  guest:expect("x = 42")
  guest:line("os.exit(1)")
  guest:expect("calc: .: not understood")
  local function used()
    for i = 1, 50 do guest:line("x = x + " .. i) end
    guest:line(":mem")
    return tonumber((guest:expect_pattern("(%d+) bytes in use")))
  end
  local before, after = used(), used()
  tap.check(after < before + 1024, "%d bytes, then %d", before, after)
  guest:line(":q")
  guest:prompt()
  start("kv", "kv> ")
  guest:line("SET a b c")
  guest:expect("OK")
  guest:line("get a")
  guest:expect("b c")
  guest:line(":stats")
  guest:expect("1 keys,")
  guest:send("\4")
  guest:prompt()
end)

tap.test("stty: echo off, raw and back", function()
  guest:must("stty -echo")
  guest.position = #guest.text + 1
  guest:line("echo not typed; stty echo")
  guest:expect("not typed")
  guest:prompt()
  tap.lacks(guest.text:sub(-40), "echo not", "without echo")
  tap.equal(guest:must("stty raw; stty | cat; stty sane"), "rows 24; columns 80;\n-echo -icanon -isig")
  tap.equal(guest:must("saved=$(stty -g); stty -isig rows 5; stty $saved; stty"),
    "rows 24; columns 80;\necho icanon isig")
  local output, status = guest:run("stty nonsense")
  tap.contains(output, "stty: nonsense: no such setting")
  tap.equal(status, 2)
  tap.contains(guest:run("stty rows x"), "stty: rows: x: not a size")
end)

tap.test("modes to be set behind output are not, when the one who wanted them is gone", function()
  -- The limit of the call is sought: it is to run out when the terminal has taken the call and has not yet
  -- printed what came before. Meanwhile the modes stay; at the end all output has left.
  local lines = { "local swos, protocol = require([[swos]]), require([[swos.protocol]])",
    "local control, limit, code = swos.handle([[fd/0/control]]), 0.02",
    "repeat",
    "  io.write(([[x]]):rep(20000), [[\\n]]) io.stdout:flush()",
    "  code = select(3, protocol.terminal.set_mode(control, { mode = 5, drain = 1 }, swos.deadline(limit)))",
    "  if not code then protocol.terminal.set_mode(control, { mode = 7, drain = 0 }) end",
    "  limit = code and limit * 1.5 or limit / 2",
    "until code == [[UNKNOWN_OUTCOME]]",
    "protocol.terminal.drain(control)",
    "print(code, protocol.terminal.get_mode(control).mode)" }
  guest:must("printf '" .. table.concat(lines, "\\n") .. "\\n' >/tmp/gone.lua", 0)
  tap.matches(guest:must("lua /tmp/gone.lua", 0, 240), "UNKNOWN_OUTCOME\t7$")
  guest:must("stty sane; rm /tmp/gone.lua")
end)

tap.test("odd names, closed standard input", function()
  guest:must([[cd /tmp; odd=$(printf 'a\nb'); echo text >"$odd"; echo other >'x y']])
  tap.equal(guest:must([[less "$odd" 'x y' | cat]]), "text\nother")
  tap.contains(guest:run([[less "no$odd"]]), "less: noa\nb: not found")
  for _, line in ipairs({ "less <&-", "calc <&-", "kv <&-", "watch -e false <&-", "time true <&-",
    "man true <&-", "timeout 5 true <&-", "passwd <&-", "edit 'x y' <&- | cat" }) do
    local _, status = guest:run(line, 20)
    tap.check(status < 3, "%s: status %d", line, status)
  end
  tap.equal(guest:must("stty"), "rows 24; columns 80;\necho icanon isig")
  guest:must([[rm "$odd" 'x y'; unset odd; cd /]])
end)

guest:finish(function()
  guest:must("timeout 5 true; echo 1 + 1 | calc; watch -e -n 0.1 false; true")
end)

tap.test("user and guest", function()
  guest:line("exit")
  guest:login("guest", "guest")
  tap.equal(guest:must("timeout 5 uname -n"), "swift-os")
  for _, name in ipairs({ "hostname", "which cat", "man cat" }) do
    local output, status = guest:run(name)
    tap.check(status ~= 0, "%s: status 0", name)
    tap.contains(output, "permission denied (needs capability fs-read)", name)
  end
end)

tap.done()
