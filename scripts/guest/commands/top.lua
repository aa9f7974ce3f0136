#!/bin/lua
-- top [-b] [-n FRAMES] [-d SECONDS]: the machine and its processes; q ends it.
local command = require("swos.command")
local processes = require("swos.processes")
local protocol = require("swos.protocol")
local swos = require("swos")

local ROWS = 20  -- on a terminal

local options, rest = command.options(arg)
if options.h then command.help() end
if rest[1] then command.usage() end
local batch = options.b
local frames = tonumber(options.n or (batch and 1 or math.huge)) or command.usage()
local delay = tonumber(options.d or 2) or command.usage()
local job = processes.visible_job()

-- One sample: the machine's facts and processes by pid.
local function sample()
  local system = command.check(swos.sys.system_info())
  local list = command.check(processes.list(job))
  local by_pid = {}
  for _, process in ipairs(list) do by_pid[process.pid] = process end
  -- The time after them: nothing can have run for longer than that.
  return { system = system, list = list, by_pid = by_pid, at = swos.monotonic() }
end

local function share(part, whole)
  return whole > 0 and 100 * part / whole or 0
end

-- Busy share of CPU i (nil: all) between two samples; before may be nil: since boot.
local function busy_share(now, before, i)
  local busy, idle = 0, 0
  for cpu = i or 1, i or now.system.cpu_count do
    busy = busy + now.system.cpu_busy_ns[cpu] - (before and before.system.cpu_busy_ns[cpu] or 0)
    idle = idle + now.system.cpu_idle_ns[cpu] - (before and before.system.cpu_idle_ns[cpu] or 0)
  end
  return share(busy, busy + idle)
end

local function cpu_share(process, now, before)
  local earlier = before and before.by_pid[process.pid]
  if earlier and earlier.start_ns == process.start_ns then
    return share(process.cpu_ns - earlier.cpu_ns, now.at - before.at)
  end
  return share(process.cpu_ns, now.at - process.start_ns)
end

local function frame(now, before)
  local system, counts, lines = now.system, { R = 0, S = 0, T = 0, Z = 0 }, {}
  local function put(...) lines[#lines + 1] = string.format(...) end
  for _, process in ipairs(now.list) do
    counts[process.letter] = (counts[process.letter] or 0) + 1
    process.share = cpu_share(process, now, before)
  end
  table.sort(now.list, function(a, b)
    if a.share ~= b.share then return a.share > b.share end
    return a.pid < b.pid
  end)
  local busy, each = busy_share(now, before), {}
  for i = 1, system.cpu_count do
    each[i] = system.cpu_idle_ns[i] + system.cpu_busy_ns[i] == 0 and ("cpu%d off"):format(i - 1)
      or ("cpu%d %.1f%%"):format(i - 1, busy_share(now, before, i))
  end
  put("top - up %s, %d CPUs", processes.clock(system.monotonic_ns), system.cpu_count)
  put("Tasks: %d total, %d running, %d sleeping, %d stopped", #now.list, counts.R, counts.S, counts.T)
  put("Cpu: %.1f%% busy, %.1f%% idle", busy, 100 - busy)
  put("CPUs: %s", table.concat(each, ", "))
  put("Mem: %dK total, %dK used, %dK free", system.ram_total // 1024,
    (system.ram_total - system.ram_free) // 1024, system.ram_free // 1024)
  put("Kernel: %dK image, %dK objects, %dK page tables", system.kernel_image // 1024,
    system.kernel_heap // 1024, system.page_tables // 1024)
  put("")
  put("%5s %5s %-8s %s %5s %7s %9s %s", "PID", "PPID", "USER", "S", "%CPU", "RES", "TIME+", "COMMAND")
  for i, process in ipairs(now.list) do
    if not batch and i > ROWS then break end
    put("%5d %5d %-8s %s %5.1f %6dK %9s %s", process.pid, process.parent, process.user, process.letter,
      process.share, process.memory // 1024, processes.cpu_time(process.cpu_ns), process.name)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Waits for the next frame; true when the operator wants to leave.
local function pause()
  if batch then
    swos.sleep(delay)
    return false
  end
  local key = swos.fd.read(0, 1, swos.deadline(delay))
  return key == "q" or key == "Q" or key == ""
end

local control = not batch and swos.handle("fd/0/control")
if not batch and not control then command.fail("not on a terminal; use -b") end
local function set_mode(mode)
  if control then protocol.terminal.set_mode(control, { mode = mode, drain = 0 }) end
end

set_mode(swos.TERMINAL_SIGNALS)
local before
for i = 1, frames do
  local now = sample()
  io.write(batch and (i > 1 and "\n" or "") or "\27[H\27[J", frame(now, before))
  io.flush()
  before = now
  if i < frames and pause() then break end
end
set_mode(swos.TERMINAL_SIGNALS | swos.TERMINAL_CANONICAL | swos.TERMINAL_ECHO)
