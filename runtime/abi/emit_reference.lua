-- Reference pages (Markdown) for docs/reference.
local M = {}

local function page(title)
  local lines = { "# " .. title, "", "Generated from `runtime/abi`; do not edit.", "" }
  return lines, function(...) lines[#lines + 1] = string.format(...) end
end

local function finish(lines) return table.concat(lines, "\n") .. "\n" end

function M.syscalls(model)
  local lines, put = page("System calls")
  put("`svc #0` with the number in x8 and arguments in x0 to x7. x0 returns 0 or a negative status, x1 onward the named results.")
  put("A refused call has changed nothing. Every call with a handle can also return BAD_HANDLE, WRONG_TYPE and ACCESS, every call with an address NO_MEMORY: no page is left for memory of the caller's that was never touched.")
  for _, c in ipairs(model.syscalls) do
    put("")
    put("## %d `%s`", c.number, c.name)
    put("")
    put("%s%s", c.doc, c.blocks and " May wait." or "")
    if #c.arguments > 0 then put("") end
    for i, a in ipairs(c.arguments) do
      local kind = a.kind
      if kind == "handle" then
        kind = (a.optional and "optional " or "") .. a.object .. " handle"
        if #a.rights > 0 then kind = kind .. " with " .. table.concat(a.rights, ", ") end
      elseif kind == "address" then
        kind = ("address of %s (%s)"):format(a.struct, a.direction)
      end
      put("- x%d `%s`: %s%s", i - 1, a.name, kind, a.doc ~= "" and "; " .. a.doc or "")
    end
    for i, o in ipairs(c.out) do put("- returns x%d `%s`", i, o.name) end
    if #c.errors > 0 then put("- errors: %s", table.concat(c.errors, ", ")) end
  end
  return finish(lines)
end

function M.structures(model)
  local lines, put = page("Structures")
  for _, s in ipairs(model.structs) do
    put("## `struct %s` (%d bytes)", s.name, s.size)
    put("")
    put("%s", s.doc)
    put("")
    put("| offset | type | field | |")
    put("| --- | --- | --- | --- |")
    for _, f in ipairs(s.fields) do
      put("| %d | %s%s | `%s` | %s |", f.offset, f.type, f.count and "[" .. f.count .. "]" or "", f.name, f.doc)
    end
    put("")
  end
  return finish(lines)
end

function M.protocols(model)
  local lines, put = page("Protocols")
  put("Each request starts with protocol id, version and operation (u16 each, then u16 0), each reply with a status (i32) and a detail (u32).")
  put("A server refuses another version with VERSION and its own version in the detail; a missing capability bit with ACCESS and 1 + the bit's number in the detail.")
  for _, p in ipairs(model.protocols) do
    put("")
    put("## %s (id %d, version %d, level %d%s)", p.name, p.id, p.version, p.level, p.stateless and ", stateless" or "")
    put("")
    put("%s", p.doc)
    put("")
    put("| number | operation | request | reply | handles | capability | |")
    put("| --- | --- | --- | --- | --- | --- | --- |")
    for _, op in ipairs(p.operations) do
      local function names(fields, strings)
        local list = {}
        for _, f in ipairs(fields) do list[#list + 1] = f.type .. " " .. f.name end
        for _, s in ipairs(strings) do list[#list + 1] = "string " .. s.name end
        return table.concat(list, ", ")
      end
      local caps = op.cap or (op.caps and (op.caps.read .. " / " .. op.caps.write)) or ""
      local handles = {}
      for _, h in ipairs(op.send or {}) do handles[#handles + 1] = "→ " .. h end
      for _, h in ipairs(op.receive or {}) do handles[#handles + 1] = "← " .. h end
      put("| %d | `%s` | %s | %s | %s | %s | %s%s%s |", op.number, op.name, names(op.request_fields, op.request_strings),
        names(op.reply_fields, op.reply_strings), table.concat(handles, ", "), caps, op.doc,
        op.once and " Repeated under its id: done once." or op.idempotent and "" or " Not repeated silently.",
        op.secret and " Crash records and traces do not show it." or "")
    end
  end
  return finish(lines)
end

function M.errors_and_rights(model)
  local lines, put = page("Status codes, rights, capabilities")
  put("## Status codes")
  put("")
  put("| number | name | errno | |")
  put("| --- | --- | --- | --- |")
  for _, e in ipairs(model.errors) do put("| %d | %s | %s | %s |", e[2], e[1], e.posix, e[3]) end
  put("")
  put("## Rights")
  put("")
  put("| bit | name | meaning by type |")
  put("| --- | --- | --- |")
  for _, r in ipairs(model.rights) do
    local meanings = {}
    for type_name, meaning in pairs(r[3]) do meanings[#meanings + 1] = type_name .. ": " .. meaning end
    table.sort(meanings)
    put("| %d | %s | %s |", r[2], r[1], table.concat(meanings, "; "))
  end
  put("")
  put("## Capabilities")
  put("")
  put("| bit | name | gates |")
  put("| --- | --- | --- |")
  for _, c in ipairs(model.capabilities) do put("| %d | %s | %s |", c[2], c[1], c[3]) end
  return finish(lines)
end

return M
