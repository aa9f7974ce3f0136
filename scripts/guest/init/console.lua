-- The system console: the base's marker, then one login after the other; without a base the
-- rescue prompt.
local swos = require("swos")
local directory = require("init.directory")
local kept = require("init.kept")
local log = require("init.log")
local loop = require("swos.loop")
local programs = require("init.programs")
local protocol = require("swos.protocol")
local supervisor = require("init.supervisor")
local terminals = require("init.terminal")
local sys = swos.sys

local M = {}

local MARKER = "M11c: read-only base mounted from disk\n"
local TRIES = 5  -- of consoled and imgfs before init says that they do not start

local function is_first_start()
  for _, variable in ipairs(swos.environment()) do
    if variable == "INIT_STARTS=0" then return true end
  end
  return false
end

-- consoled's terminal, or the early console when consoled does not start.
local function open_terminal()
  local state = supervisor.await_settled("consoled", TRIES)
  if state == "ready" then
    local control = assert(directory.connection("terminal/console", 0))
    local reply, message = protocol.terminal.open(control, {})
    if reply then
      local terminal = terminals.new(reply.input, reply.output)
      terminal.control = control
      return terminal
    end
    log.warning("the console cannot be opened: %s", message)
  end
  return terminals.early()
end

-- Waits for the base, talking to the operator while it is refused.
local function await_base(terminal)
  while true do
    local state, status = supervisor.await_settled("imgfs", TRIES)
    if state == "ready" then return end
    require("init.rescue").prompt(terminal, state, status)  -- loaded when there is trouble only
    supervisor.start(supervisor.get("imgfs"))
    -- a service that is paused comes back by itself
    if state == "paused" then supervisor.get("imgfs").failures = 0 end
    loop.sleep(0)
  end
end

local function login_job()
  return kept.get(kept.CONSOLE_JOB, function() return sys.job_create(swos.handle("services"), {}) end)
end

-- A login a predecessor of this init started, if it lives.
local function adopt(job)
  for _, info in ipairs(sys.job_list(job, 0, 8) or {}) do
    if info.state ~= swos.PROCESS_ENDED then
      local process = sys.job_find(job, info.pid)
      if process then return process end
    end
  end
end

-- Starts the login script with the bundle's interpreter: no program is read from disk. Each login
-- is a job of its own below the kept one, for a killed job takes no new processes.
local function start_login(plan, terminal, parent)
  local job <close> = assert(sys.job_create(parent, {}))
  local base <close> = assert(directory.connection("file/base", 0))
  local reply, message = protocol.file.open_program(base, { path = plan.console.path:sub(2) })
  if not reply then return nil, ("%s: %s"):format(plan.console.path, message) end
  if reply.form ~= 2 then return nil, plan.console.path .. ": not a script" end
  local script <close> = reply.memory0
  local names <close> = assert(directory.own_connection(directory.NAMES))
  local handles = { names = names, log = swos.handle("log"),
    script = { script, info = reply.attributes.size } }
  for fd = 0, 2 do
    handles["fd/" .. fd] = { fd == 0 and terminal.input or terminal.output, info = swos.FD_TERMINAL }
    handles[("fd/%d/control"):format(fd)] = terminal.control
  end
  local paths = {}
  for i, entry in ipairs(plan.paths) do
    paths[i] = { entry[1], assert(directory.connection(entry[2], 0)) }
  end
  local process, failure = programs.start("lua", { job = job, name = "console-login",
    arguments = { "lua", plan.console.path }, environment = plan.environment, handles = handles,
    paths = paths, directory = "/" })
  for _, entry in ipairs(paths) do entry[2]:close() end
  return process, failure
end

function M.keep(plan)
  local terminal = open_terminal()
  await_base(terminal)
  if is_first_start() then terminal:write(MARKER) end
  if not terminal.control then
    terminal:write("swos: no console driver; no login\n")
    return
  end
  local job = login_job()
  local process, message = adopt(job), nil
  while true do
    if not process then process, message = start_login(plan, terminal, job) end
    local started = swos.monotonic()
    if process then
      loop.wait_exit(process)
      process:close()
      process = nil
    else
      log.warning("login cannot be started: %s", message)
    end
    if swos.monotonic() - started < plan.console.restart_seconds * 1000000000 then
      loop.sleep(plan.console.restart_seconds)
    end
    swos.trim()
  end
end

return M
