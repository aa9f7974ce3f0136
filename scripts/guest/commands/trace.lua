#!/bin/lua
-- trace PROGRAM [ARGUMENT...] | trace PID: system calls and messages of a process, on stderr.
local command = require("swos.command")
local protocol = require("swos.protocol")
local swos = require("swos")
local trace = require("swos.trace")
local sys = swos.sys

local RING = 64 * swos.PAGE   -- bytes of records
local PIECE = 32768
local PATIENCE = 0.1          -- seconds until a call that waits is told
local RECORDS, ENDED = 1, 2   -- keys at the port
local NOT_FOUND, NOT_EXECUTABLE = 127, 126

local _, words = command.options(arg, "first")
if not words[1] then command.usage("program or process expected") end

local system = command.connect("system")
local authority = command.check(protocol.system.inspect(system)).job or command.malformed()
local ring = command.check(sys.memory_create(RING + swos.PAGE, swos.MEMORY_COMMIT))
local event = command.check(sys.event_create())
local port = command.check(sys.port_create())

local function attach(process)
  command.check(sys.port_bind(port, event, swos.TRACE_MORE, RECORDS))
  command.check(sys.port_bind(port, process, 1, ENDED))
  local ok, message, name = sys.process_trace(authority, process, ring, event)
  if not ok then
    command.fail(name == "BUSY" and "it is being traced" or name == "INVALID" and "not itself"
      or name == "BAD_STATE" and "it has ended" or message)
  end
end

-- A process that was there before; it goes on when this one ends.
local function attach_pid(pid)
  local reply, message, name = protocol.system.process_open(system, { pid = pid })
  if not reply then
    command.fail(("%d: %s"):format(pid, name == "NOT_FOUND" and "no such process" or message))
  end
  local process = reply.process or command.malformed()
  attach(process)
  return process
end

-- A program of its own, in a job below this one's, which stands still until it is traced.
local function start(given)
  local job = command.check(sys.job_create(swos.handle("job"), {}))
  command.check(sys.job_stop(job))
  local paths = { given[1] }
  if not given[1]:find("/", 1, true) then
    paths = {}
    for folder in (os.getenv("PATH") or "/bin"):gmatch("[^:]+") do
      paths[#paths + 1] = folder .. "/" .. given[1]
    end
  end
  local session = swos.handle("session") or swos.handle("job")
  local process, message, name
  for _, path in ipairs(paths) do
    process, message, name = swos.spawn(path, { job = job, arguments = given,
      descriptors = { [0] = 0, [1] = 1, [2] = 2 }, handles = { session = session } })
    if process or name ~= "NOT_FOUND" then break end
  end
  if not process then
    command.fail(("%s: %s"):format(given[1], message), name == "NOT_FOUND" and NOT_FOUND or NOT_EXECUTABLE)
  end
  attach(process)
  command.check(sys.job_continue(job))
  return process, job
end

local tracer, tail, rest = trace.new(), 0, ""

-- Reads what the ring has, and says so.
local function drain()
  while true do
    local head = ("<i8"):unpack((command.check(sys.memory_read(ring, 0, 8))))
    if head == tail then return end
    while tail < head do
      local offset = tail % RING
      local piece = command.check(sys.memory_read(ring, swos.PAGE + offset,
        math.min(head - tail, RING - offset, PIECE)))
      tail, rest = tail + #piece, rest .. piece
      rest = rest:sub(tracer:feed(rest) + 1)
      sys.memory_write(ring, 8, ("<i8"):pack(tail))
    end
  end
end

local function show(waiting)
  local lines = tracer:flush(waiting)
  if #lines > 0 then io.stderr:write(table.concat(lines, "\n") .. "\n") end
end

local pid = math.tointeger(tonumber(words[1]))
local process
if pid and not words[2] then process = attach_pid(pid) else process = start(words) end
local quiet = false  -- what waits has been told
while true do
  local kind, key, name = swos.port_wait(port, quiet and swos.NEVER or swos.deadline(PATIENCE))
  if not kind and name ~= "TIMED_OUT" then command.fail(key) end
  if key == RECORDS then sys.event_update(event, swos.TRACE_MORE, 0) end
  drain()
  show(not kind or key == ENDED)
  quiet = not kind
  if key == ENDED then break end
end
local status = swos.process_wait(process)
io.stderr:write(("ended with status %d\n"):format(status))
os.exit(status)
