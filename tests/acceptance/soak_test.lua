-- Boot after boot with 4 CPUs on a busy host: each logs in, works, has a server killed, logs out,
-- and must end with what it had. Looks for what only some orders of events bring up: a lost wake, a
-- leak, a server found overdue, a boot that takes far longer than the others.
--
-- SWOS_SOAK_BOOTS: how many (6; `scons soak`: 100). SWOS_SOAK_SEED chooses the servers.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")

local BOOTS = tonumber(os.getenv("SWOS_SOAK_BOOTS") or "6")
local SEED = tonumber(os.getenv("SWOS_SOAK_SEED") or "1")
local SERVERS = { "blkd", "imgfs", "tmpfs", "consoled", "authd" }
local CPUS = 4
local TOO_SLOW = 3  -- times the median
-- A step whose median is shorter is compared with this: a time slice of the host is not a hang.
local SHORT_MS = 300
local LOAD_SECONDS = 600

math.randomseed(SEED)

-- ---- background load: one busy process for each CPU of the host, which ends by itself, too

local load_code = ("local t = os.time() + %d while os.time() < t do end"):format(LOAD_SECONDS)
local busy = {}

local function load_start()
  for i = 1, #uv.cpu_info() do
    local handle, pid
    handle, pid = uv.spawn("setpriv",
      { args = { "--pdeathsig", "KILL", "lua5.4", "-e", load_code } }, function()
        handle:close()
        busy[i] = nil
      end)
    busy[i] = pid
  end
end

local function load_stop()
  for _, pid in pairs(busy) do uv.kill(pid, "sigkill") end
  while next(busy) do uv.run("once") end
end
tap.on_done(load_stop)

-- ---- one boot

-- step -> boot -> milliseconds: on the wall, and of the CPU time a busy process had meanwhile
local walls, shares = {}, {}
local first_uses = 0 -- boots after which a page or two more were in use

-- Milliseconds of CPU time a busy process has had, on average. On a host that has much else to do it
-- gets less, as a guest with work does; while a guest waits for a wake that was lost it gets more.
local function busy_time()
  local sum, count = 0, 0
  for _, pid in pairs(busy) do
    local file <close> = io.open(("/proc/%d/schedstat"):format(pid))
    if file then sum, count = sum + file:read("n") // 1000000, count + 1 end
  end
  return sum // math.max(count, 1)
end

local function step(guest, boot, name, action)
  local start, before = guest:elapsed(), busy_time()
  action()
  walls[name], shares[name] = walls[name] or {}, shares[name] or {}
  walls[name][boot] = guest:elapsed() - start
  shares[name][boot] = busy_time() - before
end

local function service(guest, name)
  local list = guest:must("svc list") .. "\n"
  local state, pid, restarts = list:match(name .. " +(%S+) +(%S+) +(%d+)")
  tap.check(state, "no %s in svc list: %s", name, list)
  return { state = state, pid = pid, restarts = tonumber(restarts) }
end

local function kill_server(guest, name)
  local before = service(guest, name)
  guest:must("svc kill " .. name)
  for _ = 1, 40 do
    local now = service(guest, name)
    if now.state == "ready" and now.restarts > before.restarts then return end
    guest:sleep(0.1)
  end
  error(name .. " did not come back", 0)
end

local function work(guest)
  tap.contains(guest:must("cat /hello.txt"), "ello")
  tap.matches(guest:must("ls -l /bin | cat | wc"), "^%s*%d+")
  tap.equal(guest:must("echo one two three | cat | cat | wc"):gsub("%s+", " "), " 1 3 14")
  guest:must("echo kept >/tmp/a; cp /tmp/a /tmp/b; mv /tmp/b /tmp/c")
  tap.equal(guest:must("cat /tmp/a /tmp/c; rm /tmp/a /tmp/c"), "kept\nkept")
  tap.equal(guest:must("lua -e 'local s = 0 for i = 1, 1e5 do s = s + i end print(s)'"),
    "5000050000")
  guest:must("sleep 0.2 & ps | head -n 3; id; free; true")
  tap.equal(guest:must("false | cat; ls /nowhere 2>/dev/null || echo none"), "none")
end

local function session(guest, boot, name, server, body)
  step(guest, boot, name .. " login", function() guest:login("root", "swordfish") end)
  step(guest, boot, name .. " work", function() work(guest) end)
  if server then
    step(guest, boot, name .. " kill", function() kill_server(guest, server) end)
    step(guest, boot, name .. " work after", function() work(guest) end)
  end
  return body and body()
end

local function log_out(guest) guest:line("exit") end

-- What the log must not have after a boot in which only `server` was killed.
local function check_log(log, server)
  for line in log:gmatch("[^\n]+") do
    for _, word in ipairs({ "panic", "overdue", "crash" }) do tap.lacks(line, word, "log") end
    local name, status = line:match("init: (%S+) ended with status (%d+)")
    tap.check(not name or (name == server and status == "137"), "log: %s", line)
  end
end

local function one_boot(guest, boot, server)
  step(guest, boot, "power-on to prompt", function() guest:expect("login: ", 60) end)
  guest.position = 1
  session(guest, boot, "first", server, function() guest:fill_terminal() end)
  log_out(guest)
  local before = session(guest, boot, "second", nil, function() return guest:settled() end)
  step(guest, boot, "second kill", function() kill_server(guest, server) end)
  step(guest, boot, "second work after", function() work(guest) end)
  log_out(guest)
  session(guest, boot, "third", nil, function()
    local after = guest:settled()
    local lost = Guest.difference(before, after)
    if lost and after.pages < before.pages then first_uses = first_uses + 1 end
    tap.check(not lost or Guest.is_step(before, after), "leak: %s", lost)
    check_log(guest:must("dmesg"), server)
  end)
  step(guest, boot, "poweroff", function()
    guest:line("poweroff")
    guest:expect_end(30)
  end)
end

for boot = 1, BOOTS do
  local server = SERVERS[math.random(#SERVERS)]
  tap.test(("boot %d, %s is killed"):format(boot, server), function()
    load_start()
    local _ <close> = setmetatable({}, { __close = load_stop })
    local guest <close> = Guest.start({ cpus = CPUS })
    local ok, failure = pcall(one_boot, guest, boot, server)
    tap.note("boot %d: %d ms", boot, guest:elapsed())
    if not ok then
      pcall(guest.run, guest, "dmesg", 20) -- for the transcript, if there is a shell to ask
      error(failure, 0)
    end
  end)
end

-- ---- the boots side by side

local function median(list)
  local sorted = {}
  for _, value in pairs(list) do sorted[#sorted + 1] = value end
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2], sorted[#sorted]
end

tap.test("few boots end with a page more: a heap's first use of it, not a leak", function()
  tap.check(first_uses <= math.max(1, BOOTS // 10), "%d of %d boots", first_uses, BOOTS)
end)

tap.test("no step of a boot took over 3 times its median", function()
  local names, slow = {}, {}
  for name in pairs(walls) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local usual, longest = median(shares[name])
    local wall, wall_longest = median(walls[name])
    tap.note("%-20s median %5d ms, longest %5d ms; of CPU time %5d and %5d", name, wall,
      wall_longest, usual, longest)
    for boot, time in pairs(shares[name]) do
      if time > TOO_SLOW * math.max(usual, SHORT_MS) then
        slow[#slow + 1] = ("boot %d, %s: %d ms, %d of CPU time"):format(boot, name,
          walls[name][boot], time)
      end
    end
  end
  tap.check(#slow == 0, "slow: %s", table.concat(slow, "; "))
end)

tap.done()
