-- Writes the protocols as C tables for the hostile client and server: lua5.4 tables.lua ABI ROWS CALLS
--
-- ROWS has a row an operation: names, numbers, where the parts of request and reply lie, which handles
-- go along. CALLS has a function an operation that calls its stub of libswos with odd arguments, and
-- the list of these functions. From the ABI tables alone: an operation is attacked as soon as it stands
-- there.

local abi = dofile(arg[1])

local REPLY_HEADER = 8  -- a reply of that alone is no parameter of the stub
local DATA = { ["in"] = "SW_CALL_DATA_IN", out = "SW_CALL_DATA_OUT" }

local function sorted(set, less)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  table.sort(list, less)
  return list
end

-- The fields, then a length for each string, a multiple of 8.
local function fixed_size(size, strings)
  return (size + 4 * #strings + 7) & ~7
end

local function c_list(names)
  local quoted = {}
  for i, name in ipairs(names) do quoted[i] = ('"%s"'):format(name) end
  return quoted[1] and "{ " .. table.concat(quoted, ", ") .. " }" or "{ NULL }"
end

local function part(size, strings)
  return ("{ %d, %d, %d }"):format(fixed_size(size, strings), size, #strings)
end

local function row(protocol_name, protocol, name, operation)
  return ('{ "%s", "%s", %d, %d, %d, %s, %s, %s, %s, %s },'):format(protocol_name, name, protocol.id,
    protocol.version, operation.number, part(operation.request_size, operation.request_strings),
    part(operation.reply_size, operation.reply_strings), DATA[operation.data] or "0",
    c_list(operation.send), c_list(operation.receive))
end

local function call(protocol_name, name, operation)
  local stub = ("%s_%s"):format(protocol_name, name)
  local lines, arguments, results = {}, { "connection" }, {}
  local function put(...) lines[#lines + 1] = string.format(...) end
  local function pass(...) arguments[#arguments + 1] = string.format(...) end
  put("static void call_%s(handle_t connection)", stub)
  put("{")
  for _, field in ipairs(operation.request) do
    assert(field.type:find("^[ui]%d+$"), field.type .. ": a kind of field without odd values")
    pass(field.count and "(const void *)call_data" or "(%sint%s_t)odd_number()",
      field.type:sub(1, 1) == "u" and "u" or "", field.type:sub(2))
  end
  for i in ipairs(operation.request_strings) do
    put("    const char *text%d = odd_text();", i)
    pass("text%d, strlen(text%d)", i, i)
  end
  for _, kind in ipairs(operation.send) do pass('odd_handle("%s")', kind) end
  if operation.data then pass("call_data, below(sizeof(call_data) + 1)") end
  if operation.reply_size > REPLY_HEADER then
    put("    struct sw_%s_reply reply;", stub)
    pass("&reply")
  end
  for i in ipairs(operation.reply_strings) do
    put("    char reply%d[24];", i)
    pass("reply%d, sizeof(reply%d)", i, i)
    results[#results + 1] = ("    took_text(status, reply%d, sizeof(reply%d));"):format(i, i)
  end
  for i in ipairs(operation.receive) do
    put("    handle_t received%d = 0;", i)
    pass("&received%d", i)
    results[#results + 1] = ("    took_handle(status, received%d);"):format(i)
  end
  pass("SW_NEVER")
  put("    status_t status = sw_%s(%s);", stub, table.concat(arguments, ", "))
  put("    took_status(status);")
  table.move(results, 1, #results, #lines + 1, lines)
  put("}")
  put("")
  return table.concat(lines, "\n"), ("    call_%s,"):format(stub)
end

local rows, calls, list = {}, {}, {}
for _, protocol_name in ipairs(sorted(abi.protocol)) do
  local protocol = abi.protocol[protocol_name]
  local names = sorted(protocol.operations, function(a, b)
    return protocol.operations[a].number < protocol.operations[b].number
  end)
  for _, name in ipairs(names) do
    rows[#rows + 1] = row(protocol_name, protocol, name, protocol.operations[name])
    calls[#calls + 1], list[#list + 1] = call(protocol_name, name, protocol.operations[name])
  end
end

local function write(path, ...)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write("/* Generated from the ABI tables by tests/hostile/tables.lua; do not edit. */\n", ...))
end

write(arg[2], table.concat(rows, "\n"), "\n")
write(arg[3], table.concat(calls, "\n"), "\nstatic void (*const calls[])(handle_t) = {\n",
  table.concat(list, "\n"), "\n};\n")
