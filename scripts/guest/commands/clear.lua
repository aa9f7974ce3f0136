#!/bin/lua
-- clear: empties the screen.
require("swos.command").no_operands(arg)
io.write("\27[H\27[2J\27[3J")
