-- What services print, kept by logd.
return {
  name = "log", id = 7, version = 1, level = 2, stateless = true,
  doc = "Service logs. The connection with badge 1 is init's.",
  constants = { { "SW_LOG_FOLLOW", 1 } },
  operations = {
    { 1, "attach", request = { { "u32", "size", "bytes kept" }, { "u32", "reserved" }, { "string", "name" } }, send = { "pipe" }, idempotent = true,
      cap = false, doc = "Keeps what comes out of the pipe as the log of that service, in the place of an earlier pipe. init's only (ACCESS)." },
    { 2, "lines", request = { { "u64", "sequence", "number of the first line of interest; UINT64_MAX: the next one" }, { "u32", "flags", "SW_LOG_FOLLOW: wait when there is none" }, { "u32", "reserved" }, { "string", "name", "empty: all logs" } },
      reply = { { "u64", "next", "line to go on with" }, { "u32", "bytes" }, { "u32", "reserved" } }, data = "out", cap = "log-read", idempotent = true,
      doc = "Lines of a service's log, or of `kernel`'s (what is no service's), `[ms since boot] text`, whole lines only. What is gone already is told in a line of its own. Of all logs: the lines in the order they came, by numbers that count the lines of all, each `NUMBER [ms] [L] source: text`; what a service printed has [I] and its name. BUSY: 32 wait already." },
    { 3, "counts", reply = { { "u64", "late", "lines of the kernel log that were overwritten before logd read them" }, { "u32", "bytes" }, { "u32", "reserved" } }, data = "out", cap = "inspect", idempotent = true,
      doc = "Logs, one a line, tab-separated: name, lines there ever were, how many of them are gone, bytes it keeps." },
    { 4, "crash_list", reply = { { "u32", "bytes" }, { "u32", "reserved" } }, data = "out", cap = "log-read", idempotent = true,
      doc = "Crash records kept, the newest first, one a line, tab-separated: number, 1 if it is of before the reset, milliseconds since the start of its boot, first line." },
    { 5, "crash_read", request = { { "u64", "number" } }, reply = { { "u32", "bytes" }, { "u32", "reserved" } }, data = "out", cap = "log-read", idempotent = true,
      doc = "A crash record as text, at most 32 KiB: registers, back-trace, threads and their calls, handles, log lines of that time." },
  },
}
