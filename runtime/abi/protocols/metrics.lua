-- What the system counts, as `metrics` prints it (metricsd).
return {
  name = "metrics", id = 11, version = 1, level = 3, stateless = true,
  doc = "The figures of the whole system, for who holds a connection.",
  operations = {
    { 1, "read", reply = { { "u32", "bytes" }, { "u32", "reserved" } }, data = "out", cap = false, idempotent = true,
      doc = "The page in the Prometheus text format. TOO_LARGE when the buffer is too small." },
  },
}
