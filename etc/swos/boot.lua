-- What init starts, and who may look up what. Part of the boot bundle; the copy in the image is
-- for reading.
--
-- A service: `program` of the bundle, `serves` its name in the directory, `gives` what it gets
-- besides `serve`, `job`, `names` and `log` (the words are explained in init/grants.lua), `band`
-- of its job (2 drivers, 1 servers), `after` a service whose readiness it needs, `caps` it keeps.
return {
  services = {
    { name = "consoled", program = "consoled", serves = "terminal/console", gives = { "uart" }, band = 2, caps = {} },
    { name = "blkd", program = "blkd", serves = "block", gives = { "disks" }, band = 2, caps = {} },
    { name = "imgfs", program = "imgfs", serves = "file/base", gives = { "block", "code", "programs" }, band = 1,
      caps = {} },
    { name = "tmpfs", program = "tmpfs", serves = "file/tmp", gives = {}, band = 1, caps = {} },
    { name = "authd", program = "authd", serves = "auth", gives = { "passwd", "authority", "sessions" }, band = 1,
      after = "imgfs", caps = {} },
  },
  console = { path = "/bin/console-login", restart_seconds = 1 },
  environment = { "PATH=/bin:/usr/bin", "TERM=vt100" },
  paths = { { "/", "file/base" }, { "/tmp", "file/tmp" } },
  -- Names by principal; 0 is the system's own programs.
  views = {
    [0] = { "auth", "block", "file/base", "file/tmp", "names", "system", "terminal/console" },
    [1] = { "auth", "file/base", "file/tmp", "names", "system", "terminal/console" },
    other = { "file/base", "file/tmp", "names", "system" },
  },
}
