-- A terminal: two pipes and a control connection. This is the control connection.
return {
  name = "terminal", id = 3, version = 1, level = 3, stateless = false,
  doc = "Terminal control. The protocol id on a descriptor's control handle is what isatty asks for.",
  constants = {
    { "SW_TERMINAL_CANONICAL", 1 }, { "SW_TERMINAL_ECHO", 2 }, { "SW_TERMINAL_SIGNALS", 4 },
    { "SW_TERMINAL_HOLD", 8 },
  },
  operations = {
    { 1, "get_mode", reply = { { "u32", "mode", "SW_TERMINAL_*" }, { "u16", "rows" }, { "u16", "columns" } }, idempotent = true, cap = false, doc = "Modes and window size." },
    { 2, "set_mode", request = { { "u32", "mode" }, { "u32", "drain", "1: after pending output; 2: also drop typed-ahead input" } }, idempotent = true, cap = false, doc = "Sets the modes. HOLD, without CANONICAL: behind an Enter or Ctrl-D nothing is taken until the modes are set again, so that what is typed ahead meets the modes of the program it is for." },
    { 3, "set_size", request = { { "u16", "rows" }, { "u16", "columns" }, { "u32", "reserved" } }, idempotent = true, cap = false, doc = "Sets the window size." },
    { 4, "set_foreground", send = { "job" }, idempotent = true, cap = false, doc = "The job that Ctrl-C interrupts (copied; needs MANAGE). No handle: nobody." },
    { 5, "drain", idempotent = true, cap = false, doc = "Returns when all output so far has left." },
    { 6, "open", reply = { { "u32", "reserved" }, { "u32", "reserved2" } }, receive = { "input", "output" }, cap = "console", idempotent = true,
      doc = "The pipe ends of the terminal: input to read, output to write." },
  },
}
