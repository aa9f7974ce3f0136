-- Servers call lower levels only: what runtime/abi/servers.lua says, which the generator checks,
-- is what their code calls and what init gives them; and the generator does refuse.

package.path = "tests/lib/?.lua;build/generated/lua/?.lua;" .. package.path
local tap = require("tap")
local disk = require("disk")
local abi = require("abi")

local servers = dofile("runtime/abi/servers.lua")
local services = {}  -- definitions by name
for path in assert(io.popen("ls etc/swos/services/*.lua")):lines() do
  services[path:match("([^/]+)%.lua$")] = dofile(path)
end

-- init gives a connection by these words; the others are devices, memory and authorities.
local GIVES = { block = "block" }
-- Headers of libswos that are clients of a protocol.
local HEADERS = { ["swos/fd.h"] = "file", ["swos/path.h"] = "file" }

-- Servers in Lua: their files, with the modules that call others.
local IN_LUA = { metrics = "scripts/guest/metricsd.lua lua/swos/metrics.lua lua/swos/processes.lua "
  .. "lua/swos/fs.lua" }

local function source_of(server)
  local pipe <close> = assert(io.popen("cat " .. (IN_LUA[server] or ("bin/%s/*.[ch]"):format(server))))
  return pipe:read("a")
end

local function called(text)
  local found = {}
  for protocol, entry in pairs(abi.protocol) do
    for operation in pairs(entry.operations) do
      if text:find(("sw_%s_%s("):format(protocol, operation), 1, true)
        or text:find(("protocol.%s.%s("):format(protocol, operation), 1, true) then
        found[protocol] = operation
      end
    end
  end
  for header, protocol in pairs(HEADERS) do
    if text:find("#include <" .. header .. ">", 1, true) then found[protocol] = header end
  end
  return found
end

for _, server in ipairs(servers) do
  tap.test(server[1] .. " calls what the table says", function()
    local allowed = {}
    for _, protocol in ipairs(server.calls) do allowed[protocol] = true end
    for protocol, what in pairs(called(source_of(server[1]))) do
      tap.check(allowed[protocol], "it calls %s (%s)", protocol, what)
    end
    local service = services[server[1]] or {}  -- a session may be the one that starts it
    for _, word in ipairs(service.gives or {}) do
      tap.check(not GIVES[word] or allowed[GIVES[word]], "init gives it %s", word)
    end
  end)
end

tap.test("every service that serves is in the table", function()
  for name, service in pairs(services) do
    local found = not service.serves
    for _, server in ipairs(servers) do found = found or server[1] == name end
    tap.check(found, "%s is missing", name)
  end
end)

-- The generator run on a copy of the tables with one thing changed: what it prints.
local function generate(file, from, to)
  local pipe <close> = assert(io.popen("mktemp -d"))
  local folder = pipe:read("l")
  tap.on_done(function() os.execute("rm -rf " .. folder) end)
  assert(os.execute(("cp -r runtime/abi %s/abi"):format(folder)))
  local path = folder .. "/abi/" .. file
  local text, count = disk.read(path):gsub(from, to, 1)
  tap.equal(count, 1, "changes made to " .. file)
  local copy <close> = assert(io.open(path, "w"))
  assert(copy:write(text))
  copy:flush()
  local output <close> = assert(io.popen(("lua5.4 %s/abi/generate.lua %s/out 2>&1"):format(folder, folder)))
  local said = output:read("a")
  return said, (output:close())
end

tap.test("the generator refuses a call to the same level", function()
  local said, ok = generate("servers.lua", 'calls = { "block"', 'calls = { "file"')
  tap.check(not ok, "it did not fail")
  tap.contains(said, "imgfs (level 1) may not call file (level 1)")
end)

tap.test("the generator refuses an operation without a capability", function()
  local said, ok = generate("protocols/system.lua", 'cap = "power", ', "")
  tap.check(not ok, "it did not fail")
  tap.contains(said, "system.power does not say which capability it needs")
end)

tap.done()
