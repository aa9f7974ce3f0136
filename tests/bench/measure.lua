-- Boots for measuring: runs /bin/tests/bench in the guest and reads what it prints.

local Guest = require("guest")
local disk = require("disk")
local machine = require("machine")
local network = require("network")

local M = {}

-- A row grown by more than this factor over tests/bench/expect.lua is a failure.
M.ALLOWED = 1.05

local function copy(from, into)
  for key, value in pairs(from) do into[key] = value end
  return into
end

function M.median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2]
end

-- name -> { count, amount, rounds = list of ns, ns = of the best round, instructions = least }
local function rows(output)
  local found = {}
  for name, count, ns, instructions, amount in
    output:gmatch("row (%S+) (%d+) (%d+) (%d+) (%d+)") do
    local row = found[name] or { rounds = {}, ns = math.huge, instructions = math.huge }
    row.count, row.amount = tonumber(count), tonumber(amount)
    row.rounds[#row.rounds + 1] = tonumber(ns)
    row.ns = math.min(row.ns, tonumber(ns))
    row.instructions = math.min(row.instructions, tonumber(instructions))
    found[name] = row
  end
  return found
end

-- Waits until init has read the scripts of services, which it does half a second after the login's start and
-- which takes 24 million instructions: whatever row it fell into had them.
local function at_rest(guest)
  guest:must("svc stop ticker", 0, 120) -- answered once the scripts are read
end

--- Boots, logs in and measures: rows by name, and the pages free at the shell's first prompt.
--- names: a list of rows, nil for all.
function M.run(start, rounds, names, timeout)
  local guest <close> = Guest.start(copy(start, { disks = { { "build/test.img" } } }))
  guest:login("root", "swordfish", 300)
  local free = tonumber(guest:must("swos-counters", 0, 120):match("pages=(%d+)"))
  at_rest(guest)
  local output = guest:must(("/bin/tests/bench %d %s"):format(rounds,
    table.concat(names or {}, " ")), 0, timeout or 600)
  return rows(output), free
end

-- Rows that are asked of the web server, which needs a network.
local HTTP = { ["http-1"] = true, ["http-16"] = true }
M.HTTP = { "http-1", "http-16" }

--- Behind a row's name: its switches of the address space, of one repetition, instead of instructions.
M.SWITCHES = "-switches"

-- Boots with one CPU that counts instructions as time, and nothing random from outside: a guest that repeats.
-- names: rows; those of HTTP want a network and its server.
local function counting(names, append, more)
  more = table.move(more or {}, 1, #(more or {}), 3, { "-icount", "shift=0" })
  local is_http = names and HTTP[names[1]]
  if is_http then table.move(network.card(), 1, 4, #more + 1, more) end
  local guest = Guest.start({ cpus = 1, machine = "virt,dtb-randomness=off",
    disks = { { "build/test.img" } }, append = append, more = more })
  guest:login("root", "swordfish", 300)
  if is_http then
    network.await_address(guest)
    network.background(guest, "httpd", "httpd -r /bench", "listening on 8080")
  end
  at_rest(guest)
  return guest
end

--- Guest instructions a repetition by row. One CPU, the same instructions at every run: emulated
--- time is made of instructions, and nothing random comes from outside.
function M.instructions(names)
  local guest <close> = counting(names, "swos.seed=1 swos.pmu=1")
  local counts = {}
  local output = guest:must("/bin/tests/bench 1 " .. table.concat(names or {}, " "), 0, 1800)
  for name, row in pairs(rows(output)) do counts[name] = row.instructions // row.count end
  return counts
end

-- Boots with a plugin of the emulator and runs the bench: what the bench and the plugin say.
local function plugged(name, names, rounds)
  local log <close> = disk.temporary(disk.write(""))
  local guest <close> = counting(names, "swos.seed=1",
    { "-plugin", "build/host/plugin/" .. name .. ".so", "-d", "plugin", "-D", log.path })
  local output = guest:must(("/bin/tests/bench %d single %s"):format(rounds, table.concat(names, " ")),
    0, 1800)
  return output, disk.read(log.path)
end

--- What plugin/hot.c says of the last round of a row.
function M.blocks(name)
  local _, said = plugged("hot", { name }, 2)
  local last
  for text in said:gmatch("(.-)\nblocks\n") do last = text end
  return assert(last, "the plugin saw no round of " .. name) .. "\n"
end

--- What one repetition touches, by row: { code, data (pages), switches (of the address space) }.
--- The second of two rounds, as the first also touches what is touched only once.
function M.pages(names)
  local output, said = plugged("pages", names, 2)
  local found, order = {}, {}
  for name in output:gmatch("row (%S+)") do order[#order + 1] = name end
  local count = 0
  for code, data, switches in said:gmatch("pages (%d+) (%d+) (%d+)\n") do
    count = count + 1
    found[order[count]] = { code = tonumber(code), data = tonumber(data),
      switches = tonumber(switches) }
  end
  assert(count == #order, "the plugin and the bench do not agree on what was measured")
  return found
end

--- Rows that grew, as lines, and the names of those without an expectation.
function M.compare(counts, expected)
  local grown, missing = {}, {}
  for name, count in pairs(counts) do
    if not expected[name] then
      missing[#missing + 1] = name
    elseif count > expected[name] * M.ALLOWED then
      grown[#grown + 1] = ("%s: %d%s, %d expected"):format(name, count,
        name:sub(-#M.SWITCHES) == M.SWITCHES and "" or " instructions", expected[name])
    end
  end
  table.sort(grown)
  table.sort(missing)
  return grown, missing
end

--- Times from power-on to the prompt, in milliseconds.
function M.boots(count)
  local list = {}
  for i = 1, count do
    local guest <close> = Guest.start({ cpus = 1 })
    guest:expect("swift-os login: ", 300)
    list[i] = guest:elapsed()
  end
  return list
end

--- The least RAM in MiB, from `low` on, with which the prompt comes.
function M.least_memory(low)
  for memory = low, 64 do
    local guest <close> = Guest.start({ cpus = 1, memory = memory .. "M", allow = { "panic" } })
    if pcall(guest.expect, guest, "swift-os login: ", 10) then return memory end
  end
end

--- The disk through its driver, in a machine whose boot bundle has the measuring program in it.
function M.disk()
  local kernel <close> = disk.temporary(machine.with_bundle("build/kernel.img",
    "build/bench.bundle"))
  local guest <close> = Guest.start({ cpus = 1, kernel = kernel.path,
    disks = { { "build/test.img" } } })
  guest:expect("bench done: OK", 120)
  return rows(guest.text)
end

return M
