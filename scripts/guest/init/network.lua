-- The network's settings: /tmp/net.lua (root's) when it is there, else /etc/swos/net.lua; checked like
-- service scripts, given to netd as text in memory (bin/netd/settings.h), with the rules of services whose
-- script narrows `net`. A mistake leaves what was in force.
--
-- The memory lies in a kept slot: a restarted netd is given it without asking a file server, a restarted init
-- finds it. netd has what is new before anybody gets a connection that depends on it.
local swos = require("swos")
local directory = require("init.directory")
local kept = require("init.kept")
local log = require("init.log")
local network = require("swos.service.network")
local protocol = require("swos.protocol")
local scripts = require("init.scripts")
local supervisor = require("init.supervisor")
local sys = swos.sys

local M = {}

local FILES = { tmp = "/tmp/net.lua", image = "/etc/swos/net.lua" }
local ADMINISTER, NARROW, WIDE = 1, 16, 4096  -- badges, of bin/netd/settings.h
local TELL_SECONDS = 10

local settings  -- in force; nil: not read yet

-- The settings a text gives; nil and the problems.
local function evaluate(file, text)
  local data, located = scripts.evaluate(file, text)
  if data == nil then return nil, located end
  local result, wrong = network.check(data)
  if result then return result end
  for i, problem in ipairs(wrong) do wrong[i] = located(problem) end
  return nil, table.concat(wrong, "\n")
end

local function read()
  local path, text, message = scripts.read_later(FILES)
  if not path then return network.check({}) end
  if not text then return nil, message end
  return evaluate(path, text)
end

local function rules()
  local list = {}
  for _, service in ipairs(supervisor.all()) do
    list[NARROW + service.number] = network.rules(service.definition)
  end
  return list
end

local function text_of(memory)
  local size = assert(sys.memory_info(memory))
  return (sys.memory_read(memory, 0, size):match("^[^\0]*"))
end

-- Reads the settings if nobody has; the default ones where they are wrong.
local function need()
  if settings then return end
  local got, message = read()
  if not got then
    for line in message:gmatch("[^\n]+") do log.warning("%s", line) end
    got = network.check({})
  end
  settings = settings or got
end

-- Keeps what is in force, and tells netd if that is something else than before. True: the settings were, not
-- just the rules of services.
local function publish()
  local text = network.lines(settings, rules())
  local old <close> = sys.job_kept(swos.handle("job"), kept.NETWORK)
  if old and text_of(old) == text then return false end
  local memory <close> = assert(sys.memory_create(#text + 1, 0))
  assert(sys.memory_write(memory, 0, text))
  assert(sys.memory_seal(memory))
  assert(sys.job_keep(swos.handle("job"), kept.NETWORK, memory))
  local connection <close> = directory.connection("net", ADMINISTER)
  if old and connection then
    local ok, message, code = protocol.net.configure(connection, { memory = memory },
      swos.deadline(TELL_SECONDS))
    if not ok and code ~= "TIMED_OUT" then log.warning("netd does not take its settings: %s", message) end
  end
  return old ~= nil and network.settings_of(text_of(old)) ~= network.settings_of(text)
end

-- The memory for a netd that starts.
function M.settings()
  local memory = sys.job_kept(swos.handle("job"), kept.NETWORK)
  if memory then return memory end
  need()
  publish()
  return sys.job_kept(swos.handle("job"), kept.NETWORK)
end

-- What is there now, put in force: lines of what was done and what is wrong.
function M.reload()
  local got, message = read()
  if not got then
    for line in message:gmatch("[^\n]+") do log.warning("%s", line) end
    return message
  end
  settings = got
  if not sys.job_kept(swos.handle("job"), kept.NETWORK) then return "" end  -- netd reads it when it starts
  return publish() and "changed the network's settings" or ""
end

-- What is wrong with a text for one of the files, "" when nothing is; nil when it is for neither.
function M.check(file, text)
  for _, known in pairs(FILES) do
    if file == known then
      local got, message = evaluate(file, text)
      return got and "" or message
    end
  end
end

-- A service's connection to the network, by a badge of its own: with the rules of its script if there are
-- some, and with a share of its own in what netd has (bin/netd/share.h).
function M.connection(service)
  if not service.definition.net then return directory.connection("net", WIDE + service.number) end
  need()
  publish()
  return directory.connection("net", NARROW + service.number)
end

return M
