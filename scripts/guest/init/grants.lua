-- What the words in a service's `gives` mean: each adds start handles to a table.
--
-- uart, disks   the devices of that kind
-- block         blkd: `block` (badge 0, the list of disks) and `disk/I` (badge I + 1)
-- code          the authority to make image code executable
-- programs      the boot bundle's programs, so that /bin/lua shares the bundle's pages
-- passwd        the account records, as memory
-- authority     the authority to create sessions
-- sessions      the job sessions are created in
local swos = require("swos")
local devices = require("init.devices")
local directory = require("init.directory")
local kept = require("init.kept")
local protocol = require("swos.protocol")
local sys = swos.sys

local M = {}

local PASSWD = "etc/swos/passwd"

local words = {}

function words.uart(handles)
  for _, device in ipairs(devices.uart) do handles[device.name] = device.handle end
  return true
end

function words.disks(handles)
  for _, device in ipairs(devices.disks) do handles[device.name] = device.handle end
  return true
end

function words.block(handles)
  local message
  handles.block, message = directory.connection("block", 0)
  for i in ipairs(devices.disks) do
    if handles.block then handles["disk/" .. i - 1], message = directory.connection("block", i) end
  end
  return handles.block, message
end

function words.code(handles)
  handles.code = { swos.handle("root"), rights = swos.RIGHT_MINT_CODE }
  return true
end

function words.programs(handles)
  for _, name in ipairs { "bundle", "relocated", "programs" } do handles[name] = swos.handle(name) end
  return true
end

-- Read as the system itself; authd gets a copy in memory and no way to the file system.
function words.passwd(handles, deadline)
  local base <close> = directory.connection("file/base", 0)
  local reply, message = protocol.file.open(base,
    { path = PASSWD, flags = swos.OPEN_READ, mode = 0 }, deadline)
  if not reply then return nil, ("/%s: %s"):format(PASSWD, message) end
  local file <close> = reply.handle
  local size = reply.attributes.size
  local bytes
  if reply.form == 1 then
    bytes, message = sys.memory_read(file, 0, size)
  else
    bytes, message = protocol.file.read(file, { offset = 0, capacity = size }, deadline)
    bytes = bytes and bytes.data
  end
  if not bytes then return nil, ("/%s: %s"):format(PASSWD, message) end
  local memory = assert(sys.memory_create(#bytes + 1, 0))
  assert(sys.memory_write(memory, 0, bytes))
  assert(sys.memory_seal(memory))
  handles.passwd = { memory, info = size }
  return true
end

function words.authority(handles)
  handles.authority = { swos.handle("root"), rights = swos.RIGHT_LOGIN }
  return true
end

-- The job of all sessions: below the root, beside the services.
function M.sessions_job()
  return kept.get(kept.SESSIONS, function() return sys.job_create(swos.handle("root"), {}) end)
end

function words.sessions(handles)
  handles.sessions = M.sessions_job()
  return true
end

-- Adds the handles of a list of words. nil, message when one cannot be had.
function M.add(list, handles, deadline)
  for _, word in ipairs(list) do
    local ok, message = words[word](handles, deadline)
    if not ok then return nil, message end
  end
  return true
end

return M
