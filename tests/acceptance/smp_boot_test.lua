-- Every CPU QEMU offers is started and runs programs, for each number of them; one that cannot be
-- started, or that does not come, is reported and missed by nobody. SMP_CPUS chooses one count alone.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")

local MISSING = "cpu 3 was started, and has not come" -- the kernel says so after 3 s
local counts = { 1, 2, 3, 4, 5, 6, 7, 8 }
if os.getenv("SMP_CPUS") then counts = { Guest.cpus() } end

-- What top shows for each CPU, in the order of their numbers.
local function shown_cpus(guest)
  local line, list = tap.matches(guest:must("top -b -n 1"), "CPUs:([^\n]*)"), {}
  for number, text in line:gmatch("cpu(%d+) ([^,]+)") do
    tap.equal(tonumber(number), #list, "CPU in" .. line)
    list[#list + 1] = text
  end
  return list, line
end

local function run_workers(guest, count)
  for _ = 1, count do
    guest:run("lua -e 'local x = 0 for i = 1, 5e5 do x = x + i end print(x)' >>/tmp/sums & true")
  end
  for _ = 1, 60 do
    if tonumber(tap.matches(guest:must("wc /tmp/sums"), "(%d+)")) == count then break end
    guest:must("sleep 0.2")
  end
  tap.equal(guest:must("cat /tmp/sums"), ("125000250000\n"):rep(count):sub(1, -2))
end

for _, cpus in ipairs(counts) do
  tap.test(("%d CPUs reach login and run programs"):format(cpus), function()
    local guest <close> = Guest.start({ cpus = cpus })
    guest:login("root", "swordfish")
    local list, line = shown_cpus(guest)
    tap.equal(#list, cpus, "CPUs in" .. line)
    for _, text in ipairs(list) do tap.matches(text, "^%d+%.%d%%$", "CPU in" .. line) end
    tap.contains(guest:must("dmesg"), ("smp: %d CPUs"):format(cpus))
    run_workers(guest, cpus + 1) -- one more than CPUs, at once; all of them must end
    if cpus == 4 then guest:leak_check(function() guest:must("ls -l /bin | wc") end) end
  end)
end

tap.test("a CPU the firmware does not start is reported and left out", function()
  local tree = os.tmpname()
  local _ <close> = setmetatable({}, { __close = function() os.remove(tree) end })
  -- The tree of a machine with three CPUs, given to one with two.
  assert(os.execute(("%s -M virt,dumpdtb=%s -cpu cortex-a72 -smp 3 -m 256M -nographic -nic none "
    .. "-global virtio-mmio.force-legacy=false >/dev/null 2>&1"):format(
    os.getenv("QEMU") or "qemu-system-aarch64", tree)))
  local guest <close> = Guest.start({ cpus = 2, cpu = "cortex-a72", memory = "256M",
    more = { "-dtb", tree } })
  guest:login("root", "swordfish")
  local list, line = shown_cpus(guest)
  tap.equal(#list, 2, "CPUs in" .. line)
  local log = guest:must("dmesg")
  tap.contains(log, "cpu 2 does not start: PSCI status -2")
  tap.contains(log, "smp: 2 CPUs")
  run_workers(guest, 3)
end)

-- ---- a CPU that was started and does not come: QEMU's debugger holds it back

local Debugger = {}
Debugger.__index = Debugger

function Debugger.connect(path, guest)
  local self = setmetatable({ pipe = uv.new_pipe(), text = "" }, Debugger)
  local connected
  self.pipe:connect(path, function(failure) connected = failure or "yes" end)
  guest:wait(function() return connected end, 10)
  assert(connected == "yes", connected)
  self.pipe:read_start(function(_, data) self.text = self.text .. (data or "") end)
  return self
end

function Debugger:send(text)
  local sum = 0
  for i = 1, #text do sum = (sum + text:byte(i)) % 256 end
  self.pipe:try_write(("+$%s#%02x"):format(text, sum))
end

tap.test("a CPU that does not come is reported, and takes part once it does", function()
  local path = os.tmpname()
  os.remove(path)
  local guest <close> = Guest.start({ cpus = 4, more = { "-S", "-chardev",
    "socket,id=debugger,server=on,wait=off,path=" .. path, "-gdb", "chardev:debugger" } })
  local _ <close> = setmetatable({}, { __close = function() os.remove(path) end })
  guest:wait(function() return uv.fs_stat(path) end, 10)
  local debugger = Debugger.connect(path, guest)
  local _ <close> = setmetatable({}, { __close = function() debugger.pipe:close() end })
  debugger:send("vCont;c:1;c:2;c:3")
  guest:login("root", "swordfish")
  local list, line = shown_cpus(guest)
  tap.equal(#list, 4, "CPUs in" .. line)
  tap.equal(list[4], "off", "CPU 3 in" .. line)
  run_workers(guest, 4)
  local log
  for _ = 1, 20 do
    log = guest:must("dmesg")
    if log:find(MISSING, 1, true) then break end
    guest:sleep(0.5)
  end
  tap.contains(log, MISSING)
  debugger.pipe:try_write("\3")
  guest:wait(function() return debugger.text:find("%$T") end, 10)
  debugger:send("vCont;c")
  for _ = 1, 20 do
    list, line = shown_cpus(guest)
    if list[4] ~= "off" then break end
    guest:sleep(0.2)
  end
  tap.matches(list[4], "^%d+%.%d%%$", "CPU 3 in" .. line)
  tap.contains(guest:must("dmesg"), "cpu 3 comes late")
end)

tap.done()
