-- net.lua: what its schema takes, what it says about mistakes, and the lines netd is given.
package.path = "tests/lib/?.lua;lua/?.lua;" .. package.path
local tap = require("tap")
local network = require("swos.service.network")
local schema = require("swos.service.schema")

local function problems(data)
  local settings, list = network.check(data)
  if settings then return "" end
  for i, problem in ipairs(list) do list[i] = problem.path .. ": " .. problem.text end
  return table.concat(list, "\n")
end

local function interface(key, value) return { interfaces = { net0 = { [key] = value } } } end

tap.test("nothing said is DHCP and router advertisements", function()
  tap.equal(network.lines(network.check({}), {}), "ipv4 dhcp\nipv6 auto\nkeepalive 7200 75 9\n")
end)

tap.test("the copy in the image says the same", function()
  tap.equal(network.lines(network.check(dofile("etc/swos/net.lua")), {}),
    network.lines(network.check({}), {}))
end)

tap.test("everything said", function()
  local settings = network.check({
    interfaces = { net0 = { ipv4 = { address = "192.0.2.5/24", gateway = "192.0.2.1" },
      ipv6 = { address = "2001:db8::5/64", gateway = "fe80::1" } } },
    dns = { "192.0.2.53", "[2001:db8::53]:5353" }, sntp = { "10.0.2.2", "time.example.org:1123" },
    keepalive = { idle = 60, probes = 3 } })
  local rules = network.rules({ net = { listen = { 8080 }, connect = { "10.0.0.0/8", "2001:db8::/32" } } })
  tap.equal(network.lines(settings, { [20] = rules }), [[
ipv4 static c0000205 24 c0000201
ipv6 static 20010db8000000000000000000000005 64 fe800000000000000000000000000001
dns 4 c0000235 53
dns 6 20010db8000000000000000000000053 5353
sntp 10.0.2.2 123
sntp time.example.org 1123
keepalive 60 75 3
rules 20
listen 8080
connect 4 0a000000 8
connect 6 20010db8000000000000000000000000 32
]])
  tap.equal(network.settings_of(network.lines(settings, { [20] = rules, [21] = rules })),
    network.lines(settings, {}))
  tap.equal(network.lines(network.check(interface("ipv4", "off")), {}):match("[^\n]*"), "ipv4 off")
end)

tap.test("a wrong value of every key says what was expected", function()
  for _, case in ipairs({
    { 5, "expected the script to return a table, got 5" },
    { { interface = {} }, "interface: unknown key; did you mean interfaces?" },
    { { interfaces = { net1 = {} } }, "interfaces.net1: unknown key" },
    { interface("ipv4", "auto"), 'ipv4: expected one of "dhcp", "off", or a table, got "auto"' },
    { interface("ipv4", {}), "ipv4.address: missing; expected an address and the bits of its prefix" },
    { interface("ipv4", { address = "192.0.2.5" }), 'like "192.0.2.5/24", got "192.0.2.5"' },
    { interface("ipv4", { address = "192.0.2.256/24" }), "got" },
    { interface("ipv4", { address = "192.0.2.5/33" }), "got" },
    { interface("ipv4", { address = "2001:db8::1/64" }), "got" },
    { interface("ipv4", { address = "224.0.0.1/24" }), "got" },
    { interface("ipv4", { address = "127.0.0.1/8" }), "got" },
    { interface("ipv4", { address = "192.0.2.0/24" }), "the address of the network itself" },
    { interface("ipv4", { address = "192.0.2.255/24" }), "or of all in it" },
    { interface("ipv4", { address = "192.0.2.5/24", gateway = "192.0.3.1" }),
      "ipv4.gateway: not in the network of 192.0.2.5/24" },
    { interface("ipv4", { address = "192.0.2.5/24", gateway = "192.0.2.5" }), "own address" },
    { interface("ipv6", { address = "2001:db8::5/65" }), "always /64" },
    { interface("ipv6", { address = "ff02::1/64" }), "always /64" },
    { interface("ipv6", { address = "2001:db8::5/64", gateway = "10.0.0.1" }), "an IPv6 address" },
    { { dns = { "dns.example.org" } }, "dns[1]: expected an IPv4 or IPv6 address" },
    { { dns = { "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5" } }, "a list of at most 4" },
    { { dns = { "192.0.2.53:0" } }, "dns[1]: expected an IPv4 or IPv6 address" },
    { { dns = { "[192.0.2.53]:99999" } }, "dns[1]" },
    { { sntp = { "a b" } }, "sntp[1]: expected an address or the name of a host" },
    { { sntp = { "300.1.1.1" } }, "sntp[1]: expected an address or the name" },
    { { sntp = { "x..y" } }, "sntp[1]" },
    { { keepalive = { idle = 0 } }, "keepalive.idle: expected a whole number from 1 to 86400, got 0" },
    { { keepalive = { every = 1 } }, "keepalive.every: unknown key" },
  }) do
    tap.contains(problems(case[1]), case[2])
  end
end)

tap.test("`net` of a service script", function()
  local function script(net, names)
    local definition, list = schema.check({ program = "/bin/x", names = names or { "net" }, net = net },
      "tmp")
    return definition and "" or list[1].path .. ": " .. list[1].text
  end
  tap.equal(script({ listen = { 80 }, connect = { "10.0.0.0/8", "::/0" } }), "")
  tap.equal(script({}), "")
  tap.contains(script({}, {}), 'net: only for a service whose names have "net"')
  tap.contains(script({ listen = { 0 } }), "net.listen[1]: expected a whole number from 1 to 65535")
  tap.contains(script({ connect = { "10.0.0.0" } }), 'net.connect[1]: expected addresses like "10.0.0.0/8"')
  tap.contains(script({ connect = { "10.0.0.0/33" } }), "net.connect[1]")
  tap.contains(script({ bind = {} }), "net.bind: unknown key")
  tap.equal(network.rules({}), nil)
end)

tap.done()
