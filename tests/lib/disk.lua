-- Disk images made for one test: blank, or an edited copy of another; removed at the end.

local tap = require("tap")

local M = {}
local made = {}

tap.on_done(function()
  for _, path in ipairs(made) do os.remove(path) end
end)

function M.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

--- A new file with these bytes; returns its path.
function M.write(bytes)
  local path = os.tmpname()
  made[#made + 1] = path
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  return path
end

function M.blank(size) return M.write(("\0"):rep(size)) end

--- A made file as an object that removes it when it is closed.
function M.temporary(path)
  return setmetatable({ path = path }, { __close = function() os.remove(path) end })
end

--- The bytes with those at `offset` (from 0) replaced.
function M.patch(bytes, offset, new)
  return bytes:sub(1, offset) .. new .. bytes:sub(offset + #new + 1)
end

--- The bytes with the lowest bit of the byte at `offset` (from 0) turned.
function M.flip(bytes, offset)
  return M.patch(bytes, offset, string.char(bytes:byte(offset + 1) ~ 1))
end

return M
