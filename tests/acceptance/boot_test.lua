-- Power-on to a working login, once each way the system is started, and what it says of itself.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 1 })

tap.test("the base image is mounted and login asks", function()
  guest:expect("M11c: read-only base mounted from disk", 60)
  guest:expect("swift-os login: ", 60)
  tap.note("prompt %d ms after QEMU was started", guest:elapsed())
end)

tap.test("nothing before the prompt complains", function()
  for _, word in ipairs({ "INSECURE", "weak seed", "unknown", "refused", "failed" }) do
    tap.lacks(guest.text, word, "the boot log")
  end
end)

tap.test("root logs in", function()
  guest.position = 1
  local greeting = guest:login("root", "swordfish")
  tap.contains(greeting, "Welcome to swift-os, root")
  tap.matches(greeting, "session: principal=1 session=%d+ caps=%d+")
end)

tap.test("the shell runs programs", function()
  tap.equal(guest:must("echo hello, world"), "hello, world")
  tap.equal(select(2, guest:run("lua -e 'os.exit(42)'")), 42)
end)

tap.test("uptime, free, dmesg, date tell facts", function()
  tap.matches(guest:must("uptime"), "%d")
  tap.matches(guest:must("free"), "%d%d%d")
  tap.contains(guest:must("dmesg"), "kernel: swos")
  local year = tonumber(tap.matches(guest:must("date"), "(%d%d%d%d)"))
  tap.check(year >= 2024 and year <= 2100, "the clock chip was not read: %d", year)
end)

tap.test("memory in use at login stays within 10 MiB", function()
  -- of 256 MiB, everything counted: what QEMU gives less what is free
  local free = tonumber((guest:must("swos-counters"):match("pages=(%d+)")))
  local used = 256 * 256 - free
  tap.note("%.1f MiB in use", used / 256)
  tap.check(used <= 10 * 256, "%.1f MiB in use", used / 256)
end)

guest:finish()

tap.test("poweroff ends the machine", function()
  guest:line("poweroff")
  guest:expect_end(30)
end)
guest:close()

tap.test("an ELF kernel starts too", function()
  local other <close> = Guest.start({ kernel = "build/kernel.elf" })
  other:login("root", "swordfish")
end)

tap.test("a fixed seed is announced, an unknown key reported", function()
  local other <close> = Guest.start({ append = "swos.seed=1 nonsense=2",
    machine = "virt,dtb-randomness=off" })
  other:login("root", "swordfish")
  tap.contains(other.text .. other:must("dmesg"), "INSECURE")
  tap.contains(other.text, "nonsense")
end)

tap.test("reboot starts the machine again", function()
  local command = Guest.arguments({})
  for i, word in ipairs(command) do
    if word == "-no-reboot" then table.remove(command, i) break end
  end
  local other <close> = Guest.start({ command = command })
  other:login("root", "swordfish")
  other:line("reboot")
  other:expect("M11c: read-only base mounted from disk", 60)
  other:login("root", "swordfish")
end)

tap.done()
