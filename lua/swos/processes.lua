-- Processes for ps and top: all with the capability `inspect`, else those of the own session.
local swos = require("swos")
local accounts = require("swos.accounts")
local names = require("swos.names")
local protocol = require("swos.protocol")

local M = {}

local PIECE = 32
local STATES = { [swos.PROCESS_RUNNING] = "R", [swos.PROCESS_BLOCKED] = "S", [swos.PROCESS_STOPPED] = "T",
  [swos.PROCESS_ENDED] = "Z" }

-- What a blocked process's first thread waits for, and on whom.
local WAITS = { [swos.WAIT_PORT] = "port", [swos.WAIT_CALL] = "queue", [swos.WAIT_REPLY] = "call",
  [swos.WAIT_FUTEX] = "futex", [swos.WAIT_PIPE] = "read", [swos.WAIT_PIPE_ROOM] = "write",
  [swos.WAIT_SLEEP] = "sleep" }

-- "call imgfs(5)", "sleep"; "-" when it does not wait.
function M.wait(info)
  local word = info.state == swos.PROCESS_BLOCKED and WAITS[info.wait_kind]
  if not word then return "-" end
  return info.wait_pid == 0 and word or ("%s %s(%d)"):format(word, info.wait_name, info.wait_pid)
end

-- The job below which everything visible lies.
function M.visible_job()
  local system <close> = names.connect("system")
  local reply = system and protocol.system.inspect(system)
  return reply and reply.job or swos.handle("session") or swos.handle("job")
end

-- Process infos by pid; `user` and `letter` (of the state) are added.
function M.list(job)
  local all, first = {}, 0
  while true do
    local infos, message = swos.sys.job_list(job, first, PIECE)
    if not infos then return nil, message end
    for _, info in ipairs(infos) do
      info.user = accounts.name(info.principal)
      info.letter = STATES[info.state] or "?"
      all[#all + 1] = info
    end
    if #infos < PIECE then return all end
    first = infos[#infos].pid + 1
  end
end

-- H:MM:SS of nanoseconds.
function M.clock(ns)
  local seconds = ns // 1000000000
  return ("%d:%02d:%02d"):format(seconds // 3600, seconds // 60 % 60, seconds % 60)
end

-- M:SS.hh of nanoseconds.
function M.cpu_time(ns)
  local hundredths = ns // 10000000
  return ("%d:%02d.%02d"):format(hundredths // 6000, hundredths // 100 % 60, hundredths % 100)
end

return M
