-- init dies, again and again, at any moment: every service runs on and is known, with what was said
-- and done before; what was under way is finished by the next init.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2, allow = { "BEGIN CRASH", "overdue" } })
guest:login("root", "swordfish")

local function script(name, code, more)
  local text = ('return { program = "/bin/lua", arguments = { "-e", "%s" }%s }'):format(code, more or "")
  guest:must(("echo '%s' >/tmp/services/%s.lua"):format(text, name))
end

local COUNT = "for i = 1, 1e9 do print(i) require([[swos]]).sleep(0.2) end"
local AWAIT_GO = "while not io.open([[/tmp/go]]) do require([[swos]]).sleep(0.1) end "
local READS_TMP = ', names = { "file/tmp" }, capabilities = { "fs-read" }'

guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
script("one", COUNT)
script("two", COUNT, ', requires = { "one" }')
-- ready, and ended although asked to, once /tmp/go is there
script("slow", AWAIT_GO .. "print([[here]])" .. COUNT, READS_TMP .. ', ready = { line = "here" }')
script("deaf", "local sys = require([[swos]]).sys sys.process_on_interrupt(sys.event_create()) " .. AWAIT_GO,
  READS_TMP .. ", stop_seconds = 600")
script("fails", "os.exit(1)")
-- It has init start `never`, and ends when init dies before it has answered.
script("brief", "require([[swos.protocol]]).system.service_start(require([[swos.names]]).connect([[system]]),"
  .. " { name = [[never]] })", ', names = { "system" }, capabilities = { "device" }, restart = "never"')
script("never", COUNT, ', ready = { line = "nothing of the kind" }, start_seconds = 600')
guest:must("svc reload", 0, 60)

-- name -> { state, pid, restarts }
local function services()
  local list = {}
  for name, state, pid, restarts in guest:must("svc list"):gmatch("(%S+) +(%l+) +([%d-]+) +(%d+)") do
    list[name] = { state = state, pid = tonumber(pid), restarts = tonumber(restarts) }
  end
  return list
end

local function same(before, after, name)
  tap.check(after[name], "%s is not known any more", name)
  for key, value in pairs(before[name]) do
    tap.equal(after[name][key], value, ("%s: %s"):format(name, key))
  end
end

local BOOT = { "consoled", "blkd", "imgfs", "tmpfs", "authd", "console", "logd" }
local NAMES = table.move({ "ticker", "one", "two", "slow" }, 1, 4, #BOOT + 1, { table.unpack(BOOT) })

-- The starts of init so far, from the list of processes.
local function init_pid()
  return tonumber(guest:must("ps -A"):match("\n *(%d+)[^\n]- init\n"))
end

tap.test("every service runs on and is known", function()
  guest:must("svc start two; svc stop ticker; svc enable ticker")
  local before = services()
  for round = 1, 4 do
    local old = init_pid()
    guest:must("svc kill init" .. (round % 2 == 0 and " crash" or ""))
    local after = services()
    tap.check(init_pid() ~= old, "init did not die")
    for _, name in ipairs(NAMES) do same(before, after, name) end
  end
end)

tap.test("an init that loops or stands still is ended and started again", function()
  local before = services()
  for _, how in ipairs { "hang", "freeze" } do
    local old = init_pid()
    guest:must("svc kill init " .. how)
    -- this call waits until keeper's patience ends, and is answered by the next init
    local after = services()
    tap.check(init_pid() ~= old, "init did not %s", how)
    for _, name in ipairs(NAMES) do same(before, after, name) end
  end
  local log, count = guest:must("dmesg"), 0
  for _ in log:gmatch("keeper: init is overdue, ending it") do count = count + 1 end
  tap.equal(count, 2, "times keeper ended init")
end)

tap.test("what was said and done before is remembered", function()
  local why = guest:must("svc why two")
  tap.matches(why, "#%d+ +two: ready: found running by a new init\n")
  tap.matches(why, "two: launching %-> ready: started as pid")
  tap.matches(why, "started by principal 1, session 1, pid %d+")
  tap.contains(guest:must("svc status ticker"), "enabled until the machine reboots")
  tap.contains(guest:must("svc status one"), "/tmp/services/one.lua")
  tap.contains(guest:must("svc logs one"), "] 1\n")
end)

tap.test("the next logd reads what services print that an earlier init started", function()
  guest:must("svc kill init")
  local old = services().logd
  guest:must("svc kill logd")
  guest:await("logd is started again", function()
    local now = services().logd
    return now.state == "ready" and now.pid ~= old.pid
  end)
  local function printed() return tonumber((guest:run("svc logs one"):match(".*%] (%d+)"))) or 0 end
  local last = printed()
  guest:await("lines of one come", function() return printed() > last + 2 end, 20)
end)

local function await_service(name, what, fact)
  guest:await(("%s %s"):format(name, what), function() return fact(services()[name]) end)
end

local function await_state(name, state)
  await_service(name, "is " .. state, function(service) return service.state == state end)
end

tap.test("a start, a stop and a pause are finished by the next init", function()
  guest:must("svc stop ticker; svc stop two; svc start deaf; svc start fails; true")
  guest:background("svc start slow >/tmp/said 2>&1")
  guest:background("svc stop deaf >/tmp/said 2>&1")
  await_state("slow", "starting")
  await_state("deaf", "stopping")
  -- each pause is twice as long as the last one
  await_service("fails", "pauses", function(s) return s.state == "paused" and s.restarts >= 5 end)
  local before = services()
  guest:must("svc kill init")
  local after = services()
  for _, name in ipairs { "slow", "deaf" } do same(before, after, name) end
  guest:must("echo >/tmp/go")
  await_state("slow", "ready")
  await_state("deaf", "stopped")
  await_service("fails", "is started again", function(s) return s.restarts > before.fails.restarts end)
  guest:must("svc stop slow; svc stop fails; rm /tmp/go")
end)

tap.test("a service that ended without an init is found dead", function()
  guest:must("svc kill init; svc kill init")  -- so that keeper waits after the next death
  guest:must("svc start brief")
  await_state("never", "starting")
  guest:must("svc kill init")
  tap.equal(services().brief.state, "failed")
  tap.contains(guest:must("svc why brief"), "ready -> failed: ended while there was no init")
  guest:must("svc stop never")
end)

tap.test("a script that runs when init dies is ended, too", function()
  guest:must("echo 'while true do end' >/tmp/services/endless.lua")
  guest:background("svc reload >/tmp/said 2>&1")
  local function runs() return guest:must("ps -A"):find("service-script", 1, true) end
  guest:await("the script runs", runs)
  guest:must("rm /tmp/services/endless.lua; svc kill init")
  guest:await("the script is ended", function() return not runs() end)
end)

tap.test("a call that waits longer than keeper is patient does not cost the next init its life", function()
  -- each death within 2 s doubles keeper's pause: the eighth is 6.4 s
  guest:must("sleep 2.1; " .. ("svc kill init; "):rep(8) .. "svc list; sleep 2.1", 0, 60)
end)

tap.test("while services start and stop, wherever init is", function()
  for round = 1, 4 do
    guest.position = #guest.text + 1
    local from = guest.position
    guest:line(("(svc restart one; svc restart one; echo over''-a%d) & "
      .. "(svc kill tmpfs; sleep 0.%d; svc kill init; echo over''-b%d) &"):format(round, round, round))
    for _, job in ipairs { "a", "b" } do
      guest.position = from
      guest:expect(("over-%s%d\r\n"):format(job, round), 60)
    end
  end
  guest.position = #guest.text + 1
  guest:line("")
  guest:prompt()
  for _, name in ipairs(BOOT) do await_state(name, "ready") end
  await_state("one", "ready")
  local count = 0
  for _ in guest:must("ps -A"):gmatch(" one\n") do count = count + 1 end
  tap.equal(count, 1, "processes of `one`")
  guest:must("svc stop one")
  tap.lacks(guest:must("ps -A"), " one\n")
end)

tap.test("a login works, and init is supervised by nobody's patience", function()
  guest:must("svc disable ticker; rm -r /tmp/services; svc reload; svc stop ticker", 0, 60)
  guest:line("exit")
  guest:login("root", "swordfish")
  tap.equal(services().one, nil)
end)

guest:finish(function(g)
  g:must("svc kill init; svc list; sleep 2; svc reload", 0, 60)  -- keeper waits when init dies sooner
end)
guest:close()

-- With one CPU whoever could call the looping one waits behind it.
tap.test("on one CPU init and a server that loop are found, too", function()
  local alone <close> = Guest.start({ cpus = 1, allow = { "overdue" } })
  alone:login("root", "swordfish")
  alone:must("svc kill init hang; svc list", 0, 60)
  tap.contains(alone:must("dmesg"), "keeper: init is overdue, ending it")
  alone:must("svc kill tmpfs hang; echo still here", 0, 60)
  alone:await("tmpfs is started again", function()
    return alone:must("svc list"):find("tmpfs +ready +%d+ +1\n")
  end)
  tap.contains(alone:must("svc why tmpfs"), "or it kept a CPU from others")
end)
tap.done()
