-- Two builds with the same keys give the same bytes: the tree's files are built again from
-- nothing in a folder of another name, and compared with what was built here. Third-party
-- libraries come out of the cache, as in any clean clone.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")

local FILES = { "build/kernel.elf", "build/kernel.img", "build/base.img", "build/virt.dtb" }
local keys = os.getenv("KEYS") or "build/keys"

local function output(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read("a"):gsub("\n$", ""))
end

local function hash(path)
  return output(("sha256sum <'%s'"):format(path)):match("^%x+")
end

keys = output(("realpath '%s'"):format(keys))
local copy = output("mktemp -d") .. "/another-name"
tap.on_done(function() os.execute(("rm -rf '%s'"):format(copy:match("^(.*)/"))) end)

tap.test("a copy of the tree builds", function()
  local ok = os.execute(("mkdir '%s' && tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C '%s'")
    :format(copy, copy))
  tap.check(ok, "cannot copy the tree to %s", copy)
  local log = copy .. "/log"
  ok = os.execute(("cd '%s' && scons -Q 'KEYS=%s' %s >'%s' 2>&1"):format(copy, keys,
    table.concat(FILES, " "), log))
  if not ok then tap.note("%s", output(("tail -n 20 '%s'"):format(log))) end
  tap.check(ok, "the build of the copy failed")
end)

for _, file in ipairs(FILES) do
  tap.test(file .. " has the same bytes", function()
    tap.equal(hash(copy .. "/" .. file), hash(file), "the copy's SHA-256")
  end)
end

tap.done()
