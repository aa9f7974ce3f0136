-- asking.lua pings|names: as many as netd has under way for one program, to where nobody answers; the rest is
-- refused. Waits until the last is done.
local swos = require("swos")
local inet = require("swos.inet")
local protocol = require("swos.protocol")
local loop = swos.loop

local NOBODY = inet.parse("10.0.2.77")
local MANY = 100

local ask = {
  pings = function(net, i)
    return protocol.net.ping(net, { address = NOBODY, family = 4, timeout = 20000, sequence = i })
  end,
  names = function(net, i)
    return protocol.net.resolve(net, { family = 4, name = ("n%d.test"):format(i) })
  end,
}

local refused, running = 0, 0

loop.run(function()
  local net <close> = assert(inet.connect())
  local wait, done = loop.signal()
  for i = 1, MANY do
    running = running + 1
    loop.spawn(function()
      local _, _, code = ask[arg[1]](net, i)
      if code == "BUSY" then refused = refused + 1 end
      running = running - 1
      if running == 0 then done() end
    end)
  end
  loop.spawn(function()  -- asked after all others, so answered when the refused ones are
    assert(protocol.net.list(net, { what = swos.NET_LINKS, capacity = 4096 }))
    print(("%d under way, %d refused"):format(running, refused))
    io.stdout:flush()
  end)
  wait()
end)
