-- The base image at /. The final statuses say that there is no usable base: starting it again would
-- give the same answer (docs/architecture.md lists them).
return {
  description = "base image",
  program = "bundle:imgfs",
  serves = "file/base",
  ready = "message",
  band = "servers",
  gives = { "block", "code", "programs" },
  final = { 10, 11, 12, 13, 14, 15, 16, 17, 18 },
  log = "4K",
}
