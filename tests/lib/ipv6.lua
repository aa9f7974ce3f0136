-- The card of an IPv6 test, and waiting until the guest has its address. QEMU forwards no IPv6 port of this
-- machine, so client and server are both in the guest, over its own address.

local network = require("network")

local M = { CARD = network.card(), OWN = "fec0::5054:ff:fe12:3456" }

function M.await(guest)
  for _ = 1, 120 do
    local text = guest:run("ip addr")
    if text:find(M.OWN .. "/64 slaac preferred", 1, true) then return end
    guest:sleep(0.25)
  end
  error("no IPv6 address within 30 s", 0)
end

return M
