#!/bin/lua
-- /bin/console-login: one login on the terminal this process was given, then its session.
--
-- Holds no authority: authd checks the password and makes the session's job. When the shell ends,
-- the job is killed with all that runs in it; init starts the next login.
--
-- The session outlives this process: its job and its shell lie in kept slots of the service's job, and
-- a login that finds them waits for that shell's end in place of the one that began the session.
local swos = require("swos")
local accounts = require("swos.accounts")
local fs = require("swos.fs")
local names = require("swos.names")
local protocol = require("swos.protocol")
local fd, sys = swos.fd, swos.sys

local LINE_BYTES = 4096
local KILLED = 137
local ENDS = 3  -- ends of the input in a row that are believed
local ROWS, COLUMNS = 24, 80
local MODE = swos.TERMINAL_CANONICAL | swos.TERMINAL_SIGNALS
local KEPT_SESSION, KEPT_SHELL = 0, 1  -- slots; init ends the session in the first one at a stop
local control = assert(swos.handle("fd/0/control"), "console-login: not on a terminal")

local function write(text)
  fd.write(1, text)
end

local function set_echo(echo)
  protocol.terminal.set_mode(control, { mode = MODE | (echo and swos.TERMINAL_ECHO or 0), drain = 0 })
end

-- A line without its newline; nil at the end of the input.
local function read_line()
  local text = fd.read(0, LINE_BYTES)
  if not text or text == "" then return nil end
  return (text:gsub("[\r\n]+$", ""))
end

local function ask(prompt)
  write(prompt)
  return read_line()
end

-- Asks authd: its answer, or nil. After a failure it says how long to wait (the detail of its
-- answer, ms), and until then it says BUSY.
local function authenticate(name, password)
  local auth <close>, message = names.connect("auth")
  while auth do
    local reply, code, delay
    reply, message, code, delay = protocol.auth.login(auth, { name = name, password = password })
    if reply and reply.job then return reply end
    if reply then message = "malformed message" end
    if code == "LOGIN_INCORRECT" then
      write("Login incorrect\n")
      swos.sleep(delay / 1000)
      return nil
    end
    if code ~= "BUSY" then break end
    swos.sleep(delay / 1000)
  end
  write(("login: %s\n"):format(message))
  swos.sleep(1)
  return nil
end

-- Asks for name and password until authd says yes: its answer, and the name; nil at the end of the input.
-- A Ctrl-D looks like that, too, so it takes several in a row.
local function log_in(host)
  local ends = 0
  protocol.terminal.set_foreground(control, {})  -- init may have ended the session before
  set_echo(true)
  while ends < ENDS do
    local name = ask(host .. " login: ")
    ends = name and 0 or ends + 1
    if not name then write("\n") end
    if name and name ~= "" then
      set_echo(false)
      local password = ask("Password: ")
      set_echo(true)
      write("\n")
      local session = authenticate(name, password or "")
      if session then return session, name end
    end
  end
end

local function environment(name, shell)
  -- TERM: what a serial line's terminal is taken for unless the service's environment says otherwise
  local list = { "TERM=vt220", "USER=" .. name, "LOGNAME=" .. name, "HOME=/", "SHELL=" .. shell }
  for _, entry in ipairs(swos.environment()) do list[#list + 1] = entry end
  return list
end

-- Puts a handle (nil: none) into a slot of the service's job.
local function keep(slot, handle)
  assert(sys.job_keep(swos.handle("job"), slot, handle))
end

-- Kills what is left in the session and waits until it is gone.
local function end_session(job)
  protocol.terminal.set_foreground(control, {})
  -- the next one on this terminal inherits neither the modes of a shell that was killed nor its window's size
  set_echo(true)
  protocol.terminal.set_size(control, { rows = ROWS, columns = COLUMNS, reserved = 0 })
  local port <close> = assert(sys.port_create())
  sys.job_kill(job, KILLED)
  if sys.port_bind(port, job, swos.JOB_EXITED, 1) then
    swos.port_wait(port, swos.deadline(10))
    sys.port_unbind(port, job)
  end
  keep(KEPT_SHELL, nil)
  keep(KEPT_SESSION, nil)
end

local function run_session(session, name)
  local job <close> = session.job
  keep(KEPT_SESSION, job)
  protocol.terminal.set_foreground(control, { job = job })
  local process, message = swos.spawn(session.shell, { job = job, arguments = { session.shell },
    environment = environment(name, session.shell), descriptors = { [0] = 0, [1] = 1, [2] = 2 },
    handles = { session = job, terminal = swos.handle("fd/0") }, directory = "/", drop_caps = ~session.caps })
  if process then
    keep(KEPT_SHELL, process)
    swos.process_wait(process)
    process:close()
  else
    write(("login: %s: %s\n"):format(session.shell, message))
  end
  end_session(job)
end

-- The shell of a session whose login died before it kept it: then it is the first process there is.
local function first_process(job)
  local info = (sys.job_list(job, 0, 1) or {})[1]
  return info and sys.job_find(job, info.pid)
end

-- Goes on with the session of a login that died. Returns whether there was one. The terminal belongs to
-- the session: nothing is written and no mode is set until its shell has ended.
local function adopt_session()
  local job <close> = sys.job_kept(swos.handle("job"), KEPT_SESSION)
  if not job then return false end
  local shell <close> = sys.job_kept(swos.handle("job"), KEPT_SHELL) or first_process(job)
  if shell then swos.process_wait(shell) end
  end_session(job)
  return true
end

if adopt_session() then return end  -- the next login is another process, as after any session

local host = (fs.read("/etc/hostname") or ""):match("%S+") or "swift-os"
local session, name = log_in(host)
if not session then return end
write(("Welcome to %s, %s\n"):format(host, name))
write(("session: principal=%d session=%d caps=%d\n"):format(session.principal, session.session, session.caps))
write(fs.read("/etc/motd") or "")
local function may(capability) return accounts.may(session.caps, capability) end
write(("\nThe base is read-only; %s.\n"):format(may("tmp-write") and "/tmp is writable until the next boot"
  or may("fs-read") and "this account writes no files"
  or "this account starts programs, and reads and writes no files"))
run_session(session, name)
