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
    tap.equal(guest:must("ls /tmp"), "folder\nkept")
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
  guest:expect("ahead\r\n", 20)
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

tap.test("a crash leaves a record and the server comes back", function()
  local old = services().authd
  guest:must("svc kill authd crash")
  back("authd", old)
  tap.contains(guest:must("dmesg"), "authd")
end)

tap.test("a hanging server is found overdue and replaced", function()
  local old = services().tmpfs
  guest:must("svc kill tmpfs hang")
  guest:run("ls /tmp", 60)
  back("tmpfs", old, 30)
  tap.equal(guest:must("cat /tmp/kept"), "kept")
end)

tap.test("login works after all of that", function()
  guest:line("exit")
  guest:login("root", "swordfish")
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
tap.done()
