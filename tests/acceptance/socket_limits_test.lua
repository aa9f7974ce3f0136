-- Programs that ask netd for more than they should have, and that die at each step of a connection's life:
-- others go on, and nothing is left (tests/guest/socket_limits.c).

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local PROGRAM = "/bin/tests/socket_limits "
local http = network.free_port("tcp")
local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } },
  more = network.card({ { "tcp", http, 8080 } }) })

-- A program that takes all the sockets it gets, and keeps them; how many it has got.
local function hog(name)
  network.background(guest, name, PROGRAM .. "hog", "then: too many sockets")
  return tonumber(guest:must("cat /tmp/" .. name):match("^(%d+) sockets"))
end

-- Ends what waits for it.
local function enough()
  guest:must("touch /tmp/enough")
  guest:await("the end of all of them", function()
    return not guest:must("ps"):find("socket_limits", 1, true)
  end)
  guest:must("rm /tmp/enough")
end

-- What needs no sockets of the session works, and what has other ones.
local function services_work()
  guest:must("ss -tl")
  guest:must("ping -c 1 10.0.2.2", 0, 60)
  tap.contains(guest:must("nslookup localhost"), "127.0.0.1")
  tap.equal(network.run(guest, ("curl -s --max-time 60 http://127.0.0.1:%d/health"):format(http), nil, 90),
    "ok\n")
end

local function others_work()
  services_work()
  network.background(guest, "echo", "tcpecho", "listening on 5555")
  tap.contains(guest:must("tcpget 127.0.0.1 5555", 0, 60), "GET swos")
end

local function netd_memory()
  return tonumber(tap.matches(guest:must([[metrics | grep 'memory_bytes{service="netd"}']]), " (%d+)$"))
end

tap.test("connections closed in a row leave ports and memory", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  local before = netd_memory()
  guest:checks(PROGRAM .. "passing 12000", 240)
  local more = netd_memory() - before
  tap.note("%d bytes more", more)
  tap.check(more < 3 << 20, "%d bytes more", more)  -- 4,096 in TIME_WAIT are 1.3 MB, 12,000 are 3.7
end)

tap.test("as many sockets as it gets: a clear error, and others go on", function()
  guest:checks(PROGRAM .. "many", 120)
end)

tap.test("however many programs take all they can, commands and services get what they need", function()
  guest:must("svc start httpd", 0, 60)
  tap.check(hog("hog0") <= 2048, "one program has more than a quarter")
  others_work()
  tap.check(hog("hog1") >= 500, "the next one gets less than a quarter of what is left to it")
  others_work()
  -- as many in the sum, and others work, when netd was started again meanwhile
  guest:must("svc kill netd", 0, 60)
  guest:await("netd", function() return guest:must("svc list"):find("netd +ready") end)
  tap.check(hog("hog2") < 200, "what there was before is not counted any more")
  others_work()
  -- all that a session may have
  for i = 3, 8 do hog("hog" .. i) end
  tap.contains(guest:run("tcpget 127.0.0.1 5555", 60), "no buffer space available")
  tap.contains(guest:must("lua -e 'print(require([[swos]]).net.connect([[127.0.0.1]], 5555))'", 0, 60),
    "127.0.0.1 port 5555: too many sockets of this program, its session or its account\tTOO_MANY_SOCKETS")
  services_work()
  enough()
  guest:must("svc stop httpd", 0, 60)
end)

tap.test("ss lists 2,000 connections, each once", function()
  network.background(guest, "pairs", PROGRAM .. "pairs 1000", "1000 pairs, success")
  guest:must("ss -tan >/tmp/ss", 0, 120)
  tap.equal(guest:must("grep -c '^tcp  *ESTABLISHED .*:7777' /tmp/ss"), "2000")
  tap.equal(guest:must("grep -c '^tcp  *LISTEN .*:7777' /tmp/ss"), "1")
  tap.equal(guest:must("sort /tmp/ss | uniq | wc -l"):match("%d+"), guest:must("wc -l </tmp/ss"):match("%d+"))
  enough()
end)

tap.test("datagrams that nobody reads", function() guest:checks(PROGRAM .. "flood", 120) end)

tap.test("as many pings and names under way as one may have: others' are asked, too", function()
  guest:must("echo 'return { dns = { [[10.0.2.2:9]] } }' >/tmp/net.lua && svc reload", 0, 60) -- says nothing
  for _, what in ipairs({ "pings", "names" }) do
    network.background(guest, what, "lua /bin/tests/asking.lua " .. what, "under way")
    local count = tonumber(guest:must("cat /tmp/" .. what):match("^(%d+) under way"))
    tap.check(count >= 8 and count <= 16, "%d %s", count, what)
  end
  guest:must("ping -c 1 10.0.2.2", 0, 60)
  tap.contains(guest:run("nslookup other.test", 60), "timed out")
  guest:must("rm /tmp/net.lua && svc reload", 0, 60)
end)

tap.test("client and server die at each step, each with each", function()
  guest:checks(PROGRAM .. "steps", 180)
  guest:await("no connection is left but in TIME_WAIT", function()
    return not guest:must("ss"):find(":7777", 1, true)
  end)
end)

tap.test("nobody died of it", function() tap.matches(guest:must("svc list"), "netd +%S+ +%S+ +1\n") end)

tap.test("no pages, handles or objects are lost", function()
  guest:leak_check(function()
    guest:checks(PROGRAM .. "many", 120)
    guest:await("its sockets are gone", function()
      local output, status = guest:run("ss -ul")
      return status == 0 and not output:find("udp", 1, true)
    end)
  end, 1, 1)
end)

tap.done()
