-- Servers die and come back while a session works: by svc kill, by a crash, by a hang.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

-- A crash on purpose writes its record to the log.
local guest = Guest.start({ cpus = 2, allow = { "BEGIN CRASH", "overdue" } })
guest:login("root", "swordfish")

-- name -> pid, state, restarts of the services, from `svc list`.
local function services()
  local list = {}
  for line in (guest:must("svc list") .. "\n"):gmatch("(.-)\n") do
    local name, state, pid, restarts = line:match("^(%S+)%s+(%S+)%s+(%d+)%s+(%d+)")
    if name then list[name] = { state = state, pid = pid, restarts = tonumber(restarts) } end
  end
  return list
end

local SERVERS = { "blkd", "imgfs", "tmpfs", "consoled", "authd" }

local function back(name, old, timeout)
  for _ = 1, (timeout or 10) * 4 do
    local now = services()[name]
    if now and now.pid ~= old.pid and now.restarts > old.restarts then return now end
    guest:sleep(0.25)
  end
  error(name .. " did not come back", 0)
end

tap.test("svc list shows every server", function()
  local list = services()
  for _, name in ipairs(SERVERS) do tap.check(list[name], "no %s", name) end
end)

guest:must("echo kept >/tmp/kept; mkdir /tmp/folder")

for _, name in ipairs(SERVERS) do
  tap.test(name .. " is killed, comes back, the session goes on", function()
    local old = services()[name]
    guest:must("svc kill " .. name)
    tap.equal(guest:must("echo alive"), "alive")
    back(name, old)
    tap.contains(guest:must("cat /hello.txt"), "")
    tap.equal(guest:must("cat /tmp/kept"), "kept")
    tap.equal(guest:must("ls -1 /tmp"), "folder\nkept")
    tap.matches(guest:must("ls -l /bin"), "sh")
    guest:must("echo " .. name .. " >/tmp/now; cat /tmp/now; rm /tmp/now")
  end)
end

tap.test("typed-ahead input survives consoled", function()
  local old = services().consoled
  guest.position = #guest.text + 1
  guest:line("sleep 2; svc kill consoled; sleep 2")
  guest:sleep(0.5)
  guest:line("echo typed-$((1))ahead 2>/dev/null || echo typed-ahead")
  guest:expect("typed-1ahead\r\n", 20) -- what it prints, not what was typed
  guest:prompt()
  back("consoled", old)
end)

tap.test("files open across the death of their server stay usable", function()
  guest:must("echo 'local f = assert(io.open(\"/tmp/open\", \"w\"))' >/tmp/o.lua")
  guest:must("echo 'f:write(\"before \") f:flush() io.read()' >>/tmp/o.lua")
  guest:must("echo 'f:write(\"after\") f:close()' >>/tmp/o.lua")
  guest:must("echo 'print(io.open(\"/tmp/open\"):read(\"a\"))' >>/tmp/o.lua")
  local old = services().tmpfs
  guest.position = #guest.text + 1
  guest:line("(sleep 1; svc kill tmpfs) & lua /tmp/o.lua")
  guest:sleep(3)
  guest:line("")
  guest:expect("before after", 20)
  guest:prompt()
  back("tmpfs", old)
  guest:must("rm /tmp/o.lua /tmp/open")
end)

-- Programs come from the disk, so one that is there already does all of it.
local ALONE = [[
local protocol, command = require("swos.protocol"), require("swos.command")
local system = command.connect("system")
local function order(operation, name)
  local reply = protocol.system["service_" .. operation](system, { name = name })
  print(operation, reply and reply.text)
end
order("stop", "blkd")
order("restart", "imgfs")
order("stop", "imgfs")
order("restart", "authd")
order("start", "imgfs")
order("start", "blkd")
]]

tap.test("imgfs comes back without its disk, authd without imgfs", function()
  guest:must("rm -f /tmp/alone.lua")
  for line in ALONE:gmatch("[^\n]+") do guest:must(("echo '%s' >>/tmp/alone.lua"):format(line)) end
  local said = guest:must("lua /tmp/alone.lua", 0, 20)
  tap.contains(said, "restart\timgfs: ready")
  tap.contains(said, "restart\tauthd: ready")
  tap.contains(said, "start\tblkd: ready")
  guest:must("ls /bin; rm /tmp/alone.lua")
end)

tap.test("a crash leaves a record and the server comes back", function()
  local old = services().authd
  guest:must("svc kill authd crash")
  back("authd", old)
  tap.contains(guest:must("dmesg"), "authd")
end)

-- Tries a password and kills authd 20 ms later, in the middle of the hash, which takes ten times as
-- long. When the host has let the answer come first, the next name is tried.
local TRY = {
  "local swos, loop, names = require([[swos]]), require([[swos.loop]]), require([[swos.names]])",
  "local protocol = require([[swos.protocol]])",
  "local function attempt(name) local wait, wake = loop.signal()",
  "  local answered, killed, code, delay",
  "  loop.spawn(function() local auth <close>, _ = names.connect([[auth]])",
  "    _, _, code, delay = protocol.auth.login(auth, { name = name, password = [[x]] })",
  "    answered = true if killed then wake() end end)",
  "  loop.sleep(0.02) local system <close> = names.connect([[system]])",
  "  protocol.system.service_kill(system, { name = [[authd]], how = 0 })",
  "  if answered then return false end killed = true wait() print(code, delay) return true end",
  "loop.run(function() local i = 0",
  "  repeat i = i + 1 loop.sleep(1) until attempt([[name]] .. i) end)",
}
local DELAY_FIRST_MS = 250 -- bin/authd/delay.h

tap.test("a wrong password counts although authd is killed before it is judged", function()
  for i, line in ipairs(TRY) do
    guest:must(("echo '%s' %s/tmp/try.lua"):format(line, i == 1 and ">" or ">>"))
  end
  local said = guest:must("lua /tmp/try.lua; rm /tmp/try.lua", 0, 120)
  local code, delay = tap.matches(said, "(%u%S+)%s+(%d+)")
  -- asked again of the next authd it comes too early, or, if that one took long to start, second
  tap.check(code == "BUSY" or tonumber(delay) >= DELAY_FIRST_MS << 1, "%s, %s ms", code, delay)
end)

tap.test("a hanging server is found overdue and replaced", function()
  local old = services().tmpfs
  guest:must("svc kill tmpfs hang")
  guest:run("ls /tmp", 60)
  back("tmpfs", old, 30)
  tap.equal(guest:must("cat /tmp/kept"), "kept")
end)

tap.test("no pages, handles or objects are lost by a server's death", function()
  -- What lived for half a minute is started again at once.
  guest:sleep(31)
  guest:leak_check(function()
    for _, name in ipairs({ "tmpfs", "imgfs" }) do
      local old = services()[name]
      guest:must("svc kill " .. name)
      back(name, old)
      guest:must("ls /tmp /bin | wc")
    end
  end, 2, 1)
end)

-- The pid of a process by its name in ps; nil: there is none.
local function pid_of(name)
  for pid, found in guest:must("ps -o pid,cmd"):gmatch("(%d+) (%S+)") do
    if found == name then return pid end
  end
end

-- Kills init and waits for its successor.
local function kill_init()
  local old = pid_of("init")
  guest:must("svc kill init")
  for _ = 1, 40 do
    local now = pid_of("init")
    if now and now ~= old then return end
    guest:sleep(0.25)
  end
  error("init did not come back", 0)
end

tap.test("init is killed and comes back; services and session go on as if nothing was", function()
  local before, shell, login = services(), guest:must("echo $$"), pid_of("console")
  guest:run("sleep 1000 & true")
  local sleeper
  for _ = 1, 40 do  -- a subshell starts it
    sleeper = pid_of("sleep")
    if sleeper then break end
    guest:sleep(0.25)
  end
  tap.check(sleeper, "no program in the background")
  kill_init()
  local after = services()
  for _, name in ipairs(SERVERS) do
    tap.check(after[name], "init does not know %s any more", name)
    tap.equal(after[name].pid, before[name].pid, "pid of " .. name)
    tap.equal(after[name].state, "ready", "state of " .. name)
  end
  tap.equal(guest:must("echo $$"), shell, "pid of the shell")
  tap.equal(pid_of("console"), login, "pid of the login")
  tap.equal(pid_of("sleep"), sleeper, "pid of a program in the background")
  guest:must("kill " .. sleeper)
  tap.equal(guest:must("cat /tmp/kept"), "kept")
  tap.contains(guest:must("dmesg"), "keeper: init ended with status 137, starting it again")
  -- The successor watches what it found: a server that dies now comes back as before, with what it
  -- needs (the disks: nothing that was read is kept).
  for _, name in ipairs(SERVERS) do
    guest:must("svc kill " .. name)
    back(name, after[name])
  end
  guest:must("svc trim; cat /hello.txt; ls /bin | wc")
  tap.equal(guest:must("cat /tmp/kept"), "kept")
end)

tap.test("login works after all of that", function()
  guest:line("exit")
  guest:login("root", "swordfish")
  tap.equal(guest:must("cat /tmp/kept"), "kept")
end)

tap.test("no pages, handles or objects are lost by init's death", function()
  guest:leak_check(function()
    kill_init()
  end, 2)
end)
tap.done()
