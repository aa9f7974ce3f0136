-- Devices as people and programs ask for them: by class and number, with who drives them.
--
-- A session never gets what a driver of a service has, nor a device that can write memory by itself:
-- whoever programs one of those can reach all of memory, and belongs to the trusted base.
local swos = require("swos")
local devices = require("init.devices")
local sys = swos.sys

local M = {}

-- A slot with nothing behind it stands in for an input device: its registers are real and harmless.
local EMPTY_SLOT = 0
local CLASSES = { [EMPTY_SLOT] = "pseudo-input", [1] = "virtio-net", [2] = "virtio-blk",
  [3] = "virtio-console", [4] = "virtio-rng", [16] = "virtio-gpu", [18] = "virtio-input" }
local KINDS = { [swos.DEVICE_UART] = "uart", [swos.DEVICE_RTC] = "rtc" }

local METADATA = swos.RIGHT_INSPECT | swos.RIGHT_TRANSFER
local DRIVE = METADATA | swos.RIGHT_CLAIM | swos.RIGHT_READ | swos.RIGHT_WRITE | swos.RIGHT_BIND

local function class(info)
  if info.kind == swos.DEVICE_VIRTIO_MMIO then
    return CLASSES[info.virtio_id] or "virtio-" .. info.virtio_id
  end
  return KINDS[info.kind] or "other"
end

local list  -- every device: { name, start, handle }, in the order of the device tree

-- What a device is does not change, so it is asked once.
local function all()
  if list then return list end
  list = {}
  local counts = {}
  for _, start in ipairs(swos.handle_names()) do
    local handle = start:match("^device/%d+$") and swos.handle(start)
    local info = handle and sys.device_info(handle)
    if info then
      local kind = class(info)
      local number = counts[kind] or 0
      counts[kind] = number + 1
      list[#list + 1] = { name = ("%s.%d"):format(kind, number), start = start, handle = handle }
    end
  end
  return list
end

local function holder_name(pid)
  if pid == 0 then return "-" end
  local process <close> = sys.job_find(swos.handle("root"), pid)
  local info = process and sys.process_info(process)
  return info and info.name or "?"
end

local function state(info)
  if info.claimed ~= 0 then return "claimed" end
  return info.pins > 0 and "held" or "free"
end

-- The text of system.device_list.
function M.text()
  local lines = {}
  for i, device in ipairs(all()) do
    local info = sys.device_info(device.handle)
    lines[i] = table.concat({ device.name, info.name, state(info), holder_name(info.claimed),
      info.claimed, info.generation, info.interrupt,
      info.flags & swos.DEVICE_MASKED ~= 0 and "masked" or "open", info.pins,
      ("0x%x"):format(info.address), info.length }, "\t") .. "\n"
  end
  return table.concat(lines)
end

local function is_of_a_service(device)
  for _, given in pairs { devices.uart, devices.disks, devices.rng, devices.inputs, devices.nics } do
    for _, entry in ipairs(given) do
      if entry.name == device.start then return true end
    end
  end
  return false
end

-- Devices that move bytes only when the CPU does: empty slots and serial ports.
local function is_harmless(info)
  return info.kind == swos.DEVICE_UART
    or (info.kind == swos.DEVICE_VIRTIO_MMIO and info.virtio_id == EMPTY_SLOT)
end

-- A new handle for a session: device, or nil and a status name.
function M.open(name, to_drive)
  for _, device in ipairs(all()) do
    if device.name == name then
      if to_drive then
        local info = sys.device_info(device.handle)
        if info.claimed ~= 0 or is_of_a_service(device) then return nil, "BUSY" end
        if not is_harmless(info) then return nil, "ACCESS" end
      end
      local handle, _, code = device.handle:duplicate(to_drive and DRIVE or METADATA)
      return handle, code
    end
  end
  return nil, "NOT_FOUND"
end

return M
