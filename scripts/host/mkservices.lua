-- Compiles the boot services' scripts into one module of the boot bundle:
--   mkservices.lua BOOT.lua FILE.lua... OUT.lua
-- Every script is checked as init would check it, completed with defaults, and written as a table,
-- so that nothing needs checking at boot. A mistake, or a boot service without a script, fails the
-- build. Of the scripts named, those take part that BOOT.lua starts.
package.path = "lua/?.lua;" .. package.path
local graph = require("swos.service.graph")
local schema = require("swos.service.schema")

local boot = dofile(arg[1])
local wanted = {}
for _, name in ipairs(boot.start) do wanted[name] = true end

local function write(value)
  if type(value) ~= "table" then
    return type(value) == "string" and ("%q"):format(value):gsub("\n", "n") or tostring(value)
  end
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end)
  for _, key in ipairs(keys) do parts[#parts + 1] = ("[%q]=%s"):format(key, write(value[key])) end
  return "{" .. table.concat(parts, ",") .. "}"
end

assert(wanted.console, "the login on the console is not in the boot list")

local definitions, failed = {}, false
for i = 2, #arg - 1 do
  local name = arg[i]:match("([^/]+)%.lua$")
  local definition, problems = schema.check(dofile(arg[i]), "image")
  for _, problem in ipairs(problems or {}) do
    io.stderr:write(("%s: %s: %s\n"):format(arg[i], problem.path, problem.text))
    failed = true
  end
  definitions[name] = definition
end
for name, problem in pairs(graph.check(definitions)) do
  io.stderr:write(("%s: %s: %s\n"):format(name, problem.path, problem.text))
  failed = true
end
local compiled = {}
for name in pairs(wanted) do
  if not definitions[name] then
    io.stderr:write(("%s: boot service without a script\n"):format(name))
    failed = true
  end
  compiled[name] = definitions[name]
end
if failed then os.exit(1) end
local out <close> = assert(io.open(arg[#arg], "w"))
out:write("-- Definitions of the boot services. Made by mkservices.lua from etc/swos/services.\nreturn ",
  write(compiled), "\n")
