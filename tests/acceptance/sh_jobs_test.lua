-- Jobs of an interactive shell: Ctrl-Z, fg, bg, jobs, kill %N, what reads the terminal in the background,
-- shells in shells, terminal modes, the death of the console driver, 64 jobs, the end of the shell.

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

-- Starts a line that prints "go" when it is there; a moment later it has the terminal.
local function start(line)
  guest.position = #guest.text + 1
  guest:line(line)
  guest:expect("\r\ngo\r\n")
  guest:sleep(0.3) -- what follows the "go" is started by the shell, which cannot be seen from here
end

-- Types Ctrl-Z or Ctrl-C; what came before the prompt.
local function key(byte)
  local from = #guest.text + 1
  guest.position = from
  guest:send(byte)
  guest:prompt(10)
  return (guest.text:sub(from):gsub("\r\n", "\n"))
end

local function stop(text, number)
  tap.contains(key("\26"), ("^Z\n[%d]+  Stopped    %s\n"):format(number or 1, text))
  tap.equal(guest:run("echo $?"), "148", "status of a stopped job")
end

local function interrupt()
  tap.contains(key("\3"), "^C\n")
  tap.equal(guest:run("echo $?"), "130")
end

-- What the tests start and still runs; one shell is there always.
local STARTED = { sh = true, sleep = true, cat = true, lua = true }
local function running()
  local names = {}
  for name in guest:must("ps -o cmd"):gmatch("[^\n]+") do
    if STARTED[name] then names[#names + 1] = name end
  end
  return table.concat(names, " ")
end

local function nothing_left()
  tap.equal(guest:must("jobs"), "", "jobs")
  guest:await("only the shell runs", function() return running() == "sh" end, 10)
end

local GO = "lua -e \"print([[go]]) io.read()\""
local GO_TEXT = "lua -e print([[go]]) io.read()"

tap.test("Ctrl-Z stops, the shell goes on, fg continues, Ctrl-C ends", function()
  start("echo go; sleep 1000")
  stop("sleep 1000")
  tap.equal(guest:must("jobs"), "[1]+  Stopped    sleep 1000")
  tap.matches(guest:must("ps -o stat,cmd"), "\nT +sleep\n")
  tap.matches(guest:must("jobs -l"), "^%[1%]%+  %d+ Stopped    sleep 1000$")
  tap.matches(guest:must("jobs -p"), "^%d+$")
  guest.position = #guest.text + 1
  guest:line("fg")
  guest:expect("fg\r\nsleep 1000\r\n")
  guest:sleep(0.3) -- the words come before the terminal changes hands
  interrupt()
  nothing_left()
end)

tap.test("kill -STOP and -CONT take a process of a job for the job", function()
  local function both(state)
    local states = guest:must("ps -o stat,cmd")
    return states:find("\n" .. state .. " +sleep") and states:find("\n" .. state .. " +cat")
  end
  guest:background("sleep 1000 | cat")
  -- A stop that came between the two would find a job whose cat has not been started.
  guest:await("both are there", function() return both("[SR]") end)
  guest:must("kill -STOP $!")
  tap.equal(guest:must("jobs"), "[1]+  Stopped    sleep 1000 | cat")
  guest:await("both stand", function() return both("T") end)
  guest:must("kill -18 $!")
  tap.equal(guest:must("jobs"), "[1]+  Running    sleep 1000 | cat")
  local output, status = guest:run("kill -STOP 1")
  tap.contains(output, "kill: STOP: stops or continues jobs of the shell alone")
  tap.equal(status, 1)
  guest:must("kill %1; wait")
  nothing_left()
end)

tap.test("a command of a list that is stopped ends the line", function()
  start("for i in 1 2; do echo go; sleep 1000; done; echo 'n'o")
  tap.lacks(key("\26"), "no\n")
  guest:must("kill %1")
  nothing_left()
end)

tap.test("two stopped jobs: marks, names, kill, wait", function()
  start("echo go; sleep 1001")
  stop("sleep 1001")
  start(GO)
  stop(GO_TEXT, 2)
  tap.equal(guest:must("jobs"), "[1]-  Stopped    sleep 1001\n[2]+  Stopped    " .. GO_TEXT)
  tap.equal(guest:must("jobs %-"), "[1]-  Stopped    sleep 1001")
  tap.equal(guest:must("jobs %sl %?read"), "[1]-  Stopped    sleep 1001\n[2]+  Stopped    " .. GO_TEXT)
  tap.equal(guest:run("fg %no"), "sh: fg: %no: no such job")
  tap.equal(guest:run("fg %?e"), "sh: fg: %?e: more than one such job")
  tap.equal(guest:must("wait %1", 148), "")
  tap.equal(guest:must("bg %sleep"), "[1]+ sleep 1001 &")
  tap.equal(guest:must("jobs"), "[1]-  Running    sleep 1001\n[2]+  Stopped    " .. GO_TEXT)
  guest:must("kill %1; wait %1", 143)
  guest:line("fg %-")
  guest:expect("no previous job")
  guest:prompt()
  guest:line("fg %2")
  guest:expect(GO_TEXT)
  guest:line("")
  guest:prompt()
  tap.equal(guest:run("fg"), "sh: fg: no current job")
  nothing_left()
end)

-- Asks for prompts until one has told these words, from a place in the text on.
local function told(words, from)
  guest:await(words, function()
    guest.position = #guest.text + 1
    guest:line("")
    guest:prompt()
    return guest.text:find(words .. "\r\n", from, true)
  end)
end

tap.test("what ends in the background is told before the next prompt", function()
  start("echo go; sleep 2")
  stop("sleep 2")
  local from = #guest.text + 1
  guest:must("bg")
  told("[1]+  Done    sleep 2", from)
  from = #guest.text + 1
  guest:background("sh -c 'exit 3'")
  told("[1]+  Done(3)    sh -c 'exit 3'", from)
  nothing_left()
end)

tap.test("Ctrl-C at the prompt leaves the background alone", function()
  guest:background("sleep 1000")
  key("\3")
  tap.equal(guest:must("jobs"), "[1]+  Running    sleep 1000")
  tap.matches(guest:must("ps -o cmd"), "\nsleep\n")
  guest:must("kill %1; wait %1", 143)
  nothing_left()
end)

tap.test("what reads the terminal in the background waits", function()
  start("lua -e \"print([[go]]) print([[read]], io.read())\"")
  key("\26")
  guest:must("bg")
  tap.equal(guest:must("echo mine"), "mine")
  tap.equal(guest:must("jobs | wc -l"):match("%d+"), "1")
  guest.position = #guest.text + 1
  guest:line("fg")
  guest:expect("io.read())\r\n")
  guest:line("its")
  guest:expect("read\tits\r\n")
  guest:prompt()
  tap.equal(guest:must("cat & wait"):match("%[1%] %d+"), "[1] " .. guest:must("echo $!"))
  nothing_left()
end)

write("/tmp/count.lua", { "local n = 0", "local f = io.open([[/tmp/n]], [[w]])", "print([[go]])",
  "while true do n = n + 1", "f:seek([[set]])", "f:write(n)", "f:flush() end" })

tap.test("a stopped program stands still, also within calls to servers, which go on", function()
  for _ = 1, 5 do
    start("lua /tmp/count.lua")
    stop("lua /tmp/count.lua")
    local count = guest:must("cat /tmp/n")
    guest:must("echo x >/tmp/other; cat /tmp/other; rm /tmp/other; svc list >/dev/null; svc trim")
    tap.equal(guest:must("cat /tmp/n"), count)
    guest:must("bg; sleep 1")
    tap.check(guest:must("cat /tmp/n") ~= count, "it did not go on from %s", count)
    guest:must("kill %1; wait %1", 143)
  end
  guest:must("rm /tmp/n")
  nothing_left()
end)

tap.test("a pipeline is one job, with builtins and functions in it", function()
  guest:must("f() { while read x; do echo got $x; done; }")
  local line = "lua -e \"print(1) io.stderr:write([[go]], string.char(10)) require([[swos]]).sleep(3) "
    .. "print(2)\" | f | cat"
  start(line)
  stop(line)
  local states = guest:must("ps -o stat,cmd")
  for name in ("lua cat"):gmatch("%S+") do tap.matches(states, "\nT +" .. name .. "\n") end
  local _, shells = states:gsub("\nT +sh\n", "\n")
  tap.check(shells == 1, "the function is not stopped: %s", states)
  tap.matches(guest:must("jobs -l"), "^%[1%]%+  %d+ %d+ %d+ Stopped")
  guest.position = #guest.text + 1
  guest:line("fg")
  guest:expect("got 2\r\n")
  guest:prompt()
  start("echo a | lua -e \"print([[go]]) require([[swos]]).sleep(1000)\"")
  stop("echo a | lua -e \"print([[go]]) require([[swos]]).sleep(1000)\"")
  guest:must("kill %1; wait %1", 143)
  nothing_left()
end)

tap.test("a killed member of a pipeline: 137, the others by the rules of pipes", function()
  local line = "lua -e 'io.stderr:write([[go]], string.char(10)) while true do print(1) end' | cat >/dev/null"
  start(line)
  stop(line)
  local cat = tap.matches(guest:must("jobs -l"), "%d+ (%d+) Stopped")
  guest:must("kill -KILL " .. cat)
  guest.position = #guest.text + 1
  guest:line("fg")
  guest:prompt()
  tap.equal(guest:run("echo $?"), "137")
  nothing_left()
end)

tap.test("a script is stopped with what it started", function()
  local line = "sh -c 'echo go; sleep 2; echo over'"
  start(line)
  stop("sh -c echo go; sleep 2; echo over")
  guest:sleep(2.5) -- longer than what it sleeps, were it not stopped
  guest.position = #guest.text + 1
  guest:line("fg")
  guest:expect("\r\nover\r\n")
  guest:prompt()
  nothing_left()
end)

tap.test("subshells stop, what is in $(...) does not", function()
  start("(echo go; sleep 1000)")
  stop("sleep 1000")
  guest:must("kill %1; wait %1", 143)
  guest.position = #guest.text + 1
  guest:line("x=$(sleep 2; echo v) && echo [$x]")
  guest:sleep(1) -- amid its sleep
  guest:send("\26")
  guest:expect("\r\n[v]\r\n")
  guest:prompt()
  guest:line("x=$(sleep 1000); echo 'n'o")
  guest:sleep(1) -- until it sleeps
  tap.lacks(key("\3"), "no\n")
  tap.equal(guest:run("echo $?"), "130")
  nothing_left()
end)

tap.test("a shell in a shell has jobs of its own", function()
  guest.position = #guest.text + 1
  guest:line("sh")
  guest:prompt()
  start("echo go; sleep 1002")
  stop("sleep 1002")
  tap.equal(guest:must("jobs"), "[1]+  Stopped    sleep 1002")
  guest.position = #guest.text + 1
  guest:send("\26") -- at a prompt it does nothing
  guest:expect_silence("Stopped", 0.5)
  tap.equal(guest:must("echo inner"), "inner")
  guest:background("sleep 1003")
  guest.position = #guest.text + 1
  guest:line("exit")
  guest:expect("You have stopped jobs.")
  guest:prompt()
  tap.equal(guest:must("jobs %sl", 1), "sh: jobs: %sl: more than one such job")
  guest:line("exit")
  guest:expect("You have stopped jobs.")
  guest:prompt()
  guest:line("exit")
  guest:prompt()
  nothing_left()
end)

write("/tmp/raw.lua", { "local swos, protocol = require([[swos]]), require([[swos.protocol]])",
  "local control = swos.handle([[fd/0/control]])",
  "protocol.terminal.set_mode(control, { mode = swos.TERMINAL_SIGNALS, drain = 0 })", "print([[go]])",
  "repeat local key = swos.fd.read(0, 1) print([[key]], key) until key == [[q]]",
  "protocol.terminal.set_mode(control, { mode = 7, drain = 0 })" })
write("/tmp/mode.lua", { "local swos, protocol = require([[swos]]), require([[swos.protocol]])",
  "print(protocol.terminal.get_mode(swos.handle([[fd/0/control]]), {}).mode)" })

local function keys_reach_it()
  guest.position = #guest.text + 1
  guest:line("fg")
  guest:expect("lua /tmp/raw.lua\r\n")
  guest:sleep(0.3) -- the words come before the terminal changes hands
  guest:send("k")
  guest:expect("key\tk\r\n")
end

tap.test("terminal modes: the shell's after a stop, the job's after fg, the shell's after a kill", function()
  start("lua /tmp/raw.lua")
  tap.contains(key("\26"), "[1]+  Stopped")
  tap.equal(guest:must("lua /tmp/mode.lua"), "7")
  keys_reach_it()
  key("\26")
  tap.equal(guest:must("lua /tmp/mode.lua"), "7")
  keys_reach_it()
  guest:send("q")
  guest:prompt()
  start("lua /tmp/raw.lua")
  key("\3")
  tap.equal(guest:must("lua /tmp/mode.lua"), "7")
  nothing_left()
end)

tap.test("the console driver dies while a job is stopped, and in front of one", function()
  start("lua /tmp/raw.lua")
  key("\26")
  guest:must("svc kill consoled; sleep 0.5")
  tap.equal(guest:must("lua /tmp/mode.lua; jobs"), "7\n[1]+  Stopped    lua /tmp/raw.lua")
  keys_reach_it()
  guest:send("q")
  guest:prompt()
  start("sh -c 'svc kill consoled; sleep 0.5; echo go; sleep 1000'")
  stop("sh -c svc kill consoled; sleep 0.5; echo go; sleep 1000")
  guest:must("kill %1; wait %1", 143)
  nothing_left()
end)

-- It asks the new one something first: on a busy host a driver that is killed as often as the clock says may
-- never come to anything.
write("/tmp/kill.lua", { "local swos, names = require([[swos]]), require([[swos.names]])",
  "local protocol = require([[swos.protocol]])", "while true do",
  "local system <close> = names.connect([[system]])",
  "protocol.system.service_kill(system, { name = [[consoled]], how = 0 })",
  "protocol.terminal.get_mode(swos.handle([[fd/1/control]]), {})", "swos.sleep(0.04) end" })

-- What came from `from` on. While nobody drives the serial port the kernel's lines go there.
local function came(from)
  return (guest.text:sub(from):gsub("%[%d+%] %[%u%] [^\r\n]*\r\n", ""))
end

tap.test("the console driver dies all the time around Ctrl-Z, fg and Ctrl-C", function()
  guest:background("lua /tmp/kill.lua")
  local function types(text, pattern)
    local from, match = #guest.text + 1, nil
    guest:send(text)
    if not guest:wait(function()
      match = came(from):match(pattern)
      return match
    end, 20) then
      error(("typed %q, then came %q"):format(text, came(from)), 0)
    end
    return match
  end
  for _ = 1, 15 do
    types(GO .. "\n", "\r\ngo\r\n")
    guest:sleep(0.3) -- as in start
    types("\26", "%[2%]%+  Stopped.*# $")
    types("fg %2\n", "io%.read%(%)\r\n")
    guest:sleep(0.3) -- the words come before the terminal changes hands
    types("\3", "# $")
    tap.equal(types("echo =$?=\n", "=(%d+)=\r\n.*# $"), "130")
  end
  types("kill -KILL %1; wait %1; echo =$?=\n", "=137=\r\n")
  guest:await("the console driver is there", function()
    return came(#guest.text - 200):find("# $")
  end, 10)
  guest:sleep(1) -- the kernel may have more lines to say meanwhile
  tap.equal(guest:must("lua /tmp/mode.lua"), "7")
  nothing_left()
end)

tap.test("64 jobs, and no more", function()
  guest:must("i=0; while [ $i -lt 64 ]; do sleep 1000 & i=$((i + 1)); done", 0, 60)
  tap.equal(guest:must("jobs -p | wc -l"):match("%d+"), "64")
  tap.contains(guest:run("{ sleep 1000 & }"), "sh: too many jobs (64)")
  start("echo go; sleep 2")
  guest.position = #guest.text + 1
  guest:send("\26")
  guest:expect("sh: too many jobs (64)")
  guest:prompt()
  guest:must("while [ $i -gt 0 ]; do kill %$i; i=$((i - 1)); done", 0, 60)
  guest:must("wait", 0, 60)
  nothing_left()
end)

tap.test("what has ended makes room for a loop that starts more than 64", function()
  local loop = "i=0; while [ $i -lt 150 ]; do true & i=$((i + 1)); sleep 0.01; done; wait"
  local output = guest:must(loop, 0, 60)
  tap.lacks(output, "too many jobs")
  nothing_left()
end)

tap.test("scripts have no job control", function()
  tap.equal(guest:must("sh -c 'fg; echo $?; bg; sleep 0.2 & jobs; wait; echo w$?; jobs'"),
    "sh: fg: no job control\n2\nsh: bg: no job control\n[1]+  Running    sleep 0.2\nw0")
end)

guest:must("rm /tmp/count.lua /tmp/raw.lua /tmp/kill.lua")

tap.test("the end of the session ends what is stopped, after a warning", function()
  start("echo go; sleep 1000")
  stop("sleep 1000")
  guest:background("sleep 1004")
  for _, way in ipairs({ "exit\n", "\4" }) do
    guest.position = #guest.text + 1
    guest:send(way)
    guest:expect("You have stopped jobs.")
    guest:prompt()
    guest:must("true")
  end
  guest.position = #guest.text + 1
  guest:send("\4")
  guest:expect("You have stopped jobs.")
  guest:prompt()
  guest:send("\4")
  guest:login("root", "swordfish")
  tap.lacks(guest:must("ps -e -o cmd"), "sleep")
  nothing_left()
end)

guest:finish(function()
  start("echo go; sleep 1000")
  stop("sleep 1000")
  start("echo a | lua -e \"print([[go]]) require([[swos]]).sleep(1000)\" | cat")
  key("\26")
  guest:must("bg; kill %1 %2; wait")
  guest:sleep(0.2) -- the jobs' objects go after their last process
  guest:must("jobs; lua /tmp/mode.lua")
end)
tap.done()
