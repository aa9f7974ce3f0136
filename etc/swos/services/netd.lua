-- The network: TCP/IP over the card. Where there is a card, and after its driver.
return {
  description = "network",
  program = "/bin/netd",
  serves = "net",
  ready = "message",
  band = "servers",
  requires = { "nicd" },
  needs = "nics",
  gives = { "packets", "network" },
  limits = { memory = "32M" },
  log = "8K",
}
