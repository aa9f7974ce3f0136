-- Keeps what services print, and the lines of the kernel log that are theirs.
return {
  description = "service logs",
  program = "bundle:logd",
  serves = "log",
  ready = "message",
  band = "servers",
  after = { "console" },
  gives = { "kernel-log" },
  log = "4K",
}
