-- /bin/sh: sh [OPTIONS] [-c TEXT [NAME]] [FILE] [ARGUMENT...]. Returns a function of the arguments that
-- returns the exit status.
local swos = require("swos")
local builtins = require("swos.sh.builtins")
local exec = require("swos.sh.exec")
local shells = require("swos.sh.shell")
local fd = swos.fd

local READ_BYTES = 4096

local function new_shell(name, arguments)
  local shell = shells.new(name, arguments)
  shell.expansion = exec.expansion(shell)
  return shell
end

-- Runs body as all there is to do.
local function run(shell, body)
  local status = shell:protect(body, true)
  if shell.interrupts then -- what came in for the command that was the last
    shell.status = status
    shell:poll()
    status = shell.status
  end
  return shell:run_exit_trap(status)
end

local function run_text(shell, text)
  return run(shell, function() return exec.text(shell, text) end)
end

-- Another shell's subshell; see swos.sh.process.
local function run_node()
  local state = require("swos.sh.process").receive_state()
  local shell = new_shell(state.name, {})
  shell:resume(state)
  if next(shell.traps) then require("swos.sh.traps").catch(shell) end
  return run(shell, function() return exec.list(shell, { state.node }) end)
end

local function read_all(number)
  local pieces = {}
  while true do
    local piece = fd.read(number, READ_BYTES)
    if not piece or piece == "" then return table.concat(pieces) end
    pieces[#pieces + 1] = piece
  end
end

local function run_file(shell, path)
  local text, message, name = require("swos.fs").read(path)
  if not text then
    shell:say(message)
    return name == "NOT_FOUND" and 127 or 126
  end
  if text:find("\0", 1, true) then
    shell:say(path .. ": cannot execute: neither a program of the image nor a text")
    return 126
  end
  return run_text(shell, text)
end

-- c and i are options of the command line alone; s says that commands come from standard input.
local function take_flags(words)
  local flags, at = {}, 2
  while words[at] and words[at]:find("^[-+].") and words[at] ~= "--" do
    words[at] = words[at]:gsub("[cis]", function(letter)
      flags[letter] = true
      return ""
    end)
    if words[at]:find("o$") then at = at + 1 end
    at = at + 1
  end
  return flags
end

return function(arguments)
  if arguments[1] == "--subshell" then return run_node() end
  if arguments[1] and arguments[1]:find("^%-%-.") then require("swos.command").options({ arguments[1] }) end
  local shell = new_shell("sh", {})
  local words = table.move(arguments, 1, #arguments, 2, { "sh" })
  local flags = take_flags(words)
  local at
  local status, failed = shell:protect(function()
    at = builtins.set_options(shell, words, 2)
    return 0
  end)
  if failed then return status end
  while words[at] == "-" do at = at + 1 end
  if flags.c then
    local text = words[at]
    if not text then
      shell:say("-c: text expected")
      return 2
    end
    if words[at + 1] then
      shell.name, shell.arguments = words[at + 1], table.move(words, at + 2, #words, 1, {})
    end
    return run_text(shell, text)
  elseif words[at] and not flags.s then
    shell.name, shell.arguments = words[at], table.move(words, at + 1, #words, 1, {})
    return run_file(shell, words[at])
  end
  shell.arguments = table.move(words, at, #words, 1, {})
  if fd.kind(0) == swos.FD_TERMINAL then return require("swos.sh.interact")(shell) end
  return run_text(shell, read_all(0))
end
