-- Appended to the definitions of the boot services where a client of the disks' driver is in the place
-- of consoled: it gets blkd and not the serial line.
-- luacheck: globals services
services.consoled.gives = { "block" }
return services
