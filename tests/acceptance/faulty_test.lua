-- A faulty layer between clients and a server, and between a driver and its disk: requests and
-- completions are lost, late, doubled and out of order, and bits flip where a hash can notice.

package.path = "tests/lib/?.lua;tests/chaos/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local machine = require("machine")
local log = require("log")

local SECONDS = 8
local READERS = { 3, 4 }
local LIVES = 20  -- of a faulty driver

tap.test("files of /tmp through a faulty layer: each operation once", function()
  local guest <close> = Guest.start({ cpus = 2, disks = { { "build/test.img" } } })
  guest:login("root", "swordfish")
  guest:fill_terminal()
  for seed = 1, 3 do
    guest:must("rm -rf /tmp/load.1 /tmp/load.1.log /tmp/load.stop")
    local command = ("/bin/tests/faulty %d %d /bin/tests/chaos_load write 1"):format(seed, SECONDS)
    local output = guest:must(command, 0, 120)
    local result = log.read(output)
    tap.equal(table.concat(result.errors, "\n"), "")
    local problem, last = log.check_records(guest:must("cat /tmp/load.1.log", 0, 60), 1)
    tap.check(not problem, "%s", problem)
    tap.equal(last, result.acknowledged[1].last, "the last record is the last acknowledged one")
    local deaths, doubled, late = output:match("@F (%d+) deaths, (%d+) doubled, (%d+) late")
    tap.note("seed %d: %d rounds, %s deaths, %s doubled, %s late", seed, last, deaths, doubled, late)
    tap.check(tonumber(deaths) > 10 and tonumber(doubled) > 10 and tonumber(late) > 10, "too few faults")
  end
end)

-- What the reader has said so far. It says it to a file: the terminal also shows the kernel's lines,
-- which may cut others.
local function said_by(guest, number)
  return guest:must(("cat /tmp/said.%d"):format(number), 0, 60)
end

local function await_said(guest, word, seconds)
  for _, number in ipairs(READERS) do
    local deadline = guest:elapsed() + seconds * 1000
    while not said_by(guest, number):find(word, 1, true) do
      assert(guest:elapsed() < deadline, ("reader %d does not say %s"):format(number, word))
      guest:sleep(0.5)
    end
  end
end

tap.test("a faulty disk: a damaged block is an error of its file, what is read is right", function()
  local guest <close> = Guest.start({ cpus = 2, disks = { { "build/test.img" } },
    kernel = machine.with_bundle("build/kernel.img", "build/faulty.bundle"), allow = { "overdue" } })
  guest:login("root", "swordfish")
  local start = #guest.text + 1
  for _, number in ipairs(READERS) do
    guest:line(("/bin/tests/chaos_load read %d >/tmp/said.%d &"):format(number, number))
  end
  guest:sleep(0.5)
  await_said(guest, "@B ", 120)
  -- While there are faults no program can be started for certain.
  guest.position = #guest.text + 1
  guest:line(("echo faulty %d 1 800 1600 blkd >/tmp/chaos.go"):format(LIVES))
  guest:expect("@D ", 300)
  guest.position = #guest.text + 1
  guest:line("")
  guest:prompt()
  guest:must("echo >/tmp/load.stop")
  await_said(guest, "@L ", 120)
  guest:sleep(0.5)
  local reads, damaged = 0, 0
  for _, number in ipairs(READERS) do
    local result = log.read(said_by(guest, number))
    for _, line in ipairs(result.errors) do
      tap.check(line:find("Input/output error", 1, true) or line:find("I/O error", 1, true), "%s", line)
    end
    damaged = damaged + #result.errors
    reads = reads + result.operations.read[number]
  end
  tap.equal(table.concat(log.read(guest.text:sub(start)).trouble, "\n"), "")
  tap.note("%d reads, %d of them damaged", reads, damaged)
  tap.check(reads > LIVES, "%d reads in %d lives of the driver", reads, LIVES)
  -- The first read of each life is damaged, and one of 16 others.
  tap.check(damaged >= LIVES // 2, "%d damaged reads in %d lives of the driver", damaged, LIVES)
end)
tap.done()
