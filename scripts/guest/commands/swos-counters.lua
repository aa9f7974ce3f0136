#!/bin/lua
-- swos-counters: free pages, handles and live objects of the whole system, for leak checks.
local swos = require("swos")

-- The shell may not have closed yet what it started this with.
swos.sleep(0.05)
local info = assert(swos.sys.system_info())
local objects = 0
for _, count in ipairs(info.objects) do objects = objects + count end
print(("pages=%d handles=%d objects=%d"):format(info.ram_free // swos.PAGE, info.handles, objects))
