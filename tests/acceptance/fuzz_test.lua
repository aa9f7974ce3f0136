-- System calls by grammar (tests/fuzz): as the first process of a machine of its own, with all
-- authorities and devices, on 4 CPUs and little memory; then in a session. Every call succeeds
-- often, every documented error is seen, no other one comes; nothing panics, hangs or leaks.
--
-- SWOS_FUZZ_SEED and SWOS_FUZZ_STEPS (of each of 4 workers) choose a run; failures name them.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local machine = require("machine")

local SEED = tonumber(os.getenv("SWOS_FUZZ_SEED") or "1")
local STEPS = tonumber(os.getenv("SWOS_FUZZ_STEPS") or "240000")
local SUCCESSES, FAILURES = 1000, 10

-- What is documented and no run can reach, each with its reason.
local RARE = { ["power OK"] = "ends the machine" }

local output = ""
tap.test(("a machine of its own, seed %d, %d steps a worker"):format(SEED, STEPS), function()
  local kernel = machine.with_bundle("build/kernel.img", "build/fuzz.bundle")
  local guest <close> = Guest.start({ kernel = kernel, cpus = 4, memory = "48M", disks = {},
    append = ("init.seed=%d init.steps=%d"):format(SEED, STEPS), allow = { "BEGIN CRASH" } })
  guest:expect("fuzz done", 60) -- the short round before
  guest:send(("x"):rep(100000), 0) -- for early_read
  guest:expect("fuzz done", 900)
  guest:expect_pattern("fuzz ends: (%a+)\r?\n", 60)
  output = guest.text
  guest:expect_end(60)
  tap.note("%s", output:match(".*(fuzz done[^\r\n]*)"))
  tap.contains(output, "fuzz ends: clean", output:match("fuzz leak[^\r\n]*") or "the end")
end)

local rows = {}
for kind, call, status, count in output:gmatch("\n(%l+) ([%l_]+) ([%u_]+) (%d+)\r?") do
  rows[#rows + 1] = { kind = kind, name = call .. " " .. status, success = status == "OK",
    status = status, count = tonumber(count) }
end

local function too_few(success, limit)
  local list = {}
  for _, row in ipairs(rows) do
    if row.kind == "call" and row.success == success and row.count < limit and not RARE[row.name]
    then
      list[#list + 1] = ("%s %d"):format(row.name, row.count)
    end
  end
  return list
end

tap.test("every call succeeded at least 1,000 times", function()
  tap.check(#rows > 300, "only %d counts", #rows)
  local list = too_few(true, SUCCESSES)
  tap.check(#list == 0, "too rare: %s", table.concat(list, ", "))
end)

tap.test("every documented error came at least 10 times", function()
  local list = too_few(false, FAILURES)
  tap.check(#list == 0, "too rare: %s", table.concat(list, ", "))
end)

tap.test("no call returned what is not documented", function()
  local list = {}
  for _, row in ipairs(rows) do
    if row.kind == "other" then
      list[#list + 1] = ("%s %d"):format(row.name, row.count)
    end
  end
  tap.check(#list == 0, "undocumented: %s", table.concat(list, ", "))
end)

tap.test("in a session, beside the servers", function()
  local guest <close> = Guest.start({ cpus = 4, disks = { { "build/test.img" } },
    allow = { "BEGIN CRASH" } })
  guest:login("root", "swordfish")
  guest:leak_check(function()
    local text = guest:must(("/bin/tests/syscall_fuzz %d %d | wc"):format(SEED, 20000), 0,
      300)
    tap.check(text, "nothing was printed")
  end, 2, 1)
end)

tap.done()
