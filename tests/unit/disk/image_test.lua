-- SWOSBASE 4 in Lua: what the writer writes, the reader reads; what was tampered with, it refuses.

package.path = "lua/?.lua;tests/lib/?.lua;" .. package.path
package.cpath = "build/host/lua/?.so;" .. package.cpath
local tap = require("tap")
local image = require("swos.image")
local crypto = require("swcrypto")

local PUBLIC, SECRET = crypto.ed25519_keypair(("k"):rep(32))

-- An io file over a string.
local function memory_file()
  local file = { bytes = "", at = 0 }
  function file:seek(_, offset)
    self.at = offset
    return offset
  end
  function file:write(...)
    for _, bytes in ipairs({ ... }) do
      if #self.bytes < self.at then
        self.bytes = self.bytes .. ("\0"):rep(self.at - #self.bytes)
      end
      self.bytes = self.bytes:sub(1, self.at) .. bytes .. self.bytes:sub(self.at + #bytes + 1)
      self.at = self.at + #bytes
    end
    return self
  end
  return file
end

local function once(...)
  local pieces, at = { ... }, 0
  return function()
    at = at + 1
    return pieces[at]
  end
end

local BIG = ("0123456789abcde\n"):rep(600) -- 9600 bytes, three blocks

local function entries()
  return {
    { path = "bin", kind = "directory", mode = 493 },
    { path = "bin/big", kind = "file", mode = 493, size = #BIG,
      read = function() return once(BIG:sub(1, 100), BIG:sub(101, 5000), BIG:sub(5001)) end },
    { path = "bin/a", kind = "file", mode = 420, size = 1, read = function() return once("a") end },
    { path = "empty", kind = "file", mode = 384, owner = 7, size = 0,
      read = function() return once() end },
    { path = "tmp", kind = "directory", mode = 493 },
  }
end

local function write(change)
  local out = memory_file()
  local options = { entries = entries(), crypto = crypto, secret = SECRET, abi_low = 2,
    abi_high = 4, label = "test", mtime = 5 }
  if change then change(options) end
  local facts, message, name = image.write(out, options)
  return facts and out.bytes, message, name
end

local function open(bytes, change)
  local options = { crypto = crypto, public = PUBLIC, abi = 3 }
  if change then change(options) end
  return image.open(function(offset, size)
    local piece = bytes:sub(offset + 1, offset + size)
    return #piece == size and piece or nil, "short read"
  end, options)
end

local function flip(bytes, at)
  return bytes:sub(1, at) .. string.char(bytes:byte(at + 1) ~ 1) .. bytes:sub(at + 2)
end

local good = tap.check(write())

tap.test("what was written is read", function()
  local base = tap.check(open(good))
  tap.equal(base:read(base:lookup("bin/big")), BIG)
  tap.equal(base:read(base:lookup("bin/a")), "a")
  tap.equal(base:read(base:lookup("empty")), "")
  tap.equal(base:lookup("empty").owner, 7)
  tap.equal(base:lookup("bin/big").mode, 493)
  tap.equal(base:lookup("bin/big").mtime, 5)
  tap.equal(base:lookup("").child_count, 3)
  tap.equal(base:path(base:lookup("bin/a").index), "bin/a")
  tap.equal(base.superblock.label, "test")
  tap.equal(select(3, base:lookup("bin/none")), "NOT_FOUND")
  tap.equal(select(3, base:lookup("empty/x")), "NOT_DIRECTORY")
end)

tap.test("the same entries in any order give the same bytes", function()
  tap.check(write(function(options)
    local list = options.entries
    table.sort(list, function(a, b) return a.path > b.path end)
  end) == good)
end)

tap.test("the writer refuses what a directory cannot hold", function()
  for _, path in ipairs({ "..", ".", "bin/..", "bin/x/y", "none/x", "empty/x", "bin/a",
      "a\0b", ("n"):rep(256) }) do
    local bytes = write(function(options)
      table.insert(options.entries, { path = path, kind = "directory", mode = 493 })
    end)
    tap.check(not bytes, "accepted %q", path)
  end
  tap.check(not write(function(options) options.label = ("l"):rep(32) end))
end)

tap.test("a file that changes while it is read is noticed", function()
  tap.equal(select(3, write(function(options) options.entries[3].size = 2 end)), "BUSY")
end)

tap.test("wrong key, wrong ABI, wrong version", function()
  local other = crypto.ed25519_keypair(("o"):rep(32))
  tap.contains(select(2, open(good, function(o) o.public = other end)), "signature")
  tap.contains(select(2, open(good, function(o) o.abi = 1 end)), "needs ABI 2 to 4, this is 1")
  tap.contains(select(2, open(good, function(o) o.abi = 5 end)), "needs ABI 2 to 4, this is 5")
  tap.equal(select(3, open("X" .. good:sub(2))), "BAD_IMAGE")
  tap.contains(select(2, open(good:sub(1, 8) .. "\5" .. good:sub(10))), "version 5, not 4")
end)

tap.test("every flipped byte of superblock and metadata is refused", function()
  local data_offset = open(good).superblock.data_offset
  for at = 0, data_offset - 1, 7 do
    tap.check(not open(flip(good, at)), "byte %d", at)
  end
end)

tap.test("a flipped bit in a file is an error of that file alone", function()
  local base = open(good)
  local node = base:lookup("bin/big")
  local bad = open(flip(good, base.superblock.data_offset + node.block * image.BLOCK + 5000))
  local content, message, name = bad:read(bad:lookup("bin/big"))
  tap.check(not content)
  tap.equal(name, "CORRUPT")
  tap.contains(message, "does not match its hash")
  tap.equal(bad:read(bad:lookup("bin/a")), "a")
end)

tap.test("truncated anywhere", function()
  for size = 0, #good - 1, 512 do
    local base = open(good:sub(1, size))
    local content = base and base:read(base:lookup("bin/big"))
    local last = base and base:read(base:lookup("bin/a"))
    tap.check(not (content and last), "%d bytes", size)
  end
end)

tap.done()
