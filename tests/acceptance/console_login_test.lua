-- Login on the console: prompts, refusals and their delay, the accounts' identities, and that
-- a session that ends leaves nothing behind.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local abi = dofile("build/generated/lua/abi.lua")

local ALL = 0
for _, bit in pairs(abi.capability) do ALL = ALL | bit end

local guest = Guest.start()

local function try(name, password)
  guest:expect("login: ", 60)
  guest:line(name)
  guest:expect("Password: ")
  local sent = guest:elapsed()
  guest:line(password)
  guest:expect("Login incorrect", 60)
  return guest:elapsed() - sent
end

local function log_out()
  guest:line("exit")
  guest:expect("swift-os login: ", 30)
  guest.position = guest.position - #"swift-os login: "
end

tap.test("a wrong password is refused, later each time", function()
  local first = try("root", "wrong")
  local again = try("root", "swordfis")
  local third = try("root", "swordfishh")
  tap.note("refusals took %d, %d, %d ms", first, again, third)
end)

tap.test("an unknown name is refused in the same way and time", function()
  local unknown, known = math.huge, math.huge
  -- Delays grow with failures; a good login resets them.
  for _ = 1, 2 do
    guest:login("root", "swordfish", 60)
    log_out()
    unknown = math.min(unknown, try("nobody", "swordfish"))
    guest:login("root", "swordfish", 60)
    log_out()
    known = math.min(known, try("root", "nonsense"))
  end
  tap.note("unknown %d ms, known %d ms", unknown, known)
  tap.check(math.abs(unknown - known) < 0.5 * math.max(unknown, known) + 50,
    "unknown name: %d ms, wrong password: %d ms", unknown, known)
end)

tap.test("odd names and passwords are refused", function()
  guest:login("root", "swordfish", 60)
  log_out()
  try(("x"):rep(200), "swordfish")
  try("root:1", "swordfish")
  try("root", ("swordfish"):rep(100))
  try("ROOT", "swordfish")
  try("root", "")
end)

tap.test("the password is not shown", function()
  guest:expect("login: ", 60)
  guest:line("user")
  guest:expect("Password: ")
  guest:line("swordfish")
  local shown = guest:expect("Welcome to swift-os, user")
  tap.lacks(shown, "swordfish", "what is printed")
  tap.matches(guest:expect("\n") .. guest:expect("\n"), "session: principal=2 session=%d+ caps=14")
  guest:prompt()
end)

tap.test("motd is shown, id tells who it is", function()
  tap.contains(guest.text, "Welcome to swift-os.", "the greeting")
  local id = guest:must("id")
  tap.matches(id, "^principal=2%(user%) session=%d+ caps=0xe %(")
  for _, name in ipairs({ "spawn", "fs-read", "tmp-write" }) do tap.contains(id, name) end
  for _, name in ipairs({ "console", "inspect", "power" }) do tap.lacks(id, name) end
  log_out()
end)

tap.test("root has every bit of the build, guest only spawn", function()
  guest:login("root", "swordfish")
  local id = guest:must("id")
  tap.contains(id, ("principal=1(root)"))
  tap.contains(id, ("caps=0x%x "):format(ALL))
  for name in pairs(abi.capability) do tap.contains(id, name) end
  log_out()
  guest:login("guest", "guest")
  tap.matches(guest:must("id"), "^principal=3%(guest%) session=%d+ caps=0x2 %(spawn%)$")
  log_out()
end)

tap.test("each session has its own number", function()
  local seen = {}
  for _ = 1, 3 do
    local number = guest:login("root", "swordfish"):match("session=(%d+)")
    tap.check(not seen[number], "session %s came twice", number)
    seen[number] = true
    log_out()
  end
end)

tap.test("logging out ends what the session started", function()
  guest:login("root", "swordfish")
  guest:run("sleep 1000 & true")
  guest:run("sleep 1001 | cat & true")
  tap.contains(guest:must("ps"), "sleep")
  log_out()
  guest:login("root", "swordfish")
  tap.lacks(guest:must("ps"), "sleep", "ps")
  log_out()
end)

tap.test("end of file and a killed shell end the session too", function()
  guest:login("root", "swordfish")
  guest:send("\4")
  guest:login("root", "swordfish", 30)
  guest:line("kill $$")
  guest:login("root", "swordfish", 30)
end)

tap.test("Ctrl-C ends the command, not the session", function()
  guest:line("sleep 1000")
  guest:sleep(1)
  guest.position = #guest.text + 1
  guest:send("\3")
  guest:prompt()
  tap.equal(guest:run("echo $?"), "130")
  guest:send("half a line\3")
  guest:prompt()
  tap.equal(guest:must("echo whole"), "whole")
end)

guest:finish(function()
  log_out()
  guest:login("root", "swordfish")
  guest:run("sleep 1000 & true")
end)

tap.done()
