-- A disk (blkd). Sectors are 512 bytes. Data moves by DMA into or out of the client's memory object.
return {
  name = "block", id = 1, version = 1, level = 0, stateless = true,
  doc = "Block device. The connection's badge chooses the disk.",
  operations = {
    { 1, "info", reply = { { "u64", "sectors", "" }, { "u32", "read_only", "" }, { "u32", "reserved", "" }, { "u8[20]", "serial", "" }, { "u32", "reserved2", "" } }, idempotent = true,
      cap = false, doc = "Size and flags of the disk." },
    { 2, "read", request = { { "u64", "sector", "" }, { "u32", "count", "sectors" }, { "u32", "offset", "bytes into the memory object, multiple of 512" } },
      send = { "memory" }, idempotent = true, cap = false, doc = "Reads sectors into the memory object sent along." },
    { 3, "write", request = { { "u64", "sector", "" }, { "u32", "count", "" }, { "u32", "offset", "" } },
      send = { "memory" }, idempotent = true, cap = false, doc = "Writes sectors; done when the device has them (flush makes them durable)." },
    { 4, "flush", idempotent = true, cap = false, doc = "Everything written before is durable when this returns." },
    { 5, "list", reply = { { "u32", "count", "disks" }, { "u32", "legacy", "slots refused because they are legacy virtio" } }, idempotent = true,
      cap = false, doc = "Number of disks; only on the connection with badge 0. Disk i (from 0) has badge i + 1." },
  },
}
