-- scons bench: boots the system, measures it and prints a table.
--
--   lua5.4 tests/bench/run.lua [--update] [--quick] [--linux=FOLDER]
--
-- Wall time is that of the best of many short rounds, beside it the median: on a busy machine the
-- best shows what the system takes, the median what the machine was doing. Instructions are those
-- the CPU retired under -icount shift=0 with a fixed seed: the same on any machine. They are
-- compared with tests/bench/expect.lua: 5 % more is a failure, --update writes the new figures.
-- --quick counts only. --linux measures the network and the commands of the Linux guest in FOLDER, too, in
-- turns with ours: only figures of one run compare.
-- Pages: distinct ones of code and data that one repetition touches, in user
-- and kernel mode, and how often it changes the address space (plugin/pages.c). Linux's figures are
-- those of the same emulator (tuned: nokaslr mitigations=off;
-- commands: busybox). All with one CPU, but for the rows
-- that say two.

package.path = "tests/bench/?.lua;tests/lib/?.lua;" .. package.path
local commands = require("commands")
local disk = require("disk")
local measure = require("measure")
local transfer = require("transfer")
local typing = require("typing")

local EXPECT = "tests/bench/expect.lua"
local ROUNDS = 25
local SPEED_UP_ROUNDS = 5
local LEAST_MEMORY = 4 -- MiB; where looking for the least begins

local options = {}
for _, word in ipairs(arg) do
  local name, value = word:match("^(%-%-%l+)=(.+)$")
  options[name or word] = value or true
end

-- row, how to show it, unit, target, Linux tuned. us: microseconds a repetition; KiB: each.
local TABLE = {
  { "null-call", "null call", "us", 0.55, 1.17 },
  { "event-read", "call that looks at an object", "us" },
  { "clock", "clock", "us", 0.1, 0.09 },
  { "call", "call+reply between processes", "us", 15, 96 },
  { "futex", "futex round trip", "us", 4, 22.8 },
  { "spawn-tiny", "spawn+wait of a tiny program", "us", 250, 940 },
  { "spawn-lua", "spawn+wait of lua -e ''", "us", 3000, 51000 },
  { "enter-empty", "Enter to prompt, empty line", "us", 20000 },
  { "enter-builtin", "Enter to prompt, :", "us", 20000 },
  { "enter-program", "Enter to prompt, /bin/sleep 0", "us", 20000 },
  { "key-echo", "a key's echo", "us" },
  { "key-tab", "Tab, a file of /bin, and Ctrl-U", "us" },
  { "plain-enter-builtin", "TERM=dumb: Enter to prompt, :", "us", 20000 },
  { "plain-key-echo", "TERM=dumb: a key's echo", "us" },
  { "sh-true", "sh -c true", "us", 20000, 2300 },
  { "sh-1000-builtin", "sh: loop of 1000 builtins", "us", nil, 50000 },
  { "sh-1000-external", "sh: loop of 1000 programs", "us", 1415000, 2830000 },
  { "find-all", "find /", "us" },
  { "grep-10MiB", "grep, 10 MiB", "us", nil, 3030000 },
  { "sort-10MiB", "sort, 10 MiB", "us", nil, 6730000 },
  { "thread", "thread create+join", "us", 40, 127 },
  { "open-image", "open+read 4 KiB+close, image", "us", 25, 18.2 },
  { "open-tmp", "open+read 4 KiB+close, tmpfs", "us", 60, 18.2 },
  { "read-4KiB", "further reads of 4 KiB", "us", 1 },
  { "map-1MiB", "map+touch+unmap 1 MiB", "us", 300, 1950 },
  { "far-touch", "first touch among 4000 regions", "us" },
  { "far-map", "map+unmap behind 4000 regions", "us" },
  { "pipe-64KiB", "pipe, 64 KiB writes", "MB/s", 1000, 341 },
  { "pipe-1B", "pipe write+read, one process", "us", nil, 6.0 },
  { "sleep-1ms", "1 ms sleep takes", "us", nil, 1240 },
  { "big-file", "first verified read of a big file", "MB/s", 100 },
  { "sleepers", "a sleeping process", "KiB", 40, 60 },
}

-- row, how to show it, unit, target, Linux tuned, whether more is better.
local NETWORK = {
  { "tcp-out", "TCP guest to host, 64 MiB", "MB/s", 50, 36, true },
  { "tcp-in", "TCP host to guest, 64 MiB", "MB/s", 180, 123, true },
  { "tcp-connect", "connect+accept+close, loopback", "us", 400 },
  { "http-1", "HTTP 1 KiB, one connection", "1/s", 3000, 1813, true },
  { "http-16", "HTTP 1 KiB, 16 connections", "1/s", 5000, 2276, true },
  { "http-64MiB", "HTTP download, 64 MiB", "MB/s", 50, 36, true },
}
local NETWORK_ROUNDS = 5
local COMMAND_ROUNDS = 5

local function scaled(row, ns, unit)
  if unit == "us" then return ns / row.count / 1000 end
  if unit == "MB/s" then return row.amount / ns * 1000 end
  return row.amount / row.count / 1024
end

local function show(value)
  if not value then return "-" end
  return (value < 100 and "%.2f" or "%.0f"):format(value)
end

-- Rows whose cost is what they touch rather than how much they move.
local PAGES = { "null-call", "clock", "call", "futex", "thread", "spawn-tiny", "spawn-lua",
  "open-image", "open-tmp", "read-4KiB", "pipe-1B" }

local LINE = "%-35s %8s %8s %-4s %7s %8s %12s %9s %7s %8s"
local function line(what, best, usual, unit, target, linux, count, wanted, touched)
  print(LINE:format(what, show(best), show(usual), unit, show(target), show(linux), count or "-",
    wanted or "-", touched and touched.code .. "+" .. touched.data or "-",
    touched and touched.switches or "-"))
end

local function join(into, from)
  for name, value in pairs(from) do into[name] = value end
end

local counted = measure.instructions()
join(counted, typing.instructions())
local pages = measure.pages(PAGES)
for name, count in pairs(measure.instructions(measure.HTTP)) do counted[name] = count end
for name, touched in pairs(measure.pages(measure.HTTP)) do
  pages[name], counted[name .. measure.SWITCHES] = touched, touched.switches
end
local expected = dofile(EXPECT)
local grown, missing = measure.compare(counted, expected)

local function line_of(row, name, what, unit, target, linux)
  local best = row and scaled(row, row.ns, unit)
  local usual = row and scaled(row, measure.median(row.rounds), unit)
  line(what, best, usual, unit, target, linux, counted[name], expected[name], pages[name])
end

print(LINE:format("what", "best", "median", "", "target", "Linux", "instructions", "expected",
  "pages", "switches"))
local wall = {}
if not options["--quick"] then
  local boots = measure.boots(10)
  line("power-on to login prompt", math.min(table.unpack(boots)) / 1000,
    measure.median(boots) / 1000, "s", 0.35, 1.28)
  local free
  wall, free = measure.run({ cpus = 1 }, ROUNDS)
  join(wall, typing.times())
  line("memory in use at login, of 256 MiB", (256 * 256 - free) / 256, nil, "MiB", 10, 50)
  line("least RAM that reaches login", measure.least_memory(LEAST_MEMORY), nil, "MiB", 20, 56)
  line("kernel image with boot bundle", #disk.read("build/kernel.img") / 2 ^ 20, nil, "MiB", 2,
    31)
end
for _, entry in ipairs(TABLE) do line_of(wall[entry[1]], table.unpack(entry, 1, 5)) end
if not options["--quick"] then
  local raw = measure.disk()
  local two = measure.run({ cpus = 2 }, ROUNDS, { "futex", "call", "pipe-64KiB" })
  line_of(raw.disk, "", "raw disk, sequential", "MB/s", 2000, 2541)
  line_of(two.futex, "", "futex round trip, two CPUs", "us", 50, 79)
  line_of(two.call, "", "call+reply, two CPUs", "us")
  line_of(two["pipe-64KiB"], "", "pipe, two CPUs", "MB/s")
  local work = measure.run({ cpus = 2 }, SPEED_UP_ROUNDS, { "work-1", "work-2" })
  local alone, divided = work["work-1"], work["work-2"]
  line("speed-up by the second CPU", alone.ns / divided.ns,
    measure.median(alone.rounds) / measure.median(divided.rounds), "", 1.8)
end

local guests = options["--quick"] and {}
  or { transfer.swos(), options["--linux"] and transfer.linux(options["--linux"]) }
local rounds = transfer.rounds(guests, NETWORK_ROUNDS)
for _, entry in ipairs(NETWORK) do
  local name, what, unit, target, linux, more = table.unpack(entry)
  local best = more and math.max or math.min
  if guests[2] then linux = best(table.unpack(rounds[2][name])) end
  line(what, guests[1] and best(table.unpack(rounds[1][name])), guests[1] and measure.median(rounds[1][name]),
    unit, target, linux, counted[name], expected[name], pages[name])
end

if options["--linux"] and not options["--quick"] then
  print(("%-35s %10s %10s   ms of CPU, Enter to prompt"):format("command", "swos", "busybox"))
  local best = commands.rounds({ commands.swos(), commands.linux(options["--linux"]) }, COMMAND_ROUNDS)
  for _, row in ipairs(commands.ROWS) do
    print(("%-35s %10.1f %10.1f"):format(row[2], best[row[1]][1] * 1000, best[row[1]][2] * 1000))
  end
end

if options["--update"] then
  local lines = {}
  for _, list in ipairs { TABLE, NETWORK } do
    for _, entry in ipairs(list) do
      for _, name in ipairs { entry[1], entry[1] .. measure.SWITCHES } do
        if counted[name] then lines[#lines + 1] = ('  ["%s"] = %d,'):format(name, counted[name]) end
      end
    end
  end
  local old = disk.read(EXPECT)
  local file <close> = assert(io.open(EXPECT, "w"))
  file:write((old:gsub("return %b{}", function()
    return "return {\n" .. table.concat(lines, "\n") .. "\n}"
  end)))
else
  if #missing > 0 then
    print("no expectation for: " .. table.concat(missing, ", ") .. " (--update writes them)")
  end
  for _, text in ipairs(grown) do print("GREW: " .. text) end
end
os.exit((options["--update"] or #grown == 0) and 0 or 1, true)
