-- ps: what a blocked process waits for and on whom. top: time in the kernel and time a server works for
-- others is busy time.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = 2
local guest = Guest.start({ cpus = CPUS })
guest:login("root", "swordfish")

-- name -> { pid, state, wait }, of the newest process of each name
local function waits()
  local list = {}
  for pid, state, wait, name in guest:must("ps -o pid,state,wait,cmd"):gmatch("(%d+) (%a) +(.-) +(%S+)\n") do
    list[name] = { pid = tonumber(pid), state = state, wait = wait }
  end
  return list
end

tap.test("servers wait at their port, a sleeper sleeps, ps itself does not wait", function()
  guest:must("sleep 60 & true")
  local list = guest:await("servers at their ports, and a sleeper", function()
    local seen = waits()
    for _, name in ipairs { "imgfs", "blkd", "tmpfs", "authd", "init" } do
      if not seen[name] or seen[name].wait ~= "port" then return end
    end
    return seen.sleep and seen.sleep.wait == "sleep" and seen
  end)
  tap.equal(list.sleep.state, "S")
  local own = guest:must("ps -o state,wait,cmd"):match("([RS]) +(%S+) +ps$")
  tap.equal(own, "R")
  guest:must("kill " .. list.sleep.pid)
end)

tap.test("who reads a pipe, or writes into a full one, waits for who is at the other end", function()
  local shell = "(lua -e 'print(1) io.stdout:flush() require([[swos]]).sleep(8)' | cat >/tmp/out) & true"
  guest:must(shell)
  guest:await("a reader", function()
    local list = waits()
    return list.cat and list.lua and list.cat.wait == ("read lua(%d)"):format(list.lua.pid)
  end)
  guest:must("(lua -e 'while true do print((\"x\"):rep(4000)) end' | lua -e 'io.read(10)"
    .. " require([[swos]]).sleep(8)') & true")
  local text = guest:await("a writer and a sleeping reader", function()
    local seen = guest:must("ps -o pid,wait,cmd") .. "\n"
    return seen:find("write lua%(%d+%) +lua\n") and seen:find("sleep +lua\n") and seen
  end)
  local writer = tap.matches(text, "(%d+) write lua%(%d+%) +lua\n")
  local reader = tap.matches(text, "write lua%((%d+)%)")
  tap.matches(text, reader .. " sleep +lua\n")
  tap.check(writer ~= reader)
  guest:await("their end", function() return not waits().lua end)
end)

tap.test("a call waits for its server by name, taken or not yet", function()
  local tmpfs = waits().tmpfs.pid
  guest:must("svc kill tmpfs freeze; touch /tmp/a & touch /tmp/b & true")
  guest:await("a call taken, and one that waits to be", function()
    local text = guest:must("ps -o wait,cmd")
    return text:find(("call tmpfs%%(%d%%) +touch\n"):format(tmpfs))
      and text:find(("queue tmpfs%%(%d%%) +touch\n"):format(tmpfs))
  end)
  guest:must("svc kill tmpfs; sleep 1")
  tap.equal(waits().touch, nil)
  guest:must("rm /tmp/a /tmp/b")
  local logd = waits().logd.pid
  guest:must("(logtail -f 1 >/tmp/out) & true")
  local list = guest:await("a call of logtail", function()
    local seen = waits()
    return seen.logtail and seen.logtail.wait == ("call logd(%d)"):format(logd) and seen
  end)
  guest:must("kill " .. list.logtail.pid .. "; rm /tmp/out")
end)

tap.test("who reads the terminal waits for its server", function()
  guest.position = #guest.text + 1
  guest:line("(sleep 1; ps -o wait,cmd) & cat")
  guest:expect_pattern("read consoled%(%d+%) +cat\r\n")
  guest:expect("ps\r\n")
  guest:send("\4")
  guest:prompt()
end)

tap.test("ps -f shows it, the plain ps stays as it was", function()
  tap.matches(guest:must("ps -f"), "^USER +PID +PPID STATE +TIME WAIT +CMD\n")
  tap.matches(guest:must("ps"), "^ PID PPID STATE CMD\n")
end)

-- Busy share of all CPUs and the rows of the last of two frames.
local function top(seconds)
  local text = guest:must("top -b -n 2 -d " .. seconds, 0, 60)
  local last = text:match(".*\n(Cpu: .*)$")
  return tonumber(last:match("Cpu: ([%d.]+)%% busy")), last
end

local function share(text, name)
  local sum = 0
  for row in text:gmatch("[^\n]+") do
    if row:match("(%S+)$") == name then sum = sum + tonumber(row:match(" [RSTZ] +([%d.]+)")) end
  end
  return sum
end

tap.test("top: time in the kernel is busy", function()
  local idle = top(3)
  tap.check(idle < 40, "%g %% busy at rest", idle)
  -- hardly anything but the system call, which makes 4 KiB of random bytes
  guest:must("(lua -e 'local random = require([[swos]]).sys.random while true do random(4096) end') & true")
  local busy, text = top(3)
  tap.check(busy >= 45, "%g %% of %d CPUs busy", busy, CPUS)
  tap.check(share(text, "lua") > 80, "lua: %g %%", share(text, "lua"))
  guest:must("kill " .. waits().lua.pid)
end)

tap.test("top: time a server works for somebody is busy, and the server's", function()
  guest:must("(lua -e 'local fs = require([[swos]]).fs while true do fs.stat([[/tmp]]) end') & true")
  local busy, text = top(3)
  tap.check(busy >= 45, "%g %% of %d CPUs busy", busy, CPUS)
  local client, server = share(text, "lua"), share(text, "tmpfs")
  tap.check(client + server > 80, "client %g %%, server %g %%", client, server)
  tap.check(server > 5, "server %g %%", server)
  guest:must("kill " .. waits().lua.pid)
end)

guest:finish(function(g) g:must("ps -f | wc") end)

tap.test("user sees the own session alone", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  local text = guest:must("ps -f")
  tap.lacks(text, " imgfs\n")
  tap.matches(text, "sh\n")
end)

tap.done()
