/* What sockets.c, tcp.c and udp.c share: a socket, and what is done with it from more than one. */
#pragma once
#include "sockets.h"
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <swos/stream.h>

enum kind { TCP, LISTENER, UDP };

struct datagram;

struct socket {
    enum kind kind;
    uint64_t badge;
    handle_t event; /* 0: not accepted yet */
    bool watched;   /* the event is bound at our port */
    bool closed;    /* by the program */
    uint32_t pid;   /* of the program it was made for; for people */
    /* TCP */
    struct tcp_pcb *pcb; /* a listener's, too; NULL: gone */
    struct sw_stream stream;
    void *memory; /* mapped; NULL: not accepted yet */
    size_t size;
    uint32_t queued; /* bytes of the up ring given to lwIP and not acknowledged */
    bool end_wanted, end_sent;
    bool connected;
    bool ended;      /* the other end sends no more */
    uint64_t linger; /* closed: when to give up */
    struct socket *next_closing;
    struct socket *listener, *next_pending; /* waits to be accepted */
    struct socket *pending;                 /* listener: the first that waits */
    uint32_t backlog, pending_count;
    /* UDP */
    struct udp_pcb *udp;
    struct datagram *first, **last;
    uint32_t waiting; /* bytes of datagrams */
};

/* ---- sockets.c */

struct socket *socket_of(uint64_t badge);
/* NULL: no memory, or no number is free. */
struct socket *socket_create(enum kind kind);
/* Frees a socket whose pcbs are gone or know nothing of it any more. */
void socket_free(struct socket *socket);

/* Sets the program's event. */
void socket_tell(const struct socket *socket);

/* Takes the event at `place` of a request. */
status_t socket_take_event(struct socket *socket, struct sw_request *request, uint32_t place);
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

/* ---- udp.c */

status_t udp_handle_send_to(struct sw_request *request,
                            const struct sw_endpoint_send_to_request *in,
                            struct sw_endpoint_send_to_reply *out);
status_t udp_handle_receive_from(struct sw_request *request,
                                 const struct sw_endpoint_receive_from_request *in,
                                 struct sw_endpoint_receive_from_reply *out);
void udp_closed(struct socket *socket);
/* Frees the datagrams that wait. */
void udp_forget(struct socket *socket);
