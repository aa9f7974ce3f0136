/* Sockets: TCP connections, listeners, UDP. Each has a badge, that of the connection its program
 * holds; its life ends with that, a TCP connection's once what it has to send is sent. */
#pragma once
#include "netd.h"

#define SOCKETS_MOST 8192u
/* Sockets' badges are not below it; init's are (settings.h). */
#define SOCKET_BADGES SOCKETS_MOST

void sockets_open(handle_t channel, handle_t port, uint64_t first_key);

/* Rebuilds a predecessor's sockets. Before any packet is looked at: a peer whose connection is not there
 * yet would be reset. */
void sockets_revive(void);

/* What has become of the connections that packets came for; after any. */
void sockets_review(void);

/* Acknowledges what has come since the last time; when all packets there were have been handled. True:
 * something was sent. */
bool sockets_acknowledge(void);

status_t socket_connect(struct sw_request *request, const struct sw_net_connect_request *in);
status_t socket_listen(struct sw_request *request, const struct sw_net_listen_request *in,
                       struct sw_net_listen_reply *out);
status_t socket_bind(struct sw_request *request, const struct sw_net_bind_request *in,
                     struct sw_net_bind_reply *out);

/* A message on a socket's own connection. */
status_t socket_message(struct sw_request *request);

/* The program's last handle went. */
void socket_closed(uint64_t badge);

/* A program has set its socket's event; key as bound. */
void socket_event(uint64_t key);

/* Line `index` of the report, false past the last one. */
struct socket_line {
    const char *kind, *state;
    uint32_t unread, unacknowledged, pid;
    const ip_addr_t *local, *remote; /* remote NULL: none */
    uint16_t local_port, remote_port;
};
bool socket_line(size_t *index, struct socket_line *out);

/* Whether any connection has something to do in time: to send again, to acknowledge, to give up. Looks at
 * those alone that anything happened to since they were last found at rest. */
bool tcp_waits(void);

/* Whether any connection has bytes in netd's hands: to send, sent and not acknowledged, come out of order. */
bool tcp_sends(void);

/* Connections that were closed by their program and go on sending. */
void sockets_run(uint64_t now);
uint64_t sockets_deadline(void);
