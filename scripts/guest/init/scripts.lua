-- Operators' service scripts: /etc/swos/services, then /tmp/services; the later one wins.
--
-- A script is data for init, run by a process made for it alone: it gets the text and a pipe for its
-- answer, no capability, a job with little memory, and a few seconds. What comes back is checked
-- here. A mistake leaves the definition that was in force, and disturbs nothing else.
local swos = require("swos")
local devices = require("init.devices")
local directory = require("init.directory")
local fs = require("swos.fs")
local graph = require("swos.service.graph")
local lines = require("swos.service.lines")
local log = require("init.log")
local loop = require("swos.loop")
local machine = require("swos.service.machine")
local plain = require("swos.service.plain")
local programs = require("init.programs")
local record = require("init.record")
local schema = require("swos.service.schema")
local supervisor = require("init.supervisor")
local sys = swos.sys

local M = {}

local FOLDERS = { { path = "/etc/swos/services", origin = "image", mount = "/", server = "file/base" },
  { path = "/tmp/services", origin = "tmp", mount = "/tmp", server = "file/tmp" } }
local TEXT_MOST, ANSWER_MOST, PIECE = 65536, 131072, 32768
local READ_SECONDS, RUN_SECONDS = 10, 5
local FOLDER_SECONDS = 30  -- for all a folder's file server is asked
local FILES_MOST = 1024    -- in a folder
local LIMITS = { band = 0, memory = 24 << 20, processes = 1, threads = 1, handles = 64 }
local KILLED = 137
local SECOND = 1000000000
local NAME_MOST = 24
local OTHERS_WRITE = 0x12  -- 022
local ROOT = 1

local problems = {}  -- service -> what is wrong with its script
local loaded, loading = false, false
local waiting = {}

-- ---- one script

-- Everything the process writes until it ends, or nil and why there is no answer.
local function read_answer(reader, deadline)
  local parts, size = {}, 0
  while true do
    local piece, message, code = sys.pipe_read(reader, PIECE, 0)
    if piece == "" then return table.concat(parts) end
    if piece then
      parts[#parts + 1], size = piece, size + #piece
      if size > ANSWER_MOST then return nil, "its process wrote too much" end
    elseif code ~= "TIMED_OUT" then
      return nil, message
    elseif not loop.wait(reader, swos.PIPE_READABLE | swos.PIPE_PEER_CLOSED, deadline) then
      return nil, ("took longer than %d s"):format(RUN_SECONDS)
    end
  end
end

-- Runs a script in its process: { result, lines } or { message }; nil, message. Its job is below init's own:
-- what init cannot end any more because it has died, keeper does.
local function run(file, text)
  local job <close> = assert(sys.job_create(swos.handle("job"), LIMITS))
  local memory <close> = assert(sys.memory_create(#text + 1, 0))
  assert(sys.memory_write(memory, 0, text))
  assert(sys.memory_seal(memory))
  local reader, writer = sys.pipe_create(PIECE, 0)
  local answer, message
  local process, failure = programs.start("lua", { job = job, name = "service-script", drop_caps = -1,
    band = 0, arguments = { "lua", "-e", ('require("swos.service.loader")(%q, %d)'):format(file, #text) },
    handles = { text = { memory, rights = swos.RIGHT_READ }, ["fd/1"] = { writer, info = swos.FD_PIPE } } })
  writer:close()
  if process then
    answer, message = read_answer(reader, swos.deadline(RUN_SECONDS))
    sys.job_kill(job, KILLED)
    local status = loop.wait_exit(process)
    process:close()
    if answer == "" then answer, message = nil, ("its process ended with status %d"):format(status) end
  else
    message = failure
  end
  reader:close()
  if not answer then return nil, ("%s: %s"):format(file, message) end
  local decoded
  decoded, message = plain.decode(answer)
  if type(decoded) ~= "table" then
    return nil, ("%s: its process answered wrongly: %s"):format(file, message or "no table")
  end
  return decoded
end

-- What a script's text returns, as plain data, and a function that says where a problem is; nil, message.
function M.evaluate(file, text)
  local answer, message = run(file, text)
  if not answer then return nil, (message:gsub("%c", " ")) end
  if answer.message then  -- has file and line where Lua knows them
    message = tostring(answer.message)
    local is_named = message:sub(1, #file + 1) == file .. ":"
    return nil, ((is_named and message or ("%s: %s"):format(file, message)):gsub("%c", " "))
  end
  local data
  data, message = plain.decode(type(answer.result) == "string" and answer.result or "")
  if data == nil then return nil, ("%s: the result is %s"):format(file, message) end
  local map = type(answer.lines) == "table" and answer.lines or {}
  return data, function(problem)
    return ("%s:%s: %s%s"):format(file, lines.line_of(map, problem.path),
      problem.path ~= "" and problem.path .. ": " or "", problem.text)
  end
end

-- The definition a script's text gives; nil and the problems, a line each, with file, line and key.
local function read_definition(file, text, origin)
  local data, located = M.evaluate(file, text)
  if data == nil then return nil, located end
  local definition, wrong = schema.check(data, origin)
  if definition then
    local fits, message = record.fits(record.DEFINITION, supervisor.recorded(definition, file))
    if fits then return definition, located end
    wrong = { { path = "", text = "more than init can keep over its own death: " .. message } }
  end
  for i, problem in ipairs(wrong) do wrong[i] = located(problem) end
  return nil, table.concat(wrong, "\n")
end

-- ---- the folders

-- The folders' servers, for as long as the scripts are read: between two readings init has no connection
-- to them, whether it has read scripts before or not.
local function mount()
  for _, folder in ipairs(FOLDERS) do
    folder.left = FOLDER_SECONDS * SECOND
    fs.mount(folder.mount, assert(directory.connection(folder.server, 0)))
  end
end

local function unmount()
  for i = #fs.mounts, 1, -1 do table.remove(fs.mounts, i)[2]:close() end
end

-- fs[what](path, deadline, most) while the folder's server has time left: one that takes long for each
-- answer keeps nobody from the scripts of another. One that does not run is not asked: the call would wait.
local function ask(folder, what, path, most)
  local server = directory.server(folder.server)
  if not server or machine.AT_REST[server.state.name] then
    return nil, ("%s: its file server, %s, does not run"):format(path,
      server and server.name or folder.server), "REFUSED"
  end
  if folder.left <= 0 then return nil, path .. ": its file server takes too long" end
  local began = swos.monotonic()
  local deadline = math.min(swos.deadline(READ_SECONDS), began + folder.left)
  local result, message, code = fs[what](path, deadline, most)
  folder.left = folder.left - (swos.monotonic() - began)
  return result, message, code
end

-- Services run as the system: only root may write their scripts.
local function is_roots(attributes)
  return attributes.owner <= ROOT and attributes.mode & OTHERS_WRITE == 0
end

-- The text of a script; nil and why it is not taken.
local function read_text(path, folder)
  local attributes, message = ask(folder, "stat", path)
  if not attributes then return nil, message end
  if folder.origin ~= "image" and not is_roots(attributes) then
    return nil, path .. ": may be written by others than root"
  end
  return ask(folder, "read", path, TEXT_MOST)
end

-- The service a script of this file name is of, or what is wrong with the name; nil: it is no script,
-- or the copy the image has for reading of what is in the boot bundle.
local function service_name(file, origin)
  local name = file:match("^(.*)%.lua$")
  if not name then return nil end
  if not name:find("^[%l%d][%l%d%-]*$") or #name > NAME_MOST then
    return nil, ("the name of a service is %d small letters, digits and hyphens at most"):format(NAME_MOST)
  end
  if name == "kernel" then return nil, "kernel cannot be a service's name" end -- logd has a log of it
  local known = supervisor.get(name)
  if known and known.origin == "bundle" then
    return nil, origin ~= "image" and name .. " is part of the boot bundle" or nil
  end
  return name
end

-- name -> { path, folder } of all scripts, problems by name, and the folders nothing is known of.
local function find_scripts()
  local found, wrong, unread = {}, {}, {}
  for _, folder in ipairs(FOLDERS) do
    local path, origin = folder.path, folder.origin
    local attributes, message, code = ask(folder, "stat", path)
    local list
    if code == "NOT_FOUND" then
      message = nil
    elseif attributes and origin ~= "image" and not is_roots(attributes) then
      list, message = {}, path .. ": may be written by others than root; nothing in it is taken"
    elseif attributes then
      list, message = ask(folder, "list", path, FILES_MOST)
    end
    wrong[path] = message
    unread[path] = not list and code ~= "NOT_FOUND" or nil
    for _, entry in ipairs(list or {}) do
      local file = path .. "/" .. entry.name:gsub("%c", "?")
      local name, problem = service_name(entry.name, origin)
      if name then found[name] = { path = file, folder = folder } end
      if problem then wrong[file] = ("%s: %s"):format(file, problem) end
    end
  end
  return found, wrong, unread
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

-- What came from a folder that cannot be read now stays.
local function may_change(service, unread)
  return not unread[service.origin:match("^(.*)/") or ""]
end

-- Whether a service ends with its script, and what it serves is free for others.
local function is_gone(service, files, unread)
  return service.origin ~= "bundle" and not files[service.name] and may_change(service, unread)
end

-- What cannot work with the others gives way to what is in force, and is told with file and service.
local function settle(wanted, files, located, wrong)
  local rank = {}
  for name, file in pairs(files) do rank[name] = file.folder.origin == "image" and 1 or 2 end
  for name, problem in pairs(graph.settle(wanted, supervisor.definitions, rank)) do
    local service = supervisor.get(name)
    local where = files[name] and files[name].path or service and service.origin or name
    if not wrong[name] then
      wrong[name] = located[name] and located[name](problem)
        or ("%s: %s: %s: %s"):format(where, name, problem.path, problem.text)
    end
  end
end

-- Puts the definitions in force: what was done, a line each.
local function apply(wanted, files, unread)
  local done = {}
  local names = {}
  for name in pairs(wanted) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local service, file = supervisor.get(name), files[name]
    local is_other = service and file and may_change(service, unread)
      and (service.origin ~= file.path or not same(service.definition, wanted[name]))
    if not service then
      local ok, message = supervisor.add(name, wanted[name], file.path)
      done[#done + 1] = ok and "added " .. name or ("%s: %s"):format(name, message)
    elseif is_other then
      local ok, message = supervisor.redefine(service, wanted[name], file.path)
      done[#done + 1] = not ok and ("%s: %s"):format(name, message)
        or ("changed %s%s"):format(name, service.process and " (from its next start on)" or "")
    end
  end
  for i = #supervisor.all(), 1, -1 do
    local service = supervisor.all()[i]
    if is_gone(service, files, unread) then
      if supervisor.is_idle(service) then
        supervisor.remove(service)
        done[#done + 1] = "removed " .. service.name
      else
        done[#done + 1] = service.name .. ": its script is gone; removed when it is stopped"
      end
    end
  end
  return done
end

local function load()
  local files, wrong, unread = find_scripts()
  local read, located, wanted = {}, {}, {}
  for name, file in pairs(files) do
    local text, message = read_text(file.path, file.folder)
    local definition, where
    if text then
      definition, where = read_definition(file.path, text, file.folder.origin)
      message = where
    end
    if definition and not devices.has(definition.needs) then
      files[name] = nil  -- no service of this machine
    elseif definition then
      read[name], located[name] = definition, where
    else
      wrong[name] = message
    end
  end
  for _, service in ipairs(supervisor.all()) do
    if not is_gone(service, files, unread) or not supervisor.is_idle(service) then
      wanted[service.name] = service.definition
    end
  end
  for name, definition in pairs(read) do
    if not same(definition, wanted[name]) then wanted[name] = definition end
  end
  settle(wanted, files, located, wrong)
  problems = wrong
  local folders = 0
  for _ in pairs(unread) do folders = folders + 1 end
  return apply(wanted, files, unread), folders
end

-- Does something with the folders, alone; all: after it the scripts have been read.
local function alone(action, all)
  while loading do
    local wait, wake = loop.signal()
    waiting[#waiting + 1] = wake
    wait()
  end
  loading = true
  local answer = table.pack(xpcall(function()
    mount()
    return action()
  end, debug.traceback))
  unmount()
  loading, loaded = false, loaded or all
  local wakers = waiting
  waiting = {}
  for _, wake in ipairs(wakers) do wake() end
  if not answer[1] then error(answer[2], 0) end
  return table.unpack(answer, 2, answer.n)
end

-- Of two files, by origin ("tmp", "image"), the later one that is there: its path, and its text or nil and
-- what is wrong with it. nil: there is neither.
function M.read_later(files)
  return alone(function()
    for i = #FOLDERS, 1, -1 do
      local folder = FOLDERS[i]
      local path = files[folder.origin]
      local _, _, code = ask(folder, "stat", path)
      if code ~= "NOT_FOUND" then return path, read_text(path, folder) end
    end
  end)
end

-- Reads all scripts: what was done and what is wrong, as text, and how many folders could not be read.
function M.load()
  local done, unread = alone(load, true)
  local list = {}
  for _, text in pairs(problems) do list[#list + 1] = text end
  table.sort(list)
  for _, text in ipairs(list) do
    for line in text:gmatch("[^\n]+") do log.warning("%s", line) end
  end
  table.move(list, 1, #list, #done + 1, done)
  return table.concat(done, "\n"), unread
end

-- The same by hand: what is enabled and does not run is started, too. cause: by whom.
function M.reload(cause)
  local text, unread = M.load()
  local names = {}
  for _, service in ipairs(supervisor.all()) do
    if service.enabled and supervisor.is_idle(service) then names[#names + 1] = service.name end
  end
  if names[1] then supervisor.start(names, "enabled, and scripts reloaded " .. cause) end
  return text, unread
end

-- Waits until the scripts have been read once.
function M.await_loaded()
  while not loaded do
    local wait, wake = loop.signal()
    waiting[#waiting + 1] = wake
    wait()
  end
end

-- What is wrong with the script of a service, nil: nothing is known to be.
function M.problem_of(name)
  return problems[name]
end

-- Adds to `wanted` what a service requires, directly or not, that no service is yet, from the scripts the
-- next reload would read. Returns what is wrong with those, a line each.
local function add_required(wanted, name)
  local todo, files, wrong = { name }, find_scripts(), {}
  while todo[1] do
    for _, other in ipairs(wanted[table.remove(todo)].requires) do
      local file = not wanted[other] and files[other]
      if file then
        local text, message = read_text(file.path, file.folder)
        if text then wanted[other], message = read_definition(file.path, text, file.folder.origin) end
        if wanted[other] then todo[#todo + 1] = other else wrong[#wrong + 1] = message end
        files[other] = nil
      end
    end
  end
  return wrong
end

-- Checks a script's text without putting it in force: what is wrong, nil when nothing is.
function M.check(file, text)
  local folder, last = file:match("^(.-)/?([^/]*)$")
  if not last:find("%.lua$") then return file .. ": the name of a script is NAME.lua" end
  local origin = folder == FOLDERS[1].path and "image" or "tmp"
  local name, wrong = service_name(last, origin)
  if wrong then return ("%s: %s"):format(file, wrong) end
  name = name or last:match("^(.*)%.lua$") -- of the boot bundle's
  local definition, message = read_definition(file, text, origin)
  if not definition then return message end
  local wanted = {}
  for other, existing in pairs(supervisor.definitions) do wanted[other] = existing end
  wanted[name] = definition
  local more = {}
  for _, other in ipairs(definition.requires) do
    if not wanted[other] then
      more = alone(function() return add_required(wanted, name) end)
      break
    end
  end
  local problem = graph.settle(wanted, supervisor.definitions)[name]
  if not problem then return nil end
  table.insert(more, 1, message(problem))
  return table.concat(more, "\n")
end

return M
