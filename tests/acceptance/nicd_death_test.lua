-- What goes on when nicd dies: everything. Bytes both ways while it is killed each second, and packets that
-- came while there was no driver. SWOS_NICD_MIB: how many MiB a connection moves each way.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")
local disk = require("disk")
local network = require("network")

local MIB = tonumber(os.getenv("SWOS_NICD_MIB") or "48")
local KILLS = 6 -- at least; as many connections one after the other as that takes
local DATAGRAMS = 64 -- fewer than the card has buffers for

local tcp, udp = network.free_port("tcp"), network.free_port("udp")
local guest = Guest.start({ cpus = 2, more = network.card({ { "tcp", tcp, 5555 }, { "udp", udp, 5555 } }),
  allow = { "overdue" } })

local function nicd()
  local state, restarts = guest:must("svc list"):match("nicd +(%S+) +%S+ +(%d+)")
  return state, tonumber(restarts)
end

local function await_successor(before)
  guest:await("nicd is back", function()
    local state, restarts = nicd()
    return state == "ready" and restarts > before
  end, 120)
end

-- Sends so many random MiB through tcpecho, does something until all are back, and compares.
local function echo(mib, meanwhile)
  local path, back = disk.blank(0), disk.blank(0)
  assert(os.execute(("head -c %d /dev/urandom >%s"):format(mib << 20, path)))
  local client = network.start(("timeout 900 nc -N 127.0.0.1 %d <%s >%s"):format(tcp, path, back))
  local began = uv.hrtime()
  while not client.status do meanwhile(client) end
  local seconds = (uv.hrtime() - began) / 1e9
  tap.equal(client.status, 0, "status of nc")
  local difference, differs = network.run(guest, ("cmp %s %s 2>&1; wc -c <%s"):format(path, back, back), nil,
    120)
  if differs ~= 0 or difference:find("%a") then
    error(("other bytes came back: %s\n%s"):format(difference, guest:must("svc logs netd; svc logs nicd")), 0)
  end
  return seconds
end

tap.test(("nicd is killed every second while %d MiB go each way"):format(MIB), function()
  guest:login("root", "swordfish")
  network.await_address(guest)
  network.background(guest, "tcp", "tcpecho -k", "tcpecho: listening on 5555")
  local kills, seconds, rounds = 0, 0, 0
  repeat
    rounds = rounds + 1
    seconds = seconds + echo(MIB, function()
      guest:must("svc kill nicd")
      kills = kills + 1
      guest:sleep(1) -- a kill a second
    end)
  until kills >= KILLS
  tap.note("%d kills in %.1f s, %.1f MB/s each way", kills, seconds, rounds * (MIB << 20) / seconds / 1e6)
end)

tap.test("nicd is killed three times at once, again and again: it dies while it takes over", function()
  local rounds = 0
  repeat
    echo(16, function()
      guest:run("svc kill nicd; svc kill nicd; svc kill nicd")
      rounds = rounds + 1
      guest:sleep(0.1) -- for bytes to flow between
    end)
  until rounds >= KILLS
  guest:await("nicd is ready", function() return nicd() == "ready" end, 120)
  tap.lacks(guest:must("svc logs nicd"), "makes no sense")
end)

-- What the card received without a driver is the successor's: none is lost, and each comes once, but for
-- the one that the driver died over.
tap.test("datagrams that came while nicd stood still are answered after its end", function()
  network.background(guest, "udp", "udpecho -k", "udpecho: listening on 5555")
  local socket, came, count, twice = uv.new_udp(), {}, 0, 0
  socket:bind("127.0.0.1", 0)
  socket:recv_start(function(_, data)
    if not data then return end
    if came[data] then twice = twice + 1 else count = count + 1 end
    came[data] = true
  end)
  guest:await("an echo", function()
    socket:send("first", "127.0.0.1", udp)
    return came.first
  end)
  guest:sleep(1) -- for further answers to "first", if it took several
  count, twice = 0, 0
  local _, before = nicd()
  guest:must("svc kill nicd freeze")
  for i = 1, DATAGRAMS do socket:send("datagram " .. i, "127.0.0.1", udp) end
  await_successor(before)
  guest:await("all are back", function()
    local _, restarts = nicd()
    tap.equal(restarts, before + 1, "restarts of nicd")
    return count == DATAGRAMS or nil
  end)
  tap.check(twice <= 1, "%d came twice", twice)
  socket:close()
end)

tap.test("no pages, handles or objects are lost", function()
  guest:leak_check(function()
    local _, before = nicd()
    local killed = false
    echo(1, function()
      if not killed then guest:must("svc kill nicd") end
      killed = true
      guest:sleep(0.05) -- between two looks
    end)
    await_successor(before)
  end, 3, 2)
end)

tap.done()
