-- What init does for people: power, time, log, processes, services.
return {
  name = "system", id = 6, version = 1, level = 5, upward = true, stateless = true,
  doc = "System operations; each needs its capability bit.",
  operations = {
    { 1, "power", request = { { "u32", "kind", "SW_POWER_*" }, { "u32", "reserved" } }, cap = "power", doc = "Stops services and switches off or reboots." },
    { 2, "set_time", request = { { "u64", "wall_ns" } }, cap = "time", doc = "Sets the wall clock." },
    { 3, "read_log", request = { { "u64", "sequence" } }, reply = { { "u64", "next" }, { "u32", "bytes" }, { "u32", "reserved" } }, data = "out", cap = "log-read", idempotent = true, doc = "Kernel log lines." },
    { 4, "inspect", receive = { "job" }, cap = "inspect", idempotent = true, doc = "A handle to the root job that can only inspect." },
    { 5, "service_list", reply = { { "u32", "bytes" }, { "u32", "reserved" } }, data = "out", idempotent = true, cap = false, doc = "Services: name, state, pid, restarts, tab-separated, one a line." },
    { 6, "service_kill", request = { { "u32", "how", "0 kill, 1 crash, 2 hang" }, { "u32", "reserved" }, { "string", "name" } }, cap = "device", doc = "Kills a service's process (its job restarts it)." },
    { 7, "trim", cap = "device", idempotent = true, doc = "Asks every server to drop caches; init collects too." },
    { 8, "read_crash", request = { { "u32", "index" }, { "u32", "reserved" } }, reply = { { "u32", "bytes" }, { "u32", "reserved" } }, data = "out", cap = "log-read", idempotent = true, doc = "A crash record, 0 the newest." },
    { 9, "service_start", request = { { "string", "name" } }, cap = "device", doc = "Starts a stopped service." },
    { 10, "service_stop", request = { { "string", "name" } }, cap = "device", doc = "Stops a service for good." },
  },
}
