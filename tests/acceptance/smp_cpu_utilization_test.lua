-- Busy and idle of each CPU, as top and ps show them and as the kernel counts: as many CPUs are busy
-- as processes run, up to all of them, and idle ones stay idle.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = Guest.cpus()
local BUSY, IDLE = 85, 40 -- per cent; top itself and what serves it run somewhere too
local guest = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

-- Calls look(line, shares, all) with what each of top's frames, one second apart, says of the CPUs in per
-- cent, until it returns nothing; what it returned last is the failure. top and what serves it run too, on
-- a busy host for half of a second, and threads change places: one second shows little. What spins, or a
-- CPU that is left out, does so in every one.
local SECONDS = 8
local function some_second(look)
  local output, frames, complaint = guest:must(("top -b -n %d -d 1"):format(SECONDS + 1), 0, 120), 0, nil
  for all, line in output:gmatch("Cpu: (%d+%.%d)%% busy[^\n]*\nCPUs:([^\n]*)") do
    local shares = {}
    for number, percent in line:gmatch("cpu(%d+) (%d+%.%d)%%") do
      tap.equal(tonumber(number), #shares, "CPU in" .. line)
      shares[#shares + 1] = tonumber(percent)
    end
    tap.equal(#shares, CPUS, "CPUs in" .. line)
    frames = frames + 1
    if frames > 1 then -- the first is of the time since the boot
      complaint = look(line, shares, tonumber(all))
      if not complaint then return end
    end
  end
  tap.equal(frames, SECONDS + 1, "frames")
  error(complaint, 0)
end

local function idle(line, shares)
  for _, share in ipairs(shares) do
    if share >= IDLE then return "busy:" .. line end
  end
end

tap.test("an idle machine's CPUs stay idle", function()
  guest:checks("/bin/tests/smp quiet", 60)
  some_second(idle)
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
    some_second(function(line, shares, all)
      local busy, between, sum = 0, 0, 0
      for _, share in ipairs(shares) do
        if share > BUSY then busy = busy + 1 elseif share >= IDLE then between = between + 1 end
        sum = sum + share
      end
      tap.check(math.abs(all * CPUS - sum) < CPUS, "Cpu: %.1f is not the mean of%s", all, line)
      if busy ~= count or between > 0 then
        return ("%d busy, %d neither busy nor idle:%s"):format(busy, between, line)
      end
    end)
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
  some_second(idle)
end)

guest:finish()
tap.done()
