-- Every CPU QEMU offers is started and runs programs; SMP_CPUS chooses one count alone.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

-- scons sets SMP_CPUS to what `run` uses; the numbers below it are tried as well.
local counts = { 1, 2, 3, 4, 8 }
if os.getenv("SWOS_SMP_ONLY") then counts = { tonumber(os.getenv("SMP_CPUS")) } end

for _, cpus in ipairs(counts) do
  tap.test(("%d CPUs reach login and run programs"):format(cpus), function()
    local guest <close> = Guest.start({ cpus = cpus })
    guest:login("root", "swordfish")
    local top = guest:must("top -b -n 1")
    local line = tap.matches(top, "CPUs:([^\n]*)")
    local _, shown = line:gsub("%d+%.?%d*%%", "")
    tap.equal(shown, cpus, "CPUs in top")
    -- One worker more than CPUs, at once; all of them must end.
    for _ = 0, cpus do
      guest:run("lua -e 'local x = 0 for i = 1, 2e6 do x = x + i end print(x)' >>/tmp/sums & true")
    end
    for _ = 1, 60 do
      local done = tonumber(tap.matches(guest:must("wc /tmp/sums"), "(%d+)"))
      if done == cpus + 1 then break end
      guest:must("sleep 1")
    end
    tap.equal(guest:must("cat /tmp/sums"), ("2000001000000\n"):rep(cpus + 1):sub(1, -2))
    if cpus == 4 then guest:leak_check(function() guest:must("ls -l /bin | wc") end) end
  end)
end

tap.test("work spreads over the CPUs", function()
  local guest <close> = Guest.start({ cpus = 4 })
  guest:login("root", "swordfish")
  for _ = 1, 4 do
    guest:run("lua -e 'local t = os.time() while os.time() - t < 8 do end' & true")
  end
  local top = guest:must("top -b -n 2 -d 2", 0, 60)
  local line = tap.matches(top, ".*CPUs:([^\n]*)")
  local busy = 0
  for percent in line:gmatch("(%d+%.?%d*)%%") do
    if tonumber(percent) > 50 then busy = busy + 1 end
  end
  tap.equal(busy, 4, "busy CPUs in " .. line)
end)

tap.done()
