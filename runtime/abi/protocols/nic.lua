-- A network card (nicd). Packets go through the pool that nicd and netd share (sw_packet_pool).
return {
  name = "nic", id = 8, version = 1, level = 0, stateless = true,
  doc = "Network card.",
  operations = {
    { 1, "info", reply = { { "u8[6]", "address" }, { "u16", "reserved" }, { "u32", "mtu" }, { "u32", "link", "1: up" },
      { "u64", "received", "packets" }, { "u64", "received_bytes" }, { "u64", "received_dropped" }, { "u64", "received_errors" },
      { "u64", "sent", "packets" }, { "u64", "sent_bytes" }, { "u64", "sent_dropped" }, { "u64", "sent_errors" } }, idempotent = true,
      cap = false, doc = "What the card is, and what it did since the machine's start." },
  },
}
