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

tap.test("Ctrl-C ends a ping with its sums", function()
  for _, interval in ipairs({ "0.2", "1000" }) do -- while it asks, while it waits
    guest.position = #guest.text + 1
    guest:line("ping -i " .. interval .. " ::1; echo =$?")
    guest:expect("seq=1 ")
    guest:send("\3")
    guest:expect(" received, 0% lost\r\n")
    guest:expect("=0\r\n")
    guest:prompt()
  end
end)

guest:finish(function() guest:must("ping -c 1 fec0::2") end)
tap.done()
