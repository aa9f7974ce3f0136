-- The state of a shell: variables, parameters, what runs in the background.
local swos = require("swos")

local M = {}

local Shell = {}
Shell.__index = Shell

-- name is $0, arguments are $1...; variables come from the environment and are exported.
function M.new(name, arguments)
  local shell = setmetatable({ name = name, arguments = arguments, variables = {}, exported = {}, status = 0,
    background = {}, stopped = false, interactive = false }, Shell)
  for _, entry in ipairs(swos.environment()) do
    local variable, value = entry:match("^([^=]+)=(.*)$")
    if variable then
      shell.variables[variable] = value
      shell.exported[variable] = true
    end
  end
  return shell
end

function Shell:get(name)
  if name == "?" then return tostring(self.status) end
  if name == "#" then return tostring(#self.arguments) end
  if name == "*" then return table.concat(self.arguments, " ") end
  if name == "0" then return self.name end
  if name == "$" then return tostring(swos.sys.process_info(nil).pid) end
  if name == "!" then return self.last_background and tostring(self.last_background) end
  if name:find("^%d+$") then return self.arguments[tonumber(name)] end
  return self.variables[name]
end

function Shell:set(name, value)
  self.variables[name] = value
  if value == nil then self.exported[name] = nil end
end

function Shell:names()
  local names = {}
  for name in pairs(self.variables) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- NAME=VALUE of what is exported, or of everything.
function Shell:environment(everything)
  local list = {}
  for _, name in ipairs(self:names()) do
    if everything or self.exported[name] then list[#list + 1] = name .. "=" .. self.variables[name] end
  end
  return list
end

function Shell:add_background(started)
  table.insert(self.background, started)
  self.last_background = started.pids[1]
  if self.interactive then swos.fd.write(2, ("[%d] %d\n"):format(#self.background, started.pids[1])) end
end

-- Forgets what has ended; says so when interactive.
function Shell:reap_background()
  for number = #self.background, 1, -1 do
    local started = self.background[number]
    local status, _, name = swos.process_wait(started.processes[1], 0)
    if status or name ~= "TIMED_OUT" then
      started.processes[1]:close()
      started.job:close()
      table.remove(self.background, number)
      if self.interactive then
        swos.fd.write(2, ("[%d] done %d %s\n"):format(number, status or 0, started.text))
      end
    end
  end
end

-- Waits for all of it; the status of the last. An interrupt ends the wait: 130.
function Shell:wait_background()
  local status = 0
  while self.background[1] do
    local started = self.background[1]
    local result, _, name = swos.process_wait(started.processes[1])
    if name == "INTERRUPTED" then return 130 end
    status = result or 1
    started.processes[1]:close()
    started.job:close()
    table.remove(self.background, 1)
  end
  return status
end

return M
