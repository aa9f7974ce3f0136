-- Appended to the definitions of the boot services for build/authority.bundle: authority.c in blkd's
-- place, with what init gives blkd, and as consoled, its neighbour, with the same devices. Without the
-- serial line nobody takes that from the kernel, which prints the log there.
-- luacheck: globals services
services.consoled.program = "bundle:blkd"
services.consoled.gives = { "disks" }
-- They answer nobody while they try all they can, which takes as long as the host makes it.
services.blkd.overdue, services.consoled.overdue = 600, 600
return services
