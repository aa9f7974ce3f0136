-- A terminal: two pipes and a control connection. This is the control connection.
return {
  name = "terminal", id = 3, version = 2, level = 3, stateless = false,
  doc = "Terminal control. The protocol id on a descriptor's control handle is what isatty asks for.",
  constants = {
    { "SW_TERMINAL_CANONICAL", 1 }, { "SW_TERMINAL_ECHO", 2 }, { "SW_TERMINAL_SIGNALS", 4, "Ctrl-C and Ctrl-Z act on the foreground job instead of being typed" },
    { "SW_TERMINAL_HOLD", 8 },
    { "SW_FOREGROUND_DIRECTLY", 1, "Ctrl-C and input are for processes directly in the job, not of jobs below" },
    { "SW_FOREGROUND_STOPS", 2, "Ctrl-Z stops the job: somebody watches it and will continue it" },
    { "SW_FOREGROUND_INHERITS", 4, "a Ctrl-C typed since `interrupts` were is for this job, too" },
  },
  operations = {
    { 1, "get_mode", reply = { { "u32", "mode", "SW_TERMINAL_*" }, { "u16", "rows" }, { "u16", "columns" }, { "u32", "interrupts", "Ctrl-C typed so far" }, { "u32", "reserved" } }, idempotent = true, cap = false, doc = "Modes and window size." },
    { 2, "set_mode", request = { { "u32", "mode" }, { "u32", "drain", "1: after pending output; 2: also drop typed-ahead input. Without effect if the caller is gone by then, or another has set the modes at once since" } }, idempotent = true, cap = false, doc = "Sets the modes. HOLD, without CANONICAL: behind an Enter or Ctrl-D nothing is taken until the modes are set again, so that what is typed ahead meets the modes of the program it is for." },
    { 3, "set_size", request = { { "u16", "rows" }, { "u16", "columns" }, { "u32", "reserved" } }, idempotent = true, cap = false, doc = "Sets the window size." },
    { 4, "set_foreground", request = { { "u32", "flags", "SW_FOREGROUND_*" }, { "u32", "interrupts", "as get_mode said, for INHERITS" } }, send = { "job" }, idempotent = true, cap = false,
      doc = "The job that Ctrl-C interrupts and that reads what is typed (copied; needs MANAGE); others that read wait. No handle: Ctrl-C does nothing, everybody reads." },
    { 5, "drain", idempotent = true, cap = false, doc = "Returns when all output so far has left." },
    { 6, "open", reply = { { "u32", "reserved" }, { "u32", "reserved2" } }, receive = { "input", "output" }, cap = "console", idempotent = true,
      doc = "The pipe ends of the terminal: input to read, output to write." },
  },
}
