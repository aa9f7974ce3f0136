-- trace: what programs ask of the kernel and of servers, in words; of a process that was there before;
-- what is lost is counted; who may not; and that nothing stays of it.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

local function background(line)
  guest.position = #guest.text + 1
  guest:line(line .. " &")
  guest:prompt()
end

tap.test("a program's calls and messages, and its status", function()
  local text, status = guest:run("trace cat /hello.txt")
  tap.equal(status, 0)
  tap.contains(text, "Hello from swift-os.\n")
  tap.matches(text, " +0%.000000 call 0x%x+ file%.open flags=1 mode=0 path=\"hello.txt\" = " ..
    "attributes={id=%d+ size=21 mtime=%d+ mode=420 owner=0 kind=1 links=1} form=1 handles=1\n")
  tap.matches(text, " memory_read memory=0x%x+ offset=0 buffer=0x%x+ length=21 = OK done=21\n")
  tap.matches(text, " pipe_write pipe=0x%x+ deadline=never \"Hello from swift%-os%.\\n\" = OK done=21\n")
  tap.matches(text, " process_exit status=0\nended with status 0$")
end)

tap.test("failures by name, and the status of the program", function()
  local text, status = guest:run("trace cat /nothing-here")
  tap.equal(status, 1)
  tap.matches(text, " call 0x%x+ file%.open [^\n]*path=\"nothing%-here\" = NOT_FOUND\n")
  text, status = guest:run("trace /bin/tests/crash 123450")
  tap.equal(status, 139)
  tap.matches(text, "ended with status 139$")
  text, status = guest:run("trace no-such-program")
  tap.equal(status, 127)
  tap.equal(text, "trace: no-such-program: not found")
end)

tap.test("what it types is read, what it starts is named", function()
  local text = guest:must("echo typed | trace head -n 1")
  tap.matches(text, " pipe_read [^\n]* = \"typed\\n\"\n")
  text = guest:must("trace sh -c '/bin/tests/tiny'", 0)
  tap.matches(text, " process_create job=0x%x+ name=\"/?[%w/]*tiny\" = OK process=0x%x+ pid=%d+\n")
end)

tap.test("both sides of messages: a server that has many threads, and secrets", function()
  local text, status = guest:run("trace /bin/tests/crash_lies server")
  tap.equal(status, 139)
  tap.matches(text, "%[%d%] call 0x%x+ terminal%.set_mode mode=5 drain=2 %.%.%.\n")
  tap.matches(text, "%[%d%] port_wait port=0x%x+ deadline=never %.?%.?%.? ?= " ..
    "MESSAGE from pid %d+ badge=77 terminal%.set_mode mode=5 drain=2\n")
  tap.matches(text, "%[%d%] call 0x%x+ secret request of 41 bytes %.%.%.\n")
  tap.matches(text, " = MESSAGE from pid %d+ badge=77 secret request of 41 bytes\n")
  tap.lacks(text, "nobody")
end)

tap.test("a process that runs already; Ctrl-C ends the trace and not the process", function()
  background("lua -e 'while true do require(\"swos\").sleep(0.2) end'")
  local pid = guest:await("lua in ps", function() -- until it is loaded it is the shell's copy
    return (guest:must("ps -o pid,cmd") .. "\n"):match("(%d+) lua\n")
  end)
  guest:line("trace " .. pid)
  guest:expect_pattern("futex_wait word=0 expected=0 deadline=%+0%.%d+s %.%.%.\r\n" ..
    "[^\n]+ futex_wait %.%.%. = TIMED_OUT", 20)
  guest:send("\3")
  guest:prompt()
  tap.equal(select(2, guest:run("echo")), 0)
  tap.matches(guest:must("ps -o pid,cmd"), "\n *" .. pid .. " lua")
  guest:line("trace " .. pid)
  guest:expect_pattern("TIMED_OUT", 20)
  guest:send("\3")
  guest:prompt()
  guest:must("kill " .. pid)
end)

tap.test("a service: the server's side, decoded", function()
  local pid = tap.matches(guest:must("svc"), "\ntmpfs +ready +(%d+)")
  background("trace " .. pid)
  guest:await("a request and its answer in the trace", function() -- once it has begun
    guest:must("mkdir /tmp/traced; rmdir /tmp/traced")
    local text = guest.text:gsub("\r", "")
    return text:match("MESSAGE from pid %d+ badge=%w+ file%.mkdir mode=%d+ path=\"traced\"\n")
      and text:match("reply_wait {file%.mkdir: OK}")
  end)
  guest:must("kill " .. tap.matches(guest:must("ps -o pid,cmd") .. "\n", "(%d+) trace\n"))
end)

tap.test("records that find no room are counted", function()
  local text = guest:must("trace /bin/tests/trace_flood | wc", 0, 60)
  tap.matches(text, "\n? *%-*")
  local lost = tap.matches(text, "%-%-%- (%d+) records are lost %-%-%-")
  tap.check(tonumber(lost) > 0)
end)

tap.test("who may not", function()
  local text, status = guest:run("lua -e 'require(\"swos\").sys.process_restrict(~16)' /bin/trace " ..
    "cat /hello.txt")
  tap.check(status ~= 0, "traced")
  tap.contains(text, "permission denied (needs capability inspect)")
  tap.lacks(text, "Hello")
  local pid = tap.matches(guest:must("svc"), "\ntmpfs +ready +(%d+)")
  text, status = guest:run("lua -e 'require(\"swos\").sys.process_restrict(~256)' /bin/trace " ..
    pid)
  tap.check(status ~= 0, "traced")
  tap.contains(text, "permission denied (needs capability device)")
  tap.contains(select(1, guest:run("trace 99999")), "no such process")
end)

tap.test("nor a service that may only look: it would see what is typed at a login", function()
  local pid = tap.matches(guest:must("svc"), "\nconsole +ready +(%d+)")
  guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
  guest:must(("echo 'local c = require([[swos.names]]).connect([[system]])" ..
    " print([[opened]], require([[swos.protocol]]).system.process_open(c, { pid = %s }))'" ..
    " >/tmp/spy.lua"):format(pid))
  guest:must([[echo 'return { program = "/bin/lua", arguments = { "/tmp/spy.lua" }, restart = "never",]] ..
    [[ names = { "system", "file/tmp" }, capabilities = { "fs-read", "inspect" } }' >/tmp/services/spy.lua]])
  guest:must("svc reload; svc start spy", 0, 60)
  local log = guest:await("what the service says", function()
    return guest:must("svc logs spy"):match("opened[^\n]*")
  end)
  tap.contains(log, "permission denied")
  guest:must("rm -r /tmp/services /tmp/spy.lua; svc reload", 0, 60)
  tap.contains(guest:must("lua -e 'print(require([[swos.protocol]]).system.service_kill(" ..
    "require([[swos.names]]).connect([[system]]), { name = [[tmpfs]], how = 7 }))'"), "invalid")
end)

guest:finish(function(g) g:must("trace cat /hello.txt; trace ls /bin | wc") end)
tap.done()
