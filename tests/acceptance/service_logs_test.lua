-- What services print: kept, followed, told when it is gone; it survives logd, also while a writer
-- waits for it.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2, allow = { "BEGIN CRASH" } })
guest:login("root", "swordfish")

local function script(name, text)
  guest:must(("echo '%s' >/tmp/services/%s.lua"):format(text, name))
end

guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
script("counts", 'return { program = "/bin/lua", arguments = { "-e", "for i = 1, 1e9 do print(i)'
  .. ' require([[swos]]).sleep(0.2) end" }, log = "4K" }')
script("floods", 'return { program = "/bin/lua", arguments = { "-e", "local i = 0 while true do i = i + 1'
  .. ' io.write(i, [[ ]], (tostring(i % 10)):rep(60), string.char(10)) end" }, log = "16K" }')
script("rude", 'return { program = "/bin/lua", arguments = { "-e", "io.write(string.char(27), [[[31m]],'
  .. ' string.char(0), (string.char(7)):rep(3), ([[x]]):rep(2000))" }, oneshot = true }')
script("lines", 'return { program = "/bin/lua", arguments = { "-e", "print([[not yet]])'
  .. ' require([[swos]]).sleep(2) print([[now: ready to go]]) require([[swos]]).sleep(1000)" },'
  .. ' ready = { line = "ready to go" } }')
script("never", 'return { program = "/bin/lua", arguments = { "-e", "require([[swos]]).sleep(1000)" },'
  .. ' ready = { line = "ready" }, start_seconds = 2, restart = "never" }')
guest:must("svc reload", 0, 60)

-- The numbers a log's lines start with.
local function numbers(text)
  local list = {}
  for number in text:gmatch("%[%d+%] (%d+)[^\n]*") do list[#list + 1] = tonumber(number) end
  return list
end

local function consecutive(list)
  for i = 2, #list do tap.equal(list[i], list[i - 1] + 1, "line after " .. list[i - 1]) end
end

tap.test("svc logs shows what was printed, with times", function()
  guest:must("svc start counts")
  local list = guest:await("six lines", function()
    local seen = numbers(guest:must("svc logs counts"))
    return #seen > 5 and seen
  end)
  tap.equal(list[1], 1)
  consecutive(list)
end)

tap.test("svc logs -f goes on with what comes", function()
  guest.position = #guest.text + 1
  guest:line("svc logs -f counts")
  local first = tonumber((guest:expect_pattern("%] (%d+)\r\n")))
  for number = first + 1, first + 15 do guest:expect(("] %d\r\n"):format(number)) end
  guest:send("\3")
  guest:prompt()
end)

tap.test("a full log tells how many lines of whom are gone, and why", function()
  guest:must("svc start floods")
  local text = guest:await("more lines than its log holds", function()
    local seen = guest:must("svc logs floods | head -n 40")
    return seen:find("^%-%- %d+ lines of floods are gone: its log keeps 16 KiB %-%-\n") and seen
  end)
  consecutive(numbers((text:gsub("^[^\n]*\n", ""))))
  tap.equal(guest:must("echo still here"), "still here")
end)

tap.test("control characters do not reach the reader's terminal; long lines come in pieces", function()
  guest:must("svc start rude")
  local text = guest:await("its line", function()
    local seen = guest:must("svc logs rude")
    return seen:find("xxx", 1, true) and seen
  end)
  tap.lacks(text, "\27")
  tap.matches(text, "%] %?%[31m%?%?%?%?x+")
end)

tap.test("logd killed: logs are there, writers that waited for it go on, no line is lost", function()
  guest:must("svc stop floods")
  local before = numbers(guest:must("svc logs counts"))
  for _, how in ipairs { "", "crash", "" } do
    guest:must("svc kill logd " .. how)
    guest:sleep(1.5) -- lines come while it is away and when it is back
  end
  local after = guest:await("five lines more", function()
    local seen = numbers(guest:must("svc logs counts"))
    return seen[#seen] > before[#before] + 5 and seen
  end)
  consecutive(after)
  guest:must("svc start floods")
  guest:sleep(1)
  guest:must("svc kill logd freeze; sleep 1; svc kill logd; sleep 1")
  local flood = guest:must("svc logs floods | head -n 30")
  consecutive(numbers((flood:gsub("^[^\n]*\n", ""))))
  tap.matches(guest:must("svc list"), "floods +ready +%d+ +0")
  guest:must("svc stop floods")
end)

tap.test("a follower goes on after logd's death", function()
  guest.position = #guest.text + 1
  guest:line("(sleep 1; svc kill logd) & svc logs -f counts")
  local first = tonumber((guest:expect_pattern("%] (%d+)\r\n")))
  for number = first + 1, first + 30 do guest:expect(("] %d\r\n"):format(number)) end
  guest:send("\3")
  guest:prompt()
end)

tap.test("a line it prints makes a service ready", function()
  guest.position = #guest.text + 1
  local before = guest:elapsed()
  tap.matches(guest:must("svc start lines", 0, 60), "lines: ready")
  tap.check(guest:elapsed() - before > 1500, "after %d ms", guest:elapsed() - before)
  tap.matches(guest:must("svc why lines"), "starting %-> ready: it printed the line that says so")
  guest:must("svc restart lines", 0, 60)
  tap.matches(guest:must("svc start never", 1, 60), "never: failed")
  tap.contains(guest:must("svc why never"), "it does not become ready")
end)

-- logd has 32 places for those who wait, and hears nothing of one that stops waiting.
tap.test("followers who have gone are not in the way of others", function()
  local followers = "for i in $(seq 20); do timeout 2 svc logs -f never 2>&1 & done; wait"
  tap.lacks(guest:must(("for batch in 1 2; do %s; done | sort -u"):format(followers), 0, 120), "in use")
end)

tap.test("lines of the kernel log are in the log of the service they belong to", function()
  guest:must("svc kill tmpfs")
  guest:await("the word of the one that is back", function()
    return guest:must("svc logs tmpfs"):find("%[%d+%] %[I%] tmpfs: back with ")
  end)
  guest:must("svc kill authd crash")
  guest:await("the kernel's word", function()
    return guest:must("svc logs authd"):find("%] %[E%] crash: authd pid %d+ ended: address not mapped")
  end)
  tap.lacks(guest:must("svc logs tmpfs"), "authd")
end)

tap.test("a service without a log, and no such service", function()
  tap.contains(guest:must("svc logs nobody", 1), "nobody: no log")
  tap.contains(guest:must("svc logs console", 1), "console: no log")
end)

guest:must("svc stop counts; svc stop lines; rm -r /tmp/services; svc reload", 0, 60)
guest:finish(function(g) g:must("svc logs blkd; svc kill logd; sleep 1; svc logs blkd") end)
tap.done()
