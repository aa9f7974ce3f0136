-- A kernel image with another boot bundle in place of its own.

local disk = require("disk")

local M = {}

local MAGIC = "SWBUNDLE\1\0\0\0"
local SIZE_AT = 16 -- u64 in the bundle's header: the whole bundle

--- The Image at `kernel` with the bundle at `bundle` in it; returns the new file's path. The new
--- bundle is padded to the old one's size, because the kernel knows where its own ends.
function M.with_bundle(kernel, bundle)
  local image, new = disk.read(kernel), disk.read(bundle)
  local at = assert(image:find(MAGIC, 1, true), kernel .. " has no boot bundle")
  local size = string.unpack("<I8", image, at + SIZE_AT)
  assert(#new <= size, bundle .. " is larger than the bundle of " .. kernel)
  new = disk.patch(new, SIZE_AT, string.pack("<I8", size)) .. ("\0"):rep(size - #new)
  return disk.write(image:sub(1, at - 1) .. new .. image:sub(at + size))
end

return M
