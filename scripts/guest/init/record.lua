-- The record of a service: what init must know of it again after its own death. A memory object in a
-- kept slot: the state and the definition in two halves each, and the last events, each in a place of
-- its own.
--
-- A half is written while the other one counts, and counts once its head is written; the one with the
-- higher sequence is read. A head and an event are one small copy each. So a death between any two
-- system calls leaves the old content or the new. It is also where the events are kept at all: init's
-- own memory does not grow with what has happened.
local swos = require("swos")
local plain = require("swos.service.plain")
local sys = swos.sys

-- Where an area begins, and the size of a half of it.
local M = { STATE = { at = 0, half = 2048 }, DEFINITION = { at = 8192, half = 8192 } }

local HEAD, HEAD_SIZE = "<c4I4I4I4", 16  -- "SVC1", sequence, length, their exclusive or
local SIZE = M.DEFINITION.at + 2 * M.DEFINITION.half

-- Events: "EV", number, number of the event it follows from, time, states before and after, cause.
local EVENTS_AT, EVENTS, EVENT_SIZE = 4096, 16, 256
local EVENT = "<c2I4I4i8s1s1s1"
local CAUSE_MOST = 200

-- The pages of state and events are taken now: later none may be left.
function M.create()
  local memory, message, name = sys.memory_create(SIZE, 0)
  if not memory then return nil, message, name end
  local ok
  ok, message, name = sys.memory_commit(memory, 0, M.DEFINITION.at)
  if not ok then return nil, message, name end
  return memory
end

-- Bytes an area holds at most.
local function most(area) return area.half - HEAD_SIZE end

local function read_half(memory, area, at)
  local magic, sequence, length, check = HEAD:unpack(assert(sys.memory_read(memory, at, HEAD_SIZE)))
  if magic ~= "SVC1" or check ~= sequence ~ length or length > most(area) then return nil end
  return sequence, length
end

-- The newest whole half: its offset, sequence and length; nil when there is none.
local function newest(memory, area)
  local best, best_sequence, best_length
  for at = area.at, area.at + area.half, area.half do
    local sequence, length = read_half(memory, area, at)
    if sequence and (not best or sequence > best_sequence) then
      best, best_sequence, best_length = at, sequence, length
    end
  end
  return best, best_sequence, best_length
end

-- The bytes of a value, if the area holds as many; nil, message.
local function encode(area, value)
  local bytes = plain.encode(value)
  if #bytes > most(area) then return nil, ("%d bytes, more than %d"):format(#bytes, most(area)) end
  return bytes
end

-- Whether an area holds a value: true; nil, message.
function M.fits(area, value)
  local bytes, message = encode(area, value)
  return bytes and true, message
end

-- Replaces an area's content. nil, message when it is too large, or no page is left for it.
function M.write(memory, area, value)
  local bytes, problem = encode(area, value)
  if not bytes then return nil, problem end
  local at, sequence = newest(memory, area)
  local target = at == area.at and area.at + area.half or area.at
  local number = (sequence or 0) + 1
  local done, message = sys.memory_write(memory, target + HEAD_SIZE, bytes)
  if not done then return nil, message end
  return sys.memory_write(memory, target, HEAD:pack("SVC1", number, #bytes, number ~ #bytes))
end

-- The value; nil when there is none that can be believed.
function M.read(memory, area)
  local at, _, length = newest(memory, area)
  if not at then return nil end
  return plain.decode(length > 0 and assert(sys.memory_read(memory, at + HEAD_SIZE, length)) or "")
end

-- Keeps the service's event number `count` (from 0), in the place of an old one.
function M.write_event(memory, count, event)
  return sys.memory_write(memory, EVENTS_AT + count % EVENTS * EVENT_SIZE, EVENT:pack("EV", event.number,
    event.parent or 0, event.at, event.from, event.to, event.cause:sub(1, CAUSE_MOST)))
end

-- The last events, the oldest first.
function M.events(memory)
  local list = {}
  for at = EVENTS_AT, EVENTS_AT + (EVENTS - 1) * EVENT_SIZE, EVENT_SIZE do
    local bytes = assert(sys.memory_read(memory, at, EVENT_SIZE))
    local magic, number, parent, when, from, to, cause = EVENT:unpack(bytes)
    if magic == "EV" then
      list[#list + 1] = { number = number, parent = parent > 0 and parent or nil, at = when, from = from,
        to = to, cause = cause }
    end
  end
  table.sort(list, function(a, b) return a.number < b.number end)
  return list
end

return M
