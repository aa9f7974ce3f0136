-- Accounts and sessions. A password's hash is 0.15 s of work in one piece, made to be slow; on a host
-- that gives this machine a small share of its CPUs it took over 5 s: hence `overdue`.
return {
  description = "accounts and sessions",
  program = "bundle:authd",
  serves = "auth",
  ready = "message",
  band = "servers",
  after = { "imgfs" },
  gives = { "passwd", "authority", "sessions" },
  overdue = 30,
  log = "4K",
}
