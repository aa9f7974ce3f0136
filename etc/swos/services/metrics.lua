-- What `metrics` prints, for httpd, which may not see so much itself.
return {
  description = "figures of the system",
  program = "/bin/metricsd",
  serves = "metrics",
  ready = "message",
  names = { "file/base", "file/tmp", "log", "system" },  -- asks file servers what they keep
  capabilities = { "inspect" },
  after = { "logd" },
  limits = { memory = "8M", processes = 1, threads = 1 },
  log = "4K",
}
