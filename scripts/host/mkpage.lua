-- Writes the reference page a library module makes of itself:
--   mkpage.lua MODULE OUT.md        e.g. swos.service.schema docs/reference/services.md
package.path = "lua/?.lua;" .. package.path
local out <close> = assert(io.open(arg[2], "w"))
out:write(require(arg[1]).page())
