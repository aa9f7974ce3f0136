-- The kernel's system call decoders: handles are resolved and their type and rights checked
-- here, before the handler sees them. Included once, by kernel/syscall.c.
local M = {}

-- Objects whose handlers decide something by the handle's rights.
local WITH_RIGHTS = { memory = true, pipe = true, device = true }

local CTYPES = { u32 = "uint32_t", u64 = "uint64_t", i32 = "int32_t" }

-- Prototypes of the handlers.
function M.handlers(model)
  local lines = {}
  local function put(...) lines[#lines + 1] = string.format(...) end
  put("/* System call handlers. Generated from runtime/abi/syscalls.lua; do not edit. */")
  put("#pragma once")
  put("#include \"process.h\"")
  put("#include \"device.h\"")
  put("")
  for _, call in ipairs(model.syscalls) do
    local parameters = { "struct thread *thread" }
    for _, a in ipairs(call.arguments) do
      if a.kind == "handle" then
        parameters[#parameters + 1] = a.object == "any" and ("struct handle_entry *" .. a.name) or ("struct %s *%s"):format(a.object, a.name)
        if WITH_RIGHTS[a.object] then
          parameters[#parameters + 1] = "uint32_t " .. a.name .. "_rights"
        end
      elseif a.kind == "address" then
        parameters[#parameters + 1] = "vaddr_t " .. a.name
      else
        parameters[#parameters + 1] = CTYPES[a.kind] .. " " .. a.name
      end
    end
    for _, o in ipairs(call.out) do parameters[#parameters + 1] = "uint64_t *out_" .. o.name end
    put("status_t sys_%s(%s);", call.name, table.concat(parameters, ", "))
  end
  return table.concat(lines, "\n") .. "\n"
end

function M.table(model)
  local lines = {}
  local function put(...) lines[#lines + 1] = string.format(...) end
  put("/* System call decoders. Generated from runtime/abi/syscalls.lua; do not edit. */")
  put("#include \"syscall_handlers.h\"")
  put("")
  for _, call in ipairs(model.syscalls) do
    put("static status_t decode_%s(struct thread *thread)", call.name)
    put("{")
    put("    uint64_t *x = thread->frame.x;")
    if #call.arguments == 0 and #call.out == 0 then put("    (void)x;") end
    local arguments = { "thread" }
    for i, a in ipairs(call.arguments) do
      local x = ("x[%d]"):format(i - 1)
      if a.kind == "handle" then
        local rights = {}
        for _, r in ipairs(a.rights) do rights[#rights + 1] = "SW_RIGHT_" .. r end
        local object_type = a.object == "any" and "0" or "SW_TYPE_" .. a.object:upper()
        put("    struct handle_entry *entry%d = handle_find(thread->process, %s, %s, %s);", i, x, object_type,
          #rights > 0 and table.concat(rights, " | ") or "0")
        put("    if (!entry%d%s)", i, a.optional and (" && %s != 0"):format(x) or "")
        put("        return handle_refusal(thread->process, %s, %s);", x, object_type)
        if a.object == "any" then
          arguments[#arguments + 1] = "entry" .. i
        else
          local object = ("(struct %s *)entry%d->object"):format(a.object, i)
          arguments[#arguments + 1] = a.optional and ("entry%d ? %s : NULL"):format(i, object) or object
          if WITH_RIGHTS[a.object] then
            arguments[#arguments + 1] = a.optional and ("entry%d ? entry%d->rights : 0"):format(i, i)
              or ("entry%d->rights"):format(i)
          end
        end
      elseif a.kind == "u32" then
        put("    if (%s >> 32)", x)
        put("        return SW_INVALID;")
        arguments[#arguments + 1] = ("(uint32_t)%s"):format(x)
      elseif a.kind == "i32" then
        arguments[#arguments + 1] = ("(int32_t)%s"):format(x)
      else
        arguments[#arguments + 1] = x
      end
    end
    for _, o in ipairs(call.out) do
      put("    uint64_t out_%s = 0;", o.name)
      arguments[#arguments + 1] = "&out_" .. o.name
    end
    if #call.out == 0 then
      put("    return sys_%s(%s);", call.name, table.concat(arguments, ", "))
    else
      put("    status_t result = sys_%s(%s);", call.name, table.concat(arguments, ", "))
      put("    if (result > 0)  /* blocked or restarting: the registers are not ours any more */")
      put("        return result;")
      for i, o in ipairs(call.out) do put("    x[%d] = out_%s;", i, o.name) end
      put("    return result;")
    end
    put("}")
    put("")
  end
  put("static const struct syscall_entry { status_t (*decode)(struct thread *thread); const char *name; } syscall_table[SW_SYS_LIMIT] = {")
  for _, call in ipairs(model.syscalls) do put("    [%d] = { decode_%s, \"%s\" },", call.number, call.name, call.name) end
  put("};")
  return table.concat(lines, "\n") .. "\n"
end

return M
