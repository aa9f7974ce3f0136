-- The login of the system console, started again whenever it ends. It is given the terminal once the
-- base image is there (scripts/guest/init/console.lua). Sessions look names up through it; what they
-- see is decided by their account, in /etc/swos/boot.lua.
return {
  description = "login on the system console",
  program = "/bin/console-login",
  capabilities = { "console", "spawn", "fs-read", "tmp-write", "inspect", "net", "log-read", "device",
    "power", "time" },
  names = { "auth", "file/base", "file/tmp", "log", "names", "system", "terminal/console" },
  after = { "consoled", "imgfs" },
  gives = { "terminal" },
}
