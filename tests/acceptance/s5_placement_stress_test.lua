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

-- Counted in instructions: what the host gives each CPU does not show. (It did: a CPU that the host kept
-- waiting for 0.1 s counts as one whose thread ran so long, which the kernel does not hold against it.)
local counting = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } },
  more = { "-icount", "shift=4" } })
counting:login("root", "swordfish", 120)

-- Slices are 10 ms of 3 s on each CPU.
local TOLERANCE = 0.03

-- Runs jobs side by side; checks what each had against its part of all CPUs.
local function shares(what, specification, parts)
  tap.test(what, function()
    local output = counting:must("/bin/tests/shares " .. specification, 0, 120)
    local sum = 0
    for _, part in ipairs(parts) do sum = sum + part end
    for i, part in ipairs(parts) do
      local wanted = part * CPUS * 1000 / sum
      local got = tonumber((tap.matches(output, ("job %d: (%%d+)"):format(i))))
      tap.check(math.abs(got - wanted) <= wanted * TOLERANCE, "job %d had %d, not %d:\n%s", i, got,
        wanted, output)
    end
  end)
end

shares("50 threads get no more than as many as CPUs", ("100x%d 100x50"):format(CPUS), { 1, 1 })
shares("weights 1 to 3", ("25x%d 75x%d"):format(2 * CPUS, 2 * CPUS), { 1, 3 })
shares("a job divided into 10 gets no more than one that is not",
  ("100x%d 100x20x10"):format(CPUS), { 1, 1 })

counting:finish()
tap.done()
