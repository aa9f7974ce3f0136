-- Capability bits of a process's mask. Bits 0 to 6 keep the numbers of the original
-- system. They decide when authority is acquired (open, connect, spawn); a bit stands
-- here from the step on that enforces it. `gates` is what the reference pages print.
return {
  { "console", 0, "opening the system console's terminal, asking authd to log in" },
  { "spawn", 1, "opening a program for execution" },
  { "fs-read", 2, "opening a file for reading, listing a directory" },
  { "tmp-write", 3, "creating, changing and removing files in /tmp" },
  { "inspect", 4, "facts about processes of other sessions, about devices, what services count, tracing" },
  { "net", 5, "the network: looking at it, connecting, listening" },
  { "log-read", 6, "the kernel log, what services print, crash records" },
  { "device", 8, "killing, starting, stopping and trimming system services, opening devices, levels of the kernel log" },
  { "power", 9, "reboot and power off" },
  { "time", 12, "setting the wall clock" },
}
