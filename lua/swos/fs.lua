-- Files by path, over the file protocol; yields inside the loop.
local swos = require("swos")
local path_of = require("swos.path")
local protocol = require("swos.protocol")
local sys = swos.sys

local M = {}

local PIECE = 65536
local LIST_BYTES = 16384
local ENTRY_HEAD = 42  -- a struct sw_attributes and the name's length

-- { prefix, connection } entries; the start block's at first.
M.mounts = swos.paths()

-- The directory relative paths start from.
M.directory = swos.directory() or "/"

function M.mount(prefix, connection)
  M.mounts[#M.mounts + 1] = { prefix, connection }
end

-- connection and path relative to its root; nil, message, name
local function locate(path)
  if path == "" then return nil, "not found", "NOT_FOUND" end
  local entry, rest = path_of.locate(M.mounts, path_of.normalize(M.directory, path))
  if not entry then return nil, "not found", "NOT_FOUND" end
  return entry[2], rest
end

-- A failure's message names the thing: PATH: not found.
local function failed(path, message, name)
  return nil, ("%s: %s"):format(path, message), name
end

-- An answer that cannot be what the protocol says it is.
local function malformed()
  return nil, "malformed message", "BAD_MESSAGE"
end

local function simple(operation, path, fields, deadline)
  local connection, rest, name = locate(path)
  if not connection then return failed(path, rest, name) end
  fields.path = rest
  local reply, message, code = protocol.file[operation](connection, fields, deadline)
  if not reply then return failed(path, message, code) end
  return reply
end

-- Opens a file; { attributes, form, handle } as the protocol has it, and its server's connection.
function M.open(path, flags, mode, deadline)
  local reply, message, name = simple("open", path, { flags = flags, mode = mode or 0x1a4 }, deadline)
  return reply, message, name
end

local function too_large(most)
  return nil, ("larger than %d bytes"):format(most), "TOO_LARGE"
end

local function read_connection(handle, deadline, most)
  local parts, offset = {}, 0
  while true do
    local reply, message, name = protocol.file.read(handle, { offset = offset, capacity = PIECE }, deadline)
    if not reply then return nil, message, name end
    if reply.done ~= #reply.data then return malformed() end
    if reply.done == 0 then return table.concat(parts) end
    parts[#parts + 1] = reply.data
    offset = offset + reply.done
    if offset > most then return too_large(most) end
  end
end

local function read_extents(connection, attributes, deadline)
  local parts, left, index = {}, attributes.size, 0
  while left > 0 do
    local reply, message, name = protocol.file.extent(connection,
      { id = attributes.id, index = index }, deadline)
    if not reply then return nil, message, name end
    local memory <close> = reply.memory
    if not memory then return malformed() end
    local bytes
    bytes, message, name = sys.memory_read(memory, 0, math.min(left, swos.FILE_EXTENT))
    if not bytes then return nil, message, name end
    if bytes == "" then return malformed() end
    parts[#parts + 1] = bytes
    left, index = left - #bytes, index + 1
  end
  return table.concat(parts)
end

-- The whole content of a server's file by its path there. most: the bytes it may have, however many the
-- server has of them; TOO_LARGE when there are more. Any number by default.
function M.read_from(connection, path, deadline, most)
  local reply, message, name = protocol.file.open(connection,
    { path = path, flags = swos.OPEN_READ, mode = 0 }, deadline)
  if not reply then return nil, message, name end
  most = most or math.maxinteger
  local handle <close> = reply.handle
  local size = reply.attributes.size
  if reply.form > 2 or (reply.form == 2) == (handle ~= nil) or size < 0
    or reply.form == 1 and size > swos.FILE_EXTENT then
    return malformed()
  end
  if reply.form == 0 then return read_connection(handle, deadline, most) end
  if size > most then return too_large(most) end
  if reply.form == 2 then return read_extents(connection, reply.attributes, deadline) end
  if size == 0 then return "" end
  return sys.memory_read(handle, 0, size)
end

-- The whole content, of `most` bytes at most.
function M.read(path, deadline, most)
  if path == "/dev/null" then return "" end
  local connection, rest, code = locate(path)
  if not connection then return failed(path, rest, code) end
  local bytes, message, name = M.read_from(connection, rest, deadline, most)
  if not bytes then return failed(path, message, name) end
  return bytes
end

-- Replaces (or with options.append extends) the content.
function M.write(path, bytes, options, deadline)
  options = options or {}
  local flags = swos.OPEN_WRITE | swos.OPEN_CREATE
    | (options.append and swos.OPEN_APPEND or swos.OPEN_TRUNCATE)
  local reply, message, name = M.open(path, flags, options.mode, deadline)
  if not reply then return nil, message, name end
  local handle <close> = reply.handle
  if not handle then return failed(path, select(2, malformed())) end
  local offset = 0
  while offset < #bytes do
    local written
    written, message, name = protocol.file.write(handle, { offset = offset,
      data = bytes:sub(offset + 1, offset + PIECE),
      flags = options.append and swos.WRITE_APPEND or 0 }, deadline)
    if written and (written.done < 1 or written.done > PIECE) then
      written, message, name = malformed()
    end
    if not written then return failed(path, message, name) end
    offset = offset + written.done
  end
  return true
end

-- What the path's server says of its file system: { total, free, files, identity, read_only }.
function M.space(path, deadline)
  local connection, message, name = locate(path)
  if not connection then return failed(path, message, name) end
  return protocol.file.space(connection, {}, deadline)
end

-- { id, size, mtime, mode, owner, kind, links }
function M.stat(path, deadline)
  local reply, message, name = simple("stat", path, {}, deadline)
  if not reply then return nil, message, name end
  return reply.attributes
end

-- The entry at a place in a directory's data, and where the next one is; nil: malformed.
local function unpack_entry(data, at)
  if #data - at < ENTRY_HEAD then return nil end
  local entry = swos.unpack("sw_attributes", data, at)
  local length = ("<I2"):unpack(data, at + ENTRY_HEAD - 1)
  if #data - at < ENTRY_HEAD + length then return nil end
  entry.name = data:sub(at + ENTRY_HEAD + 1, at + ENTRY_HEAD + length)
  return entry, (at + ENTRY_HEAD + length + 7) // 8 * 8
end

-- Entries in the server's order, each the attributes with its `name`; TOO_LARGE when there are more than
-- `most` (any number by default).
function M.list(path, deadline, most)
  local entries, cookie = {}, 0
  repeat
    local reply, message, name = simple("list", path, { cookie = cookie, capacity = LIST_BYTES }, deadline)
    if not reply then return nil, message, name end
    local at = 0
    for _ = 1, reply.count do
      local entry
      entry, at = unpack_entry(reply.data, at)
      if not entry then return failed(path, select(2, malformed())) end
      entries[#entries + 1] = entry
      if most and #entries > most then
        return failed(path, ("more than %d entries"):format(most), "TOO_LARGE")
      end
    end
    cookie = reply.next
    -- A server that goes on without an entry would have us ask for ever.
    if reply.count == 0 and cookie ~= 0 then return failed(path, select(2, malformed())) end
  until cookie == 0
  return entries
end

-- Bytes of RAM the servers of all mounts keep that a trim would give back. A server that does not say
-- counts as one that keeps nothing, and no more is believed than there is RAM.
function M.cached(deadline)
  local total, most = 0, sys.system_info().ram_total
  for _, entry in ipairs(M.mounts) do
    local reply = protocol.file.cached(entry[2], {}, deadline)
    if reply and reply.bytes >= 0 and reply.bytes <= most - total then total = total + reply.bytes end
  end
  return total
end

local function changes(operation, field)
  return function(path, value, deadline)
    local reply, message, name = simple(operation, path, field and { [field] = value } or {}, deadline)
    if not reply then return nil, message, name end
    return true
  end
end

M.mkdir = changes("mkdir", "mode")
M.chmod = changes("chmod", "mode")
M.chown = changes("chown", "owner")
M.rmdir = changes("rmdir")
M.remove = changes("unlink")

function M.rename(from, to, deadline)
  local connection, rest, name = locate(from)
  if not connection then return failed(from, rest, name) end
  local other, other_rest, other_name = locate(to)
  if not other then return failed(to, other_rest, other_name) end
  if other ~= connection then return failed(to, "on another file server", "CROSS_DEVICE") end
  local reply, message, code = protocol.file.rename(connection, { from = rest, to = other_rest }, deadline)
  if not reply then return failed(from, message, code) end
  return true
end

return M
