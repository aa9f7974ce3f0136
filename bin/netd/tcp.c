/* TCP: connections and their rings, listeners.
 *
 * A connection's bytes lie in two rings in memory of the program's (swos/stream.h), which is mapped
 * here as long as lwIP may send from it: what is sent stays in the ring until it is acknowledged, and
 * the receive window is what the other ring has room for. Whatever the program writes into positions,
 * nothing outside its rings is touched; where they make no sense the connection is reset.
 *
 * All that is known of a connection besides lwIP's pcb (sequence numbers, windows, options) is in its
 * struct socket. */
#include "socket.h"
#include <lwip/priv/tcp_priv.h>
#include <stdatomic.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/mapping.h>

#define BACKLOG_MOST 128u
#define PASSIVE_WINDOW (16u << 10) /* of a connection nobody has accepted yet */
#define LINGER (60 * SW_SECOND)    /* for what a closed connection has still to send */

static struct socket *closing; /* closed by their programs, and still sending; by next_closing */

void tcp_open(void)
{
    tcp_ext_arg_alloc_id(); /* 0: the socket of a pcb */
}

/* ------------------------------------------------------------------ life */

/* The socket has nothing more to do with the pcb, which lwIP ends in its own time. */
static void pcb_leave(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    if (pcb->state == LISTEN) {
        tcp_accept(pcb, NULL);
        return;
    }
    tcp_ext_arg_set(pcb, 0, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
}

/* lwIP frees a pcb. It says so otherwise only where that is an error: not at the end of TIME_WAIT. */
static void on_destroy(u8_t id, void *data)
{
    struct socket *socket = data;

    (void)id;
    if (socket)
        socket->pcb = NULL;
}

/* Resets the connection, at once. */
static void connection_abort(struct socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;

    socket->pcb = NULL;
    if (pcb) {
        pcb_leave(pcb);
        tcp_abort(pcb);
    }
}

static void pending_remove(struct socket *socket)
{
    struct socket **link = &socket->listener->pending;

    while (*link && *link != socket)
        link = &(*link)->next_pending;
    if (*link) {
        *link = socket->next_pending;
        socket->listener->pending_count--;
    }
    socket->listener = NULL;
}

void tcp_forget(struct socket *socket)
{
    struct socket **link = &closing;

    if (socket->listener)
        pending_remove(socket);
    while (*link && *link != socket)
        link = &(*link)->next_closing;
    if (*link)
        *link = socket->next_closing;
    if (socket->memory)
        sw_mapping_unmap(socket->memory, socket->size);
}

static void state_add(struct socket *socket, uint32_t bits, status_t error)
{
    struct sw_socket_rings *rings = socket->memory;

    if (!rings)
        return;
    if (error != SW_OK)
        rings->error = error;
    atomic_fetch_or_explicit((_Atomic uint32_t *)&rings->state, bits, memory_order_release);
    socket_tell(socket);
}

static void failed(struct socket *socket, status_t why)
{
    state_add(socket, SW_SOCKET_FAILED, why);
}

static void settle(struct socket *socket)
{
    if (socket->memory && sw_stream_flush(&socket->stream))
        socket_tell(socket);
}

/* ------------------------------------------------------------------ TCP: bytes */

/* Gives lwIP what the program has put into its ring. */
static void push(struct socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;
    const uint8_t *bytes;
    size_t length;
    bool more = true;

    if (!pcb || !socket->memory || socket->end_sent || pcb->state < ESTABLISHED)
        return;
    while (more && (length = sw_stream_data(&socket->stream, socket->queued, &bytes)) > 0) {
        size_t room = tcp_sndbuf(pcb);
        if (length > room)
            length = room;
        if (length > 32768)
            length = 32768;
        if (length == 0 || tcp_write(pcb, bytes, (u16_t)length, 0) != ERR_OK)
            break; /* goes on when something is acknowledged */
        socket->queued += (uint32_t)length;
    }
    if (socket->end_wanted && !socket->stream.broken &&
        sw_stream_waiting(&socket->stream) == socket->queued && tcp_shutdown(pcb, 0, 1) == ERR_OK)
        socket->end_sent = true;
    tcp_output(pcb);
}

/* What the program has taken out of its ring widens the window. */
static void widen(struct socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;
    uint32_t window;
    size_t free = sw_stream_free(&socket->stream);

    if (!pcb || pcb->state < ESTABLISHED || pcb->refused_data)
        return;
    window = pcb->rcv_wnd;
    while (free > window) {
        size_t step = free - window < 32768 ? free - window : 32768;
        tcp_recved(pcb, (u16_t)step);
        if (pcb->rcv_wnd <= window)
            break;
        window = pcb->rcv_wnd;
    }
}

/* Says what we want to be woken for: bytes to send, and room when the window is low; then looks
 * whether there is room already. */
static void want(struct socket *socket)
{
    const struct tcp_pcb *pcb = socket->pcb;
    bool low = pcb && (pcb->refused_data || pcb->rcv_wnd < socket->stream.capacity / 2);

    sw_stream_want(&socket->stream, SW_SOCKET_WANT_MORE | (low ? SW_SOCKET_WANT_ROOM : 0));
    if (low)
        widen(socket);
}

static bool connection_finish(struct socket *socket);

/* Looks at what the program did, does what follows, and says what we wait for. */
void tcp_work(struct socket *socket)
{
    if (!socket->memory)
        return;
    sw_stream_want(&socket->stream, 0); /* awake: no wakes meanwhile */
    widen(socket);
    push(socket);
    if (socket->pcb && socket->pcb->refused_data) {
        tcp_process_refused_data(socket->pcb);
        widen(socket);
    }
    want(socket);
    push(socket); /* what came before the wish was seen */
    if (socket->stream.broken && socket->pcb) {
        connection_abort(socket);
        failed(socket, SW_BAD_MESSAGE);
    }
    settle(socket);
    if (socket->closed)
        connection_finish(socket);
}

static err_t on_received(void *argument, struct tcp_pcb *pcb, struct pbuf *packet, err_t error)
{
    struct socket *socket = argument;

    (void)pcb, (void)error;
    if (!packet) {
        socket->ended = true;
        state_add(socket, SW_SOCKET_ENDED, SW_OK);
        return ERR_OK;
    }
    if (!socket->memory || sw_stream_free(&socket->stream) < packet->tot_len)
        return ERR_MEM; /* lwIP keeps it, and the window is closed behind it */
    for (uint16_t done = 0; done < packet->tot_len;) {
        uint8_t *at;
        size_t room = sw_stream_room(&socket->stream, &at);
        uint16_t left = (uint16_t)(packet->tot_len - done);
        uint16_t part = room < left ? (uint16_t)room : left;

        if (part == 0)
            break;
        pbuf_copy_partial(packet, at, part, done);
        sw_stream_put(&socket->stream, part);
        done = (uint16_t)(done + part);
    }
    pbuf_free(packet);
    widen(socket);
    want(socket);
    settle(socket);
    return ERR_OK;
}

static err_t on_sent(void *argument, struct tcp_pcb *pcb, u16_t length)
{
    struct socket *socket = argument;
    uint32_t bytes = length < socket->queued ? length : socket->queued; /* the end counts as one */

    (void)pcb;
    if (!socket->memory)
        return ERR_OK;
    socket->queued -= bytes;
    sw_stream_take(&socket->stream, bytes);
    push(socket);
    settle(socket);
    return socket->closed && connection_finish(socket) ? ERR_ABRT : ERR_OK;
}

/* lwIP has freed the pcb. */
static void on_error(void *argument, err_t error)
{
    struct socket *socket = argument;

    socket->pcb = NULL;
    if (!socket->memory || socket->closed) { /* nobody has accepted it, or cares */
        socket_free(socket);
        return;
    }
    if (error == ERR_CLSD) /* both ends have ended, as agreed */
        return;
    if (error == ERR_RST && !socket->connected)
        failed(socket, SW_REFUSED);
    else
        failed(socket, error == ERR_RST ? SW_RESET : SW_TIMED_OUT);
}

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct socket *socket = argument;

    (void)error; /* always ERR_OK */
    /* lwIP's default would let in more than the ring takes. */
    pcb->rcv_wnd = pcb->rcv_ann_wnd = socket->stream.capacity;
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_ann_wnd;
    socket->connected = true;
    state_add(socket, SW_SOCKET_CONNECTED, SW_OK);
    want(socket);
    push(socket);
    return ERR_OK;
}

static const struct tcp_ext_arg_callbacks life = { .destroy = on_destroy };

static void callbacks(struct socket *socket)
{
    tcp_arg(socket->pcb, socket);
    tcp_recv(socket->pcb, on_received);
    tcp_sent(socket->pcb, on_sent);
    tcp_err(socket->pcb, on_error);
    tcp_ext_arg_set(socket->pcb, 0, socket);
    tcp_ext_arg_set_callbacks(socket->pcb, 0, &life);
}

/* The program has closed it: lwIP gets the rest, and the socket goes when all is acknowledged. What
 * nobody will read resets the connection (RFC 9293, 3.10.4). True: the pcb was aborted. The socket may
 * be gone. */
static bool connection_finish(struct socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;

    if (!pcb) {
        socket_free(socket);
        return false;
    }
    if (pcb->state == SYN_SENT || pcb->refused_data || socket->stream.broken ||
        socket->stream.produced != socket->stream.acked) {
        connection_abort(socket);
        socket_free(socket);
        return true;
    }
    if (socket->queued > 0 || sw_stream_waiting(&socket->stream) > 0)
        return false;
    pcb->rcv_wnd = TCP_WND_MAX(pcb); /* all was read: lwIP would reset it otherwise */
    pcb_leave(pcb);
    socket->pcb = NULL;
    bool aborted = tcp_close(pcb) != ERR_OK;
    if (aborted)
        tcp_abort(pcb);
    socket_free(socket);
    return aborted;
}

/* Maps the memory at place 0: committed, so that touching it cannot fail. */
static status_t memory_take(struct socket *socket, struct sw_request *request)
{
    handle_t memory = request->event.received_count > 0 ? request->event.received[0] : 0;
    uint64_t id, size, committed;
    uint32_t type, rights, sealed, capacity;
    const uint32_t needed = SW_RIGHT_READ | SW_RIGHT_WRITE | SW_RIGHT_MAP;
    void *mapped;

    if (!memory || sw_handle_info(memory, &type, &rights, &id) != SW_OK || type != SW_TYPE_MEMORY)
        return SW_WRONG_TYPE;
    if ((rights & needed) != needed)
        return SW_ACCESS;
    if (sw_memory_info(memory, &size, &committed, &sealed) != SW_OK || sealed ||
        !sw_stream_capacity(size, &capacity))
        return SW_INVALID;
    status_t status =
        sw_mapping_map(memory, 0, size, SW_MAP_READ | SW_MAP_WRITE | SW_MAP_COMMITTED, &mapped);
    if (status != SW_OK)
        return status == SW_BAD_STATE ? SW_INVALID : status;
    memset(mapped, 0, sizeof(struct sw_socket_rings));
    sw_stream_open(&socket->stream, mapped, capacity, SW_STREAM_STACK);
    socket->memory = mapped;
    socket->size = size;
    return SW_OK;
}

/* ------------------------------------------------------------------ TCP: requests */

status_t socket_connect(struct sw_request *request, const struct sw_net_connect_request *in)
{
    ip_addr_t address, local;
    struct socket *socket;
    status_t status;

    if (in->port == 0 || !netd_address(in->address, in->family, in->scope, &address))
        return SW_INVALID;
    if (!(socket = socket_create(TCP)))
        return SW_NO_MEMORY;
    if ((status = memory_take(socket, request)) != SW_OK ||
        (status = socket_take_event(socket, request, 1)) != SW_OK)
        goto fail;
    socket->pcb = tcp_new_ip_type(IP_GET_TYPE(&address));
    if (!socket->pcb) {
        status = SW_NO_MEMORY;
        goto fail;
    }
    callbacks(socket);
    ip_addr_set_any_val(IP_IS_V6(&address), local);
    status = netd_status(socket_bind_anywhere(socket->pcb, NULL, &local));
    if (status == SW_OK && (status = socket_give(socket, request)) == SW_OK) {
        err_t error = tcp_connect(socket->pcb, &address, in->port, on_connected);
        if (error == ERR_OK)
            return SW_OK;
        status = netd_status(error);
        /* The handle goes with the failed answer, and closed() finds no socket. */
    }
    connection_abort(socket);
fail:
    socket_free(socket);
    return status;
}

/* Before a listener's SYN-ACK: nobody has given it a ring yet. */
static err_t on_passive(u8_t id, struct tcp_pcb_listen *listener, struct tcp_pcb *pcb)
{
    struct socket *socket = listener->callback_arg;

    (void)id;
    if (!socket || socket->pending_count >= socket->backlog)
        return ERR_ABRT;
    pcb->rcv_wnd = pcb->rcv_ann_wnd = PASSIVE_WINDOW;
    return ERR_OK;
}

static const struct tcp_ext_arg_callbacks passive = { .passive_open = on_passive };

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct socket *listener = argument, *socket, **link;

    if (error != ERR_OK || !pcb || !listener || listener->pending_count >= listener->backlog ||
        !(socket = socket_create(TCP)))
        return ERR_MEM; /* lwIP resets it */
    socket->pcb = pcb;
    socket->listener = listener;
    callbacks(socket);
    for (link = &listener->pending; *link; link = &(*link)->next_pending)
        ;
    *link = socket;
    listener->pending_count++;
    socket_tell(listener);
    return ERR_OK;
}

/* Whether a packet could be meant for either address. */
static bool overlap(const ip_addr_t *a, const ip_addr_t *b)
{
    if (IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b))
        return true;
    return IP_IS_V6(a) == IP_IS_V6(b) &&
           (ip_addr_isany(a) || ip_addr_isany(b) || ip_addr_cmp(a, b));
}

/* lwIP lets another listener have the same port at a narrower address; it would take connections away. */
static bool is_taken(const struct tcp_pcb *pcb)
{
    for (const struct tcp_pcb_listen *other = tcp_listen_pcbs.listen_pcbs; other;
         other = other->next)
        if (other->local_port == pcb->local_port && overlap(&other->local_ip, &pcb->local_ip))
            return true;
    return false;
}

status_t socket_listen(struct sw_request *request, const struct sw_net_listen_request *in,
                       struct sw_net_listen_reply *out)
{
    ip_addr_t address;
    struct socket *socket;
    struct tcp_pcb *pcb, *listening;
    err_t error;
    status_t status;

    if (!socket_local(in->address, in->family, &address))
        return SW_INVALID;
    if (!(socket = socket_create(LISTENER)))
        return SW_NO_MEMORY;
    socket->backlog = in->backlog == 0             ? 1
                      : in->backlog < BACKLOG_MOST ? in->backlog
                                                   : BACKLOG_MOST;
    if ((status = socket_take_event(socket, request, 0)) != SW_OK)
        goto fail;
    if (!(pcb = tcp_new_ip_type(IP_GET_TYPE(&address)))) {
        status = SW_NO_MEMORY;
        goto fail;
    }
    ip_set_option(pcb, SOF_REUSEADDR);
    error =
        in->port ? tcp_bind(pcb, &address, in->port) : socket_bind_anywhere(pcb, NULL, &address);
    if (error == ERR_OK && is_taken(pcb))
        error = ERR_USE;
    listening = error == ERR_OK
                    ? tcp_listen_with_backlog_and_err(pcb, (u8_t)socket->backlog, &error)
                    : NULL;
    if (!listening) {
        tcp_abort(pcb);
        status = netd_status(error);
        goto fail;
    }
    socket->pcb = listening;
    tcp_arg(listening, socket);
    tcp_accept(listening, on_accept);
    tcp_ext_arg_set_callbacks(listening, 0, &passive);
    out->port = listening->local_port;
    status = socket_give(socket, request);
    if (status == SW_OK)
        return SW_OK;
    pcb_leave(listening);
    tcp_close(listening);
fail:
    socket_free(socket);
    return status;
}

status_t tcp_handle_accept(struct sw_request *request, const struct sw_endpoint_accept_request *in,
                           struct sw_endpoint_accept_reply *out)
{
    struct socket *listener = socket_of(request->event.badge), *socket;
    status_t status;

    (void)in;
    if (!listener)
        return SW_NOT_CONNECTED;
    if (listener->kind != LISTENER)
        return SW_INVALID;
    if (!(socket = listener->pending))
        return SW_TIMED_OUT;
    if ((status = socket_take_event(socket, request, 1)) != SW_OK)
        return status;
    if ((status = memory_take(socket, request)) != SW_OK ||
        (status = socket_give(socket, request)) != SW_OK) {
        if (socket->memory)
            sw_mapping_unmap(socket->memory, socket->size);
        socket->memory = NULL;
        socket_drop_event(socket); /* it waits on for another accept */
        return status;
    }
    pending_remove(socket);
    netd_address_put(&socket->pcb->remote_ip, out->address);
    out->family = IP_IS_V6(&socket->pcb->remote_ip) ? SW_NET_IPV6 : SW_NET_IPV4;
    out->port = socket->pcb->remote_port;
    socket->connected = true;
    state_add(socket, SW_SOCKET_CONNECTED | (socket->ended ? SW_SOCKET_ENDED : 0), SW_OK);
    tcp_work(socket);
    if (listener->pending)
        socket_tell(listener);
    return SW_OK;
}

status_t tcp_handle_shutdown(struct sw_request *request,
                             const struct sw_endpoint_shutdown_request *in,
                             struct sw_endpoint_shutdown_reply *out)
{
    struct socket *socket = socket_of(request->event.badge);

    (void)out;
    if (!socket || (socket->kind == TCP && !socket->pcb))
        return SW_NOT_CONNECTED;
    if (socket->kind != TCP || in->how == 0 ||
        (in->how & ~(uint32_t)(SW_SHUT_READ | SW_SHUT_WRITE)))
        return SW_INVALID;
    /* Reading less is the program's own affair: the ring fills and the window closes. */
    if (in->how & SW_SHUT_WRITE) {
        socket->end_wanted = true;
        tcp_work(socket);
    }
    return SW_OK;
}

status_t tcp_handle_set(struct sw_request *request, const struct sw_endpoint_set_request *in,
                        struct sw_endpoint_set_reply *out)
{
    struct socket *socket = socket_of(request->event.badge);

    (void)out;
    if (!socket || !socket->pcb || socket->kind != TCP)
        return SW_NOT_CONNECTED;
    switch (in->option) {
    case SW_SOCKET_KEEPALIVE:
        if (in->value)
            ip_set_option(socket->pcb, SOF_KEEPALIVE);
        else
            ip_reset_option(socket->pcb, SOF_KEEPALIVE);
        return SW_OK;
    case SW_SOCKET_NODELAY:
        if (in->value)
            tcp_nagle_disable(socket->pcb);
        else
            tcp_nagle_enable(socket->pcb);
        return SW_OK;
    default:
        return SW_INVALID;
    }
}

void tcp_closed(struct socket *socket)
{
    if (socket->kind == TCP) {
        socket->closed = socket->end_wanted = true;
        socket->linger = sw_clock_monotonic() + LINGER;
        socket->next_closing = closing;
        closing = socket;
        tcp_work(socket);
        return;
    }
    while (socket->pending) {
        struct socket *waiting = socket->pending;
        connection_abort(waiting);
        socket_free(waiting);
    }
    pcb_leave(socket->pcb);
    tcp_close(socket->pcb);
    socket_free(socket);
}

void sockets_run(uint64_t now)
{
    for (struct socket *socket = closing, *next; socket; socket = next) {
        next = socket->next_closing;
        if (now >= socket->linger) {
            connection_abort(socket);
            socket_free(socket);
        }
    }
}

uint64_t sockets_deadline(void)
{
    uint64_t deadline = SW_NEVER;

    for (const struct socket *socket = closing; socket; socket = socket->next_closing)
        if (socket->linger < deadline)
            deadline = socket->linger;
    return deadline;
}
