-- Runs the parser's tree: programs in jobs, builtins in place, descriptors wired together.
--
-- Each pipeline is a job below the shell's own. In the foreground of a terminal it is what Ctrl-C
-- interrupts; the shell itself is not in it. A subshell and a list in the background are another
-- shell started with the list's text.
local swos = require("swos")
local builtins = require("swos.sh.builtins")
local expand = require("swos.sh.expand")
local parser = require("swos.sh.parser")
local protocol = require("swos.protocol")
local fd, sys = swos.fd, swos.sys

local M = {}

local NOT_FOUND, NOT_EXECUTABLE = 127, 126
local SHELL = "/bin/sh"
local READ_BYTES = 16384

-- A message of the shell; number: the descriptor that is standard error, false when closed.
local function say(text, number)
  if number ~= false then fd.write(number or 2, "sh: " .. text .. "\n") end
end
M.say = say

-- ---- expansion's view of the shell

local start_shell, wait_for

-- Output of a command, for $(...).
local function substitute(shell, text)
  local reader, writer = fd.pipe()
  if not reader then
    say(writer)
    return ""
  end
  local started = start_shell(shell, text, { [0] = 0, [1] = writer, [2] = 2 })
  fd.close(writer)
  local pieces = {}
  while true do
    local piece = fd.read(reader, READ_BYTES)
    if not piece or piece == "" then break end
    pieces[#pieces + 1] = piece
  end
  fd.close(reader)
  if started then shell.status = wait_for(started) end
  return table.concat(pieces)
end

local function list_directory(directory)
  local entries = require("swos.fs").list(directory)
  if not entries then return nil end
  local names = {}
  for i, entry in ipairs(entries) do names[i] = entry.name end
  return names
end

local function expansion(shell)
  return {
    variable = function(name) return shell:get(name) end,
    arguments = function() return shell.arguments end,
    command = function(text) return substitute(shell, text) end,
    list = list_directory,
  }
end

-- ---- descriptors

local OPEN_FLAGS = {
  ["<"] = swos.OPEN_READ,
  [">"] = swos.OPEN_WRITE | swos.OPEN_CREATE | swos.OPEN_TRUNCATE,
  [">>"] = swos.OPEN_WRITE | swos.OPEN_CREATE | swos.OPEN_APPEND,
}

local NEW_MODE = 0x1a4 -- rw-r--r--: what one account creates, another does not change

-- Applies redirects to a table child -> own descriptor; what was opened is added to `opened`.
local function redirect(context, redirects, descriptors, opened)
  for _, entry in ipairs(redirects) do
    local target = expand.words({ entry.target }, context)
    if #target ~= 1 then return nil, "ambiguous redirect" end
    local flags = OPEN_FLAGS[entry.text]
    if flags then
      local number, message = fd.open(target[1], flags, NEW_MODE)
      if not number then return nil, target[1] .. ": " .. message end
      opened[#opened + 1] = number
      descriptors[entry.fd] = number
    elseif target[1] == "-" then
      descriptors[entry.fd] = nil
    else
      local from = math.tointeger(tonumber(target[1]))
      if not from or not descriptors[from] then return nil, target[1] .. ": bad file descriptor" end
      descriptors[entry.fd] = descriptors[from]
    end
  end
  return true
end

local function close_all(list)
  for i = #list, 1, -1 do
    fd.close(list[i])
    list[i] = nil
  end
end

-- ---- starting

local function is_path(name) return name:find("/", 1, true) ~= nil end

local function candidates(shell, name)
  if is_path(name) then return { name } end
  local list = {}
  for directory in (shell:get("PATH") or "/bin"):gmatch("[^:]+") do
    list[#list + 1] = directory .. "/" .. name
  end
  return list
end

-- Starts a program: process; or nil, exit status after a message.
local function spawn(shell, words, options)
  local process
  local message, name = "not found", "NOT_FOUND"
  if not options.job then
    say("no job for the command: the session has too many")
    return nil, NOT_EXECUTABLE
  end
  options.arguments = words
  for _, path in ipairs(candidates(shell, words[1])) do
    process, message, name = swos.spawn(path, options)
    if name == "BAD_IMAGE" then
      -- neither program nor script of a program: commands for a shell
      options.arguments = table.move(words, 2, #words, 3, { SHELL, path })
      process, message, name = swos.spawn(SHELL, options)
    end
    if process then return process, message end
    if name ~= "NOT_FOUND" then break end
  end
  local errors = options.descriptors[2] or false
  if name == "NOT_FOUND" then
    say(words[1] .. ": not found", errors)
    return nil, NOT_FOUND
  end
  say(("%s: %s"):format(words[1], message), errors)
  return nil, NOT_EXECUTABLE
end

local function base_options(shell, job, descriptors)
  return { job = job, descriptors = descriptors, environment = shell:environment(),
    handles = { session = swos.handle("session") or swos.handle("job") } }
end

local function new_job()
  local own = swos.handle("job")
  if not own then return nil, "no job to run commands in" end
  return sys.job_create(own, {})
end

-- Starts another shell for text, with all of this one's variables and parameters.
local function spawn_shell(shell, text, job, descriptors)
  local options = base_options(shell, job, descriptors)
  options.environment = shell:environment(true)
  local words = { SHELL, "-c", text, shell.name }
  return spawn(shell, table.move(shell.arguments, 1, #shell.arguments, 5, words), options)
end

-- The same in a job of its own: { job =, processes = {...}, pids = {...}, text = } for M.wait.
function start_shell(shell, text, descriptors)
  local job, message = new_job()
  if not job then return nil, say(message) end
  local process, pid = spawn_shell(shell, text, job, descriptors)
  if not process then return nil, pid end
  return { job = job, processes = { process }, pids = { pid }, text = text }
end

-- ---- waiting

local function set_foreground(shell, job)
  if shell.interactive and shell.control then
    protocol.terminal.set_foreground(shell.control, { job = job })
  end
end

-- Waits for all processes of what was started; the status of the last one.
function wait_for(started)
  local status = 0
  for _, process in ipairs(started.processes) do
    local result, message, name
    repeat
      result, message, name = swos.process_wait(process)
    until name ~= "INTERRUPTED"
    status = result or (say(message) or 1)
    process:close()
  end
  started.job:close()
  return status
end

-- ---- pipelines

local function assign(shell, context, assignments)
  for _, entry in ipairs(assignments) do shell:set(entry[1], expand.string(entry[2], context)) end
end

-- Runs a builtin with its descriptors; state it changes stays.
local function run_builtin(shell, builtin, words, descriptors)
  local io = {
    write = function(text)
      if not descriptors[1] then return nil end
      return fd.write(descriptors[1], text)
    end,
    fail = function(text)
      if descriptors[2] then fd.write(descriptors[2], ("sh: %s: %s\n"):format(words[1], text)) end
      return 1
    end,
  }
  return builtin(shell, words, io) or 0
end

-- One command of a pipeline; get_job() is the pipeline's job, made when it is needed. Returns a
-- process and its pid, or nil and the status.
local function run_command(shell, context, command, get_job, descriptors, opened, in_pipeline)
  if command.kind == "subshell" then
    local ok, message = redirect(context, command.redirects, descriptors, opened)
    if not ok then return nil, say(message) or 1 end
    return spawn_shell(shell, command.text, get_job(), descriptors)
  end
  local words = expand.words(command.words, context)
  local ok, message = redirect(context, command.redirects, descriptors, opened)
  if not ok then return nil, say(message) or 1 end
  if #words == 0 then
    local status = shell.status
    if not in_pipeline then assign(shell, context, command.assignments) end
    return nil, #command.assignments > 0 and shell.status ~= status and shell.status or 0
  end
  local builtin = builtins[words[1]]
  if builtin then
    assign(shell, context, command.assignments)
    return nil, run_builtin(shell, builtin, words, descriptors)
  end
  local options = base_options(shell, get_job(), descriptors)
  for _, entry in ipairs(command.assignments) do
    options.environment[#options.environment + 1] = entry[1] .. "=" .. expand.string(entry[2], context)
  end
  return spawn(shell, words, options)
end

-- Starts all commands. A builtin in the middle runs in the shell after the programs were started
-- that read from it, so that its output has a reader.
local function run_pipeline(shell, pipeline)
  local context, count = expansion(shell), #pipeline.commands
  local job
  local function get_job()
    if not job then
      local message
      job, message = new_job()
      if not job then return nil, message end
      set_foreground(shell, job)
    end
    return job
  end
  local pipes = {}
  for i = 1, count - 1 do
    local reader, writer = fd.pipe()
    if not reader then
      close_all(pipes)
      say(writer)
      return 1
    end
    pipes[2 * i - 1], pipes[2 * i] = reader, writer
  end
  local processes, statuses, opened = {}, {}, {}
  for i = count, 1, -1 do
    local input, output = i > 1 and pipes[2 * i - 3], i < count and pipes[2 * i]
    local process, result = run_command(shell, context, pipeline.commands[i], get_job,
      { [0] = input or 0, [1] = output or 1, [2] = 2 }, opened, count > 1)
    if process then table.insert(processes, 1, process) else statuses[i] = result end
    close_all(opened)
    -- the shell's own copies of the ends this command used
    if output then fd.close(output) end
    if input then fd.close(input) end
  end
  local status = 0
  if job then
    status = wait_for({ job = job, processes = processes })
    set_foreground(shell, swos.handle("job"))
  end
  status = statuses[count] or status
  if pipeline.negated then status = status == 0 and 1 or 0 end
  return status
end

local function run_background(shell, node)
  local null = fd.open("/dev/null", swos.OPEN_READ)
  local started = start_shell(shell, node.text, { [0] = null, [1] = 1, [2] = 2 })
  if null then fd.close(null) end
  if not started then return 1 end
  shell:add_background(started)
  return 0
end

local function run_and_or(shell, node)
  if node.background then return run_background(shell, node) end
  shell.status = run_pipeline(shell, node.first)
  for _, entry in ipairs(node.rest) do
    if shell.stopped then break end
    if (entry[1] == "&&") == (shell.status == 0) then shell.status = run_pipeline(shell, entry[2]) end
  end
  return shell.status
end

-- Runs a parsed list; the status of its last command.
function M.list(shell, list)
  for _, node in ipairs(list) do
    if shell.stopped then break end
    shell.status = run_and_or(shell, node)
  end
  return shell.status
end

-- Runs text; nil, "incomplete" when it needs more lines.
function M.text(shell, text)
  local list, message = parser.parse(text)
  if not list then
    if message == "incomplete" then return nil, message end
    say(message)
    shell.status = 2
    return 2
  end
  return M.list(shell, list)
end

return M
