-- Generates C headers, the kernel's decoders, Lua tables and reference pages from the ABI tables.
-- Usage: lua5.4 runtime/abi/generate.lua OUTDIR   |   generate.lua --list
-- Deterministic: output depends on the tables alone.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path

local PROTOCOLS = { "block", "file", "terminal", "auth", "names", "system", "log", "driver", "nic", "net", "endpoint",
  "metrics" }
local model = require("model").load(here, PROTOCOLS)
local emit_c = require("emit_c")
local emit_kernel = require("emit_kernel")
local emit_lua = require("emit_lua")
local emit_reference = require("emit_reference")

local outputs = {
  { "include/swos/abi.h", function() return emit_c.abi(model) end },
  { "include/swos/protocol.h", function() return emit_c.protocols(model) end },
  { "include/swos/status_table.inc", function() return emit_c.status_table(model) end },
  { "kernel/syscall_table.inc", function() return emit_kernel.table(model) end },
  { "kernel/syscall_handlers.h", function() return emit_kernel.handlers(model) end },
  { "lua/swos/abi_names.lua", function() return emit_lua.names(model) end },
  { "lua/abi.lua", function() return emit_lua.tables(model) end },
  { "reference/system-calls.md", function() return emit_reference.syscalls(model) end },
  { "reference/protocols.md", function() return emit_reference.protocols(model) end },
  { "reference/structures.md", function() return emit_reference.structures(model) end },
  { "reference/errors-and-rights.md", function() return emit_reference.errors_and_rights(model) end },
}

if arg[1] == "--list" then
  for _, output in ipairs(outputs) do print(output[1]) end
  os.exit(0)
end
local out = arg[1] or error("usage: generate.lua OUTDIR")
for _, output in ipairs(outputs) do
  local path = out .. "/" .. output[1]
  os.execute(("mkdir -p '%s'"):format(path:match("^(.*)/")))
  local file = assert(io.open(path, "w"))
  file:write(output[2]())
  file:close()
end
