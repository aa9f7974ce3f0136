-- sconsw with stubs in the place of Debian's tools: what it installs, what it only names, and that it
-- then runs scons with its arguments.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local disk = require("disk")

local function output(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("a"), select(3, pipe:close())
end

local bin = output("mktemp -d"):gsub("\n", "")
tap.on_done(function() os.execute("rm -rf " .. bin) end)

-- Each call of a stub is a line in `calls`.
local function stub(name, body)
  local path = bin .. "/" .. name
  local file <close> = assert(io.open(path, "w"))
  file:write(("#!/bin/sh\necho %s \"$@\" >>%s/calls\n%s\n"):format(name, bin, body))
  os.execute("chmod +x " .. path)
end

-- dpkg-query knows every package it is asked for but two.
stub("dpkg-query", [[shift 2
for package; do
    case $package in
    spin) ;;
    perl) echo "perl deinstall ok config-files" ;;
    *) echo "$package install ok installed" ;;
    esac
done]])
stub("apt-get", "exit ${APT_STATUS:-0}")
stub("scons", "exit 7")

local function run(environment, user, words)
  os.remove(bin .. "/calls")
  stub("id", "echo " .. user)
  local text, status = output(("PATH=%s:$PATH %s ./sconsw %s 2>&1"):format(bin, environment,
    words or "one TWO=2"))
  return text, status, disk.read(bin .. "/calls")
end

tap.test("SWOS_NO_INSTALL=1 names what is missing and stops", function()
  local text, status, calls = run("SWOS_NO_INSTALL=1", 0)
  tap.equal(text, "missing packages: spin perl\n")
  tap.equal(status, 1)
  tap.lacks(calls, "apt-get")
  tap.lacks(calls, "scons -Q")
end)

tap.test("root installs by name, then scons runs", function()
  local _, status, calls = run("", 0)
  tap.matches(calls, "\napt%-get [^\n]*install spin perl\n")
  tap.matches(calls, "\nscons %-Q one TWO=2\n$")
  tap.equal(status, 7, "scons's status")
end)

tap.test("others install with sudo", function()
  stub("sudo", "exec \"$@\"")
  local _, status, calls = run("", 1000)
  tap.matches(calls, "\nsudo apt%-get [^\n]*update\n")
  tap.matches(calls, "\nsudo env [^\n]*install spin perl\n")
  tap.equal(status, 7, "scons's status")
end)

tap.test("what cannot be installed ends it", function()
  local _, status, calls = run("APT_STATUS=3", 0)
  tap.equal(status, 1)
  tap.lacks(calls, "scons -Q")
end)

tap.test("with everything there it is plain scons", function()
  stub("dpkg-query", "shift 2; for package; do echo \"$package install ok installed\"; done")
  local _, status, calls = run("SWOS_NO_INSTALL=1", 0)
  tap.lacks(calls, "apt-get")
  tap.matches(calls, "\nscons %-Q one TWO=2\n$")
  tap.equal(status, 7)
end)

tap.test("what only tests need is for those who test", function()
  for words, wanted in pairs { ["run-qemu SMP=2"] = false, [""] = false, build = false, test = true,
    ["SMP=2 net_test"] = true, ["bench-linux"] = true, chaos = true, soak = true } do
    local _, _, calls = run("", 0, words)
    tap.contains(calls, " qemu-system-arm ", words)
    tap.equal(calls:find(" nginx ", 1, true) ~= nil, wanted, "'" .. words .. "'")
  end
end)

tap.done()
