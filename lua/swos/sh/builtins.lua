-- Commands that change the shell itself, or are used so often that no program should be started for them.
-- Each is builtin(shell, words, io) and returns a status (nil is 0); io.write(text), io.fail(text, status)
-- -> status. A new builtin is a new entry here or, when few scripts use it, in the module LATER names.
local swos = require("swos")

local quoted = require("swos.sh.quote")

local M = {}

-- Assignments before these stay, and their errors end a script.
M.special = { [":"] = true, ["."] = true, ["break"] = true, continue = true, eval = true, exec = true,
  exit = true, export = true, readonly = true, ["return"] = true, set = true, shift = true, times = true,
  trap = true, unset = true }

-- These only write: a pipeline runs them in the shell.
M.only_writes = { [":"] = true, ["true"] = true, ["false"] = true, echo = true, printf = true, pwd = true,
  test = true, ["["] = true, type = true, times = true, trim = true, jobs = true, alias = true,
  history = true }

-- Loaded at first use: { module, function }.
local LATER = {
  test = { "test", "test" }, ["["] = { "test", "bracket" }, printf = { "printf", "builtin" },
  read = { "read", "builtin" }, trap = { "traps", "builtin" }, getopts = { "more", "getopts" },
  type = { "more", "type" }, command = { "more", "command" }, alias = { "more", "alias" },
  unalias = { "more", "unalias" }, times = { "more", "times" }, hash = { "more", "hash" },
  jobs = { "jobs", "jobs" }, wait = { "jobs", "wait" }, fg = { "jobs", "fg" }, bg = { "jobs", "bg" },
  kill = { "jobs", "kill" }, history = { "lines", "builtin" },
}

local C = setmetatable({}, { __index = function(loaded, name)
  local entry = LATER[name]
  if not entry then return nil end
  loaded[name] = require("swos.sh." .. entry[1])[entry[2]]
  return loaded[name]
end })
M.commands = C

function M.names()
  local names = {}
  for name in pairs(C) do
    if not LATER[name] then names[#names + 1] = name end
  end
  for name in pairs(LATER) do names[#names + 1] = name end
  return names
end

C[":"] = function() return 0 end
C["true"] = C[":"]
C["false"] = function() return 1 end

function C.echo(_, words, io)
  if words[2] == "-n" then
    io.write(table.concat(words, " ", 3))
  else
    io.write(table.concat(words, " ", 2) .. "\n")
  end
end

-- Where $CDPATH has a directory of that name, and whether that is to be told; nil: nowhere.
local function in_search_path(shell, target)
  local search = shell:get("CDPATH")
  if not search or target:find("^/") or (target .. "/"):find("^%.%.?/") then return nil end
  local stat = require("swos.fs").stat
  for directory in (search .. ":"):gmatch("([^:]*):") do
    local path = directory == "" and target or directory .. "/" .. target
    local attributes = stat(path)
    if attributes and attributes.kind == swos.FILE_DIRECTORY then return path, directory ~= "" end
  end
end

function C.cd(shell, words, io)
  local at = 2
  while words[at] == "--" or words[at] == "-L" or words[at] == "-P" do at = at + 1 end
  local target = words[at] or shell:get("HOME") or "/"
  local show = target == "-"
  if show then target = shell:get("OLDPWD") or "." end
  if target == "" then return end
  local before = swos.directory()
  local found, is_elsewhere = in_search_path(shell, target)
  local ok, message = shell:change_directory(found or target)
  if not ok then return io.fail(("%s: %s"):format(target, message), 2) end
  shell:set("OLDPWD", before)
  shell:set("PWD", swos.directory())
  if show or is_elsewhere then io.write(swos.directory() .. "\n") end
end

function C.pwd(_, _, io)
  io.write(swos.directory() .. "\n")
end

-- A number of the first argument; nil after raising nothing: the default.
local function number_argument(shell, words, default)
  if not words[2] then return default end
  local number = words[2]:find("^%d+$") and math.tointeger(tonumber(words[2]))
  if not number then shell:raise(("%s: illegal number: %s"):format(words[1], words[2])) end
  return number
end

function C.exit(shell, words)
  local status = number_argument(shell, words, shell.status) & 255
  if shell.background[1] and not require("swos.sh.jobs").may_leave(shell) then return 1 end
  shell.unwind, shell.status = "exit", status
  return status
end

C["return"] = function(shell, words)
  local status = number_argument(shell, words, shell.status) & 255
  shell.unwind, shell.status = "return", status
  return status
end

local function leave(kind)
  return function(shell, words)
    local count = number_argument(shell, words, 1)
    if count == 0 then shell:raise(("%s: illegal number: 0"):format(words[1])) end
    if shell.loops == 0 then return 0 end
    shell.unwind, shell.unwind_count, shell.status = kind, math.min(count, shell.loops), 0
    return 0
  end
end
C["break"] = leave("break")
C.continue = leave("continue")


-- Variables as commands that set them; those in `only`, if given.
local function list_variables(shell, io, prefix, only)
  local names = shell:names()
  for name in pairs(only or {}) do
    if not shell.variables[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = shell.variables[name]
    if not only or only[name] then
      io.write(prefix .. name .. (value and "=" .. quoted(value) or "") .. "\n")
    end
  end
end

local function declare(mark, prefix)
  return function(shell, words, io)
    local at = 2
    while words[at] == "-p" or words[at] == "--" do at = at + 1 end
    if not words[at] then return list_variables(shell, io, prefix, shell[mark]) end
    for i = at, #words do
      local name, value = words[i]:match("^([%a_][%w_]*)=(.*)$")
      name = name or words[i]:match("^[%a_][%w_]*$")
      if not name then shell:raise(("%s: %s: bad variable name"):format(words[1], words[i])) end
      if value then shell:set(name, value) end
      if mark == "exported" then shell:export(name) else shell.readonly[name] = true end
    end
  end
end
C.export = declare("exported", "export ")
C.readonly = declare("readonly", "readonly ")

C["local"] = function(shell, words)
  if not shell.call then shell:raise("local: not in a function") end
  for i = 2, #words do
    local name, value = words[i]:match("^([%a_][%w_]*)=(.*)$")
    name = name or words[i]:match("^[%a_][%w_]*$")
    if not name then shell:raise(("local: %s: bad variable name"):format(words[i])) end
    shell:remember(shell.call, name)
    if value then shell:set(name, value) end
  end
end

function C.unset(shell, words)
  local functions, at = false, 2
  while words[at] == "-f" or words[at] == "-v" do
    functions, at = words[at] == "-f", at + 1
  end
  for i = at, #words do
    if functions then
      shell.functions[words[i]] = nil
    elseif not words[i]:find("^[%a_][%w_]*$") then
      shell:raise(("unset: %s: bad variable name"):format(words[i]))
    else
      shell:set(words[i], nil)
    end
  end
end

local LONG = { errexit = "e", nounset = "u", xtrace = "x", noglob = "f", noexec = "n", noclobber = "C",
  allexport = "a", verbose = "v", monitor = "m", notify = "b", ignoreeof = "I" }

-- Sets options of words from `at` on; where they end, and whether "--" ended them. Raises.
function M.set_options(shell, words, at)
  while words[at] and words[at]:find("^[-+].") do
    local word = words[at]
    local on = word:byte() == 45 or nil
    at = at + 1
    if word == "--" then return at, true end
    for letter in word:sub(2):gmatch(".") do
      if letter == "o" then
        local long = LONG[words[at] or ""]
        if not long then shell:raise(("set: %s: illegal option"):format(words[at] or "-o")) end
        shell.options[long], at = on, at + 1
      elseif letter:find("[euxfnCavmbI]") then
        if not (shell.interactive and letter == "n") then shell.options[letter] = on end
      else
        shell:raise(("%s: illegal option -%s"):format(words[1], letter))
      end
    end
  end
  return at, false
end

function C.set(shell, words, io)
  if not words[2] then return list_variables(shell, io, "") end
  if not words[3] and (words[2] == "-o" or words[2] == "+o") then
    local names = {}
    for name in pairs(LONG) do names[#names + 1] = name end
    table.sort(names)
    local is_table = words[2] == "-o" -- else commands that set them so
    for _, name in ipairs(names) do
      local on = shell.options[LONG[name]]
      io.write(is_table and ("%-16s%s\n"):format(name, on and "on" or "off")
        or ("set %so %s\n"):format(on and "-" or "+", name))
    end
    return
  end
  local first, ended = M.set_options(shell, words, 2)
  if words[first] or ended then shell.arguments = table.move(words, first, #words, 1, {}) end
end

function C.shift(shell, words)
  local count = number_argument(shell, words, 1)
  if count > #shell.arguments then shell:raise("shift: cannot shift that many") end
  shell.arguments = table.move(shell.arguments, count + 1, #shell.arguments, 1, {})
end

function C.eval(shell, words)
  local text = table.concat(words, " ", words[2] == "--" and 3 or 2)
  if text:find("^%s*$") then return 0 end
  return require("swos.sh.exec").text(shell, text)
end

-- exec COMMAND: runs it and ends with its status; a process cannot become another program here. Without a
-- command its redirections stay.
function C.exec(shell, words)
  if not words[2] then return 0 end
  local process = require("swos.sh.process")
  local group = process.group(shell)
  group.stays = true -- no shell will be there to continue it
  local status = process.start(group, table.move(words, 2, #words, 1, {}))
  shell.traps.EXIT = nil
  status = process.wait(group) or status
  shell.unwind, shell.status = "exit", status
  return status
end

-- Runs a file in this shell.
C["."] = function(shell, words)
  if not words[2] then shell:raise(".: file name expected") end
  local fs, text, message = require("swos.fs"), nil, nil
  for _, path in ipairs(require("swos.sh.process").candidates(shell, words[2])) do
    text, message = fs.read(path)
    if text then break end
  end
  if not text then shell:raise(message or words[2] .. ": not found") end
  if text:find("\0", 1, true) then shell:raise(words[2] .. ": not a text", 126) end
  local status = require("swos.sh.exec").text(shell, text)
  if shell.unwind == "return" then
    shell.unwind = false
    status = shell.status
  end
  return status
end

-- Collects the shell's garbage; for leak checks, and for whom its size surprises.
function C.trim(_, _, io)
  io.write(("sh: %d bytes live\n"):format(swos.trim()))
end

return M
