-- What is left of throughput when servers are killed: the chaos test's load under a kill every 4, 2
-- and 1 s against none, and how fast the killed ones are back. Prints a table; `scons recovery-bench`.
--
-- Wall time of one run on one machine: the figures of a run belong together. Rounds of each kind take
-- turns, so that what else the machine does falls on all of them.

package.path = "tests/lib/?.lua;tests/chaos/?.lua;" .. package.path
local Guest = require("guest")
local machine = require("machine")
local log = require("log")

local SECONDS, ROUNDS = 12, 3
local INTERVALS = { 0, 4, 2, 1 }  -- seconds between kills; 0: none
local VICTIMS = "blkd imgfs tmpfs consoled"

local guest = Guest.start({ cpus = 2, kernel = machine.with_bundle("build/kernel.img", "build/chaos.bundle"),
  disks = { { "build/test.img" } }, allow = { "overdue" } })
guest:login("root", "swordfish", 120)

-- Operations a second of the writer and of the reader, and what the log says.
local function measure(interval, seed)
  guest:must("rm -rf /tmp/load.1 /tmp/load.1.log /tmp/load.stop")
  local start = #guest.text + 1
  guest:line("/bin/tests/chaos_load write 1 &")
  guest:line("/bin/tests/chaos_load read 3 &")
  guest.position = start
  guest:expect("@B ", 120)
  local began = guest:elapsed()
  if interval > 0 then
    local pause = interval * 1000
    guest:line(("echo %d %d %d %d %s >/tmp/chaos.go"):format(SECONDS // interval, seed, pause, pause,
      VICTIMS))
  end
  guest:sleep(SECONDS)
  guest:line("echo >/tmp/load.stop")
  guest.position = start
  guest:expect("@L ", 60)
  guest:expect("@L ", 60)
  local took = (guest:elapsed() - began) / 1000
  if interval > 0 then
    guest.position = start
    guest:expect("@D ", 60)
  end
  guest:sleep(0.2)  -- for the shell's words on what has ended
  guest.position = #guest.text + 1
  guest:line("")
  guest:prompt()
  local result = log.read(guest.text:sub(start))
  assert(#result.errors == 0 and #result.trouble == 0, table.concat(result.errors, "\n"))
  return result.operations.write[1] / took, result.operations.read[3] / took, result
end

local sums = {}
for _, interval in ipairs(INTERVALS) do sums[interval] = { write = 0, read = 0, summary = {} } end
for round = 1, ROUNDS do
  for _, interval in ipairs(INTERVALS) do
    local write, read, result = measure(interval, round)
    local sum = sums[interval]
    sum.write, sum.read = sum.write + write / ROUNDS, sum.read + read / ROUNDS
    sum.summary = result.summary
  end
end
print(("%-12s %14s %6s %14s %6s"):format("a kill every", "/tmp op/s", "", "reads/s", ""))
local none = sums[0]
for _, interval in ipairs(INTERVALS) do
  local sum = sums[interval]
  print(("%-12s %14.0f %5.0f%% %14.1f %5.0f%%"):format(interval == 0 and "none" or interval .. " s",
    sum.write, 100 * sum.write / none.write, sum.read, 100 * sum.read / none.read))
end
for _, line in ipairs(sums[1].summary) do print(line) end
guest:close()
