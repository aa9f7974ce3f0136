-- The host tools' crypto module against published vectors, and what it refuses.

package.path = "tests/lib/?.lua;" .. package.path
package.cpath = "build/host/lua/?.so;" .. package.cpath
local tap = require("tap")
local swcrypto = require("swcrypto")

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end
local function unhex(text)
  return (text:gsub("%x%x", function(c) return string.char(tonumber(c, 16)) end))
end

local ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

tap.test("sha256 and sha512 of FIPS 180-4", function()
  tap.equal(hex(swcrypto.sha256("abc")), ABC)
  tap.equal(hex(swcrypto.sha512("abc")):sub(1, 32), "ddaf35a193617abacc417349ae204131")
end)

tap.test("incremental sha256 may be asked on the way", function()
  local hash = swcrypto.sha256_new():update("a"):update("b")
  tap.equal(hex(hash:digest()), hex(swcrypto.sha256("ab")))
  tap.equal(hex(hash:update("c"):digest()), ABC)
end)

-- RFC 8032, 7.1, TEST 2.
local SEED = unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
local PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
local SIGNATURE = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
  .. "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"

tap.test("ed25519 of RFC 8032", function()
  local public, secret = swcrypto.ed25519_keypair(SEED)
  tap.equal(hex(public), PUBLIC)
  tap.equal(hex(swcrypto.ed25519_sign("\x72", secret)), SIGNATURE)
  tap.equal(swcrypto.ed25519_verify(unhex(SIGNATURE), "\x72", public), true)
  tap.equal(swcrypto.ed25519_verify(unhex(SIGNATURE), "\x73", public), false)
end)

tap.test("argon2id records verify their password alone", function()
  local record = swcrypto.argon2id("swordfish", 1, 64 * 1024)
  tap.equal(record:match("^%$argon2id%$v=19%$m=64,t=1,p=1%$") ~= nil, true)
  tap.equal(swcrypto.argon2id_verify(record, "swordfish"), true)
  tap.equal(swcrypto.argon2id_verify(record, "swordfisH"), false)
end)

tap.test("wrong sizes raise", function()
  tap.equal(pcall(swcrypto.ed25519_keypair, "short"), false)
  tap.equal(pcall(swcrypto.ed25519_sign, "x", ("k"):rep(32)), false)
  tap.equal(pcall(swcrypto.random, -1), false)
  tap.equal(#swcrypto.random(100), 100)
end)

tap.done()
