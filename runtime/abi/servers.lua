-- Who serves what, and which protocols a server is a client of. Calls go to a lower level, or to
-- init (`upward` protocols), which never waits; the generator refuses anything else, and a test
-- compares this with what each server's code and start handles hold.
return {
  { "blkd", serves = "block", calls = { "names" } },
  { "imgfs", serves = "file", calls = { "block", "names" } },
  { "tmpfs", serves = "file", calls = { "names" } },
  { "consoled", serves = "terminal", calls = { "names" } },
  { "authd", serves = "auth", calls = { "names" } },
}
