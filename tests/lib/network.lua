-- A guest's network card, ports of this machine that lead into the guest, and real clients on it. All on
-- loopback addresses.

local uv = require("luv")

local M = {}

--- A port of this machine that nobody listens at now. kind: "tcp" or "udp".
function M.free_port(kind)
  local socket = kind == "udp" and uv.new_udp() or uv.new_tcp()
  assert(socket:bind("127.0.0.1", 0))
  local port = socket:getsockname().port
  socket:close()
  return port
end

--- QEMU arguments of a card. forwards: list of { "tcp" or "udp", port here, port in the guest }.
function M.card(forwards)
  local words = "user,id=n0"
  for _, forward in ipairs(forwards or {}) do
    words = words .. (",hostfwd=%s:127.0.0.1:%d-:%d"):format(table.unpack(forward))
  end
  return { "-netdev", words, "-device", "virtio-net-device,netdev=n0" }
end

--- Starts a shell command of this machine; an object with `pid`, `output` so far, and `status` once it
--- has ended. It ends with the test.
function M.start(command, input)
  local self = { output = "" }
  local stdin, stdout = uv.new_pipe(), uv.new_pipe()
  self.process, self.pid = uv.spawn("setpriv", { args = { "--pdeathsig", "KILL", "sh", "-c", command },
    stdio = { stdin, stdout, 2 } }, function(code)
    self.status = code
    self.process:close()
  end)
  assert(self.process, self.pid)
  stdout:read_start(function(_, data)
    if data then self.output = self.output .. data end
  end)
  if input then stdin:write(input) end
  stdin:shutdown()
  return self
end

--- Runs a command to its end: output, status. The guest's loop goes on meanwhile.
function M.run(guest, command, input, timeout)
  local started = M.start(command, input)
  local deadline = uv.hrtime() + (timeout or 30) * 1e9
  while not started.status and uv.hrtime() < deadline do guest:sleep(0.02) end
  if not started.status then
    uv.kill(started.pid, "sigkill")
    error(command .. ": not within " .. (timeout or 30) .. " s: " .. started.output, 0)
  end
  guest:sleep(0.05)
  return started.output, started.status
end

--- The leak check of a load whose connections end in TIME_WAIT in the guest. They are netd's memory for a
--- minute, so that netd grows until the load has been repeated for as long.
function M.finish(guest, load)
  local start = os.time()
  repeat load(guest) until os.time() - start > 60
  guest:finish(load)
end

--- A bare TCP connection of this machine: `text` is what came so far, `ended` whether the other side is
--- done, `problem` what became of it otherwise. The guest's loop moves it.
function M.connect(port)
  local self = { text = "", socket = uv.new_tcp() }
  self.socket:connect("127.0.0.1", port, function(problem)
    self.problem, self.connected = problem, not problem
    if problem then return end
    self.socket:read_start(function(failure, data)
      if data then
        self.text = self.text .. data
      else
        self.ended, self.problem = true, failure
      end
    end)
    for _, bytes in ipairs(self.waiting) do self.socket:write(bytes) end
  end)
  self.waiting = {}
  function self.send(bytes)
    if self.connected then self.socket:write(bytes) else table.insert(self.waiting, bytes) end
  end
  function self.close()
    if not self.socket:is_closing() then self.socket:close() end
  end
  return self
end

--- Turns the guest's loop until a condition holds: a function; what it returned.
function M.until_true(guest, what, condition, timeout)
  local deadline = uv.hrtime() + (timeout or 60) * 1e9
  while uv.hrtime() < deadline do
    local value = condition()
    if value then return value end
    guest:sleep(0.02)
  end
  error(("%s: not within %d s"):format(what, timeout or 60), 0)
end

--- Waits until the guest's network has an address.
function M.await_address(guest)
  for _ = 1, 120 do
    local text = guest:run("ip addr")
    if text:find("inet 10.0.2.15/24 dhcp", 1, true) then return end
    guest:sleep(0.25)
  end
  error("no address within 30 s", 0)
end

--- Runs a command in the guest in the background, its output in /tmp/NAME, until that says `line`. The file
--- may be made empty meanwhile.
function M.background(guest, name, command, line)
  guest:must((": >/tmp/%s; (%s >>/tmp/%s 2>&1 &)"):format(name, command, name))
  if line then M.await_line(guest, name, line) end
end

--- Waits until /tmp/NAME of the guest has a line; returns the file.
function M.await_line(guest, name, line)
  local text
  for _ = 1, 80 do
    text = guest:must("cat /tmp/" .. name)
    if text:find(line, 1, true) then return text end
    guest:sleep(0.25)
  end
  error(("/tmp/%s never says %q: %s"):format(name, line, text), 0)
end

return M
