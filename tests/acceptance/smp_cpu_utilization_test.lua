-- Busy and idle of each CPU, as top and ps show them and as the kernel counts: as many CPUs are busy
-- as processes run, up to all of them, and idle ones stay idle.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = Guest.cpus()
local BUSY, IDLE = 85, 40 -- per cent; top itself and what serves it run somewhere too
local guest = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

-- The per-CPU percentages of the last of two frames one second apart.
local function cpus_line()
  local output = guest:must("top -b -n 2 -d 1", 0, 60)
  local line, shares = tap.matches(output, ".*CPUs:([^\n]*)"), {}
  for number, percent in line:gmatch("cpu(%d+) (%d+%.%d)%%") do
    tap.equal(tonumber(number), #shares, "CPU in" .. line)
    shares[#shares + 1] = tonumber(percent)
  end
  tap.equal(#shares, CPUS, "CPUs in" .. line)
  return shares, line, output
end

tap.test("an idle machine's CPUs stay idle", function()
  guest:checks("/bin/tests/smp quiet", 60)
  local shares, line = cpus_line()
  for _, share in ipairs(shares) do tap.check(share < IDLE, "busy:%s", line) end
end)

local running = {}

-- Starts programs until so many run. Each is the shell's copy of itself until it is loaded.
local function start(count)
  for _ = #running + 1, count do guest:run("/bin/tests/smp spin & true") end
  for _ = 1, 50 do
    running = {}
    for pid in guest:must("ps -o pid,cmd"):gmatch("(%d+) smp") do running[#running + 1] = pid end
    if #running == count then return end
    guest:sleep(0.1)
  end
  error(("%d run, not %d"):format(#running, count), 0)
end

for _, count in ipairs(CPUS > 2 and { 1, 2, CPUS } or CPUS > 1 and { 1, 2 } or { 1 }) do
  tap.test(("%d busy: so many CPUs are, in top and in ps"):format(count), function()
    start(count)
    local shares, line, output = cpus_line()
    local busy, between, sum = 0, 0, 0
    for _, share in ipairs(shares) do
      if share > BUSY then busy = busy + 1 elseif share >= IDLE then between = between + 1 end
      sum = sum + share
    end
    tap.equal(busy, count, "busy CPUs in" .. line)
    tap.equal(between, 0, "neither busy nor idle in" .. line)
    local all = tonumber((tap.matches(output, ".*Cpu: (%d+%.%d)%% busy")))
    tap.check(math.abs(all * CPUS - sum) < CPUS, "Cpu: %.1f is not the mean of%s", all, line)
    -- ps names the CPU of each: different ones, but for the moments when another thread has come
    -- between. With all CPUs busy ps itself is that thread.
    local distinct = 0
    for _ = 1, 5 do
      local list = guest:must("ps -p " .. table.concat(running, ",") .. " -o pid,psr,state,cmd")
      local seen, cpus = {}, 0
      for cpu in list:gmatch("%d+ +(%d+) R +smp") do
        tap.check(tonumber(cpu) < CPUS, "CPU %s in ps:\n%s", cpu, list)
        cpus = cpus + (seen[cpu] and 0 or 1)
        seen[cpu] = true
      end
      if cpus == count then distinct = distinct + 1 end
    end
    if count < CPUS then tap.check(distinct >= 3, "on %d CPUs %d times of 5", count, distinct) end
  end)
end

tap.test("and idle again when they are gone", function()
  guest:must("kill " .. table.concat(running, " "))
  guest:sleep(0.3)
  local shares, line = cpus_line()
  for _, share in ipairs(shares) do tap.check(share < IDLE, "busy:%s", line) end
end)

guest:finish()
tap.done()
