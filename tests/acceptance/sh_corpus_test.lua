-- The scripts of tests/sh, and 200 made at random, give the same output and status in the guest's shell as in
-- dash on the host.

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

local CORPUS = "build/tests/root/corpus"  -- what is in the test image
local scripts, random = {}, {}
for name in output_of(("cd %s && ls *.sh"):format(CORPUS)):gmatch("[^\n]+") do
  local list = name:find("^random_") and random or scripts
  list[#list + 1] = name
end

-- Output and status of a script in dash. `sh` in it is dash too; it runs in an empty folder, as in the guest.
local function new_folder() return (output_of("mktemp -d"):gsub("\n", "")) end
local folder, programs, top = new_folder(), new_folder(), output_of("pwd"):gsub("\n", "")
os.execute(("ln -s $(command -v dash) %s/sh"):format(programs))
local function expected(name)
  local wanted = differences[name]
  if wanted then return wanted.output, wanted.status end
  local text = output_of(([[cd %s
    env -i HOME=/ T=%s PATH=%s:/usr/bin:/bin dash %s/%s/%s </dev/null 2>/dev/null
    echo "
=== status $?"]]):format(folder, folder, programs, top, CORPUS, name))
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

local function compare(name)
  local result = tap.check(results[name], "the guest did not run %s", name)
  local output, status = expected(name)
  tap.equal(result.output, output, "output of " .. name)
  tap.equal(result.status, status, "status of " .. name)
end
for _, name in ipairs(scripts) do
  tap.test(name, function() compare(name) end)
end
tap.test("scripts made at random", function()
  tap.check(#random > 0, "none are in the image")
  for _, name in ipairs(random) do compare(name) end
end)
tap.test("differences are of scripts that exist, each with its reason", function()
  for name, entry in pairs(differences) do
    disk.read("tests/sh/" .. name)
    tap.check(#(entry.reason or "") > 0, "%s has no reason", name)
  end
  tap.check(#scripts >= 100, "only %d scripts", #scripts)
end)
os.execute(("rm -rf %s %s"):format(folder, programs))
tap.done()
