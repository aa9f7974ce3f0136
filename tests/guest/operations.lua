-- Writes the protocol operations as a C table for cap_probe.c: lua5.4 operations.lua ABI OUT
-- One row an operation: names, numbers, the bytes of a request with empty strings, the capability
-- bit that gates it (0: none declared).

local abi = dofile(arg[1])

local protocols = {}
for name in pairs(abi.protocol) do protocols[#protocols + 1] = name end
table.sort(protocols)

local lines = { "/* Generated from the ABI tables by operations.lua; do not edit. */" }
for _, name in ipairs(protocols) do
  local protocol = abi.protocol[name]
  local operations = {}
  for operation in pairs(protocol.operations) do operations[#operations + 1] = operation end
  table.sort(operations, function(a, b)
    return protocol.operations[a].number < protocol.operations[b].number
  end)
  for _, operation in ipairs(operations) do
    local row = protocol.operations[operation]
    -- the fields, then a length for each string, a multiple of 8
    local size = (row.request_size + 4 * #row.request_strings + 7) & ~7
    lines[#lines + 1] = ('{ "%s", "%s", %d, %d, %d, %d, 0x%xull },'):format(name, operation,
      protocol.id, protocol.version, row.number, size,
      row.cap and abi.capability[row.cap] or 0)
  end
end

local file <close> = assert(io.open(arg[2], "w"))
file:write(table.concat(lines, "\n"), "\n")
