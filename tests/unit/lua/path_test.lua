-- Paths as text: normal form, prefixes, parts. Prints TAP.
package.path = "lua/?.lua;" .. package.path
local path = require("swos.path")

local count = 0
local function equal(got, expected, what)
  count = count + 1
  local ok = got == expected
  print(("%sok %d - %s"):format(ok and "" or "not ", count, what))
  if not ok then print(("# got %s, not %s"):format(tostring(got), tostring(expected))) end
end

for _, case in ipairs {
  { "/", "a", "/a" }, { "/x", "a/b", "/x/a/b" }, { "/x", "/a", "/a" }, { "/x/y", "..", "/x" },
  { "/", "..", "/" }, { "/x", "../../..", "/" }, { "/x", ".", "/x" }, { "/x", "./a//b/", "/x/a/b" },
  { "/x", "a/../b", "/x/b" }, { "/x", "/", "/" }, { "/x", "/..a/.b", "/..a/.b" },
} do
  equal(path.normalize(case[1], case[2]), case[3], ("%s from %s"):format(case[2], case[1]))
end

equal(path.below("/tmp/a", "/tmp"), "a", "below a prefix")
equal(path.below("/tmp", "/tmp"), "", "the prefix itself")
equal(path.below("/tmpfile", "/tmp"), nil, "a longer name is not below")
equal(path.below("/a/b", "/"), "a/b", "below the root")

local mounts = { { "/", "base" }, { "/tmp", "tmp" }, { "/tmp/deep", "deep" } }
local function located(name)
  local entry, rest = path.locate(mounts, name)
  return entry[2] .. ":" .. rest
end
equal(located("/etc/motd"), "base:etc/motd", "the root's server")
equal(located("/tmp/x"), "tmp:x", "the longest prefix wins")
equal(located("/tmp/deep/x"), "deep:x", "also when it stands last")
equal(path.locate({ { "/tmp", 1 } }, "/etc"), nil, "no prefix fits")
equal(path.base_name("/a/b/"), "b", "base name")
equal(path.base_name("/"), "/", "base name of the root")
equal(path.directory_name("/a/b"), "/a", "directory name")
equal(path.directory_name("a"), ".", "directory name of a bare name")
print("1.." .. count)
