-- Which start handles device/N are for which driver.
local swos = require("swos")
local sys = swos.sys

local M = { uart = {}, disks = {} }

local VIRTIO_BLOCK = 2

-- Fills M.uart and M.disks with { name, handle } in the order of the device tree.
function M.find()
  for _, name in ipairs(swos.handle_names()) do
    if name:match("^device/%d+$") then
      local device = swos.handle(name)
      local info = sys.device_info(device)
      if info and info.kind == swos.DEVICE_UART then
        M.uart[#M.uart + 1] = { name = name, handle = device }
      elseif info and info.kind == swos.DEVICE_VIRTIO_MMIO and info.virtio_id == VIRTIO_BLOCK then
        M.disks[#M.disks + 1] = { name = name, handle = device }
      end
    end
  end
end

return M
