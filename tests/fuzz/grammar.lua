-- Writes the system calls as C tables for syscall_fuzz.c: lua5.4 grammar.lua ABI OUT
--
-- From the ABI tables alone, so a new call is fuzzed as soon as it stands there. An argument has
-- a kind (handle of a type, number, address of a structure) and a role, its name; the fuzzer
-- knows good values for roles and structures it has heard of and random ones for others. A result
-- is a handle or a number by its name; a name in neither list below stops the build, because the
-- fuzzer has to know which results it must close.

local abi = dofile(arg[1])

local HANDLES, NUMBERS = {}, {}
for name in ([[duplicate process thread job handle channel connection call port event memory
  executable reader writer]]):gmatch("%S+") do HANDLES[name] = true end
for name in ([[type rights id pid woken reached session_number filled reply_length received_count done
  before bits mapped size committed sealed bytes capacity flags value length next byte
  interrupted taken number earlier holders others]]):gmatch("%S+") do NUMBERS[name] = true end

local calls = {}
for name, call in pairs(abi.syscall) do
  call.name = name
  calls[#calls + 1] = call
end
table.sort(calls, function(a, b) return a.number < b.number end)

local roles, structs, lines = {}, {}, {}
local function put(...) lines[#lines + 1] = string.format(...) end
local function note(set, name)
  set[name] = true
  return name
end

local function argument(a)
  if a.kind == "handle" then
    local object = a.object == "any" and 0 or abi.type[a.object]
    return ("{ HANDLE, ROLE_%s, %d, %s, 0, 0 }"):format(note(roles, a.name), object,
      a.optional and "1" or "0")
  elseif a.kind == "address" then
    local size = a.struct == "bytes" and 0 or abi.struct[a.struct].size
    return ("{ %s, ROLE_%s, 0, 0, STRUCT_%s, %d }"):format(a.direction == "out" and "OUT" or
      a.direction == "in" and "IN" or "INOUT", note(roles, a.name), note(structs, a.struct), size)
  end
  return ("{ %s, ROLE_%s, 0, 0, 0, 0 }"):format(a.kind:upper(), note(roles, a.name))
end

local function out(call, o)
  if HANDLES[o.name] then return "1" end
  if NUMBERS[o.name] then return "0" end
  error(("%s: is the result %s a handle? Say so in %s"):format(call.name, o.name, arg[0]), 0)
end

-- What a caller can cause: the errors of the call, and those of decoding its arguments.
local function errors(call)
  local list, seen = {}, {}
  local function add(name)
    if not seen[name] then
      seen[name] = true
      list[#list + 1] = name
    end
  end
  for _, name in ipairs(call.errors or {}) do add(name) end
  for _, a in ipairs(call.arguments) do
    if a.kind == "handle" then
      add("BAD_HANDLE")
      if a.object ~= "any" then add("WRONG_TYPE") end
      if #a.rights > 0 then add("ACCESS") end
    elseif a.kind == "u32" then
      add("INVALID")
    end
  end
  return list
end

local function map(list, convert)
  local parts = {}
  for i, entry in ipairs(list or {}) do parts[i] = convert(entry) end
  return #parts > 0 and "{ " .. table.concat(parts, ", ") .. " }" or "{ 0 }"
end

put("enum { GRAMMAR_CALLS = %d, GRAMMAR_ERRORS = %d };", #calls, #abi.message + 1)
put("extern const struct grammar_call grammar[GRAMMAR_CALLS];")
put("extern const char *const grammar_errors[GRAMMAR_ERRORS];")
put("#ifdef GRAMMAR_TABLES /* in one file of the program */")
put("const struct grammar_call grammar[GRAMMAR_CALLS] = {")
for _, call in ipairs(calls) do
  local failures = errors(call)
  put("    { \"%s\", %d, %d, %d, %d,", call.name, call.number, #call.arguments, #call.out,
    #failures)
  put("      %s,", #call.arguments > 0 and map(call.arguments, argument) or "{ { 0 } }")
  put("      %s, %s },", map(call.out, function(o) return out(call, o) end),
    map(failures, function(name) return ("%d"):format(-abi.status[name]) end))
end
put("};")

local names = {}
for number = 0, #abi.message do names[#names + 1] = ("\"%s\""):format(abi.message[number].name) end
put("const char *const grammar_errors[GRAMMAR_ERRORS] = { %s };", table.concat(names, ", "))
put("#endif")

local function enumeration(name, prefix, set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  table.sort(list)
  for i, key in ipairs(list) do list[i] = prefix .. key end
  return ("enum %s { %sNONE, %s };"):format(name, prefix, table.concat(list, ", "))
end

local head = {
  "/* Generated from the ABI tables by grammar.lua; do not edit. */",
  "enum grammar_kind { HANDLE, U32, U64, I32, IN, OUT, INOUT };",
  enumeration("grammar_role", "ROLE_", roles),
  enumeration("grammar_struct", "STRUCT_", structs),
  "struct grammar_argument { uint8_t kind, role, object, optional, structure; uint16_t size; };",
  "struct grammar_call {",
  "    const char *name;",
  "    uint16_t number, argument_count, out_count, error_count;",
  "    struct grammar_argument arguments[8];",
  "    uint8_t out_handle[4];",
  "    uint8_t errors[16];",
  "};",
}
local file <close> = assert(io.open(arg[2], "w"))
file:write(table.concat(head, "\n"), "\n", table.concat(lines, "\n"), "\n")
