-- What the words in a service's `gives` mean: each adds start handles to a table.
--
-- uart, disks, rng, inputs, nics
--               the devices of that kind, to drive but not to manage; `inputs` also the end of the
--               pipe of typed bytes (`keys`) they are written to
-- keys          the other end of it, when there is an input device
-- packets       the pool that nicd and netd share (`pool`), and the events that wake them
-- network       how the network is set up, as text in memory (`settings`), and the authority to set the
--               clock (`clock`)
-- block         blkd: `block` (badge 0, the list of disks) and `disk/I` (badge I + 1)
-- code          the authority to make image code executable
-- programs      the boot bundle's programs, so that /bin/lua shares the bundle's pages
-- entropy       the authority to feed the random generator, and its word that it wants to be fed
-- passwd        the account records, as memory
-- authority     the authority to create sessions
-- sessions      the job sessions are created in
-- terminal      the system console's terminal as descriptors 0 to 2, once the base image is there
-- kernel-log    the authority to read the kernel log and crash records, and its word that it is time to
local swos = require("swos")
local console = require("init.console")
local devices = require("init.devices")
local directory = require("init.directory")
local kept = require("init.kept")
local fs = require("swos.fs")
local sys = swos.sys

local M = {}

local KILLED = 137
local PASSWD, PASSWD_MOST = "etc/swos/passwd", 1 << 18

local words = {}

-- What a driver needs, without DMA and with it. Nobody but init and keeper holds MANAGE: with it a
-- driver could drop pins of memory the hardware still writes to.
local DRIVE = swos.RIGHT_CLAIM | swos.RIGHT_READ | swos.RIGHT_WRITE | swos.RIGHT_BIND
local DRIVE_DMA = DRIVE | swos.RIGHT_DMA

local function give_devices(handles, list, rights)
  for _, device in ipairs(list) do handles[device.name] = { device.handle, rights = rights } end
  return true
end

function words.uart(handles) return give_devices(handles, devices.uart, DRIVE) end
function words.disks(handles) return give_devices(handles, devices.disks, DRIVE_DMA) end
function words.rng(handles) return give_devices(handles, devices.rng, DRIVE_DMA) end

local KEYS_BYTES = 4096

-- The ends of the pipe from inputd to consoled. It outlives both, and init. The reader is kept last:
-- with it the writer is there, too.
local function keys_pipe()
  local job = swos.handle("job")
  local reader = sys.job_kept(job, kept.KEYS_READER)
  if reader then return reader, assert(sys.job_kept(job, kept.KEYS_WRITER)) end
  local made, writer = sys.pipe_create(KEYS_BYTES, 0)
  assert(made, writer)
  assert(sys.job_keep(job, kept.KEYS_WRITER, writer))
  assert(sys.job_keep(job, kept.KEYS_READER, made))
  return made, writer
end

function words.inputs(handles)
  local _, writer = keys_pipe()
  handles.keys = writer
  return give_devices(handles, devices.inputs, DRIVE_DMA)
end

function words.keys(handles)
  if #devices.inputs > 0 then handles.keys = keys_pipe() end
  return true
end

function words.nics(handles) return give_devices(handles, devices.nics, DRIVE_DMA) end

-- What the card's packets lie in outlives the driver, the stack, and init. One card: the first that works.
function words.packets(handles)
  handles.pool = kept.get(kept.PACKETS, function()
    return sys.memory_create(swos.PACKET_BUFFERS
      + (swos.PACKET_RECEIVE + swos.PACKET_TRANSMIT) * swos.PACKET_BUFFER, swos.MEMORY_COMMIT)
  end)
  handles["wake/nicd"] = kept.get(kept.WAKE_NICD, sys.event_create)
  handles["wake/netd"] = kept.get(kept.WAKE_NETD, sys.event_create)
  return true
end

function words.network(handles, deadline)
  handles.settings = require("init.network").settings(deadline)
  handles.clock = { swos.handle("root"), rights = swos.RIGHT_SET_TIME }
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

function words.entropy(handles)
  handles.entropy = { swos.handle("root"), rights = swos.RIGHT_ENTROPY | swos.RIGHT_BIND }
  return true
end

-- Read as the system itself, once: a copy in memory that nobody can change.
local function read_accounts(deadline)
  local base <close>, message = directory.connection("file/base", 0)
  local bytes
  if base then bytes, message = fs.read_from(base, PASSWD, deadline, PASSWD_MOST) end
  if not bytes then return nil, ("/%s: %s"):format(PASSWD, message) end
  local memory = assert(sys.memory_create(#bytes + 1, 0))
  assert(sys.memory_write(memory, 0, bytes))
  assert(sys.memory_seal(memory))
  return memory
end

local accounts

-- authd gets the copy and no way to the file system; it comes back without one, too.
function words.passwd(handles, deadline)
  accounts = accounts or sys.job_kept(swos.handle("job"), kept.ACCOUNTS)
  if not accounts then
    local message
    accounts, message = read_accounts(deadline)
    if not accounts then return nil, message end
    sys.job_keep(swos.handle("job"), kept.ACCOUNTS, accounts)
  end
  handles.passwd = accounts
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

function words.terminal(handles)
  swos.trim()  -- between two sessions
  local terminal = console.await_terminal()
  if not terminal.control then return nil, "no console driver" end
  for fd = 0, 2 do
    handles["fd/" .. fd] = { fd == 0 and terminal.input or terminal.output, info = swos.FD_TERMINAL }
    handles[("fd/%d/control"):format(fd)] = terminal.control
  end
  return true
end

words["kernel-log"] = function(handles)
  handles["kernel-log"] = { swos.handle("root"), rights = swos.RIGHT_READ_LOG | swos.RIGHT_BIND }
  return true
end

-- Kept slot 0 of the job of a login has the job of the session on its terminal (scripts/guest/login.lua).
local KEPT_SESSION = 0

-- What a service leaves in use although it has ended, taken back when it is not to run: the session on a
-- terminal, which a login that dies leaves to its successor. service: its job and definition.
function M.withdraw(service)
  for _, word in ipairs(service.definition.gives) do
    local session <close> = word == "terminal" and sys.job_kept(service.job, KEPT_SESSION) or nil
    if session then sys.job_kill(session, KILLED) end
  end
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
