-- Loads the ABI tables, checks them, and computes layouts.
-- Refused: an unaligned field, an unknown type, right, error or capability, a number used
-- twice, an operation that does not say which capability it needs, a server that calls one of
-- its own or a higher level.
local M = {}

local SCALARS = { u8 = 1, u16 = 2, u32 = 4, u64 = 8, i32 = 4, i64 = 8 }

local function fail(...) error(string.format(...), 0) end

-- Layout of a list of fields {type, name, doc}; returns fields with offsets, size, strings.
local function layout(owner, fields, structs, base)
  local offset, align, out, strings = base or 0, 1, {}, {}
  for _, field in ipairs(fields or {}) do
    local kind, name = field[1], field[2]
    local element, count = kind:match("^([%w_]+)%[(%d+)%]$")
    element, count = element or kind, tonumber(count)
    if element == "string" then
      strings[#strings + 1] = { name = name, doc = field[3] or "" }
    else
      local size, unit = SCALARS[element], SCALARS[element]
      if not size then
        local struct = structs[element] or fail("%s.%s: unknown type %s", owner, name, element)
        size, unit = struct.size, struct.align
      end
      if offset % unit ~= 0 then fail("%s.%s is not aligned (offset %d)", owner, name, offset) end
      out[#out + 1] = { type = element, count = count, name = name, doc = field[3] or "", offset = offset,
        size = size * (count or 1) }
      offset = offset + size * (count or 1)
      if unit > align then align = unit end
    end
  end
  return out, offset, align, strings
end

local function by_name(list, what, shared_numbers)
  local map, numbers = {}, {}
  for _, entry in ipairs(list) do
    if map[entry[1]] then fail("%s %s stands twice", what, entry[1]) end
    if numbers[entry[2]] and not shared_numbers then fail("%s number %s stands twice", what, entry[2]) end
    map[entry[1]], numbers[entry[2]] = entry, true
  end
  return map
end

local function add_structs(model, list, origin)
  for _, definition in ipairs(list) do
    local fields, size, align = layout(definition.name, definition.fields, model.struct)
    if size % align ~= 0 then fail("%s: size %d is not a multiple of %d", definition.name, size, align) end
    local struct = { name = definition.name, doc = definition.doc, fields = fields, size = size, align = align, origin = origin }
    model.struct[struct.name] = struct
    model.structs[#model.structs + 1] = struct
  end
end

local function parse_argument(call, argument, model)
  local kind, name, doc = argument[1], argument[2], argument[3] or ""
  local optional, object, rights = kind:match("^handle:(%??)([%a]+)(.*)$")
  if object then
    if object ~= "any" and not model.type[object] then fail("%s: no type %s", call, object) end
    local list = {}
    for right in rights:gmatch("%+([%u_]+)") do
      if not model.right[right] then fail("%s: no right %s", call, right) end
      list[#list + 1] = right
    end
    return { kind = "handle", object = object, optional = optional == "?", rights = list, name = name, doc = doc }
  end
  local direction, struct = kind:match("^address:(%a+):([%w_]+)$")
  if direction then
    if struct ~= "bytes" and not model.struct[struct] then fail("%s: no struct %s", call, struct) end
    return { kind = "address", direction = direction, struct = struct, name = name, doc = doc }
  end
  if not SCALARS[kind] then fail("%s: unknown argument type %s", call, kind) end
  return { kind = kind, name = name, doc = doc }
end

-- Calls go to a lower level only, so that no circle of servers can wait for each other.
local function check_levels(protocols, servers)
  local by = {}
  for _, p in ipairs(protocols) do by[p.name] = p end
  for _, server in ipairs(servers) do
    local name = server[1]
    local serves = not server.serves and server or by[server.serves] or fail("%s: no protocol %s", name, server.serves)
    if not serves.level then fail("%s: no level", name) end
    for _, called in ipairs(server.calls) do
      local p = by[called] or fail("%s: no protocol %s", name, called)
      if not p.upward and p.level >= serves.level then
        fail("%s (level %d) may not call %s (level %d)", name, serves.level, called, p.level)
      end
    end
  end
end

function M.load(here, protocols)
  local function read(name) return dofile(here .. "/" .. name .. ".lua") end
  local model = { errors = read("errors"), rights = read("rights"), capabilities = read("capabilities"),
    types = read("types"), constants = read("constants"), structs = {}, struct = {}, syscalls = {}, protocols = {} }
  model.error, model.right = by_name(model.errors, "error"), by_name(model.rights, "right")
  model.capability, model.type = by_name(model.capabilities, "capability"), by_name(model.types, "type")
  by_name(model.constants, "constant", true)
  add_structs(model, read("structs"), "abi")

  local numbers = {}
  for _, definition in ipairs(read("syscalls")) do
    local number, name, arguments = definition[1], definition[2], definition[3]
    if numbers[number] then fail("system call number %d stands twice", number) end
    numbers[number] = true
    local call = { number = number, name = name, doc = definition.doc or fail("%s has no doc", name), out = {},
      errors = definition.errors or {}, blocks = definition.blocks or false, arguments = {} }
    if #arguments > 8 then fail("%s: more than 8 arguments", name) end
    for _, argument in ipairs(arguments) do
      call.arguments[#call.arguments + 1] = parse_argument(name, argument, model)
    end
    for _, out in ipairs(definition.out or {}) do
      call.out[#call.out + 1] = { kind = out[1], name = out[2] }
    end
    for _, code in ipairs(call.errors) do
      if not model.error[code] then fail("%s: no error %s", name, code) end
    end
    model.syscalls[#model.syscalls + 1] = call
  end
  table.sort(model.syscalls, function(a, b) return a.number < b.number end)

  local ids = {}
  for _, name in ipairs(protocols) do
    local p = read("protocols/" .. name)
    if ids[p.id] then fail("protocol id %d stands twice", p.id) end
    ids[p.id] = true
    add_structs(model, p.structs or {}, p.name)
    local seen = {}
    for _, op in ipairs(p.operations) do
      op.number, op.name = op[1], op[2]
      local owner = p.name .. "." .. op.name
      if seen[op.number] then fail("%s: number %d stands twice", owner, op.number) end
      seen[op.number] = true
      if op.cap == nil and not op.caps then
        fail("%s does not say which capability it needs (cap = false: holding the connection is enough)", owner)
      end
      for _, capability in pairs(op.caps or { op.cap or nil }) do
        if not model.capability[capability] then fail("%s: no capability %s", owner, capability) end
      end
      if not op.doc then fail("%s has no doc", owner) end
      if op.idempotent and op.once then fail("%s: what is idempotent needs no record of having been done", owner) end
      -- a request's header is 16 bytes, a reply's 8
      op.request_fields, op.request_size, _, op.request_strings = layout(owner, op.request, model.struct, 16)
      op.reply_fields, op.reply_size, _, op.reply_strings = layout(owner, op.reply, model.struct, 8)
      if (op.request_size | op.reply_size) % 4 ~= 0 then fail("%s: size is not a multiple of 4", owner) end
      if #(op.send or {}) > 4 or #(op.receive or {}) > 4 then fail("%s: more than 4 handles", owner) end
    end
    model.protocols[#model.protocols + 1] = p
  end
  check_levels(model.protocols, read("servers"))
  return model
end

return M
