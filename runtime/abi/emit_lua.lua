-- The tables as one Lua module for the binding, the fuzzer and the tests: sorted keys, so deterministic.
local M = {}

local function serialize(value, indent)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end)
  local parts, inner = {}, indent .. " "
  for _, key in ipairs(keys) do
    local name = type(key) == "number" and ("[%d]"):format(key) or ("[%q]"):format(key)
    parts[#parts + 1] = inner .. name .. "=" .. serialize(value[key], inner)
  end
  return "{\n" .. table.concat(parts, ",\n") .. "}"
end

-- Constants are numbers here; the few C expressions are translated.
local EXPRESSIONS = { ["UINT64_MAX"] = -1, ["0xffffffffu"] = 0xffffffff }

function M.tables(model)
  local result = { status = {}, message = {}, right = {}, capability = {}, type = {}, constant = {}, struct = {},
    syscall = {}, protocol = {} }
  for _, e in ipairs(model.errors) do
    result.status[e[1]] = e[2]
    result.message[-e[2]] = { name = e[1], text = e[3] }
  end
  for _, r in ipairs(model.rights) do result.right[r[1]] = 1 << r[2] end
  for _, c in ipairs(model.capabilities) do result.capability[c[1]] = 1 << c[2] end
  for _, t in ipairs(model.types) do result.type[t[1]] = t[2] end
  for _, c in ipairs(model.constants) do
    result.constant[c[1]] = EXPRESSIONS[c[2]] or tonumber(c[2]) or c[2]
  end
  for _, s in ipairs(model.structs) do result.struct[s.name] = { size = s.size, fields = s.fields } end
  for _, s in ipairs(model.syscalls) do
    result.syscall[s.name] = { number = s.number, arguments = s.arguments, out = s.out, errors = s.errors, blocks = s.blocks }
  end
  for _, p in ipairs(model.protocols) do
    local operations = {}
    for _, op in ipairs(p.operations) do
      operations[op.name] = { number = op.number, request = op.request_fields, request_size = op.request_size,
        request_strings = op.request_strings, reply = op.reply_fields, reply_size = op.reply_size,
        reply_strings = op.reply_strings, send = op.send or {}, receive = op.receive or {}, data = op.data,
        cap = op.cap or nil, caps = op.caps, secret = op.secret or false,
        idempotent = op.idempotent or false, once = op.once or false }
    end
    result.protocol[p.name] = { id = p.id, version = p.version, level = p.level, stateless = p.stateless or false,
      operations = operations }
    for _, c in ipairs(p.constants or {}) do result.constant[c[1]] = c[2] end
  end
  return "-- The ABI as data. Generated from runtime/abi; do not edit.\nreturn " .. serialize(result, "") .. "\n"
end

local function compact(fields)
  local list = {}
  for i, f in ipairs(fields) do list[i] = { f.name, f.type, f.offset, f.count } end
  return list
end

local function field_names(list)
  local out = {}
  for i, entry in ipairs(list) do out[i] = entry.name or entry end
  return out
end

-- What trace and crash need to say in words what a process asked: by number, names alone. Lists are
-- in order: of a field its name, type, offset and count; of an argument its name and kind.
function M.names(model)
  local result = { status = {}, right = {}, type = {}, struct = {}, syscall = {}, protocol = {}, event = {} }
  for _, c in ipairs(model.constants) do
    local event = c[1]:match("^SW_EVENT_(.*)$")
    if event then result.event[c[2]] = event end
  end
  for _, e in ipairs(model.errors) do result.status[-e[2]] = e[1] end
  for _, r in ipairs(model.rights) do result.right[r[2]] = r[1] end
  for _, t in ipairs(model.types) do result.type[t[2]] = t[1] end
  for _, s in ipairs(model.structs) do result.struct[s.name] = { size = s.size, fields = compact(s.fields) } end
  for _, s in ipairs(model.syscalls) do
    local arguments = {}
    for i, a in ipairs(s.arguments) do
      arguments[i] = { a.name, a.kind == "address" and a.direction .. ":" .. a.struct or a.kind }
    end
    result.syscall[s.number] = { name = s.name, arguments = arguments, out = field_names(s.out) }
  end
  for _, p in ipairs(model.protocols) do
    local operations = {}
    for _, op in ipairs(p.operations) do
      operations[op.number] = { name = p.name .. "." .. op.name,
        request = { compact(op.request_fields), op.request_size, field_names(op.request_strings) },
        reply = { compact(op.reply_fields), op.reply_size, field_names(op.reply_strings) },
        send = op.send, receive = op.receive, data = op.data }
    end
    result.protocol[p.id] = { name = p.name, version = p.version, operations = operations }
  end
  return "-- Names of the ABI by number. Generated from runtime/abi; do not edit.\nreturn " .. serialize(result, "") .. "\n"
end

return M
