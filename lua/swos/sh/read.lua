-- read [-r] [-p PROMPT] NAME...: a line of standard input into variables.
--
-- Nothing behind the line is taken: what else reads the same file goes on there. A terminal gives a line at
-- a time; of a file more is read and its offset put back; other things are read byte by byte.
local swos = require("swos")
local fd = swos.fd

local M = {}

local LINE_BYTES = 4096
local PIECE_BYTES = 256

-- The next line with its newline, or what there is at the end; nil, message, name.
local function raw_line(own)
  local kind = fd.kind(own)
  if kind == swos.FD_TERMINAL then return fd.read(own, LINE_BYTES) end
  local seekable = kind ~= swos.FD_PIPE
  local pieces = {}
  while true do
    local piece, message, name = fd.read(own, seekable and PIECE_BYTES or 1)
    if not piece then return nil, message, name end
    if piece == "" then break end
    local newline = piece:find("\n", 1, true)
    if newline and newline < #piece then
      fd.seek(own, newline - #piece)
      piece = piece:sub(1, newline)
    end
    pieces[#pieces + 1] = piece
    if newline then break end
  end
  return table.concat(pieces)
end

-- A line without its newline and a text of the same length that has \1 where a backslash stood before the
-- character; whether the newline was there. nil, message, name.
local function logical_line(own, raw)
  local text, mask = {}, {}
  local ended
  repeat
    local line, message, name = raw_line(own)
    if not line then return nil, message, name end
    local goes_on = false
    ended = line:sub(-1) == "\n"
    if ended then line = line:sub(1, -2) end
    if raw or not line:find("\\", 1, true) then
      text[#text + 1], mask[#mask + 1] = line, line
    else
      local at = 1
      while at <= #line do
        local stop = line:find("\\", at, true) or #line + 1
        text[#text + 1], mask[#mask + 1] = line:sub(at, stop - 1), line:sub(at, stop - 1)
        if stop < #line then
          text[#text + 1], mask[#mask + 1] = line:sub(stop + 1, stop + 1), "\1"
        elseif stop == #line then
          goes_on = ended
        end
        at = stop + 2
      end
    end
  until not goes_on
  return table.concat(text), table.concat(mask), ended
end

-- Fields of text by the characters of ifs, the last of `count` with all that is left. mask: where they may
-- be split. Pure.
function M.fields(text, mask, ifs, count)
  local white, other = "", ""
  for c in ifs:gmatch("[ \t\n]") do white = white .. c end
  for c in ifs:gmatch("[^ \t\n]") do other = other .. "%" .. c end
  other = other:gsub("%%(%w)", "%1")
  local blank = white ~= "" and "^[" .. white .. "]*()" or "^()"
  local any = white .. other ~= "" and "[" .. white .. other .. "]" or nil
  local fields, at = {}, mask:match(blank, 1)
  -- the end of the field at `from`, and where the next one begins
  local function next_field(from)
    local stop = any and mask:find(any, from)
    if not stop then return #text, #text + 1 end
    local behind = mask:match(blank, stop)
    if other ~= "" and mask:find("^[" .. other .. "]", behind) then behind = mask:match(blank, behind + 1) end
    return stop - 1, behind
  end
  for _ = 1, count - 1 do
    if at > #text then break end
    local last, behind = next_field(at)
    fields[#fields + 1] = text:sub(at, last)
    at = behind
  end
  if #fields == count - 1 and at <= #text then
    local last, behind = next_field(at)
    if behind <= #text then
      last = #text
      while white ~= "" and last >= at and mask:find("^[" .. white .. "]", last) do last = last - 1 end
    end
    fields[count] = text:sub(at, last)
  end
  return fields
end

local function illegal(name) return not name:find("^[%a_][%w_]*$") end

function M.builtin(shell, words, io)
  local raw, prompt, at = false, nil, 2
  while words[at] and words[at]:find("^%-.") do
    local word = words[at]
    at = at + 1
    if word == "--" then break end
    if word == "-r" then
      raw = true
    elseif word == "-p" and words[at] then
      prompt, at = words[at], at + 1
    else
      return io.fail("illegal option " .. word, 2)
    end
  end
  for i = at, #words do
    if illegal(words[i]) then return io.fail(words[i] .. ": bad variable name", 2) end
  end
  if not words[at] then return io.fail("arg count", 2) end
  local own = shell.descriptors[0]
  if not math.type(own) then return io.fail("bad file descriptor") end
  if prompt and fd.kind(own) == swos.FD_TERMINAL then shell:write(2, prompt) end
  local text, mask, ended = logical_line(own, raw)
  if not text then
    if ended == "INTERRUPTED" then
      shell:poll()
      return 130
    end
    return io.fail(mask)
  end
  local names = table.move(words, at, #words, 1, {})
  local fields = M.fields(text, mask, shell:get("IFS") or " \t\n", #names)
  for i, name in ipairs(names) do shell:set(name, fields[i] or "") end
  return ended and 0 or 1
end

return M
