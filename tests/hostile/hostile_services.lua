-- Appended to the definitions of the boot services for build/hostile.bundle: the hostile program as a
-- service, which gets what no session does. At boot, without its options, it has nothing to do.
-- luacheck: globals services
services.hostile = { program = "/bin/tests/hostile", arguments = { "service", "/tmp/hostile.options" },
  environment = {}, after = { "console", "tmpfs" }, requires = {}, wants = {},
  names = { "file/base", "file/tmp", "nic", "net", "system" }, folders = {},
  capabilities = { "fs-read", "spawn", "device", "log-read", "inspect", "net" },
  gives = { "block", "packets" }, limits = {}, final = {}, band = "normal", ready = "started",
  restart = "never", oneshot = true, overdue = 60, start_seconds = 120, stop_seconds = 5, log = 4096 }
-- The server of everything init asks, while the attack goes on; and a service whose program comes from it.
services.enemy = { program = "/bin/tests/hostile", arguments = { "enemy" }, serves = "enemy",
  environment = {}, after = { "console" }, requires = {}, wants = {}, names = {}, folders = {},
  capabilities = {}, gives = {}, limits = {}, final = {}, band = "normal", ready = "started",
  restart = "never", oneshot = false, overdue = 60, start_seconds = 60, stop_seconds = 5, log = 4096 }
services.victim = { program = "/bin/tests/tiny", arguments = {}, environment = {}, after = {},
  requires = {}, wants = {}, names = { "file/base", "file/tmp" }, folders = {}, capabilities = {},
  gives = {}, limits = {}, final = {}, band = "normal", ready = { line = "never said" }, restart = "never",
  oneshot = true, overdue = 60, start_seconds = 1, stop_seconds = 1, log = 4096 }
table.insert(require("init.boot").start, "hostile")

local swos = require("swos")
local loop = require("swos.loop")
local sys = swos.sys

-- init as the client: each `svc start enemy` is an attack. Its questions go to that service, and what it
-- makes of the answers is judged here, in its own process: no error nobody expected, nothing that does
-- not end, no growth, and no more questions than a patient client has. `svc status enemy` tells the result.
local ATTACKED = { ["file/base"] = true, ["file/tmp"] = true, ["terminal/console"] = true, log = true,
  block = true }
local WRONG, ENDLESS = 1, 2  -- badges: kinds of answers (enemy.c)
local ROUNDS = 60
local GROWTH, HANDLES = 6 << 20, 64
local SCRIPT = "ticker"  -- a service that only a file server knows of, and that does not run
local LIMIT = 120  -- seconds for a question to have an end
local LISTEN, QUESTIONS = 2, 60  -- seconds of waiting for a line, and how often logd may be asked in them

local verdict, done, begun, peak

local function fail(...)
  verdict = verdict or string.format(...)
end

-- Another copy of a module of init, which knows nothing of what the real one has done.
local function fresh(name)
  local known = package.loaded[name]
  package.loaded[name] = nil
  local copy = require(name)
  package.loaded[name] = known
  return copy
end

-- A console that is not there says so to nobody, and wants no more.
local function silent()
  return { write = function() return true end, read_line = function() return "retry" end }
end

local acts = {}

function acts.passwd()
  local kept = require("init.kept")
  fresh("init.grants").add({ "passwd" }, {}, swos.deadline(5))
  sys.job_keep(swos.handle("job"), kept.ACCOUNTS, nil)
end

function acts.console()
  local console = fresh("init.console")
  console.prepare({ await_settled = function() return "ready" end, accuse = function() end }, true)
  console.await_terminal()
end

function acts.rescue()
  local said = { "disks", "disks", "retry" }
  fresh("init.rescue").prompt({ write = function() return true end,
    read_line = function() return table.remove(said, 1) end }, "failed", 13)
end

-- A console at the end of its input: every line is there at once.
function acts.rescue_without_end()
  local lines, from = 0, swos.monotonic()
  fresh("init.rescue").prompt({ write = function() return true end, read_line = function()
    lines = lines + 1
    return swos.monotonic() - from > 1e9 and "retry" or false
  end }, "failed", 13)
  if lines > 100 then fail("the rescue prompt read %d lines in a second", lines) end
end

-- Ends of pipes that nobody can wait for, of an empty one and of a full one.
function acts.terminal()
  local reader, writer = sys.pipe_create(swos.PAGE, 0)
  local terminal = require("init.terminal").new(assert(reader:duplicate(swos.RIGHT_READ)),
    assert(writer:duplicate(swos.RIGHT_WRITE)))
  if terminal:read_line() ~= nil then fail("a line of a terminal that cannot be waited for") end
  if terminal:write(("x"):rep(2 * swos.PAGE)) then fail("written to a terminal that cannot be waited for") end
end

function acts.lines()
  local logs, victim = require("init.logs"), require("init.supervisor").get("victim")
  local asked, from = 0, swos.monotonic()
  logs.await(victim, "never said", logs.next_line(victim), function()
    asked = asked + 1
    return swos.monotonic() - from < LISTEN * 1e9
  end)
  if asked > 2 * QUESTIONS then fail("logd was asked %d times in %d s", asked // 2, LISTEN) end
end

function acts.attach()
  require("init.logs").served()
end

function acts.scripts()
  require("init.scripts").load()
end

function acts.trim()
  require("init.system").trim()
end

function acts.launch()
  local supervisor = require("init.supervisor")
  local victim = supervisor.get("victim")
  supervisor.start({ "victim" }, "by the attack")
  supervisor.await_rest(victim)
end

local ALONE = { launch = true, passwd = true }  -- one at a time

local function run(name)
  begun = begun + 1
  loop.spawn(function()
    for _ = 1, ALONE[name] and ROUNDS or 1 do
      local ok, message = xpcall(acts[name], debug.traceback)
      if not ok then fail("%s: %s", name, message) end
    end
    done = done + 1
  end)
end

-- Waits for all that was begun, and looks at the size of init meanwhile.
local function await_done()
  local last = swos.deadline(LIMIT)
  while done < begun do
    peak = math.max(peak, sys.process_info(nil).memory)
    if swos.monotonic() > last then return fail("%d questions have no end", begun - done) end
    loop.sleep(0.005)
  end
end

local function attack()
  local supervisor = require("init.supervisor")
  local directory, terminals = require("init.directory"), require("init.terminal")
  local connection, early, on_error = directory.connection, terminals.early, loop.on_error
  local badge
  local function to_the_enemy(name, number)
    if ATTACKED[name] then return connection("enemy", badge) end
    return connection(name, number)
  end
  directory.connection = to_the_enemy
  terminals.early = silent
  function loop.on_error(message) fail("%s", message) end

  verdict, begun, done = nil, 0, 0
  swos.trim()
  local before = sys.process_info(nil)
  peak = before.memory
  local accounts = sys.job_kept(swos.handle("job"), require("init.kept").ACCOUNTS)
  sys.job_keep(swos.handle("job"), require("init.kept").ACCOUNTS, nil)
  badge = WRONG
  for name in pairs(acts) do
    for _ = 1, ALONE[name] and 1 or ROUNDS do
      if name ~= "rescue_without_end" then run(name) end
    end
    await_done()
  end
  directory.connection = connection
  require("init.scripts").load()
  directory.connection = to_the_enemy
  badge = ENDLESS
  for _, name in ipairs { "passwd", "scripts", "lines", "rescue_without_end" } do
    ALONE[name] = nil
    run(name)
    await_done()
  end
  ALONE.passwd = true
  if not supervisor.get(SCRIPT) then fail("%s is forgotten", SCRIPT) end
  directory.connection, terminals.early, loop.on_error = connection, early, on_error
  acts.launch()
  local name = supervisor.get("victim").state.name
  if name ~= "done" then fail("the victim is %s after the attack", name) end
  sys.job_keep(swos.handle("job"), require("init.kept").ACCOUNTS, accounts)
  require("init.scripts").load()
  swos.trim()
  local after = sys.process_info(nil)
  if peak > before.memory + GROWTH then fail("init grew from %d to %d bytes", before.memory, peak) end
  if after.handles > before.handles + HANDLES then
    fail("handles of init: %d, then %d", before.handles, after.handles)
  end
  return (verdict or "withstood"):gsub("\n", "; ")
end

loop.spawn(function()
  loop.sleep(0)  -- init makes the services known first
  local supervisor = require("init.supervisor")
  for _, name in ipairs { "enemy", "victim" } do
    if not supervisor.get(name) then supervisor.add(name, services[name], "bundle") end
  end
  local _, _, sessions = require("init.grants").sessions_job():info()
  require("init.log").info("the job of sessions is %d", sessions)
  while true do
    supervisor.await_state("enemy", "ready", true)
    local result = attack()
    supervisor.stop(supervisor.get("enemy"), "having attacked: " .. result)
    supervisor.await_state("enemy", "ready", false)
  end
end)
return services
