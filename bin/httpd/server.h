/* The event loop: listener, connections' events, deadlines. */
#pragma once
#include "connection.h"

#define SERVER_CONNECTIONS 256u /* unless said otherwise */
#define SERVER_CONNECTIONS_MOST 4096u

struct server_options {
    struct sw_socket_address at;
    uint32_t connections;
    bool details; /* in the access log */
};

/* Listens and serves for ever; returns only when it cannot listen, with the reason. */
status_t server_run(const struct server_options *options);

/* What a deadline is for. Each kind lasts as long for every connection, so that a list of each in the
 * order of their beginning is all it takes. */
enum deadline {
    DEADLINE_IDLE,  /* between two requests */
    DEADLINE_HEAD,  /* from a request's first byte to its last */
    DEADLINE_SEND,  /* until the client takes something */
    DEADLINE_DRAIN, /* until a client that was refused ends, too */
    DEADLINE_KINDS,
    DEADLINE_NONE = DEADLINE_KINDS,
};

/* The deadline of a connection begins now, in the place of the one it had. */
void server_deadline(struct connection *connection, enum deadline kind);
/* As of the last wake: monotonic ns, and seconds since 1970. */
uint64_t server_now(void);
int64_t server_time(void);
bool server_details(void);
