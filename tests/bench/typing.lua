-- What typing at the shell costs, in guest instructions: lua5.4 tests/bench/typing.lua. All that the machine
-- does is counted, the kernel and the console's driver too.
package.path = "tests/lib/?.lua;" .. package.path
local Guest = require("guest")

local ROUNDS = 20

-- A nanosecond of emulated time is an instruction.
local guest <close> = Guest.start({ cpus = 1, machine = "virt,dtb-randomness=off",
  disks = { { "build/test.img" } }, append = "swos.seed=1", more = { "-icount", "shift=0" } })
guest:login("root", "swordfish", 300)

local function enter(line)
  guest.position = #guest.text + 1
  guest:send(line .. "\r")
  guest:prompt()
end

-- Nanoseconds the CPU was busy so far.
local function busy()
  guest.position = #guest.text + 1
  guest:send("\5\21= swos.sys.system_info().cpu_busy_ns[1]\r")
  local count = guest:expect_pattern("\n(%d+)\r?\n")
  guest:prompt()
  return tonumber(count)
end

local function measure(name, body)
  body()
  busy()
  local first = busy()
  local between = busy() - first -- of asking
  first = busy()
  for _ = 1, ROUNDS do body() end
  print(("%-52s %9d"):format(name, (busy() - first - between) // ROUNDS))
end

local function typed(bytes, echo)
  return function()
    guest.position = #guest.text + 1
    guest:send(bytes)
    guest:expect(echo)
  end
end

-- Lines typed in one piece.
local function lines(kind)
  for _, line in ipairs({ "", ":", "true", "sleep 0" }) do
    measure(("%s: %q, Enter to prompt"):format(kind, line), function() enter(line) end)
  end
end

lines("editor")
measure("editor: a letter at the end", typed("x", "x"))
measure("editor: a letter before others, and Left", typed("y\27[D", "y"))
measure("editor: Tab, a file of /bin, and Ctrl-U", function()
  typed("cat /bin/swos-co\t", "unters ")()
  typed("\21", "\27[J")()
end)
enter("\5\21TERM=dumb")
lines("plain")
measure("plain: a letter", typed("x", "x"))
