-- SWOSBASE 4, the image format of the base system, packages and updates: writer and reader.
--
-- docs/architecture.md describes the bytes. Pure Lua 5.4, for host and guest alike: bytes come
-- and go through functions the caller gives, hashes and signatures through a `crypto` table
-- with sha256(bytes), sha256_new() (update, digest), ed25519_sign and ed25519_verify.
-- The writer is deterministic: the same entries give the same bytes. The reader believes
-- nothing it has not checked: signature, then metadata hash, then each block by its hash.

local image = {
  VERSION = 4,
  BLOCK = 4096,
  INODE = 96,
  REGULAR = 1,
  DIRECTORY = 2,
}

local MAGIC = "SWOSBASE"
local SUPERBLOCK = "<c8 I4I4I4I4 I8I8 I8I4I4 I8I8 I8I8 I8I8 c32 c32 c32"
local SIGNED = 4032
local INODE = "<I4I4I2I2I4 I4I4 i8I8i8 c32 I4I4 I8"
local NAME_MAX = 255
local SIZE_MAX = 1 << 40

local function round_up(number, unit)
  return (number + unit - 1) // unit * unit
end

local function padded(bytes, size)
  return bytes .. ("\0"):rep(size - #bytes)
end

-- A name that may stand in a directory.
local function name_valid(name)
  return #name >= 1 and #name <= NAME_MAX and name ~= "." and name ~= ".."
    and not name:find("[/\0]")
end

-- ---------------------------------------------------------------- writer

-- Entries in inode order: breadth first, each directory's children sorted by name, so that
-- they lie side by side.
local function inode_order(entries)
  local root = { path = "", name = "", kind = "directory", mode = tonumber("755", 8), owner = 0,
    children = {} }
  local by_path = { [""] = root }
  for _, entry in ipairs(entries) do
    local node = { path = entry.path, name = entry.path:match("[^/]*$"), kind = entry.kind,
      mode = entry.mode, owner = entry.owner or 0, size = entry.size or 0, read = entry.read,
      children = {} }
    assert(node.kind == "directory" or node.kind == "file", "bad kind of " .. entry.path)
    if entry.path == "" then
      node.children, by_path[""], root = root.children, node, node
    else
      if by_path[entry.path] then return nil, entry.path .. ": twice", "EXISTS" end
      by_path[entry.path] = node
    end
  end
  for path, node in pairs(by_path) do
    if node ~= root then
      if not name_valid(node.name) then return nil, path .. ": bad name", "INVALID" end
      local parent = by_path[path:match("^(.*)/[^/]*$") or ""]
      if not parent or parent.kind ~= "directory" then
        return nil, path .. ": its directory is missing", "NOT_DIRECTORY"
      end
      table.insert(parent.children, node)
    end
  end
  local order = { root }
  root.parent = 0
  for index, node in ipairs(order) do -- grows while it is walked
    table.sort(node.children, function(a, b) return a.name < b.name end)
    node.first_child = #node.children > 0 and #order or 0
    for _, child in ipairs(node.children) do
      child.parent = index - 1
      order[#order + 1] = child
    end
  end
  return order
end

-- Writes an image. `out` has write and seek as an io file opened for writing and reading has.
-- options: entries (array of { path, kind = "file"|"directory", mode, owner, size,
-- read = function() -> iterator of byte strings }), crypto, secret (Ed25519, 64 bytes),
-- abi_low, abi_high, label, mtime (ns).
-- Returns the facts { blocks, inodes, build_id }, or nil, message, name.
function image.write(out, options)
  local crypto = options.crypto
  local order, message, name = inode_order(options.entries)
  if not order then return nil, message, name end
  if #options.label > 31 then return nil, "label longer than 31 bytes", "NAME_TOO_LONG" end

  local names, names_size, blocks = {}, 0, 0
  for _, node in ipairs(order) do
    node.name_offset = names_size
    names[#names + 1] = node.name
    names_size = names_size + #node.name
    node.block = 0
    if node.kind == "file" and node.size > 0 then
      node.block = blocks
      blocks = blocks + round_up(node.size, image.BLOCK) // image.BLOCK
    end
  end
  local inode_offset = image.BLOCK
  local names_offset = inode_offset + #order * image.INODE
  local tree_offset = round_up(names_offset + names_size, 32)
  local data_offset = round_up(tree_offset + blocks * 32, image.BLOCK)

  assert(out:seek("set", data_offset))
  local leaves, empty = {}, crypto.sha256("")
  for _, node in ipairs(order) do
    node.hash = node.kind == "file" and empty or ("\0"):rep(32)
    if node.kind == "file" and node.size > 0 then
      local whole, rest, size = crypto.sha256_new(), "", 0
      local function put_block(block)
        block = padded(block, image.BLOCK)
        leaves[#leaves + 1] = crypto.sha256(block)
        assert(out:write(block))
      end
      for piece in node.read() do
        whole:update(piece)
        size = size + #piece
        rest = rest .. piece
        local at = 1
        while #rest - at + 1 >= image.BLOCK do
          put_block(rest:sub(at, at + image.BLOCK - 1))
          at = at + image.BLOCK
        end
        rest = rest:sub(at)
      end
      if #rest > 0 then put_block(rest) end
      if size ~= node.size then return nil, node.path .. ": changed while read", "BUSY" end
      node.hash = whole:digest()
    end
  end
  assert(#leaves == blocks)
  local tree = table.concat(leaves)

  local inodes = {}
  for index, node in ipairs(order) do
    inodes[index] = INODE:pack(node.parent, node.name_offset, #node.name,
      node.kind == "file" and image.REGULAR or image.DIRECTORY, node.mode, node.owner, 0,
      node.kind == "file" and node.size or 0, node.block, options.mtime or 0, node.hash,
      node.first_child, #node.children, 0)
  end
  local metadata = padded(padded(table.concat(inodes) .. table.concat(names),
    tree_offset - inode_offset) .. tree, data_offset - inode_offset)
  local metadata_hash = crypto.sha256(metadata)
  local build_id = ("<I8"):unpack(metadata_hash)
  local block_count = data_offset // image.BLOCK + blocks
  local superblock = padded(SUPERBLOCK:pack(MAGIC, image.VERSION, image.BLOCK, options.abi_low,
    options.abi_high, block_count, build_id, inode_offset, #order, image.INODE, names_offset,
    names_size, tree_offset, #tree, data_offset, blocks * image.BLOCK, crypto.sha256(tree),
    metadata_hash, padded(options.label, 32)), SIGNED)
  assert(out:seek("set", 0))
  assert(out:write(superblock, crypto.ed25519_sign(superblock, options.secret), metadata))
  return { blocks = block_count, inodes = #order, build_id = build_id }
end

-- ---------------------------------------------------------------- reader

local reader = {}
reader.__index = reader

local function unpack_superblock(block)
  local s = {}
  s.magic, s.version, s.block_size, s.abi_low, s.abi_high, s.block_count, s.build_id,
    s.inode_offset, s.inode_count, s.inode_size, s.names_offset, s.names_size, s.tree_offset,
    s.tree_size, s.data_offset, s.data_size, s.tree_root, s.metadata_hash, s.label =
    SUPERBLOCK:unpack(block)
  s.label = s.label:match("^[^\0]*")
  return s
end

-- Sections in their order, none overlapping, sizes that fit: every sum stays below 2^53, so
-- that no check can wrap.
local function geometry_message(s)
  if s.block_size ~= image.BLOCK or s.inode_size ~= image.INODE then
    return "block or inode size is not the format's"
  end
  for _, field in ipairs({ "inode_offset", "names_offset", "names_size", "tree_offset",
      "tree_size", "data_offset", "data_size", "block_count" }) do
    if s[field] < 0 or s[field] > SIZE_MAX then return field .. " is out of range" end
  end
  if s.inode_count < 1 or s.inode_offset ~= image.BLOCK
      or s.names_offset ~= s.inode_offset + s.inode_count * image.INODE
      or s.tree_offset < s.names_offset + s.names_size
      or s.data_offset < s.tree_offset + s.tree_size
      or s.data_offset % image.BLOCK ~= 0 or s.data_size % image.BLOCK ~= 0
      or s.tree_size ~= s.data_size // image.BLOCK * 32
      or s.block_count ~= (s.data_offset + s.data_size) // image.BLOCK then
    return "sections overlap or do not fit"
  end
end

-- Opens an image and checks everything but the data blocks. `read_at(offset, size)` returns
-- that many bytes or nil, message. options: crypto, public (Ed25519 key; without it the
-- signature is not checked), abi (the version that must be in the image's range).
function image.open(read_at, options)
  local crypto = options.crypto
  local block, message = read_at(0, image.BLOCK)
  if not block or #block < image.BLOCK then
    return nil, message or "shorter than its superblock", "IO"
  end
  local s = unpack_superblock(block)
  if s.magic ~= MAGIC then return nil, "no SWOSBASE image", "BAD_IMAGE" end
  if s.version ~= image.VERSION then
    return nil, ("format version %d, not %d"):format(s.version, image.VERSION), "VERSION"
  end
  if options.public and not crypto.ed25519_verify(block:sub(SIGNED + 1), block:sub(1, SIGNED),
      options.public) then
    return nil, "signature does not match the key", "CORRUPT"
  end
  if options.abi and (options.abi < s.abi_low or options.abi > s.abi_high) then
    return nil, ("image needs ABI %d to %d, this is %d"):format(s.abi_low, s.abi_high,
      options.abi), "VERSION"
  end
  message = geometry_message(s)
  if message then return nil, message, "CORRUPT" end
  local metadata
  metadata, message = read_at(s.inode_offset, s.data_offset - s.inode_offset)
  if not metadata or #metadata ~= s.data_offset - s.inode_offset then
    return nil, message or "image is truncated", "IO"
  end
  if crypto.sha256(metadata) ~= s.metadata_hash then
    return nil, "metadata does not match its hash", "CORRUPT"
  end
  local self = setmetatable({ superblock = s, metadata = metadata, read_at = read_at,
    crypto = crypto }, reader)
  local tree_at = s.tree_offset - s.inode_offset
  if crypto.sha256(metadata:sub(tree_at + 1, tree_at + s.tree_size)) ~= s.tree_root then
    return nil, "hash tree does not match its root", "CORRUPT"
  end
  for index = 0, s.inode_count - 1 do
    message = self:inode_message(index)
    if message then return nil, ("inode %d: %s"):format(index, message), "CORRUPT" end
  end
  return self
end

-- Inode `index` (from 0) as a table.
function reader:inode(index)
  local n, name_offset, name_length = { index = index }
  n.parent, name_offset, name_length, n.kind, n.mode, n.owner, n.flags, n.size, n.block, n.mtime,
    n.hash, n.first_child, n.child_count, n.reserved =
    INODE:unpack(self.metadata, index * image.INODE + 1)
  local s = self.superblock
  if name_offset + name_length <= s.names_size then
    local at = s.names_offset - s.inode_offset + name_offset
    n.name = self.metadata:sub(at + 1, at + name_length)
  end
  return n
end

-- What is wrong with an inode, nil when nothing is.
function reader:inode_message(index)
  local s, n = self.superblock, self:inode(index)
  if not n.name then return "name outside the names" end
  if n.reserved ~= 0 or n.flags ~= 0 or n.mode > tonumber("7777", 8) then
    return "reserved bits are set"
  end
  if index == 0 then
    if n.kind ~= image.DIRECTORY or n.parent ~= 0 or n.name ~= "" then return "bad root" end
  else
    if not name_valid(n.name) then return "bad name" end
    if n.parent >= index then return "parent behind it" end
    local parent = self:inode(n.parent)
    if parent.kind ~= image.DIRECTORY or index < parent.first_child
        or index - parent.first_child >= parent.child_count then
      return "not among its parent's children"
    end
  end
  if n.kind == image.DIRECTORY then
    if n.size ~= 0 or n.block ~= 0 then return "directory with data" end
    if n.child_count > 0 and (n.first_child <= index
        or n.first_child + n.child_count > s.inode_count) then
      return "children outside the table"
    end
    local before
    for child = n.first_child, n.first_child + n.child_count - 1 do
      local c = self:inode(child)
      if c.parent ~= index then return "child of another directory" end
      if not c.name or before and before >= c.name then return "children not sorted" end
      before = c.name
    end
  elseif n.kind == image.REGULAR then
    if n.child_count ~= 0 then return "file with children" end
    local blocks = s.data_size // image.BLOCK
    if n.size < 0 or n.size > SIZE_MAX or n.block < 0 or n.block > blocks
        or round_up(n.size, image.BLOCK) // image.BLOCK > blocks - n.block then
      return "data outside the image"
    end
  else
    return "unknown kind"
  end
end

-- Finds a path ("" is the root, no leading slash); returns its inode or nil, message, name.
function reader:lookup(path)
  local node = self:inode(0)
  for part in path:gmatch("[^/]+") do
    if node.kind ~= image.DIRECTORY then
      return nil, path .. ": not a directory", "NOT_DIRECTORY"
    end
    local low, high, found = node.first_child, node.first_child + node.child_count - 1, nil
    while low <= high and not found do
      local middle = (low + high) // 2
      local child = self:inode(middle)
      if child.name == part then
        found = child
      elseif child.name < part then
        low = middle + 1
      else
        high = middle - 1
      end
    end
    if not found then return nil, path .. ": not found", "NOT_FOUND" end
    node = found
  end
  return node
end

-- The path of an inode.
function reader:path(index)
  local node = self:inode(index)
  if index == 0 then return "" end
  local above = self:path(node.parent)
  return above == "" and node.name or above .. "/" .. node.name
end

-- The content of a file inode, every block and the whole checked.
function reader:read(node)
  local s, pieces = self.superblock, {}
  local tree_at = s.tree_offset - s.inode_offset
  for at = 0, node.size - 1, image.BLOCK do
    local number = node.block + at // image.BLOCK
    local block, message = self.read_at(s.data_offset + number * image.BLOCK, image.BLOCK)
    if not block or #block < image.BLOCK then
      return nil, message or "image is truncated", "IO"
    end
    local leaf = self.metadata:sub(tree_at + number * 32 + 1, tree_at + number * 32 + 32)
    if self.crypto.sha256(block) ~= leaf then
      return nil, ("block %d does not match its hash"):format(number), "CORRUPT"
    end
    pieces[#pieces + 1] = block:sub(1, math.min(image.BLOCK, node.size - at))
  end
  local content = table.concat(pieces)
  if self.crypto.sha256(content) ~= node.hash then
    return nil, "content does not match its hash", "CORRUPT"
  end
  return content
end

return image
