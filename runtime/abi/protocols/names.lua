-- The service directory (init). A connection is a view: it shows only what its badge allows.
return {
  name = "names", id = 5, version = 1, level = 5, upward = true, stateless = true,
  doc = "Looks up services. init answers at once.",
  operations = {
    { 1, "lookup", request = { { "string", "name" } }, receive = { "connection" }, idempotent = true, cap = false, doc = "A connection to a service, ready or on its way; REFUSED when it is stopped, has failed or is done." },
    { 2, "list", data = "out", reply = { { "u32", "bytes" }, { "u32", "reserved" } }, idempotent = true, cap = false, doc = "Names this view shows, one a line." },
    { 3, "ready", cap = false, idempotent = true, doc = "Said by a service: it serves now." },
  },
}
