-- Boots for measuring: runs /bin/tests/bench in the guest and reads what it prints.

local Guest = require("guest")

local M = {}

-- A row grown by more than this factor over tests/bench/expect.lua is a failure.
M.ALLOWED = 1.05

-- One CPU, the same instructions at every run: the emulated time is made of instructions, and
-- nothing random comes from outside.
local REPEATABLE = { cpus = 1, machine = "virt,dtb-randomness=off",
  append = "swos.seed=1 swos.pmu=1", more = { "-icount", "shift=0" } }

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

-- name -> { count, amount, ns and instructions: of the best round, median_ns }
local function rows(output)
  local found = {}
  for name, count, ns, instructions, amount in
    output:gmatch("row (%S+) (%d+) (%d+) (%d+) (%d+)") do
    local row = found[name] or { all = {}, instructions = math.huge }
    row.count, row.amount = tonumber(count), tonumber(amount)
    row.all[#row.all + 1] = tonumber(ns)
    row.instructions = math.min(row.instructions, tonumber(instructions))
    found[name] = row
  end
  for _, row in pairs(found) do
    row.median_ns = median(row.all)
    row.ns = row.all[1]
  end
  return found
end

--- Boots and measures: rows by name, milliseconds from power-on to the prompt, free pages at
--- login. `names` is a list of rows, nil for all.
function M.run(start, rounds, names, timeout)
  start.disks = { { "build/test.img" } }
  local guest <close> = Guest.start(start)
  guest:expect("swift-os login: ", 300)
  local prompt = guest:elapsed()
  guest.position = 1
  guest:login("root", "swordfish")
  local free = tonumber(guest:must("swos-counters", 0, 120):match("pages=(%d+)"))
  local output = guest:must(("/bin/tests/bench %d %s"):format(rounds,
    table.concat(names or {}, " ")), 0, timeout or 600)
  return rows(output), prompt, free
end

--- Guest instructions a repetition by row.
function M.instructions(names)
  local counts = {}
  local start = {}
  for key, value in pairs(REPEATABLE) do start[key] = value end
  for name, row in pairs(M.run(start, 1, names, 1800)) do
    counts[name] = row.instructions // row.count
  end
  return counts
end

--- Rows that grew, as lines, and the names of those without an expectation.
function M.compare(counts, expected)
  local grown, missing = {}, {}
  for name, count in pairs(counts) do
    if not expected[name] then
      missing[#missing + 1] = name
    elseif count > expected[name] * M.ALLOWED then
      grown[#grown + 1] = ("%s: %d instructions, %d expected"):format(name, count, expected[name])
    end
  end
  table.sort(grown)
  table.sort(missing)
  return grown, missing
end

--- Times from power-on to the prompt in milliseconds, sorted.
function M.boots(count)
  local list = {}
  for i = 1, count do
    local guest <close> = Guest.start({ cpus = 1 })
    guest:expect("swift-os login: ", 300)
    list[i] = guest:elapsed()
  end
  table.sort(list)
  return list
end

M.median = median

return M
