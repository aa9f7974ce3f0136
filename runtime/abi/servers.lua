-- Who serves what, and which protocols a server is a client of. Calls go to a lower level, or to
-- init (`upward` protocols), which never waits; the generator refuses anything else, and a test
-- compares this with what each server's code and start handles hold. What serves nothing says its
-- level itself.
return {
  { "blkd", serves = "block", calls = { "names" } },
  { "imgfs", serves = "file", calls = { "block", "names" } },
  { "tmpfs", serves = "file", calls = { "names" } },
  { "logd", serves = "log", calls = { "names" } },
  { "consoled", serves = "terminal", calls = { "names" } },
  { "inputd", level = 0, calls = { "names" } },
  { "nicd", serves = "nic", calls = { "names" } },
  { "rngd", level = 0, calls = { "names" } },
  { "drvinputd", serves = "driver", calls = {} },
  { "netd", serves = "net", calls = { "names" } },
  { "metrics", serves = "metrics", calls = { "file", "log", "names", "system" } },
  { "authd", serves = "auth", calls = { "names" } },
}
