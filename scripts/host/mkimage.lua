-- Write a signed SWOSBASE image from a folder:
--   mkimage.lua --root DIR --key SECRET --out FILE [--label TEXT] [--abi-low N] [--abi-high N]
--   mkimage.lua --check FILE --public KEY        verify an image and list what is in it
--
-- Everything belongs to principal 0; directories are 0755, files 0755 when their owner may
-- execute them, else 0644; RULES makes the exceptions. MOUNTS exist in every image.

local image = require("swos.image")
local crypto = require("swcrypto")
local abi = require("abi")
local tool = require("tool")

local fail, check, quote, read_file = tool.fail, tool.check, tool.quote, tool.read_file

local RULES = {
  ["etc/swos/passwd"] = tonumber("600", 8),
}
local MOUNTS = { "tmp", "usr", "data" }

local function pieces(path)
  return function()
    local file = check(io.open(path, "rb"))
    return function()
      local piece = file:read(1 << 16)
      if not piece then file:close() end
      return piece
    end
  end
end

-- What lies under a folder: array of entries for image.write.
local function scan(root)
  local entries, seen = {}, {}
  local list = check(io.popen("find " .. quote(root) .. " -mindepth 1 -printf '%y %m %s %P\\0'"))
  for kind, mode, size, path in list:read("a"):gmatch("(%a) (%d+) (%d+) ([^\0]+)\0") do
    if kind ~= "f" and kind ~= "d" then fail("%s: neither a file nor a directory", path) end
    local executable = kind == "d" or tonumber(mode, 8) & tonumber("100", 8) ~= 0
    seen[path] = true
    entries[#entries + 1] = {
      path = path,
      kind = kind == "d" and "directory" or "file",
      mode = RULES[path] or tonumber(executable and "755" or "644", 8),
      size = math.tointeger(tonumber(size)),
      read = pieces(root .. "/" .. path),
    }
  end
  check(list:close(), root .. ": cannot be listed")
  for _, path in ipairs(MOUNTS) do
    if not seen[path] then
      entries[#entries + 1] = { path = path, kind = "directory", mode = tonumber("755", 8) }
    end
  end
  return entries
end

local function write_image(options)
  local secret = read_file(options.key)
  if #secret ~= 64 then fail("%s: not a secret key of 64 bytes", options.key) end
  local new = options.out .. ".new"
  local out = check(io.open(new, "w+b"))
  local facts, message = image.write(out, {
    entries = scan(options.root),
    crypto = crypto,
    secret = secret,
    abi_low = tonumber(options["abi-low"]) or abi.constant.SW_ABI_LOW,
    abi_high = tonumber(options["abi-high"]) or abi.constant.SW_ABI_VERSION,
    label = options.label or "swos",
    mtime = math.tointeger(os.getenv("SOURCE_DATE_EPOCH") or 0) * 1000000000,
  })
  if not facts or not out:close() then
    os.remove(new)
    fail("%s: %s", options.out, message or "cannot be written")
  end
  check(os.rename(new, options.out))
end

local function check_image(path, public)
  local file <close> = check(io.open(path, "rb"))
  local function read_at(offset, size)
    file:seek("set", offset)
    return file:read(size)
  end
  local base, message = image.open(read_at, { crypto = crypto, public = public,
    abi = abi.constant.SW_ABI_VERSION })
  if not base then fail("%s: %s", path, message) end
  for index = 0, base.superblock.inode_count - 1 do
    local node = base:inode(index)
    if node.kind == image.REGULAR then
      local content, why = base:read(node)
      if not content then fail("%s: /%s: %s", path, base:path(index), why) end
    end
    print(string.format("%s %04o %d %8d /%s", node.kind == image.REGULAR and "-" or "d",
      node.mode, node.owner, node.size, base:path(index)))
  end
end

local options, at = {}, 1
while arg[at] do
  local name = arg[at]:match("^%-%-([%l-]+)$")
  if name then
    options[name] = arg[at + 1] or fail("%s needs a value", arg[at])
    at = at + 2
  else
    options.root, at = arg[at], at + 1
  end
end
if options.check then
  check_image(options.check, options.public and read_file(options.public))
elseif options.root and options.key and options.out then
  write_image(options)
else
  fail("usage: mkimage.lua --root DIR --key SECRET --out FILE [--label TEXT] [--abi-low N]\n"
    .. "                   [--abi-high N]\n"
    .. "       mkimage.lua --check FILE [--public KEY]")
end
