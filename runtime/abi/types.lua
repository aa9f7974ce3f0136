-- Kernel object types, numbered; the number is what handle_info returns.
return {
  { "process", 1 }, { "thread", 2 }, { "job", 3 }, { "channel", 4 }, { "connection", 5 },
  { "call", 6 }, { "port", 7 }, { "event", 8 }, { "memory", 9 }, { "pipe", 10 }, { "device", 11 },
}
