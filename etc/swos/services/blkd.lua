-- Disks: the virtio-blk driver.
return {
  description = "disks",
  program = "bundle:blkd",
  serves = "block",
  ready = "message",
  band = "drivers",
  gives = { "disks" },
  log = "4K",
}
