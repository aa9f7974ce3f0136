-- Files in /tmp.
return {
  description = "files in /tmp",
  program = "bundle:tmpfs",
  serves = "file/tmp",
  ready = "message",
  band = "servers",
  log = "4K",
}
