-- What init starts, and who may look up what. Part of the boot bundle; the copy in the image is
-- for reading.
--
-- A service: `program` of the bundle, `serves` its name in the directory, `gives` what it gets
-- besides `serve`, `job`, `names` and `log` (the words are explained in init/grants.lua), `band`
-- of its job (2 drivers, 1 servers), `after` a service whose readiness it needs, `caps` it keeps,
-- `overdue` the seconds it may leave a call unanswered without deferring it (5).
return {
  services = {
    { name = "consoled", program = "consoled", serves = "terminal/console", band = 2, caps = {},
      gives = { "uart" } },
    { name = "blkd", program = "blkd", serves = "block", band = 2, caps = {}, gives = { "disks" } },
    { name = "imgfs", program = "imgfs", serves = "file/base", band = 1, caps = {},
      gives = { "block", "code", "programs" } },
    { name = "tmpfs", program = "tmpfs", serves = "file/tmp", band = 1, caps = {}, gives = {} },
    -- A password's hash is 0.15 s of work in one piece, made to be slow; on a host that gives this
    -- machine a small share of its CPUs it took over 5 s.
    { name = "authd", program = "authd", serves = "auth", band = 1, caps = {}, after = "imgfs",
      gives = { "passwd", "authority", "sessions" }, overdue = 30 },
  },
  -- The login of the system console, started again when it ends, but not faster than this.
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
