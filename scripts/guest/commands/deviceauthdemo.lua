#!/bin/lua
-- deviceauthdemo: what an account without capabilities `inspect` and `device` gets of devices, that is
-- nothing; prints the C5g marker. Fails for an account that has them.
local command = require("swos.command")
local protocol = require("swos.protocol")

command.no_operands(arg)

local DRIVE = 1  -- SW_DEVICE_OPEN_DRIVE
local NAMES = { "virtio-input.0", "pseudo-input.0", "virtio-blk.0", "uart.0", "rtc.0", "nothing.0" }

local system <close> = command.connect("system")

local function refused(what, capability, reply, message)
  if reply then command.fail(what .. " was not refused") end
  local wanted = ("permission denied (needs capability %s)"):format(capability)
  if message ~= wanted then command.fail(("%s: %s"):format(what, message)) end
end

refused("discovering devices", "inspect", protocol.system.device_list(system, { capacity = 16384 }))
for _, name in ipairs(NAMES) do
  for flags = 0, DRIVE do
    refused("claiming " .. name, "device",
      protocol.system.device_open(system, { name = name, flags = flags }))
  end
end
print("deviceauthdemo: discovery and claims refused (-13)")
print("C5g OK: non-console principal cannot discover or claim device grants")
