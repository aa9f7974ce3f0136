-- System calls by grammar, 4 processes on 4 CPUs: every call succeeds often, every documented
-- error is seen, nothing panics, hangs or leaks. SWOS_FUZZ_SEED and SWOS_FUZZ_STEPS choose a run.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local SEED = tonumber(os.getenv("SWOS_FUZZ_SEED") or "1")
local STEPS = tonumber(os.getenv("SWOS_FUZZ_STEPS") or "400000")
local SUCCESSES, FAILURES = 1000, 10

-- What no run of an ordinary session can reach, each with its reason.
local UNREACHABLE = {
  -- these need an authority or a device, which sessions never hold
  job_create_session = "authority", memory_mint = "authority", log_read = "authority",
  time_set = "authority", power = "authority", entropy_add = "authority",
  early_write = "authority", early_read = "authority", crash_read = "authority",
  log_write = "authority",
  device_info = "device", device_claim = "device", device_release = "device",
  device_read = "device", device_write = "device", device_ack = "device", device_pin = "device",
  device_unpin = "device", device_reset = "device",
}
-- Of these even the first handle cannot be had, so its further errors are not seen either.
local DECODING = { BAD_HANDLE = true, WRONG_TYPE = true, ACCESS = true, INVALID = true }

local guest = Guest.start({ cpus = 4, disks = { { "build/test.img" } },
  allow = { "BEGIN CRASH" } })
guest:login("root", "swordfish")

local output = ""
tap.test(("seed %d, %d steps a worker: ends"):format(SEED, STEPS), function()
  output = guest:must(("/bin/tests/syscall_fuzz %d %d"):format(SEED, STEPS), 0, 1200)
  tap.note("%s", tap.matches(output, "(fuzz done[^\n]*)"))
end)

local rows = {}
for kind, call, status, count in output:gmatch("(%w+) ([%w_]+) ([%u_]+) (%d+)") do
  rows[#rows + 1] = { kind = kind, call = call, status = status, count = tonumber(count) }
end

tap.test("every call succeeded at least 1,000 times", function()
  local rare = {}
  for _, row in ipairs(rows) do
    if row.status == "OK" and row.count < SUCCESSES and not UNREACHABLE[row.call] then
      rare[#rare + 1] = ("%s %d"):format(row.call, row.count)
    end
  end
  tap.check(#rows > 0, "no counts")
  tap.check(#rare == 0, "too rare: %s", table.concat(rare, ", "))
end)

tap.test("every documented error came at least 10 times", function()
  local rare = {}
  for _, row in ipairs(rows) do
    if row.kind == "call" and row.status ~= "OK" and row.count < FAILURES and
      not (UNREACHABLE[row.call] and not DECODING[row.status]) then
      rare[#rare + 1] = ("%s %s %d"):format(row.call, row.status, row.count)
    end
  end
  tap.check(#rare == 0, "too rare: %s", table.concat(rare, ", "))
end)

tap.test("no call returned what is not documented", function()
  local other = {}
  for _, row in ipairs(rows) do
    if row.kind == "other" then
      other[#other + 1] = ("%s %s %d"):format(row.call, row.status, row.count)
    end
  end
  tap.check(#other == 0, "undocumented: %s", table.concat(other, ", "))
end)

guest:finish(function()
  guest:must(("/bin/tests/syscall_fuzz %d 5000 >/tmp/f; rm /tmp/f"):format(SEED + 1), 0, 300)
end)
tap.done()
