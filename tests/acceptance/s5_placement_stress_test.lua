-- All CPUs busy with what comes and goes (processes, threads, pipes, files, memory, locks), and
-- how CPU time is divided among jobs by weight, whatever their threads and jobs below.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = Guest.cpus()
local guest = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

tap.test(("%d processes of 3 threads, each doing anything"):format(CPUS), function()
  guest:checks(("/bin/tests/churn %d 3 5"):format(CPUS), 180)
end)

guest:finish()
guest:close()

-- A guest counted in instructions: what the host gives each CPU does not show. (It did: a CPU that the
-- host kept waiting for 0.1 s counts as one whose thread ran so long, which the kernel does not hold
-- against it.)
local function counting(cpus)
  local counted = Guest.start({ cpus = cpus, disks = { { "build/test.img" } },
    more = { "-icount", "shift=4" } })
  counted:login("root", "swordfish", 120)
  return counted
end

-- Slices are 10 ms of 3 s on each CPU.
local TOLERANCE = 0.03

-- Runs jobs side by side on the guest's CPUs; checks what each had against its part of all of them.
local function shares(counted, cpus, what, specification, parts)
  tap.test(what, function()
    local output = counted:must("/bin/tests/shares " .. specification, 0, 120)
    local sum = 0
    for _, part in ipairs(parts) do sum = sum + part end
    for i, part in ipairs(parts) do
      local wanted = part * cpus * 1000 / sum
      local got = tonumber((tap.matches(output, ("job %d: (%%d+)"):format(i))))
      tap.check(math.abs(got - wanted) <= wanted * TOLERANCE, "job %d had %d, not %d:\n%s", i, got,
        wanted, output)
    end
  end)
end

local all = counting(CPUS)
shares(all, CPUS, "50 threads get no more than as many as CPUs", ("100x%d 100x50"):format(CPUS), { 1, 1 })
shares(all, CPUS, "weights 1 to 3", ("25x%d 75x%d"):format(2 * CPUS, 2 * CPUS), { 1, 3 })
shares(all, CPUS, "a job divided into 10 gets no more than one that is not",
  ("100x%d 100x20x10"):format(CPUS), { 1, 1 })
all:finish()
all:close()

-- One thread can have one CPU at most, so it is compared where there is one.
local one = counting(1)
shares(one, 1, "200 threads get no more than one", "100x1 100x200", { 1, 1 })
one:finish()
tap.done()
