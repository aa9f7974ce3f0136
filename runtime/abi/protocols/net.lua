-- The network (netd): what programs with the capability `net` ask of it. Addresses are 16 bytes, of
-- IPv4 the first 4; family is 4 or 6.
return {
  name = "net", id = 9, version = 1, level = 3, stateless = true,
  doc = "Network: addresses, names, and sockets, which are connections of protocol `endpoint`. On the connection of a service whose script narrows `net` what its rules do not allow is refused: ACCESS.",
  constants = {
    { "SW_NET_IPV4", 4, "family" }, { "SW_NET_IPV6", 6, "family" }, { "SW_NET_ANY", 0, "family: of resolve" },
    { "SW_NET_LINKS", 1, "list: name, number, MTU, address of the card, up or down" },
    { "SW_NET_ADDRESSES", 2, "list: interface, family, address, bits of the prefix, where it is from, state, seconds it is valid or forever" },
    { "SW_NET_ROUTES", 3, "list: interface, family, destination or default, bits of the prefix, gateway or -" },
    { "SW_NET_NEIGHBOURS", 4, "list: interface, family, address, address of its card or -, state" },
    { "SW_NET_RESOLVERS", 5, "list: family, address" },
    { "SW_NET_SOCKETS", 6, "list: tcp or udp, state, bytes received and not read, bytes sent and not acknowledged, family, address, port, address and port of the other end or - and 0, number of the process" },
  },
  operations = {
    { 1, "list", request = { { "u32", "what", "SW_NET_*" }, { "u32", "from", "0, or `next` of the part before" } }, reply = { { "u32", "bytes" }, { "u32", "next", "where the next part begins; 0: this was the last" } }, data = "out", cap = "net", idempotent = true,
      doc = "What netd knows, one a line, words with tabs between them. SW_NET_SOCKETS comes in parts of whole lines, at most 32 KiB each: a socket that is there all the time comes once, whatever becomes of others meanwhile. TOO_LARGE: the buffer holds less." },
    { 2, "ping", request = { { "u8[16]", "address" }, { "u16", "family" }, { "u16", "size", "bytes of data, at most 1400" }, { "u32", "scope", "0, or the interface of a link-local address" }, { "u32", "timeout", "milliseconds" }, { "u32", "sequence" } },
      reply = { { "u64", "nanoseconds", "until the answer" }, { "u32", "ttl" }, { "u32", "bytes", "of ICMP" } }, cap = "net", idempotent = true,
      doc = "Sends an ICMP echo request and waits for its answer. TIMED_OUT: none; UNREACHABLE: no way there; BUSY: 64 wait already." },
    { 3, "resolve", request = { { "u32", "family", "SW_NET_IPV4, _IPV6 or _ANY: IPv4 if there is one" }, { "u32", "reserved" }, { "string", "name" } },
      reply = { { "u8[16]", "address" }, { "u32", "family" }, { "u32", "reserved" } }, cap = "net", idempotent = true,
      doc = "The address of a host. NOT_FOUND: it has none; TIMED_OUT: no name server answered; UNREACHABLE: there is none; BUSY: 64 wait already." },
    { 4, "connect", request = { { "u8[16]", "address" }, { "u16", "family" }, { "u16", "port" }, { "u32", "scope" } }, send = { "memory", "event" }, receive = { "socket" }, cap = "net", idempotent = true,
      doc = "Begins a TCP connection and answers at once; what becomes of it is told in the memory (sw_socket_rings), which must be committed, and by the event; both must have the rights to be kept (DUPLICATE, TRANSFER). A successor of netd goes on with it, or begins anew." },
    { 5, "listen", request = { { "u8[16]", "address", "zeros: any" }, { "u16", "family", "SW_NET_ANY: both" }, { "u16", "port", "0: netd chooses" }, { "u32", "backlog", "connections that may wait to be accepted, at most 128" } }, send = { "event" }, receive = { "socket" }, reply = { { "u32", "port" }, { "u32", "reserved" } }, cap = "net", idempotent = true,
      doc = "Listens for TCP connections; the event is set when one waits. IN_USE." },
    { 6, "bind", request = { { "u8[16]", "address", "zeros: any" }, { "u16", "family", "SW_NET_ANY: both" }, { "u16", "port", "0: netd chooses" }, { "u32", "reserved" } }, send = { "event" }, receive = { "socket" }, reply = { { "u32", "port" }, { "u32", "reserved" } }, cap = "net", idempotent = true,
      doc = "A UDP socket; the event is set when a datagram comes. IN_USE." },
    { 7, "configure", send = { "memory" }, cap = "device", idempotent = true,
      doc = "Puts settings in force (bin/netd/settings.h says what the memory holds). For init alone, whose connection has a badge of its own (else ACCESS). INVALID: they make no sense; those before stay in force." },
  },
}
