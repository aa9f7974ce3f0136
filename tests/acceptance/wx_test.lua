-- No process executes what it wrote: tests/guest/wx.c tries, and the shell's ways.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

-- Children are killed by faults on purpose; their crash records are wanted.
local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } },
  allow = { "BEGIN CRASH" } })
guest:login("root", "swordfish")

tap.test("the attempts of tests/guest/wx.c", function()
  local output, status = guest:run("/bin/tests/wx", 120)
  for line in output:gmatch("[^\n]*not ok[^\n]*") do tap.note("%s", line) end
  tap.lacks(output, "not ok")
  local plan = tonumber(tap.matches(output, "\n1%.%.(%d+)"))
  local _, passed = ("\n" .. output):gsub("\nok ", "")
  tap.equal(passed, plan, "checks passed")
  tap.equal(status, 0)
end)

tap.test("a program copied to /tmp does not run", function()
  guest:must("cp /bin/tests/wx /tmp/wx && chmod 755 /tmp/wx")
  local output, status = guest:run("/tmp/wx none")
  tap.check(status ~= 0 and status ~= 1, "it ran: %s", output)
  tap.matches(output, "/tmp/wx")
  guest:must("rm /tmp/wx")
end)

tap.test("binary Lua chunks run only from the image", function()
  guest:must("lua -e 'io.open(\"/tmp/b\", \"wb\"):write(\"\\27Lua\\x54\\0\")'")
  for _, line in ipairs({ "lua /tmp/b", "lua -e 'assert(loadfile(\"/tmp/b\"))'",
    "lua -e 'assert(load(string.dump(function() end)))'",
    "lua -e 'assert(load(\"\\27Lua\", \"x\", \"b\"))'" }) do
    local output, status = guest:run(line)
    tap.check(status ~= 0, "%s: %s", line, output)
  end
  guest:must("rm /tmp/b")
end)

guest:finish(function() guest:run("/bin/tests/wx stack") end)
tap.done()
