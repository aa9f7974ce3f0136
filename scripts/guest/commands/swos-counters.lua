#!/bin/lua
-- swos-counters: free pages, handles and live objects of the whole system, for leak checks.
-- heap=pages of kernel objects, kernel=bytes of them in use: how well they fill their pages is chance.
-- lua=pages of the Lua programs that stay (and of this one), whose heaps wander by a few pages.
-- types=live objects by type number. With -v who holds them, a line each: PID NAME KiB HANDLES.
local command = require("swos.command")
local processes = require("swos.processes")
local swos = require("swos")

local LUA = { init = true, metrics = true, sh = true, ["swos-counters"] = true }

local job = processes.visible_job()
-- The shell may not have closed yet what it started this with, nor init heard that the connection which
-- visible_job made is closed.
swos.sleep(0.05)
local lua = 0
local verbose = command.options(arg).v
for _, process in ipairs(assert(processes.list(job))) do
  if LUA[process.name] then lua = lua + process.memory // swos.PAGE end
  if verbose then
    print(("%d %s %dK %d"):format(process.pid, process.name, process.memory // 1024, process.handles))
  end
end
local info = assert(swos.sys.system_info())
local objects = 0
for _, count in ipairs(info.objects) do objects = objects + count end
print(("pages=%d handles=%d objects=%d heap=%d kernel=%d lua=%d types=%s"):format(
  info.ram_free // swos.PAGE, info.handles, objects, info.kernel_heap // swos.PAGE, info.kernel_used, lua,
  table.concat(info.objects, ",")))
