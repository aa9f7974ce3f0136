-- Running a command for another one (time, timeout, watch): in a job of its own below the program's.
local swos = require("swos")
local sys = swos.sys

local M = {}

local NOT_FOUND, NOT_EXECUTABLE = 127, 126

-- Paths a command's name may have.
function M.candidates(name)
  if name:find("/", 1, true) then return { name } end
  local list = {}
  for directory in ((os.getenv("PATH") or "/bin") .. ":"):gmatch("([^:]*):") do
    list[#list + 1] = (directory == "" and "." or directory) .. "/" .. name
  end
  return list
end

-- Starts the words as a program: { process, job }; nil, message, exit status (126 or 127).
function M.start(words)
  local job, message = sys.job_create(swos.handle("job"), {})
  if not job then return nil, message, NOT_EXECUTABLE end
  local name = "NOT_FOUND"
  for _, path in ipairs(words[1] == "" and {} or M.candidates(words[1])) do
    local options = { job = job, arguments = words,
      handles = { session = swos.handle("session") or swos.handle("job") } }
    local process
    process, message, name = swos.spawn(path, options)
    if process then return { process = process, job = job } end
    if name ~= "NOT_FOUND" then break end
  end
  job:close()
  if name == "NOT_FOUND" then return nil, words[1] .. ": not found", NOT_FOUND end
  return nil, ("%s: %s"):format(words[1], message), NOT_EXECUTABLE
end

-- Waits for a process that was started; nil, message, name when the deadline passes first.
function M.wait(run, deadline)
  return swos.process_wait(run.process, deadline)
end

-- Seconds of "1.5", "2m", "1h", "1d"; nil: none of these.
function M.seconds(word)
  local number, unit = word:match("^([%d.]+)([smhd]?)$")
  local scale = ({ [""] = 1, s = 1, m = 60, h = 3600, d = 86400 })[unit]
  return tonumber(number) and tonumber(number) * scale
end

return M
