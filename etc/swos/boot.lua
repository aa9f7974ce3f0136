-- What init starts at boot, and who may look up what. Part of the boot bundle; the copy in the image
-- is for reading. `start` is the allowlist: a service script alone starts nothing.
return {
  -- services of the boot bundle (etc/swos/services), or of scripts read once the login is there
  start = { "consoled", "blkd", "imgfs", "tmpfs", "authd", "console", "logd",
    -- where their device is there
    "inputd", "rngd", "nicd", "netd" },
  environment = { "PATH=/bin:/usr/bin" },
  -- of a service that may look up the server
  paths = { { "/", "file/base" }, { "/tmp", "file/tmp" } },
  -- Names by principal, for sessions and init's helpers; a service sees what its script says.
  views = {
    [0] = { "auth", "block", "file/base", "file/tmp", "log", "metrics", "names", "net", "system",
      "terminal/console" },
    [1] = { "auth", "file/base", "file/tmp", "log", "metrics", "names", "net", "system", "terminal/console" },
    other = { "file/base", "file/tmp", "log", "names", "net", "system" },
  },
}
