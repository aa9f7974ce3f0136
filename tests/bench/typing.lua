-- What typing at the shell takes: from Enter to the prompt, and a key's echo. Rows as measure.lua has them;
-- counted is all that the machine does, the kernel and the console's driver too, and timed is from the
-- host's end of the serial line.

local Guest = require("guest")
local uv = require("luv")

local M = {}

local ROUNDS, KEYS = 20, 20

local function enter(line)
  return function(guest)
    guest.position = #guest.text + 1
    guest:send(line .. "\r")
    guest:prompt()
  end
end

local function key(bytes, echo)
  return function(guest)
    guest.position = #guest.text + 1
    guest:send(bytes)
    guest:expect(echo)
  end
end

-- As many as the line has room for, and Ctrl-U.
local function keys(echo)
  return function(guest)
    for _ = 1, KEYS do key("x", "x")(guest) end
    guest.position = #guest.text + 1
    guest:send("\21")
    guest:expect(echo)
  end
end

local function complete(guest)
  key("cat /bin/swos-co\t", "unters ")(guest)
  key("\21", "\27[J")(guest)
end

-- In this order: keys stay in the line until the next one that ends it.
local ROWS = {
  { "enter-empty", enter("") },
  { "enter-builtin", enter(":") },
  { "enter-program", enter("/bin/sleep 0") },
  { "key-echo", keys("\27[J"), count = KEYS },
  { "key-tab", complete },
  { "plain-enter-builtin", enter(":"), dumb = true },
  { "plain-key-echo", keys("\b \b"), count = KEYS, dumb = true },
}

-- Nanoseconds the CPU was busy so far, which are instructions.
local function busy(guest)
  guest.position = #guest.text + 1
  guest:send("\5\21= swos.sys.system_info().cpu_busy_ns[1]\r")
  local count = guest:expect_pattern("\n(%d+)\r?\n")
  guest:prompt()
  return tonumber(count)
end

-- Boots and calls each(guest, row) for the rows.
local function for_each_row(start, each)
  start.cpus, start.disks = 1, { { "build/test.img" } }
  local guest <close> = Guest.start(start)
  guest:login("root", "swordfish", 300)
  guest:settled() -- services go on starting behind the first prompt
  local is_dumb = false
  for _, row in ipairs(ROWS) do
    if row.dumb and not is_dumb then
      enter("\5\21TERM=dumb")(guest)
      is_dumb = true
    end
    row[2](guest) -- what is loaded at its first use
    each(guest, row)
  end
end

--- Guest instructions by row. A nanosecond of emulated time is an instruction.
function M.instructions()
  local counts = {}
  for_each_row({ machine = "virt,dtb-randomness=off", append = "swos.seed=1",
    more = { "-icount", "shift=0" } }, function(guest, row)
    busy(guest)
    local first = busy(guest)
    local between = busy(guest) - first -- of asking
    first = busy(guest)
    for _ = 1, ROUNDS do row[2](guest) end
    counts[row[1]] = (busy(guest) - first - between) // (ROUNDS * (row.count or 1))
  end)
  return counts
end

--- Wall time by row: { count, rounds = list of ns, ns = of the best round }.
function M.times()
  local rows = {}
  for_each_row({}, function(guest, row)
    local result = { count = row.count or 1, amount = 0, rounds = {} }
    for i = 1, ROUNDS do
      local before = uv.hrtime()
      row[2](guest)
      result.rounds[i] = uv.hrtime() - before
    end
    result.ns = math.min(table.unpack(result.rounds))
    rows[row[1]] = result
  end)
  return rows
end

return M
