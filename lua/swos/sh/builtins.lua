-- Commands that change the shell itself. Each is builtin(shell, words, io) and returns a status
-- (nil is 0); io.write(text), io.fail(text) -> 1. A new builtin is a new entry here.
local swos = require("swos")

local M = {}

M[":"] = function() return 0 end
M["true"] = M[":"]
M["false"] = function() return 1 end

function M.cd(shell, words, io)
  local target = words[2] or shell:get("HOME") or "/"
  local show = target == "-"
  if show then target = shell:get("OLDPWD") or "." end
  local before = swos.directory()
  local ok, message = swos.change_directory(target)
  if not ok then return io.fail(("%s: %s"):format(target, message)) end
  require("swos.fs").directory = swos.directory()
  shell:set("OLDPWD", before)
  shell:set("PWD", swos.directory())
  if show then io.write(swos.directory() .. "\n") end
end

function M.pwd(_, _, io)
  io.write(swos.directory() .. "\n")
end

local function status_argument(shell, words, io)
  if not words[2] then return shell.status end
  local status = math.tointeger(tonumber(words[2]))
  if not status then return io.fail(words[2] .. ": number expected") end
  return status & 255
end

function M.exit(shell, words, io)
  local status = status_argument(shell, words, io)
  shell.stopped = true
  return status
end

local function quoted(value)
  return "'" .. value:gsub("'", "'\\''") .. "'"
end

local function list_variables(shell, io, exported_only)
  for _, name in ipairs(shell:names()) do
    if not exported_only or shell.exported[name] then
      io.write(("%s%s=%s\n"):format(exported_only and "export " or "", name, quoted(shell:get(name))))
    end
  end
end

function M.export(shell, words, io)
  if not words[2] then return list_variables(shell, io, true) end
  for i = 2, #words do
    local name, value = words[i]:match("^([%a_][%w_]*)=(.*)$")
    name = name or words[i]:match("^[%a_][%w_]*$")
    if not name then return io.fail(words[i] .. ": not a name") end
    if value then shell:set(name, value) end
    shell.exported[name] = true
  end
end

function M.unset(shell, words)
  for i = 2, #words do shell:set(words[i], nil) end
end

function M.set(shell, words, io)
  if not words[2] then return list_variables(shell, io) end
  local first = words[2] == "--" and 3 or 2
  shell.arguments = table.move(words, first, #words, 1, {})
end

function M.shift(shell, words, io)
  local count = tonumber(words[2] or 1)
  if not count or count > #shell.arguments then return io.fail("nothing to shift") end
  shell.arguments = table.move(shell.arguments, count + 1, #shell.arguments, 1, {})
end

-- Waits for what runs in the background.
function M.wait(shell)
  return shell:wait_background()
end

function M.jobs(shell, _, io)
  for number, started in ipairs(shell.background) do
    io.write(("[%d] %d %s\n"):format(number, started.pids[1], started.text))
  end
end

-- Collects the shell's garbage; for leak checks, and for whom its size surprises.
function M.trim(_, _, io)
  io.write(("sh: %d bytes live\n"):format(swos.trim()))
end

-- Runs a file in this shell.
M["."] = function(shell, words, io)
  if not words[2] then return io.fail("file name expected") end
  local text, message = require("swos.fs").read(words[2])
  if not text then return io.fail(message) end
  if text:find("\0", 1, true) then return io.fail(words[2] .. ": not a text") end
  local status, reason = require("swos.sh.exec").text(shell, text)
  if not status then return io.fail(("%s: %s"):format(words[2], reason)) end
  return status
end

return M
