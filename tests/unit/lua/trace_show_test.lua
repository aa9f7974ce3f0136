-- Records of traces as lines: calls, replies and servers, what waits, what is lost, and nonsense.
package.path = "tests/lib/?.lua;lua/?.lua;build/generated/lua/?.lua;" .. package.path
local tap = require("tap")
local abi = require("abi")
local trace = require("swos.trace")

local ENTER, LEAVE = 1, 2
local number = {}
for name, call in pairs(abi.syscall) do number[name] = call.number end

-- A record as the kernel writes it.
local function record(kind, name, values, bytes, options)
  options, bytes = options or {}, bytes or ""
  local v = {}
  for i = 1, 8 do v[i] = values[i] or 0 end
  local text = ("<I4i8i8i8I4I4i8i8i8i8i8i8i8i8"):pack(kind, options.time or 0, options.thread or 1,
    options.lost or 0, number[name] or name, #bytes, table.unpack(v)) .. bytes
  text = text .. ("\0"):rep(-(#text + 4) % 8)
  return ("<I4"):pack(#text + 4) .. text
end

local function pack(struct, values)
  local list, at = {}, 0
  for _, f in ipairs(abi.struct[struct].fields) do
    assert(f.offset == at)
    local format = ({ u32 = "<I4", u64 = "<i8", i32 = "<i4", i64 = "<i8" })[f.type]
    list[#list + 1] = f.count and ("\0"):rep(f.size) or format and format:pack(values[f.name] or 0)
      or ("\0"):rep(f.size)
    at = at + f.size
  end
  return table.concat(list)
end

local function lines(...)
  local tracer = trace.new()
  local bytes = table.concat({ ... })
  tap.equal(tracer:feed(bytes), #bytes)
  return table.concat(tracer:flush(true), "\n")
end

local VERSION = abi.protocol.terminal.version
local MODE = ("<I2I2I2I2I8I4I4"):pack(3, VERSION, 2, 0, 0, 5, 1)
local GET = ("<I2I2I2I2I8"):pack(3, VERSION, 1, 0, 0)

tap.test("plain calls: arguments, results, failures, deadlines", function()
  tap.equal(lines(record(ENTER, "event_update", { 0x10003, -1, 7 }, "", { time = 5000000000 }),
    record(LEAVE, "event_update", { 0, 3 })),
    "  0.000000 event_update event=0x10003 clear=MAX set=7 = OK before=3")
  tap.equal(lines(record(ENTER, "port_wait", { 5, 0x99, 1500000000 }, "", { time = 1000000000 }),
    record(LEAVE, "port_wait", { -8 }, "", { time = 1500000000 })),
    "  0.000000 port_wait port=0x5 deadline=+0.500s = TIMED_OUT")
  tap.equal(lines(record(ENTER, "pipe_create", { 4096, 1 }),
    record(LEAVE, "pipe_create", { 0, 11, 12 })),
    "  0.000000 pipe_create capacity=4096 flags=1 = OK reader=0xb writer=0xc")
  tap.equal(lines(record(ENTER, "process_exit", { 0xfffffffe })), "  0.000000 process_exit status=-2")
  tap.equal(lines(record(ENTER, 99999, {}), record(LEAVE, 99999, { -28 })),
    "  0.000000 system call 99999 = BAD_SYSCALL")
  tap.equal(lines(record(ENTER, "pipe_write", { 3, 9, 500, -1 }, "a\nb")),
    '  0.000000 pipe_write pipe=0x3 deadline=never "a\\nb"... ...')
end)

tap.test("requests and replies, posted ones too", function()
  local call = pack("sw_call", { request_length = #GET, send_count = 1, data_length = 9 })
  local reply = ("<i4I4I4I2I2I4I4"):pack(0, 0, 7, 24, 80, 5, 0)
  tap.equal(lines(record(ENTER, "call", { 0x20, 0, -1 }, call .. GET),
    record(LEAVE, "call", { 0, #reply, 2 }, reply)),
    "  0.000000 call 0x20 terminal.get_mode handles=1 data=9 " ..
    "= mode=7 rows=24 columns=80 interrupts=5 handles=2")
  tap.equal(lines(record(ENTER, "call_post", { 0x30, 0x20 }, call .. GET), record(LEAVE, "call_post", { 0 }),
    record(ENTER, "call_collect", { 0x30 }), record(LEAVE, "call_collect", { 0, #reply }, reply)),
    "  0.000000 call_post 0x20 terminal.get_mode handles=1 data=9 = OK\n" ..
    "  0.000000 call_collect call=0x30 buffers=0x0 " ..
    "= terminal.get_mode: mode=7 rows=24 columns=80 interrupts=5")
  tap.equal(lines(record(ENTER, "call", { 0x20 }, pack("sw_call", { request_length = 41, flags = 4 })),
    record(LEAVE, "call", { 0, 16 })), "  0.000000 call 0x20 secret request of 41 bytes = OK")
  tap.equal(lines(record(ENTER, "call", { 0x20 }, call .. GET), record(LEAVE, "call", { -11 })),
    "  0.000000 call 0x20 terminal.get_mode handles=1 data=9 = PEER_DIED")
end)

tap.test("a server: the reply is read as its request says", function()
  local event = pack("sw_event", { kind = 1, badge = 7, token = 99, pid = 5, request_length = #MODE })
  tap.equal(lines(record(ENTER, "port_wait", { 5, 0, -1 }), record(LEAVE, "port_wait", { 0 }, event .. MODE),
    record(ENTER, "reply_wait", { 99, 0, 5, 0, -1 },
      pack("sw_reply", { length = 8 }) .. ("<i4I4"):pack(-4, 0))),
    "  0.000000 port_wait port=0x5 deadline=never = MESSAGE from pid 5 badge=7 " ..
    "terminal.set_mode mode=5 drain=1\n" ..
    "  0.000000 reply_wait {terminal.set_mode: ACCESS} port=0x5 deadline=never ...")
  tap.equal(lines(record(LEAVE, "port_wait", { 0 }, pack("sw_event", { kind = 6, key = 3, bits = 5 }))),
    "  0.000000 port_wait ... = PIPE key=3 bits=0x5")
end)

tap.test("threads are numbered once there are two; what waits is told once", function()
  local tracer = trace.new()
  tracer:feed(record(ENTER, "thread_yield", {}, "", { thread = 70 }) .. record(ENTER, "thread_yield", {}, "",
    { thread = 80, time = 2000 }))
  tap.equal(#tracer:flush(), 0)
  tap.equal(table.concat(tracer:flush(true), "|"),
    "  0.000000 [1] thread_yield ...|  0.000002 [2] thread_yield ...")
  tap.equal(#tracer:flush(true), 0)
  tracer:feed(record(LEAVE, "thread_yield", { 0 }, "", { thread = 70, time = 3000 }))
  tap.equal(table.concat(tracer:flush(true)), "  0.000003 [1] thread_yield ... = OK")
end)

tap.test("what is lost is counted; pieces of a record wait for the rest", function()
  tap.equal(lines(record(ENTER, "thread_yield", {}),
    record(LEAVE, "event_read", { 0, 1 }, "", { lost = 12 })),
    "  0.000000 --- 12 records are lost ---\n  0.000000 event_read ... = OK bits=1")
  local bytes = record(ENTER, "event_read", { 1 }) .. record(LEAVE, "event_read", { 0, 1 })
  local tracer, rest, out = trace.new(), "", {}
  for i = 1, #bytes, 7 do
    rest = rest .. bytes:sub(i, i + 6)
    rest = rest:sub(tracer:feed(rest) + 1)
    table.move(tracer:flush(), 1, 1, #out + 1, out)
  end
  tap.equal(table.concat(out), "  0.000000 event_read event=0x1 = OK bits=1")
end)

tap.test("nonsense does not end the tracer", function()
  math.randomseed(5)
  local numbers = {}
  for _, n in pairs(number) do numbers[#numbers + 1] = n end
  table.sort(numbers)
  local tracer = trace.new()
  for _ = 1, 5000 do
    local values, bytes = {}, {}
    for i = 1, 8 do values[i] = math.random(3) == 1 and 0 or math.random(0) end
    for i = 1, math.random(0, 400) do bytes[i] = string.char(math.random(0, 255)) end
    tracer:feed(record(math.random(2), numbers[math.random(#numbers)], values, table.concat(bytes),
      { thread = math.random(3), lost = math.random(50) == 1 and 3 or 0 }))
    tracer:flush(math.random(4) == 1)
  end
end)

tap.done()
