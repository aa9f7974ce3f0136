-- The scripts of tests/sh give the same output and status in the guest's shell as in dash on the host.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local disk = require("disk")
local Guest = require("guest")

local differences = dofile("tests/sh/differences.lua")

local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("a")
end

if output_of("command -v dash") == "" then
  tap.test("dash is there", function() error("dash is missing: apt-get install dash", 0) end)
  tap.done()
end

local scripts = {}
for name in output_of("cd tests/sh && ls *.sh"):gmatch("[^\n]+") do scripts[#scripts + 1] = name end

-- Output and status of a script in dash. `sh` in it is dash too.
local folder = output_of("mktemp -d"):gsub("\n", "")
local top = output_of("pwd"):gsub("\n", "")
os.execute(("mkdir %s/bin && ln -s $(command -v dash) %s/bin/sh"):format(folder, folder))
local function expected(name)
  local wanted = differences[name]
  if wanted then return wanted.output, wanted.status end
  local text = output_of(("cd /tmp && env -i HOME=/ T=%s PATH=%s/bin:/usr/bin:/bin dash %s/tests/sh/%s "
    .. "</dev/null 2>/dev/null; echo \"\n=== status $?\""):format(folder, folder, top, name))
  local output, status = text:match("^(.*)\n=== status (%d+)\n$")
  return output:gsub(folder:gsub("%p", "%%%0"), "/tmp"), tonumber(status)
end

local results = {}
tap.test("the guest runs the corpus", function()
  local guest <close> = Guest.start({ disks = { { "build/test.img" } } })
  guest:login("root", "swordfish")
  local text = guest:must("sh /corpus/run", 0, 60) .. "\n"
  for name, output, status in text:gmatch("=== ([%w_]+%.sh)\n(.-)\n=== status (%d+)\n") do
    results[name] = { output = output, status = tonumber(status) }
  end
  tap.equal(guest:must("ls /tmp"), "", "what the scripts left in /tmp")
end)

for _, name in ipairs(scripts) do
  tap.test(name, function()
    local result = tap.check(results[name], "the guest did not run it")
    local output, status = expected(name)
    tap.equal(result.output, output, "output")
    tap.equal(result.status, status, "status")
  end)
end
tap.test("differences are of scripts that exist, each with its reason", function()
  for name, entry in pairs(differences) do
    disk.read("tests/sh/" .. name)
    tap.check(#(entry.reason or "") > 0, "%s has no reason", name)
  end
  tap.check(#scripts >= 100, "only %d scripts", #scripts)
end)
os.execute("rm -rf " .. folder)
tap.done()
