-- What the system counts as a page of the Prometheus text format: for the command `metrics` and for the
-- service of that name.
local exposition = require("swos.exposition")
local names = require("swos.names")
local processes = require("swos.processes")
local protocol = require("swos.protocol")
local swos = require("swos")

local M = {}

local SECOND = 1e9
local CAPACITY = 262144
-- What blkd counts of each disk, in its order.
local DISK = {
  { "node_disk_reads_completed_total", "Reads the disk finished." },
  { "node_disk_read_bytes_total", "Bytes read." },
  { "node_disk_read_time_seconds_total", "Time all reads together took, waiting included.", SECOND },
  { "node_disk_writes_completed_total", "Writes the disk finished." },
  { "node_disk_written_bytes_total", "Bytes written." },
  { "node_disk_write_time_seconds_total", "Time all writes together took, waiting included.", SECOND },
  { "node_disk_flush_requests_total", "Flushes the disk finished." },
  { "node_disk_io_time_seconds_total", "Time in which the disk had something to do.", SECOND },
}
-- What nicd counts of its card.
local NETWORK = {
  { "node_network_receive_packets_total", "Packets received." },
  { "node_network_receive_bytes_total", "Bytes of packets received." },
  { "node_network_receive_drop_total", "Packets received and dropped for want of room." },
  { "node_network_receive_errs_total", "Packets received whose length no frame has." },
  { "node_network_transmit_packets_total", "Packets sent." },
  { "node_network_transmit_bytes_total", "Bytes of packets sent." },
  { "node_network_transmit_drop_total", "Packets to send that were dropped for want of room." },
  { "node_network_transmit_errs_total", "Packets to send that the card refused." },
}
local OBJECTS = { "process", "thread", "job", "channel", "connection", "call", "port", "event", "memory",
  "pipe", "device" }

local page  -- under way

-- A family of one figure.
local function one(name, kind, help, value, labels) page.family(name, kind, help)(value, labels) end

-- Expected failures end the page; M.text says so.
local function check(value, message)
  if value == nil then error({ message = message }) end
  return value
end

local function malformed() check(nil, "malformed message") end

-- ---- the machine

local function machine(system)
  local info = swos.info()
  local boot = info.boot_counter * (SECOND / info.counter_frequency)
  local wall = swos.wall() - swos.monotonic()  -- of the monotonic clock's zero
  local cpu = page.family("node_cpu_seconds_total", "counter",
    "Seconds each CPU was in each mode; busy is user and kernel.")
  for i = 1, system.cpu_count do
    cpu(system.cpu_busy_ns[i] / SECOND, { "cpu", i - 1, "mode", "busy" })
    cpu(system.cpu_idle_ns[i] / SECOND, { "cpu", i - 1, "mode", "idle" })
  end
  one("node_memory_MemTotal_bytes", "gauge", "RAM of the machine.", system.ram_total)
  one("node_memory_MemFree_bytes", "gauge", "RAM nothing uses.", system.ram_free)
  one("node_memory_MemAvailable_bytes", "gauge",
    "That, and what file servers keep which nobody uses and a trim gives back.",
    system.ram_free + swos.fs.cached())
  one("node_memory_Slab_bytes", "gauge", "Kernel objects.", system.kernel_heap)
  one("node_memory_PageTables_bytes", "gauge", "Page tables.", system.page_tables)
  one("node_boot_time_seconds", "gauge", "When the kernel started, UTC since 1970.", (wall + boot) / SECOND)
  one("node_time_seconds", "gauge", "The wall clock, UTC since 1970.", swos.wall() / SECOND)
  one("node_context_switches_total", "counter", "Times a CPU went on with another thread.",
    system.context_switches)
  one("node_uname_info", "gauge", "The system.", 1, { "sysname", "swos", "machine", "aarch64" })
  one("swos_syscalls_total", "counter", "System calls.", system.syscalls)
  one("swos_processes", "gauge", "Processes.", system.processes)
  one("swos_threads", "gauge", "Threads.", system.threads)
  one("swos_handles", "gauge", "Handles of all processes.", system.handles)
  local objects = page.family("swos_objects", "gauge", "Kernel objects by type.")
  for number, name in ipairs(OBJECTS) do objects(system.objects[number + 1], { "type", name }) end
  one("swos_kernel_image_bytes", "gauge", "Kernel and boot bundle.", system.kernel_image)
end

local function tasks(list)
  local running, waiting = 0, 0
  for _, process in ipairs(list) do
    if process.letter == "R" then running = running + 1 end
    local wait = process.wait_kind
    if wait == swos.WAIT_CALL or wait == swos.WAIT_REPLY then waiting = waiting + 1 end
  end
  one("node_procs_running", "gauge", "Processes that run or could.", running)
  one("node_procs_blocked", "gauge", "Processes that wait for a server's answer.", waiting)
end

-- ---- services

-- The kinds of lines, by their first word: how many words a line has at least, how many of those are
-- text; the others are numbers.
local KINDS = { service = { 6, 3 }, calls = { 5, 2 }, own = { 3, 2 }, restart = { 4, 3 }, recovery = { 4, 2 },
  bounds = { 3, 2 }, log = { 4, 2 } }

-- Lines of tab-separated words by their first one: { { words... }... }.
local function lines_by_kind(text)
  local kinds = {}
  for name in pairs(KINDS) do kinds[name] = {} end
  for line in text:gmatch("[^\n]+") do
    local words, kind = {}, KINDS[line:match("^[^\t]+")]
    for word in line:gmatch("[^\t]+") do
      if kind and #words >= kind[2] then
        word = math.tointeger(word) or tonumber(word) or malformed()
      end
      words[#words + 1] = word
    end
    if not kind or #words < kind[1] then malformed() end
    table.insert(kinds[words[1]], words)
  end
  return kinds
end

local function services(kinds)
  local up = page.family("swos_service_up", "gauge", "1 if the service is ready.")
  for _, line in ipairs(kinds.service) do
    up(line[3] == "ready" and 1 or 0, { "service", line[2] })
  end
  local memory = page.family("swos_service_memory_bytes", "gauge", "What is charged to the service's job.")
  for _, line in ipairs(kinds.service) do memory(line[5], { "service", line[2] }) end
  local cpu = page.family("swos_service_cpu_seconds_total", "counter", "CPU time of the service's job.")
  for _, line in ipairs(kinds.service) do cpu(line[6] / SECOND, { "service", line[2] }) end
  local restarts = page.family("swos_service_restarts_total", "counter",
    "Times the service was started again, by what ended it before.")
  for _, line in ipairs(kinds.restart) do restarts(line[4], { "service", line[2], "cause", line[3] }) end
  local recovery = page.family("swos_service_recovery_seconds", "histogram",
    "From the end of a service that nobody asked for until it was ready again.")
  local ends = kinds.bounds[1] or malformed()
  local bounds = table.move(ends, 3, #ends, 1, {})
  for _, line in ipairs(kinds.recovery) do
    recovery(bounds, table.move(line, 4, #line, 1, {}), line[3] / SECOND, { "service", line[2] })
  end
end

local function calls(kinds)
  local received = page.family("swos_calls_total", "counter", "Calls that were delivered to the server.")
  for _, line in ipairs(kinds.calls) do received(line[3], { "service", line[2] }) end
  local bounds = {}
  for i = 1, swos.STATISTICS_BUCKETS - 1 do bounds[i] = (1 << (swos.STATISTICS_SHIFT + i - 1)) / SECOND end
  local took = page.family("swos_call_seconds", "histogram",
    "From the delivery of a call to its answer, waits the call asked for included.")
  for _, line in ipairs(kinds.calls) do
    took(bounds, table.move(line, 5, #line, 1, {}), line[4] / SECOND, { "service", line[2] })
  end
end

-- The families of what a driver counts of each of its devices, `device` and a number.
local function driven(kinds, driver, device, families)
  local own = {}
  for _, line in ipairs(kinds.own) do
    if line[2] == driver then own = line end
  end
  for i, what in ipairs(families) do
    local put = page.family(what[1], "counter", what[2])
    for at = 3, #own, #families do
      local value = own[at + i - 1] or 0
      put(what[3] and value / what[3] or value, { "device", ("%s%d"):format(device, (at - 3) // #families) })
    end
  end
end

-- ---- logs

local function kernel_log(system)
  one("swos_kernel_log_lines_total", "counter", "Lines of the kernel log.", system.log_lines)
  one("swos_kernel_log_dropped_lines_total", "counter",
    "Lines that were not taken because their process wrote too many.", system.log_dropped)
end

local function logs(counts)
  one("swos_kernel_log_missed_lines_total", "counter",
    "Lines of the kernel log that were overwritten before logd came for them.", counts.late)
  local list = lines_by_kind(counts.data:gsub("[^\n]+", "log\t%0")).log
  local written = page.family("swos_log_lines_total", "counter", "Lines each log ever had.")
  for _, line in ipairs(list) do written(line[3], { "log", line[2] }) end
  local dropped = page.family("swos_log_dropped_lines_total", "counter",
    "Lines that are gone because the log was full.")
  for _, line in ipairs(list) do dropped(line[4], { "log", line[2] }) end
end

local function write_page()
  local system = check(swos.sys.system_info())
  machine(system)
  kernel_log(system)
  tasks(check(processes.list(processes.visible_job())))
  local init <close> = check(names.connect("system"))
  local reply, message, code = protocol.system.statistics(init, { capacity = CAPACITY })
  if not reply and code == "ACCESS" then return false end
  local kinds = lines_by_kind(check(reply, message and "services: " .. message).data)
  driven(kinds, "blkd", "disk", DISK)
  driven(kinds, "nicd", "net", NETWORK)
  services(kinds)
  calls(kinds)
  local log <close>, problem, refusal = names.connect("log")
  if refusal ~= "REFUSED" then -- logd does not run: what it has counted is not to be had, the rest is
    logs(check(protocol.log.counts(check(log, problem), { capacity = CAPACITY })))
  end
  return true
end

-- The page, and whether it has the figures of services, which take the capability inspect; or nil, message.
function M.text()
  page = exposition.new()
  local ok, result = pcall(write_page)
  if not ok and type(result) == "table" then return nil, result.message end
  if not ok then error(result, 0) end
  return page.text(), result
end

return M
