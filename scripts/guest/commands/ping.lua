#!/bin/lua
-- ping [-c N] [-i S] [-W S] [-s N] [-4|-6] HOST: ICMP echo requests, one at a time.
local command = require("swos.command")
local inet = require("swos.inet")
local protocol = require("swos.protocol")
local swos = require("swos")

local MILLISECOND = 1e6

local options, rest = command.options(arg)
if #rest ~= 1 then command.usage(rest[2] and rest[2] .. ": one host expected" or "host expected") end

local function number(letter, default, least)
  local value = tonumber(options[letter] or default)
  if not value or value < least then
    command.usage(("-%s: %s: not a number"):format(letter, options[letter]))
  end
  return value
end

local count = math.tointeger(number("c", math.maxinteger, 1)) or command.usage("-c: a whole number expected")
local interval, patience = number("i", 1, 0.01), number("W", 5, 0.001)
local size = math.tointeger(number("s", 56, 0)) or command.usage("-s: a whole number expected")

local net = command.check(inet.connect())
command.needs("net")
local family = options["4"] and 4 or options["6"] and 6 or 0
local address, kind = inet.host(net, rest[1], family)
command.check(address, kind)
local text = inet.format(address, kind)
print(("PING %s (%s): %d data bytes"):format(rest[1], text, size))

-- Ctrl-C ends the requests, not the sums.
local event = swos.sys.event_create()
if event then swos.sys.process_on_interrupt(event) end
local function is_interrupted()
  return event ~= nil and swos.sys.event_update(event, -1, 0) ~= 0
end

local sent, received, least, most, sum = 0, 0, math.huge, 0, 0
for sequence = 1, count do
  local began = swos.monotonic()
  local reply, message, code = protocol.net.ping(net, { address = address, family = kind, size = size,
    scope = 0, timeout = math.floor(patience * 1000), sequence = sequence })
  sent = sent + 1
  if reply then
    local ms = reply.nanoseconds / MILLISECOND
    received, sum = received + 1, sum + ms
    least, most = math.min(least, ms), math.max(most, ms)
    print(("%d bytes from %s: seq=%d ttl=%d time=%.3f ms"):format(reply.bytes, text, sequence, reply.ttl,
      ms))
  elseif code == "INTERRUPTED" or code == "UNKNOWN_OUTCOME" then
    sent = sent - 1 -- nobody knows whether that one would have been answered
    break
  elseif code == "TIMED_OUT" then
    print(("no answer from %s: seq=%d"):format(text, sequence))
  elseif code == "UNREACHABLE" or code == "NO_MEMORY" then
    print(("%s: seq=%d"):format(message, sequence))
  else
    command.fail(message)
  end
  io.stdout:flush()
  local left = interval - (swos.monotonic() - began) / 1e9
  if sequence < count and left > 0 then swos.sleep(left) end -- one an interval
  if is_interrupted() then break end
end
print(("--- %s: %d sent, %d received, %.0f%% lost"):format(rest[1], sent, received,
  100 * (sent - received) / math.max(sent, 1)))
if received > 0 then
  print(("round trip min/avg/max = %.3f/%.3f/%.3f ms"):format(least, sum / received, most))
end
os.exit(received > 0 and 0 or 1)
