-- What a crash leaves: the record of a program's fault, and that of the kernel's own panic, printed
-- and read again after a reset. The panics are forced with gdb through QEMU's stub.

package.path = "tests/lib/?.lua;" .. package.path
local uv = require("luv")
local tap = require("tap")
local Guest = require("guest")

local GDB = "gdb-multiarch"

local socket = os.tmpname()
os.remove(socket)
tap.on_done(function() os.remove(socket) end)

local guest = Guest.start({ cpus = 2, disks = { { "build/test.img" } }, reboot = true,
  allow = { "panic" }, more = { "-gdb", ("unix:%s,server=on,wait=off"):format(socket) } })
guest:login("root", "swordfish")

-- Runs gdb on the machine, which stands still until a command lets it go on, and types empty lines
-- meanwhile, so that there is something to stop at.
local function gdb(commands)
  local arguments = { "--pdeathsig", "KILL", GDB, "-nx", "-batch", "-ex", "set pagination off",
    "-ex", "target remote " .. socket }
  for _, command in ipairs(commands) do
    arguments[#arguments + 1], arguments[#arguments + 2] = "-ex", command
  end
  arguments[#arguments + 1] = "build/kernel.elf"
  local output, ended = "", false
  local pipes = { uv.new_pipe(), uv.new_pipe() }
  local handle
  handle = uv.spawn("setpriv", { args = arguments, stdio = { nil, table.unpack(pipes) } }, function()
    ended = true
    handle:close()
  end)
  for _, pipe in ipairs(pipes) do
    pipe:read_start(function(_, data) output = output .. (data or "") end)
  end
  for _ = 1, 60 do
    if guest:wait(function() return ended end, 1) then break end
    guest:send("\n", 0)
  end
  tap.check(ended, "gdb does not end: %s", output)
  for _, pipe in ipairs(pipes) do pipe:close() end
end

local function record(index)
  return guest:must(("dmesg -c %d"):format(index))
end

local function same_facts(text)
  tap.matches(text, "back%-trace %x+ %x+")
  tap.contains(text, "last log lines")
  tap.matches(text, "%[%d+%] %[I%] kernel: swos, ABI")
end

tap.test("a program's fault ends it alone and leaves a record", function()
  local _, status = guest:run("/bin/tests/crash 123450")
  tap.equal(status, 139)
  local text = record(0)
  tap.matches(text, "^crash pid %d+ ended: address not mapped, address 123450\n")
  tap.matches(text, "\npc  %x+ lr  %x+ sp  %x+ pstate %x+\nx00 %x+ .*x%d%d 0000000000123450")
  tap.matches(text, "\nback%-trace %x+ %x+ %x+")
  tap.matches(text, "\nprincipal 1 session 1 threads 1 handles %d+\n")
  same_facts(text)
  tap.contains(guest:must("dmesg"), "crash: crash pid")
end)

tap.test("records are numbered from the newest", function()
  guest:run("/bin/tests/crash fff0")
  tap.contains(record(0), "address fff0")
  tap.contains(record(1), "address 123450")
  local _, status = guest:run("dmesg -c 7")
  tap.check(status ~= 0, "a record that is not there")
end)

-- Makes the kernel panic at its next system call; returns what it printed.
local function panic(...)
  local commands = { "break kernel_syscall", "continue", "delete" }
  for _, command in ipairs({ ... }) do commands[#commands + 1] = command end
  commands[#commands + 1] = "detach"
  guest.position = #guest.text + 1
  gdb(commands)
  guest:expect("-----BEGIN PANIC-----\r\n", 30)
  return (guest:expect("-----END PANIC-----", 30):gsub("\r\n", "\n"))
end

local function reset()
  gdb({ "monitor system_reset", "detach" })
  guest:login("root", "swordfish")
end

local function panics(name, commands, check)
  tap.test(name .. ": a record on the serial line, read back after a reset", function()
    local printed = panic(table.unpack(commands))
    check(printed)
    tap.matches(printed, "\ncpu %d\n")
    tap.matches(printed, "\nthread of %S+ pid %d+, user pc %x+, call %d+\n")
    same_facts(printed)
    reset()
    tap.matches(guest:must("dmesg"), "crash: %d records of before the reset")
    tap.equal(record(0) .. "\n", printed)
    tap.contains(record(1), "address fff0")
    local number = tap.matches(guest:must("crash"), "\n *(%d+)   before reset  panic: ")
    local shown = guest:must("crash show " .. number)
    tap.matches(shown, "\nback%-trace\n  #0  %x+  kernel [%l_]+%+0x%x+\n  #1  %x+  kernel [%l_]+%+0x%x+\n")
    tap.matches(shown, "\nprogram %x+ base ffffffffc0000000 at %d+ ms %(kernel%)\n")
    tap.contains(shown, "last log lines\n")
  end)
end

if os.execute(GDB .. " --version >/dev/null 2>&1") then
  panics("an overrun stack", { "set $pc = (unsigned long)&__stack_chk_fail" }, function(text)
    tap.matches(text, "^panic: kernel stack buffer overrun\n")
  end)
  panics("a wrong pointer", { "set $x0 = 0x18" }, function(text)
    tap.matches(text, "^panic: synchronous exception in the kernel %(vector 4%), syndrome %x+, " ..
      "address 18?%x*\n")
    tap.matches(text, "\npc  %x+ lr  %x+ sp  %x+ pstate %x+\nx00 ")
  end)
else
  print("# " .. GDB .. " IS MISSING: the kernel's panics are not tested; ./sconsw installs it")
  tap.skip("a kernel panic", GDB .. " is missing")
end

guest:finish()
tap.done()
