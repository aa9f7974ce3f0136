-- Services that are ready when a port or an HTTP path of theirs answers, and probes: a service that hangs,
-- one that is slow, ill, or no server at all; the death of netd and of init meanwhile; no network.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local WEB = 'return { program = "/bin/lua", arguments = { "/bin/tests/web.lua", "%d", %s }, '
  .. 'names = { "net", "file/base", "file/tmp" }, capabilities = { "net", "fs-read" }, %s }'
local HTTP = 'ready = { port = %d, http = "/" }, probe = { port = %d, http = "/", seconds = 1, timeout = %d, '
  .. 'failures = %d }'

local function web(port, timeout, failures, file)
  return WEB:format(port, file and ("%q"):format(file) or "", HTTP:format(port, port, timeout, failures))
end

-- Makes services of scripts by name.
local function load_scripts(guest, scripts)
  guest:run("mkdir /tmp/services; chmod 755 /tmp/services")
  for name, text in pairs(scripts) do guest:must(("echo '%s' >/tmp/services/%s.lua"):format(text, name)) end
  tap.lacks(guest:must("svc reload", 0, 60), "expected")
end

local function status(guest, name) return guest:must("svc status " .. name) end

local function pid(guest, name) return tonumber(status(guest, name):match("pid (%d+)")) end

-- Waits until the status of a service has these words.
local function await(guest, name, pattern, seconds)
  local text
  guest:await(name .. ": " .. pattern, function()
    text = status(guest, name)
    return text:find(pattern)
  end, seconds or 60)
  return text
end

local ports = { web = network.free_port("tcp"), ill = network.free_port("tcp") }
local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } }, allow = { "BEGIN CRASH", "overdue" },
  more = network.card({ { "tcp", ports.web, 8001 }, { "tcp", ports.ill, 8002 } }) })

-- A request from elsewhere; what came within its time.
local function get(name, path)
  local command = ("curl -s -m 20 http://127.0.0.1:%d/%s"):format(ports[name], path)
  return (network.run(guest, command, nil, 60))
end

tap.test("ready by a port that accepts", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  load_scripts(guest, {
    echo = 'return { program = "/bin/tcpecho", arguments = { "-k" }, names = { "net" }, '
      .. 'capabilities = { "net" }, ready = { port = 5555 }, probe = { port = 5555, seconds = 1 } }',
    six = 'return { program = "/bin/tcpecho", arguments = { "6", "-k" }, names = { "net" }, '
      .. 'capabilities = { "net" }, ready = { port = 5555 } }',
    mute = 'return { program = "/bin/lua", arguments = { "-e", "require([[swos]]).sleep(3600)" }, '
      .. 'ready = { port = 5557 }, start_seconds = 3, restart = "never" }',
    web = web(8001, 2, 2), ill = web(8002, 5, 100), slow = web(8003, 5, 3, "/tmp/go") })
  tap.matches(guest:must("svc start echo", 0, 60), "echo: ready, pid %d+")
  tap.matches(guest:must("svc why echo"), "starting %-> ready: port 5555 answers")
  await(guest, "echo", "probe +port 5555: answered %d+%.%d s ago")
  guest:must("svc stop echo", 0, 60)
  tap.matches(guest:must("svc start six", 0, 60), "six: ready, pid %d+")  -- at ::1 only
  guest:must("svc stop six", 0, 60)
end)

tap.test("ready by a path that answers 200, and probed by it", function()
  tap.matches(guest:must("svc start web", 0, 60), "web: ready, pid %d+")
  tap.matches(guest:must("svc why web"), "starting %-> ready: http://localhost:8001/ answers")
  await(guest, "web", "probe +http://localhost:8001/: answered %d+%.%d s ago")
  tap.equal(get("web", "well"), "well\n")
end)

tap.test("a service that never answers: what it waits for, then the end, with its cause", function()
  guest:background("svc start mute >/tmp/mute")
  await(guest, "mute", "waits for +port 5557 to answer %(connection refused%); at most %d%.%d s more")
  await(guest, "mute", "state +failed")
  tap.matches(guest:must("svc why mute"), "ending: it does not become ready: port 5557: connection refused")
end)

tap.test("a service that hangs is started again, and svc why says what for", function()
  local before = pid(guest, "web")
  tap.equal(get("web", "hang"), "well\n")
  guest:await("another process", function() return (pid(guest, "web") or before) ~= before end, 60)
  tap.matches(guest:must("svc why web"),
    "ready %-> ending: its probe failed %(2 of 2%): http://localhost:8001/: timed out")
  await(guest, "web", "state +ready")
  tap.matches(guest:must("metrics"), 'restarts_total{service="web",cause="hung"} 1')
end)

tap.test("misses in a row count: 503, what is no HTTP, a closed port; an answer forgets them", function()
  guest:must("svc start ill", 0, 60)
  local before = pid(guest, "ill")
  get("ill", "ill")
  await(guest, "ill", "failed %d+ of 100 times in a row, last %d+%.%d s ago: it answers 503")
  get("ill", "riddle")
  await(guest, "ill", "failed %d+ of 100 times in a row, last %d+%.%d s ago: what it answers is not HTTP")
  get("ill", "hang")
  await(guest, "ill", "failed %d+ of 100 times in a row, last %d+%.%d s ago: timed out")
  tap.equal(pid(guest, "ill"), before)
  guest:must("svc restart ill", 0, 60)
  get("ill", "ill")
  await(guest, "ill", "failed %d+ of 100 times in a row")
  get("ill", "well")
  await(guest, "ill", "probe +http://localhost:8002/: answered")
  tap.matches(guest:must("svc why ill"), "ready: http://localhost:8002/ answers")
end)

tap.test("netd killed or frozen: nobody can be asked, which is not held against the service", function()
  local before = pid(guest, "ill")
  for _, how in ipairs { "", "freeze" } do
    local netd = pid(guest, "netd")
    local last = tonumber(status(guest, "ill"):match(".*#(%d+)"))
    guest:must("svc kill netd " .. how, 0, 60)
    guest:await("another netd", function() return (pid(guest, "netd") or netd) ~= netd end, 60)
    await(guest, "netd", "state +ready")
    await(guest, "ill", "probe +http://localhost:8002/: answered 0%.%d s ago")
    tap.equal(pid(guest, "ill"), before)
    for number, event in status(guest, "ill"):gmatch("#(%d+)([^\n]*)") do
      if tonumber(number) > last then tap.lacks(event, "timed out") end
    end
  end
  guest:must("svc stop netd", 0, 60)
  await(guest, "ill", "could not be asked %d+%.%d s ago: netd is stopped")
  guest:must("svc start netd", 0, 60)
  await(guest, "ill", "probe +http://localhost:8002/: answered")
  tap.equal(pid(guest, "ill"), before)
end)

tap.test("init killed while it probes goes on probing", function()
  local before = pid(guest, "web")
  guest:must("svc kill init", 0, 60)
  await(guest, "web", "probe +http://localhost:8001/: answered")
  tap.equal(pid(guest, "web"), before)
  get("web", "hang")
  guest:await("another process", function() return (pid(guest, "web") or before) ~= before end, 60)
  tap.contains(guest:must("svc why web"), "its probe failed (2 of 2)")
end)

tap.test("init killed while it waits for an answer goes on waiting", function()
  guest:background("svc start slow >/tmp/slow 2>&1")
  await(guest, "slow", "waits for +http://localhost:8003/ to answer %(connection refused%)")
  local before = pid(guest, "slow")
  guest:must("svc kill init", 0, 60)
  await(guest, "slow", "waits for +http://localhost:8003/ to answer %(connection refused%)")
  tap.equal(pid(guest, "slow"), before)
  guest:must("echo >/tmp/go")
  await(guest, "slow", "state +ready")
  tap.equal(pid(guest, "slow"), before)
end)

tap.test("another definition counts at once: other questions, or none", function()
  local before = pid(guest, "slow")
  load_scripts(guest, { slow = WEB:format(8003, '"/tmp/go"',
    "probe = { port = 8004, seconds = 1, failures = 99 }") })
  await(guest, "slow", "probe +port 8004: failed %d+ of 99 times in a row, .*: connection refused")
  load_scripts(guest, { slow = WEB:format(8003, '"/tmp/go"', "stop_seconds = 9") })
  tap.lacks(status(guest, "slow"), "\n  probe")
  tap.equal(pid(guest, "slow"), before)
end)

guest:must("svc stop slow; svc stop ill; svc stop web", 0, 60)
network.finish(guest, function(g)
  g:must("svc start web", 0, 60)
  await(g, "web", "probe +http://localhost:8001/: answered")
  g:must("svc stop web", 0, 60)
end)

tap.test("without a card: the reason is told, and nothing waits for it", function()
  local bare <close> = Guest.start({ disks = { { "build/test.img" } } })
  bare:login("root", "swordfish")
  load_scripts(bare, { web = web(8001, 2, 2):gsub("probe", 'start_seconds = 3, restart = "never", probe') })
  bare:background("svc start web >/tmp/web")
  await(bare, "web", "waits for +http://localhost:8001/ to answer %(there is no network on this machine%)")
  await(bare, "web", "state +failed")
  tap.contains(bare:must("svc why web"),
    "it does not become ready: http://localhost:8001/: there is no network on this machine")
end)

tap.done()
