#!/bin/lua
-- less [-FNRS] [+COMMAND] [FILE...]: shows texts page by page; also /bin/more, which leaves at the end.
local command = require("swos.command")
local swos = require("swos")
local terminals = require("swos.terminal")
local fd = swos.fd

local PIECE = 65536

local options, operands = command.options(arg)
local files, words = {}, {}
for _, word in ipairs(operands) do
  local list = word:find("^%+.") and words or files
  list[#list + 1] = word
end
if not files[1] then
  if fd.kind(0) == swos.FD_TERMINAL then command.usage("file expected") end
  files[1] = "-"
end

local function open(path)
  if path == "-" then
    local kind, message = fd.kind(0)
    return kind and 0, message
  end
  return fd.open(path, swos.OPEN_READ)
end

-- Without a terminal to draw on: the files as they are.
local function copy()
  local failed = false
  for _, path in ipairs(files) do
    local number, message = open(path)
    local piece = number and ""
    while piece do
      piece, message = fd.read(number, PIECE)
      if not piece or piece == "" then break end
      if not fd.write(1, piece) then os.exit(1) end -- nobody reads any more
    end
    if not piece then
      io.stderr:write(("%s: %s: %s\n"):format(command.name, path, message))
      failed = true
    end
    if number and number > 2 then fd.close(number) end
  end
  os.exit(failed and 1 or 0)
end

local rows, columns = terminals.size()
if not rows or not terminals.has_keys() then copy() end

local less = require("swos.less")
local sources = {}
for i, path in ipairs(files) do
  sources[i] = function()
    local number, message = open(path)
    if not number then return nil, ("%s: %s"):format(path, message) end
    return less.descriptor_source(path == "-" and "" or path, number)
  end
end
if #files == 1 then
  local source, message = sources[1]()
  if not source then command.fail(message) end
  sources[1] = source
  local text
  if options.F then text, message = less.short_text(source, rows, columns, { wrap = not options.S }) end
  if message then command.fail(("%s: %s"):format(files[1], message)) end
  if text then
    fd.write(1, text)
    os.exit(0)
  end
end
command.check(less.show(sources, { wrap = not options.S, numbers = options.N, colour = options.R,
  leave_at_end = command.name == "more" }, words))
