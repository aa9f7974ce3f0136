-- Network card: driver of the virtio-net device. After the login: nobody waits for the network to log in.
return {
  description = "network card",
  program = "/bin/nicd",
  serves = "nic",
  ready = "message",
  band = "drivers",
  after = { "console" },
  needs = "nics",
  gives = { "nics", "packets" },
  log = "4K",
}
