-- The connection of a socket, which `net` gives. It ends with its connection, not with netd.
return {
  name = "endpoint", id = 10, version = 1, level = 3, stateless = false,
  doc = "One socket. A successor of netd goes on with its predecessor's; NOT_CONNECTED: it could not.",
  constants = {
    { "SW_SHUT_READ", 1, "shutdown: nothing more is read" }, { "SW_SHUT_WRITE", 2, "nothing more is written; what is in the ring is still sent" },
    { "SW_SOCKET_KEEPALIVE", 1, "option: ask the other end now and then whether it is there" },
    { "SW_SOCKET_NODELAY", 2, "option: send small pieces at once" },
    { "SW_SOCKET_KEEP_IDLE", 3, "option: seconds of silence before the other end is asked, at most SW_SOCKET_KEEP_IDLE_MOST; 0: as the settings of the network say" },
    { "SW_SOCKET_KEEP_INTERVAL", 4, "option: seconds between two questions, the same" },
    { "SW_SOCKET_KEEP_PROBES", 5, "option: questions without an answer until the connection is given up, the same" },
    { "SW_SOCKET_KEEP_IDLE_MOST", 86400, "" }, { "SW_SOCKET_KEEP_INTERVAL_MOST", 3600, "" }, { "SW_SOCKET_KEEP_PROBES_MOST", 100, "" },
  },
  operations = {
    { 1, "accept", send = { "memory", "event" }, receive = { "socket" }, reply = { { "u8[16]", "address" }, { "u16", "family" }, { "u16", "port" }, { "u32", "scope" } }, cap = false, idempotent = true,
      doc = "Takes a connection that waits at a listening socket. TIMED_OUT: none does; the listening socket's event is set when one comes." },
    { 2, "shutdown", request = { { "u32", "how", "SW_SHUT_*" }, { "u32", "reserved" } }, idempotent = true, cap = false,
      doc = "Ends one direction of a connection, or both." },
    { 3, "send_to", request = { { "u8[16]", "address" }, { "u16", "family" }, { "u16", "port" }, { "u32", "scope" } }, data = "in", idempotent = true, cap = false,
      doc = "Sends a datagram. TOO_LARGE: more than 65,507 bytes (of IPv4; 65,527 of IPv6)." },
    { 4, "receive_from", reply = { { "u8[16]", "address" }, { "u16", "family" }, { "u16", "port" }, { "u32", "scope" }, { "u32", "length", "of the datagram" }, { "u32", "bytes", "of it in the buffer, the rest is gone" } }, data = "out", idempotent = true, cap = false,
      doc = "The next datagram. TIMED_OUT: there is none." },
    { 5, "info", reply = { { "u8[16]", "local_address" }, { "u16", "local_family" }, { "u16", "local_port" }, { "u32", "local_scope" }, { "u8[16]", "remote_address" }, { "u16", "remote_family" }, { "u16", "remote_port" }, { "u32", "remote_scope" } }, idempotent = true, cap = false,
      doc = "The ends of a socket; without a remote one its port is 0." },
    { 6, "set", request = { { "u32", "option", "SW_SOCKET_*" }, { "u32", "value", "0: off" } }, idempotent = true, cap = false, doc = "Sets an option of a connection. INVALID: no such option, or value." },
    { 7, "grow", send = { "memory" }, idempotent = true, cap = false,
      doc = "Larger rings for a connection: netd copies what lies in the old ones and goes over to the new memory (sw_socket_rings, as of connect), whose head is written over; the caller goes over when the answer says so, and touches neither meanwhile. Memory the connection has already: nothing happens, OK. INVALID: no rings, or neither is larger, or one is smaller; BAD_STATE: the connection is over; NOT_CONNECTED: it is gone. After any of these the old rings are the connection's; when there is no answer, or UNKNOWN_OUTCOME, the same request tells." },
  },
}
