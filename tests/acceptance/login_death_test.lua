-- The console's login dies while a session runs: the session goes on with one reader of the terminal,
-- and the next login takes it over. Stopped on purpose, it takes the session with it.

package.path = "tests/lib/?.lua;" .. package.path
local tap = require("tap")
local Guest = require("guest")

local guest = Guest.start({ cpus = 2, allow = { "BEGIN CRASH" } })

local function login_pid()
  return tonumber(guest:must("svc list"):match("\nconsole +ready +(%d+)"))
end

-- Ends the login by `command` and waits for the next one.
local function end_login(command)
  local old = guest:await("a login", login_pid)
  guest:must(command)
  guest:await("the next login", function()
    local now = login_pid()
    return now and now ~= old
  end)
end

-- The same shell goes on, and is alone with the terminal: two readers would share what is typed.
local function check_session(shell)
  local from = #guest.text + 1
  for i = 1, 10 do
    tap.equal(guest:must("echo line $$ " .. i), ("line %s %d"):format(shell, i))
  end
  tap.lacks(guest.text:sub(from), "login:", "what is printed")
end

-- Starts a service that does what no session can when it ends with the console's login.
local function as_service(name, lines)
  local to = ">"
  local function write(text, path)
    guest:must(("echo '%s' %s%s"):format(text, to, path))
    to = ">>"
  end
  guest:must("mkdir /tmp/services; chmod 755 /tmp/services")
  write("local swos, names = require([[swos]]), require([[swos.names]])", ("/tmp/%s.lua"):format(name))
  for _, line in ipairs(lines) do write(line, ("/tmp/%s.lua"):format(name)) end
  to = ">"
  write(('return { program = "/bin/lua", arguments = { "/tmp/%s.lua" }, names = { "system", "file/tmp" },')
    :format(name), ("/tmp/services/%s.lua"):format(name))
  write('capabilities = { "fs-read", "device" }, restart = "never" }', ("/tmp/services/%s.lua"):format(name))
  guest:must(("svc reload; svc start %s"):format(name), 0, 60)
end

guest:login("root", "swordfish")

tap.test("a login that dies at its prompt is followed by another prompt", function()
  as_service("late", { "swos.sleep(4)", "local system <close> = names.connect([[system]])",
    "require([[swos.protocol]]).system.service_kill(system, { name = [[console]], how = 1 })" })
  guest:line("exit")
  guest:expect("login: ", 30)
  guest:expect("login: ", 30)
  guest.position = guest.position - #"login: "
  guest:login("root", "swordfish")
end)

for _, how in ipairs({ "", " crash" }) do
  tap.test(("the session goes on when its login dies (svc kill console%s)"):format(how), function()
    guest:must("kept=" .. #how)
    local shell = guest:must("echo $$")
    for _ = 1, 2 do  -- the second time one that has taken over
      end_login("svc kill console" .. how)
      check_session(shell)
    end
    tap.equal(guest:must("echo $kept"), tostring(#how))
  end)
end

tap.test("also while a command runs, with Ctrl-C, and with init dying", function()
  local shell = guest:must("echo $$")
  guest:background("(sleep 1; svc kill console; svc kill init; svc list >/tmp/null; echo both' are back')")
  guest:line("sleep 1000")
  guest:expect("both are back\r\n", 60)
  guest.position = #guest.text + 1
  guest:send("\3")
  guest:prompt()
  tap.equal(guest:must("echo $?"), "130")
  check_session(shell)
end)

tap.test("the end of a session that was taken over is its end", function()
  end_login("svc kill console")
  guest:background("sleep 1000")
  guest:line("exit")
  guest:login("root", "swordfish")
  tap.lacks(guest:must("ps -A"), "sleep")
  tap.matches(guest:must("svc list"), "\nconsole +ready ")
end)

tap.test("svc stop console ends the session, svc start console gives a fresh login", function()
  as_service("again", { "local system = require([[swos.protocol]]).system",
    "local function list() local c <close> = names.connect([[system]])",
    "return system.service_list(c, { capacity = 16384 }).data end",
    "while not list():find([[console%s+stopped]]) do swos.sleep(0.2) end swos.sleep(2)",
    "local c <close> = names.connect([[system]]) system.service_start(c, { name = [[console]] })" })
  guest:background("sleep 1000")
  guest:line("svc stop console; echo still''-here")
  guest:login("root", "swordfish")
  tap.lacks(guest.text, "still-here", "the old session")
  tap.lacks(guest:must("ps -A"), "sleep")
  tap.matches(guest:must("svc why console"), "started by principal 0, session 0, pid %d+")
  guest:line("svc restart console; echo still''-here")
  guest:login("root", "swordfish")
  tap.lacks(guest.text, "still-here", "the old session")
  guest:must("rm -r /tmp/services /tmp/late.lua /tmp/again.lua; svc reload", 0, 60)
end)

guest:finish(function()
  guest:must("sleep 1.1")
  end_login("svc kill console")
  guest:line("exit")
  guest:login("root", "swordfish")
end)
tap.done()
