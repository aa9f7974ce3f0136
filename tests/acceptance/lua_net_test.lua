-- Sockets of Lua programs: tests/guest/sockets.lua, the death of netd under it, who may, and no card.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local network = require("network")

local PROGRAM = "lua /bin/tests/sockets.lua"

local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } }, more = network.card() })

tap.test("blocking and in the loop: connections, listeners, datagrams, names", function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  guest:checks(PROGRAM, 120)
end)

tap.test("netd killed: whoever waits does not notice", function()
  network.background(guest, "hold", PROGRAM .. " hold", "holding")
  guest:must("svc kill netd", 0, 60)
  guest:must("touch /tmp/killed")
  local text = network.await_line(guest, "hold", "1..")
  tap.contains(text, "accept=late read=late receive=late write=true")
  tap.lacks(text, "not ok")
end)

tap.test("connecting and listening need the capability", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  for _, what in ipairs { "connect([[127.0.0.1]], 7001)", "listen(7001)", "bind(7001)" } do
    tap.contains(guest:must(("lua -e 'print(require([[swos]]).net.%s)'"):format(what)),
      "permission denied (needs capability net)")
  end
  guest:line("exit")
  guest:login("root", "swordfish")
end)

network.finish(guest, function(g) g:must(PROGRAM .. " one", 0, 60) end)

tap.test("without a card there is no network", function()
  local bare <close> = Guest.start({ disks = { { "build/test.img" } } })
  bare:login("root", "swordfish")
  tap.contains(bare:must("lua -e 'print(require([[swos]]).net.connect([[127.0.0.1]], 7001))'"),
    "there is no network on this machine")
end)

tap.done()
