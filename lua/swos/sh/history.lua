-- The lines that were typed, oldest first: bounded in number and bytes, the last one not twice. Pure.
local M = {}

local ENTRIES = 500
local BYTES = 65536

local History = {}
History.__index = History

function M.new()
  return setmetatable({ first = 1, last = 0, bytes = 0, limit = ENTRIES }, History)
end

local function shrink(self)
  while self.last >= self.first and (self.last - self.first >= self.limit or self.bytes > BYTES) do
    self.bytes = self.bytes - #self[self.first]
    self[self.first] = nil
    self.first = self.first + 1
  end
  if self.last < self.first then self.first, self.last = 1, 0 end
end

-- How many entries are kept at most; nil: as many as without this.
function History:set_limit(limit)
  self.limit = limit or ENTRIES
  shrink(self)
end

-- Adds an entry unless it is blank or the last one again; whether it did.
function History:add(text)
  if not text:find("%S") or text == self[self.last] or self.limit < 1 then return false end
  self.last = self.last + 1
  self[self.last] = text
  self.bytes = self.bytes + #text
  shrink(self)
  return true
end

-- The nearest entry from `at` on in steps of `step` that holds text: its number and where; nil.
function History:find(text, at, step)
  while at >= self.first and at <= self.last do
    local where = self[at]:find(text, 1, true)
    if where then return at, where end
    at = at + step
  end
end

-- An entry as a line of a file, and back.
function M.encode(text)
  return (text:gsub("[\\\n]", { ["\\"] = "\\\\", ["\n"] = "\\n" }))
end

function M.decode(line)
  return (line:gsub("\\(.)", { n = "\n", ["\\"] = "\\" }))
end

return M
