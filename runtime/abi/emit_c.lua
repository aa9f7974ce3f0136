-- C headers: swos/abi.h (kernel and programs) and swos/protocol.h (programs only).
local M = {}

local CTYPES = { u8 = "uint8_t", u16 = "uint16_t", u32 = "uint32_t", u64 = "uint64_t", i32 = "int32_t", i64 = "int64_t" }
local function ctype(name) return CTYPES[name] or "struct " .. name end
local function upper(name) return (name:upper():gsub("%-", "_")) end

local function buffer()
  local lines = {}
  return lines, function(...) lines[#lines + 1] = string.format(...) end
end

local function comment(doc) return doc ~= "" and ("  /* " .. doc .. " */") or "" end

local function emit_struct(put, name, fields, size)
  put("struct %s {", name)
  for _, f in ipairs(fields) do
    put("    %s %s%s;%s", ctype(f.type), f.name, f.count and ("[" .. f.count .. "]") or "", comment(f.doc))
  end
  put("};")
  put("_Static_assert(sizeof(struct %s) == %d, \"%s\");", name, size, name)
  for _, f in ipairs(fields) do
    put("_Static_assert(__builtin_offsetof(struct %s, %s) == %d, \"%s.%s\");", name, f.name, f.offset, name, f.name)
  end
end

-- Type of a system call argument in the stub.
local function argument_type(a)
  if a.kind == "handle" then return "handle_t" end
  if a.kind == "address" then
    local const = a.direction == "in" and "const " or ""
    return const .. (a.struct == "bytes" and "void *" or ("struct " .. a.struct .. " *"))
  end
  return CTYPES[a.kind]
end

local function stub(put, call)
  local parameters = {}
  for _, a in ipairs(call.arguments) do
    local t = argument_type(a)
    parameters[#parameters + 1] = t .. (t:sub(-1) == "*" and "" or " ") .. a.name
  end
  for _, o in ipairs(call.out) do
    parameters[#parameters + 1] = ("%s *out_%s"):format(CTYPES[o.kind], o.name)
  end
  put("/* %s */", call.doc)
  put("static inline status_t sw_%s(%s)", call.name, #parameters > 0 and table.concat(parameters, ", ") or "void")
  put("{")
  local registers = math.max(#call.arguments, #call.out + 1)
  for i = 0, registers - 1 do
    local a = call.arguments[i + 1]
    local value = a and (a.kind == "address" and ("(uint64_t)(uintptr_t)%s"):format(a.name)
      or a.kind == "i32" and ("(uint64_t)(int64_t)%s"):format(a.name) or a.name)
    put("    register uint64_t x%d __asm__(\"x%d\")%s;", i, i, value and (" = " .. value) or "")
  end
  put("    register uint64_t x8 __asm__(\"x8\") = %d;", call.number)
  local outputs, inputs = {}, {}
  for i = 0, registers - 1 do
    if i <= #call.out then
      outputs[#outputs + 1] = ("\"%s\"(x%d)"):format(call.arguments[i + 1] and "+r" or "=r", i)
    else
      inputs[#inputs + 1] = ("\"r\"(x%d)"):format(i)
    end
  end
  inputs[#inputs + 1] = "\"r\"(x8)"
  put("    __asm__ volatile(\"svc #0\" : %s : %s : \"memory\", \"cc\");", table.concat(outputs, ", "), table.concat(inputs, ", "))
  for i, o in ipairs(call.out) do
    put("    if (out_%s)", o.name)
    put("        *out_%s = (%s)x%d;", o.name, CTYPES[o.kind], i)
  end
  put("    return (status_t)x0;")
  put("}")
end

function M.abi(model)
  local lines, put = buffer()
  put("/* The ABI between kernel, servers and programs. Generated from runtime/abi; do not edit. */")
  put("#pragma once")
  put("#include <stdint.h>")
  put("#include <stddef.h>")
  put("")
  put("typedef int32_t status_t;   /* 0 or a negative SW_* code */")
  put("typedef uint32_t handle_t;  /* index in bits 0 to 15, generation above; 0 is no handle */")
  put("")
  for _, e in ipairs(model.errors) do put("#define SW_%s (%d)  /* %s */", e[1], e[2], e[3]) end
  put("")
  for _, t in ipairs(model.types) do put("#define SW_TYPE_%s %d", upper(t[1]), t[2]) end
  put("")
  for _, r in ipairs(model.rights) do put("#define SW_RIGHT_%s (1u << %d)", r[1], r[2]) end
  put("")
  local all = 0
  for _, c in ipairs(model.capabilities) do
    put("#define SW_CAP_%s (1ull << %d)  /* %s */", upper(c[1]), c[2], c[3])
    all = all | (1 << c[2])
  end
  put("#define SW_CAP_ALL 0x%xull  /* every bit of this build */", all)
  put("")
  for _, c in ipairs(model.constants) do put("#define %s %s%s", c[1], c[2], comment(c[3])) end
  put("/* The value of the i-th handle given at spawn. */")
  put("#define SW_START_HANDLE(i) ((handle_t)((1u << 16) | ((i) + 1)))")
  put("")
  for _, s in ipairs(model.structs) do
    if s.origin == "abi" then
      put("/* %s */", s.doc)
      emit_struct(put, s.name, s.fields, s.size)
      put("")
    end
  end
  for _, call in ipairs(model.syscalls) do put("#define SW_SYS_%s %d", upper(call.name), call.number) end
  put("#define SW_SYS_LIMIT %d", model.syscalls[#model.syscalls].number + 1)
  put("")
  put("#if !defined(SW_KERNEL) && defined(__aarch64__)")
  for _, call in ipairs(model.syscalls) do
    stub(put, call)
    put("")
  end
  put("#endif")
  return table.concat(lines, "\n") .. "\n"
end

-- One SW_STATUS(number, name, errno name, sentence) a line, for whoever defines that macro.
function M.status_table(model)
  local lines, put = buffer()
  put("/* Status codes. Generated from runtime/abi/errors.lua; do not edit. */")
  for _, e in ipairs(model.errors) do put("SW_STATUS(%d, %s, %s, \"%s\")", -e[2], e[1], e.posix, e[3]) end
  return table.concat(lines, "\n") .. "\n"
end

-- Bytes of all strings of one request: two paths fit, and the stub's frame stays below a page.
local STRINGS_MAX = 2304

local function has(list) return list and #list > 0 end

-- Client stub of one operation.
local function client(put, p, op)
  local name = ("sw_%s_%s"):format(p.name, op.name)
  local parameters = { "handle_t connection" }
  for _, f in ipairs(op.request_fields) do
    parameters[#parameters + 1] = f.count and ("const %s %s[%d]"):format(ctype(f.type), f.name, f.count)
      or ("%s %s"):format(ctype(f.type), f.name)
  end
  for _, s in ipairs(op.request_strings) do
    parameters[#parameters + 1] = ("const char *%s, size_t %s_length"):format(s.name, s.name)
  end
  for _, h in ipairs(op.send or {}) do parameters[#parameters + 1] = "handle_t send_" .. h end
  if op.data then
    parameters[#parameters + 1] = (op.data == "in" and "const void *data" or "void *data") .. ", size_t data_length"
  end
  if op.reply_size > 8 then parameters[#parameters + 1] = ("struct %s_reply *reply"):format(name) end
  for _, s in ipairs(op.reply_strings) do
    parameters[#parameters + 1] = ("char *%s, size_t %s_capacity"):format(s.name, s.name)
  end
  for _, h in ipairs(op.receive or {}) do parameters[#parameters + 1] = "handle_t *out_" .. h end
  parameters[#parameters + 1] = "uint64_t deadline"
  put("/* %s%s */", op.doc, op.cap and (" Needs capability " .. op.cap .. ".") or "")
  put("static inline status_t %s(%s)", name, table.concat(parameters, ", "))
  put("{")
  local total = ("sizeof(struct %s_request)"):format(name)
  for _, s in ipairs(op.request_strings) do total = total .. " + " .. s.name .. "_length" end
  if has(op.request_strings) then
    put("    if (%s > sizeof(struct %s_request) + %d)", total, name, STRINGS_MAX)
    put("        return SW_NAME_TOO_LONG;")
  end
  put("    struct { struct %s_request fixed; char strings[%s]; } request;", name,
    has(op.request_strings) and STRINGS_MAX or 8)
  put("    request.fixed.header = (struct sw_request_header){ SW_PROTOCOL_%s, SW_PROTOCOL_%s_VERSION, SW_OP_%s_%s, 0, %s };",
    upper(p.name), upper(p.name), upper(p.name), upper(op.name), op.once and "sw_request_id()" or "0")
  for _, f in ipairs(op.request_fields) do
    if f.count then
      put("    __builtin_memcpy(request.fixed.%s, %s, %d);", f.name, f.name, f.size)
    else
      put("    request.fixed.%s = %s;", f.name, f.name)
    end
  end
  if (op.request_size + 4 * #op.request_strings) % 8 ~= 0 then put("    request.fixed.padding = 0;") end
  put("    size_t request_length = sizeof(struct %s_request);", name)
  for _, s in ipairs(op.request_strings) do
    put("    request.fixed.%s_length = (uint32_t)%s_length;", s.name, s.name)
    put("    __builtin_memcpy((char *)&request + request_length, %s, %s_length);", s.name, s.name)
    put("    request_length += %s_length;", s.name)
  end
  put("    struct { struct %s_reply fixed; char strings[%d]; } answer;", name, has(op.reply_strings) and 1024 or 8)
  local flags = {}
  if op.data then flags[1] = "SW_CALL_DATA_" .. op.data:upper() end
  if op.secret then flags[#flags + 1] = "SW_CALL_SECRET" end
  put("    struct sw_call call = { .request = (uint64_t)(uintptr_t)&request, .request_length = (uint32_t)request_length,")
  put("        .reply = (uint64_t)(uintptr_t)&answer, .reply_capacity = sizeof(answer)%s };",
    (op.data and ", .data = (uint64_t)(uintptr_t)data, .data_length = data_length" or "")
      .. (flags[1] and ", .flags = " .. table.concat(flags, " | ") or ""))
  for i, h in ipairs(op.send or {}) do
    put("    if (send_%s)", h)
    put("        call.send[%d] = send_%s, call.send_count = %d;", i - 1, h, i)
  end
  put("    uint32_t reply_length = 0;")
  put("    status_t status = sw_transact(connection, &call, sizeof(struct %s_reply), &reply_length, %s, deadline);",
    name, (op.idempotent or op.once) and "1" or "0")
  if has(op.reply_strings) then
    put("    size_t at = sizeof(struct %s_reply);", name)
    for _, s in ipairs(op.reply_strings) do
      put("    if (status == SW_OK && (answer.fixed.%s_length > reply_length - at || answer.fixed.%s_length >= %s_capacity))",
        s.name, s.name, s.name)
      put("        status = SW_BAD_MESSAGE;")
      put("    if (status == SW_OK) {")
      put("        size_t length = answer.fixed.%s_length;", s.name)
      put("        __builtin_memcpy(%s, (const char *)&answer + at, length);", s.name)
      put("        %s[length] = 0;", s.name)
      put("        at += length;")
      put("    }")
    end
  end
  if op.reply_size > 8 then
    put("    if (status == SW_OK && reply)")
    put("        *reply = answer.fixed;")
  end
  for i, h in ipairs(op.receive or {}) do
    put("    *out_%s = status == SW_OK && call.received_count > %d ? call.received[%d] : 0;", h, i - 1, i - 1)
  end
  local expected = #(op.receive or {})
  put("    if (call.received_count > %s)", expected > 0 and ("(status == SW_OK ? %du : 0)"):format(expected) or "0")
  put("        sw_surplus_close(&call, %s);", expected > 0 and ("status == SW_OK ? %du : 0"):format(expected) or "0")
  put("    return status;")
  put("}")
  put("")
end

local function with_header(op, which, header)
  local fields = { { type = header, name = "header", doc = "", offset = 0 } }
  for _, f in ipairs(op[which .. "_fields"]) do fields[#fields + 1] = f end
  local size = op[which .. "_size"]
  for _, s in ipairs(op[which .. "_strings"]) do
    fields[#fields + 1] = { type = "u32", name = s.name .. "_length", doc = "the bytes follow the fields, in order", offset = size }
    size = size + 4
  end
  if size % 8 ~= 0 then
    fields[#fields + 1] = { type = "u32", name = "padding", doc = "0", offset = size }
    size = size + 4
  end
  return fields, size
end

-- Server side: decode and dispatch.
local function server(put, p)
  put("/* What a server of this protocol supplies; a missing handler answers NOT_SUPPORTED. */")
  put("struct sw_%s_handlers {", p.name)
  for _, op in ipairs(p.operations) do
    local strings = {}
    for _, s in ipairs(op.request_strings) do strings[#strings + 1] = (", const char *%s, size_t %s_length"):format(s.name, s.name) end
    put("    status_t (*%s)(struct sw_request *request, const struct sw_%s_%s_request *in%s, struct sw_%s_%s_reply *out);",
      op.name, p.name, op.name, table.concat(strings), p.name, op.name)
  end
  put("};")
  put("/* Checks a message, its capability bit and lengths, and calls its handler. The reply's fixed part is at request->reply. */")
  put("static inline status_t sw_%s_dispatch(const struct sw_%s_handlers *handlers, struct sw_request *request)", p.name, p.name)
  put("{")
  put("    status_t status = sw_request_check(request, SW_PROTOCOL_%s, SW_PROTOCOL_%s_VERSION);", upper(p.name), upper(p.name))
  put("    if (status != SW_OK)")
  put("        return status;")
  put("    switch (((const struct sw_request_header *)request->message)->operation) {")
  for _, op in ipairs(p.operations) do
    local name = ("sw_%s_%s"):format(p.name, op.name)
    put("    case SW_OP_%s_%s: {", upper(p.name), upper(op.name))
    put("        const struct %s_request *in = request->message;", name)
    put("        struct %s_reply *out = request->reply;", name)
    if op.cap then
      put("        if ((status = sw_request_need(request, SW_CAP_%s)) != SW_OK)", upper(op.cap))
      put("            return status;")
    end
    put("        if (request->event.request_length < sizeof(*in) || request->event.request_length > request->message_capacity)")
    put("            return SW_BAD_MESSAGE;")
    if has(op.request_strings) then
      put("        size_t left = request->event.request_length - sizeof(*in);")
      put("        const char *at = (const char *)(in + 1);")
    end
    local arguments = ""
    for _, s in ipairs(op.request_strings) do
      put("        if (in->%s_length > left)", s.name)
      put("            return SW_BAD_MESSAGE;")
      put("        const char *%s = at;", s.name)
      put("        at += in->%s_length;", s.name)
      put("        left -= in->%s_length;", s.name)
      arguments = arguments .. (", %s, in->%s_length"):format(s.name, s.name)
    end
    if has(op.request_strings) then
      put("        if (left != 0)")
      put("            return SW_BAD_MESSAGE;")
    end
    put("        if (request->event.reply_capacity < sizeof(*out))")
    put("            return SW_TOO_LARGE;")
    if op.data == "in" then
      put("        if (!(request->event.bits & SW_CALL_DATA_IN))")
      put("            return SW_BAD_MESSAGE;")
    elseif op.data == "out" then
      put("        if (!(request->event.bits & SW_CALL_DATA_OUT))")
      put("            return SW_BAD_MESSAGE;")
    end
    put("        if (!handlers->%s)", op.name)
    put("            return SW_NOT_SUPPORTED;")
    put("        __builtin_memset(out, 0, sizeof(*out));")
    put("        request->reply_length = sizeof(*out);")
    put("        return handlers->%s(request, in%s, out);", op.name, arguments)
    put("    }")
  end
  put("    default:")
  put("        return SW_NOT_SUPPORTED;")
  put("    }")
  put("}")
  put("")
end

function M.protocols(model)
  local lines, put = buffer()
  put("/* Message protocols. Generated from runtime/abi/protocols; do not edit. */")
  put("#pragma once")
  put("#include <swos/abi.h>")
  put("#include <swos/message.h>")
  put("")
  for _, p in ipairs(model.protocols) do
    put("/* %s: %s */", p.name, p.doc)
    put("#define SW_PROTOCOL_%s %d", upper(p.name), p.id)
    put("#define SW_PROTOCOL_%s_VERSION %d", upper(p.name), p.version)
    for _, c in ipairs(p.constants or {}) do put("#define %s %s", c[1], c[2]) end
    for _, op in ipairs(p.operations) do put("#define SW_OP_%s_%s %d", upper(p.name), upper(op.name), op.number) end
    put("")
    for _, s in ipairs(model.structs) do
      if s.origin == p.name then
        put("/* %s */", s.doc)
        emit_struct(put, s.name, s.fields, s.size)
        put("")
      end
    end
    for _, op in ipairs(p.operations) do
      local fields, size = with_header(op, "request", "sw_request_header")
      emit_struct(put, ("sw_%s_%s_request"):format(p.name, op.name), fields, size)
      fields, size = with_header(op, "reply", "sw_reply_header")
      emit_struct(put, ("sw_%s_%s_reply"):format(p.name, op.name), fields, size)
      put("")
    end
    server(put, p)
    for _, op in ipairs(p.operations) do client(put, p, op) end
  end
  return table.concat(lines, "\n") .. "\n"
end

return M
