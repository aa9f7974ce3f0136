-- Switching off: sessions first, then what is still to be printed, then the machine.
local swos = require("swos")
local directory = require("init.directory")
local grants = require("init.grants")
local log = require("init.log")
local loop = require("swos.loop")
local protocol = require("swos.protocol")
local sys = swos.sys

local M = {}

local DRAIN_SECONDS = 1
local TERMINATED = 143

-- kind: swos.POWER_OFF or swos.POWER_REBOOT. Does not return.
function M.switch(kind)
  log.info(kind == swos.POWER_REBOOT and "rebooting" or "switching off")
  sys.job_kill((grants.sessions_job()), TERMINATED)
  local console <close> = directory.connection("terminal/console", 0)
  if console then protocol.terminal.drain(console, {}, swos.deadline(DRAIN_SECONDS)) end
  sys.power(swos.handle("root"), kind)
  while true do loop.sleep(1) end
end

return M
