-- The state of a shell: variables, parameters, options, what runs in the background, and what is to be
-- put back when a command ends or is left by an error.
local swos = require("swos")

local M = {}

local Shell = {}
Shell.__index = Shell

-- A message of the shell, on its standard error.
function Shell:say(text)
  self:write(2, "sh: " .. text .. "\n")
end

-- Leaves the command that runs, up to M.protect; what a non-interactive shell ends with.
function Shell.raise(_, text, status)
  error({ message = text, status = status or 2 }, 0)
end

-- ---- variables

local SPECIAL = {
  ["?"] = function(self) return tostring(self.status) end,
  ["#"] = function(self) return tostring(#self.arguments) end,
  ["$"] = function(self)
    self.pid = self.pid or swos.sys.process_info(nil).pid
    return tostring(self.pid)
  end,
  ["!"] = function(self) return self.last_background and tostring(self.last_background) end,
  ["-"] = function(self)
    local letters = {}
    for letter in pairs(self.options) do letters[#letters + 1] = letter end
    table.sort(letters)
    return table.concat(letters) .. (self.interactive and "i" or "")
  end,
  ["0"] = function(self) return self.name end,
  PPID = function() return tostring(swos.sys.process_info(nil).parent) end,
}

function Shell:get(name)
  local value = self.variables[name]
  if value then return value end
  local special = SPECIAL[name]
  if special then return special(self) end
  if name:find("^%d") then return self.arguments[tonumber(name)] end
end

function Shell:set(name, value)
  if self.readonly[name] then self:raise(name .. ": is read only") end
  self.variables[name] = value
  if self.exported[name] then
    self.environment_list = nil
    if value == nil then self.exported[name] = nil end
  elseif self.options.a and value ~= nil then
    self:export(name)
  end
end

function Shell:export(name)
  self.exported[name] = true
  self.environment_list = nil
end

function Shell:names()
  local names = {}
  for name in pairs(self.variables) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- NAME=VALUE of what is exported; more: { { name, value }... } besides.
function Shell:environment(more)
  local list = self.environment_list
  if not list then
    list = {}
    for name in pairs(self.exported) do
      local value = self.variables[name]
      if value then list[#list + 1] = name .. "=" .. value end
    end
    table.sort(list)
    self.environment_list = list
  end
  if not more then return list end
  local own, out = {}, {}
  for _, entry in ipairs(more) do own[entry[1]] = entry[2] end
  for _, entry in ipairs(list) do
    if not own[entry:match("^[^=]*")] then out[#out + 1] = entry end
  end
  for name, value in pairs(own) do out[#out + 1] = name .. "=" .. value end
  return out
end

-- ---- descriptors: number of the shell's commands -> own descriptor, or a table that takes the output

function Shell:hold(own)
  if math.type(own) then self.held[own] = (self.held[own] or 0) + 1 end
end

function Shell:release(own)
  if not math.type(own) then return end
  local count = self.held[own] - 1
  self.held[own] = count > 0 and count or nil
  if count == 0 then swos.fd.close(own) end
end

-- Makes number mean `own` (nil: closed), whose hold the caller gives. record: where what was is kept.
function Shell:set_descriptor(number, own, record)
  local before = self.descriptors[number]
  if record then
    record[#record + 1] = number
    record[#record + 1] = before or false
  else
    self:release(before)
  end
  self.descriptors[number] = own
end

-- True, or nil and a message and its name. A pipe nobody reads ends the shell, as it ends programs.
function Shell:write(number, text)
  local own = self.descriptors[number]
  if type(own) == "table" then
    own[#own + 1] = text
    return true
  elseif not own then
    return nil, "bad file descriptor", "BAD_HANDLE"
  end
  return swos.fd.write(own, text)
end

-- ---- what is to be put back

local RESTORE = {
  descriptors = function(self, record)
    for i = #record - 1, 1, -2 do
      self:release(self.descriptors[record[i]])
      self.descriptors[record[i]] = record[i + 1] or nil
    end
  end,
  variables = function(self, record)
    if self.unwind == "exit" then return end -- the trap of the end sees the variables as they are now
    for i = #record, 1, -1 do
      local entry = record[i]
      self.variables[entry.name] = entry.value
      self.exported[entry.name] = entry.exported
      self.environment_list = nil
    end
  end,
  call = function(self, record)
    self.arguments, self.loops, self.call = record.arguments, record.loops, record.outer
    self.calls = self.calls - 1
  end,
  text = function(self) self.calls = self.calls - 1 end,
}

-- A record of a kind, put back with everything above it by self:restore(depth).
function Shell:record(kind, record)
  record = record or {}
  record.kind = kind
  local records = self.records
  records[#records + 1] = record
  return record
end

function Shell:restore(depth)
  local records = self.records
  for i = #records, depth + 1, -1 do
    local record = records[i]
    records[i] = nil
    RESTORE[record.kind](self, record)
  end
end

function Shell:remember(record, name)
  record[#record + 1] = { name = name, value = self.variables[name], exported = self.exported[name] }
end

-- Runs body(); what it raises with a message becomes a message and a status. Returns the status and whether
-- it was raised. is_all: there is nothing behind it, so that it ends as by `exit`.
function Shell:protect(body, is_all)
  local depth, guard, loops = #self.records, self.guard, self.loops
  local ok, result = pcall(body)
  if not ok and is_all then self.unwind = self.unwind or "exit" end
  self:restore(depth)
  self.guard, self.loops = guard, loops
  if ok then return result, false end
  if type(result) ~= "table" or not result.message then
    result = { message = "internal error: " .. tostring(result) } -- no memory, or a mistake of the shell's
  end
  self:say(result.line and ("line %d: %s"):format(result.line, result.message) or result.message)
  self.status = result.status or 2
  return self.status, true
end

-- ---- what runs in the background

function Shell:add_background(started)
  if not self.interactive and #self.background + #self.orphans >= 16 then self:reap_background() end
  local jobs = require("swos.sh.jobs")
  jobs.add(self, started)
  self.last_background = started.pids[#started.pids]
  if self.interactive and self.nesting == 0 then
    self:write(2, ("[%d] %d\n"):format(started.number, self.last_background))
  end
end

-- Forgets what has ended; says so when interactive.
function Shell:reap_background()
  if not self.background[1] and not self.orphans[1] then return end
  local jobs = require("swos.sh.jobs")
  jobs.reap_orphans(self)
  jobs.reap(self, self.interactive and function(text) self:write(2, text) end)
end

-- ---- copies for subshells

local function copy_map(from)
  local to = {}
  for key, value in pairs(from) do to[key] = value end
  return to
end

local MAPS = { "variables", "exported", "readonly", "functions", "aliases", "options" }
local PLAIN = { "status", "name", "last_background", "option_at" }

-- What a subshell has of its own, besides copies of the maps.
local OF_SUBSHELL = { "arguments", "traps", "descriptors", "background", "ended", "last_background", "loops",
  "environment_list", "option_at", "shown", "call" }

-- Traps of a subshell: those that ignore stay.
local function ignored(traps)
  local out = {}
  for name, action in pairs(traps) do
    if action == "" then out[name] = "" end
  end
  return out
end

-- What another shell needs to go on as this one.
function Shell:state()
  local state = { arguments = self.arguments, pid = tonumber(self:get("$")), guarded = self.guard > 0,
    traps = ignored(self.traps), in_call = self.call and true }
  state.numbers = {}
  for number in pairs(self.descriptors) do table.insert(state.numbers, number) end
  for _, name in ipairs(MAPS) do state[name] = self[name] end
  for _, name in ipairs(PLAIN) do state[name] = self[name] end
  return state
end

function Shell:resume(state)
  for _, name in ipairs(MAPS) do self[name] = state[name] end
  for _, name in ipairs(PLAIN) do self[name] = state[name] end
  self.arguments, self.pid, self.traps = state.arguments, state.pid, state.traps
  self.guard = state.guarded and 1 or 0
  self.call = state.in_call and {} or false -- as in a subshell
  self.environment_list = nil
  for _, number in ipairs(state.numbers) do
    if not self.descriptors[number] and swos.fd.kind(number) then
      self.descriptors[number] = number
      self:hold(number)
    end
  end
end

-- Runs body(shell) as a subshell would: the status is what is left of it.
function Shell:subshell(body)
  local saved = {}
  for _, name in ipairs(MAPS) do
    saved[name] = self[name]
    self[name] = copy_map(self[name])
  end
  for _, name in ipairs(OF_SUBSHELL) do saved[name] = self[name] end
  local directory = swos.directory()
  self.shown = self.shown or self.background -- what `jobs` lists
  self.traps, self.background, self.ended, self.loops = ignored(self.traps), {}, {}, 0
  if self.call then self.call = {} end -- what `local` remembers: never put back, all of the copy is dropped
  self.descriptors = copy_map(self.descriptors)
  for _, own in pairs(self.descriptors) do self:hold(own) end
  self.nesting = self.nesting + 1
  local status = self:protect(function() return body(self) end, true)
  status = self:run_exit_trap(status)
  self.nesting = self.nesting - 1
  for _, own in pairs(self.descriptors) do self:release(own) end
  table.move(self.background, 1, #self.background, #self.orphans + 1, self.orphans)
  for _, name in ipairs(MAPS) do self[name] = saved[name] end
  for _, name in ipairs(OF_SUBSHELL) do self[name] = saved[name] end
  if swos.directory() ~= directory then self:change_directory(directory) end
  if self.unwind ~= "interrupt" then self.unwind = false end
  if self.event and (self.passed_on or self.interrupts) then
    return require("swos.sh.traps").after_subshell(self, status)
  end
  return status
end

-- Runs body, which may change variables: those of a copy.
function Shell:apart(body)
  local variables, exported = self.variables, self.exported
  self.variables, self.exported = copy_map(variables), copy_map(exported)
  local ok, result = pcall(body)
  self.variables, self.exported, self.environment_list = variables, exported, nil
  if not ok then error(result, 0) end
  return result
end

-- ---- interrupts

-- Takes what has come in; poll acts on it.
function Shell:take_interrupts()
  if not self.event then return end
  local bits = swos.sys.event_update(self.event, -1, 0)
  if bits and bits ~= 0 then self.interrupts = (self.interrupts or 0) | bits end
end

function Shell:poll()
  self:take_interrupts()
  if self.interrupts then require("swos.sh.traps").run(self) end
end

function Shell:run_exit_trap(status)
  if not self.traps.EXIT then return status end
  return require("swos.sh.traps").exit(self, status)
end

function Shell.change_directory(_, target)
  local ok, message, name = swos.change_directory(target)
  if not ok then return nil, message, name end
  local fs = package.loaded["swos.fs"]
  if fs then fs.directory = swos.directory() end
  return true
end

-- name is $0, arguments are $1...; variables come from the environment and are exported.
function M.new(name, arguments)
  local shell = setmetatable({ name = name, arguments = arguments, exported = {}, readonly = {},
    functions = {}, variables = { OPTIND = "1" }, aliases = {}, options = {}, traps = {}, descriptors = {},
    held = {}, records = {}, background = {}, orphans = {}, ended = {}, status = 0, guard = 0, loops = 0,
    calls = 0, nesting = 0, interactive = false,
    -- looked at by every command, so they are never nil: that would be looked for in Shell, too
    unwind = false, event = false, polls = false, substituted = false, io = false, call = false }, Shell)
  for number = 0, 9 do
    if swos.fd.kind(number) then
      shell.descriptors[number] = number
      shell:hold(number)
    end
  end
  for _, entry in ipairs(swos.environment()) do
    local variable, value = entry:match("^([%a_][%w_]*)=(.*)$")
    if variable and variable ~= "IFS" and variable ~= "OPTIND" then
      shell.variables[variable] = value
      shell.exported[variable] = true
    end
  end
  shell.variables.IFS = " \t\n"
  shell.variables.PWD = swos.directory()
  return shell
end

return M
