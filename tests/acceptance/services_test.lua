-- Services an operator edits: scripts in /tmp/services, the life of a service by hand and by itself,
-- what svc says of it. What its log keeps is in service_logs_test, what a hostile script can do in
-- service_scripts_test, and init's own death in service_init_test.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2, allow = { "BEGIN CRASH", "overdue" } })
guest:login("root", "swordfish")

-- Writes a file, a line at a time; single quotes must not be in it.
local function write(path, text)
  local to = ">"
  for line in text:gmatch("[^\n]+") do
    guest:must(("echo '%s' %s%s"):format(line, to, path))
    to = ">>"
  end
end

local function script(name, text)
  write("/tmp/services/" .. name .. ".lua", text)
end

local function status(name)
  return guest:must("svc status " .. name)
end

local function state(name)
  return guest:must("svc list"):match("\n" .. name .. "%s+(%l+)") or "none"
end

local function await_state(name, wanted, seconds)
  for _ = 1, (seconds or 15) * 4 do
    if state(name) == wanted then return end
    guest:sleep(0.25)
  end
  error(("%s is %s, not %s\n%s"):format(name, state(name), wanted, guest:run("svc why " .. name)), 0)
end

local function pid(name)
  return tonumber(status(name):match("pid (%d+)"))
end

guest:must("mkdir /tmp/services; chmod 755 /tmp/services")

tap.test("the boot services and the console login are services like any other", function()
  local list = guest:must("svc list")
  for _, name in ipairs { "consoled", "blkd", "imgfs", "tmpfs", "authd", "console", "logd" } do
    tap.matches(list, name .. " +ready +%d+ +0")
  end
end)

tap.test("the image's sample is known, not running, and runs when started", function()
  await_state("ticker", "stopped")
  tap.matches(guest:must("svc start ticker", 0, 60), "ticker: ready, pid %d+")
  tap.contains(status("ticker"), "sample: prints the time")
  tap.matches(guest:must("svc stop ticker", 0, 60), "ticker: stopped")
end)

local LOOP = 'return { program = "/bin/lua",'
  .. ' arguments = { "-e", "while true do require([[swos]]).sleep(1) end" } %s }'

tap.test("a script in /tmp/services is a service after a reload", function()
  script("mine", LOOP:format(""))
  tap.contains(guest:must("svc reload", 0, 60), "added mine")
  tap.equal(state("mine"), "stopped")
  tap.matches(guest:must("svc start mine"), "mine: ready")
  tap.contains(status("mine"), "/tmp/services/mine.lua")
  tap.contains(guest:must("svc reload", 0, 60), "nothing has changed")
end)

tap.test("a mistake names file, line, key and what was expected; the old definition stays in force",
  function()
  local before = pid("mine")
  script("mine", 'return {\n  program = "/bin/lua",\n  arguments = { "-e",\n    5 },\n  oneshit = true }')
  local said = guest:must("svc reload", 0, 60)
  tap.contains(said, "/tmp/services/mine.lua:4: arguments[2]: expected a string of 1 to 1024 bytes, got 5")
  tap.contains(said, "/tmp/services/mine.lua:5: oneshit: unknown key; did you mean oneshot?")
  tap.equal(pid("mine"), before)
  tap.contains(status("mine"), "while true")
  tap.matches(guest:must("svc restart mine"), "mine: ready")
  tap.check(pid("mine") ~= before, "it was not started again")
  script("mine", "return {")
  tap.matches(guest:must("svc reload", 0, 60), "/tmp/services/mine.lua:%d: unexpected symbol")
  script("mine", LOOP:format(""))
  guest:must("svc reload", 0, 60)
end)

tap.test("svc check says what is wrong before it counts", function()
  write("/tmp/good.lua", LOOP:format(""))
  tap.contains(guest:must("svc check /tmp/good.lua"), "/tmp/good.lua: good")
  write("/tmp/bad.lua", 'return { program = "/bin/lua",\n  probe = { http = "/" } }')
  tap.contains(guest:must("svc check /tmp/bad.lua", 1), "/tmp/bad.lua:2: probe.port: missing")
  write("/tmp/mine.lua", LOOP:format(', requires = { "nobody" }'))
  tap.contains(guest:must("svc check /tmp/mine.lua", 1), "requires[1]: no service nobody")
  -- what it requires may be new, too
  script("aa", LOOP:format(', requires = { "bb" }'))
  tap.contains(guest:must("svc check /tmp/services/aa.lua", 1), "requires[1]: no service bb")
  script("bb", LOOP:format(', requires = { "ee" }'))
  script("ee", LOOP:format(', requires = 5'))
  local said = guest:must("svc check /tmp/services/aa.lua", 1)
  tap.contains(said, "requires[1]: bb is refused")
  tap.contains(said, "/tmp/services/ee.lua:1: requires: expected a list")
  script("ee", LOOP:format(""))
  tap.contains(guest:must("svc check /tmp/services/aa.lua"), "/tmp/services/aa.lua: good")
  tap.equal(state("ee"), "none")
  script("bb", LOOP:format(', requires = { "aa" }'))
  tap.contains(guest:must("svc check /tmp/services/aa.lua", 1), "a cycle: aa -> bb -> aa")
  guest:must("rm /tmp/services/aa.lua /tmp/services/bb.lua /tmp/services/ee.lua")
end)

tap.test("a cycle is refused by name, the innocent go on", function()
  local before = pid("mine")
  script("aa", LOOP:format(', requires = { "bb" }'))
  script("bb", LOOP:format(', after = { "aa" }'))
  script("cc", LOOP:format(', requires = { "mine" }'))
  local said = guest:must("svc reload", 0, 60)
  tap.contains(said, "a cycle: aa -> bb -> aa")
  tap.contains(said, "added cc")
  tap.equal(state("aa"), "none")
  tap.equal(pid("mine"), before)
  tap.matches(guest:must("svc start cc"), "cc: ready")
  guest:must("rm /tmp/services/aa.lua /tmp/services/bb.lua")
end)

tap.test("nobody takes the name a service in force serves, whatever its own is", function()
  script("aaa", LOOP:format(', serves = "log"'))
  tap.contains(guest:must("svc check /tmp/services/aaa.lua", 1), "serves: log is served by logd already")
  tap.contains(guest:must("svc reload", 0, 60),
    "/tmp/services/aaa.lua:1: serves: log is served by logd already")
  tap.equal(state("aaa"), "none")
  guest:must("rm /tmp/services/aaa.lua; svc reload; svc logs mine", 0, 60)
end)

tap.test("who looks up a service that does not run is refused", function()
  guest:must("svc stop logd")
  tap.equal(guest:must("logtail 1", 1), "logtail: log: connection refused")
  tap.contains(guest:must("svc logs mine", 1), "log: connection refused")
  tap.contains(guest:must("metrics"), 'swos_service_up{service="logd"} 0\n')
  guest:must("svc start logd")
  guest:must("logtail 1")
end)

tap.test("services may want each other, and the tree of that comes to an end", function()
  script("aa", LOOP:format(', wants = { "bb" }'))
  script("bb", LOOP:format(', wants = { "aa" }'))
  tap.contains(guest:must("svc reload", 0, 60), "added aa\nadded bb")
  tap.matches(guest:must("svc tree"),
    "\naa %(stopped%)\n +wants bb %(stopped%)\n +wants aa %(stopped%) as above")
  tap.matches(guest:must("svc start aa"), "aa: ready")
  await_state("bb", "ready")
  guest:must("svc stop aa; svc stop bb; rm /tmp/services/aa.lua /tmp/services/bb.lua")
  tap.contains(guest:must("svc reload", 0, 60), "removed aa")
end)

tap.test("who requires a stopped service stops with it and comes back with it", function()
  tap.matches(guest:must("svc stop mine"), "mine: stopped")
  await_state("cc", "waiting")
  tap.contains(status("cc"), "waiting for mine")
  tap.matches(guest:must("svc tree"), "cc %(waiting%)\n +requires mine %(stopped%)")
  guest:must("svc start mine")
  await_state("cc", "ready")
  -- and so does who requires that one
  script("dd", LOOP:format(', requires = { "cc" }'))
  guest:must("svc reload; svc start dd; svc stop mine", 0, 60)
  await_state("dd", "waiting")
  tap.contains(guest:must("svc restart dd", 0, 60), "dd: ready")  -- it is answered, and brings them back
  tap.equal(state("mine"), "ready")
  guest:must("svc stop dd; svc stop cc; rm /tmp/services/dd.lua")
end)

tap.test("restarts: at once, then with growing pauses; a start by hand always works", function()
  script("dies", 'return { program = "/bin/lua", arguments = { "-e", "os.exit(3)" } }')
  guest:must("svc reload", 0, 60)
  guest:run("svc start dies")
  local text, failures
  guest:await("the fifth failure, or a later one", function()
    text = status("dies")
    failures = tonumber(text:match("(%d+) failures in a row"))
    return failures >= 5 and text:find("paused, started again in %d+%.%d s")
  end)
  tap.contains(text, "ended with status 3")
  -- Failure n is followed by a pause of 0.1 s times 2^(n - 2); the last one that is over came before this.
  local began, over = tap.matches(text,
    "(%d+%.%d+) #%d+ +dies: [^\n]- %-> paused[^\n]*\n +(%d+%.%d+) #%d+ +dies: paused %-> waiting")
  local wanted = 0.1 * 2 ^ (failures - 3)
  tap.check(over - began >= wanted - 0.005, "a pause of %g s, not %g", over - began, wanted)
  guest:must("svc start dies")
  tap.matches(status("dies"), "[0-3] failures in a row")
  guest:must("svc stop dies")
  tap.matches(guest:must("svc why dies"), "stopped by principal 1, session %d+, pid %d+")
end)

tap.test("policies: never, failure, oneshot and who requires it", function()
  script("never", 'return { program = "/bin/lua", arguments = { "-e", "os.exit(4)" }, restart = "never" }')
  script("clean", 'return { program = "/bin/true", restart = "failure" }')
  script("once", 'return { program = "/bin/true", oneshot = true }')
  script("user", LOOP:format(', requires = { "once" }'))
  guest:must("svc reload", 0, 60)
  guest:run("svc start never")
  await_state("never", "failed")
  guest:run("svc start clean")
  await_state("clean", "stopped")
  tap.matches(guest:must("svc start user"), "user: ready")
  tap.equal(state("once"), "done")
  guest:must("svc stop user")
end)

tap.test("stop is polite, then firm, and leaves nothing of the job behind", function()
  local POLITE = [[
local swos = require("swos")
local event, port = swos.sys.event_create(), swos.sys.port_create()
swos.sys.process_on_interrupt(event)
swos.sys.port_bind(port, event, -1, 1)
print("at work")
io.stdout:flush()
while true do
  local kind, _, bits = swos.port_wait(port)
  if kind and bits == 2 then print("asked to go") %s end
  if kind then swos.sys.event_update(event, -1, 0) end
end
]]
  write("/tmp/polite.lua", POLITE:format("os.exit(0)"))
  write("/tmp/rude.lua", POLITE:format("") )
  local RUN = 'return { program = "/bin/sh", arguments = { "-c", "sleep 1000 & lua %s" }, stop_seconds = 2,'
    .. ' capabilities = { "spawn", "fs-read" }, names = { "file/base", "file/tmp" } }'
  script("polite", 'return { program = "/bin/lua", arguments = { "/tmp/polite.lua" },'
    .. ' ready = { line = "at work" }, capabilities = { "fs-read" }, names = { "file/base", "file/tmp" } }')
  script("rude", 'return { program = "/bin/lua", arguments = { "/tmp/rude.lua" }, stop_seconds = 2,'
    .. ' ready = { line = "at work" }, capabilities = { "fs-read" }, names = { "file/base", "file/tmp" } }')
  script("parent", RUN:format("/tmp/rude.lua"))
  guest:must("svc reload", 0, 60)
  guest:must("svc start polite")
  guest:must("svc stop polite")
  tap.matches(guest:must("svc why polite"), "stopping %-> stopped: ended with status 0")
  guest:must("svc start rude")
  guest:must("svc stop rude")
  local why = guest:must("svc why rude")
  tap.matches(why, "ending %-> stopped: ended with status 137")
  tap.matches(why, "stopping %-> ending: it does not end when asked")
  guest:must("svc start parent")
  guest:await("its child", function() return guest:must("ps -A"):find("sleep", 1, true) end)
  guest:must("svc stop parent")
  tap.lacks(guest:must("ps -A"), "sleep")
end)

tap.test("svc kill, crash, hang and freeze: it comes back, and why tells", function()
  -- a service that serves, so that a call finds it hanging
  local function back(how, words, probe)
    local before = pid("tmpfs")
    guest:must("svc kill tmpfs " .. how)
    guest:run(probe or "true", 60)
    for _ = 1, 80 do
      if state("tmpfs") == "ready" and pid("tmpfs") ~= before then break end
      guest:sleep(0.25)
    end
    tap.check(pid("tmpfs") ~= before, "%s: still the same process", how)
    local why = guest:must("svc why tmpfs")
    tap.matches(why, words)
    return why
  end
  back("", "ready %-> ending: killed by principal 1, session %d+, pid %d+")
  back("crash", "crashed: address not mapped, address bad0")
  local why = guest:must("svc why tmpfs")
  tap.matches(why, "made to crash by principal 1")
  tap.matches(why, "last crash:\n  tmpfs pid %d+ ended: address not mapped, address bad0\n  pc  0*bad0 ")
  tap.contains(why, "back-trace bad0 ")
  local lines = tap.matches(why, "last lines of its log:\n(.*)$")
  tap.matches(lines, "init: tmpfs: ready %-> waiting: crashed: ")
  tap.lacks(lines, "[E] crash: ", "its record, again")
  local cpu_before = tonumber(status("tmpfs"):match("([%d.]+) s of CPU"))
  back("hang", "a call to it waited longer than 5 s", "ls /tmp")
  local cpu = tonumber(status("tmpfs"):match("([%d.]+) s of CPU"))
  tap.check(cpu - cpu_before > 1, "an endless loop used %g s", cpu - cpu_before)
  tap.contains(back("freeze", "a call to it waited longer than 5 s", "ls /tmp"), "made to stand still by")
end)

tap.test("a service that served is removed with its script", function()
  script("server", 'return { program = "/bin/sleep", arguments = { "1000" }, serves = "server" }')
  guest:must("svc reload; svc start server; svc stop server; rm /tmp/services/server.lua", 0, 60)
  tap.contains(guest:must("svc reload", 0, 60), "removed server")
  tap.lacks(guest:must("svc list"), "server")
end)

tap.test("limits hold", function()
  script("eater", 'return { program = "/bin/lua", arguments = { "-e", "local t = {} while true do t[#t+1]'
    .. ' = (tostring(#t)):rep(1000) end" }, limits = { memory = "4M" }, restart = "never" }')
  guest:must("svc reload", 0, 60)
  guest:run("svc start eater")
  await_state("eater", "failed")
end)

tap.test("a service sees the names its script allows, and has no more capabilities", function()
  script("looks", 'return { program = "/bin/lua",'
    .. ' arguments = { "-e", "for _, n in ipairs(require([[swos]]).names.list()) do print(n) end'
    .. ' print(require([[swos]]).fs.read([[/hello.txt]]))" }, names = { "log", "file/base" },'
    .. ' oneshot = true }')
  guest:must("svc reload", 0, 60)
  tap.contains(guest:must("svc start looks; svc start looks"), "looks: done")
  local log = guest:must("svc logs looks")
  tap.matches(log, "%] file/base\n%[%d+%] log\n")
  tap.contains(log, "permission denied")
  tap.lacks(log, "terminal")
end)

tap.test("enable and disable last until reboot and say so", function()
  tap.contains(guest:must("svc enable mine"), "mine: enabled until the machine reboots: there is no /data")
  guest:must("svc stop mine")
  guest:must("svc reload", 0, 60)
  await_state("mine", "ready")
  tap.contains(guest:must("svc disable mine"), "disabled until the machine reboots")
  guest:must("svc stop mine")
  guest:must("svc reload", 0, 60)
  tap.equal(state("mine"), "stopped")
end)

tap.test("a script that others may write is not taken; a boot service cannot be replaced", function()
  script("open", LOOP:format(""))
  guest:must("chmod 666 /tmp/services/open.lua")
  script("blkd", LOOP:format(""))
  local said = guest:must("svc reload", 0, 60)
  tap.contains(said, "/tmp/services/open.lua: may be written by others than root")
  tap.contains(said, "/tmp/services/blkd.lua: blkd is part of the boot bundle")
  tap.equal(state("open"), "none")
  guest:must("rm /tmp/services/open.lua /tmp/services/blkd.lua; chmod 777 /tmp/services")
  tap.contains(guest:must("svc reload", 0, 60), "/tmp/services: may be written by others than root")
  guest:must("chmod 755 /tmp/services")
end)

tap.test("scripts of a file server that does not run stay what they are, and that is told at once", function()
  guest:must("svc reload", 0, 60)
  local before = guest:must("svc list")
  guest:must("svc stop tmpfs")
  local said = guest:must("svc reload", 1, 60)
  tap.contains(said, "/tmp/services: its file server, tmpfs, does not run")
  tap.lacks(said, "removed")
  guest:must("svc start tmpfs")
  tap.equal(guest:must("svc reload", 0, 60), "nothing has changed")
  for name in before:gmatch("\n(%S+)") do tap.check(state(name) ~= "none", "%s is gone", name) end
end)

tap.test("reload and check refuse the same names", function()
  for name, problem in pairs { Open = "24 small letters", [("x"):rep(25)] = "24 small letters",
      kernel = "cannot be a service's name", blkd = "is part of the boot bundle" } do
    local file = ("/tmp/services/%s.lua"):format(name)
    script(name, LOOP:format(""))
    tap.contains(guest:must("svc check " .. file, 1), file .. ": ")
    tap.contains(guest:must("svc check " .. file, 1), problem)
    tap.matches(guest:must("svc reload", 0, 60), file:gsub("%p", "%%%0") .. ": [^\n]*" .. problem)
    guest:must("rm " .. file)
  end
  tap.contains(guest:must("svc check /etc/swos/services/blkd.lua"), "good")
end)

tap.test("blame shows the boot as a time line", function()
  local text = guest:must("svc blame")
  tap.matches(text, "SERVICE +START ms +TOOK ms +from the kernel's start to %d+%.%d ms")
  tap.matches(text, "\nimgfs +%d+%.%d +%d+%.%d +#+")
  tap.matches(text, "\nconsole +%d+%.%d ")
end)

tap.test("what needs a capability is refused without it", function()
  guest:must("svc reload", 0, 60)
  guest:line("exit")
  guest:login("guest", "guest")
  local why = guest:must("svc why tmpfs")
  tap.matches(why, "last crash:\n  pid %d+: address not mapped")
  tap.lacks(why, "  pc  ") -- registers are for who has log-read
  tap.lacks(why, "back-trace")
  for _, words in ipairs { "start mine", "stop tmpfs", "restart tmpfs", "kill tmpfs", "enable mine",
    "reload" } do
    local said = guest:must("svc " .. words, 1)
    tap.contains(said, "permission denied (needs capability device)", words)
  end
  tap.contains(guest:must("svc logs tmpfs", 1), "needs capability log-read")
  guest:must("svc list; svc tree; svc blame; svc status tmpfs")
  guest:line("exit")
  guest:login("root", "swordfish")
end)

guest:must("rm -r /tmp/services; svc reload", 0, 60)
guest:finish(function(g)
  g:must("svc start ticker; svc stop ticker; svc reload", 0, 60)
end)
tap.done()
