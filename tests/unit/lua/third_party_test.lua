-- A pin that cannot be had: what the message says. Nothing is fetched: the cache holds a file
-- of the right name and wrong content, which is refused, not replaced.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local pin = dofile("runtime/third_party/manifest.lua").libfdt

local function output(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("a"), pipe:close()
end

local cache = output("mktemp -d"):gsub("\n", "")
tap.on_done(function() os.execute("rm -rf " .. cache) end)

tap.test("a wrong tarball is refused with version, hash, place and remedy", function()
  os.execute(("mkdir %s/downloads && echo wrong >%s/downloads/%s"):format(cache, cache, pin.file))
  local text, ok = output(("SWOS_CACHE=%s CROSS=aarch64-linux-gnu- TARGET_CC=aarch64-linux-gnu-gcc "
    .. "TARGET_CFLAGS= lua5.4 runtime/third_party/build.lua libfdt %s/out 2>&1"):format(cache, cache))
  tap.equal(ok, nil, "exit status")
  tap.contains(text, "version " .. pin.version)
  tap.contains(text, pin.sha256)
  tap.contains(text, cache .. "/downloads/" .. pin.file)
  tap.contains(text, "runtime/third_party/manifest.lua")
end)

tap.test("every pin has a full hash", function()
  for name, entry in pairs(dofile("runtime/third_party/manifest.lua")) do
    tap.equal(#entry.sha256, 64, name)
    tap.equal(entry.sha256:match("^%x+$") ~= nil, true, name)
  end
end)

tap.done()
