-- Records of a trace (process_trace) as lines: one for each system call, when it has ended. One that
-- waits for long is told with "..." behind it, and again when it ends.
--
-- What a request asked for says how to read its reply: by thread for calls, by call object for posted
-- ones, by token where the process is the server.
local decode = require("swos.decode")
local names = decode.names

local M = {}

local RECORD, RECORD_SIZE = "<I4I4i8i8i8I4I4i8i8i8i8i8i8i8i8", 104
local ENTER = 1
local SECRET = 4  -- sw_call.flags
local CALL, REPLY, EVENT, SPAWN = names.struct.sw_call, names.struct.sw_reply, names.struct.sw_event,
  names.struct.sw_spawn
local SECOND = 1000000000
local ENDS = { process_exit = true, thread_exit = true }  -- calls that do not return
-- Results that are handles.
local HANDLES = { duplicate = true, executable = true, reader = true, writer = true, handle = true }
for _, name in pairs(names.type) do HANDLES[name] = true end

-- Fields of a structure by name, those that are there whole.
local SCALAR = { u32 = "<I4", u64 = "<i8", i32 = "<i4", i64 = "<i8" }
local function fields(struct, bytes)
  local found = {}
  for _, f in ipairs(struct.fields) do
    if SCALAR[f[2]] and not f[4] and f[3] + 8 <= #bytes then
      found[f[1]] = SCALAR[f[2]]:unpack(bytes, f[3] + 1)
    end
  end
  return found
end

local function deadline_text(value, now)
  if value == -1 then return "never" end
  if value <= now then return "now" end
  return ("+%.3fs"):format((value - now) / SECOND)
end

local function argument_text(argument, value, now)
  local name, kind = argument[1], argument[2]
  if name == "deadline" then return "deadline=" .. deadline_text(value, now) end
  if kind == "i32" then return ("%s=%d"):format(name, (value & 0xffffffff ~ 0x80000000) - 0x80000000) end
  if kind == "handle" or kind:find(":", 1, true) then return ("%s=0x%x"):format(name, value) end
  return name .. "=" .. decode.number(value)
end

-- All arguments but those in `hidden`.
local function arguments_text(call, values, now, hidden)
  local list = {}
  for i, argument in ipairs(call.arguments) do
    if not (hidden and hidden[argument[1]]) then list[#list + 1] = argument_text(argument, values[i], now) end
  end
  return table.concat(list, " ")
end

local Tracer = {}
Tracer.__index = Tracer

function M.new()
  return setmetatable({ threads = {}, thread_count = 0, pending = {}, by_call = {}, by_token = {},
    lines = {} }, Tracer)
end

function Tracer:put(time, thread, text)
  self.start = self.start or time
  local ordinal = self.thread_count > 1 and ("[%d] "):format(self.threads[thread]) or ""
  self.lines[#self.lines + 1] = ("%10.6f %s%s"):format((time - self.start) / SECOND, ordinal, text)
end

-- A request that begins: its words and its operation.
local function request_text(bytes)
  local call = fields(CALL, bytes)
  local length = call.request_length or 0
  if (call.flags or 0) & SECRET ~= 0 then return ("secret request of %d bytes"):format(length) end
  local op, text = decode.request(bytes:sub(CALL.size + 1), length)
  text = text or ("request of %d bytes"):format(length)
  if (call.send_count or 0) > 0 then text = ("%s handles=%d"):format(text, call.send_count) end
  if (call.data_length or 0) > 0 then text = ("%s data=%d"):format(text, call.data_length) end
  return text, op
end

function Tracer:enter(r)
  local call, v = names.syscall[r.number], r.values
  if not call then return ("system call %d"):format(r.number) end
  local name = call.name
  local op, text
  if name == "call" or name == "call_post" then
    text, op = request_text(r.bytes)
    local object = name == "call" and 1 or 2
    text = ("%s 0x%x %s"):format(name, v[object], text)
    if name == "call_post" then self.by_call[v[1]] = op or false end
  elseif (name == "reply" or name == "reply_wait") and v[1] ~= 0 then
    local reply = fields(REPLY, r.bytes)
    local answered = self.by_token[v[1]]
    self.by_token[v[1]] = nil
    local words = answered == "secret" and "secret"
      or decode.reply(answered, r.bytes:sub(REPLY.size + 1), reply.length)
    if (reply.send_count or 0) > 0 then words = ("%s handles=%d"):format(words, reply.send_count) end
    local what = answered and answered ~= "secret" and answered.name .. ": " or ""
    text = ("%s {%s%s}"):format(name, what, words)
    local rest = arguments_text(call, v, r.time, { token = true, reply = true, wait = true })
    if rest ~= "" then text = text .. " " .. rest end
  elseif name == "pipe_write" or name == "log_write" then
    local length = name == "pipe_write" and v[3] or v[4]
    local rest = arguments_text(call, v, r.time, { buffer = true, text = true, length = true })
    text = ("%s %s %s"):format(name, rest, decode.text(r.bytes, length))
  elseif name == "process_create" then
    local spawned = r.bytes:sub(SPAWN.size - 31):gsub("%z.*$", "")
    text = ("%s %s name=%s"):format(name, arguments_text(call, v, r.time, { spawn = true }),
      decode.text(spawned))
  else
    text = arguments_text(call, v, r.time, { wait = true })
    text = text == "" and name or name .. " " .. text
  end
  return text, op
end

local function event_text(self, bytes)
  local event = fields(EVENT, bytes)
  local kind = names.event[event.kind] or tostring(event.kind)
  if kind ~= "MESSAGE" then
    return ("%s key=%s bits=0x%x"):format(kind, decode.number(event.key or 0), event.bits or 0)
  end
  local op, text
  if event.bits & SECRET ~= 0 then
    op, text = "secret", ("secret request of %d bytes"):format(event.request_length)
  else
    op, text = decode.request(bytes:sub(EVENT.size + 1), event.request_length)
  end
  self.by_token[event.token] = op
  return ("MESSAGE from pid %d badge=%s %s"):format(event.pid, decode.number(event.badge),
    text or ("request of %d bytes"):format(event.request_length))
end

function Tracer:leave(r, op, entered)
  local call, v = names.syscall[r.number], r.values
  local status = v[1]
  if status ~= 0 or not call then return decode.status(status) end
  local name = call.name
  if (name == "port_wait" or name == "reply_wait") and #r.bytes >= EVENT.size then
    return event_text(self, r.bytes)
  elseif name == "call" or name == "call_collect" then
    if name == "call_collect" then
      local object = entered and entered[1]
      op = self.by_call[object] or nil
      self.by_call[object or 0] = nil
    end
    local text = #r.bytes > 0 and decode.reply(op, r.bytes, v[2]) or "OK"
    if op then text = op.name .. ": " .. text end
    if v[3] > 0 then text = ("%s handles=%d"):format(text, v[3]) end
    return name == "call" and #r.bytes > 0 and text:gsub("^[^:]*: ", "") or text
  elseif name == "pipe_read" then
    return decode.text(r.bytes, v[2])
  end
  local list = { "OK" }
  for i, out in ipairs(call.out) do
    list[#list + 1] = out .. "=" .. (HANDLES[out] and ("0x%x"):format(v[i + 1]) or decode.number(v[i + 1]))
  end
  return table.concat(list, " ")
end

-- One record.
function Tracer:record(r)
  if not self.threads[r.thread] then
    self.thread_count = self.thread_count + 1
    self.threads[r.thread] = self.thread_count
  end
  if r.lost > 0 then
    self:put(r.time, r.thread, ("--- %d records are lost ---"):format(r.lost))
    self.pending = {}
  end
  if r.kind == ENTER then
    local text, op = self:enter(r)
    self.pending[r.thread] = { text = text, op = op, values = r.values, number = r.number, time = r.time }
    return
  end
  local pending = self.pending[r.thread]
  self.pending[r.thread] = nil
  if pending and pending.number ~= r.number then pending = nil end
  local outcome = self:leave(r, pending and pending.op, pending and pending.values)
  local call = names.syscall[r.number]
  local text = pending and not pending.told and pending.text or (call and call.name or r.number) .. " ..."
  self:put(pending and not pending.told and pending.time or r.time, r.thread, text .. " = " .. outcome)
end

-- All records in a string. Returns the bytes that were whole records.
function Tracer:feed(bytes)
  local at = 0
  while at + RECORD_SIZE <= #bytes do
    local r = { values = {} }
    local size, length
    local v = r.values
    size, r.kind, r.time, r.thread, r.lost, r.number, length,
      v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8] = RECORD:unpack(bytes, at + 1)
    if size < RECORD_SIZE + length or at + size > #bytes then break end
    r.bytes = bytes:sub(at + RECORD_SIZE + 1, at + RECORD_SIZE + length)
    self:record(r)
    at = at + size
  end
  return at
end

-- The lines since the last time; waiting: and of calls that are under way.
function Tracer:flush(is_waiting)
  local waiting = {}
  for thread, pending in pairs(is_waiting and self.pending or {}) do
    if not pending.told then waiting[#waiting + 1] = { thread = thread, pending = pending } end
  end
  table.sort(waiting, function(a, b) return a.pending.time < b.pending.time end)
  for _, entry in ipairs(waiting) do
    entry.pending.told = true
    local call = names.syscall[entry.pending.number]
    local rest = call and ENDS[call.name] and "" or " ..."
    self:put(entry.pending.time, entry.thread, entry.pending.text .. rest)
  end
  local lines = self.lines
  self.lines = {}
  return lines
end

return M
