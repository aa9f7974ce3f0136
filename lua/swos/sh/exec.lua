-- Runs the parser's tree: what a node does is made once, as a function of the shell that returns the status
-- (`builders`), and called as often as the node is run. The tree stays as it is, since another shell may be
-- sent it.
--
-- There is no fork. A subshell in the foreground, $(...) too, runs in this process on a copy of the shell's
-- state that is dropped afterwards (Shell:subshell). What runs beside the shell is another shell, started
-- with the tree and the state (swos.sh.process): members of a pipeline that are neither programs nor
-- builtins, lists in the background, subshells so deep in each other that the stack would not hold them.
--
-- shell.unwind says why commands are left: "exit", "return", "break", "continue", "interrupt", or false; what
-- runs a list looks at it.
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

-- Whoever asks for the status of what the output is for does not ask for that of commands in here: set -e
-- holds in them.
local function substitute(shell, list)
  local guard = shell.guard
  shell.guard = 0
  local output, status = process.collect(shell, function()
    if shell.nesting > NESTING_MAX then return M.run_apart(shell, { kind = "brace", list = list }) end
    return run_list(shell, list)
  end)
  shell.guard, shell.status, shell.substituted = guard, status, status
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

-- What a redirection that failed raises, unlike what its words do.
local function redirection_failed(format, ...)
  error({ message = format:format(...), status = 2, is_redirection = true }, 0)
end

-- Applies redirects; record as for Shell:set_descriptor. Raises a message.
local function redirect(shell, redirects, record)
  for _, entry in ipairs(redirects) do
    local target = expand.string(entry.word, shell.expansion)
    local own, message
    if entry.fd < 0 or entry.fd > FD_MAX then redirection_failed("bad file descriptor") end
    if entry.op == "<<" then
      own, message = pipe_of(target)
      if not own and #target > PIPE_MAX then own, message = pipe_from_beside(shell, target) end
      if not own then redirection_failed("here-document: %s", message) end
      shell.held[own] = 1
    elseif OPEN_FLAGS[entry.op] then
      own, message = open_target(shell, entry, target)
      if not own then redirection_failed("%s: %s", target, message) end
      shell.held[own] = 1
    elseif target ~= "-" then
      own = target:find("^%d+$") and shell.descriptors[tonumber(target)]
      if not own then redirection_failed("%s: bad file descriptor", target) end
      shell:hold(own)
    end
    shell:set_descriptor(entry.fd, own, record)
  end
end

-- Applies them with a new record, which is returned; nil and a status when one failed: then that was said and
-- all is put back. What their words raise is raised.
local function try_redirect(shell, redirects)
  local depth, record = #shell.records, shell:record("descriptors")
  local ok, failure = pcall(redirect, shell, redirects, record)
  if ok then return record end
  if type(failure) ~= "table" or not failure.is_redirection then error(failure, 0) end
  shell:restore(depth)
  shell:say(failure.message)
  return nil, failure.status
end

-- ---- builtins

-- What builtins are given: io.write, io.fail, for the one that runs.
local function builtin_io(shell)
  local io = { words = false, failed = false }
  function io.write(text)
    local ok, message, name = shell:write(1, text)
    if ok then return true end
    if name == "PEER_CLOSED" then
      shell.unwind = shell.unwind or "exit"
      io.failed = 141
    elseif name == "INTERRUPTED" then
      io.failed = 130
    elseif not io.failed then
      shell:say(("%s: %s"):format(io.words[1], message))
      io.failed = 1
    end
    return nil
  end
  function io.fail(text, status)
    shell:say(("%s: %s"):format(io.words[1], text))
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
  local io, status = shell.io, nil
  if not io then
    io = builtin_io(shell)
    shell.io = io
  end
  local outer = io.words
  io.words, io.failed = words, false
  if words[2] == "--help" and not words[3] and not WITHOUT_HELP[words[1]] then status = help(words[1], io) end
  status = status or builtin(shell, words, io) or 0
  io.words = outer
  if not io.failed then return status end
  status, io.failed = io.failed, false
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
    shell.unwind = false
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

-- Whether the words' redirects are to stay: `exec` without a program, also as `command exec`.
local function keeps_redirects(words)
  local at = 1
  while words[at] == "command" do
    at = at + 1
    while words[at] == "-p" or words[at] == "--" do at = at + 1 end
  end
  return words[at] == "exec" and not words[at + 1]
end

-- Runs the words with assignments and redirects; plain: functions are not looked at (`command`).
local function run_words(shell, words, node, plain)
  local name = words[1]
  local is_special = special[name] and not plain
  local body = not plain and not is_special and shell.functions[name]
  local builtin = not body and commands[name]
  local depth = #shell.records
  if node.redirects then
    local record, failed
    if is_special then
      record = shell:record("descriptors")
      redirect(shell, node.redirects, record)
    else
      record, failed = try_redirect(shell, node.redirects)
      if not record then return failed end
    end
    if not body and keeps_redirects(words) then
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

-- set -e: a command that failed ends the shell, but where its status is asked for.
local function checked(shell, status)
  shell.status = status
  if status ~= 0 and shell.options.e and shell.guard == 0 and not shell.unwind then shell.unwind = "exit" end
  return status
end

local builders = {}

-- Only assignments and redirects; the status is that of the last $(...) in them, or in what were words.
local function build_nothing(node)
  local redirects, assignments, texts = node.redirects, node.assignments or {}, {}
  for i, entry in ipairs(assignments) do texts[i] = expand.prepared_string(entry[2]) end
  return function(shell)
    if redirects then
      local depth = #shell.records
      local record, failed = try_redirect(shell, redirects)
      if not record then return checked(shell, failed) end
      shell:restore(depth)
    end
    if texts[1] and shell.options.x then
      trace(shell, assign(shell, assignments), {})
    else
      for i = 1, #texts do shell:set(assignments[i][1], texts[i](shell.expansion)) end
    end
    return checked(shell, shell.substituted or 0)
  end
end

function builders.simple(node)
  local nothing = build_nothing(node)
  local expanded, is_plain = expand.prepared_words(node.words), not node.redirects and not node.assignments
  if not node.words[1] then
    return function(shell)
      shell.substituted = false
      return nothing(shell)
    end
  end
  return function(shell)
    shell.substituted = false
    local words = expanded(shell.expansion)
    if shell.unwind then return shell.status end -- what is in $(...) was interrupted
    local name = words[1]
    local status
    if not name then
      status = nothing(shell)
    elseif not is_plain or shell.options.x then
      status = run_words(shell, words, node)
    else
      local body, builtin = shell.functions[name], commands[name]
      if body and not special[name] then
        status = call(shell, body, words)
      elseif builtin then
        status = run_builtin(shell, builtin, words)
      else
        status = run_external(shell, words)
      end
    end
    if status ~= 0 then return checked(shell, status) end
    shell.status = 0
    return 0
  end
end

-- ---- compound commands

-- A node's function is made when it is first run: much of a script is not.
local function later(node)
  local body
  return function(shell)
    if not body then body = builders[node.kind](node) end
    return body(shell)
  end
end

local function build_list(list)
  local count, bodies = #list, {}
  if count == 1 then
    local only = later(list[1])
    return function(shell)
      local status = only(shell)
      if shell.unwind then return shell.status end
      shell.status = status
      if not shell.polls then return status end
      shell:poll()
      return shell.unwind and shell.status or status
    end
  end
  return function(shell)
    local status = 0
    for i = 1, count do
      local body = bodies[i]
      if not body then
        local node = list[i]
        body = builders[node.kind](node)
        bodies[i] = body
      end
      status = body(shell)
      if shell.unwind then return shell.status end
      shell.status = status
      if shell.polls then
        shell:poll()
        if shell.unwind then return shell.status end
      end
    end
    return status
  end
end

local built = setmetatable({}, { __mode = "k" }) -- by node and list; what a function or $(...) runs

function run(shell, node)
  local body = built[node]
  if not body then
    body = builders[node.kind](node)
    built[node] = body
  end
  return body(shell)
end

function run_list(shell, list)
  local body = built[list]
  if not body then
    body = build_list(list)
    built[list] = body
  end
  return body(shell)
end
M.list = run_list

-- body(shell) with the node's redirects.
local function with_redirects(node, body)
  local redirects = node.redirects
  if not redirects then return body end
  return function(shell)
    local depth = #shell.records
    local record, failed = try_redirect(shell, redirects)
    if not record then return checked(shell, failed) end
    local status = body(shell)
    shell:restore(depth)
    return status
  end
end

function builders.brace(node) return with_redirects(node, build_list(node.list)) end

-- Runs a node in another shell and waits for it.
function M.run_apart(shell, node)
  local group = process.group(shell)
  local status = process.start_shell(group, node)
  return process.wait(group) or status
end

function builders.subshell(node)
  local body = build_list(node.list)
  return with_redirects(node, function(shell)
    if shell.nesting > NESTING_MAX then
      return checked(shell, M.run_apart(shell, { kind = "brace", list = node.list }))
    end
    return checked(shell, shell:subshell(body))
  end)
end

-- A list whose status is asked for: set -e does not end the shell in it.
local function build_condition(list)
  local body = build_list(list)
  return function(shell)
    shell.guard = shell.guard + 1
    local status = body(shell)
    shell.guard = shell.guard - 1
    return status
  end
end

builders["if"] = function(node)
  local conditions, bodies = {}, {}
  for i, clause in ipairs(node.clauses) do
    conditions[i], bodies[i] = build_condition(clause[1]), build_list(clause[2])
  end
  local otherwise = node.otherwise and build_list(node.otherwise)
  return with_redirects(node, function(shell)
    for i = 1, #conditions do
      local status = conditions[i](shell)
      if shell.unwind then return status end
      if status == 0 then return bodies[i](shell) end
    end
    if otherwise then return otherwise(shell) end
    return 0
  end)
end

-- After a round of a loop: whether to leave it.
local function leaves_loop(shell)
  if shell.event and not shell.unwind then shell:poll() end
  local unwind = shell.unwind
  if not unwind then return false end
  if unwind ~= "break" and unwind ~= "continue" then return true end
  shell.unwind_count = shell.unwind_count - 1
  if shell.unwind_count > 0 then return true end
  shell.unwind = false
  return unwind == "break"
end

builders["while"] = function(node)
  local condition, body, is_until = build_condition(node.condition), build_list(node.body), node.is_until
  return with_redirects(node, function(shell)
    local status = 0
    shell.loops = shell.loops + 1
    while true do
      local holds = condition(shell) == 0
      if shell.unwind then
        if leaves_loop(shell) then break end
      elseif holds == is_until then
        break
      else
        status = body(shell)
        if (shell.unwind or shell.event) and leaves_loop(shell) then break end
      end
    end
    shell.loops = shell.loops - 1
    return shell.unwind and shell.status or status
  end)
end

builders["for"] = function(node)
  local expanded, body = node.words and expand.prepared_words(node.words), build_list(node.body)
  return with_redirects(node, function(shell)
    local status = 0
    local words = expanded and expanded(shell.expansion)
      or table.move(shell.arguments, 1, #shell.arguments, 1, {})
    shell.loops = shell.loops + 1
    for _, word in ipairs(words) do
      shell:set(node.name, word)
      status = body(shell)
      if (shell.unwind or shell.event) and leaves_loop(shell) then break end
    end
    shell.loops = shell.loops - 1
    return status
  end)
end

function builders.case(node)
  local word, bodies = expand.prepared_string(node.word), {}
  for i, item in ipairs(node.items) do bodies[i] = build_list(item.body) end
  return with_redirects(node, function(shell)
    local text = word(shell.expansion)
    if shell.unwind then return shell.status end
    for i, item in ipairs(node.items) do
      for _, pattern in ipairs(item.patterns) do
        local matched
        if pattern.lit then
          matched = pattern.lit == text
        else
          matched = require("swos.sh.glob").matches(expand.pattern(pattern, shell.expansion), text)
        end
        if matched then return bodies[i](shell) end
      end
    end
    return 0
  end)
end

builders["function"] = function(node)
  return function(shell)
    shell.functions[node.name] = node.body
    return 0
  end
end

function builders.and_or(node)
  local rest, first, bodies = node.rest, later(node.first), {}
  for i, entry in ipairs(rest) do bodies[i] = later(entry[2]) end
  return function(shell)
    shell.guard = shell.guard + 1
    local status = first(shell)
    for i, entry in ipairs(rest) do
      shell.status = status
      if shell.unwind then break end
      if (entry[1] == "&&") == (status == 0) then
        if i == #rest then
          shell.guard = shell.guard - 1
          status = bodies[i](shell)
          shell.guard = shell.guard + 1
        else
          status = bodies[i](shell)
        end
      end
    end
    shell.guard = shell.guard - 1
    return status
  end
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
    local output, status = process.collect(shell, function() return run(shell, node) end)
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

function builders.pipeline(node)
  local negated, single = node.negated, not node.commands[2] and later(node.commands[1])
  return function(shell)
    local status
    if negated then shell.guard = shell.guard + 1 end
    if single then
      status = single(shell)
    else
      local group = process.group(shell)
      group.text = node.text
      local known = run_members(shell, node.commands, group)
      local last = process.wait(group)
      status = known or last or 0
    end
    if not negated then return checked(shell, status) end
    shell.guard = shell.guard - 1
    if shell.unwind then return status end
    shell.status = status == 0 and 1 or 0
    return shell.status
  end
end

local function run_background(shell, node)
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

function builders.background(node)
  return function(shell) return run_background(shell, node) end
end

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
    if not shell.options.n then status = build_list(list)(shell) end
  end
  shell:restore(depth)
  return shell.unwind and shell.status or status
end

return M
