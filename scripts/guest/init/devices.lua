-- Which start handles device/N are for which driver.
local swos = require("swos")
local sys = swos.sys

-- Lists of { name, handle } by the word in a service's `gives` and `needs`.
local M = { uart = {}, disks = {}, rng = {}, inputs = {}, nics = {} }

local VIRTIO = { [1] = "nics", [2] = "disks", [4] = "rng", [18] = "inputs" }

-- Fills the lists in the order of the device tree.
function M.find()
  for _, name in ipairs(swos.handle_names()) do
    if name:match("^device/%d+$") then
      local device = swos.handle(name)
      local info = sys.device_info(device)
      local word
      if info and info.kind == swos.DEVICE_UART then
        word = "uart"
      elseif info and info.kind == swos.DEVICE_VIRTIO_MMIO then
        word = VIRTIO[info.virtio_id]
      end
      if word then table.insert(M[word], { name = name, handle = device }) end
    end
  end
end

-- True if there is a device for the word, or no word is given.
function M.has(word)
  return not word or #M[word] > 0
end

return M
