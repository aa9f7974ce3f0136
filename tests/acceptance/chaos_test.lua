-- Servers die all the time, one or two at once, by kill, crash and hang, also while another comes
-- back and in the first moments of a start; work goes on and loses nothing it was promised.
--
-- SWOS_CHAOS_RECOVERIES says how many recoveries to cause (200), SWOS_CHAOS_SEED the random seed,
-- SWOS_CHAOS_TRANSCRIPT a file that gets the serial line.

package.path = "tests/lib/?.lua;tests/chaos/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local machine = require("machine")
local log = require("log")
local monitor = require("monitor")

local RECOVERIES = tonumber(os.getenv("SWOS_CHAOS_RECOVERIES") or "200")
local SEED = tonumber(os.getenv("SWOS_CHAOS_SEED") or "1")
local WARM_UP = 12
local SHORTEST, LONGEST = 200, 1200  -- ms between rounds
local VICTIMS = "blkd imgfs tmpfs consoled authd logd inputd nicd netd init"
local WRITERS, READERS = { 1, 2 }, { 3, 4 }
local LOGIN, TALKER = 5, 6
local TALK_LEAST = 5  -- lines a second; it would say 20

local path = monitor.path()
local guest = Guest.start({ cpus = 2, kernel = machine.with_bundle("build/kernel.img", "build/chaos.bundle"),
  disks = { { "build/test.img" } }, allow = { "BEGIN CRASH", "overdue" }, monitor = path,
  more = { "-device", "virtio-keyboard-device", "-netdev", "user,id=n0",
    "-device", "virtio-net-device,netdev=n0" } })
guest:login("root", "swordfish", 120)
local keyboard = monitor.open(guest, path)

local typed, keyed = 0, 0 -- lines typed while servers died: on the serial line, on the keyboard

local function has_come(words, start, timeout)
  return guest:wait(function() return guest.text:find(words, start, true) end, timeout)
end

-- Types a line now and then until the agent has done its work. The next one waits until it has come:
-- bytes of the serial line and of the keyboard would mix, and QEMU drops keys that do not fit the ring of
-- 64 events, four a key. The quotes keep the echo of what is typed from looking like the answer.
local function type_until_done(start, seconds)
  local deadline = guest:elapsed() + seconds * 1000
  while not has_come("@D ", start, 1) do
    assert(guest:elapsed() < deadline, "the recoveries do not come to an end")
    typed = typed + 1
    guest:line(("echo %d >>/tmp/typed; echo '@K' s%d $?."):format(typed, typed))
    has_come(("@K s%d "):format(typed), start, 30)
    keyed = keyed + 1
    keyboard:type(("sh /tmp/k %d\n"):format(keyed))
    has_come(("@K k%d "):format(keyed), start, 30)
  end
end

-- Runs the load while servers die; what the guest said meanwhile.
local function run_load(recoveries, seed)
  typed, keyed = 0, 0
  guest:must("rm -f /tmp/load.stop /tmp/typed /tmp/keyed")
  guest:must("echo 'echo $1 >>/tmp/keyed; echo @K k$1 $?.' >/tmp/k")
  local start = #guest.text + 1
  for _, n in ipairs(WRITERS) do guest:line(("/bin/tests/chaos_load write %d &"):format(n)) end
  for _, n in ipairs(READERS) do guest:line(("/bin/tests/chaos_load read %d &"):format(n)) end
  guest:line(("/bin/tests/chaos_load login %d &"):format(LOGIN))
  guest.position = start
  for _ in ipairs(READERS) do guest:expect("@B ", 120) end
  local began = guest:elapsed()
  guest:line(("echo %d %d %d %d %s >/tmp/chaos.go"):format(recoveries, seed, SHORTEST, LONGEST, VICTIMS))
  type_until_done(start, 60 + recoveries * 5)
  guest:line("touch /tmp/load.stop")
  guest.position = start
  for _ = 1, #WRITERS + #READERS + 1 do guest:expect("@L ", 120) end
  guest:sleep(0.5) -- the shell's words on what has ended, of which there may be none
  if os.getenv("SWOS_CHAOS_TRANSCRIPT") then
    local file <close> = assert(io.open(os.getenv("SWOS_CHAOS_TRANSCRIPT"), "a"))
    file:write(guest.text:sub(start))
  end
  local result = log.read(guest.text:sub(start))
  if os.getenv("SWOS_CHAOS_DEBUG") and result.refused[1] then guest:must("dmesg") end
  result.seconds = (guest:elapsed() - began) / 1000
  return result
end

-- Every server is a fresh process, init included, and nothing of the load is left; that init has read its
-- scripts, which takes memory for a moment. The agent's own memory is not counted: what of its stacks it
-- has used is chance.
local function settle()
  guest.position = #guest.text + 1
  guest:line("")
  guest:prompt()
  guest:must("rm -rf /tmp/load.1 /tmp/load.2 /tmp/load.1.log /tmp/load.2.log /tmp/load.stop")
  guest:must("rm -rf /tmp/typed /tmp/keyed /tmp/k")
  for name in VICTIMS:gmatch("%S+") do
    if name ~= "init" then
      guest:must("svc kill " .. name)
      guest:sleep(0.5) -- one after the other, each back before the next goes
    end
  end
  local start = #guest.text + 1
  guest:must("echo 1 1 100 100 init >/tmp/chaos.go")
  guest.position = start
  guest:expect_pattern("@D %d+\r?\n", 30)
  guest:must("svc reload", 0, 60)
  local counters = guest:settled()
  counters.pages = counters.pages + counters.owners.chaos // 4
  return counters
end

-- Fills the terminal's output once, so that it has all its pages: its server loops until it is found
-- out, and what is printed meanwhile stays.
local function fill_terminal()
  guest:must("svc kill consoled hang; lua -e 'for _ = 1, 400 do print((\"-\"):rep(60)) end'", 0, 60)
end

run_load(WARM_UP, SEED + 1)
fill_terminal()
local before = settle()
local session = guest:must("id")

local result
tap.test(("%d recoveries under load"):format(RECOVERIES), function()
  result = run_load(RECOVERIES, SEED)
  tap.check(result.recoveries >= RECOVERIES, "%d recoveries", result.recoveries)
  tap.equal(table.concat(result.trouble, "\n"), "")
  for _, line in ipairs(result.summary) do tap.note("%s", line) end
end)

tap.test("no operation failed, no byte read was another", function()
  tap.equal(table.concat(result.errors, "\n"), "")
  local function check_did(kind, number)
    local count = result.operations[kind] and result.operations[kind][number]
    tap.check(count, "the last line of %s %d is missing", kind, number)
    tap.note("%s %d: %d operations", kind, number, count)
    tap.check(count > RECOVERIES // 8, "%s %d did only %d operations", kind, number, count)
  end
  for _, number in ipairs(WRITERS) do check_did("write", number) end
  for _, number in ipairs(READERS) do check_did("read", number) end
  check_did("login", LOGIN)
end)

tap.test("what was acknowledged is there once, in its order", function()
  for _, number in ipairs(WRITERS) do
    local acknowledged = result.acknowledged[number]
    local text = guest:must(("cat /tmp/load.%d.log"):format(number), 0, 120)
    local problem, last = log.check_records(text, number)
    tap.check(not problem, "%s", problem)
    tap.check(last >= acknowledged.last, "writer %d: record %d of %d acknowledged ones is the last",
      number, last, acknowledged.last)
    tap.check(not acknowledged.problem, "%s", acknowledged.problem)
    tap.equal(guest:must(("ls /tmp/load.%d | wc -l"):format(number)):match("%d+"), "8")
  end
end)

-- A byte sent by a console driver that is killed right then may come twice, and the kernel prints its
-- log into a line that is begun: one line of each writer for a death, no more.
tap.test("what was printed came", function()
  local missing = 0
  for _, number in ipairs(WRITERS) do missing = missing + result.acknowledged[number].missing end
  tap.note("%d lines were unreadable, %d acknowledgements did not come", result.unreadable, missing)
  tap.check(missing <= (result.deaths.consoled or 0), "%d acknowledgements did not come", missing)
end)

-- The lines a file has; each number once, in order.
local function check_typed(file, count)
  local expected = 0
  for line in guest:must("cat " .. file):gmatch("%d+") do
    expected = expected + 1
    tap.equal(tonumber(line), expected, file)
  end
  tap.check(count > 0, "nothing was typed")
  tap.equal(expected, count, "lines in " .. file)
end

tap.test("what was typed was read once", function()
  tap.equal(table.concat(result.refused, "\n"), "")
  check_typed("/tmp/typed", typed)
  check_typed("/tmp/keyed", keyed)
end)

tap.test("what a service said is in its log, once and in its order", function()
  local count, problem = log.check_talk(guest:must("svc logs talker", 0, 120), TALKER)
  tap.check(count, "%s", problem)
  tap.note("%d lines", count)
  tap.check(count > TALK_LEAST * result.seconds, "only %d lines", count)
end)

tap.test("pages, handles and objects are back", function()
  local lost = Guest.difference(before, settle())
  tap.check(not lost, "leak: %s", lost)
end)

tap.test("the session is the same, and its end leads to the next login", function()
  tap.equal(guest:must("id"), session)
  guest:line("exit")
  guest:login("root", "swordfish")
end)
tap.done()
