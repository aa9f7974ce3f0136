-- Entropy: driver of the virtio-rng device, which feeds the kernel's random generator.
return {
  description = "random generator's feed",
  program = "/bin/rngd",
  serves = "entropy",  -- nobody calls it: so that init finds it when it hangs
  ready = "message",
  band = "drivers",
  after = { "imgfs" },
  needs = "rng",
  gives = { "rng", "entropy" },
  log = "4K",
}
