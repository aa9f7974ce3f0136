-- The serial console: driver of the UART and server of its terminal.
return {
  description = "serial console",
  program = "bundle:consoled",
  serves = "terminal/console",
  ready = "message",
  band = "drivers",
  gives = { "uart", "keys" },
  log = "4K",
}
