-- Keyboards: driver of the virtio-input devices, whose keys go to the system console.
return {
  description = "keyboards",
  program = "/bin/inputd",
  serves = "input",  -- nobody calls it: so that init finds it when it hangs
  ready = "message",
  band = "drivers",
  after = { "imgfs" },
  needs = "inputs",
  gives = { "inputs" },
  log = "4K",
}
