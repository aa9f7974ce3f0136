-- Makes the Linux guest that `scons bench-linux` compares with: Debian's arm64 kernel, busybox and nginx,
-- and tests/bench/load.c, in an initramfs.
--
--   lua5.4 tests/bench/linux/build.lua OUT     OUT/kernel, OUT/initramfs, OUT/versions
--
-- The packages come by name with apt, in the versions the machine's Debian has now: what a user could run
-- instead of us today. apt's lists of arm64 and the packages lie in the cache (SWOS_CACHE), so the
-- machine's own list of architectures stays as it is. Needs the cross compiler, cpio and apt.

-- The C library is there twice: what nginx loads and, as libc6-dev, what load.c is linked with.
local IMAGE = { "busybox-static", "nginx", "libc6", "libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g" }
local SYSROOT = { "libc6-dev", "linux-libc-dev" }
local KERNEL = "linux-image-arm64"
-- In the order in which they are loaded; a kernel may have some built in.
local MODULES = { "drivers/virtio/virtio", "drivers/virtio/virtio_ring", "drivers/virtio/virtio_mmio",
  "net/core/failover", "drivers/net/net_failover", "drivers/net/virtio_net" }

local here = arg[0]:match("^(.*)/") or "."
local out = assert(arg[1], "usage: build.lua OUT")

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function must(format, ...)
  local command = format:format(...)
  if not os.execute("set -e; " .. command) then
    io.stderr:write("the Linux guest: this failed: ", command, "\n")
    os.exit(1)
  end
end

local function output(format, ...)
  local pipe <close> = assert(io.popen(format:format(...)))
  return (pipe:read("a"):gsub("%s+$", ""))
end

local cache = os.getenv("SWOS_CACHE")
if not cache or cache == "" then
  local base = os.getenv("XDG_CACHE_HOME") or assert(os.getenv("HOME"), "HOME is not set") .. "/.cache"
  cache = base .. "/swos"
end
local state = cache .. "/linux-guest"
must("mkdir -p %s/lists/partial %s/archives/partial", quote(state), quote(state))
do
  local status <close> = assert(io.open(state .. "/status", "w"))
  local config <close> = assert(io.open(state .. "/apt.conf", "w"))
  status:write("")
  config:write(('APT::Architecture "arm64";\nAPT::Architectures { "arm64"; };\n' ..
    'APT::Sandbox::User "root";\nAcquire::Languages "none";\nAcquire::Retries "2";\n' ..
    'Dir::State::lists "%s/lists";\nDir::State::status "%s/status";\nDir::Cache "%s";\n')
    :format(state, state, state))
end
local apt = ("cd %s/archives && APT_CONFIG=%s "):format(quote(state), quote(state .. "/apt.conf"))
-- An archive of somebody else that has no arm64 packages is no reason to stop: a package that is missing is.
must("%s apt-get -qq update >/dev/null 2>&1 || true", apt)

local versions = {}
-- The file of a package, fetched when the cache does not have this version.
local function package(name)
  local version = output("%s apt-cache show --no-all-versions %s 2>/dev/null | sed -n 's/^Version: //p'",
    apt, name)
  if version == "" then must("echo 'apt has no arm64 package %s' >&2; false", name) end
  local file = ("%s/archives/%s_%s_arm64.deb"):format(state, name, (version:gsub(":", "%%3a")))
  must("test -s %s || { %s apt-get -qq download %s=%s; }", quote(file), apt, name, version)
  versions[#versions + 1] = quote(name .. " " .. version)
  return quote(file)
end

out = quote(out)
local root, sysroot, kernel = out .. "/root", out .. "/sysroot", out .. "/linux"
must("rm -rf %s; mkdir -p %s %s %s", out, root, sysroot, kernel)
must("cd %s && mkdir -p dev proc sys tmp run modules etc var/log/nginx var/lib/nginx", root)
for _, name in ipairs(IMAGE) do must("dpkg-deb -x %s %s", package(name), root) end
for _, name in ipairs(SYSROOT) do must("dpkg-deb -x %s %s", package(name), sysroot) end
local versioned = output("%s apt-cache depends %s", apt, KERNEL):match("Depends: (linux%-image%-%S+)")
must("dpkg-deb --fsys-tarfile %s | tar -x -C %s --wildcards './boot/vmlinuz-*' '*/virtio/*' '*/net/*'",
  package(versioned), kernel)
must("cp %s/boot/vmlinuz-* %s/kernel", kernel, out)
for i, module in ipairs(MODULES) do
  must("f=$(echo %s/lib/modules/*/kernel/%s.ko); if test -e $f; then cp $f %s/modules/%d.ko; fi",
    kernel, module, root, i)
end
must("aarch64-linux-gnu-gcc -O2 -Wall -Wextra -static --sysroot=%s -o %s/bin/load %s/../load.c",
  sysroot, root, here)
must("cp %s/init %s; chmod 755 %s/init; cp %s/nginx.conf %s/etc", here, root, root, here, root)
must("cd %s/etc; echo root:x:0:0:root:/:/bin/sh >passwd; echo root:x:0: >group", root)
-- What no server loads: documentation, and the C library's character sets.
must("rm -rf %s/usr/share %s/usr/lib/aarch64-linux-gnu/gconv", root, root)
must("(cd %s && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible) >%s/initramfs",
  root, out)
must("rm -rf %s %s %s", root, sysroot, kernel)
must("printf '%%s\\n' %s >%s/versions", table.concat(versions, " "), out)
