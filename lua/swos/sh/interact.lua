-- The shell on a terminal: prompt, lines, Ctrl-C. Returns a function that ends when the shell does.
local swos = require("swos")
local exec = require("swos.sh.exec")
local parser = require("swos.sh.parser")
local traps = require("swos.sh.traps")
local fd, sys = swos.fd, swos.sys

local READ_BYTES = 4096

local function host_name()
  local text = require("swos.fs").read("/etc/hostname")
  return text and text:match("%S+") or "swift-os"
end

-- A line from the terminal; nil at its end; "" after an interrupt or a hang-up.
local function read_line(shell)
  local text, _, name = fd.read(0, READ_BYTES)
  if name == "INTERRUPTED" then
    shell:poll()
    if shell.unwind ~= "interrupt" and not shell.traps.INT then return nil end
    shell.unwind = nil
    shell.status = 130
    return "" -- the terminal has shown "^C" and begun a new line
  end
  if not text or text == "" then return nil end
  return text
end

-- Takes a Ctrl-C that came while nothing ran; whether there was one. One that comes later ends the wait for
-- a line.
local function was_interrupted(shell)
  shell:poll()
  if shell.unwind ~= "interrupt" then return false end
  shell.unwind, shell.status = nil, 130
  return true
end

-- False when a Ctrl-C came meanwhile: a line that is there already was typed after it, and must not be read
-- as what goes on with the text before.
local function prompt(shell, text)
  repeat
    local _, _, name = fd.write(1, text)
    shell:take_interrupts()
  until name ~= "INTERRUPTED"
  return not shell.interrupts
end

-- The lists of all lines of text; nil, "incomplete"; nil, message, line number.
local function parse(shell, text)
  return parser.parse(text, shell.aliases)
end

-- Runs what was typed; whether more is needed.
local function run(shell, text)
  local list, message, line = parse(shell, text)
  if not list then
    if message == "incomplete" then return true end
    shell:say(line > 1 and ("line %d: %s"):format(line, message) or message)
    shell.status = 2
    return false
  end
  shell.status = shell:protect(function() return exec.list(shell, list) end)
  if shell.unwind == "interrupt" then shell.status = shell.newly_stopped and 148 or 130 end
  if shell.newly_stopped then require("swos.sh.jobs").settle(shell) end
  if shell.unwind ~= "exit" then shell.unwind = nil end
  return false
end

return function(shell)
  traps.catch(shell) -- Ctrl-C at the prompt reaches the shell as an event instead of ending it
  local user, host = shell:get("USER") or "?", host_name()
  local mark = (sys.process_info(nil) or {}).principal == 1 and "#" or "$"
  shell.interactive = true
  shell.control = swos.handle("fd/0/control")
  if shell.control then require("swos.sh.jobs").foreground_shell(shell) end
  shell.lines = 0
  local text = ""
  while shell.unwind ~= "exit" do
    shell:reap_background()
    swos.trim()  -- while nobody waits; a shell that sits there should be small
    repeat
      if was_interrupted(shell) then text = "" end
      local first = ("%s@%s:%s%s "):format(user, host, swos.directory(), mark)
    until prompt(shell, text == "" and first or "> ") or shell.unwind == "exit"
    local line = read_line(shell)
    if line ~= "" then shell.lines = shell.lines + 1 end
    if not line then
      fd.write(1, "exit\n")
      if not shell.background[1] or require("swos.sh.jobs").may_leave(shell) then break end
    elseif line == "" then
      text = ""
    else
      text = text .. line
      if not run(shell, text) then text = "" end
    end
  end
  local status = shell:run_exit_trap(shell.status)
  if shell.background[1] or shell.orphans[1] then require("swos.sh.jobs").end_all(shell) end
  return status
end
