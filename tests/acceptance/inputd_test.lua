-- A virtio keyboard, its keys pressed by QEMU's monitor: what is typed reaches the console like typing
-- on the serial line, and survives the driver.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local monitor = require("monitor")

local path = monitor.path()
local guest = Guest.start({ cpus = 2, monitor = path, allow = { "BEGIN CRASH", "overdue" },
  more = { "-device", "virtio-keyboard-device" } })
local keys

local function service(name)
  local state, pid, restarts = guest:must("svc list"):match(name .. " +(%S+) +(%S+) +(%d+)")
  return { state = state, pid = pid, restarts = tonumber(restarts) }
end

local function back(name, old)
  for _ = 1, 80 do
    local now = service(name)
    if now.state == "ready" and now.restarts > old.restarts then return end
    guest:sleep(0.25)
  end
  error(name .. " did not come back", 0)
end

-- Types with the keyboard, the echo telling that the guest has it: QEMU drops events when the ring of
-- 64 is full, and a key takes four, a shifted one eight.
local CHUNK = 6
local function type_echoed(text)
  for at = 1, #text, CHUNK do
    local chunk = text:sub(at, at + CHUNK - 1)
    keys:type(chunk)
    guest:expect((chunk:gsub("\n", "\r\n")))
  end
end

-- Types a line and waits for the prompt after it; what came in between.
local function typed(line)
  guest.position = #guest.text + 1
  type_echoed(line .. "\n")
  local from = guest.position
  guest:prompt()
  return guest.text:sub(from)
end

-- What `cat` wrote to a file while act() typed to it, the last key being Ctrl-D.
local function caught(act)
  guest.position = #guest.text + 1
  guest:line("cat >/tmp/keys")
  guest:expect("/tmp/keys\r\n")
  act()
  keys:press("ctrl-d")
  guest:prompt()
  return guest:must("cat /tmp/keys")
end

tap.test("inputd drives the keyboard", function()
  guest:login("root", "swordfish")
  -- It starts beside login, and may be there a moment later.
  for _ = 1, 40 do
    if service("inputd").state == "ready" then break end
    guest:sleep(0.25)
  end
  tap.equal(service("inputd").state, "ready")
  tap.matches(guest:must("lsdev"), "virtio%-input%.0 [^\n]* claimed +inputd %(%d+%)")
  keys = monitor.open(guest, path)
end)

tap.test("login by keyboard", function()
  guest:line("exit")
  guest:expect("login: ", 60)
  type_echoed("root\n")
  guest:expect("Password: ")
  keys:type("swordfish\n")
  guest:expect("session: principal=1")
  guest:prompt()
end)

tap.test("every key of the US map types its character", function()
  local lines = { "`1234567890-=", "~!@#$%^&*()_+", "qwertyuiop[]\\", "QWERTYUIOP{}|",
    "asdfghjkl;'", "ASDFGHJKL:\"", "zxcvbnm,./", "ZXCVBNM<>?", "a b\tc" }
  local text = table.concat(lines, "\n")
  tap.equal(caught(function() type_echoed(text .. "\n") end), text)
end)

tap.test("caps lock, backspace and line editing", function()
  tap.equal(caught(function()
    type_echoed("no")
    keys:press("ctrl-u")
    keys:press("caps_lock")
    keys:type("Ab1")
    keys:press("caps_lock")
    guest:expect("aB1")
    keys:type("cx\bd\n")
    guest:expect("\r\n")
  end), "aB1cd")
end)

tap.test("keys without a character send a terminal's sequences", function()
  local list = { { "up", "[A" }, { "down", "[B" }, { "right", "[C" }, { "left", "[D" }, { "home", "[H" },
    { "end", "[F" }, { "delete", "[3~" }, { "f1", "OP" }, { "f5", "[15~" }, { "ctrl-right", "[1;5C" },
    { "alt-x", "x" }, { "shift-tab", "[Z" } }
  local wanted = ""
  caught(function()
    for _, entry in ipairs(list) do
      keys:press(entry[1])
      guest:expect("^[" .. entry[2])
      wanted = wanted .. "E" .. entry[2]
    end
    keys:press("ret")
  end)
  tap.equal(guest:must("lua -e 'print((io.open(\"/tmp/keys\"):read():gsub(\"\\27\", \"E\")))'"), wanted)
end)

tap.test("Ctrl-C on the keyboard interrupts", function()
  guest.position = #guest.text + 1
  guest:line("echo 'it'runs; sleep 1000")
  guest:expect("itruns\r\n")
  keys:press("ctrl-c")
  guest:prompt()
  tap.equal(guest:must("echo alive"), "alive")
end)

tap.test("keyboard and serial line type into the same terminal", function()
  guest.position = #guest.text + 1
  type_echoed("echo from-keys; ")
  guest:line("echo from-serial")
  guest:expect("\nfrom-keys\r\nfrom-serial\r\n")
  guest:prompt()
end)

tap.test("what is typed while there is no driver is not lost", function()
  guest:must("svc stop inputd")
  tap.matches(guest:must("lsdev"), "virtio%-input%.0 [^\n]* held +%-")
  guest.position = #guest.text + 1
  keys:type("echo k1\n")
  guest:expect_silence("k1", 1)
  guest:line("svc start inputd")
  guest:expect("echo k1\r\n", 20)
  guest:expect("k1\r\n")
  guest:prompt()
end)

tap.test("no key is lost or doubled while inputd is killed, again and again", function()
  local text = "The quick brown fox jumps over the lazy dog, 12 times or so, and then once more."
  local old = service("inputd")
  guest.position = #guest.text + 1
  guest:line("(" .. ("sleep 0.3; svc kill inputd; "):rep(8) .. ") 2>/dev/null & cat >/tmp/keys")
  guest:expect_pattern("%[1%] %d+\r\n") -- the shell's word about the job
  type_echoed(text .. "\n")
  guest:sleep(2)
  keys:press("ctrl-d")
  guest:prompt(60)
  tap.equal(guest:must("cat /tmp/keys"), text)
  tap.check(service("inputd").restarts >= old.restarts + 5, "it was not killed")
end)

-- Echo may be lost with a consoled, so nothing waits for it here.
tap.test("no key is lost or doubled while consoled is killed, again and again", function()
  local text = ("Pack my box with five dozen liquor jugs. "):rep(8)
  guest.position = #guest.text + 1
  guest:line("(" .. ("sleep 0.1; svc kill consoled; "):rep(20) .. ") >/tmp/null 2>&1 & cat >/tmp/keys")
  guest:expect_pattern("%[1%] %d+\r\n")
  for at = 1, #text, CHUNK do
    keys:type(text:sub(at, at + CHUNK - 1))
    guest:sleep(0.04)
  end
  guest:sleep(2)
  keys:press("ret")
  keys:press("ctrl-d")
  guest:prompt(60)
  tap.equal(guest:must("cat /tmp/keys"), text)
end)

for _, how in ipairs({ "kill", "crash" }) do
  tap.test("inputd comes back after a " .. how, function()
    local old = service("inputd")
    guest:must("svc kill inputd" .. (how == "crash" and " crash" or ""))
    back("inputd", old)
    tap.contains(typed("echo back"), "back\r\n")
  end)
end

tap.test("typed-ahead keys survive consoled", function()
  local old = service("consoled")
  guest.position = #guest.text + 1
  guest:line("sleep 1; svc kill consoled; sleep 2")
  guest:sleep(0.3)
  type_echoed("echo typed-AHEAD\n")
  guest:expect("typed-AHEAD\r\n", 20)
  guest:prompt()
  back("consoled", old)
end)

tap.test("no pages, handles or objects are lost", function()
  guest:sleep(31) -- what lived for half a minute is started again at once
  guest:leak_check(function()
    local old = service("inputd")
    guest:must("svc kill inputd")
    back("inputd", old)
    typed("id")
  end, 2, 1)
end)

tap.done()
