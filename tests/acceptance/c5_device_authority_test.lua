-- /bin/drvsvcdemo and /bin/deviceauthdemo: the markers C5a to C5g, with a keyboard and without one, and
-- what they claim seen from outside: who holds which device before, during and after.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local CPUS = tonumber(os.getenv("SMP_CPUS") or "4")
local KEYBOARD = { "-device", "virtio-keyboard-device" }

local MARKERS = {
  "drvsvc: C5a supervisor starting",
  "drvsvc: C5c device manifest matched",
  "drvsvc: C5c discovery exhausted",
  "drvsvc: C5d virtio-input metadata discovered",
  "drvsvc: generation 1 ready",
  "drvsvc: C5b device grant claimed",
  "drvinputd: C5b device grant accepted",
  "drvsvc: C5b device grant moved",
  "drvsvc: C5b device busy while service owns grant",
  "drvsvc: generation 1 event",
  "drvsvc: generation 1 stopped",
  "drvsvc: C5b device grant reclaimed",
  "drvsvc: generation 2 ready",
  "drvsvc: C5b device grant claimed",
  "drvinputd: C5b device grant accepted",
  "drvsvc: C5b device grant moved",
  "drvsvc: C5b device busy while service owns grant",
  "drvsvc: generation 2 event",
  "drvsvc: generation 2 stopped",
  "drvsvc: C5b device grant reclaimed",
  "C5a OK: restartable driver service recovered over IPC",
  "C5b OK: opaque device handle transferred and released",
  false, -- C5c, by what is there
  "C5d OK: virtio input discovery metadata surfaced",
  "C5e OK: device authority withheld until explicit handoff",
  "C5f OK: device grant rights stayed metadata-only",
}
local FOUND = {
  [true] = "C5c OK: virtio-input device grant discovered and matched",
  [false] = "C5c OK: device discovery manifest matched pseudo input",
}
local FORBIDDEN = { "FAILED", "not refused", "panic", "cannot" }

-- name -> { node, generation, state, holder } of lsdev -a.
local function devices(guest)
  local list = {}
  for line in guest:must("lsdev -a"):gmatch("[^\n]+") do
    local name, node, generation, state, holder = line:match("^(%S+) +(%S+) +(%d+) +(%S+) +(.+)$")
    if name then
      list[name] = { node = node, generation = tonumber(generation), state = state, holder = holder }
    end
  end
  return list
end

local function is_driven(device, service)
  tap.check(device, "no device of %s", service)
  tap.equal(device.state, "claimed", service)
  tap.matches(device.holder, "^" .. service .. " %(%d+%)$")
end

local function check_markers(output, has_keyboard)
  local position = 1
  for _, marker in ipairs(MARKERS) do
    marker = marker or FOUND[has_keyboard]
    local first, last = output:find(marker .. "\n", position, true)
    tap.check(first, "%q is missing or out of order in:\n%s", marker, output)
    position = last + 1
  end
  for _, word in ipairs(FORBIDDEN) do tap.lacks(output, word) end
  tap.lacks(output, FOUND[not has_keyboard])
end

for _, has_keyboard in ipairs({ true, false }) do
  local how = has_keyboard and "with a keyboard" or "headless"
  local guest = Guest.start({ cpus = CPUS, more = has_keyboard and KEYBOARD or nil })
  local input = has_keyboard and "virtio-input.0" or "pseudo-input.0"

  tap.test(how .. ": lsdev names devices, drivers, generations", function()
    guest:login("root", "swordfish")
    local list = devices(guest)
    is_driven(list["virtio-blk.0"], "blkd")
    is_driven(list["uart.0"], "consoled")
    tap.equal(list["virtio-blk.0"].generation, 1)
    tap.equal(list["rtc.0"].state, "free")
    tap.equal(list["pseudo-input.0"].state, "free")
    tap.equal(list["virtio-input.0"] ~= nil, has_keyboard, "an input device")
    tap.equal(guest:must("svc list"):find("inputd", 1, true) ~= nil, has_keyboard, "inputd")
    tap.lacks(guest:must("lsdev"), "pseudo-input", "lsdev without -a")
    tap.matches(guest:must("lsdev -l"), "virtio%-blk%.0[^\n]* open +[1-9]")
  end)

  tap.test(how .. ": drvsvcdemo passes C5a to C5f and disturbs no driver", function()
    local before = devices(guest)
    check_markers(guest:must("drvsvcdemo", 0, 60) .. "\n", has_keyboard)
    local after = devices(guest)
    for name, device in pairs(before) do
      if name ~= "pseudo-input.0" then
        tap.equal(after[name].generation, device.generation, name)
        tap.equal(after[name].holder, device.holder, name)
      end
    end
    tap.equal(after["pseudo-input.0"].generation, before["pseudo-input.0"].generation + 2, "claims")
    tap.equal(after["pseudo-input.0"].state, "free")
  end)

  tap.test(how .. ": a device of a service is busy, one that does DMA is nobody's", function()
    guest:must("echo 'local system = require(\"swos.command\").connect(\"system\")' >/tmp/open.lua")
    guest:must("echo 'local open = require(\"swos.protocol\").system.device_open' >>/tmp/open.lua")
    guest:must("echo 'print((select(3, open(system, { name = arg[1], flags = tonumber(arg[2]) }))))' "
      .. ">>/tmp/open.lua")
    for _, name in ipairs({ "virtio-blk.0", "uart.0", has_keyboard and input or "uart.0" }) do
      tap.equal(guest:must(("lua /tmp/open.lua %s 1"):format(name)), "BUSY", name)
      tap.equal(guest:must(("lua /tmp/open.lua %s 0"):format(name)), "nil", name)
    end
    tap.equal(guest:must("lua /tmp/open.lua rtc.0 1"), "ACCESS")
    tap.equal(guest:must("lua /tmp/open.lua pseudo-input.0 1"), "nil")
    tap.equal(guest:must("lua /tmp/open.lua pseudo-input.0 2"), "INVALID")
    tap.equal(guest:must("lua /tmp/open.lua nothing.0 0"), "NOT_FOUND")
    guest:must("rm /tmp/open.lua")
  end)

  tap.test(how .. ": no pages, handles or objects are lost", function()
    guest:leak_check(function() guest:must("drvsvcdemo >/dev/null; lsdev -a | wc", 0, 60) end, 3, 2)
  end)

  for _, account in ipairs({ { "guest", "guest" }, { "user", "swordfish" } }) do
    tap.test(("%s: %s cannot discover or claim devices"):format(how, account[1]), function()
      guest:line("exit")
      guest:login(account[1], account[2])
      local output = guest:must("deviceauthdemo")
      tap.contains(output, "C5g OK: non-console principal cannot discover or claim device grants")
      local refusal, status = guest:run("lsdev")
      tap.equal(status, 1)
      tap.contains(refusal, "permission denied (needs capability inspect)")
      refusal, status = guest:run("drvsvcdemo")
      tap.equal(status, 1)
      tap.contains(refusal, "permission denied (needs capability device)")
      tap.lacks(refusal, "OK:")
    end)
  end

  tap.test(how .. ": deviceauthdemo fails for an account that may", function()
    guest:line("exit")
    guest:login("root", "swordfish")
    local output, status = guest:run("deviceauthdemo")
    tap.equal(status, 1)
    tap.contains(output, "was not refused")
  end)
  guest:close()
end

tap.done()
