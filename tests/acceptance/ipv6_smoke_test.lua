-- IPv6: the link-local address, one by router advertisement, ping.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local ipv6 = require("ipv6")

local guest = Guest.start({ more = ipv6.CARD })

tap.test("addresses and routes come by themselves", function()
  guest:login("root", "swordfish")
  ipv6.await(guest)
  tap.contains(guest:must("svc logs netd"), "net: IPv6 link-local configured")
  tap.contains(guest:must("ip addr"), "inet6 fe80::5054:ff:fe12:3456/64 link preferred")
  tap.contains(guest:must("ip route"), "default via fe80::2 dev net0")
end)

tap.test("ping the router, by both its addresses, and oneself", function()
  for _, host in ipairs({ "fec0::2", "fe80::2", "::1", ipv6.OWN }) do
    tap.contains(guest:must("ping -c 1 " .. host), "1 received", host)
  end
end)

guest:finish(function() guest:must("ping -c 1 fec0::2") end)
tap.done()
