-- Where a row's instructions go: by program and function, with the calls of each.
--
--   lua5.4 tests/bench/profile.lua ROW [FUNCTIONS]     at most so many functions of a program (20)
--
-- Counted by plugin/hot.c in the bench's deterministic guest, one repetition, the second of two rounds where
-- the row has more than one. A call is a block that begins where a function does: loops back there count too.

package.path = "tests/bench/?.lua;tests/lib/?.lua;" .. package.path
local disk = require("disk")
local measure = require("measure")

local row = arg[1] or error("usage: profile.lua ROW [FUNCTIONS]")
local most = tonumber(arg[2] or 20)

local APART = 1 << 21 -- bytes between two programs at least
local KERNEL = "build/kernel.elf"
local LEAST = 0.001   -- of all instructions: what a program has more of is shown

local function programs()
  local list = { KERNEL }
  local pipe <close> = assert(io.popen("ls build/user/debug/*"))
  for path in pipe:lines() do list[#list + 1] = path end
  return list
end

-- An ELF file: its code segments, and its functions in order of addresses.
local function read(path)
  local bytes, program = disk.read(path), { path = path, segments = {}, at = {}, names = {} }
  local table_at, entry_size, count = ("<I8"):unpack(bytes, 33), ("<I2I2"):unpack(bytes, 55)
  for index = 0, count - 1 do
    local at = table_at + index * entry_size + 1
    local kind, flags, offset, address, _, size = ("<I4I4I8I8I8I8"):unpack(bytes, at)
    if kind == 1 and flags & 1 ~= 0 then
      table.insert(program.segments, { address = address, bytes = bytes:sub(offset + 1, offset + size) })
    end
  end
  local pipe <close> = assert(io.popen("aarch64-linux-gnu-nm -n " .. path))
  for line in pipe:lines() do
    local address, name = line:match("^(%x+) [tTwW] ([^$]%S*)$")
    if address then
      table.insert(program.at, math.tointeger(tonumber(address, 16)))
      table.insert(program.names, name)
    end
  end
  return program
end

-- Votes for the distance between where a program is and where it is linked, by blocks found in its code.
local function vote(program, cluster)
  local votes, best = {}, 0
  for i, block in ipairs(cluster) do
    if i > 60 then break end
    for _, segment in ipairs(program.segments) do
      local at = segment.bytes:find(block.words, 1, true)
      while at do
        local base = block.address - (segment.address + at - 1)
        if base & 0xfff == 0 then
          votes[base] = (votes[base] or 0) + 1
          if votes[base] > (votes[best] or 0) then best = base end
        end
        at = segment.bytes:find(block.words, at + 1, true)
      end
    end
  end
  return best, votes[best] or 0
end

local function function_of(program, address)
  local low, high = 0, #program.at
  while low < high do
    local middle = (low + high + 1) // 2
    if program.at[middle] <= address then low = middle else high = middle - 1 end
  end
  return program.names[low] or "?", program.at[low] == address
end

local blocks, total = {}, 0
for address, count, runs, words in measure.blocks(row):gmatch("block (%x+) (%d+) (%d+) (%x+)\n") do
  local block = { address = tonumber(address, 16), count = tonumber(count), runs = tonumber(runs) }
  block.words = words:gsub("%x%x%x%x%x%x%x%x", function(word) return ("<I4"):pack(tonumber(word, 16)) end)
  blocks[#blocks + 1] = block
  total = total + block.count * block.runs
end
table.sort(blocks, function(a, b) return math.ult(a.address, b.address) end)
local clusters = {}
for _, block in ipairs(blocks) do
  local cluster = clusters[#clusters]
  if not cluster or math.ult(APART, block.address - cluster[#cluster].address) then
    cluster = { all = 0 }
    clusters[#clusters + 1] = cluster
  end
  table.insert(cluster, block)
  cluster.all = cluster.all + block.count * block.runs
end
table.sort(clusters, function(a, b) return a.all > b.all end)

local known = {}
for _, path in ipairs(programs()) do known[#known + 1] = read(path) end
print(("%s: %d instructions"):format(row, total))
for _, cluster in ipairs(clusters) do
  if cluster.all < LEAST * total then break end
  local program, base, votes
  for _, candidate in ipairs(known) do
    local at, count = vote(candidate, cluster)
    if not votes or count > votes then program, base, votes = candidate, at, count end
  end
  local found, order = {}, {}
  for _, block in ipairs(cluster) do
    local name, begins = function_of(program, block.address - base)
    if not found[name] then
      found[name] = { name = name, all = 0, calls = 0 }
      order[#order + 1] = found[name]
    end
    found[name].all = found[name].all + block.count * block.runs
    if begins then found[name].calls = found[name].calls + block.runs end
  end
  table.sort(order, function(a, b) return a.all > b.all end)
  print(("%5.1f%% %11d  %s"):format(100 * cluster.all / total, cluster.all, program.path))
  for i = 1, math.min(most, #order) do
    print(("  %5.1f%% %11d %9d calls  %s"):format(100 * order[i].all / total, order[i].all, order[i].calls,
      order[i].name))
  end
end
