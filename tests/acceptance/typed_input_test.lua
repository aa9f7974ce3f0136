-- What is typed and what is printed while the console driver is killed all the time arrives: no byte is
-- lost, none comes twice, also the one that was being taken from the serial port or given to it.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local KILLS = 150
local MOST = 1500 -- seconds the deaths may take: a busy host has been seen to need 300
local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } } })
guest:login("root", "swordfish")

local function script(path, lines)
  for i, line in ipairs(lines) do
    guest:must(("echo '%s' %s%s"):format(line, i == 1 and ">" or ">>", path))
  end
end

-- A kill is refused while the driver is between two lives. The pause lets it live for a while, and take
-- what is typed.
script("/tmp/kill.lua", { "local swos, names = require([[swos]]), require([[swos.names]])",
  "local protocol, deaths = require([[swos.protocol]]), 0", ("while deaths < %d do"):format(KILLS),
  "local system <close> = names.connect([[system]])",
  "if protocol.system.service_kill(system, { name = [[consoled]], how = 0 }) then deaths = deaths + 1 end",
  "swos.sleep(0.04) end", "print(deaths, [[deaths]])" })
script("/tmp/read.lua", { "local wrong, count = {}, 0", "for line in io.lines() do",
  "if line == [[end]] then break end", "count = count + 1",
  "if line ~= ([[%06d]]):format(count):rep(8) then wrong[#wrong + 1] = count .. [[: ]] .. line end end",
  "print(([[%d lines, %d wrong]]):format(count, #wrong),",
  "table.concat(wrong, [[, ]], 1, math.min(3, #wrong)))" })

tap.test(("%d deaths while lines are typed"):format(KILLS), function()
  local start = #guest.text + 1
  guest.position = start
  guest:line("lua /tmp/kill.lua & lua /tmp/read.lua")
  local typed, deadline = 0, guest:elapsed() + MOST * 1000
  while not guest.text:find(KILLS .. "\tdeaths", start, true) do
    tap.check(guest:elapsed() < deadline, "the deaths do not come to an end")
    typed = typed + 1
    guest:line(("%06d"):format(typed):rep(8))
    guest:sleep(0.005)  -- without a pause all of it would wait in QEMU
  end
  guest:line("end")
  guest.position = start
  local count, wrong, which = guest:expect_pattern("(%d+) lines, (%d+) wrong([^\r\n]*)\r?\n", 60)
  guest:prompt()
  tap.equal(wrong, "0", which)
  tap.equal(tonumber(count), typed)
end)

script("/tmp/print.lua", { "local swos, count = require([[swos]]), 0", "repeat", "for i = 1, 20 do",
  "count = count + 1", "print(([[%06d]]):format(count):rep(8)) end", "swos.sleep(0.002)",
  "local deaths <close> = io.open([[/tmp/deaths]])", "until deaths and deaths:seek([[end]]) > 0",
  "print(count, [[printed]])" })

tap.test(("%d deaths while lines are printed"):format(KILLS), function()
  local start = #guest.text + 1
  guest.position = start
  guest:line("lua /tmp/kill.lua >/tmp/deaths & lua /tmp/print.lua")
  local count = tonumber((guest:expect_pattern("(%d+)\tprinted\r?\n", MOST)))
  tap.check(count > 1000, "%d lines", count)
  -- While nobody drives the serial port the kernel's lines go there.
  local text = guest.text:sub(start):gsub("%[%d+%] %[%u%] [^\r\n]*\r\n", "")
  local at = tap.matches(text, "()000001")
  for i = 1, count do
    local line = ("%06d"):format(i):rep(8) .. "\r\n"
    local seen = text:sub(at, at + #line - 1)
    if seen ~= line then error(("line %d of %d: %q"):format(i, count, seen), 0) end
    at = at + #line
  end
  guest:must("rm /tmp/deaths /tmp/print.lua")
end)

guest:finish(function()
  guest:must("svc kill consoled; sleep 0.2")
end)
tap.done()
