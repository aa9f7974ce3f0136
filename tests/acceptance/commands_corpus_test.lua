-- The command lines of tests/commands print the same and end with the same status here as on the host.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local cases = dofile("tests/commands/cases.lua")

local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("a")
end

-- { output in base64, status } by the number of the case.
local function results_of(text)
  local results = {}
  for number, output, status in (text .. "\n"):gmatch("=== (%d+)\n(.-)=== status (%d+)\n") do
    results[tonumber(number)] = { output = output:gsub("%s", ""), status = tonumber(status) }
  end
  return results
end

local folder = output_of("mktemp -d"):gsub("\n", "")
tap.on_done(function() os.execute("rm -rf " .. folder) end)
assert(os.execute(("lua5.4 tests/commands/script.lua %s/run"):format(folder)))
local expected = results_of(output_of(
  ("cd %s && env -i HOME=/ TZ=UTC PATH=/usr/bin:/bin dash ./run 2>/dev/null"):format(folder)))

local results = {}
tap.test("the guest runs the cases", function()
  local guest <close> = Guest.start({ disks = { { "build/test.img" } } })
  guest:login("root", "swordfish")
  guest:must("mkdir /tmp/corpus; cd /tmp/corpus")
  results = results_of(guest:must("sh /commands/run", 0, 120))
  tap.equal(guest:must("ls -A /tmp/corpus"), "", "what the cases left")
end)

-- What a text in base64 says, for people.
local function readable(text)
  local pipe = assert(io.popen(("echo '%s' | base64 -d | cat -v | head -c 2000"):format(text)))
  local result = pipe:read("a")
  pipe:close()
  return result
end

for i, case in ipairs(cases.list) do
  tap.test(case.command, function()
    local wanted, got = expected[i], results[i]
    tap.check(wanted and got, "was not run %s", wanted and "in the guest" or "on the host")
    if got.output ~= wanted.output then
      tap.equal(readable(got.output), readable(wanted.output), "output")
      error("the output differs in what cat -v does not show", 0)
    end
    tap.equal(got.status, wanted.status, "status")
  end)
end
tap.done()
