-- tcpecho over IPv6.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local ipv6 = require("ipv6")
local network = require("network")

local guest = Guest.start({ more = ipv6.CARD })

tap.test("one line there and back, then it ends", function()
  guest:login("root", "swordfish")
  ipv6.await(guest)
  network.background(guest, "one", "tcpecho 6", "tcpecho: listening on 5555")
  tap.equal(guest:must("tcpget " .. ipv6.OWN), "GET swos")
  network.await_line(guest, "one", "tcpecho: got 9 bytes")
end)

tap.test("it keeps serving, and IPv4 is not its affair", function()
  network.background(guest, "many", "tcpecho 6 -k", "tcpecho: listening on 5555")
  for _ = 1, 3 do tap.equal(guest:must("tcpget ::1"), "GET swos") end
  local _, status = guest:run("tcpget 127.0.0.1")
  tap.equal(status, 1)
end)

network.finish(guest, function() guest:must("tcpget ::1; : >/tmp/many") end)
tap.done()
