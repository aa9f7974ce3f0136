-- A driver started and stopped by a program of its own (drvinputd by drvsvcdemo), not by init.
return {
  name = "driver", id = 20, version = 1, level = 0, stateless = false,
  doc = "What a supervisor says to its driver. The connection is to one process: a successor has to be accepted.",
  operations = {
    { 1, "ready", reply = { { "u32", "pid" }, { "u32", "reserved" } }, idempotent = true, cap = false, doc = "Answers when the driver serves." },
    { 2, "adopt", send = { "device" }, reply = { { "u32", "generation" }, { "u32", "reserved" } }, cap = false, doc = "Makes the driver claim the device sent along, which should be moved. BUSY: another process drives it." },
    { 3, "event", reply = { { "u32", "value", "the device's first register" }, { "u32", "sequence", "from 1" } }, cap = false, doc = "Reads the device. BAD_STATE: none was adopted." },
    { 4, "stop", cap = false, doc = "Ends the driver after the answer; its device is free then." },
  },
}
