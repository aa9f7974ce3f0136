-- What the system says in its logs: one view of all of them with numbers, levels and sources; what is
-- gone is told; who writes too much loses its own lines only; who may not read does not.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2, append = "swos.loglevel=info,smp=error,init=error swos.nonsense",
  allow = { "BEGIN CRASH" } })
guest:login("root", "swordfish")

local function script(name, text)
  guest:must(("echo '%s' >/tmp/services/%s.lua"):format(text, name))
end

guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
script("talks", 'return { program = "/bin/lua", arguments = { "-e", "for i = 1, 1e9 do print([[talk]], i)'
  .. ' require([[swos]]).sleep(0.2) end" } }')
script("floods", 'return { program = "/bin/lua", arguments = { "-e", "local i = 0 while true do i = i + 1'
  .. ' io.write(i, [[ ]], (tostring(i % 10)):rep(60), string.char(10)) end" }, log = "4K" }')
script("kernel", 'return { program = "/bin/lua" }')
tap.test("the log of the kernel is nobody else's", function()
  tap.contains(guest:must("svc reload", 0, 60), "kernel cannot be a service's name")
end)

-- Lines as { number, ms, level, source, text }; a gap has { number, gone = count, source }.
local function records(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do
    local number, ms, level, source, words = line:match("^(%d+) %[(%d+)%] %[([DIWEP])%] ([^:]*): (.*)$")
    if number then
      list[#list + 1] = { number = tonumber(number), ms = tonumber(ms), level = level, source = source,
        text = words }
    else
      local gap, count, name = line:match("^(%d+) %-%- (%d+) lines of (%S+) are gone: "
        .. "its log keeps %d+ KiB %-%-$")
      tap.check(gap, "not a line of a log: %q", line)
      list[#list + 1] = { number = tonumber(gap), gone = tonumber(count), source = name }
    end
  end
  return list
end

local function of(list, source)
  local found = {}
  for _, record in ipairs(list) do
    if record.source == source then found[#found + 1] = record end
  end
  return found
end

tap.test("logtail shows kernel, servers and services in one order, by numbers", function()
  guest:must("svc start talks; svc kill tmpfs")
  local list
  guest:await("lines of talks and tmpfs", function()
    list = records(guest:must("logtail -N 0"))
    return of(list, "talks")[1] and of(list, "tmpfs")[1]
  end)
  for i = 2, #list do tap.check(list[i].number > list[i - 1].number, "number %d", list[i].number) end
  for _, source in ipairs { "kernel", "tmpfs", "talks" } do
    tap.check(#of(list, source) > 0, "nothing of %s", source)
  end
  local talk = of(list, "talks")[1]
  tap.equal(talk.text, "talk\t1")
  tap.equal(talk.level, "I")
  tap.check(list[1].ms < talk.ms, "times")
end)

tap.test("so many lines, from a level on, of a source", function()
  tap.equal(select(2, guest:must("logtail 3"):gsub("[^\n]+", "")), 3)
  local list
  guest:await("five lines of talks", function()
    list = records(guest:must("logtail -N -s talks 5"))
    return #list >= 5
  end)
  tap.equal(#list, 5)
  for i, record in ipairs(list) do
    tap.equal(record.source, "talks")
    if i > 1 then tap.check(record.number > list[i - 1].number) end
  end
  guest:must("svc kill authd crash")
  local worst
  guest:await("lines of the crash", function()
    worst = records(guest:must("logtail -N -l error 0"))
    return #of(worst, "crash") > 3
  end)
  tap.equal(#of(worst, "crash"), #worst)
  tap.equal(select(2, guest:must("logtail"):gsub("[^\n]+", "")), 20)
  for _, wrong in ipairs { "-l loud", "x", "1 2", "-1" } do guest:must("logtail " .. wrong, 2) end
end)

tap.test("logtail -f goes on with what comes", function()
  guest.position = #guest.text + 1
  guest:line("logtail -f -s talks 1")
  local first = tonumber((guest:expect_pattern("talk\t(%d+)\r\n")))
  for number = first + 1, first + 8 do guest:expect(("talk\t%d\r\n"):format(number)) end
  guest:send("\3")
  guest:prompt()
end)

tap.test("a service that floods loses its own lines, and each loss is told", function()
  local before = #of(records(guest:must("logtail -N 0")), "talks")
  guest:must("svc start floods; sleep 3; svc stop floods")
  local list = records(guest:must("logtail -N 0"))
  tap.check(#of(list, "talks") > before + 5, "%d lines of talks, %d before", #of(list, "talks"), before)
  local gaps, numbers = {}, {}
  for _, record in ipairs(of(list, "floods")) do
    if record.gone then gaps[#gaps + 1] = record.gone
    else numbers[#numbers + 1] = tonumber(record.text:match("^%d+")) end
  end
  tap.equal(#gaps, 1)
  tap.check(gaps[1] > 1000, "%d gone", gaps[1])
  -- What is left is the end of what was said: as many as are gone were before. Lines of init about it
  -- are in its log, too.
  local about = gaps[1] - (numbers[1] - 1)
  tap.check(about >= 0 and about <= 3, "%d gone, but the first left is %d", gaps[1], numbers[1])
  for i = 2, #numbers do tap.equal(numbers[i], numbers[i - 1] + 1) end
end)

tap.test("logd killed: numbers go on, no line is lost or doubled", function()
  local before = records(guest:must("logtail -N 0"))
  guest:must("svc kill logd; sleep 2; svc kill logd crash; sleep 2")
  local after, seen = records(guest:must("logtail -N 0")), {}
  for _, record in ipairs(after) do
    tap.check(not seen[record.number], "number %d twice", record.number)
    seen[record.number] = record
  end
  for _, record in ipairs(before) do
    if not record.gone then
      tap.equal(seen[record.number] and seen[record.number].text, record.text, "line " .. record.number)
    end
  end
  local last
  for _, record in ipairs(of(after, "talks")) do
    local number = tonumber(record.text:match("talk\t(%d+)"))
    if number then
      tap.check(not last or number == last + 1, "%s after %s", number, last)
      last = number
    end
  end
end)

tap.test("dmesg -n: from which level on lines are kept, by source", function()
  local boot = guest:must("dmesg")
  tap.lacks(boot, " smp: ", "swos.loglevel")
  tap.lacks(boot, " init: ", "swos.loglevel")
  tap.matches(boot, "%[I%] kernel: swos, ABI")
  local function said() return select(2, guest:must("dmesg"):gsub(" init: ", "")) end
  -- The answer to `svc restart` comes after what init says of it.
  local function check_silent(level)
    local before = said()
    guest:must(("dmesg -n init=%s; svc restart talks"):format(level))
    tap.equal(said(), before, level)
  end
  local function check_talks(level) -- a restart says at [I] that it stops, starts and is ready
    local before = said()
    guest:must(("dmesg -n init=%s; svc restart talks"):format(level))
    tap.check(said() >= before + 3, "init says nothing")
  end
  check_silent("error")
  check_talks("info")
  check_silent("warning")
  check_talks("default")
  for _, wrong in ipairs { "loud", "init=loudest", "=info" } do guest:must("dmesg -n " .. wrong, 2) end
end)

tap.test("dmesg -w shows what comes", function()
  guest.position = #guest.text + 1
  guest:line("(sleep 2; svc restart talks) >/tmp/null & dmesg -w")
  guest:expect("init: talks: ready -> stopping: restarted by principal 1", 20)
  guest:send("\3")
  guest:prompt()
  guest:await("the end of what runs beside", function()
    return select(2, guest:must("ps -o cmd"):gsub("%f[%w]sh%f[%W]", "")) == 1
  end)
end)

tap.test("who writes too much to the kernel log loses lines, and it says who, how many and why", function()
  local own = "lua -e 'local swos = require([[swos]]) for i = 1, 2000 do swos.sys.log_write("
    .. "swos.handle([[log]]), swos.LOG_INFO, [[noisy: ]] .. i) end'"
  guest:must(own)
  local text = guest:must("dmesg")
  local kept = select(2, text:gsub(" noisy: ", ""))
  local gone, name, pid = tap.matches(text, "%[W%] log: (%d+) lines of (%S+) pid (%d+) are gone: "
    .. "more than 256 at once and 50 a second")
  tap.check(gone and name == "lua" and pid, "who: %s", name)
  local all = 0
  for count in text:gmatch("log: (%d+) lines of lua pid " .. pid) do all = all + count end
  tap.equal(kept + all, 2000)
  tap.check(kept >= 256 and kept < 1500, "%d kept", kept)
  tap.matches(text, "%[I%] kernel: swos, ABI") -- not pushed out
end)

tap.test("what a session's program says is signed: nobody speaks for another", function()
  local say = "require([[swos]]).sys.log_write(require([[swos]]).handle([[log]]), 3, [[%s]])"
  guest:must(("lua -e '%s'"):format(say:format("init: authd: ready -> failed: I say so")))
  guest:must(("lua -e '%s'"):format(say:format("lua: as sw_log says it")))
  guest:must(("printf '#!/bin/lua\\n%s\\n' >/tmp/init; chmod 755 /tmp/init; /tmp/init"):format(
    say:format("init: authd: ready -> failed: me, too")))
  local text = guest:must("dmesg")
  tap.matches(text, "%[E%] lua%[%d+%]: init: authd: ready %-> failed: I say so")
  tap.matches(text, "%[E%] init%[%d+%]: authd: ready %-> failed: me, too")
  tap.matches(text, "%[E%] lua%[%d+%]: as sw_log says it")
  tap.lacks(guest:must("svc logs authd"), "ready -> failed")
  guest:must("rm /tmp/init")
end)

tap.test("more than the kernel log keeps between two looks is gathered all the same", function()
  -- Five processes with 250 lines each, more than it keeps. On one CPU, where logd runs as soon as it
  -- is asked to come: with more it is as fast as the host lets its CPU run.
  local one <close> = Guest.start({ cpus = 1 })
  one:login("root", "swordfish")
  one:must("echo 'local swos = require([[swos]]) for i = 1, 250 do swos.sys.log_write("
    .. "swos.handle([[log]]), swos.LOG_INFO, [[many: ]] .. i .. (\" \"):rep(150)) end' >/tmp/many.lua")
  for _ = 1, 5 do one:must("lua /tmp/many.lua") end
  local text = one:must("dmesg")
  tap.matches(text, "^%-%- %d+ lines of the kernel log are gone: more came than it keeps %-%-\n")
  local kept = select(2, text:gsub(" many: ", ""))
  tap.check(kept < 200, "%d", kept)
  tap.equal(one:must("lua -e 'print(require([[swos.protocol]]).log.counts("
    .. "require([[swos.names]]).connect([[log]]), { capacity = 4096 }).late)'"), "0")
  tap.matches(one:must("logtail -s kernel 0"), "^%-%- %d+ lines of kernel are gone: its log keeps 16 KiB")
end)

guest:must("svc stop talks")
guest:must("rm -r /tmp/services; svc reload", 0, 60)
guest:finish(function(g) g:must("logtail 0 | wc; dmesg | wc; logtail -s imgfs") end)

tap.test("who has no log-read bit reads nothing, whatever the command", function()
  guest:line("exit")
  guest:login("user", "swordfish")
  for _, command in ipairs { "dmesg", "dmesg -w", "logtail", "logtail -f", "svc logs imgfs" } do
    local text = guest:must(command, 1)
    tap.contains(text, "capability")
    tap.lacks(text, "[I]")
  end
  -- asked directly: the servers and the kernel refuse
  local ask = "lua -e 'local swos, names, protocol = require([[swos]]), require([[swos.names]]),"
    .. " require([[swos.protocol]]) %s'"
  tap.contains(guest:must(ask:format("print(protocol.log.lines(names.connect([[log]]), { name = [[]],"
    .. " sequence = 0, flags = 0, capacity = 4096 }))")), "nil")
  tap.contains(guest:must(ask:format("print(protocol.system.read_log(names.connect([[system]]),"
    .. " { sequence = 0, capacity = 4096 }))")), "nil")
  tap.contains(guest:must(ask:format("print(swos.sys.log_read(swos.handle([[log]]), 0, 4096, 0))")), "nil")
  tap.contains(guest:must(ask:format("print(swos.sys.log_filter(swos.handle([[log]]), [[init]], 3))")), "nil")
  guest:must("dmesg -n error", 1)
end)

tap.done()
