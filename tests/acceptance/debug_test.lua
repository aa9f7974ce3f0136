-- The debug kernel, which pauses at every lock release, kick and wake for a time its seed decides.
-- With one host thread a CPU (MTTCG) for breadth, each run different; with instructions for a clock
-- (-icount shift=0,sleep=off), where nothing from outside moves the clock, the same seed must give
-- the same run. SWOS_DEBUG_SEEDS: how many seeds for breadth (3).

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local machine = require("machine")

local SEEDS = tonumber(os.getenv("SWOS_DEBUG_SEEDS") or "3")
local KERNEL = "build/kernel-debug/kernel.img"
local BREADTH_STEPS, REPEAT_STEPS = 1000, 100 -- of each of the fuzzer's 4 workers

-- The fuzzer as a machine of its own: four processes on 4 CPUs that share objects of every type. It
-- needs no disk and no typing, prints counts by call and status, and a leak check, and powers off.
local FUZZER = machine.with_bundle(KERNEL, "build/fuzz.bundle")

-- Everything one run printed.
local function fuzz(seed, steps, more, idle)
  local guest <close> = Guest.start({ kernel = FUZZER, cpus = 4, memory = "64M", disks = {},
    machine = "virt,dtb-randomness=off", more = more, allow = { "BEGIN CRASH" },
    append = ("%s swos.seed=%d init.seed=%d init.steps=%d"):format(idle or "", seed, seed, steps) })
  guest:expect_end(300)
  tap.contains(guest.text, "fuzz ends: clean", guest.text:match("fuzz leak[^\r\n]*") or "the end")
  return guest.text
end

for seed = 1, SEEDS do
  tap.test(("seed %d: processes that share all there is, on 4 CPUs"):format(seed), function()
    fuzz(seed, BREADTH_STEPS)
  end)
end

for seed = 1, SEEDS do
  tap.test(("seed %d: the whole system, a server killed"):format(seed), function()
    local guest <close> = Guest.start({ kernel = KERNEL, cpus = 4,
      append = "swos.seed=" .. seed })
    guest:login("root", "swordfish")
    guest:leak_check(function()
      guest:must("ls -l /bin | cat | wc; echo a >/tmp/a; cat /tmp/a; rm /tmp/a; id; ps | wc")
      guest:must("svc kill imgfs; cat /hello.txt; svc kill tmpfs; ls /tmp")
    end, 2, 1)
  end)
end

-- Compared is every byte: log lines with their ticks, the counts of some 400 pairs of call and
-- status, pages, handles and objects at the end. The clock chip gives the machine's time, not the
-- host's; idle CPUs poll, because the emulator's jump to the next deadline races with the host.
local REPEATABLE = { "-icount", "shift=0,sleep=off", "-rtc", "clock=vm,base=2024-01-01" }

tap.test("the same seed repeats the same run on 4 CPUs", function()
  local function repeatable(seed) return fuzz(seed, REPEAT_STEPS, REPEATABLE, "swos.idle=poll") end
  local first, second = repeatable(1), repeatable(1)
  tap.check(#first > 5000, "only %d bytes", #first)
  tap.check(not first:find("is not known", 1, true), "the kernel does not poll")
  if first ~= second then
    local line, other = first:gmatch("[^\n]*"), second:gmatch("[^\n]*")
    local one, two
    repeat one, two = line(), other() until one ~= two
    error(("first difference: %q, %q"):format(one, two), 0)
  end
  tap.check(repeatable(2) ~= first, "another seed gave the same run")
end)

tap.done()
