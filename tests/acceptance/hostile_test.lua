-- Servers with a hostile client, and clients with a hostile server, for every protocol: nobody crashes,
-- hangs, grows or leaks. tests/hostile has the enemy.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local abi = require("abi")
local disk = require("disk")
local machine = require("machine")

local SEED = tonumber(os.getenv("SWOS_HOSTILE_SEED") or "1")
local COUNT = tonumber(os.getenv("SWOS_HOSTILE_COUNT") or "2000")
local SEEDS = 3
local ATTACKS = 3
local LIMIT = 280
local SCRATCH = 4 << 20

-- The disk of the system, and one that a hostile client of the driver may write to.
local kernel <close> = disk.temporary(machine.with_bundle("build/kernel.img", "build/hostile.bundle"))
local guest = Guest.start({ cpus = 2, kernel = kernel.path,
  disks = { { "build/test.img" }, { disk.blank(SCRATCH), writable = true } },
  more = { "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0" } })
guest:login("root", "swordfish")
guest:must("svc start metrics", 0, 60)

-- protocol -> true: attacked from that side, as the guest program says
local attacked = { client = {}, server = {} }

-- Takes over the results of the guest program; what it says of a protocol is in parentheses.
local function judge(output, status, side)
  local checks = 0
  for line in output:gmatch("[^\n]+") do
    local bad, what = line:match("(n?o?t? ?)ok %d+ %- (.*)")
    if bad == "not " then error(output, 0) end
    if bad then
      checks = checks + 1
      local protocol = what:match(" %((%l+)%) ")
      if protocol then attacked[what:find("wrong answers", 1, true) and "server" or side][protocol] = true end
    end
  end
  tap.check(status == 0 and checks > 0, "status %d: %s", status, output)
end

local function run(...)
  local output, status = guest:run("/bin/tests/hostile " .. table.concat({ ... }, " "), LIMIT)
  judge(output, status, "client")
end

-- Runs it as a service: what it printed is the last part of the service's log.
local function run_service(seed, count)
  guest:must(("echo %d %d >/tmp/hostile.options"):format(seed, count))
  local said, status = guest:run("svc start hostile", LIMIT)
  local log = guest:must("svc logs hostile")
  judge(log:match(".*(# seed.*)") .. "\n" .. said, status, "client")
end

-- Of all servers; the deaths of netd that the lies in its pool include are none.
local function restarts()
  local count = 0
  for deaths in guest:must("svc logs hostile"):gmatch("and died (%d+) times") do count = count - deaths end
  for number in (guest:must("svc list") .. "\n"):gmatch("(%d+)\n") do count = count + tonumber(number) end
  return count
end

tap.test("when a request is sent again, how often, and under which id", function() run("rules") end)

local before = restarts()
tap.test("each server takes malformed requests and answers the next honest one", function()
  run("client", SEED, COUNT)
end)

-- Meanwhile connections of the machine with itself, 32 MiB each way.
tap.test("so does the disks' driver; imgfs reads what is true or nothing from a disk that lies", function()
  guest:background("sh -c 'while [ ! -e /tmp/enough ] && /bin/tests/net_death pair; do :; done; "
    .. "echo over' >/tmp/pair 2>&1")
  run_service(SEED, COUNT)
end)

tap.test("the lies in the packet pool reached nothing else", function()
  guest:must("touch /tmp/enough")
  local said = guest:await("the end of a connection with itself", function()
    local text = guest:must("cat /tmp/pair")
    return text:find("over", 1, true) and text
  end, LIMIT)
  tap.matches(said, "all bytes came\nover")
  guest:must("rm /tmp/pair /tmp/enough")
end)

tap.test("after the lies in its packet pool the network goes on", function()
  tap.contains(guest:must("svc logs hostile"), "lies in the packet pool")
  guest:await("an answer to a ping", function() return select(2, guest:run("ping -c 1 10.0.2.2")) == 0 end)
end)

for seed = SEED, SEED + SEEDS - 1 do
  tap.test(("a client takes wrong answers, late ones and none (seed %d)"):format(seed), function()
    run("server", seed, COUNT // 4)
  end)
end

tap.test("no protocol was left out, on neither side", function()
  for side, protocols in pairs(attacked) do
    for name in pairs(abi.protocol) do
      tap.check(protocols[name], "no hostile %s of %s: teach tests/hostile/%s.c", side, name, side)
    end
  end
end)

tap.test("no server was started again", function() tap.equal(restarts(), before, "restarts") end)

-- The program's own calls fail then as they may; a crash of netd fails the test.
tap.test("netd's successors take up what a hostile client left in its rings", function()
  guest:must("(sh -c 'while [ ! -e /tmp/enough ]; do /bin/tests/hostile client 7 1000 >/dev/null; done; "
    .. "echo over >/tmp/attack' &)")
  for _ = 1, 20 do
    guest:must("svc kill netd")
    guest:sleep(0.2) -- for the attack to leave something
  end
  guest:must("touch /tmp/enough")
  for _ = 1, 600 do
    if guest:run("cat /tmp/attack"):find("over", 1, true) then break end
    guest:sleep(0.25) -- between two looks
  end
  tap.contains(guest:must("cat /tmp/attack"), "over")
  guest:must("rm /tmp/attack /tmp/enough")
  run("client", SEED, 200)
end)

guest:finish(function()
  run("client", SEED, 200)
  run("server", SEED, 50)
  run_service(SEED, 100)
  guest:must("rm -rf /tmp/*")
end)

-- A guest of its own: what an attack leaves of init's heap is not what the load above would find.
local other = Guest.start({ cpus = 2, kernel = kernel.path, disks = { { "build/test.img" } } })
other:login("root", "swordfish")

-- Sessions that a new init did not know would be ended after the machine's last words, if at all.
tap.test("a new init has the job of sessions of the one before", function()
  other:must("svc kill init; svc list", 0, LIMIT)
  local said = other:await("a word of the new init", function()
    local first, second = other:run("dmesg"):match("job of sessions is (%d+)\r?\n.*job of sessions is (%d+)")
    return first and { first, second }
  end, LIMIT)
  tap.equal(said[2], said[1])
end)

-- Each start of the service `enemy` is an attack, which hostile_services.lua wages inside init.
for round = 1, ATTACKS do
  tap.test(("init takes them from file servers, logd, consoled and blkd (%d)"):format(round), function()
    other:must("svc start enemy")
    local status = other:await("the end of the attack", function()
      local text = other:run("svc status enemy")
      return text:find("state     stopped", 1, true) and text
    end, LIMIT)
    tap.check(status:match(".*( attacked: .*)"):find("withstood", 1, true), "%s", status)
  end)
end

other:finish()
tap.done()
