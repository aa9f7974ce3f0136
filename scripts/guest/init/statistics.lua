-- What init and the servers counted, for the command `metrics`: lines of words with tabs between them.
--
--   service NAME STATE PID MEMORY CPU_NS            each service; pid 0: no process
--   calls NAME REQUESTS NS COUNT COUNT...           of a server: struct sw_statistics
--   own NAME COUNT COUNT...                         its own counters, without the zeros at the end
--   restart NAME CAUSE COUNT                        restarts of a service by what ended it before
--   recovery NAME NS COUNT COUNT...                 from an end nobody asked for to ready: buckets, the
--                                                   last one without a bound
--   bounds recovery SECONDS SECONDS...                       where those buckets end
--
-- A server's page of counters lies in its job; it may write into it what it likes, so it is read as
-- numbers and nothing else.
local swos = require("swos")
local supervisor = require("init.supervisor")
local sys = swos.sys

local M = {}

local HEAD = "<" .. ("I8"):rep(3 + swos.STATISTICS_BUCKETS)

local function numbers(list, first)
  local words = {}
  for i = first or 1, #list do words[#words + 1] = ("%d"):format(list[i]) end
  return table.concat(words, "\t")
end

local function add_page(put, service)
  local memory <close> = sys.job_kept(service.job, swos.STATISTICS_SLOT)
  local bytes = memory and sys.memory_read(memory, 0, swos.PAGE)
  if not bytes or #bytes < swos.PAGE then return end
  local head = table.pack(HEAD:unpack(bytes))
  if head[1] ~= swos.STATISTICS_MAGIC then return end
  head[#head] = nil  -- where unpack stopped
  put("calls\t%s\t%s", service.name, numbers(head, 2))
  local own, last = {}, 0
  for i = 1, swos.STATISTICS_OWN_COUNT do
    own[i] = ("<I8"):unpack(bytes, swos.STATISTICS_OWN + 8 * i - 7)
    if own[i] ~= 0 then last = i end
  end
  if last > 0 then put("own\t%s\t%s", service.name, numbers(table.move(own, 1, last, 1, {}))) end
end

function M.text()
  local lines = {}
  local function put(...) lines[#lines + 1] = string.format(...) end
  put("bounds\trecovery\t%s", table.concat(supervisor.RECOVERY_BOUNDS, "\t"))
  for _, service in ipairs(supervisor.all()) do
    local info = sys.job_info(service.job) or { memory_used = 0, cpu_ns = 0 }
    put("service\t%s\t%s\t%d\t%d\t%d", service.name, service.state.name, service.pid or 0, info.memory_used,
      info.cpu_ns)
    add_page(put, service)
    for _, cause in ipairs(supervisor.CAUSES) do
      local count = service.counts[cause]
      if count then put("restart\t%s\t%s\t%d", service.name, cause, count) end
    end
    if service.counts.recovery then
      put("recovery\t%s\t%s", service.name, numbers(service.counts.recovery))
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

return M
