-- Starting programs and other shells, and waiting for them.
--
-- A group is what one pipeline starts: a job below the shell's own, made when it is needed, with its
-- processes. A shell on a terminal gives it the terminal once all of them have started, and takes it back
-- when they have ended or stopped (swos.sh.jobs); the shell itself is not in it. Output that a shell
-- collects (for $(...)) comes from a group through a pipe that is read before the group is waited for.
local swos = require("swos")
local fd, sys = swos.fd, swos.sys

local M = {}

local NOT_FOUND, NOT_EXECUTABLE = 127, 126
local SHELL = "/bin/sh"
local READ_BYTES = 16384
local PIECE_BYTES = 4096
local TREE_DEPTH = 10000 -- tables in each other in what a shell sends: commands nest 400 deep
local STATE_FD = 255 -- where a shell started for a subshell finds its state

-- ---- groups

function M.group(shell)
  return { shell = shell, processes = {}, pids = {}, writers = {}, readers = {} }
end

-- Whether it will have a terminal.
local function is_foreground(group)
  local shell = group.shell
  return shell.interactive and shell.control and not group.background
end

-- The group's job; nil after a message.
local function job_of(group)
  if group.job then return group.job end
  local own, message = swos.handle("job"), "no job to run commands in"
  if own then group.job, message = sys.job_create(own, {}) end
  if not group.job then
    group.shell:say("no job for the command: " .. tostring(message))
    return nil
  end
  if is_foreground(group) then group.before = { require("swos.sh.jobs").modes(group.shell) } end
  return group.job
end

-- The shell's descriptors for a child: { number = own }; collected output becomes a pipe's end.
local function child_descriptors(group)
  local map = {}
  for number, own in pairs(group.shell.descriptors) do
    if type(own) == "table" then
      local writer = group.writers[own]
      if not writer then
        local reader
        reader, writer = fd.pipe()
        if reader then
          group.writers[own] = writer
          group.readers[#group.readers + 1] = { reader = reader, into = own }
        else
          group.shell:say(writer)
          writer = nil
        end
      end
      own = writer
    end
    map[number] = own
  end
  return map
end

local function close_writers(group)
  for _, writer in pairs(group.writers) do fd.close(writer) end
  group.writers = {}
end

-- An interrupt does not end it: it ends those who write, or they go on.
local function drain(group)
  local shell = group.shell
  for _, entry in ipairs(group.readers) do
    while true do
      local piece, _, name = fd.read(entry.reader, READ_BYTES)
      if piece == "" or not piece and name ~= "INTERRUPTED" then break end
      if piece then entry.into[#entry.into + 1] = piece else shell:take_interrupts() end
    end
    fd.close(entry.reader)
  end
  group.readers = {}
end

-- ---- starting

-- Paths to try for a command's name.
function M.candidates(shell, name, path)
  if name:find("/", 1, true) then return { name } end
  local list = {}
  for directory in ((path or shell:get("PATH") or "/bin") .. ":"):gmatch("([^:]*):") do
    list[#list + 1] = (directory == "" and "." or directory) .. "/" .. name
  end
  return list
end

local function options_of(group, environment)
  return { job = job_of(group), descriptors = child_descriptors(group), environment = environment,
    handles = { session = swos.handle("session") or swos.handle("job") } }
end

local function add(group, process, pid)
  group.processes[#group.processes + 1] = process
  group.pids[#group.pids + 1] = pid
end

-- The status when something could not be started for Ctrl-C; nil: for something else. Nothing asked of a
-- server here has a time limit: an outcome that is not known is an interrupt's, too.
local function interrupted(shell, name)
  if name ~= "INTERRUPTED" and name ~= "UNKNOWN_OUTCOME" then return nil end
  shell:poll()
  return 130
end

-- Why a program was not found: it is there, but not what its first line wants; at a prompt, what has its
-- place here.
local function say_not_found(shell, name)
  local text = name:find("/", 1, true) and require("swos.fs").read(name)
  local interpreter = text and text:match("^#![ \t]*([^ \t\n]+)")
  local here = shell.interactive and require("swos.sh.elsewhere")[name]
  shell:say(name .. (interpreter and ": interpreter " .. interpreter or "") .. ": not found"
    .. (here and "; here: " .. here or ""))
end

-- Starts a program: nil, or the exit status after a message. more: variables of this command alone.
function M.start(group, words, more)
  local shell = group.shell
  local options = options_of(group, shell:environment(more))
  if not options.job then return NOT_EXECUTABLE end
  options.arguments = words
  group.text = group.text or table.concat(words, " ")
  local process, message, name = nil, "not found", "NOT_FOUND"
  local search
  for _, entry in ipairs(more or {}) do
    if entry[1] == "PATH" then search = entry[2] end
  end
  for _, path in ipairs(words[1] == "" and {} or M.candidates(shell, words[1], search)) do
    process, message, name = swos.spawn(path, options)
    if name == "BAD_IMAGE" then
      -- neither program nor script of a program: commands for a shell
      options.arguments = table.move(words, 2, #words, 3, { SHELL, path })
      process, message, name = swos.spawn(SHELL, options)
    end
    if process or name ~= "NOT_FOUND" then break end
  end
  if process then return add(group, process, message) end
  local status = interrupted(shell, name)
  if status then return status end
  if name == "NOT_FOUND" then
    say_not_found(shell, words[1])
    return NOT_FOUND
  end
  shell:say(("%s: %s"):format(words[1], message))
  return NOT_EXECUTABLE
end

-- Starts another shell that runs a node with this one's state: nil, or the exit status.
function M.start_shell(group, node)
  local shell = group.shell
  local options = options_of(group, shell:environment())
  if not options.job then return NOT_EXECUTABLE end
  local reader, writer = fd.pipe()
  if not reader then
    shell:say(writer)
    return NOT_EXECUTABLE
  end
  options.descriptors[STATE_FD] = reader
  options.arguments = { SHELL, "--subshell" }
  group.text = group.text or "(...)"
  local process, message, name = swos.spawn(SHELL, options)
  fd.close(reader)
  if not process then
    fd.close(writer)
    local status = interrupted(shell, name)
    if not status then shell:say("subshell: " .. message) end
    return status or NOT_EXECUTABLE
  end
  add(group, process, message)
  local state = shell:state()
  state.node = node
  -- The child reads before it does anything else. A piece goes whole or not at all, so an interrupt, which
  -- is for later, does not cut the state.
  local text = require("swos.service.plain").encode(state, TREE_DEPTH)
  for at = 1, #text, PIECE_BYTES do
    repeat
      local _, _, code = fd.write(writer, text:sub(at, at + PIECE_BYTES - 1))
      if code == "INTERRUPTED" then shell:take_interrupts() end
    until code ~= "INTERRUPTED"
  end
  fd.close(writer)
end

-- The other side: the state that start_shell sent.
function M.receive_state()
  local pieces = {}
  while true do
    local piece = fd.read(STATE_FD, READ_BYTES)
    if not piece or piece == "" then break end
    pieces[#pieces + 1] = piece
  end
  fd.close(STATE_FD)
  return assert(require("swos.service.plain").decode(table.concat(pieces), TREE_DEPTH, math.maxinteger))
end

-- ---- waiting

-- Waits for all processes of a group; the status of the last one, nil when there was none.
function M.wait(group)
  local shell, status = group.shell, nil
  close_writers(group)
  if group.processes[1] and is_foreground(group) then
    if group.readers[1] then
      group.drain = function() drain(group) end
    end
    return require("swos.sh.jobs").run(shell, group, table.unpack(group.before))
  end
  drain(group)
  for _, process in ipairs(group.processes) do
    local result, message, name
    repeat
      result, message, name = swos.process_wait(process)
      if name == "INTERRUPTED" then shell:take_interrupts() end
    until name ~= "INTERRUPTED"
    if not result then shell:say(message) end
    status = result or 1
    process:close()
  end
  if group.job then group.job:close() end
  return status
end

-- Leaves a group running in the background.
function M.detach(group)
  close_writers(group)
  if not group.processes[1] then
    if group.job then group.job:close() end
    return
  end
  local sinks = group.shell.sinks
  if group.readers[1] and sinks then table.move(group.readers, 1, #group.readers, #sinks + 1, sinks) end
  group.shell:add_background(group)
end

-- Runs body in a subshell with standard output collected: the text, the status. Background commands are heard
-- to their end.
function M.collect(shell, body)
  local output, outer = {}, shell.sinks
  shell.sinks = {}
  local status = shell:subshell(function()
    shell:set_descriptor(1, output)
    return body()
  end)
  drain({ shell = shell, readers = shell.sinks })
  shell.sinks = outer
  return table.concat(output), status
end

return M
