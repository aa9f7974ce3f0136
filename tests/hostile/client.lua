-- The Lua binding with a hostile server: each operation of each protocol, by the binding's own tables.
-- lua hostile_client.lua SEED COUNT: COUNT calls, half of them posted. Ends with an error when what an
-- answer became is not what the tables say, and when it has grown.
local names = require("swos.abi_names")
local loop = require("swos.loop")
local protocol = require("swos.protocol")
local swos = require("swos")
local sys = swos.sys

local CAPACITY = 4096
local GROWTH = { memory = 1 << 20, handles = 16 }
local NUMBERS = { 0, 1, 7, 8, 255, 4096, 0xffff, 0x7fffffff, 0xffffffff, -1 }
local TEXTS = { "", "a", "tmpfs", ("x"):rep(300), "a/../b", "a\0b" }

local seed, count = tonumber(arg[1]), tonumber(arg[2])
math.randomseed(seed)
local hostile = assert(swos.handle("hostile"))
local event = assert(sys.event_create())

local operations = {}
for _, row in pairs(names.protocol) do
  for _, operation in pairs(row.operations) do operations[#operations + 1] = operation end
end
table.sort(operations, function(a, b) return a.name < b.name end)

local function any(list) return list[math.random(#list)] end

local BITS = { u8 = 8, u16 = 16, u32 = 32, i32 = 31 }

local function fields_of(operation)
  local fields = { data = any(TEXTS), capacity = math.random(0, CAPACITY) }
  for _, field in ipairs(operation.request[1]) do
    local bits = BITS[field[2]]
    fields[field[1]] = field[4] and "" or bits and any(NUMBERS) & (1 << bits) - 1 or any(NUMBERS)
  end
  for _, name in ipairs(operation.request[3]) do fields[name] = any(TEXTS) end
  for _, name in ipairs(operation.send or {}) do fields[name] = math.random(2) == 1 and event or nil end
  return fields
end

local function check(operation, fields, reply)
  for _, field in ipairs(operation.reply[1]) do
    assert(reply[field[1]] ~= nil, operation.name .. " has no " .. field[1])
  end
  for _, name in ipairs(operation.reply[3]) do
    assert(type(reply[name]) == "string", operation.name .. " has no " .. name)
  end
  for _, name in ipairs(operation.receive or {}) do
    if reply[name] then reply[name]:close() end
  end
  if operation.data == "out" then
    assert(#reply.data <= fields.capacity, operation.name .. " gave more than was asked for")
  end
end

local function call(operation)
  local fields = fields_of(operation)
  local protocol_name, name = operation.name:match("^(.-)%.(.*)$")
  local reply, message, code = protocol[protocol_name][name](hostile, fields)
  if reply then
    check(operation, fields, reply)
  else
    assert(type(message) == "string" and type(code) == "string", operation.name .. " failed without words")
  end
end

local function calls(number)
  for _ = 1, number do call(any(operations)) end
end

local function facts()
  collectgarbage()
  collectgarbage()
  return sys.process_info(nil)
end

-- Handles that no operation asked for do not wait for the collector.
local function unasked()
  local before = sys.process_info(nil).handles
  collectgarbage("stop")
  for _, operation in ipairs(operations) do
    for _ = 1, operation.receive and 0 or 4 do call(operation) end
  end
  local more = sys.process_info(nil).handles - before
  collectgarbage("restart")
  assert(more <= GROWTH.handles, ("%d handles nobody asked for are kept"):format(more))
end

for _, operation in ipairs(operations) do call(operation) end
unasked()
calls(count // 8)
loop.run(calls, count // 8)
local before = facts()
calls(count * 3 // 8)
loop.run(calls, count * 3 // 8)
local after = facts()
for what, most in pairs(GROWTH) do
  local was, is = before[what], after[what]
  assert(is <= was + most, ("%s grew from %d to %d"):format(what, was, is))
end
