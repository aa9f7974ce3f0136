-- A QEMU guest driven over its serial line.
--
--   local guest <close> = Guest.start({ cpus = 2 })
--   guest:login("root", "swordfish")
--   local output, status = guest:run("ls /tmp")
--
-- What comes over the line is kept whole in guest.text; guest.position is how far expect has
-- read. Waiting runs the event loop until the text is there, the deadline passes, QEMU ends, or
-- a forbidden word (a panic, an overdue server, a crash record) shows up: the last three raise.
-- A failing test prints the end of the transcript. QEMU never outlives the test: it is killed by
-- its process id at close, at the end of the file, and by the kernel when the test dies.

local uv = require("luv")
local tap = require("tap")

local Guest = {}
Guest.__index = Guest

-- Waiting times are for a busy machine; SWOS_TEST_SCALE stretches them all.
local SCALE = tonumber(os.getenv("SWOS_TEST_SCALE") or "1")
local BOOT, COMMAND = 60, 30

-- A prompt of sh at the end of what was printed.
local PROMPT = "[%$#] $"

local FORBIDDEN = { "panic", "overdue", "BEGIN CRASH" }

-- The options of -drive for one disk of Guest.arguments.
local function drive(disk, number)
  local words = { "format=raw", "if=none", "id=disk" .. number }
  if not disk.writable then words[#words + 1] = "readonly=on" end
  if disk.fails then
    table.move({ "file.driver=blkdebug", "file.image.driver=file",
      "file.image.filename=" .. disk[1], "rerror=report", "werror=report" }, 1, 5, #words + 1, words)
  else
    table.insert(words, 1, "file=" .. disk[1])
  end
  for i, fault in ipairs(disk.fails or {}) do
    local rule = (",file.inject-error.%d."):format(i - 1)
    words[#words] = words[#words] .. rule .. "event=none" .. rule .. "errno=5"
      .. rule .. "iotype=" .. fault[1] .. (fault[2] and rule .. "sector=" .. fault[2] or "")
  end
  return table.concat(words, ",")
end

local live = {}

-- The loop turns at least every 20 ms, so that deadlines are seen. One timer for all: one made and
-- closed for each wait is collected while libuv still holds it.
local ticker = uv.new_timer()
ticker:start(20, 20, function() end)

local function executable(name)
  return os.getenv("QEMU") or name or "qemu-system-aarch64"
end

--- CPUs of a test of several: SMP_CPUS, which scons sets when it was asked for a number; else 4.
function Guest.cpus() return tonumber(os.getenv("SMP_CPUS") or "4") end

--- The command line of a guest, as a list. Options (all optional):
---   kernel        build/kernel.img
---   cpu, memory   the CPU model and RAM; from CPU and MEM of the environment by default
---   cpus          1
---   disks         list of { path, writable = true, fails = list of { iotype, sector } }, where
---                 `fails` is what the disk answers with an error; { "build/base.img" } by default
---   append        the kernel command line
---   legacy        leave out force-legacy=false
---   machine       "virt"
---   reboot        a reset starts the machine again instead of ending QEMU
---   monitor       path of a socket for QEMU's monitor (tests/lib/monitor.lua)
---   more          further QEMU arguments
function Guest.arguments(options)
  local list = { "-M", options.machine or "virt",
    "-cpu", options.cpu or os.getenv("CPU") or "cortex-a72",
    "-smp", tostring(options.cpus or 1),
    "-m", options.memory or os.getenv("MEM") or "256M",
    "-display", "none", "-serial", "stdio", "-nic", "none" }
  local function add(...)
    for _, word in ipairs({ ... }) do list[#list + 1] = word end
  end
  if options.monitor then
    add("-chardev", ("socket,id=monitor,path=%s,server=on,wait=off"):format(options.monitor))
    add("-mon", "chardev=monitor,mode=readline")
  else
    add("-monitor", "none")
  end
  if not options.reboot then add("-no-reboot") end
  if not options.legacy then add("-global", "virtio-mmio.force-legacy=false") end
  for i, disk in ipairs(options.disks or { { "build/base.img" } }) do
    add("-drive", drive(disk, i))
    add("-device", ("virtio-blk-device,drive=disk%d"):format(i))
  end
  if options.append then add("-append", options.append) end
  add(table.unpack(options.more or {}))
  add("-kernel", options.kernel or "build/kernel.img")
  return list
end

--- Starts a guest. options.command, a list of arguments, replaces the made ones.
--- options.allow lists forbidden words this test provokes on purpose.
function Guest.start(options)
  options = options or {}
  local self = setmetatable({ text = "", errors = "", typed = "", position = 1, marker = 0,
    started = uv.hrtime(), forbidden = {}, checked = 1 }, Guest)
  local allowed = {}
  for _, word in ipairs(options.allow or {}) do allowed[word] = true end
  for _, word in ipairs(FORBIDDEN) do
    if not allowed[word] then self.forbidden[#self.forbidden + 1] = word end
  end
  self.stdin, self.stdout, self.stderr = uv.new_pipe(), uv.new_pipe(), uv.new_pipe()
  local arguments = { "--pdeathsig", "KILL", executable(options.qemu) }
  for _, word in ipairs(options.command or Guest.arguments(options)) do
    arguments[#arguments + 1] = word
  end
  self.command = table.concat(arguments, " ", 3)
  local problem
  self.process, self.pid = uv.spawn("setpriv",
    { args = arguments, stdio = { self.stdin, self.stdout, self.stderr } },
    function(code, signal)
      self.ended = ("QEMU ended with status %d, signal %d"):format(code, signal)
      self.process:close()
    end)
  if not self.process then
    problem = self.pid
    error("cannot start QEMU: " .. tostring(problem), 0)
  end
  self.stdout:read_start(function(_, data)
    if data then self.text = self.text .. data end
  end)
  self.stderr:read_start(function(_, data)
    if data then self.errors = self.errors .. data end
  end)
  live[#live + 1] = self
  Guest.current = self
  return self
end

--- Milliseconds since QEMU was started.
function Guest:elapsed() return (uv.hrtime() - self.started) // 1000000 end

function Guest:check_forbidden()
  for _, word in ipairs(self.forbidden) do
    local at = self.text:find(word, self.checked, true)
    if at then
      self.checked = #self.text + 1
      local line = self.text:sub(at, at + 200):match("^[^\r\n]*")
      error(("the guest said %q: %s"):format(word, line), 0)
    end
  end
  -- A word may be cut by the end of what has come.
  self.checked = math.max(1, #self.text - 16)
end

-- Gives QEMU what it takes of what was typed. Without callbacks: none is left when it is killed.
function Guest:pump()
  while self.typed ~= "" do
    local count = self.stdin:try_write(self.typed:sub(1, 4096))
    if not count or count <= 0 then return end
    self.typed = self.typed:sub(count + 1)
  end
end

--- Runs the loop until ready() returns something true; returns that, or nil after `timeout`
--- seconds. Raises when QEMU ends first, unless ready() holds then.
function Guest:wait(ready, timeout)
  local limit = uv.hrtime() + math.floor((timeout or COMMAND) * SCALE * 1e9)
  local result, failure
  repeat
    if not self.ended then self:pump() end
    result = ready()
    local ok, message = pcall(self.check_forbidden, self)
    if not ok then failure = message end
    if not result and not failure then
      if self.ended and not self.drained then
        -- What was written before the end may still be in the pipe.
        self.drained = true
        for _ = 1, 20 do uv.run("nowait") end
        result = ready()
      end
      if not result and self.ended then failure = self.ended .. "\n" .. self.errors end
      if not result and not failure then uv.run("once") end
    end
  until result or failure or uv.hrtime() > limit
  if failure then error(failure, 0) end
  return result
end

local function where_expected(self, what, timeout)
  return ("no %s within %g s; last came: %q"):format(what, (timeout or COMMAND) * SCALE,
    self.text:sub(math.max(self.position, #self.text - 200)))
end

--- Waits for words (plain text). Returns what came before them since the last expect.
function Guest:expect(words, timeout)
  local first, last
  local found = self:wait(function()
    first, last = self.text:find(words, self.position, true)
    return first
  end, timeout)
  if not found then error(where_expected(self, ("%q"):format(words), timeout), 0) end
  local before = self.text:sub(self.position, first - 1)
  self.position = last + 1
  return before
end

-- Where the last whole line ends: what comes next may be cut.
local function end_of_lines(text)
  local at = #text
  while at > 0 and text:byte(at) ~= 10 do at = at - 1 end
  return at
end

--- Waits for a Lua pattern in whole lines: at the end of what has come, (%d+) would capture the first
--- digits of a number. Returns its captures.
function Guest:expect_pattern(pattern, timeout)
  local found, seen
  if not self:wait(function()
    local last = end_of_lines(self.text)
    if last == seen then return nil end
    seen = last
    found = table.pack(self.text:sub(self.position, last):find(pattern))
    return found[1]
  end, timeout) then
    error(where_expected(self, "match of " .. pattern, timeout), 0)
  end
  self.position = self.position + found[2]
  return table.unpack(found, 3, found.n)
end

--- Waits and fails if the words come.
function Guest:expect_silence(words, seconds)
  local found = self:wait(function()
    return self.text:find(words, self.position, true)
  end, seconds / SCALE)
  if found then error(("%q came"):format(words), 0) end
end

--- Lets time pass.
function Guest:sleep(seconds)
  self:wait(function() end, seconds / SCALE)
end

--- Asks again and again until fact() returns something true; returns that. A test waits with this for
--- what must come about, however long a busy machine takes.
function Guest:await(what, fact, timeout)
  local limit = uv.hrtime() + math.floor((timeout or BOOT) * SCALE * 1e9)
  while true do
    local result = fact()
    if result then return result end
    if uv.hrtime() > limit then
      error(("not within %g s: %s"):format((timeout or BOOT) * SCALE, what), 0)
    end
    self:sleep(0.1)
  end
end

--- Types bytes; waits until QEMU took them. QEMU holds back what the guest does not read. A timeout
--- of 0 does not wait: what is left goes whenever the test waits for something.
function Guest:send(bytes, timeout)
  self.typed = self.typed .. bytes
  self:pump()
  if timeout ~= 0 and not self:wait(function() return self.typed == "" end, timeout) then
    error("typed text was not taken", 0)
  end
end

function Guest:line(text) self:send(text .. "\n") end

--- Waits for login's prompt and logs in; ends at the shell's prompt. Returns the greeting.
function Guest:login(name, password, timeout)
  self:expect("login: ", timeout or BOOT)
  self:line(name)
  self:expect("Password: ", COMMAND)
  self:line(password)
  local greeting = self:expect("session: ", COMMAND)
  greeting = greeting .. "session: " .. self:expect_pattern("([^\r\n]*)\r?\n")
  self:prompt()
  return greeting
end

--- Waits for the shell's prompt at the end of what came.
function Guest:prompt(timeout)
  if not self:wait(function()
    return #self.text >= self.position and self.text:find(PROMPT, self.position)
  end, timeout) then
    error(where_expected(self, "prompt", timeout), 0)
  end
  self.position = #self.text + 1
end

--- Runs a line in the shell. Returns its output (newlines as \n, without the last one) and its
--- exit status. The line must not read the terminal nor end in `&`.
function Guest:run(command, timeout)
  self.marker = self.marker + 1
  self.position = #self.text + 1
  local mark = ("@%06d@"):format(self.marker) -- each as long as the others: it lives in the shell
  self:line(("%s; echo \"%s$?\""):format(command, mark))
  self:expect("\n", timeout)
  -- Only what echo prints has digits behind the mark, and not the line as it was typed: that may come later
  -- than a newline, if something in the background prints one.
  local output, status = self:expect_pattern("^(.-)" .. mark .. "(%d+)\r?\n", timeout)
  self:prompt()
  output = output:gsub("\r\n", "\n"):gsub("\n$", "")
  return output, tonumber(status)
end

--- Starts a line in the shell's background; ends at the prompt after it.
function Guest:background(command)
  self.position = #self.text + 1
  self:line(command .. " &")
  self:expect_pattern("%[%d+%] %d+\r?\n")
  self:prompt()
end

--- run that fails the test unless the status is the wanted one (0).
function Guest:must(command, status, timeout)
  local output, got = self:run(command, timeout)
  if got ~= (status or 0) then
    error(("%q: status %d, not %d: %s"):format(command, got, status or 0, output), 0)
  end
  return output
end

--- Runs a program that prints TAP; raises with what did not hold.
function Guest:checks(command, timeout)
  local output, status = self:run(command, timeout)
  local bad = {}
  for line in output:gmatch("[^\n]+") do
    if line:find("^not ok") or line:find("^#") then bad[#bad + 1] = line end
  end
  local failed = output:find("not ok", 1, true)
  tap.check(not failed, "%s:\n%s", command, table.concat(bad, "\n"))
  local plan = tonumber((tap.matches(output, "\n1%.%.(%d+)")))
  local _, passed = ("\n" .. output):gsub("\nok ", "")
  tap.equal(passed, plan, "checks passed")
  tap.equal(status, 0, "status")
  return output
end

-- The pages of a Lua program that stays follow from what lives in it and from where it lies: blocks
-- that came late keep pages of a time when there was more. What lives is compared exactly; this
-- bounds the rest.
local LUA_PAGES = 64

--- Free pages, handles and objects of the whole system after every server dropped its caches, and
--- the bytes that live in init and in the shell. The pages of Lua programs that stay are counted as
--- free, and apart; of the kernel's own the bytes in use.
function Guest:counters()
  self:must("HISTSIZE=0") -- the lines typed live in the shell
  local init = tap.matches(self:must("svc trim"), " init itself remembers takes (%d+) bytes$")
  local shell = tap.matches(self:must("trim"), "^sh: (%d+) bytes live$")
  local output = self:must("swos-counters -v")
  local holders = {}
  for name, handles in output:gmatch("%d+ (%S+) %d+K (%d+)") do
    holders[name] = (holders[name] or 0) + tonumber(handles)
  end
  local pages, handles, objects, heap, kernel, lua =
    output:match("pages=(%d+) handles=(%d+) objects=(%d+) heap=(%d+) kernel=(%d+) lua=(%d+)")
  tap.check(pages, "swos-counters printed %s", output)
  return { pages = pages + heap + lua, handles = tonumber(handles), objects = tonumber(objects),
    kernel = tonumber(kernel), lua = tonumber(lua), ["bytes live in init"] = tonumber(init),
    ["bytes live in the shell"] = tonumber(shell), types = tap.matches(output, "types=([%d,]+)"),
    holders = holders }
end

--- What each process and the kernel hold, from top: "name" -> KiB. Says who holds what a leak check
--- misses.
function Guest:owners()
  local owners = {}
  local top = self:must("top -b -n 1")
  owners["kernel objects"], owners["page tables"] = top:match("(%d+)K objects, (%d+)K page tables")
  for size, name in top:gmatch("%d+ +%d+ [^\n]- (%d+)K +%S+ (%S+)") do
    owners[name] = (owners[name] or 0) + tonumber(size)
  end
  return owners
end

-- A chunk of a heap is a memory object with its table, held by one handle. A heap may come back from the
-- same load with one chunk more or less, by where what lives in it happens to lie; two programs that have
-- to do with each other (a server and netd) do so at once.
local CHUNK_KERNEL = 8192 + 512  -- bytes of the kernel a chunk takes at most: two tables, object and region
local CHUNKS = 2

local function are_chunks(before, after)
  local chunks, kernel = after.objects - before.objects, after.kernel - before.kernel
  return chunks ~= 0 and math.abs(chunks) <= CHUNKS and after.handles - before.handles == chunks
    and kernel * chunks > 0 and math.abs(kernel) <= math.abs(chunks) * CHUNK_KERNEL
end

-- What has grown of what may grow once, as words; nil: nothing.
local function grown(before, after)
  local list = {}
  for _, name in ipairs({ "bytes live in init", "bytes live in the shell", "objects" }) do
    if after[name] > before[name] then
      list[#list + 1] = ("%s %d -> %d"):format(name, before[name], after[name])
    end
  end
  return list[1] and table.concat(list, ", ")
end

--- What differs between two results of counters, as words, but for what lives in Lua programs and a
--- chunk of one; nil: nothing.
function Guest.difference(before, after)
  local list = {}
  local names = { "pages" }
  if not are_chunks(before, after) then table.move({ "handles", "objects", "kernel" }, 1, 3, 2, names) end
  for _, name in ipairs(names) do
    if before[name] ~= after[name] then
      list[#list + 1] = ("%s %d -> %d"):format(name, before[name], after[name])
    end
  end
  if math.abs(before.lua - after.lua) > LUA_PAGES then
    list[#list + 1] = ("pages of Lua programs %d -> %d"):format(before.lua, after.lua)
  end
  if #list == 0 then return nil end
  list[#list + 1] = ("types %s -> %s"):format(before.types, after.types)
  for name, count in pairs(after.holders) do
    if before.holders[name] ~= count then
      list[#list + 1] = ("%s's handles %s -> %d"):format(name, before.holders[name] or 0, count)
    end
  end
  for name, size in pairs(after.owners or {}) do
    local was = before.owners and before.owners[name]
    if was and was ~= size then list[#list + 1] = ("%s %sK -> %sK"):format(name, was, size) end
  end
  return table.concat(list, ", ")
end

-- Counters once they stand still: what was killed may take a moment to go.
function Guest:settled()
  local before = self:counters()
  for _ = 1, 10 do
    self:sleep(0.3)
    local now = self:counters()
    if not Guest.difference(before, now) then
      now.owners = self:owners()
      return now
    end
    before = now
  end
  error("the counters do not come to rest", 0)
end

--- Fills the terminal's output once: a pipe's pages are taken when they are first needed, and stay.
function Guest:fill_terminal()
  self:must("lua -e 'for _ = 1, 400 do print((\"-\"):rep(60)) end'")
end

-- A table that was filled further than before keeps its size, so what lives in a Lua program may take
-- a step, and its heap a chunk. What leaks takes one each time.
local STEPS = 3

-- Pages that the heaps of servers in C may come to use in one step, when calls overlap that did not
-- before. Fewer than the repetitions of a step: a leak takes more.
local FIRST_USES = 2
local CHUNK_USES = 8 -- of a new chunk

--- True if what differs may be so once: no more of all than before (what was there at first may go late),
--- but for a chunk of a heap, and for a page or two. A leak comes again and again.
function Guest.is_step(before, after)
  local chunks = are_chunks(before, after) and math.max(after.objects - before.objects, 0) or 0
  local is_no_more = after.handles <= before.handles and after.objects <= before.objects
    and after.kernel <= before.kernel
  return before.pages - after.pages <= FIRST_USES + chunks * CHUNK_USES
    and math.abs(before.lua - after.lua) <= LUA_PAGES and (is_no_more or are_chunks(before, after))
end

-- Whether it was once as it is now: what comes and goes in between, as a page of a heap does, is not lost.
local function was_so_before(states, now)
  for _, state in ipairs(states) do
    if not Guest.difference(state, now) and not grown(state, now) then return true end
  end
  return false
end

--- Warms up with load(guest), then compares pages, handles and objects before and after further
--- repetitions of it, exactly; heaps must come to stand still, or back to where they were.
function Guest:leak_check(load, repetitions, warm_up)
  self:fill_terminal()
  for _ = 1, warm_up or 3 do load(self) end
  local before, more, states = self:settled(), nil, {}
  for _ = 1, STEPS do
    for _ = 1, repetitions or 5 do load(self) end
    local after = self:settled()
    if was_so_before(states, after) then return end
    states[#states + 1] = before
    local lost = Guest.difference(before, after)
    if lost and not Guest.is_step(before, after) then error("leak: " .. lost, 0) end
    if lost then tap.note("once: %s", lost) end
    more = lost or grown(before, after)
    if not more then return end
    before = after
  end
  error(("leak: %s, and so each of %d times"):format(more, STEPS), 0)
end

--- The leak check every test of a guest ends with, as a test of its own.
function Guest:finish(load)
  tap.test("no pages, handles or objects are lost", function()
    self:leak_check(load or function(guest)
      guest:must("ls -l /bin | cat | wc; cat /hello.txt; id; ps | head -n 2")
    end)
  end)
end

--- The last lines that came, for diagnostics.
function Guest:transcript(lines)
  local list = {}
  for line in (self.text .. "\n"):gmatch("(.-)\r*\n") do list[#list + 1] = line end
  local first = math.max(1, #list - (lines or 80) + 1)
  local head = ("---- %s\n---- serial line, from line %d"):format(self.command, first)
  local text = head .. "\n" .. table.concat(list, "\n", first) .. "\n----"
  if self.errors ~= "" then text = text .. "\nQEMU said: " .. self.errors end
  return text
end

--- Waits until QEMU ends by itself (the guest switched off).
function Guest:expect_end(timeout)
  local ended = pcall(self.wait, self, function() return self.ended end, timeout)
  if not (ended and self.ended) then
    error(where_expected(self, "end of QEMU", timeout), 0)
  end
end

function Guest:close()
  for i, guest in ipairs(live) do
    if guest == self then table.remove(live, i) end
  end
  if Guest.current == self then Guest.last, Guest.current = self, nil end
  if not self.ended then
    uv.kill(self.pid, "sigkill")
    local limit = uv.hrtime() + 5000000000
    while not self.ended and uv.hrtime() < limit do uv.run("once") end
  end
  for _, pipe in ipairs({ self.stdin, self.stdout, self.stderr }) do
    if not pipe:is_closing() then pipe:close() end
  end
  for _ = 1, 3 do uv.run("nowait") end
end
Guest.__close = Guest.close

local function close_all()
  while live[1] do live[1]:close() end
end

-- A guest that a failing test closed on its way out still has a transcript to show.
tap.on_failure(function()
  local guest = Guest.current or Guest.last
  Guest.last = nil
  return guest and guest:transcript()
end)
tap.on_done(close_all)

-- The loop is running when a signal comes, and must not be entered again: no orderly close.
-- Typing to a machine that has ended is no reason to end.
local pipe_signal = uv.new_signal()
pipe_signal:start("sigpipe", function() end)
pipe_signal:unref()

for _, name in ipairs({ "sigint", "sigterm" }) do
  local signal = uv.new_signal()
  signal:start(name, function()
    for _, guest in ipairs(live) do uv.kill(guest.pid, "sigkill") end
    os.exit(130)
  end)
  signal:unref()
end

return Guest
