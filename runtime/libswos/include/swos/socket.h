/* Sockets: TCP connections, listeners and UDP, over netd.
 *
 * A connection's bytes go through rings shared with netd: reading and writing make no call while the
 * other side is awake. Connecting, listening and binding need the capability `net`; afterwards the
 * socket is enough. Sockets outlive netd: its successor goes on with them, and tells by RESET of one that it
 * cannot go on with. One thread at a time uses a socket; descriptors over it lock, and wait
 * by sw_socket_arm without the lock. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

struct sw_socket;

struct sw_socket_address {
    uint8_t bytes[16]; /* of IPv4 the first 4 */
    uint16_t family;   /* SW_NET_IPV4, SW_NET_IPV6; SW_NET_ANY where any will do */
    uint16_t port;
    uint32_t scope;
};

/* Bytes of the rings of a connection where its program does not say (`ring` 0): they grow when sw_socket_write
 * finds no room, or sw_socket_read or sw_socket_peek a ring that is nearly full. Who accepts begins with the
 * least, a page for both, as many connections of a server say little. Those that a program does say stay as they
 * are. */
#define SW_SOCKET_RING 16384u /* begun with by who connects; and what the first growth is to */
#define SW_SOCKET_RING_GROWN 131072u /* the most */

/* Begins a connection. sw_socket_wait_connected says what became of it. NOT_FOUND: there is no network. */
status_t sw_socket_connect(const struct sw_socket_address *to, uint32_t ring,
                           struct sw_socket **out_socket);
/* REFUSED, TIMED_OUT, UNREACHABLE, RESET; TIMED_OUT for the deadline, too. */
status_t sw_socket_wait_connected(struct sw_socket *socket, uint64_t deadline);
/* Whether that is still to be said. */
bool sw_socket_connecting(const struct sw_socket *socket);

/* IN_USE. *out_port is the port, netd's choice when the address has 0. */
status_t sw_socket_listen(const struct sw_socket_address *at, uint32_t backlog,
                          struct sw_socket **out_socket, uint16_t *out_port);
status_t sw_socket_accept(struct sw_socket *listener, uint32_t ring, uint64_t deadline,
                          struct sw_socket **out_socket, struct sw_socket_address *out_from);

status_t sw_socket_bind(const struct sw_socket_address *at, struct sw_socket **out_socket,
                        uint16_t *out_port);
status_t sw_socket_send_to(struct sw_socket *socket, const struct sw_socket_address *to,
                           const void *bytes, size_t length);
/* *out_length is the datagram's, which may be more than capacity. */
status_t sw_socket_receive_from(struct sw_socket *socket, void *buffer, size_t capacity,
                                uint64_t deadline, size_t *out_length,
                                struct sw_socket_address *out_from);
/* The same, but the datagram stays the next one: the socket keeps it. NO_MEMORY for its 64 KiB. */
status_t sw_socket_peek_from(struct sw_socket *socket, void *buffer, size_t capacity,
                             uint64_t deadline, size_t *out_length,
                             struct sw_socket_address *out_from);

/* What is there, at most length; waits for the first byte. *out_done 0: the other end has ended. GIVEN_UP:
 * it no longer answers (TIMED_OUT is the deadline). */
status_t sw_socket_read(struct sw_socket *socket, void *buffer, size_t length, uint64_t deadline,
                        size_t *out_done);
/* The same, but what is given stays there. */
status_t sw_socket_peek(struct sw_socket *socket, void *buffer, size_t length, uint64_t deadline,
                        size_t *out_done);
/* All of it, waiting for room; *out_done tells how much when that ends early. PEER_CLOSED: ended by
 * sw_socket_shutdown. */
status_t sw_socket_write(struct sw_socket *socket, const void *bytes, size_t length,
                         uint64_t deadline, size_t *out_done);

/* The rings themselves, of a TCP socket, for who reads and writes where the bytes lie. No call is made but
 * by flush, which tells netd of everything put and taken before; why nothing comes or goes is what
 * sw_socket_ready and a read say. Both give a piece without a gap, 0 when there is none; `skip` bytes of
 * what came are passed over. What is read may not be believed twice: netd can write there. */
size_t sw_socket_data(struct sw_socket *socket, size_t skip, const uint8_t **out_at);
void sw_socket_take(struct sw_socket *socket, size_t length);
size_t sw_socket_room(struct sw_socket *socket, uint8_t **out_at);
void sw_socket_put(struct sw_socket *socket, size_t length);
void sw_socket_flush(struct sw_socket *socket);
/* Rings of at least so many bytes to send from and to receive into; what has been given out of the old ones is
 * not valid any more. With other memory than before, so NO_MEMORY and QUOTA; BAD_STATE: the connection is over.
 * After each error but RESET the rings are as they were. */
status_t sw_socket_grow(struct sw_socket *socket, uint32_t up, uint32_t down);

/* how: SW_SHUT_*. */
status_t sw_socket_shutdown(struct sw_socket *socket, uint32_t how);
status_t sw_socket_set(struct sw_socket *socket, uint32_t option, uint32_t value);
/* Either may be NULL; *out_remote has port 0 when there is none. */
status_t sw_socket_ends(struct sw_socket *socket, struct sw_socket_address *out_local,
                        struct sw_socket_address *out_remote);
void sw_socket_close(struct sw_socket *socket);

/* Readiness, SW_POLL_* of swos/fd.h. */
uint32_t sw_socket_look(struct sw_socket *socket, uint32_t wanted);
/* The same. When there is none the event's bits SW_SOCKET_FOR_PROGRAM tell
 * when to ask again. */
uint32_t sw_socket_ready(struct sw_socket *socket, uint32_t wanted);
/* The same for threads that wait at once: when there is none the event's bits `bits` (SW_SOCKET_FOR_READER and
 * its like, one for each of them) tell, whatever the others ask and do, until sw_socket_disarm. A call with the
 * deadline 0 leaves the bits and what they tell of as they are, but of a listener and of UDP, where each tells
 * of the same. */
uint32_t sw_socket_arm(struct sw_socket *socket, uint64_t bits, uint32_t wanted);
void sw_socket_disarm(struct sw_socket *socket, uint64_t bits);
/* Sets bits as netd does. */
void sw_socket_tell(struct sw_socket *socket, uint64_t bits);
/* Waits for one of the bits, which sw_socket_arm has cleared. Needs no lock: the socket must only be there. */
status_t sw_socket_wait(const struct sw_socket *socket, uint64_t bits, uint64_t deadline);
/* Whether the event tells of what is wanted: of a listener and of UDP it says that something waits, and says so
 * until it is taken. */
bool sw_socket_tells(const struct sw_socket *socket, uint32_t wanted);
handle_t sw_socket_event(const struct sw_socket *socket);
handle_t sw_socket_connection(const struct sw_socket *socket);

/* The connection to netd all sockets of the process are made by; the process's, not to be closed. */
status_t sw_socket_network(handle_t *out_net);
