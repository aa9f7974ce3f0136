-- Crash records as operators read them: names for addresses, what threads waited for and served, what
-- was held, the log of that time; records of hostile processes; and who may read them.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

-- Runs a line that ends with a fault, and returns the newest record, whole and as it is shown.
local function crash(line)
  local _, status = guest:run(line)
  tap.equal(status, 139)
  local number = tap.matches(guest:must("crash list"), "\n *(%d+) +%d+%.%d+  ")
  local shown = guest:must("crash show " .. number)
  tap.check(#shown < 65536, "%d bytes", #shown)
  return shown, number
end

tap.test("a record names the functions of the back-trace, and the handles' rights", function()
  local text, number = crash("/bin/tests/crash 123450")
  tap.matches(guest:must("crash"), "^NUMBER +SECONDS +WHAT\n *" .. number ..
    " +%d+%.%d+  crash pid %d+ ended: address not mapped, address 123450")
  tap.matches(text, "^crash pid %d+ ended: address not mapped, address 123450\npc  %x+ lr ")
  tap.matches(text, "\nback%-trace\n  #0  %x+  crash write_there%+0x%x+\n  #1  %x+  crash deeper%+0x%x+\n" ..
    "  #2  %x+  crash main%+0x%x+\n  #3  %x+  crash crt_start%+0x%x+\nprincipal 1 session %d+ ")
  tap.matches(text, "\nprogram %x+ base %x+ at %d+ ms %(crash%)\n")
  tap.matches(text, "\n  %x+ pipe #%x+ WRITE DUPLICATE TRANSFER BIND\n")
  tap.matches(text, "\n  %x+ job #1 DUPLICATE TRANSFER WRITE_LOG\n")
  tap.matches(text, "\nlast log lines\n%[%d+%] %[I%] kernel: swos, ABI")
  tap.matches(guest:must("crash show -r " .. number), "\nback%-trace %x+ %x+ %x+\n")
end)

tap.test("what is served, asked and awaited is told; secrets are not", function()
  local text = crash("/bin/tests/crash_lies server")
  tap.matches(text, "\nthread %x+ crashed\n" ..
    "  serves crash_lies pid %d+, badge 4d: terminal.set_mode mode=5 drain=2\n")
  tap.matches(text, "\n" ..
    "  last received, by its memory, from pid %d+, badge 4d: terminal.set_mode mode=5 drain=2\n")
  tap.matches(text, "\nthread %x+ waits for a reply\n  back%-trace\n    #0  [^\n]+\n    #1  [^\n" ..
    "]+ crash_lies ask_login%+")
  tap.matches(text, "\n  calls crash_lies pid %d+, badge 4d: terminal.set_mode mode=5 drain=2\n")
  tap.matches(text, "\nput off: crash_lies pid %d+, badge 4d, secret request of 41\n")
  tap.lacks(text, "nobody")
  tap.lacks(guest:must("crash show -r 2"), "74656c6c")
end)

tap.test("frames that lie end the back-trace and nothing else", function()
  for which, last in pairs({ circle = "1003", nothing = "1003", kernel = "1003", odd = "1003",
    endless = "1017" }) do
    local text = crash("/bin/tests/crash_lies frames " .. which)
    local trace = tap.matches(text, "\nback%-trace\n(.-)principal ")
    tap.matches(trace, ("%016x  %%?\n$"):format(tonumber(last, 16)), which)
  end
end)

tap.test("a crowd of threads and handles is cut, and said to be", function()
  local text = crash("/bin/tests/crash_lies crowd")
  local _, threads = text:gsub("\nthread %x+ ", "")
  tap.equal(threads, 16)
  tap.matches(text, "\n  and %d+ more\n")
  tap.matches(text, "\nand 25 more threads\n")
  tap.matches(text, "\nlast log lines\n")
end)

tap.test("a service's record has its own last lines, and logd's death loses no record", function()
  guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
  guest:must([[echo 'return { program = "/bin/lua", arguments = { "-e", "print([=[I said this]=]) ]] ..
    [[require([=[swos]=]).sleep(1000)" }, names = { "file/base" }, capabilities = { "fs-read" } }' ]] ..
    [[> /tmp/services/talker.lua; chmod 644 /tmp/services/talker.lua]])
  guest:must("svc reload; svc start talker")
  guest:await("its line", function() return guest:must("svc logs talker"):find("I said this", 1, true) end)
  guest:must("svc kill logd; svc kill talker crash")
  local number = guest:await("its record", function()
    return guest:must("crash"):match("\n *(%d+) +%d+%.%d+  talker pid %d+ ended: [^\n]*bad0")
  end)
  local text = guest:must("crash show " .. number)
  tap.matches(text, "#1  %x+  lua ")
  tap.matches(text, "\nlast lines of its log\n%[%d+%] I said this\n")
  tap.matches(guest:must("crash show 2"), "serves crash_lies", "an older one")
end)

tap.test("records go the oldest first, numbers stay", function()
  for i = 1, 9 do guest:run(("/bin/tests/crash %x"):format(0x5000 + 16 * i)) end
  local _, count = guest:must("crash"):gsub("\n *%d+ +%d+%.%d+  ", "")
  tap.equal(count, 8)
  local _, status = guest:run("crash show 1")
  tap.equal(status, 1)
end)

tap.test("what lies where the last request was is not told", function()
  local text, number = crash("/bin/tests/crash_lies past")
  tap.matches(text, "\n  last call made, by its memory, request of 16\n")
  tap.lacks(guest:must("crash show -r " .. number), "74656c6c")
end)

tap.test("reading needs log-read", function()
  local output, status = guest:run("lua -e 'require(\"swos\").sys.process_restrict(~64)' /bin/crash")
  tap.check(status ~= 0, "it was shown")
  tap.contains(output, "permission denied (needs capability log-read)")
end)

guest:finish(function(g) g:run("/bin/tests/crash 123450") g:must("crash; crash show 20; echo") end)
tap.done()
