-- Appended to the definitions of the boot services for build/hostile.bundle: the hostile program as a
-- service, which gets what no session does. At boot, without its options, it has nothing to do.
-- luacheck: globals services
services.hostile = { program = "/bin/tests/hostile", arguments = { "service", "/tmp/hostile.options" },
  environment = {}, after = { "console", "tmpfs" }, requires = {}, wants = {},
  names = { "file/base", "file/tmp", "nic" },
  capabilities = { "fs-read", "spawn", "device", "log-read", "inspect" },
  gives = { "block" }, limits = {}, final = {}, band = "normal", ready = "started", restart = "never",
  oneshot = true, overdue = 60, start_seconds = 120, stop_seconds = 5, log = 4096 }
table.insert(require("init.boot").start, "hostile")
return services
