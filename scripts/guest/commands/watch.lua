#!/bin/lua
-- watch [-egt] [-n SECONDS] COMMAND [ARGUMENT...]: runs a command again and again, its output on the screen.
local command = require("swos.command")
local cells = require("swos.cells")
local run = require("swos.run")
local swos = require("swos")
local terminals = require("swos.terminal")
local fd = swos.fd

local PIECE = 65536

local options, words = command.options(arg, "first")
if not words[1] then command.usage("command expected") end
local seconds = run.seconds(options.n or "2")
if not seconds or seconds < 0.1 then command.usage(options.n .. ": not a number of seconds from 0.1 on") end
local text = table.concat(words, " ")
local rows, columns = terminals.size()

-- What one run prints, and its status. It gets a pipe for its output, and no input.
local function output_of()
  local job = command.check(swos.sys.job_create(swos.handle("job"), {}))
  local reader, writer = command.check(fd.pipe())
  local null = command.check(fd.open("/dev/null", swos.OPEN_READ))
  local process, message = swos.spawn("/bin/sh", { job = job, arguments = { "sh", "-c", text },
    descriptors = { [0] = null, [1] = writer, [2] = writer },
    handles = { session = swos.handle("session") or swos.handle("job") } })
  fd.close(writer)
  fd.close(null)
  local pieces = {}
  while process do
    local piece = fd.read(reader, PIECE)
    if not piece or piece == "" then break end
    pieces[#pieces + 1] = piece
  end
  fd.close(reader)
  if not process then command.fail("sh: " .. message) end
  local status = command.check(swos.process_wait(process))
  process:close()
  swos.sys.job_kill(job, 137)
  job:close()
  return table.concat(pieces), status
end

-- The output as it fits on the screen, below a title.
local function screen(output)
  local lines = {}
  if not options.t then
    lines = { cells.cut(("Every %gs: %s"):format(seconds, text), columns - 1), "" }
  end
  for line in output:gmatch("([^\n]*)\n?") do
    if #lines >= rows - 1 then break end
    lines[#lines + 1] = cells.cut(line, columns - 1)
  end
  return "\27[H\27[J" .. table.concat(lines, "\n")
end

local before
while true do
  local output, status = output_of()
  io.write(rows and screen(output) or output)
  if not io.stdout:flush() then os.exit(1) end -- nobody reads any more
  if options.e and status ~= 0 then os.exit(status) end
  if options.g and before and before ~= output then os.exit(0) end
  before = output
  swos.sleep(seconds) -- the interval it was asked for
end
