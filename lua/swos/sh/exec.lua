-- Runs the parser's tree.
--
-- There is no fork. A subshell in the foreground, $(...) too, runs in this process on a copy of the shell's
-- state that is dropped afterwards (Shell:subshell). What runs beside the shell is another shell, started
-- with the tree and the state (swos.sh.process): members of a pipeline that are neither programs nor
-- builtins, lists in the background, subshells so deep in each other that the stack would not hold them.
--
-- shell.unwind says why commands are left: "exit", "return", "break", "continue", "interrupt"; what runs a
-- list looks at it.
local swos = require("swos")
local builtins = require("swos.sh.builtins")
local expand = require("swos.sh.expand")
local process = require("swos.sh.process")
local commands, special, fd = builtins.commands, builtins.special, swos.fd

local M = {}

local CALLS_MAX = 1000  -- shell functions, and texts of eval and `.`, in each other
local NESTING_MAX = 20  -- subshells in each other in one process
local PIPE_MAX = 1 << 20

local run, run_list

-- ---- expansion's view of the shell

local function list_directory(directory)
  local entries = require("swos.fs").list(directory)
  if not entries then return nil end
  local names = {}
  for i, entry in ipairs(entries) do names[i] = entry.name end
  return names
end

local function substitute(shell, list)
  local output, status = process.collect(shell, function()
    if shell.nesting > NESTING_MAX then return M.run_apart(shell, { kind = "brace", list = list }) end
    return run_list(shell, list)
  end)
  shell.status, shell.substituted = status, status
  return output
end

function M.expansion(shell)
  return {
    get = function(name) return shell.variables[name] or shell:get(name) end,
    set = function(name, value) shell:set(name, value) end,
    arguments = function() return shell.arguments end,
    command = function(list) return substitute(shell, list) end,
    list = list_directory,
    exists = function(path) return require("swos.fs").stat(path) ~= nil end,
    unset_is_error = function() return shell.options.u end,
    no_glob = function() return shell.options.f end,
  }
end

-- ---- redirection

local OPEN_FLAGS = {
  ["<"] = swos.OPEN_READ,
  [">"] = swos.OPEN_WRITE | swos.OPEN_CREATE | swos.OPEN_TRUNCATE,
  [">|"] = swos.OPEN_WRITE | swos.OPEN_CREATE | swos.OPEN_TRUNCATE,
  [">>"] = swos.OPEN_WRITE | swos.OPEN_CREATE | swos.OPEN_APPEND,
  ["<>"] = swos.OPEN_READ | swos.OPEN_WRITE | swos.OPEN_CREATE,
}

local NEW_MODE = 0x1a4 -- rw-r--r--: what one account creates, another does not change
local FD_MAX = 200
local FD_DIRECTORY = 0x100 -- SW_FD_DIRECTORY of swos/fd.h

-- A pipe that holds text, with nobody at its other end; nil: it is too long for one.
local function pipe_of(text)
  if #text > PIPE_MAX then return nil, "too long" end
  local reader, writer = fd.pipe(math.max(#text, 1))
  if not reader then return nil, writer end
  local ok, message = true, nil
  if text ~= "" then ok, message = fd.write(writer, text) end
  fd.close(writer)
  if ok then return reader end
  fd.close(reader)
  return nil, message
end

-- A pipe another shell writes text into. That one ends with what reads it, and is not waited for.
local function pipe_from_beside(shell, text)
  local reader, writer = fd.pipe()
  if not reader then return nil, writer end
  local depth = #shell.records
  shell.held[writer] = 1
  shell:set_descriptor(1, writer, shell:record("descriptors"))
  local group = process.group(shell)
  group.background, group.at = true, 0
  process.start_shell(group, { kind = "simple",
    words = { { lit = "printf" }, { lit = "%s" }, { lit = text } } })
  shell:restore(depth)
  if group.processes[1] then table.insert(shell.orphans, group) end
  return reader
end

local function open_target(shell, entry, target)
  local flags = OPEN_FLAGS[entry.op]
  if entry.op == ">" and shell.options.C and target ~= "/dev/null"
    and require("swos.fs").stat(target) then
    return nil, "file exists"
  end
  local own, message = fd.open(target, flags, NEW_MODE)
  if own and fd.kind(own) == FD_DIRECTORY then -- it is nothing another process could be given
    fd.close(own)
    return nil, "is a directory"
  end
  return own, message
end

-- Applies redirects; record as for Shell:set_descriptor. Raises a message.
local function redirect(shell, redirects, record)
  for _, entry in ipairs(redirects) do
    local target = expand.string(entry.word, shell.expansion)
    local own, message
    if entry.fd < 0 or entry.fd > FD_MAX then shell:raise("bad file descriptor") end
    if entry.op == "<<" then
      own, message = pipe_of(target)
      if not own and #target > PIPE_MAX then own, message = pipe_from_beside(shell, target) end
      if not own then shell:raise("here-document: " .. message) end
      shell.held[own] = 1
    elseif OPEN_FLAGS[entry.op] then
      own, message = open_target(shell, entry, target)
      if not own then shell:raise(("%s: %s"):format(target, message)) end
      shell.held[own] = 1
    elseif target ~= "-" then
      own = target:find("^%d+$") and shell.descriptors[tonumber(target)]
      if not own then shell:raise(target .. ": bad file descriptor") end
      shell:hold(own)
    end
    shell:set_descriptor(entry.fd, own, record)
  end
end

-- ---- builtins

-- What builtins are given: io.write, io.fail, for the one that runs.
local function builtin_io(shell)
  local io = {}
  function io.write(text)
    local ok, message, name = shell:write(1, text)
    if ok then return true end
    if name == "PEER_CLOSED" then
      shell.unwind = shell.unwind or "exit"
      io.failed = 141
    elseif name == "INTERRUPTED" then
      io.failed = 130
    elseif not io.failed then
      shell:say(("%s: %s"):format(io.name, message))
      io.failed = 1
    end
    return nil
  end
  function io.fail(text, status)
    shell:say(("%s: %s"):format(io.name, text))
    return status or 1
  end
  return io
end

-- These print or look at any word they are given.
local WITHOUT_HELP = { [":"] = true, ["true"] = true, ["false"] = true, echo = true, printf = true,
  test = true, ["["] = true }

local function help(name, io)
  local page = require("swos.options").page(name)
  if not page then return nil end
  io.write(page.help)
  return 0
end

-- Runs a builtin; state it changes stays.
local function run_builtin(shell, builtin, words)
  local io = shell.io
  if not io then
    io = builtin_io(shell)
    shell.io = io
  end
  local outer = io.name
  io.name, io.failed = words[1], nil
  local asks = words[2] == "--help" and not words[3] and not WITHOUT_HELP[words[1]]
  local status = asks and help(words[1], io) or builtin(shell, words, io) or 0
  status, io.name, io.failed = io.failed or status, outer, nil
  return status
end

-- ---- functions

local function call(shell, body, words)
  if shell.calls >= CALLS_MAX then shell:raise(words[1] .. ": too many functions in each other") end
  local depth = #shell.records
  shell.calls = shell.calls + 1
  shell:record("call", { arguments = shell.arguments, loops = shell.loops, outer = shell.call })
  shell.call = shell:record("variables")
  shell.arguments, shell.loops = table.move(words, 2, #words, 1, {}), 0
  if shell.event then shell:poll() end
  local status = shell.unwind and shell.status or run(shell, body)
  if shell.unwind == "return" then
    shell.unwind = nil
    status = shell.status
  end
  shell:restore(depth)
  return status
end

-- ---- simple commands

local function trace(shell, assignments, words)
  local out = {}
  for _, entry in ipairs(assignments or {}) do out[#out + 1] = entry[1] .. "=" .. entry[2] end
  for _, word in ipairs(words) do out[#out + 1] = word end
  shell:write(2, "+ " .. table.concat(out, " ") .. "\n")
end

-- { { name, value }... }, expanded in order, each seen by the next.
local function expanded_assignments(shell, assignments)
  local out = {}
  for i, entry in ipairs(assignments) do out[i] = { entry[1], expand.string(entry[2], shell.expansion) } end
  return out
end

local function assign(shell, assignments)
  local out = {}
  for i, entry in ipairs(assignments) do
    local value = expand.string(entry[2], shell.expansion)
    shell:set(entry[1], value)
    out[i] = { entry[1], value }
  end
  return out
end

local function run_external(shell, words, assignments)
  local group = process.group(shell)
  local status = process.start(group, words, assignments)
  return process.wait(group) or status
end

-- Runs the words with assignments and redirects; plain: functions are not looked at (`command`).
local function run_words(shell, words, node, plain)
  local name = words[1]
  local is_special = special[name] and not plain
  local body = not plain and not is_special and shell.functions[name]
  local builtin = not body and commands[name]
  local depth = #shell.records
  if node.redirects then
    local record = shell:record("descriptors")
    local ok, failure = pcall(redirect, shell, node.redirects, record)
    if not ok then
      if type(failure) ~= "table" or not failure.message or is_special then error(failure, 0) end
      shell:restore(depth)
      shell:say(failure.message)
      return failure.status or 2
    end
    if name == "exec" and not words[2] then -- these stay
      for i = 1, #record, 2 do
        if record[i + 1] then shell:release(record[i + 1]) end
        record[i], record[i + 1] = nil, nil
      end
    end
  end
  local assignments
  if node.assignments then
    if is_special then
      assignments = assign(shell, node.assignments)
    elseif builtin or body then
      local record = shell:record("variables")
      for _, entry in ipairs(node.assignments) do shell:remember(record, entry[1]) end
      assignments = assign(shell, node.assignments)
      for _, entry in ipairs(assignments) do shell:export(entry[1]) end
    else
      assignments = expanded_assignments(shell, node.assignments)
    end
  end
  if shell.options.x then trace(shell, assignments, words) end
  local status
  if body then
    status = call(shell, body, words)
  elseif builtin then
    status = run_builtin(shell, builtin, words)
  else
    status = run_external(shell, words, assignments)
  end
  if node.redirects or node.assignments then shell:restore(depth) end
  return status
end
M.run_words = run_words

-- Only assignments and redirects.
local function run_nothing(shell, node)
  local depth = #shell.records
  if node.redirects then
    redirect(shell, node.redirects, shell:record("descriptors"))
    shell:restore(depth)
  end
  local assignments = node.assignments
  if assignments and shell.options.x then
    trace(shell, assign(shell, assignments), {})
  elseif assignments then
    for i = 1, #assignments do
      local entry = assignments[i]
      shell:set(entry[1], expand.string(entry[2], shell.expansion))
    end
  end
  return shell.substituted or 0
end

-- set -e: a command that failed ends the shell, but where its status is asked for.
local function checked(shell, status)
  shell.status = status
  if status ~= 0 and shell.options.e and shell.guard == 0 and not shell.unwind then shell.unwind = "exit" end
  return status
end

local handlers = {}

function handlers.simple(shell, node)
  shell.substituted = nil
  local words = expand.words(node.words, shell.expansion)
  if shell.unwind then return shell.status end -- what is in $(...) was interrupted
  if words[1] then return checked(shell, run_words(shell, words, node)) end
  return checked(shell, run_nothing(shell, node))
end

-- ---- compound commands

-- Runs body(shell, node) with the node's redirects.
local function with_redirects(body)
  return function(shell, node)
    if not node.redirects then return body(shell, node) end
    local depth = #shell.records
    local record = shell:record("descriptors")
    local ok, failure = pcall(redirect, shell, node.redirects, record)
    if not ok then
      if type(failure) ~= "table" or not failure.message then error(failure, 0) end
      shell:restore(depth)
      shell:say(failure.message)
      return checked(shell, failure.status or 2)
    end
    local status = body(shell, node)
    shell:restore(depth)
    return status
  end
end

handlers.brace = with_redirects(function(shell, node) return run_list(shell, node.list) end)

-- Runs a node in another shell and waits for it.
function M.run_apart(shell, node)
  local group = process.group(shell)
  local status = process.start_shell(group, node)
  return process.wait(group) or status
end

handlers.subshell = with_redirects(function(shell, node)
  if shell.nesting > NESTING_MAX then
    return checked(shell, M.run_apart(shell, { kind = "brace", list = node.list }))
  end
  return checked(shell, shell:subshell(function() return run_list(shell, node.list) end))
end)

-- A list whose status is asked for: set -e does not end the shell in it.
local function condition(shell, list)
  shell.guard = shell.guard + 1
  local status = run_list(shell, list)
  shell.guard = shell.guard - 1
  return status
end

handlers["if"] = with_redirects(function(shell, node)
  for _, clause in ipairs(node.clauses) do
    local status = condition(shell, clause[1])
    if shell.unwind then return status end
    if status == 0 then return run_list(shell, clause[2]) end
  end
  if node.otherwise then return run_list(shell, node.otherwise) end
  return 0
end)

-- After a round of a loop: whether to leave it.
local function leaves_loop(shell)
  if shell.event and not shell.unwind then shell:poll() end
  local unwind = shell.unwind
  if unwind ~= "break" and unwind ~= "continue" then return unwind ~= nil end
  shell.unwind_count = shell.unwind_count - 1
  if shell.unwind_count > 0 then return true end
  shell.unwind = nil
  return unwind == "break"
end

handlers["while"] = with_redirects(function(shell, node)
  local status = 0
  shell.loops = shell.loops + 1
  while true do
    local holds = condition(shell, node.condition) == 0
    if shell.unwind then
      if leaves_loop(shell) then break end
    elseif holds == node.is_until then
      break
    else
      status = run_list(shell, node.body)
      if leaves_loop(shell) then break end
    end
  end
  shell.loops = shell.loops - 1
  return shell.unwind and shell.status or status
end)

handlers["for"] = with_redirects(function(shell, node)
  local status = 0
  local words = node.words and expand.words(node.words, shell.expansion)
    or table.move(shell.arguments, 1, #shell.arguments, 1, {})
  shell.loops = shell.loops + 1
  for _, word in ipairs(words) do
    shell:set(node.name, word)
    status = run_list(shell, node.body)
    if leaves_loop(shell) then break end
  end
  shell.loops = shell.loops - 1
  return status
end)

handlers.case = with_redirects(function(shell, node)
  local text = expand.string(node.word, shell.expansion)
  if shell.unwind then return shell.status end
  for _, item in ipairs(node.items) do
    for _, pattern in ipairs(item.patterns) do
      local matched
      if pattern.lit then
        matched = pattern.lit == text
      else
        matched = require("swos.sh.glob").matches(expand.pattern(pattern, shell.expansion), text)
      end
      if matched then return run_list(shell, item.body) end
    end
  end
  return 0
end)

handlers["function"] = function(shell, node)
  shell.functions[node.name] = node.body
  return 0
end

function handlers.and_or(shell, node)
  local rest = node.rest
  shell.guard = shell.guard + 1
  local status = run(shell, node.first)
  for i, entry in ipairs(rest) do
    shell.status = status
    if shell.unwind then break end
    if (entry[1] == "&&") == (status == 0) then
      if i == #rest then
        shell.guard = shell.guard - 1
        status = run(shell, entry[2])
        shell.guard = shell.guard + 1
      else
        status = run(shell, entry[2])
      end
    end
  end
  shell.guard = shell.guard - 1
  return status
end

-- ---- pipelines

-- How a member of a pipeline is to be run: "program", "builtin" (one that neither reads nor changes
-- anything), "shell", or "nothing"; with its words as they are then.
local function prepare(shell, node)
  if node.kind ~= "simple" then return "shell", node end
  local words = shell:apart(function() return expand.words(node.words, shell.expansion) end)
  local name, literal = words[1], {}
  for i, word in ipairs(words) do literal[i] = { lit = word } end
  local expanded = { kind = "simple", words = literal, assignments = node.assignments,
    redirects = node.redirects }
  if not name then return "shell", expanded, words end
  if shell.functions[name] and not special[name] then return "shell", expanded, words end
  if commands[name] then return builtins.only_writes[name] and "builtin" or "shell", expanded, words end
  return "program", expanded, words
end

local function start_member(shell, group, how, node, words)
  if how ~= "program" then return process.start_shell(group, node) end
  local depth = #shell.records
  if node.redirects then redirect(shell, node.redirects, shell:record("descriptors")) end
  local assignments = node.assignments and expanded_assignments(shell, node.assignments)
  if shell.options.x then trace(shell, assignments, words) end
  local status = process.start(group, words, assignments)
  shell:restore(depth)
  return status
end

-- One member. The reader for the next one, or nil; the status if it is known already.
local function member(shell, group, node, is_last)
  local how, words
  how, node, words = prepare(shell, node)
  if is_last then
    if how == "builtin" or how == "shell" and not shell.interactive and shell.nesting <= NESTING_MAX then
      return nil, shell:subshell(function() return run(shell, node) end)
    end
    return nil, start_member(shell, group, how, node, words)
  end
  if how == "builtin" then
    -- collected, so that nothing waits for who reads it
    local output, status = process.collect(shell, function() return handlers.simple(shell, node) end)
    local reader = pipe_of(output)
    if reader then return reader, status end
    how, node = "shell", { kind = "simple", words = { { lit = "printf" }, { lit = "%s" }, { lit = output } } }
  end
  local reader, writer = fd.pipe()
  if not reader then shell:raise(writer) end
  local depth = #shell.records
  shell.held[writer] = 1
  shell:set_descriptor(1, writer, shell:record("descriptors"))
  local _, failed = shell:protect(function() start_member(shell, group, how, node, words) end)
  shell:restore(depth)
  return reader, failed and 2 or nil
end

local function run_members(shell, members, group)
  local reader, status
  for i, node in ipairs(members) do
    local depth = #shell.records
    if reader then
      shell.held[reader] = 1
      shell:set_descriptor(0, reader, shell:record("descriptors"))
      reader = nil
    end
    status = shell:protect(function()
      local known
      reader, known = member(shell, group, node, i == #members)
      return known
    end)
    shell:restore(depth)
  end
  return status
end

function handlers.pipeline(shell, node)
  local status
  if node.negated then shell.guard = shell.guard + 1 end
  if not node.commands[2] then
    status = run(shell, node.commands[1])
  else
    local group = process.group(shell)
    group.text = node.text
    local known = run_members(shell, node.commands, group)
    local last = process.wait(group)
    status = known or last or 0
  end
  if not node.negated then return checked(shell, status) end
  shell.guard = shell.guard - 1
  if shell.unwind then return status end
  shell.status = status == 0 and 1 or 0
  return shell.status
end

function handlers.background(shell, node)
  if shell.interactive and not require("swos.sh.jobs").has_room(shell) then return checked(shell, 1) end
  local depth = #shell.records
  local null = fd.open("/dev/null", swos.OPEN_READ)
  if null then
    shell.held[null] = 1
    shell:set_descriptor(0, null, shell:record("descriptors"))
  end
  local group = process.group(shell)
  group.background, group.text = true, node.text
  shell:protect(function()
    local how, member_node, words = prepare(shell, node.node)
    start_member(shell, group, how == "program" and how or "shell", member_node, words)
  end)
  shell:restore(depth)
  process.detach(group)
  return 0
end

function run(shell, node) return handlers[node.kind](shell, node) end
M.run = run

function run_list(shell, list)
  local status = 0
  for i = 1, #list do
    local node = list[i]
    status = handlers[node.kind](shell, node)
    if shell.unwind then return shell.status end
    shell.status = status
    if shell.polls then shell:poll() end
  end
  return status
end
M.list = run_list

-- ---- texts

-- Runs text line by line, as from a file. The status.
function M.text(shell, text)
  if shell.calls >= CALLS_MAX then shell:raise("too many texts in each other") end
  local depth = #shell.records
  shell.calls = shell.calls + 1
  shell:record("text")
  local parser = require("swos.sh.parser") -- a subshell gets a tree
  local source = parser.new({ text = text, closed = true }, shell.aliases)
  local status = 0
  while not shell.unwind do
    local list, message, line = parser.next_line(source)
    if list == false then break end
    if not list then error({ message = message, line = line }, 0) end
    if not shell.options.n then status = run_list(shell, list) end
  end
  shell:restore(depth)
  return shell.unwind and shell.status or status
end

return M
