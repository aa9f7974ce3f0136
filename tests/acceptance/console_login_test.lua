-- Login on the console: prompts, refusals and their delay, the accounts' identities, and that
-- a session that ends leaves nothing behind.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")
local abi = dofile("build/generated/lua/abi.lua")

local ALL = 0
for _, bit in pairs(abi.capability) do ALL = ALL | bit end

local DELAY_FIRST_MS = 250 -- bin/authd/delay.h

local guest = Guest.start()

-- Fails to log in. Returns when the password was sent.
local function try(name, password)
  guest:expect("login: ", 60)
  guest:line(name)
  guest:expect("Password: ")
  local sent = guest:elapsed()
  guest:line(password)
  guest:expect("Login incorrect", 60)
  return sent
end

-- Fails to log in; returns the milliseconds from the password until the next prompt comes. (The
-- refusal may reach this host late, which would make it too few from there.)
local function delay_after(name, password)
  local sent = try(name, password)
  guest:expect("login: ", 60)
  guest.position = guest.position - #"login: "
  return guest:elapsed() - sent
end

local function log_out()
  guest:line("exit")
  guest:expect("swift-os login: ", 30)
  guest.position = guest.position - #"swift-os login: "
end

tap.test("after each wrong password it takes twice as long until the next try", function()
  local delays = {}
  for i, password in ipairs({ "wrong", "swordfis", "swordfishh", "" }) do
    delays[i] = delay_after("root", password)
  end
  tap.note("%s ms", table.concat(delays, ", "))
  for i, delay in ipairs(delays) do
    local least = DELAY_FIRST_MS << (i - 1)
    tap.check(delay >= least, "%d ms after failure %d, less than %d", delay, i, least)
  end
  -- Another name is not held up by it, and a good login forgets.
  tap.check(delay_after("user", "wrong") < delays[4], "user's first failure delays like root's last")
  guest:login("root", "swordfish", 60)
  log_out()
  tap.check(delay_after("root", "wrong") < delays[4], "the good login did not reset the delay")
  guest:login("root", "swordfish", 60)
  log_out()
end)

tap.test("the delays outlive authd", function()
  for _ = 1, 4 do delay_after("nobody", "wrong") end
  guest:login("root", "swordfish", 60)
  guest:must("svc kill authd")
  log_out()
  local delay = delay_after("nobody", "wrong")
  tap.check(delay >= DELAY_FIRST_MS << 4, "%d ms after failure 5, the first one for a new authd", delay)
end)

tap.test("odd names and passwords are refused", function()
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
  tap.contains(guest.text, "/tmp is writable until the next boot.", "the greeting")
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
  local from = #guest.text
  guest:login("guest", "guest")
  tap.contains(guest.text:sub(from), "reads and writes no files", "the greeting")
  tap.lacks(guest.text:sub(from), "writable", "the greeting")
  tap.lacks(guest:run("help"), "yours to write in")
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

tap.test("Ctrl-D at the prompt asks again, by the same login; several in a row by the next one", function()
  local function logins() return tonumber(guest:must("svc list"):match("\nconsole +%S+ +%d+ +(%d+)")) end
  local before = logins()
  guest:line("exit")
  guest:expect("login: ", 30)
  for _ = 1, 2 do
    guest:send("\4")
    guest:expect("\r\nswift-os login: ")
  end
  guest:line("root")
  guest:expect("Password: ")
  guest:line("swordfish")
  guest:prompt()
  tap.equal(logins(), before + 1)
  guest:line("exit")
  for _ = 1, 4 do
    guest:expect("swift-os login: ", 30)
    guest:send("\4")
  end
  guest:login("root", "swordfish")
end)

tap.test("Ctrl-C ends the command, not the session", function()
  guest.position = #guest.text + 1
  guest:line("echo 'it'runs; sleep 1000")
  guest:expect("itruns\r\n")
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
guest:close()

-- Counted in instructions, so that a busy host does not blur it: what authd does for a name without
-- account is what it does for a wrong password.
tap.test("an unknown name costs authd what a wrong password costs", function()
  local counting <close> = Guest.start({ cpus = 1, machine = "virt,dtb-randomness=off",
    append = "swos.seed=1", more = { "-icount", "shift=0" } })
  local MEASURE = "lua -e 'local p = require(\"swos.processes\") " ..
    "for _, i in ipairs(p.list(p.visible_job())) do if i.name == \"authd\" then print(i.cpu_ns) end end'"
  local function spent()
    counting:login("root", "swordfish", 120)
    local ns = tonumber(counting:must(MEASURE, 0, 60))
    counting:line("exit")
    return ns
  end
  -- What one refusal costs, and the login around it.
  local function refusal(name, password)
    local before = spent()
    counting:expect("login: ", 120)
    counting:line(name)
    counting:expect("Password: ", 60)
    counting:line(password)
    counting:expect("Login incorrect", 60)
    return spent() - before
  end
  local unknown, known = refusal("nobody", "swordfish"), refusal("root", "nonsense")
  tap.note("unknown name %.3f ms, wrong password %.3f ms, a good login included", unknown / 1e6,
    known / 1e6)
  tap.check(math.abs(unknown - known) < 0.01 * known, "unknown name: %d ns, wrong password: %d ns",
    unknown, known)
end)

tap.done()
