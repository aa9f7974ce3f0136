#!/bin/lua
-- /bin/sh. What it does is in swos.sh.main, which the interpreter carries as byte code.
collectgarbage("stop") -- nothing of what loading makes is garbage
local main = require("swos.sh.main")
collectgarbage("restart")
os.exit(main(arg))
