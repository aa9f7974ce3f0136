-- What is left of the network's throughput when its driver is killed: bytes into the guest and out of it at
-- the same time, with nicd killed every 8, 4, 2 and 1 s against none. Prints a table; part of
-- `scons recovery-bench`. `nicd` or another service is the argument.
--
-- Wall time of one run on one machine: the figures of a run belong together. Rounds of each kind take
-- turns, so that what else the machine does falls on all of them.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local Guest = require("guest")
local network = require("network")

local SECONDS, ROUNDS = 16, 3
local INTERVALS = { 0, 8, 4, 2, 1 }  -- seconds between kills; 0: none
local SINK, SOURCE = 9001, 9002
local ENDLESS = 1 << 40
local VICTIM = arg[1] or "nicd"

local sink, source = network.free_port("tcp"), network.free_port("tcp")
local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } },
  more = network.card({ { "tcp", sink, SINK }, { "tcp", source, SOURCE } }) })
guest:login("root", "swordfish", 120)
network.await_address(guest)
network.background(guest, "sink", "/bin/tests/load sink " .. SINK, "load: listening")
network.background(guest, "source", ("/bin/tests/load source %d %d"):format(SOURCE, ENDLESS),
  "load: listening")

local block = ("\0"):rep(1 << 16)

-- Connects and streams until it is closed: `bytes` so far.
local function stream(port, is_in)
  local self = { bytes = 0, socket = uv.new_tcp() }
  local function send()
    self.socket:write(block, function(problem)
      if problem then return end
      self.bytes = self.bytes + #block
      send()
    end)
  end
  self.socket:connect("127.0.0.1", port, function(problem)
    if problem then error(problem, 0) end
    if is_in then return send() end
    self.socket:read_start(function(_, data)
      if data then self.bytes = self.bytes + #data end
    end)
  end)
  guest:await("bytes flow", function() return self.bytes > 0 end)
  return self
end

local function restarts() return tonumber(guest:must("svc list"):match(VICTIM .. " +%S+ +%S+ +(%d+)")) end

-- MB/s into the guest and out of it, and how often the victim was killed.
local function measure(interval)
  local kills = restarts()
  local into, out = stream(sink, true), stream(source, false)
  if interval > 0 then
    guest:background(("sh -c 'while [ ! -e /tmp/enough ]; do sleep %d; svc kill %s; done'"):format(interval,
      VICTIM))
  end
  local from_in, from_out, began = into.bytes, out.bytes, uv.hrtime()
  guest:sleep(SECONDS)
  local seconds = (uv.hrtime() - began) / 1e9
  local result = { (into.bytes - from_in) / seconds / 1e6, (out.bytes - from_out) / seconds / 1e6 }
  into.socket:close()
  out.socket:close()
  if interval > 0 then guest:must("touch /tmp/enough; wait; rm /tmp/enough", 0, 60) end
  result[3] = restarts() - kills
  return result
end

local sums = {}
for _, interval in ipairs(INTERVALS) do sums[interval] = { 0, 0, 0 } end
for _ = 1, ROUNDS do
  for _, interval in ipairs(INTERVALS) do
    for i, figure in ipairs(measure(interval)) do sums[interval][i] = sums[interval][i] + figure / ROUNDS end
  end
end
print(("%-12s %9s %6s %10s %6s %6s"):format(VICTIM .. " killed", "MB/s in", "", "MB/s out", "", "kills"))
for _, interval in ipairs(INTERVALS) do
  local sum, none = sums[interval], sums[0]
  print(("%-12s %9.1f %5.0f%% %10.1f %5.0f%% %6.1f"):format(interval == 0 and "never" or interval .. " s",
    sum[1], 100 * sum[1] / none[1], sum[2], 100 * sum[2] / none[2], sum[3]))
end
guest:close()
