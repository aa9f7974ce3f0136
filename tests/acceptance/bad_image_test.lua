-- Images that must not be believed: what is refused, by which message, and what the rescue
-- prompt offers then.

package.path = "tests/lib/?.lua;" .. package.path
package.cpath = "build/host/lua/?.so;" .. package.cpath
local tap = require("tap")
local Guest = require("guest")
local disk = require("disk")
local swcrypto = require("swcrypto")

local BASE = disk.read("build/base.img")
local SECRET = disk.read((os.getenv("KEYS") or "build/keys") .. "/image.key")

local function field(format, offset) return (string.unpack("<" .. format, BASE, offset + 1)) end

-- Superblock fields, by offset; see the image format in docs/architecture.md.
local INODES, INODE_COUNT, INODE_SIZE = field("I8", 40), field("I4", 48), field("I4", 52)
local NAMES, TREE, DATA = field("I8", 56), field("I8", 72), field("I8", 88)
local ROOT, METADATA_HASH = 104, 136

local function signed(image, secret)
  local head = image:sub(1, 4032)
  return head .. swcrypto.ed25519_sign(head, secret) .. image:sub(4097)
end

-- Boots with the disk; the rescue prompt comes, after init's reason and imgfs's last line, which has
-- these words (none: the reason's).
local function refused(name, image, reason, words)
  tap.test(name, function()
    local disks = image and { { disk.write(image) } } or {}
    local guest <close> = Guest.start({ disks = disks })
    guest:expect("swos: no base image: ", 60)
    local said = guest:expect("\r\n")
    guest:expect("imgfs: ")
    local last = guest:expect("\r\n")
    guest:expect("commands: disks, retry, reboot, poweroff\r\nrescue> ")
    tap.lacks(guest.text, "M11c:")
    tap.contains(said, reason, "init's reason")
    tap.contains(last, words or reason, "imgfs's last line")
  end)
end

local SIGNATURE, METADATA = "signature is wrong", "metadata does not match its hash"
local NONE, MALFORMED = "no disk holds a base image", "metadata is malformed"

refused("a flipped bit in the superblock", disk.flip(BASE, 33), SIGNATURE, "signature does not match")
refused("a flipped bit in the signature", disk.flip(BASE, 4032 + 10), SIGNATURE, "signature does not match")
refused("a flipped bit in an inode", disk.flip(BASE, INODES + 3 * INODE_SIZE + 12), METADATA)
refused("a flipped bit in the names", disk.flip(BASE, NAMES + 1), METADATA)
refused("a flipped bit in the hash tree", disk.flip(BASE, TREE + 5), METADATA)
refused("cut in the data", BASE:sub(1, DATA + (#BASE - DATA) // 2 // 4096 * 4096), "image is truncated")
refused("cut in the metadata", BASE:sub(1, math.max(4096, DATA - 4096)), "image is truncated")
refused("cut in the superblock", BASE:sub(1, 2048), NONE, "no disk holds a SWOSBASE image")
refused("empty disk", ("\0"):rep(1 << 20), NONE, "no disk holds a SWOSBASE image")
refused("no disk", nil, "no disk")
refused("another version of the format", signed(disk.patch(BASE, 8, string.pack("<I4", 3)), SECRET),
  "format version is not known", "format version 3")

do
  local _, other = swcrypto.ed25519_keypair(("k"):rep(32))
  refused("another key", signed(BASE, other), SIGNATURE, "signature does not match")
end
refused("an ABI range above the kernel's",
  signed(disk.patch(BASE, 16, string.pack("<I4I4", 7, 9)), SECRET), "another ABI", "needs ABI 7 to 9")
refused("an ABI range below the kernel's",
  signed(disk.patch(BASE, 16, string.pack("<I4I4", 0, 0)), SECRET), "another ABI", "needs ABI 0 to 0")
refused("a validly signed image that lies about its inodes",
  signed(disk.patch(BASE, 48, string.pack("<I4", INODE_COUNT + 100000)), SECRET),
  MALFORMED, "superblock is malformed")
refused("a validly signed image with a root that does not fit",
  signed(disk.flip(BASE, ROOT), SECRET), METADATA, "hash tree does not match its root")

do
  -- With hashes that are right: an inode of a kind that there is not.
  local image = disk.patch(BASE, INODES + INODE_SIZE + 10, string.pack("<I2", 9))
  local hash = swcrypto.sha256(image:sub(INODES + 1, DATA))
  refused("a validly signed image with a malformed inode",
    signed(disk.patch(image, METADATA_HASH, hash), SECRET), MALFORMED)
end

tap.test("a legacy virtio disk: each message names the flag", function()
  local guest <close> = Guest.start({ legacy = true })
  for _, who in ipairs({ "swos: no base image: ", "imgfs: " }) do
    guest:expect(who, 60)
    tap.contains(guest:expect("\r\n"), "virtio-mmio.force-legacy=false", who)
  end
  guest:expect("rescue> ")
  guest:line("disks")
  guest:expect("disk 0: ")
  tap.contains(guest:expect("\r\n"), "virtio-mmio.force-legacy=false", "the list of disks")
end)

tap.test("retry takes a disk that has become good", function()
  local path = disk.write(disk.flip(BASE, 33))
  local guest <close> = Guest.start({ disks = { { path } } })
  guest:expect("rescue> ", 60)
  guest:line("disks")
  guest:expect(("disk 0: %d KiB, read-only, base image (SWOSBASE)"):format(#BASE // 1024))
  guest:expect("rescue> ")
  do
    local file <close> = assert(io.open(path, "r+b"))
    assert(file:write(BASE))
  end
  guest:line("retry")
  guest:login("root", "swordfish")
  guest:must("cat /hello.txt")
end)

tap.test("a flipped bit in a file: that file is an I/O error, all else goes on", function()
  local at
  for i = 0, INODE_COUNT - 1 do
    local inode = INODES + i * INODE_SIZE
    local name_offset, length = string.unpack("<I4I2", BASE, inode + 5)
    if BASE:sub(NAMES + name_offset + 1, NAMES + name_offset + length) == "readme.txt" then
      at = DATA + string.unpack("<I8", BASE, inode + 33) * 4096
    end
  end
  tap.check(at, "no readme.txt in the image")
  local guest <close> = Guest.start({ disks = { { disk.write(disk.flip(BASE, at)) } } })
  guest:login("root", "swordfish")
  for _ = 1, 2 do
    local output, status = guest:run("cat /readme.txt")
    tap.check(status ~= 0, "the file was read: %s", output)
    tap.matches(output:lower(), "i/o error", "the message")
    tap.contains(output, "/readme.txt")
    guest:must("cat /hello.txt && ls -l /readme.txt")
  end
  guest:leak_check(function() guest:run("cat /readme.txt") end)
end)

tap.test("the rescue prompt lists disks, retries, reboots, powers off, and nothing else", function()
  local guest <close> = Guest.start({ disks = { { disk.blank(1 << 20) } }, reboot = true })
  guest:expect("rescue", 60)
  local function ask(line, words)
    guest.position = #guest.text + 1
    guest:line(line)
    guest:expect(words, 20)
  end
  ask("disks", "disk 0: 1024 KiB, read-only, unknown content")
  ask("retry", "no disk holds a base image")
  guest:expect("rescue> ", 20)
  for _, line in ipairs({ "ls", "lua", "cat /etc/motd", "/bin/sh", "help", ("x"):rep(5000) }) do
    ask(line, "commands: disks, retry, reboot, poweroff")
  end
  guest:line("reboot")
  guest:expect("swos: no base image", 60)
  guest:expect("rescue> ", 20)
  guest:line("poweroff")
  guest:expect_end(20)
end)

tap.done()
