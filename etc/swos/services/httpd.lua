-- The web server. Not started at boot: `svc start httpd`, or "httpd" in `start` of /etc/swos/boot.lua.
return {
  description = "web server",
  program = "/bin/httpd",
  names = { "metrics", "net" },
  folders = { "/www" },
  capabilities = { "fs-read", "net" },
  wants = { "metrics", "netd" },
  after = { "netd" },
  final = { 3 },  -- there is no network on this machine
  ready = { line = "httpd: listening on 8080" },
  -- Patient: while all its places are taken by clients that are being served, the probe waits like others.
  probe = { port = 8080, http = "/health", seconds = 10, timeout = 30, failures = 6 },
  limits = { memory = "32M", processes = 1, threads = 1 },
  log = "64K",
}
