-- What TCP reaches, in swos and, by the same programs on this machine, in the Linux guest of linux/.
-- Loopback addresses only; every load is bounded in bytes or time.

local uv = require("luv")
local Guest = require("guest")
local network = require("network")

local M = {}

local BYTES = 64 * 1024 * 1024
local CONNECTS = 500
local SINK, SOURCE, CONNECT, HTTP = 9001, 9002, 9003, 8080
local HTTP_SECONDS = 2

local function card(self)
  self.sink, self.source = network.free_port("tcp"), network.free_port("tcp")
  self.http = network.free_port("tcp")
  return network.card({ { "tcp", self.sink, SINK }, { "tcp", self.source, SOURCE },
    { "tcp", self.http, HTTP } })
end

--- swos with tests/bench/load.c serving: an object for M.rounds.
function M.swos()
  local self = { load = "/bin/tests/load", files = { "big", "big" } }
  self.guest = Guest.start({ cpus = 1, disks = { { "build/test.img" } }, more = card(self) })
  self.guest:login("root", "swordfish", 300)
  network.await_address(self.guest)
  network.background(self.guest, "sink", "/bin/tests/load sink " .. SINK, "load: listening")
  network.background(self.guest, "source", ("/bin/tests/load source %d %d"):format(SOURCE, BYTES),
    "load: listening")
  network.background(self.guest, "httpd", "httpd -r /bench", "httpd: listening")
  return self
end

--- The Linux guest in `folder` (linux/build.lua made it), tuned: without address space randomisation, and
--- so without a page table of the kernel's own, which costs much in the emulator.
function M.linux(folder)
  local self = { load = "load", files = { "64m" } }
  local more = { "-initrd", folder .. "/initramfs" }
  self.guest = Guest.start({ command = Guest.arguments({ cpus = 1, disks = {}, kernel = folder .. "/kernel",
    append = "console=ttyAMA0 quiet nokaslr mitigations=off panic=-1",
    more = table.move(card(self), 1, 4, #more + 1, more) }) })
  self.guest:expect("linux guest: ready", 300)
  self.guest:expect("# ", 60)
  return self
end

-- Connects to a port of this machine, sends `amount` bytes and the end, reads to the other side's end:
-- how many bytes came, the last 64 of them, and the seconds it took.
local function exchange(guest, port, amount)
  local socket, came, tail, failure, ended = uv.new_tcp(), 0, "", nil, false
  local block, left = ("\0"):rep(1 << 18), amount
  local began = uv.hrtime()
  local function send()
    if left == 0 then return socket:shutdown() end
    local part = left < #block and block:sub(1, left) or block
    left = left - #part
    socket:write(part, function(problem)
      if problem then failure = problem else send() end
    end)
  end
  socket:connect("127.0.0.1", port, function(problem)
    if problem then
      failure = problem
      return
    end
    socket:read_start(function(bad, data)
      if bad then failure = bad end
      if not data then
        ended = true
        return
      end
      came, tail = came + #data, (tail .. data):sub(-64)
    end)
    send()
  end)
  guest:wait(function() return ended or failure end, 120)
  local seconds = (uv.hrtime() - began) / 1e9
  socket:close()
  assert(ended and not failure, ("port %d: %s after %d bytes"):format(port, failure or "no end", came))
  return came, tail, seconds
end

-- Requests a second for 1 KiB by wrk over so many kept connections.
local function requests(self, connections)
  local text = network.run(self.guest, ("wrk -t1 -c%d -d%d http://127.0.0.1:%d/1k"):format(connections,
    HTTP_SECONDS, self.http), nil, 60)
  assert(not text:find("Non-2xx", 1, true), text)
  return tonumber(text:match("Requests/sec: *([%d.]+)")) or error(text)
end

-- MB/s of 64 MiB of files over one connection.
local function download(self)
  local urls = {}
  for i, file in ipairs(self.files) do urls[i] = ("http://127.0.0.1:%d/%s"):format(self.http, file) end
  local text, status = network.run(self.guest, "curl -sf " .. table.concat(urls, " ")
    .. " -w '%{stderr}%{time_total}\n' 2>&1 >/dev/null", nil, 120)
  local seconds = 0
  for time in text:gmatch("[%d.]+") do seconds = seconds + tonumber(time) end
  assert(status == 0 and seconds > 0, text)
  return BYTES / seconds / 1e6
end

-- Requests a second and MB/s over HTTP, MB/s out of the guest and into it, and the microseconds of a
-- connection over loopback in it.
local function measure(self)
  local guest, row = self.guest, {}
  local came, _, seconds = exchange(guest, self.source, 0)
  assert(came == BYTES, ("%d bytes came"):format(came))
  row["tcp-out"] = BYTES / seconds / 1e6
  local _, answer, took = exchange(guest, self.sink, BYTES)
  assert(answer == BYTES .. "\n", answer)
  row["tcp-in"] = BYTES / took / 1e6
  guest:line(("%s connect %d %d"):format(self.load, CONNECT, CONNECTS))
  row["tcp-connect"] = tonumber(guest:expect_pattern("\nconnect ([%d.]+) us", 120))
  row["http-1"], row["http-16"], row["http-64MiB"] = requests(self, 1), requests(self, 16), download(self)
  return row
end

--- Measures the guests in turns: for each a table of lists, one figure a round, by row.
function M.rounds(guests, count)
  local found = {}
  for _ = 1, count do
    for i, guest in ipairs(guests) do
      found[i] = found[i] or {}
      for name, figure in pairs(measure(guest)) do
        found[i][name] = found[i][name] or {}
        table.insert(found[i][name], figure)
      end
    end
  end
  for _, guest in ipairs(guests) do guest.guest:close() end
  return found
end

return M
