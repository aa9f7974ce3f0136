#!/bin/lua
-- metricsd: what `metrics` prints, as a service for programs that may not see so much themselves (httpd's
-- /metrics). One page at a time: who asks meanwhile waits for the next one.
local loop = require("swos.loop")
local metrics = require("swos.metrics")
local protocol = require("swos.protocol")
local swos = require("swos")

local waiting, is_busy = {}, false

-- nil, "STATUS" when it cannot be given to the caller.
local function give(message, text, problem)
  if not text then
    swos.sys.log_write(swos.handle("log"), swos.LOG_ERROR, "metricsd: " .. problem)
    return nil, "IO"
  end
  if #text > message.data_length then return nil, "TOO_LARGE" end
  local ok, _, code = swos.sys.call_write(message.token, 0, text)
  if not ok then return nil, code end
  return { bytes = #text }
end

local function work()
  is_busy = true
  while waiting[1] do
    local batch = waiting
    waiting = {}
    local text, problem = metrics.text()
    for _, message in ipairs(batch) do
      local reply, status = give(message, text, problem)
      swos.reply(message, reply, status)
    end
    swos.trim()  -- a page is a lot of garbage, and the next one may be asked for in a minute
  end
  is_busy = false
end

local function handle(message)
  if message.protocol ~= "metrics" or message.operation ~= "read" then return nil, "NOT_SUPPORTED" end
  waiting[#waiting + 1] = message
  if not is_busy then loop.spawn(work) end
  return nil, "LATER"
end

loop.run(function()
  assert(loop.serve(swos.handle("serve"), handle))
  assert(protocol.names.ready(swos.handle("names"), {}))
end)
