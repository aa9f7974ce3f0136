-- The rescue prompt: why there is no base, and the four things that may help.
local swos = require("swos")
local devices = require("init.devices")
local directory = require("init.directory")
local log = require("init.log")
local power = require("init.power")
local loop = require("swos.loop")
local protocol = require("swos.protocol")
local terminals = require("init.terminal")
local sys = swos.sys

local M = {}

-- imgfs ends with these when it cannot mount (docs/architecture.md).
local REASONS = {
  [10] = "no disk",
  [11] = "no disk holds a base image (SWOSBASE)",
  [12] = "the disk cannot be read",
  [13] = "the image is truncated",
  [14] = "the image's format version is not known here",
  [15] = "the image's signature is wrong (damaged, or signed with another key)",
  [16] = "the image needs another ABI than this kernel has",
  [17] = "the image's metadata does not match its hash",
  [18] = "the image's metadata is malformed",
}
local LEGACY = "the disk is a legacy virtio device; start QEMU with -global virtio-mmio.force-legacy=false"
local HELP = "commands: disks, retry, reboot, poweroff\n"
local SECONDS = 5
local PACE_SECONDS = 0.02  -- between two lines: a console that types without end must not keep init busy

local CONTENTS = {
  { "^SWOSBASE", "base image (SWOSBASE)" },
  { "^SWOSBOOT", "update store (SWOSBOOT)" },
  { "^SWPKGST1", "package store (SWPKGST1)" },
  { "^SWDATAFS", "data (SWDATAFS)" },
  { "\x55\xaa$", "partition table" },
}

-- What the first sector says.
local function contents(connection)
  local memory <close> = sys.memory_create(swos.PAGE, swos.MEMORY_COMMIT)
  if not memory then return "out of memory" end
  local reply, message = protocol.block.read(connection,
    { sector = 0, count = 1, offset = 0, memory = memory }, swos.deadline(SECONDS))
  if not reply then return message end
  local sector = sys.memory_read(memory, 0, 512) or ""
  for _, entry in ipairs(CONTENTS) do
    if sector:find(entry[1]) then return entry[2] end
  end
  return "unknown content"
end

local function list_disks(terminal)
  if #devices.disks == 0 then return terminal:write("no disks\n") end
  for i, device in ipairs(devices.disks) do
    local info = sys.device_info(device.handle)
    local text
    if info and info.virtio_version == 1 then
      text = LEGACY
    else
      local connection <close> = directory.connection("block", i)
      local reply, message
      if connection then reply, message = protocol.block.info(connection, {}, swos.deadline(SECONDS)) end
      text = message or "no driver"
      if reply then
        text = ("%d KiB%s, %s"):format(reply.sectors // 2, reply.read_only ~= 0 and ", read-only" or "",
          contents(connection))
      end
    end
    terminal:write(("disk %d: %s\n"):format(i - 1, text))
  end
end

local function reason(state, status)
  for _, device in ipairs(devices.disks) do
    local info = sys.device_info(device.handle)
    if info and info.virtio_version == 1 and (status == 10 or status == 11) then return LEGACY end
  end
  if state == "failed" then return REASONS[status] or "refused" end
  return "the file server does not stay up"
end

-- Talks until the operator says retry.
function M.prompt(terminal, state, status)
  terminal:write(("\nswos: no base image: %s\n"):format(reason(state, status)))
  local line = log.last_line_of("imgfs")
  if line then terminal:write("imgfs: " .. line .. "\n") end
  terminal:write(HELP)
  while true do
    terminal:write("rescue> ")
    local command = terminal:read_line()
    if command == nil then terminal = terminals.early() end
    command = command and command:match("^%s*(.-)%s*$") or ""
    loop.sleep(PACE_SECONDS) -- also when lines come without end
    if command == "disks" then
      list_disks(terminal)
    elseif command == "retry" then
      return
    elseif command == "reboot" then
      power.switch(swos.POWER_REBOOT)
    elseif command == "poweroff" then
      power.switch(swos.POWER_OFF)
    elseif command ~= "" then
      terminal:write(HELP)
    end
  end
end

return M
