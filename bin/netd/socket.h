/* What sockets.c, tcp.c and udp.c share: a socket, and what is done with it from more than one. */
#pragma once
#include "sockets.h"
#include "vault.h"
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <swos/stream.h>

enum kind { TCP, LISTENER, UDP };

struct datagram;

#define PEERS 8u

struct peer {
    ip_addr_t address;
    uint16_t port; /* 0: none */
};

struct socket {
    enum kind kind;
    uint64_t badge;
    handle_t event;      /* 0: not accepted yet */
    bool watched;        /* the event is bound at our port */
    bool closed;         /* by the program */
    uint32_t pid;        /* of the program it was made for; for people */
    struct share *share; /* it is of: of the program that asked for it, or for its listener */
    /* What a successor of netd will find; free until the socket is given to its program. */
    struct record *record;
    uint64_t event_id;
    bool revived; /* a predecessor's, of which its program has not been heard yet */
    /* TCP */
    struct tcp_pcb *pcb; /* a listener's, too; NULL: gone */
    struct sw_stream stream;
    void *memory; /* mapped; NULL: not accepted yet */
    size_t size;
    uint64_t memory_id;
    uint32_t queued; /* bytes of the up ring given to lwIP and not acknowledged */
    bool end_wanted, end_sent;
    bool connected;
    uint16_t port;             /* that netd has chosen; else 0 */
    bool ended;                /* the other end sends no more */
    uint32_t first_sent, sent; /* as recorded */
    uint32_t keep[RECORD_KEEPS];
    bool finished;   /* closed, and nothing is left but our end's acknowledgement */
    uint64_t linger; /* closed: when to give up */
    struct socket *next_closing;
    bool restless; /* in the list by next_restless */
    struct socket *next_restless;
    bool owes; /* an acknowledgement, at the end of the batch; then in the list by next_owing */
    uint64_t owes_until;
    bool owing;
    struct socket *next_owing;
    struct socket *listener, *next_pending; /* waits to be accepted */
    struct socket *pending;                 /* listener: the first that waits */
    uint32_t backlog, pending_count;
    /* UDP */
    struct udp_pcb *udp;
    struct datagram *first, **last;
    uint32_t waiting;   /* bytes of datagrams */
    uint32_t rules;     /* badge of the connection it was asked for on (settings.h) */
    struct peer *peers; /* PEERS who sent what was read last; NULL: rules allow all */
    uint32_t next_peer;
};

/* ---- sockets.c */

struct socket *socket_of(uint64_t badge);
/* One more of a share. TOO_MANY_SOCKETS: it has all it may; NO_MEMORY. */
status_t socket_create(enum kind kind, struct share *share, struct socket **out_socket);
/* The same for the program that sent a request. */
status_t socket_ask(enum kind kind, const struct sw_request *request, struct socket **out_socket);
/* Frees a socket whose pcbs are gone or know nothing of it any more. */
void socket_free(struct socket *socket);

/* Sets the program's event. */
void socket_tell(const struct socket *socket);

/* Takes the event at `place` of a request. */
status_t socket_take_event(struct socket *socket, struct sw_request *request, uint32_t place);
/* The same for an event that was kept. Takes it when it succeeds. */
status_t socket_watch(struct socket *socket, handle_t event);
/* Records the socket: from now on it outlives netd. Its connection was made (socket_give). memory: its
 * rings, 0 for none. NO_MEMORY, QUOTA, ACCESS: a handle that cannot be passed on. */
status_t socket_record(struct socket *socket, enum record_kind kind, uint32_t flags,
                       handle_t memory, const struct record_flow *flow);
/* The address of an end as recorded. */
void socket_end_get(const struct record_end *end, ip_addr_t *out);
/* The same, once its handles are kept. */
void socket_record_kept(struct socket *socket, enum record_kind kind, uint32_t flags,
                        const struct record_flow *flow);
/* Does away with a socket of whose making its program never heard; it is told nothing. */
void socket_discard(struct socket *socket);
/* Gives it back. */
void socket_drop_event(struct socket *socket);
/* The connection the program will hold goes with the reply. */
status_t socket_give(const struct socket *socket, struct sw_request *request);

/* The address to bind to and its kind; false when there is no such. */
bool socket_local(const uint8_t bytes[16], uint32_t family, ip_addr_t *out);
/* Binds either to a port that nobody guesses. */
err_t socket_bind_anywhere(struct tcp_pcb *tcp, struct udp_pcb *udp, const ip_addr_t *address);

/* ---- tcp.c */

void tcp_open(void);
/* Rebuild what a predecessor had. memory: taken over. BAD_MESSAGE, INVALID: not to be had any more. */
status_t tcp_revive(struct socket *socket, const struct record_view *view, handle_t memory);
status_t tcp_revive_listener(struct socket *socket, const struct record_view *view);
/* Resets a connection or ends a listener, and frees it; nothing is told. */
void tcp_discard(struct socket *socket);
/* Tells a program that its connection is gone, by what was kept of it. */
void tcp_condemn(handle_t memory, handle_t event);
status_t tcp_handle_accept(struct sw_request *request, const struct sw_endpoint_accept_request *in,
                           struct sw_endpoint_accept_reply *out);
status_t tcp_handle_shutdown(struct sw_request *request,
                             const struct sw_endpoint_shutdown_request *in,
                             struct sw_endpoint_shutdown_reply *out);
status_t tcp_handle_set(struct sw_request *request, const struct sw_endpoint_set_request *in,
                        struct sw_endpoint_set_reply *out);
/* The program has set the event of a connection. */
void tcp_work(struct socket *socket);
/* The program's handle of a connection or listener went. */
void tcp_closed(struct socket *socket);
/* Forgets what tcp.c knows of a socket that is freed. */
void tcp_forget(struct socket *socket);

/* For listen.c and revive.c. */

/* The pcb's callbacks are ours from now on. The reverse: lwIP ends it in its own time. */
void connection_attach(struct socket *socket);
void connection_leave(struct tcp_pcb *pcb);
/* Adds to what the program reads, and sets its event. */
void connection_state(struct socket *socket, uint32_t bits, status_t error);
/* Resets the connection, at once. */
void connection_abort(struct socket *socket);
/* It is closed, and given up at the deadline. */
void connection_linger(struct socket *socket, uint64_t deadline);
/* The last phase of a closed one: our end, and waiting for its acknowledgement. True: the pcb was aborted,
 * and the socket is gone. */
bool connection_end(struct socket *socket);
err_t connection_connect(struct socket *socket, const ip_addr_t *to, uint16_t port);
/* How silence of the other end is asked about, as a record says. */
void connection_keep(struct tcp_pcb *pcb, const uint32_t keep[RECORD_KEEPS]);
/* What is recorded of a connection that has just begun: nothing was given to lwIP to send. */
struct record_flow connection_flow(const struct socket *socket);

/* ---- rings.c */

/* A program's memory, mapped here. */
struct ring_memory {
    void *at;
    size_t size;
    uint64_t id; /* of the object */
    struct sw_stream_shape shape;
};
/* Maps it after a check: committed, so that touching it cannot fail. */
status_t ring_map(handle_t memory, struct ring_memory *out);
/* It is the socket's. */
void ring_adopt(struct socket *socket, const struct ring_memory *memory);
/* The memory that came with a request (0: none), and the same as a socket's new rings. */
handle_t ring_of(const struct sw_request *request);
status_t ring_take(struct socket *socket, const struct sw_request *request);
status_t tcp_handle_grow(struct sw_request *request, const struct sw_endpoint_grow_request *in,
                         struct sw_endpoint_grow_reply *out);

/* ---- listen.c */

/* The program's handle went. */
void listener_closed(struct socket *listener);
/* A connection that waits to be accepted waits no more. */
void listener_forget(struct socket *waiting);

/* ---- udp.c */

status_t udp_handle_send_to(struct sw_request *request,
                            const struct sw_endpoint_send_to_request *in,
                            struct sw_endpoint_send_to_reply *out);
status_t udp_handle_receive_from(struct sw_request *request,
                                 const struct sw_endpoint_receive_from_request *in,
                                 struct sw_endpoint_receive_from_reply *out);
status_t udp_revive(struct socket *socket, const struct record_view *view);
void udp_closed(struct socket *socket);
/* Frees the datagrams that wait. */
void udp_forget(struct socket *socket);
