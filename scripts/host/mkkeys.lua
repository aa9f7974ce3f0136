-- Make the development signing keys: lua5.4 mkkeys.lua DIR
--
-- DIR/image.key (64 bytes, the secret, mode 0600) and DIR/image.pub (32 bytes). Keys that
-- are there already are left alone; half a pair is refused.

local swcrypto = require("swcrypto")
local quote = require("tool").quote

local function exists(path)
  local file <close> = io.open(path, "rb")
  return file ~= nil
end

local function write(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(bytes))
end

local dir = assert(arg[1], "usage: mkkeys.lua DIR")
local secret_path, public_path = dir .. "/image.key", dir .. "/image.pub"
local have_secret, have_public = exists(secret_path), exists(public_path)
if have_secret and have_public then return end
assert(have_secret == have_public, dir .. ": one of image.key and image.pub is missing")

local public, secret = swcrypto.ed25519_keypair(swcrypto.random(32))
assert(os.execute(string.format("mkdir -p %s && umask 077 && : >%s",
  quote(dir), quote(secret_path))))
write(secret_path, secret)
write(public_path, public)
