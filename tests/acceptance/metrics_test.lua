-- metrics: the exposition format, read strictly; each counter moves when what it counts happens.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local exposition = require("exposition")

local CPUS = 2
local guest = Guest.start({ cpus = CPUS, disks = { { "build/test.img" } },
  allow = { "BEGIN CRASH", "overdue" } })
guest:login("root", "swordfish")

local function metrics() return exposition.read(guest:must("metrics") .. "\n") end

-- Runs a command; by how much each figure changed, and the figures after it.
local function around(command, seconds)
  local before = metrics()
  guest:must(command, 0, seconds)
  local after = metrics()
  return setmetatable({}, { __index = function(_, key)
    tap.check(after.value[key], "no %s", key)
    return after.value[key] - (before.value[key] or 0)
  end }), after
end

tap.test("the machine: CPUs, memory, times, under the names dashboards know", function()
  local page = metrics()
  tap.equal(page.node_cpu_seconds_total.type, "counter")
  tap.equal(#page.node_cpu_seconds_total.samples, 2 * CPUS)
  local value = page.value
  local total = value.node_memory_MemTotal_bytes
  tap.check(total > 200 << 20 and total <= 256 << 20, "MemTotal %d", total)
  tap.check(value.node_memory_MemFree_bytes < total and value.node_memory_MemFree_bytes > total // 2)
  tap.check(value.node_memory_MemAvailable_bytes >= value.node_memory_MemFree_bytes)
  local up = value.node_time_seconds - value.node_boot_time_seconds
  tap.check(up > 0.1 and up < guest:elapsed() / 1000 + 1, "up %g s", up)
  tap.check(math.abs(value.node_time_seconds - os.time()) < 60, "time %d", value.node_time_seconds)
  tap.check(value.node_procs_running >= 1)
  tap.check(value.swos_processes >= 8 and value.swos_processes == value['swos_objects{type="process"}'])
end)

tap.test("what file servers keep and a trim gives back is available", function()
  local SLACK = 4 << 20
  local function memory()
    local value = metrics().value
    return value.node_memory_MemFree_bytes, value.node_memory_MemAvailable_bytes
  end
  guest:must("svc trim; cat /bench/big >/dev/null", 0, 60)
  local free, available = memory()
  tap.check(available - free >= 32 << 20, "a file of 32 MiB was read; available %d, free %d", available, free)
  guest:must("svc trim")
  local after = memory()
  tap.check(math.abs(after - available) <= SLACK, "%d were available, a trim left %d", available, after)
  -- What somebody holds does not come back: eight extents of it, here.
  guest:must("cat /bench/big >/dev/null", 0, 60)
  local less = guest:must([[lua -e 'local swos, file = require("swos"), require("swos.protocol").file ]]
    .. [[local base, id, held = swos.fs.mounts[1][2], swos.fs.stat("/bench/big").id, {} ]]
    .. [[local before = swos.fs.cached() ]]
    .. [[for i = 0, 7 do held[#held + 1] = file.extent(base, { id = id, index = i }).memory end ]]
    .. [[print(before - swos.fs.cached())']])
  tap.equal(tonumber(less), 8 << 20)
end)

tap.test("CPU seconds are those that went by, busy ones when there is work", function()
  local moved, after = around("lua -e 'local t = os.clock() while os.clock() - t < 2 do end'")
  local busy, idle = 0, 0
  for i = 0, CPUS - 1 do
    busy = busy + moved[('node_cpu_seconds_total{cpu="%d",mode="busy"}'):format(i)]
    idle = idle + moved[('node_cpu_seconds_total{cpu="%d",mode="idle"}'):format(i)]
  end
  tap.check(busy >= 2 and idle >= 0.5, "busy %g, idle %g", busy, idle)
  local all = 0
  for _, sample in ipairs(after.node_cpu_seconds_total.samples) do all = all + sample.value end
  local up = after.value.node_time_seconds - after.value.node_boot_time_seconds
  tap.check(all <= up * CPUS + 0.5 and all > up * CPUS * 0.5, "%g of %g s", all, up * CPUS)
  tap.check(moved.node_context_switches_total > 0 and moved.swos_syscalls_total > 0)
end)

tap.test("calls and how long they took, by server", function()
  local moved = around("touch /tmp/a; lua -e 'for i = 1, 100 do io.open([[/tmp/a]]):close() end'; rm /tmp/a")
  local calls = moved['swos_calls_total{service="tmpfs"}']
  tap.check(calls >= 100 and calls < 1000, "%d calls", calls)
  tap.equal(moved['swos_call_seconds_count{service="tmpfs"}'], calls)
  local sum = moved['swos_call_seconds_sum{service="tmpfs"}']
  tap.check(sum > 0 and sum < 20, "%g s", sum)
  tap.check(moved['swos_call_seconds_bucket{service="tmpfs",le="0.000004096"}'] < calls)
end)

tap.test("what the disk does", function()
  local moved = around("svc trim; cat /bin/imgfs /bin/blkd | wc -c", 60)
  local reads, bytes = moved['node_disk_reads_completed_total{device="disk0"}'],
    moved['node_disk_read_bytes_total{device="disk0"}']
  tap.check(reads >= 2, "%d reads", reads)
  tap.check(bytes >= 20000 and bytes % 512 == 0, "%d bytes", bytes)
  local took, busy = moved['node_disk_read_time_seconds_total{device="disk0"}'],
    moved['node_disk_io_time_seconds_total{device="disk0"}']
  tap.check(took > 0 and busy > 0 and busy <= took + 0.001, "took %g, busy %g", took, busy)
  tap.equal(moved['node_disk_writes_completed_total{device="disk0"}'], 0)
  -- calls answered later count, too
  tap.check(moved['swos_call_seconds_count{service="blkd"}'] >= reads)
end)

local function restarts(moved, service, cause)
  return moved[('swos_service_restarts_total{service="%s",cause="%s"}'):format(service, cause)]
end

tap.test("restarts by cause, and how long they took", function()
  local moved, after = around("svc kill tmpfs; sleep 1; svc kill tmpfs crash; sleep 2; svc restart tmpfs;"
    .. " sleep 1")
  tap.equal(restarts(moved, "tmpfs", "killed"), 1)
  tap.equal(restarts(moved, "tmpfs", "crashed"), 1)
  tap.equal(restarts(moved, "tmpfs", "asked"), 1)
  tap.equal(after.value['swos_service_restarts_total{service="tmpfs",cause="hung"}'], nil)
  tap.equal(after.value['swos_service_up{service="tmpfs"}'], 1)
  tap.equal(moved['swos_service_recovery_seconds_count{service="tmpfs"}'], 2) -- the one asked for is none
  local sum = moved['swos_service_recovery_seconds_sum{service="tmpfs"}']
  tap.check(sum > 0.001 and sum < 4, "%g s", sum)
  moved = around("svc kill tmpfs hang; touch /tmp/a; rm /tmp/a", 90)
  tap.equal(restarts(moved, "tmpfs", "hung"), 1)
  tap.equal(moved['swos_service_recovery_seconds_count{service="tmpfs"}'], 1)
end)

-- It dies once while it starts: two restarts, each with its cause, and one recovery.
tap.test("each of several deaths has its cause; a start by hand is no recovery", function()
  guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
  guest:must([[echo 'return { program = "/bin/lua", arguments = { "-e", ]] ..
    [["if os.remove([=[/tmp/dies]=]) then os.exit(3) end print([=[alive]=]) ]] ..
    [[require([=[swos]=]).sleep(1e6)" }, ready = { line = "alive" }, ]] ..
    [[names = { "file/base", "file/tmp" }, capabilities = { "fs-read", "tmp-write" } }' ]] ..
    [[>/tmp/services/mortal.lua]])
  guest:must("svc reload; svc start mortal", 0, 60)
  local moved = around("touch /tmp/dies; svc kill mortal; sleep 4")
  tap.equal(restarts(moved, "mortal", "killed"), 1)
  tap.equal(restarts(moved, "mortal", "exited"), 1)
  tap.equal(moved['swos_service_recovery_seconds_count{service="mortal"}'], 1)
  local after
  moved, after = around("svc stop mortal; svc start mortal; sleep 1")
  tap.equal(moved['swos_service_up{service="mortal"}'], 0)
  tap.equal(restarts(after.value, "mortal", "asked"), nil)
  tap.equal(moved['swos_service_recovery_seconds_count{service="mortal"}'], 0)
  guest:must("svc stop mortal; rm -r /tmp/services; svc reload", 0, 60)
end)

tap.test("counters outlive the server and init", function()
  local before = metrics().value
  guest:must("svc kill tmpfs; sleep 1; svc kill init; sleep 3", 0, 60)
  local after = metrics().value
  for _, key in ipairs { 'swos_calls_total{service="tmpfs"}', 'swos_calls_total{service="imgfs"}',
      'swos_service_recovery_seconds_count{service="tmpfs"}',
      'swos_service_restarts_total{service="tmpfs",cause="crashed"}' } do
    tap.check(after[key] and after[key] >= before[key], "%s: %s, was %s", key, after[key], before[key])
  end
  tap.equal(after['swos_service_restarts_total{service="tmpfs",cause="killed"}'],
    before['swos_service_restarts_total{service="tmpfs",cause="killed"}'] + 1)
end)

tap.test("lines of logs, and those that are gone", function()
  guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
  guest:must("echo 'return { program = \"/bin/lua\","
    .. " arguments = { \"-e\", \"for i = 1, 1000 do print(i) end\" },"
    .. " oneshot = true, log = \"4K\" }' >/tmp/services/says.lua; svc reload", 0, 60)
  local moved = around("svc start says; sleep 1", 60)
  tap.check(moved['swos_log_lines_total{log="says"}'] >= 1000)
  local dropped = moved['swos_log_dropped_lines_total{log="says"}']
  tap.check(dropped > 700 and dropped < 1000, "%d gone", dropped)
  moved = around("lua -e 'local swos = require([[swos]]) for i = 1, 1000 do swos.sys.log_write("
    .. "swos.handle([[log]]), swos.LOG_INFO, [[noisy: ]] .. i) end'")
  local lost = moved.swos_kernel_log_dropped_lines_total
  tap.check(lost > 300 and lost < 745, "%d dropped", lost)
  tap.check(moved.swos_kernel_log_lines_total + lost >= 1000)
  tap.equal(moved.swos_kernel_log_missed_lines_total, 0)
  guest:must("rm -r /tmp/services; svc reload", 0, 60)
end)

guest:finish(function(g) g:must("metrics | wc") end)

tap.test("without the inspect bit: the machine alone, and that is said", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  local page = exposition.read(guest:must("metrics 2>/dev/null") .. "\n")
  tap.check(page.value.node_memory_MemTotal_bytes)
  tap.check(not page.swos_calls_total and not page.swos_service_up and not page.swos_log_lines_total)
  tap.contains(guest:must("metrics | cat >/tmp/out; rm /tmp/out"), "need the capability inspect")
  tap.contains(guest:must("lua -e 'print(require([[swos.protocol]]).system.statistics("
    .. "require([[swos.names]]).connect([[system]]), { capacity = 4096 }))'"), "needs capability inspect")
end)

tap.done()
