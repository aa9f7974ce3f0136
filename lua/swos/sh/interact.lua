-- The shell on a terminal: prompt, lines, Ctrl-C. Returns a function that ends when the shell does.
local swos = require("swos")
local exec = require("swos.sh.exec")
local parser = require("swos.sh.parser")
local traps = require("swos.sh.traps")
local fd, sys = swos.fd, swos.sys

local function host_name()
  local text = require("swos.fs").read("/etc/hostname")
  return text and text:match("%S+") or "swift-os"
end

-- A line from the terminal; nil at its end; "" after an interrupt or a hang-up.
local function read_line(shell, prompt, earlier)
  local text, _, name = shell.lines:read(prompt, earlier)
  if name == "INTERRUPTED" then
    shell.lines:leave() -- for a trap
    shell:poll()
    if shell.unwind ~= "interrupt" and not shell.traps.INT then return nil end
    shell.unwind = false
    shell.status = 130
    return "" -- "^C" was shown and a new line begun
  end
  if not text or text == "" then return nil end
  return text
end

-- Takes a Ctrl-C that came while nothing ran; whether there was one. One that comes later ends the wait for
-- a line.
local function was_interrupted(shell)
  shell:poll()
  if shell.unwind ~= "interrupt" then return false end
  shell.unwind, shell.status = false, 130
  return true
end

-- The lists of all lines of text; nil, "incomplete"; nil, message, line number.
local function parse(shell, text)
  return parser.parse(text, shell.aliases)
end

-- `= EXPR`, Lua. Whether more is needed.
local function evaluate(shell, text, expression)
  shell.lines:leave()
  local status = require("swos.sh.evaluate").run(shell, expression)
  if status then shell.lines:remember(text) end
  shell.status = status or shell.status
  if shell.unwind == "interrupt" then
    shell.status, shell.unwind = 130, false
    return false
  end
  return status == nil
end

-- Runs what was typed; whether more is needed.
local function run(shell, text)
  local expression = text:match("^[ \t]*=(%s.*)$")
  if expression then return evaluate(shell, text, expression) end
  local list, message, line = parse(shell, text)
  if not list then
    if message == "incomplete" then return true end
    shell.lines:remember(text)
    shell:say(line > 1 and ("line %d: %s"):format(line, message) or message)
    shell.status = 2
    return false
  end
  shell.lines:remember(text)
  shell.lines:leave()
  shell.status = shell:protect(function() return exec.list(shell, list) end)
  if shell.unwind == "interrupt" then shell.status = shell.newly_stopped and 148 or 130 end
  if shell.newly_stopped then require("swos.sh.jobs").settle(shell) end
  if shell.unwind ~= "exit" then shell.unwind = false end
  return false
end

-- What PS1 or PS2 makes: parameters are expanded; with anything else in it, it is what it says.
local function expanded(shell, text)
  local ok, result = pcall(function()
    local word = require("swos.sh.lexer").new({ text = text, closed = true }):whole("here")
    return word.parts and not word.parts[1] and "" or require("swos.sh.expand").string(word, shell.expansion)
  end)
  return ok and result or text
end

return function(shell)
  traps.catch(shell) -- Ctrl-C at the prompt reaches the shell as an event instead of ending it
  local user, host = shell:get("USER") or "?", host_name()
  local mark = (sys.process_info(nil) or {}).principal == 1 and "#" or "$"
  shell.interactive = true
  shell.control = swos.handle("fd/0/control")
  if shell.control then
    require("swos.sh.jobs").foreground_shell(shell)
    shell.options.m = true
  end
  shell.typed = 0 -- lines
  shell.lines = require("swos.sh.lines").new(shell)
  local function prompt(name)
    local own = shell:get(name)
    if own then return expanded(shell, own) end
    return name == "PS2" and "> " or ("%s@%s:%s%s "):format(user, host, swos.directory(), mark)
  end
  local text = ""
  while shell.unwind ~= "exit" do
    shell:reap_background()
    swos.trim()  -- while nobody waits; a shell that sits there should be small
    if was_interrupted(shell) then text = "" end
    local line = read_line(shell, prompt(text == "" and "PS1" or "PS2"), text)
    if line ~= "" then shell.typed = shell.typed + 1 end
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
  shell.lines:leave()
  local status = shell:run_exit_trap(shell.status)
  if shell.background[1] or shell.orphans[1] then require("swos.sh.jobs").end_all(shell) end
  return status
end
