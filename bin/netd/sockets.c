/* Sockets: their table, what comes with requests, and the protocol. See sockets.h and socket.h. */
#include "socket.h"
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>

#define SOCKET_BITS 13
#define SOCKETS_MOST (1u << SOCKET_BITS)
#define PORT_FIRST 49152u /* those netd chooses (RFC 6335, 6) */
#define PORT_COUNT 16384u
#define PORT_TRIES 64

static struct socket *sockets[SOCKETS_MOST];
static uint64_t generation;   /* of the next socket; never one of a predecessor's */
static uint32_t sockets_used; /* none at or behind it */
static handle_t serve_channel, our_port;
static uint64_t key_base;

void sockets_open(handle_t channel, handle_t port, uint64_t first_key)
{
    tcp_open();
    serve_channel = channel;
    our_port = port;
    key_base = first_key;
    /* A program may still hold a predecessor's socket. Sockets are not made one a microsecond. */
    generation = sw_clock_monotonic() / SW_MICROSECOND + 1;
}

/* ------------------------------------------------------------------ life */

struct socket *socket_of(uint64_t badge)
{
    struct socket *socket = sockets[badge % SOCKETS_MOST];

    return socket && socket->badge == badge ? socket : NULL;
}

struct socket *socket_create(enum kind kind)
{
    for (uint32_t i = 0; i < SOCKETS_MOST; i++) {
        if (sockets[i])
            continue;
        struct socket *socket = calloc(1, sizeof(*socket));
        if (!socket)
            return NULL;
        socket->kind = kind;
        socket->badge = generation++ << SOCKET_BITS | i;
        sockets[i] = socket;
        if (i >= sockets_used)
            sockets_used = i + 1;
        return socket;
    }
    return NULL;
}

static uint64_t key_of(const struct socket *socket)
{
    return key_base + socket->badge;
}

void socket_free(struct socket *socket)
{
    tcp_forget(socket);
    udp_forget(socket);
    socket_drop_event(socket);
    sockets[socket->badge % SOCKETS_MOST] = NULL;
    while (sockets_used > 0 && !sockets[sockets_used - 1])
        sockets_used--;
    free(socket);
}

/* ------------------------------------------------------------------ telling the program */

void socket_tell(const struct socket *socket)
{
    if (socket->event)
        sw_event_update(socket->event, 0, SW_SOCKET_FOR_PROGRAM, NULL);
}

/* ------------------------------------------------------------------ what comes with a request */

status_t socket_take_event(struct socket *socket, struct sw_request *request, uint32_t place)
{
    handle_t event = place < request->event.received_count ? request->event.received[place] : 0;
    uint64_t id;
    uint32_t type, rights;
    const uint32_t needed = SW_RIGHT_WRITE | SW_RIGHT_BIND;

    if (!event || sw_handle_info(event, &type, &rights, &id) != SW_OK || type != SW_TYPE_EVENT)
        return SW_WRONG_TYPE;
    if ((rights & needed) != needed)
        return SW_ACCESS;
    status_t status = sw_port_bind(our_port, event, SW_SOCKET_FOR_STACK, key_of(socket));
    if (status != SW_OK)
        return status == SW_EXISTS ? SW_INVALID : status;
    socket->watched = true;
    socket->event = event;
    socket->pid = request->event.pid;
    request->event.received[place] = 0;
    return SW_OK;
}

void socket_drop_event(struct socket *socket)
{
    if (socket->watched)
        sw_port_unbind(our_port, socket->event);
    if (socket->event)
        sw_handle_close(socket->event);
    socket->event = 0;
    socket->watched = false;
}

status_t socket_give(const struct socket *socket, struct sw_request *request)
{
    status_t status = sw_connection_create(serve_channel, socket->badge, &request->send[0]);

    if (status == SW_OK) {
        request->send_count = 1;
        request->send_move = 1;
    }
    return status;
}

static bool is_any(const uint8_t bytes[16])
{
    for (int i = 0; i < 16; i++)
        if (bytes[i])
            return false;
    return true;
}

bool socket_local(const uint8_t bytes[16], uint32_t family, ip_addr_t *out)
{
    if (family == SW_NET_ANY) {
        ip_addr_set_any_val(0, *out);
        IP_SET_TYPE_VAL(*out, IPADDR_TYPE_ANY);
        return is_any(bytes);
    }
    if (is_any(bytes) && (family == SW_NET_IPV4 || family == SW_NET_IPV6)) {
        ip_addr_set_any_val(family == SW_NET_IPV6, *out);
        return true;
    }
    return netd_address(bytes, family, 0, out);
}

/* lwIP counts its ports up from a random one; a guess should not be that easy (RFC 6056). */
err_t socket_bind_anywhere(struct tcp_pcb *tcp, struct udp_pcb *udp, const ip_addr_t *address)
{
    err_t error = ERR_USE;

    for (int i = 0; i < PORT_TRIES && error == ERR_USE; i++) {
        u16_t port = (u16_t)(PORT_FIRST + lwip_port_random() % PORT_COUNT);
        error = tcp ? tcp_bind(tcp, address, port) : udp_bind(udp, address, port);
    }
    return error;
}

/* ------------------------------------------------------------------ the rest of the protocol */

static status_t handle_info(struct sw_request *request, const struct sw_endpoint_info_request *in,
                            struct sw_endpoint_info_reply *out)
{
    struct socket *socket = socket_of(request->event.badge);
    const ip_addr_t *local, *remote = NULL;

    (void)in;
    if (!socket || (socket->kind != UDP && !socket->pcb))
        return SW_NOT_CONNECTED;
    local = socket->kind == UDP ? &socket->udp->local_ip : &socket->pcb->local_ip;
    out->local_port = socket->kind == UDP ? socket->udp->local_port : socket->pcb->local_port;
    if (socket->kind == TCP) {
        remote = &socket->pcb->remote_ip;
        out->remote_port = socket->pcb->remote_port;
        netd_address_put(remote, out->remote_address);
        out->remote_family = IP_IS_V6(remote) ? SW_NET_IPV6 : SW_NET_IPV4;
    }
    netd_address_put(local, out->local_address);
    out->local_family = IP_IS_V6(local) ? SW_NET_IPV6 : SW_NET_IPV4;
    return SW_OK;
}

static const struct sw_endpoint_handlers handlers = {
    .accept = tcp_handle_accept,
    .shutdown = tcp_handle_shutdown,
    .send_to = udp_handle_send_to,
    .receive_from = udp_handle_receive_from,
    .info = handle_info,
    .set = tcp_handle_set,
};

status_t socket_message(struct sw_request *request)
{
    return sw_endpoint_dispatch(&handlers, request);
}

void socket_event(uint64_t key)
{
    struct socket *socket = socket_of(key - key_base);

    if (!socket)
        return;
    sw_event_update(socket->event, SW_SOCKET_FOR_STACK, 0, NULL);
    if (socket->kind == TCP)
        tcp_work(socket);
}

void socket_closed(uint64_t badge)
{
    struct socket *socket = socket_of(badge);

    if (!socket)
        return;
    if (socket->kind == UDP)
        udp_closed(socket);
    else
        tcp_closed(socket);
}

bool socket_line(size_t *index, struct socket_line *out)
{
    struct socket *socket;

    do {
        if (*index >= sockets_used)
            return false;
        socket = sockets[(*index)++];
    } while (!socket || (socket->kind != UDP && !socket->pcb));
    *out = (struct socket_line){ .kind = socket->kind == UDP ? "udp" : "tcp",
                                 .state = "-",
                                 .pid = socket->pid };
    if (socket->kind == UDP) {
        out->unread = socket->waiting;
        out->local = &socket->udp->local_ip;
        out->local_port = socket->udp->local_port;
        return true;
    }
    out->state = tcp_debug_state_str(socket->pcb->state);
    out->local = &socket->pcb->local_ip;
    out->local_port = socket->pcb->local_port;
    if (socket->kind == TCP) {
        out->unread = socket->memory ? socket->stream.produced - socket->stream.acked : 0;
        out->unacknowledged = socket->queued;
        out->remote = &socket->pcb->remote_ip;
        out->remote_port = socket->pcb->remote_port;
    }
    return true;
}
