-- The third-party sources swos is built from: Debian source tarballs, pinned.
--
-- `pool` is the folder in the archive's pool, `file` the tarball in it. The pool is shared
-- by all suites, so a version from a newer suite needs no other source. `needs` names
-- libraries whose headers the recipe sees.
--
-- To move a pin: change version, file and sha256 (`apt-get source --print-uris` shows
-- them), then build. A file the archive no longer has may be put into
-- $SWOS_CACHE/downloads by hand; its hash alone is believed.

return {
  newlib = {
    version = "4.5.0.20241231",
    pool = "main/n/newlib",
    file = "newlib_4.5.0.20241231.orig.tar.gz",
    sha256 = "33f12605e0054965996c25c1382b3e463b0af91799001f5bb8c0630f2ec8c852",
    licence = "BSD-style, per file (COPYING.NEWLIB)",
  },
  lua = {
    version = "5.4.4",
    pool = "main/l/lua5.4",
    file = "lua5.4_5.4.4.orig.tar.gz",
    sha256 = "164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61",
    needs = { "newlib" },
    licence = "MIT",
  },
  libsodium = {
    version = "1.0.18",
    pool = "main/libs/libsodium",
    file = "libsodium_1.0.18.orig.tar.gz",
    sha256 = "d59323c6b712a1519a5daf710b68f5e7fde57040845ffec53850911f10a5d4f4",
    needs = { "newlib" },
    licence = "ISC",
  },
  lwip = {
    version = "2.1.3",
    pool = "main/l/lwip",
    file = "lwip_2.1.3+dfsg1.orig.tar.xz",
    sha256 = "0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24",
    needs = { "newlib" },
    licence = "BSD-3-Clause",
  },
  libfdt = {
    version = "1.7.2",
    pool = "main/d/device-tree-compiler",
    file = "device-tree-compiler_1.7.2.orig.tar.xz",
    sha256 = "92d8ca769805ae1f176204230438fe52808f4e1c7944053c9eec0e649b237539",
    licence = "BSD-2-Clause (of the dual licence)",
  },
  tre = {
    version = "0.8.0",
    pool = "main/t/tre",
    file = "tre_0.8.0.orig.tar.gz",
    sha256 = "be8670a55198bc57485a6a8ae4b497d7db98ea25f90968585b7eb07d94c6a7dd",
    needs = { "newlib" },
    licence = "BSD-2-Clause",
  },
}
