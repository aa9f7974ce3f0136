-- scons bench: boots the system, runs tests/bench/bench.c in it and prints a table.
--
--   lua5.4 tests/bench/run.lua [--update] [--quick]
--
-- Two boots with one CPU: wall time in the first; in the second, under -icount shift=0 with a
-- fixed seed, the instructions the CPU retired (repeatable on a busy machine). The latter are
-- compared with tests/bench/expect.lua: 5 % more is a failure, --update writes the new figures.
-- A third boot with two CPUs times what two CPUs do together. Linux's figures are those of the
-- same emulator (tuned: nokaslr mitigations=off).

package.path = "tests/lib/?.lua;" .. package.path
local Guest = require("guest")
local disk = require("disk")

local EXPECT = "tests/bench/expect.lua"
local ALLOWED = 1.05

local options = {}
for _, word in ipairs(arg) do options[word] = true end

-- row, how to show it, target, Linux tuned. us: microseconds a repetition; MB/s; KiB each.
local TABLE = {
  { "null-call", "null call", "us", 0.55, 1.17 },
  { "clock", "clock", "us", 0.1, 0.09 },
  { "call", "call+reply between processes", "us", 15, 96 },
  { "futex", "futex round trip", "us", 4, 22.8 },
  { "spawn-tiny", "spawn+wait of a tiny program", "us", 250, 940 },
  { "spawn-lua", "spawn+wait of lua -e ''", "us", 3000, 51000 },
  { "thread", "thread create+join", "us", 40, 127 },
  { "open-image", "open+read 4 KiB+close, image", "us", 25, 18.2 },
  { "open-tmp", "open+read 4 KiB+close, tmpfs", "us", 60, 18.2 },
  { "read-4KiB", "further reads of 4 KiB", "us", 1, nil },
  { "map-1MiB", "map+touch+unmap 1 MiB", "us", 300, 1950 },
  { "pipe-64KiB", "pipe, 64 KiB writes", "MB/s", 1000, 341 },
  { "pipe-1B", "pipe write+read, one process", "us", nil, 6.0 },
  { "sleep-1ms", "1 ms sleep takes", "us", nil, 1240 },
  { "big-file", "first verified read of a big file", "MB/s", 100, nil },
  { "sleepers", "a sleeping process", "KiB", 40, 60 },
}

local function rows(output)
  local list = {}
  for name, count, ns, instructions, amount in
    output:gmatch("row (%S+) (%d+) (%d+) (%d+) (%d+)") do
    list[name] = { count = tonumber(count), ns = tonumber(ns), amount = tonumber(amount),
      instructions = tonumber(instructions) }
  end
  return list
end

local function measure(start, command, timeout)
  start.disks = { { "build/test.img" } }
  local guest <close> = Guest.start(start)
  guest:expect("swift-os login: ", 300)
  local prompt = guest:elapsed()
  guest.position = 1
  guest:login("root", "swordfish", 300)
  local counters = guest:must("swos-counters", 0, 120)
  local output = guest:must(command or "/bin/tests/bench", 0, timeout or 600)
  return rows(output), prompt, tonumber(counters:match("pages=(%d+)"))
end

local function figure(row, unit)
  if not row or row.count == 0 then return nil end
  if unit == "us" then return row.ns / row.count / 1000 end
  if unit == "MB/s" then return row.amount / row.ns * 1000 end
  return row.amount / row.count / 1024
end

local function show(value)
  if not value then return "-" end
  return value < 10 and ("%.2f"):format(value) or ("%.0f"):format(value)
end

local wall, prompt, free = measure({ cpus = 1 })
local counted = options["--quick"] and {} or measure({ cpus = 1,
  machine = "virt,dtb-randomness=off", append = "swos.seed=1 swos.pmu=1",
  more = { "-icount", "shift=0" } }, nil, 1800)
local two = measure({ cpus = 2 }, "/bin/tests/bench futex call pipe-64KiB")

local expected = dofile(EXPECT)
local grown, missing = {}, {}
local LINE = "%-36s %9s %5s %9s %9s %12s %12s"
print(LINE:format("what", "measured", "", "target", "Linux", "instructions", "expected"))
local function line(what, value, unit, target, linux, count, wanted)
  print(LINE:format(what, show(value), unit, target and show(target) or "-",
    linux and show(linux) or "-", count or "-", wanted or "-"))
end

line("power-on to login prompt", prompt / 1000, "s", 0.35, 1.28)
line("memory in use at login, of 256 MiB", (256 * 256 - free) / 256, "MiB", 10, 50)
line("kernel image with boot bundle", #disk.read("build/kernel.img") / 2 ^ 20, "MiB", 2, 31)
local update = {}
for _, entry in ipairs(TABLE) do
  local name, what, unit, target, linux = table.unpack(entry, 1, 5)
  local row = counted[name]
  local count = row and row.instructions > 0 and row.instructions // row.count or nil
  if count then
    update[#update + 1] = ('  ["%s"] = %d,'):format(name, count)
    if not expected[name] then
      missing[#missing + 1] = name
    elseif count > expected[name] * ALLOWED then
      grown[#grown + 1] = ("%s: %d instructions, %d expected"):format(name, count, expected[name])
    end
  end
  line(what, figure(wall[name], unit), unit, target, linux, count, expected[name])
end
line("futex round trip, two CPUs", figure(two.futex, "us"), "us", 50, 79)
line("call+reply, two CPUs", figure(two.call, "us"), "us")
line("pipe, two CPUs", figure(two["pipe-64KiB"], "MB/s"), "MB/s")

if options["--update"] then
  local old = disk.read(EXPECT)
  local file <close> = assert(io.open(EXPECT, "w"))
  file:write((old:gsub("return %b{}", function()
    return "return {\n" .. table.concat(update, "\n") .. "\n}"
  end)))
elseif #missing > 0 then
  print("no expectation for: " .. table.concat(missing, ", ") .. " (--update writes them)")
end
for _, text in ipairs(grown) do print("GREW: " .. text) end
os.exit(#grown == 0 and 0 or 1)
