-- A store of keys and values in memory, driven by lines. Pure.
local M = {}
local Store = {}
Store.__index = Store

local MOST_BYTES = 4 << 20
local ENTRY_COST = 64

function M.new(limit)
  return setmetatable({ values = {}, count = 0, bytes = 0, limit = limit or MOST_BYTES,
    sets = 0, gets = 0, hits = 0, dels = 0 }, Store)
end

local function cost(key, value) return #key + #value + ENTRY_COST end

local operations = {}

-- name: { least and most words behind it, function(store, key, value) -> answer; nil, message }
operations.SET = { 2, 2, function(self, key, value)
  local old = self.values[key]
  local change = cost(key, value) - (old and cost(key, old) or 0)
  if self.bytes + change > self.limit then return nil, ("full: %d KiB at most"):format(self.limit >> 10) end
  self.values[key], self.bytes, self.sets = value, self.bytes + change, self.sets + 1
  if not old then self.count = self.count + 1 end
  return "OK"
end }

operations.GET = { 1, 1, function(self, key)
  self.gets = self.gets + 1
  if not self.values[key] then return nil, key .. ": not found" end
  self.hits = self.hits + 1
  return self.values[key]
end }

operations.DEL = { 1, 1, function(self, key)
  local old = self.values[key]
  if not old then return nil, key .. ": not found" end
  self.values[key], self.bytes = nil, self.bytes - cost(key, old)
  self.count, self.dels = self.count - 1, self.dels + 1
  return "OK"
end }

operations.KEYS = { 0, 0, function(self)
  local keys = {}
  for key in pairs(self.values) do keys[#keys + 1] = key end
  table.sort(keys)
  return table.concat(keys, "\n")
end }

operations.COUNT = { 0, 0, function(self) return tostring(self.count) end }

-- Carries out a line: the answer (it may be empty); nil, message. The value is the rest of the line.
function Store:execute(line)
  local name, rest = line:match("^%s*(%S+)%s*(.*)$")
  if not name then return "" end
  local operation = operations[name:upper()]
  if not operation then return nil, name .. ": no such command; :help lists them" end
  local key, value = rest:match("^(%S+)%s*(.*)$")
  local words = (key and 1 or 0) + ((value or "") ~= "" and 1 or 0)
  if words < operation[1] or words > operation[2] then
    return nil, name .. ": wrong number of words"
  end
  return operation[3](self, key, value)
end

-- What was done so far, in a line.
function Store:statistics()
  return ("%d keys, %d bytes, %d sets, %d gets (%d found), %d deleted"):format(self.count, self.bytes,
    self.sets, self.gets, self.hits, self.dels)
end

return M
