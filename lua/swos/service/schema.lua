-- What a service script may say: every key with its type, range, default and one sentence. From
-- this come the check of each script and the page docs/reference/services.md. Pure.
--
--   schema.check(data, origin) -> the definition, complete     or nil, { { path, text }... }
--
-- origin "image" is a script of the signed image, anything else one an operator wrote: that may not
-- ask for devices, authorities or a higher band. A problem's path is "limits.memory" or "names[2]".
local inet = require("swos.inet")

local M = {}

local SIZES = { K = 1 << 10, M = 1 << 20, G = 1 << 30 }
M.CAPABILITIES = { "console", "spawn", "fs-read", "tmp-write", "inspect", "net", "log-read", "device",
  "power", "time" }
M.GIVES = { "uart", "disks", "rng", "inputs", "nics", "packets", "network", "keys",
  "block", "code", "programs",
  "entropy", "passwd", "authority", "sessions", "terminal", "kernel-log" }
M.DEVICES = { "uart", "disks", "rng", "inputs", "nics" }

local check  -- check[kind](value, key, problem, path, origin) -> the value as kept

-- A value as a message shows it.
local function shown(value)
  if type(value) == "string" then
    local text = ("%q"):format(value:sub(1, 40)):gsub("\\\n", "\\n")
    return #value > 40 and text .. "..." or text
  end
  if type(value) == "table" then return "a table" end
  return tostring(value)
end

local function words(list)
  local quoted = {}
  for i, word in ipairs(list) do quoted[i] = '"' .. word .. '"' end
  return table.concat(quoted, ", ")
end

-- What a key expects, as words.
function M.expects(key)
  if key.kind == "list" then return ("a list of at most %d: %s"):format(key.most, M.expects(key.of)) end
  if key.kind == "size" then
    return ("a size from %s to %s, as a number of bytes or like \"16M\""):format(key.least, key.greatest)
  end
  if key.kind == "number" then return ("a whole number from %d to %d"):format(key.least, key.greatest) end
  if key.kind == "choice" then return "one of " .. words(key.choices) end
  if key.kind == "either" then return ("one of %s, or a table"):format(words(key.choices)) end
  if key.kind == "boolean" then return "true or false" end
  if key.kind == "table" then return "a table" end
  return key.expected or ("a string of 1 to %d bytes"):format(key.most)
end

local function bytes_of(text)
  local number, unit = tostring(text):match("^(%d+)([KMG]?)$")
  return number and #number < 12 and tonumber(number) * (SIZES[unit] or 1)
end

local function wrong(value, key, problem, path)
  problem(path, ("expected %s, got %s"):format(M.expects(key), shown(value)))
end

check = {
  boolean = function(value, key, problem, path)
    if type(value) ~= "boolean" then wrong(value, key, problem, path) end
    return value
  end,
  number = function(value, key, problem, path)
    if math.type(value) ~= "integer" or value < key.least or value > key.greatest then
      wrong(value, key, problem, path)
    end
    return value
  end,
  size = function(value, key, problem, path)
    local bytes = (math.type(value) == "integer" or type(value) == "string") and bytes_of(value)
    if not bytes or bytes < bytes_of(key.least) or bytes > bytes_of(key.greatest) then
      wrong(value, key, problem, path)
    end
    return bytes
  end,
  string = function(value, key, problem, path)
    if type(value) ~= "string" or value == "" or #value > key.most or value:find(key.text and "%z" or "%c")
      or (key.pattern and not value:find(key.pattern)) or (key.valid and not key.valid(value)) then
      wrong(value, key, problem, path)
    end
    return value
  end,
  choice = function(value, key, problem, path, origin)
    for _, choice in ipairs(key.choices) do
      if value == choice then
        if key.image and origin ~= "image" and value ~= key.default then
          problem(path, ("%s is for scripts of the image only"):format(shown(value)))
        end
        return value
      end
    end
    wrong(value, key, problem, path)
  end,
  list = function(value, key, problem, path, origin)
    if type(value) ~= "table" then return wrong(value, key, problem, path) end
    local result, count = {}, 0
    for index in pairs(value) do
      count = count + 1
      if math.type(index) ~= "integer" or index < 1 or index > key.most then
        return problem(path, ("expected %s, got the key %s"):format(M.expects(key), shown(index)))
      end
    end
    for i = 1, count do
      if value[i] == nil then return problem(path, "expected a list without holes") end
      result[i] = check[key.of.kind](value[i], key.of, problem, ("%s[%d]"):format(path, i), origin)
    end
    return result
  end,
}

local HINT_MOST = 32  -- bytes of a name that is compared with the known ones
local HINTS_MOST = 16 -- names of a table that are: the others are told as unknown all the same

-- The known key whose name is nearest, if it is near.
local function similar(name, keys)
  if #name > HINT_MOST then return nil end
  for _, key in ipairs(keys) do
    local other, same = key.name, 0
    for i = 1, math.max(#name, #other) do
      if name:sub(i, i) == other:sub(i, i) then same = same + 1 end
    end
    for i = 1, #name do  -- a letter too many, or too few
      if name:sub(1, i - 1) .. name:sub(i + 1) == other then same = #other end
    end
    for i = 1, #other do
      if other:sub(1, i - 1) .. other:sub(i + 1) == name then same = #other end
    end
    if same >= #other - (#other > 5 and 2 or 1) and same > 1 then return other end
  end
end

local function check_keys(value, keys, problem, prefix, origin)
  local known, result = {}, {}
  for _, key in ipairs(keys) do known[key.name] = key end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  local hints_left = HINTS_MOST
  for _, name in ipairs(names) do
    if not known[name] then
      local hint = type(name) == "string" and hints_left > 0 and similar(name, keys)
      hints_left = hints_left - 1
      problem(prefix .. tostring(name),
        hint and ("unknown key; did you mean %s?"):format(hint) or "unknown key")
    end
  end
  for _, key in ipairs(keys) do
    local path, given = prefix .. key.name, value[key.name]
    if given ~= nil then
      result[key.name] = check[key.kind](given, key, problem, path, origin)
    elseif key.needed then
      problem(path, "missing; expected " .. M.expects(key))
    elseif key.kind == "list" then
      result[key.name] = {}
    elseif key.kind == "size" then
      result[key.name] = key.default and bytes_of(key.default)
    elseif key.kind == "table" and key.name == "limits" then
      result[key.name] = {}
    elseif key.kind == "table" and key.filled then
      result[key.name] = check_keys({}, key.keys, problem, path .. ".", origin)
    else
      result[key.name] = key.default
    end
  end
  return result
end

function check.table(value, key, problem, path, origin)
  if type(value) ~= "table" then return wrong(value, key, problem, path) end
  return check_keys(value, key.keys, problem, path .. ".", origin)
end

-- readiness: a word, or a table with exactly one way: a line, or a port and perhaps a path on it
function check.ready(value, key, problem, path)
  if value == "started" or value == "message" then return value end
  if type(value) ~= "table" then return wrong(value, key, problem, path) end
  local got = check_keys(value, key.keys, problem, path .. ".")
  if (value.line == nil) == (value.port == nil) or (value.http ~= nil and value.port == nil) then
    return wrong(value, key, problem, path)
  end
  return got
end

-- A word, or a table with more to say.
function check.either(value, key, problem, path, origin)
  if type(value) == "table" then return check_keys(value, key.keys, problem, path .. ".", origin) end
  return check.choice(value, key, problem, path, origin)
end

-- One of the words in `gives`.
function check.gives(value, key, problem, path, origin)
  for _, word in ipairs(M.GIVES) do
    if value == word then
      if origin ~= "image" then problem(path, "devices and authorities are for scripts of the image only") end
      return value
    end
  end
  wrong(value, key, problem, path)
end

local NETWORK = {
  { name = "port", kind = "number", least = 1, greatest = 65535,
    doc = "A TCP port that accepts, at 127.0.0.1 or ::1." },
  { name = "http", kind = "string", most = 128, pattern = "^/[!-~]*$",
    expected = "a path that starts with /, without spaces",
    doc = "A path that answers a GET on that port with 200." },
}

function check.probe(value, key, problem, path)
  if type(value) ~= "table" then return wrong(value, key, problem, path) end
  local got = check_keys(value, key.keys, problem, path .. ".")
  if value.port == nil then problem(path .. ".port", "missing; expected " .. M.expects(NETWORK[1])) end
  return got
end

local SERVICE = { kind = "string", most = 24, pattern = "^[%l%d][%l%d%-]*$",
  expected = "the name of a service: lower-case letters, digits, -" }
local ENTRY = { kind = "string", most = 48, pattern = "^[%l%d][%l%d/%-]*$",
  expected = "a name of the service directory" }

-- In the order of the page.
M.keys = {
  { name = "program", kind = "string", needed = true, most = 128, pattern = "^/[^%z]*$",
    expected = "the absolute path of a program of the image",
    doc = "The program, started by init." },
  { name = "description", kind = "string", most = 96, doc = "What it is, for `svc status`." },
  { name = "arguments", kind = "list", most = 24, of = { kind = "string", most = 1024, text = true },
    doc = "Arguments behind the program's name." },
  { name = "environment", kind = "list", most = 16, of = { kind = "string", most = 256,
    pattern = "^[%a_][%w_]*=", expected = "NAME=VALUE" }, doc = "Environment, beside PATH." },
  { name = "capabilities", kind = "list", most = 16, of = { kind = "choice", choices = M.CAPABILITIES },
    doc = "Capability bits the process keeps." },
  { name = "names", kind = "list", most = 16, of = ENTRY,
    doc = "Services it may look up; `file/base` and `file/tmp` also put `/` and `/tmp` among its paths." },
  { name = "folders", kind = "list", most = 8, of = { kind = "string", most = 255, pattern = "^/.*[^/]$",
      expected = "the absolute path of a folder of the image, without a slash at its end" },
    doc = "Folders of the image among its paths, when it is not to have all of `/`: of the file server it "
      .. "sees what lies below them." },
  { name = "net", kind = "table", keys = {
      { name = "listen", kind = "list", most = 16, of = { kind = "number", least = 1, greatest = 65535 },
        doc = "Ports it may listen at (TCP) or bind (UDP; it may answer who sends there)." },
      { name = "connect", kind = "list", most = 16, of = { kind = "string", most = 43,
        pattern = "^[%x:.]+/%d+$", valid = function(text) return inet.prefix(text) ~= nil end,
        expected = 'addresses like "10.0.0.0/8" or "2001:db8::/32"' },
        doc = "Where it may connect to, send datagrams to, and ping." } },
    doc = "Narrows what it may do with the network (beside the capability `net` and the name `net`) to this; "
      .. "names are looked up for it when `connect` is given." },
  { name = "serves", kind = "string", most = ENTRY.most, pattern = ENTRY.pattern, expected = ENTRY.expected,
    doc = "Name under which others find it; it gets that channel as `serve`." },
  { name = "gives", kind = "list", most = 8, of = { kind = "gives", expected = "one of " .. words(M.GIVES) },
    doc = "Devices and authorities it is given (scripts of the image only; `scripts/guest/init/grants.lua` "
      .. "explains each word)." },
  { name = "needs", kind = "choice", choices = M.DEVICES, image = true,
    doc = "Devices without which it is not started at boot (scripts of the image only)." },
  { name = "requires", kind = "list", most = 8, of = SERVICE,
    doc = "Services started with it that must be ready first; when one is stopped or fails for good, it is "
      .. "stopped until that one is back." },
  { name = "wants", kind = "list", most = 8, of = SERVICE,
    doc = "Services started with it, whose absence or failure does not matter." },
  { name = "after", kind = "list", most = 8, of = SERVICE,
    doc = "Services that must be ready, or have settled otherwise, before it starts, if they are to run." },
  { name = "ready", kind = "ready", default = "started", keys = {
      { name = "line", kind = "string", most = 96, doc = "Part of a line it prints." }, NETWORK[1],
        NETWORK[2] },
    expected = '"started", "message", { line = "..." } or { port = N, http = "/..." }',
    doc = "When it counts as ready: at once, when it tells init, when it prints a line with these words, or "
      .. "when a port, or an HTTP path on it, answers." },
  { name = "start_seconds", kind = "number", least = 1, greatest = 3600, default = 60,
    doc = "Time it may take to become ready; then it is ended and counts as failed." },
  { name = "probe", kind = "probe", expected = 'a table like { port = 80, http = "/" }',
    keys = { NETWORK[1], NETWORK[2],
      { name = "seconds", kind = "number", least = 1, greatest = 3600, default = 10,
        doc = "From an answer to the next question." },
      { name = "timeout", kind = "number", least = 1, greatest = 60, default = 5,
        doc = "Seconds an answer may take." },
      { name = "failures", kind = "number", least = 1, greatest = 100, default = 3,
        doc = "In a row, until it counts as hanging and is ended." } },
    doc = "Asked again and again while it is ready." },
  { name = "overdue", kind = "number", least = 1, greatest = 3600, default = 5,
    doc = "Seconds a call to it may wait until it counts as hanging and is ended; for services that serve." },
  { name = "restart", kind = "choice", choices = { "always", "failure", "never" }, default = "always",
    doc = "Whether it is started again when it ends: always, after a status other than 0, or not." },
  { name = "final", kind = "list", most = 16, of = { kind = "number", least = 1, greatest = 255 },
    doc = "Exit statuses after which starting it again is of no use." },
  { name = "oneshot", kind = "boolean", default = false,
    doc = "It does its work and ends: with status 0 it is done, which counts as ready." },
  { name = "stop_seconds", kind = "number", least = 1, greatest = 600, default = 5,
    doc = "Time from the TERM interrupt until it is killed." },
  { name = "limits", kind = "table", doc = "Quotas of its job; what is not named is as the system's.",
    keys = {
      { name = "memory", kind = "size", least = "256K", greatest = "64G",
        doc = "Memory, everything counted." },
      { name = "handles", kind = "number", least = 16, greatest = 1 << 20, doc = "Handles." },
      { name = "threads", kind = "number", least = 1, greatest = 65536, doc = "Threads." },
      { name = "processes", kind = "number", least = 1, greatest = 65536, doc = "Processes." },
      { name = "calls", kind = "number", least = 1, greatest = 65536, doc = "Call objects." },
      { name = "weight", kind = "number", least = 1, greatest = 10000,
        doc = "CPU weight; 100 is usual." } } },
  { name = "band", kind = "choice", choices = { "normal", "servers", "drivers" }, default = "normal",
    image = true,
    doc = "Scheduling band (others than normal for scripts of the image only)." },
  { name = "log", kind = "size", least = "4K", greatest = "256K", default = "16K",
    doc = "How much of what it prints is kept." },
}

-- Checks what a configuration returned against keys of the kinds above: the value with its defaults, and the
-- problems, which more checks may add to by calling problem(path, text).
function M.check_table(data, keys)
  local problems = {}
  local function problem(path, text) problems[#problems + 1] = { path = path, text = text } end
  if type(data) ~= "table" then
    problem("", ("expected the script to return a table, got %s"):format(shown(data)))
    return {}, problems, problem
  end
  return check_keys(data, keys, problem, ""), problems, problem
end

local function contains(list, wanted)
  for _, value in ipairs(list or {}) do
    if value == wanted then return true end
  end
  return false
end

-- A table without the surprises a script's might have is what plain.decode returns.
function M.check(data, origin)
  local problems = {}
  local function problem(path, text) problems[#problems + 1] = { path = path, text = text } end
  if type(data) ~= "table" then
    problem("", ("expected the script to return a table, got %s"):format(shown(data)))
    return nil, problems
  end
  local program = data.program
  local definition = check_keys(data, M.keys, function(path, text)
    -- programs of the bundle are known by name
    local is_bundled = type(program) == "string" and program:find("^bundle:[%l%d]+$")
    if not (path == "program" and origin == "image" and is_bundled) then problem(path, text) end
  end, "", origin)
  if data.overdue and not data.serves then problem("overdue", "only for a service that has `serves`") end
  if data.net and not contains(definition.names, "net") then
    problem("net", 'only for a service whose names have "net"')
  end
  if definition.oneshot and data.restart == "always" then
    problem("restart", 'a oneshot is not started again when it succeeds; expected "failure" or "never"')
  end
  if definition.oneshot and data.ready ~= nil then
    problem("ready", "not for a oneshot: it counts as ready when it has ended with status 0")
  end
  if definition.oneshot and data.probe ~= nil then
    problem("probe", "not for a oneshot, which is never ready and running")
  end
  if definition.oneshot and data.restart == nil then definition.restart = "failure" end
  if problems[1] then return nil, problems end
  return definition
end

local function describe(put, key, prefix)
  local default = key.default
  if default == nil then default = key.needed and "needed" or key.kind == "list" and "none" or "-" end
  if type(default) == "string" and key.kind ~= "size" and default ~= "-" and default ~= "none"
    and default ~= "needed" then
    default = '"' .. default .. '"'
  end
  put("| `%s%s` | %s | %s | %s |", prefix, key.name, M.expects(key):gsub("|", "\\|"), tostring(default),
    key.doc)
  for _, inner in ipairs(key.keys or {}) do describe(put, inner, prefix .. key.name .. ".") end
end

-- A reference page of keys; source: the module they stand in.
function M.page_of(title, source, keys)
  local lines = { "# " .. title, "", ("Generated from `%s`; do not edit."):format(source),
    "", "| key | expects | default | |", "| --- | --- | --- | --- |" }
  local function put(...) lines[#lines + 1] = string.format(...) end
  for _, key in ipairs(keys) do describe(put, key, "") end
  return table.concat(lines, "\n") .. "\n"
end

-- docs/reference/services.md
function M.page()
  return M.page_of("Keys of a service script", "lua/swos/service/schema.lua", M.keys)
end

return M
