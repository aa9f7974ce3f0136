-- Reads a static position-independent AArch64 ELF program and lays it out as it lies in memory.
--
-- Accepts what our linker makes and refuses everything else by name: ET_DYN without
-- interpreter and needed libraries, at most 4 segments on whole pages that never share one,
-- none both writable and executable, and only R_AARCH64_RELATIVE relocations, each of an
-- aligned word in the file part of a writable segment.

local elf = {
  PAGE = 4096,
  WRITE = 2, -- SW_SEGMENT_WRITE
  EXECUTE = 4, -- SW_SEGMENT_EXECUTE
}

local PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_GNU_STACK = 1, 2, 3, 0x6474e551
local DT_NEEDED, DT_PLTRELSZ, DT_RELA, DT_RELASZ, DT_RELAENT, DT_TEXTREL, DT_RELRSZ =
  1, 2, 7, 8, 9, 22, 35
local R_AARCH64_NONE, R_AARCH64_RELATIVE = 0, 1027
local SEGMENTS_MAX = 4
local SPAN_MAX = 1 << 30

local function round_up(number)
  return (number + elf.PAGE - 1) // elf.PAGE * elf.PAGE
end

function elf.is_elf(bytes)
  return bytes:sub(1, 4) == "\x7fELF"
end

-- Program headers as tables.
local function headers(bytes)
  if #bytes < 64 or not elf.is_elf(bytes) then return nil, "not an ELF file" end
  local class, data = bytes:byte(5, 6)
  local kind, machine, _, entry, table_at, _, _, _, entry_size, count =
    ("<I2I2I4I8I8I8I4I2I2I2"):unpack(bytes, 17)
  if class ~= 2 or data ~= 1 or machine ~= 183 then return nil, "not for 64-bit ARM" end
  if kind ~= 3 then return nil, "not position-independent (-static-pie)" end
  if entry_size ~= 56 or count > 64 or table_at < 0 or table_at > #bytes - count * 56 then
    return nil, "program headers outside the file"
  end
  local found = {}
  for index = 0, count - 1 do
    local h = {}
    h.type, h.flags, h.offset, h.address, _, h.file_size, h.memory_size, h.align =
      ("<I4I4I8I8I8I8I8I8"):unpack(bytes, table_at + index * 56 + 1)
    if h.type == PT_LOAD or h.type == PT_DYNAMIC then
      if h.offset < 0 or h.file_size < 0 or h.offset > #bytes or h.file_size > #bytes - h.offset
          or h.address < 0 or h.memory_size < h.file_size or h.address > SPAN_MAX
          or h.memory_size > SPAN_MAX then
        return nil, "a segment lies outside the file"
      end
    end
    found[#found + 1] = h
  end
  return found, entry
end

-- The dynamic section as { [tag] = value }; false for a tag that is refused.
local function dynamic_table(bytes, header)
  local values = {}
  for at = header.offset, header.offset + header.file_size - 16, 16 do
    local tag, value = ("<i8i8"):unpack(bytes, at + 1)
    if tag == 0 then break end
    if tag == DT_NEEDED then return nil, "needs shared libraries" end
    if tag == DT_TEXTREL then return nil, "has relocations in its text" end
    values[tag] = value
  end
  if (values[DT_PLTRELSZ] or 0) ~= 0 or (values[DT_RELRSZ] or 0) ~= 0 then
    return nil, "has relocations other than .rela.dyn"
  end
  if values[DT_RELA] and values[DT_RELAENT] ~= 24 then return nil, "odd relocation size" end
  return values
end

-- Lays a program out. Returns a table, or nil, message:
--   content       its bytes from image offset 0 to the end of the last file part, each
--                 relocated word holding its link-time value
--   relocations   sorted image offsets of 64-bit words the base is to be added to
--   segments      { offset, pages, file_size, flags }, offset and file_size from the page start
--   span, entry, stack_size
function elf.layout(bytes)
  local found, entry = headers(bytes)
  if not found then return nil, entry end
  local segments, dynamic, stack_size, content_size, span = {}, nil, 0, 0, 0
  for _, h in ipairs(found) do
    if h.type == PT_INTERP then
      return nil, "needs a program interpreter"
    elseif h.type == PT_DYNAMIC then
      dynamic = h
    elseif h.type == PT_GNU_STACK then
      stack_size = h.memory_size
    elseif h.type == PT_LOAD and h.memory_size > 0 then
      local first = h.address // elf.PAGE * elf.PAGE
      local flags = (h.flags & 2 ~= 0 and elf.WRITE or 0) | (h.flags & 1 ~= 0 and elf.EXECUTE or 0)
      if flags == elf.WRITE | elf.EXECUTE then return nil, "a segment is writable and executable" end
      if h.flags & 2 == 0 and h.memory_size ~= h.file_size then
        return nil, "a read-only segment is longer in memory than in the file"
      end
      if first < span then return nil, "segments share a page or are not sorted" end
      if #segments == SEGMENTS_MAX then return nil, "more than 4 segments" end
      segments[#segments + 1] = {
        offset = first,
        pages = (round_up(h.address + h.memory_size) - first) // elf.PAGE,
        file_size = h.file_size > 0 and h.address + h.file_size - first or 0,
        flags = flags,
        lead = h.address - first,
        file_offset = h.offset,
      }
      span = round_up(h.address + h.memory_size)
      content_size = math.max(content_size, h.address + h.file_size)
    end
  end
  if #segments == 0 or segments[1].offset ~= 0 then return nil, "does not start at address 0" end

  local pieces, filled = {}, 0
  for _, s in ipairs(segments) do
    if s.file_size > 0 then
      pieces[#pieces + 1] = ("\0"):rep(s.offset + s.lead - filled)
      pieces[#pieces + 1] = bytes:sub(s.file_offset + 1, s.file_offset + s.file_size - s.lead)
      filled = s.offset + s.file_size
    end
  end
  local content = table.concat(pieces)
  assert(#content == content_size)

  local function segment_of(offset, size, flag)
    for _, s in ipairs(segments) do
      if s.flags & flag == flag and offset >= s.offset + s.lead
          and offset <= s.offset + s.file_size - size then
        return s
      end
    end
  end
  if not segment_of(entry, 4, elf.EXECUTE) then return nil, "entry outside the text" end

  local relocations, words = {}, {}
  if dynamic then
    local values, message = dynamic_table(bytes, dynamic)
    if not values then return nil, message end
    local at, size = values[DT_RELA] or 0, values[DT_RELASZ] or 0
    if size < 0 or size % 24 ~= 0 or at < 0 or at > content_size or size > content_size - at then
      return nil, "relocations outside the file"
    end
    for entry_at = at, at + size - 24, 24 do
      local offset, info, addend = ("<i8i8i8"):unpack(content, entry_at + 1)
      if info == R_AARCH64_RELATIVE then
        if offset < 0 or offset % 8 ~= 0 or not segment_of(offset, 8, elf.WRITE) then
          return nil, "a relocation lies outside the writable data"
        end
        if words[offset] then return nil, "a word is relocated twice" end
        words[offset] = addend
        relocations[#relocations + 1] = offset
      elseif info ~= R_AARCH64_NONE then
        return nil, ("relocation type %d is not R_AARCH64_RELATIVE"):format(info & 0xffffffff)
      end
    end
  end
  table.sort(relocations)
  pieces, filled = {}, 0
  for _, offset in ipairs(relocations) do
    pieces[#pieces + 1] = content:sub(filled + 1, offset)
    pieces[#pieces + 1] = ("<i8"):pack(words[offset])
    filled = offset + 8
  end
  pieces[#pieces + 1] = content:sub(filled + 1)
  return { content = table.concat(pieces), relocations = relocations, segments = segments,
    span = span, entry = entry, stack_size = stack_size }
end

-- The content of a layout relocated to a base, for a program that is mapped as it is.
function elf.relocate(layout, base)
  local pieces, filled = {}, 0
  for _, offset in ipairs(layout.relocations) do
    pieces[#pieces + 1] = layout.content:sub(filled + 1, offset)
    pieces[#pieces + 1] = ("<i8"):pack(base + ("<i8"):unpack(layout.content, offset + 1))
    filled = offset + 8
  end
  pieces[#pieces + 1] = layout.content:sub(filled + 1)
  return table.concat(pieces)
end

return elf
