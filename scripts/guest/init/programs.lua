-- Programs of the boot bundle: started without asking anyone.
local swos = require("swos")
local sys = swos.sys

local M = {}

local HEADER, ENTRY = "<c8I4I4", 344

local programs  -- name -> bytes of its struct sw_program

local function read_table()
  local memory = assert(swos.handle("programs"), "no start handle `programs`")
  local magic, version, count = HEADER:unpack(assert(sys.memory_read(memory, 0, 16)))
  assert(magic == "SWPROGRM" and version == 1, "the table of programs is of another version")
  local bytes = count > 0 and assert(sys.memory_read(memory, 16, count * ENTRY)) or ""
  local found = {}
  for i = 0, count - 1 do
    local name = ("z"):unpack(bytes, i * ENTRY + 1)
    found[name] = bytes:sub(i * ENTRY + 65, (i + 1) * ENTRY)
  end
  return found
end

-- Starts a program: process, pid. options as for swos.spawn_loaded.
function M.start(name, options)
  programs = programs or read_table()
  local program = programs[name]
  if not program then return nil, name .. ": not in the boot bundle", "NOT_FOUND" end
  options.bare = true
  return swos.spawn_loaded(program, { swos.handle("bundle"), swos.handle("relocated") }, options)
end

return M
