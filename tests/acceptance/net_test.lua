-- The network as an operator sees it: a lease, addresses, ping, and what goes on when nicd and netd are
-- killed, crash or hang. QEMU's user network is the other side; it needs nothing outside this machine.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local NIC = { "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0" }

local guest = Guest.start({ cpus = 2, more = NIC, allow = { "BEGIN CRASH", "overdue" } })

local function service(name)
  local state, restarts = guest:must("svc list"):match(name .. " +(%S+) +%S+ +(%d+)")
  return state, tonumber(restarts)
end

local function await(what, ready)
  for _ = 1, 120 do
    if ready() then return end
    guest:sleep(0.25)
  end
  error("not within 30 s: " .. what, 0)
end

local function await_address()
  await("an address", function() return guest:must("ip addr"):find("inet 10.0.2.15/24 dhcp", 1, true) end)
end

tap.test("a lease comes by itself, and the log says so", function()
  guest:login("root", "swordfish")
  await("netd ready", function() return (service("netd")) == "ready" end)
  await_address()
  tap.contains(guest:must("svc logs netd"), "net-dhcp OK: lease 10.0.2.15 gateway 10.0.2.2 dns 10.0.2.3")
end)

local function await_ipv6()
  await("IPv6 by router advertisement", function()
    return guest:must("ip addr"):find("inet6 fec0::5054:ff:fe12:3456/64 slaac preferred", 1, true)
  end)
end

tap.test("ip tells of addresses, routes and neighbours", function()
  await_ipv6()
  local text = guest:must("ip addr")
  tap.contains(text, "net0: up mtu 1500 52:54:00:12:34:56")
  tap.contains(text, "inet6 fe80::5054:ff:fe12:3456/64 link preferred")
  tap.contains(text, "inet 127.0.0.1/8 static")
  local routes = guest:must("ip route")
  tap.contains(routes, "default via 10.0.2.2 dev net0")
  tap.contains(routes, "10.0.2.0/24 dev net0")
  tap.contains(routes, "default via fe80::2 dev net0")
  guest:must("ping -c 1 10.0.2.2")
  tap.matches(guest:must("ip neigh"), "10%.0%.2%.2 dev net0 lladdr 52:55:0a:00:02:02 reachable")
  local _, status = guest:run("ip nonsense")
  tap.equal(status, 2)
end)

tap.test("ping: IPv4, IPv6, itself, nobody", function()
  tap.matches(guest:must("ping -c 2 -i 0.2 10.0.2.2"), "2 sent, 2 received, 0%% lost")
  tap.contains(guest:must("ping -c 1 fec0::2"), "1 received")
  tap.contains(guest:must("ping -c 1 127.0.0.1"), "1 received")
  tap.contains(guest:must("ping -c 1 ::1"), "1 received")
  tap.contains(guest:must("ping -c 1 -s 1400 10.0.2.2"), "1408 bytes from 10.0.2.2")
  local output, status = guest:run("ping -c 1 -W 0.5 10.0.2.77")
  tap.equal(status, 1)
  tap.contains(output, "no answer from 10.0.2.77")
  tap.equal(guest:must("nslookup localhost"), "localhost -> 127.0.0.1")
end)

tap.test("metrics count the card's packets", function()
  local function sent()
    return tonumber(tap.matches(guest:must("metrics"),
      'node_network_transmit_packets_total{device="net0"} (%d+)'))
  end
  local before = sent()
  guest:must("ping -c 5 -i 0.01 10.0.2.2")
  tap.check(sent() >= before + 5, "not counted")
end)

tap.test("netd sleeps when nothing happens, but looks after its neighbours for a while", function()
  local function cpu()
    return tap.matches(guest:must("metrics"), 'swos_service_cpu_seconds_total{service="netd"} (%S+)')
  end
  guest:must("ping -c 1 10.0.2.2")
  local at_once = cpu()
  guest:sleep(5)
  local soon = cpu()
  tap.check(soon ~= at_once, "no timer ran within 5 s of a packet")
  guest:sleep(20)
  local quiet = cpu()
  guest:sleep(10)
  tap.equal(cpu(), quiet, "CPU time of netd, 25 and 35 s after the last packet")
end)

-- Runs a ping of so many seconds, ten a second, and does something meanwhile. How many went unanswered.
local function while_pinging(seconds, action)
  guest:must(("(ping -i 0.1 -W 1 -c %d 10.0.2.2 >/tmp/ping &)"):format(seconds * 10))
  action()
  local text
  await("the ping's end", function()
    text = guest:must("cat /tmp/ping")
    return text:find(" lost", 1, true)
  end)
  local sent, received = text:match("(%d+) sent, (%d+) received")
  return tonumber(sent) - tonumber(received), text
end

local function returns(name, how)
  local _, before = service(name)
  guest:must(("svc kill %s%s"):format(name, how))
  await(name .. " is back", function()
    local state, restarts = service(name)
    return state == "ready" and restarts > before
  end)
end

for _, case in ipairs({ { "nicd", "", 4, 3 }, { "nicd", " crash", 4, 3 }, { "nicd", " hang", 20, 20 },
  { "nicd", " freeze", 20, 20 }, { "netd", "", 6, 10 }, { "netd", " crash", 6, 10 },
  { "netd", " hang", 24, 30 }, { "netd", " freeze", 24, 30 } }) do
  local name, how, seconds, most = table.unpack(case)
  tap.test(("ping goes on across svc kill %s%s"):format(name, how), function()
    guest:sleep(1)
    local lost, text = while_pinging(seconds, function() returns(name, how) end)
    tap.check(lost <= most, "%d lost: %s", lost, text:sub(-300))
    await_address()
    tap.contains(guest:must("ping -c 1 10.0.2.2"), "1 received")
  end)
end

tap.test("user and guest are refused", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  for _, line in ipairs({ "ip addr", "ping -c 1 10.0.2.2", "nslookup localhost", "ss" }) do
    local output, status = guest:run(line)
    tap.equal(status, 1, line)
    tap.matches(output, "^%w+:[^\n]* permission denied %(needs capability net%)$", line) -- and nothing else
  end
  guest:line("exit")
  guest:login("root", "swordfish")
end)

tap.test("no pages, handles or objects are lost", function()
  guest:leak_check(function()
    returns("nicd", "")
    returns("netd", "")
    await_address()
    guest:must("ping -c 5 -i 0.05 10.0.2.2")
    await_ipv6()
    guest:must("ping -c 1 fec0::2")
  end, 2, 1)
end)
guest:close()

tap.test("without a card there is no network, and nothing waits for one", function()
  local other <close> = Guest.start({})
  other:login("root", "swordfish")
  tap.lacks(other:must("svc list"), "netd")
  tap.lacks(other:must("dmesg"), "netd")
  for _, line in ipairs({ "ip addr", "ping -c 1 10.0.2.2", "nslookup localhost" }) do
    local output, status = other:run(line)
    tap.equal(status, 1, line)
    tap.contains(output, "there is no network on this machine", line)
  end
end)

tap.done()
