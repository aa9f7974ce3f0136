-- virtio-rng: rngd feeds the kernel's generator at its start and when much was drawn, and never just
-- because time goes by. The host's end is a FIFO, so the test sees each byte that was asked for.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")

local FEED = 64 -- bytes rngd feeds at once

local path = os.tmpname()
os.remove(path)
assert(os.execute("mkfifo " .. path))
tap.on_done(function() os.remove(path) end)
-- For reading, too: opening waits for nobody, and what QEMU did not take can be taken back.
local fifo = assert(uv.fs_open(path, "r+", 384))

local function give(count)
  tap.equal(uv.fs_write(fifo, ("\xa5"):rep(count)), count, "bytes into the FIFO")
end

-- How many of the bytes given are still there; takes them back. Only while nobody asks for any.
local function left()
  give(1) -- reading an empty one would wait
  return #uv.fs_read(fifo, 65536) - 1
end

-- Without a seed from the firmware the kernel says so, and rngd mends it.
local guest = Guest.start({ cpus = 2, machine = "virt,dtb-randomness=off", allow = { "BEGIN CRASH" },
  more = { "-object", "rng-random,id=rng0,filename=" .. path, "-device", "virtio-rng-device,rng=rng0" } })

local function service()
  local state, restarts = guest:must("svc list"):match("rngd +(%S+) +%S+ +(%d+)")
  return state, tonumber(restarts)
end

local function await(what, ready)
  for _ = 1, 80 do
    if ready() then return end
    guest:sleep(0.25)
  end
  error("not within 20 s: " .. what, 0)
end

local function await_ready()
  await("rngd ready", function() return (service()) == "ready" end)
end

local DRAW = "lua -e 'local random = require(\"swos\").sys.random for _ = 1, %d do random(4096) end'"

tap.test("a weak seed stays weak until rngd has all the bytes it wants", function()
  give(FEED - 1)
  guest:login("root", "swordfish")
  await("rngd runs", function() return (service()) == "starting" end)
  guest:sleep(1) -- for it to feed what it has, which it should not
  local log = guest:must("dmesg")
  tap.contains(log, "weak seed")
  tap.lacks(log, "random: seeded")
  give(1)
  await_ready()
  tap.contains(guest:must("dmesg"), "random: seeded by rngd")
end)

tap.test("lsdev says who drives it", function()
  tap.matches(guest:must("lsdev"), "virtio%-rng%.0 +%S+ +1 +claimed +rngd %(%d+%)")
end)

tap.test("nothing is asked for while nothing is drawn", function()
  give(FEED)
  guest:sleep(3) -- for something to ask
  tap.equal(left(), FEED, "bytes left")
end)

tap.test("little drawn: nothing; 1 MiB drawn: one feed", function()
  give(10 * FEED)
  guest:must(DRAW:format(100))
  guest:sleep(1) -- for a feed that should not come
  tap.equal(left(), 10 * FEED, "bytes left after 400 KiB")
  give(10 * FEED)
  guest:must(DRAW:format(200))
  guest:sleep(3) -- for the feed, and for a second one that should not come
  tap.equal(left(), 9 * FEED, "bytes left after 1.2 MiB")
end)

tap.test("killed and crashed, it comes back and feeds", function()
  for _, how in ipairs({ "", " crash" }) do
    local _, before = service()
    guest:must("svc kill rngd" .. how)
    give(FEED)
    await("a successor", function()
      local state, restarts = service()
      return state == "ready" and restarts > before
    end)
    tap.equal(left(), 0, "bytes left")
  end
end)

tap.test("feeding needs the authority", function()
  tap.equal(guest:must("lua -e 'local swos = require(\"swos\") "
    .. "print((select(3, swos.sys.entropy_add(swos.handle(\"job\"), (\"x\"):rep(64)))))'"), "ACCESS")
end)

tap.test("no pages, handles or objects are lost", function()
  guest:sleep(31) -- what lived for half a minute is started again at once
  guest:leak_check(function()
    local _, before = service()
    guest:must("svc kill rngd")
    give(FEED)
    await("a successor", function()
      local state, restarts = service()
      return state == "ready" and restarts > before
    end)
  end, 2, 1)
end)
guest:close()

tap.test("without a device there is no rngd", function()
  local other <close> = Guest.start({})
  other:login("root", "swordfish")
  local list = other:must("svc list")
  tap.lacks(list, "rngd")
  tap.lacks(list, "inputd")
  tap.lacks(other:must("dmesg"), "rngd")
end)

tap.done()
