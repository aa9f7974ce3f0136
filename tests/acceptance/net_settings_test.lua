-- How the network is set up: net.lua (static addresses, name servers, mistakes), the clock by SNTP from a
-- server of the test's own that also lies, and what a service whose script narrows `net` may do.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local EPOCH = 2208988800 -- of NTP, before 1970's

local guest

-- ---- a time server; QEMU's network leads ports of 10.0.2.2 to this machine's

local ntp = uv.new_udp()
assert(ntp:bind("127.0.0.1", 0))
local ntp_port = ntp:getsockname().port
local asked, answer = 0, nil
local function now() return (uv.gettimeofday()) end

local function stamp(seconds)
  return (">I4I4"):pack((seconds + EPOCH) & 0xffffffff, 0)
end

-- An answer as a good server gives it, `ahead` seconds ahead of this machine.
local function good(question, ahead, options)
  options = options or {}
  local time = stamp(now() + ahead)
  return string.char((options.leap or 0) << 6 | 4 << 3 | (options.mode or 4),
    options.stratum or 2, 6, 0xe9) .. ("\0"):rep(8) .. (options.code or "TEST") .. time
    .. (options.origin or question:sub(41, 48)) .. time .. time
end

ntp:recv_start(function(_, data, from)
  if not data then return end
  asked = asked + 1
  for _, text in ipairs(answer and { answer(data) } or {}) do ntp:send(text, from.ip, from.port) end
end)

guest = Guest.start({ more = network.card() })

-- Writes a file, a line at a time; no single quotes in it.
local function write(path, text)
  local to = ">"
  for piece in (text .. "\n"):gmatch("[^\n]*\n") do
    guest:must(("echo '%s' %s%s"):format(piece:sub(1, -2), to, path))
    to = ">>"
  end
end

-- Puts a net.lua in force; what svc said.
local function reload(text)
  write("/tmp/net.lua", text)
  return guest:run("svc reload", 60)
end

local function await_output(what, command, words)
  return guest:await(what, function()
    local text = guest:run(command)
    return text:find(words, 1, true) and text
  end, 120)
end

local function netd_log() return guest:run("svc logs netd; dmesg | grep netd") end

local function await_log(words) return await_output(words, "svc logs netd; dmesg | grep net", words) end

tap.test("the settings of the image: DHCP", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  tap.equal(guest:must("svc check /etc/swos/net.lua"), "/etc/swos/net.lua: good")
end)

tap.test("mistakes are told with file, line and key, and change nothing", function()
  local before = guest:must("ip route"):match("default[^\n]*")
  local text = reload('return {\n  dns = { "1.2.3.4" },\n  interfaces = { net0 = { ipv4 = "dchp" } },\n}')
  tap.contains(text,
    '/tmp/net.lua:3: interfaces.net0.ipv4: expected one of "dhcp", "off", or a table, got "dchp"')
  tap.contains((guest:run("svc check /tmp/net.lua")), "/tmp/net.lua:3: interfaces.net0.ipv4")
  tap.contains(reload("return { dms = {} }"), "/tmp/net.lua:1: dms: unknown key; did you mean dns?")
  tap.contains(reload("return {"), "/tmp/net.lua:2:")
  tap.contains(reload("while true do end"), "took longer than 5 s")
  tap.contains(reload("os.exit(1)"), "there is no global")
  tap.contains(guest:must("ip route"), before)
  guest:must("chmod 666 /tmp/net.lua")
  tap.contains((guest:run("svc reload")), "/tmp/net.lua: may be written by others than root")
  guest:must("rm /tmp/net.lua")
end)

tap.test("static addresses", function()
  tap.contains(reload([[
return {
  interfaces = { net0 = {
    ipv4 = { address = "10.0.2.77/24", gateway = "10.0.2.2" },
    ipv6 = { address = "fec0::77/64", gateway = "fec0::2" },
  } },
  dns = { "10.0.2.3", "192.0.2.1" },
}]]), "changed the network's settings")
  local text = await_output("the address", "ip addr", "inet6 fec0::77/64 static preferred")
  tap.contains(text, "inet 10.0.2.77/24 static preferred forever")
  tap.lacks(text, "10.0.2.15")
  local routes = guest:must("ip route")
  tap.contains(routes, "default via 10.0.2.2 dev net0")
  tap.contains(routes, "default via fec0::2 dev net0")
  tap.contains(guest:must("ping -c 1 10.0.2.2", 0, 60), "bytes from 10.0.2.2")
  tap.contains(guest:must("ping -c 1 fec0::2", 0, 60), "bytes from fec0::2")
  tap.equal((guest:run("svc reload", 60)), "nothing has changed")
end)

tap.test("they survive netd and init", function()
  guest:must("svc kill netd")
  await_output("the address", "ip addr", "inet6 fec0::77/64 static preferred")
  guest:must("svc kill init")
  guest:must("svc kill netd")
  local text = await_output("the address", "ip addr", "inet6 fec0::77/64 static preferred")
  tap.contains(text, "inet 10.0.2.77/24 static")
end)

tap.test("no IPv6, then no IPv4, then all of it again", function()
  reload('return { interfaces = { net0 = { ipv4 = "dhcp", ipv6 = "off" } } }')
  local text = await_output("DHCP", "ip addr", "inet 10.0.2.15/24 dhcp")
  tap.lacks(text:match("net0:.-lo:"), "inet6")
  tap.contains((guest:run("ping -c 1 fec0::2", 60)), "no way to that address")
  reload('return { interfaces = { net0 = { ipv4 = "off" } } }')
  text = await_output("SLAAC", "ip addr", "slaac preferred")
  tap.lacks(text, "inet 10.")
  guest:must("rm /tmp/net.lua")
  guest:must("svc reload", 0, 60)
  network.await_address(guest)
end)

-- ---- the clock

local function guest_time() return tonumber(guest:must("date +%s")) end

-- Has the test's server asked anew: a list of servers that is another one each time.
local later = 0
local function ask_again()
  later = later + 1
  asked = 0
  reload(('return { sntp = { "10.0.2.2:%d", "10.0.2.2:%d" } }'):format(ntp_port, 40000 + later))
end

tap.test("lies do not set the clock", function()
  local before = guest_time() - now()
  for _, lie in ipairs({
    { "origin", function(q) return good(q, 7200, { origin = ("\1"):rep(8) }) end, "does not answer" },
    { "mode", function(q) return good(q, 7200, { mode = 3 }) end, "does not answer" },
    { "short", function(q) return good(q, 7200):sub(1, 47) end, "does not answer" },
    { "leap", function(q) return good(q, 7200, { leap = 3 }) end, "has a clock that is not set" },
    { "stratum 16", function(q) return good(q, 7200, { stratum = 16 }) end, "has a clock that is not set" },
    { "kiss", function(q) return good(q, 7200, { stratum = 0, code = "RATE" }) end,
      "wants to be asked less often" },
    { "kiss", function(q) return good(q, 7200, { stratum = 0, code = "DENY" }) end,
      "does not want to be asked" },
    { "1970", function(q) return good(q, -now()) end, "tells a time that makes no sense" },
  }) do
    answer = lie[2]
    ask_again()
    await_log("net-sntp: server 10.0.2.2 " .. lie[3])
  end
  tap.check(math.abs(guest_time() - now() - before) < 60, "the clock was set: %s", netd_log())
end)

tap.test("the first answer sets it, whatever it was", function()
  answer = function(q) return good(q, 86400 * 30) end
  guest:must("svc restart netd", 0, 60)
  ask_again()
  local text = await_log("net-sntp OK: server 10.0.2.2 stratum 2 offset +2")
  tap.contains(text, "s, clock set")
  tap.check(math.abs(guest_time() - now() - 86400 * 30) < 60, "date: %s", guest:run("date"))
end)

tap.test("a later one that is too far away does not; one that is not does", function()
  answer = function(q) return good(q, 86400 * 300) end
  ask_again()
  await_log("net-sntp FAILED: server 10.0.2.2 stratum 2 offset +23")
  tap.check(math.abs(guest_time() - now() - 86400 * 30) < 60, "the clock was set: %s", guest:run("date"))
  answer = function(q) return good(q, 86400 * 30 + 450) end
  ask_again()
  await_log("offset +4")
  tap.check(math.abs(guest_time() - now() - 86400 * 30 - 450) < 60, "date: %s", guest:run("date"))
end)

tap.test("nor the first to a netd that came back; the first to one that was started by hand does", function()
  answer = function(q) return good(q, 86400 * 200) end
  guest:must("svc kill netd")
  ask_again()
  await_log("net-sntp FAILED: server 10.0.2.2 stratum 2 offset +14")
  tap.check(math.abs(guest_time() - now() - 86400 * 30 - 450) < 60, "it was set: %s", guest:run("date"))
  guest:must("svc restart netd", 0, 60)
  ask_again()
  await_log("net-sntp OK: server 10.0.2.2 stratum 2 offset +14")
  tap.check(math.abs(guest_time() - now() - 86400 * 200) < 60, "date: %s", guest:run("date"))
end)

-- ---- narrowed services

tap.test("a service may do what `net` of its script says and no more", function()
  guest:must("mkdir -p /tmp/services && chmod 755 /tmp/services")
  write("/tmp/probe.lua", [[
local swos = require("swos")
local protocol = require("swos.protocol")
local inet = require("swos.inet")
local net = assert(inet.connect(swos.deadline(20)))
local function try(what, ...)
  local reply, message, code = ...
  print(what .. " " .. (reply and "OK" or code))
end
local function event() return assert(swos.sys.event_create()) end
local function deadline() return swos.deadline(20) end
local function ping(text)
  local bytes, family = inet.parse(text)
  return protocol.net.ping(net, { address = bytes, family = family, size = 8, scope = 0, timeout = 1000,
    sequence = 1 }, deadline())
end
local function connect(text)
  local bytes, family = inet.parse(text)
  local memory = assert(swos.sys.memory_create(36 << 10, swos.MEMORY_COMMIT))
  return protocol.net.connect(net, { address = bytes, family = family, port = 9, scope = 0, memory = memory,
    event = event() }, deadline())
end
local function open(operation, port)
  return protocol.net[operation](net, { address = ("\0"):rep(16), family = 0, port = port, backlog = 1,
    reserved = 0, event = event() }, deadline())
end
try("list", protocol.net.list(net, { what = swos.NET_LINKS, capacity = 4096 }, deadline()))
try("listen-named", open("listen", 7070))
try("listen-other", open("listen", 7071))
try("listen-any", open("listen", 0))
try("bind-named", open("bind", 7070))
try("bind-other", open("bind", 7071))
try("connect-in", connect("10.0.2.9"))
try("connect-out", connect("10.0.3.9"))
try("connect-6", connect("fec0::2"))
try("ping-out", ping("10.0.3.2"))
local again = assert(require("swos.names").connect("names", deadline()))
local reply = protocol.names.lookup(again, { name = "net" }, deadline())
net = reply and reply.connection
try("again-list", protocol.net.list(net, { what = swos.NET_LINKS, capacity = 4096 }, deadline()))
print("probe: done")
]])
  write("/tmp/services/probe.lua", [[
return {
  program = "/bin/lua", arguments = { "/tmp/probe.lua" }, capabilities = { "net", "fs-read" },
  names = { "net", "names", "file/base", "file/tmp" }, restart = "never",
  net = { listen = { 7070 }, connect = { "10.0.2.0/24" } },
}]])
  tap.equal(guest:must("svc reload", 0, 60), "added probe")  -- which changes no setting
  guest:must("svc start probe", 0, 60)
  local text = await_output("the probe", "svc logs probe", "probe: done")
  for _, line in ipairs({ "list ACCESS", "listen-named OK", "listen-other ACCESS", "listen-any ACCESS",
    "bind-named OK", "bind-other ACCESS", "connect-in OK", "connect-out ACCESS", "connect-6 ACCESS",
    "ping-out ACCESS", "again-list ACCESS" }) do
    tap.contains(text, line)
  end
  tap.lacks(guest:must("rm /tmp/services/probe.lua && svc reload", 0, 60), "settings")
end)

tap.test("accounts without the capability are refused in words", function()
  guest:line("exit")
  for _, account in ipairs({ { "user", "swordfish" }, { "guest", "guest" } }) do
    guest:login(account[1], account[2])
    for _, line in ipairs({ "ip addr", "tcpecho", "udpecho", "tcpget 10.0.2.2 9", "nslookup x" }) do
      local text, status = guest:run(line)
      tap.check(status ~= 0, "%s may %s", account[1], line)
      tap.contains(text, "permission denied (needs capability net)", line)
    end
    guest:line("exit")
  end
  guest:login("root", "swordfish")
end)

guest:finish(function() guest:must("svc reload", 0, 60) end)
tap.done()
