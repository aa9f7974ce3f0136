/* TCP: connections and their rings. Listeners: listen.c.
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
#include <swos/clock.h>
#include <swos/mapping.h>

#include "lwip_hooks.h"

#define LINGER (60 * SW_SECOND)        /* for what a closed connection has still to send */
#define PATIENCE (20 * SW_MILLISECOND) /* with a program that reads late */

static struct socket *closing; /* closed by their programs, and still sending; by next_closing */
static struct socket *owing;   /* acknowledgements, or were so in this batch; by next_owing */
static struct socket *touched; /* a packet came for it, and nobody has looked what became of it */

/* Connections that were not at rest when last looked at, or of which anything was heard since. A pcb
 * without a socket (in the handshake, or left to lwIP) is a stray. */
static struct socket *restless;
static bool strays;

void tcp_open(void)
{
    tcp_ext_arg_alloc_id(); /* 0: the socket of a pcb */
}

/* ------------------------------------------------------------------ life */

/* A connection at rest: nothing to send, to acknowledge or to give up. */
static bool connection_rests(const struct tcp_pcb *pcb)
{
    return (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT) && !pcb->unacked &&
           !pcb->unsent && !pcb->ooseq && !pcb->refused_data &&
           !(pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND)) &&
           pcb->persist_backoff == 0 && !(pcb->so_options & SOF_KEEPALIVE) && !pcb->poll;
}

static void stir(struct socket *socket)
{
    if (!socket) {
        strays = true;
    } else if (!socket->restless) {
        socket->restless = true;
        socket->next_restless = restless;
        restless = socket;
    }
}

bool tcp_waits(void)
{
    if (tcp_tw_pcbs)
        return true;
    for (struct socket *socket; (socket = restless); restless = socket->next_restless) {
        if (socket->pcb && !connection_rests(socket->pcb))
            return true;
        socket->restless = false;
    }
    if (!strays)
        return false;
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (!tcp_ext_arg_get(pcb, 0) && !connection_rests(pcb))
            return true;
    strays = false;
    return false;
}

bool tcp_sends(void)
{
    for (const struct socket *socket = restless; socket; socket = socket->next_restless) {
        const struct tcp_pcb *pcb = socket->pcb;
        if (pcb && pcb->state != LISTEN &&
            (pcb->unacked || pcb->unsent || pcb->ooseq || pcb->refused_data))
            return true;
    }
    return false;
}

void connection_leave(struct tcp_pcb *pcb)
{
    stir(NULL);
    tcp_arg(pcb, NULL);
    if (pcb->state == LISTEN) {
        tcp_accept(pcb, NULL);
        return;
    }
    tcp_ext_arg_set(pcb, 0, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
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

void connection_abort(struct socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;

    socket->pcb = NULL;
    if (pcb) {
        connection_leave(pcb);
        tcp_abort(pcb);
    }
}

void tcp_forget(struct socket *socket)
{
    struct socket **link = &closing;

    if (socket->listener)
        listener_forget(socket);
    while (*link && *link != socket)
        link = &(*link)->next_closing;
    if (*link)
        *link = socket->next_closing;
    if (touched == socket)
        touched = NULL;
    for (link = &restless; socket->restless && *link; link = &(*link)->next_restless) {
        if (*link == socket) {
            *link = socket->next_restless;
            break;
        }
    }
    for (link = &owing; socket->owing && *link; link = &(*link)->next_owing) {
        if (*link == socket) {
            *link = socket->next_owing;
            break;
        }
    }
    if (socket->memory)
        sw_mapping_unmap(socket->memory, socket->size);
}

void connection_state(struct socket *socket, uint32_t bits, status_t error)
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
    record_flags_add(socket->record, RECORD_FAILED);
    connection_state(socket, SW_SOCKET_FAILED, why);
}

static void settle(struct socket *socket)
{
    if (socket->memory && sw_stream_flush(&socket->stream))
        socket_tell(socket);
}

/* ------------------------------------------------------------------ TCP: bytes */

static void push(struct socket *socket);

static err_t on_poll(void *argument, struct tcp_pcb *pcb)
{
    tcp_poll(pcb, NULL, 0);
    push(argument);
    return ERR_OK;
}

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
        if (length == 0 || tcp_write(pcb, bytes, (u16_t)length, 0) != ERR_OK) {
            if (!pcb->unsent && !pcb->unacked) /* for want of memory */
                tcp_poll(pcb, on_poll, 1);
            break; /* goes on when something is acknowledged, or in half a second */
        }
        socket->queued += (uint32_t)length;
    }
    if (socket->end_wanted && !socket->stream.broken &&
        sw_stream_waiting(&socket->stream) == socket->queued) {
        record_flags_add(socket->record, RECORD_END_GIVEN);
        socket->end_sent = tcp_shutdown(pcb, 0, 1) == ERR_OK;
    }
    tcp_output(pcb);
}

/* ------------------------------------------------------------------ TCP: acknowledgements */

/* An acknowledgement is to leave: at the end of the batch, or, if its program is late, before `until`. */
static void owe(struct socket *socket, uint64_t until)
{
    if (!socket->owes || until < socket->owes_until)
        socket->owes_until = until;
    socket->owes = true;
    if (!socket->owing) {
        socket->owing = true;
        socket->next_owing = owing;
        owing = socket;
    }
}

/* The widest window that the peer can be told of: without window scaling that is less than a large ring. */
static uint32_t window_most(const struct socket *socket)
{
    return LWIP_MIN(socket->stream.out_capacity, TCP_WND_MAX(socket->pcb));
}

/* One acknowledgement tells of all segments of a batch, which had come before the first of them was looked
 * at: it leaves when that of the second one could have at the earliest had they come together, as they do
 * from a card that joins segments (GRO), and RFC 5681, 4.2 lets a receiver stretch what it SHOULD do for every
 * second segment. A single segment's waits for data to go with, or a quarter of a second, as ever. What a
 * sender must hear of at once, for its fast retransmit and its probes, does not come here: segments out of
 * order, doubled, outside the window, the end.
 *
 * While a program is late, and its window low, the acknowledgement leaves when it has read: now it would tell of a
 * small window, and another one of its growth soon after. Not for long: a sender takes what is not acknowledged
 * for lost, after 200 ms at the earliest. */
void lwip_port_tcp_ack(struct tcp_pcb *pcb)
{
    struct socket *socket = tcp_ext_arg_get(pcb, 0);

    if (socket && (pcb->flags & TF_ACK_DELAY))
        owe(socket, socket->owes ? socket->owes_until : sw_clock_monotonic() + PATIENCE);
    else
        tcp_ack(pcb);
}

static bool window_is_low(const struct socket *socket)
{
    const struct tcp_pcb *pcb = socket->pcb;

    return pcb && (pcb->refused_data || pcb->rcv_wnd < window_most(socket) / 2);
}

bool sockets_acknowledge(void)
{
    uint64_t now = owing ? sw_clock_monotonic() : 0;
    bool sent = false;

    for (struct socket **link = &owing, *socket; (socket = *link);) {
        struct tcp_pcb *pcb = socket->pcb;

        if (socket->owes && pcb && now < socket->owes_until && window_is_low(socket)) {
            link = &socket->next_owing;
            continue;
        }
        *link = socket->next_owing;
        socket->owing = false;
        if (!socket->owes) /* it went with data */
            continue;
        socket->owes = false;
        if (!pcb || pcb->state < ESTABLISHED)
            continue;
        tcp_ack_now(pcb);
        tcp_output(pcb);
        /* Nagle's rule may hold the data back, and the acknowledgement with it. */
        if ((pcb->flags & TF_ACK_NOW) && pcb->unsent)
            tcp_send_empty_ack(pcb);
        sent = true;
    }
    return sent;
}

/* What the program has taken out of its ring widens the window. The peer hears of it with what is sent next,
 * of a quarter of the ring in any case; a window that moved by less than a segment, or half of a small ring,
 * is not told (RFC 9293, 3.8.6.2.2). */
static void widen(struct socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;
    uint32_t free = (uint32_t)sw_stream_free(&socket->stream), quarter, segment, moved;

    if (!pcb || pcb->state < ESTABLISHED || pcb->refused_data)
        return;
    free = LWIP_MIN(free, TCP_WND_MAX(pcb));
    if (free > pcb->rcv_wnd)
        pcb->rcv_wnd = free;
    quarter = window_most(socket) / 4;
    segment = LWIP_MIN(socket->stream.out_capacity / 2, pcb->mss);
    moved = pcb->rcv_nxt + pcb->rcv_wnd - pcb->rcv_ann_right_edge;
    if ((int32_t)moved < (int32_t)segment)
        return;
    pcb->rcv_ann_wnd = pcb->rcv_wnd;
    if (moved >= quarter)
        owe(socket, 0);
}

/* Says what we want to be woken for: bytes to send, and room when the window is low, as the peer is told of
 * it: what is free beyond that, and was too little to be told, must not end the wish. Then looks whether there
 * is room already. */
static void want(struct socket *socket)
{
    const struct tcp_pcb *pcb = socket->pcb;
    bool low = pcb && (pcb->refused_data || pcb->rcv_ann_wnd < window_most(socket) / 2);

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
    stir(socket);
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
        record_flags_add(socket->record, RECORD_ENDED);
        connection_state(socket, SW_SOCKET_ENDED, SW_OK);
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
        if (record_flags(socket->record) != 0)
            record_position(socket->record, RECORD_RECEIVED, socket->stream.produced + part);
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
    record_position(socket->record, RECORD_ACKED, socket->stream.consumed + bytes);
    sw_stream_take(&socket->stream, bytes);
    push(socket);
    settle(socket);
    return socket->closed && connection_finish(socket) ? ERR_ABRT : ERR_OK;
}

/* lwIP has freed the pcb, or frees it as soon as this is over; it must not tell on_destroy then, nor ask for the
 * socket meanwhile: there may be none any more. */
static void on_error(void *argument, err_t error)
{
    struct socket *socket = argument;

    if (socket->pcb)
        tcp_ext_arg_set(socket->pcb, 0, NULL);
    socket->pcb = NULL;
    if (!socket->memory || socket->closed) { /* nobody has accepted it, or cares */
        socket_free(socket);
        return;
    }
    if (error == ERR_CLSD) { /* both ends have ended, as agreed */
        record_flags_add(socket->record, RECORD_END_ACKED);
        return;
    }
    if (error == ERR_RST && !socket->connected)
        failed(socket, SW_REFUSED);
    else
        failed(socket, error == ERR_RST    ? SW_RESET
                       : socket->connected ? SW_GIVEN_UP
                                           : SW_TIMED_OUT);
}

struct record_flow connection_flow(const struct socket *socket)
{
    const struct tcp_pcb *pcb = socket->pcb;

    return (struct record_flow){
        .first_sent = pcb->snd_lbb,
        .first_received = pcb->rcv_nxt - socket->stream.produced - (socket->ended ? 1 : 0),
        .mss = pcb->mss,
        .send_scale = pcb->snd_scale,
        .receive_scale = pcb->rcv_scale,
        .options = (pcb->flags & TF_WND_SCALE ? RECORD_SCALES : 0) |
                   (pcb->flags & TF_TIMESTAMP ? RECORD_TIMESTAMPS : 0) |
                   (pcb->flags & TF_SACK ? RECORD_SACK : 0),
    };
}

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct socket *socket = argument;

    (void)error; /* always ERR_OK */
    /* lwIP's default would let in more than the ring takes. */
    pcb->rcv_wnd = pcb->rcv_ann_wnd = LWIP_MIN(socket->stream.out_capacity, TCP_WND_MAX(pcb));
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_ann_wnd;
    socket->connected = true;
    struct record_flow flow = connection_flow(socket);
    record_establish(socket->record, &flow);
    socket->first_sent = flow.first_sent;
    connection_state(socket, SW_SOCKET_CONNECTED, SW_OK);
    want(socket);
    push(socket);
    return ERR_OK;
}

static const struct tcp_ext_arg_callbacks life = { .destroy = on_destroy };

void connection_attach(struct socket *socket)
{
    stir(socket);
    tcp_arg(socket->pcb, socket);
    tcp_recv(socket->pcb, on_received);
    tcp_sent(socket->pcb, on_sent);
    tcp_err(socket->pcb, on_error);
    tcp_ext_arg_set(socket->pcb, 0, socket);
    tcp_ext_arg_set_callbacks(socket->pcb, 0, &life);
}

/* The ring is not needed any more: all in it was acknowledged. */
static void ring_drop(struct socket *socket)
{
    vault_drop_memory(socket->badge % VAULT_SOCKETS);
    sw_mapping_unmap(socket->memory, socket->size);
    socket->memory = NULL;
}

/* The program has closed it: lwIP gets the rest, then our end, and the socket goes when that is
 * acknowledged. What nobody will read resets the connection (RFC 9293, 3.10.4). True: the pcb was
 * aborted. The socket may be gone. */
static bool connection_finish(struct socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;

    if (!pcb) {
        socket_free(socket);
        return false;
    }
    if (socket->finished)
        return false;
    if (pcb->state == SYN_SENT || pcb->refused_data || socket->stream.broken ||
        socket->stream.produced != socket->stream.acked) {
        connection_abort(socket);
        socket_free(socket);
        return true;
    }
    if (socket->queued > 0 || sw_stream_waiting(&socket->stream) > 0)
        return false;
    return connection_end(socket);
}

bool connection_end(struct socket *socket)
{
    socket->finished = true;
    record_flags_add(socket->record, RECORD_END_GIVEN | RECORD_RING_GONE);
    if (socket->memory)
        ring_drop(socket);
    /* All was read: lwIP would reset it otherwise. */
    socket->pcb->rcv_wnd = TCP_WND_MAX(socket->pcb);
    if (tcp_close(socket->pcb) == ERR_OK)
        return false; /* connection_over frees it */
    connection_abort(socket);
    socket_free(socket);
    return true;
}

/* Notes that our end was acknowledged. A closed connection is freed then, true: lwIP waits for the other
 * end alone. */
static bool connection_over(struct socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;

    if (pcb && pcb->state != FIN_WAIT_2 && pcb->state != TIME_WAIT)
        return false;
    if (record_flags(socket->record) & RECORD_END_GIVEN)
        record_flags_add(socket->record, RECORD_END_ACKED);
    if (!socket->finished)
        return false;
    if (pcb)
        connection_leave(pcb);
    socket->pcb = NULL;
    socket_free(socket);
    return true;
}

void sockets_review(void)
{
    struct socket *socket = touched;

    touched = NULL;
    if (socket && socket->pcb)
        connection_over(socket);
}

static struct socket *socket_of_pcb(const struct tcp_pcb *pcb)
{
    return pcb && pcb->state != LISTEN ? tcp_ext_arg_get(pcb, 0) : NULL;
}

/* A segment has come for a connection; what it changes shows afterwards. */
void lwip_port_tcp_in(const struct tcp_pcb *pcb)
{
    struct socket *socket = socket_of_pcb(pcb);

    stir(socket);
    if (touched != socket)
        sockets_review();
    touched = socket;
}

/* A segment is about to leave. */
void lwip_port_tcp_out(const struct pbuf *packet, const struct tcp_hdr *header,
                       const struct tcp_pcb *pcb)
{
    struct socket *socket = socket_of_pcb(pcb);

    stir(socket);
    if (socket)
        socket->owes = false; /* each segment acknowledges */
    if (!socket || (record_flags(socket->record) & RECORD_KIND) != RECORD_CONNECTION)
        return;
    uint32_t length = packet->tot_len - TCPH_HDRLEN_BYTES(header);
    uint32_t end = lwip_ntohl(header->seqno) + length + ((TCPH_FLAGS(header) & TCP_FIN) != 0) -
                   socket->first_sent;

    if ((int32_t)(end - socket->sent) > 0) {
        socket->sent = end;
        record_position(socket->record, RECORD_SENT, end);
    }
}

/* ------------------------------------------------------------------ TCP: requests */

err_t connection_connect(struct socket *socket, const ip_addr_t *to, uint16_t port)
{
    return tcp_connect(socket->pcb, to, port, on_connected);
}

status_t socket_connect(struct sw_request *request, const struct sw_net_connect_request *in)
{
    ip_addr_t address, local;
    struct socket *socket;
    status_t status;

    if (in->port == 0 || !netd_address(in->address, in->family, in->scope, &address))
        return SW_INVALID;
    if ((status = socket_ask(TCP, request, &socket)) != SW_OK)
        return status;
    if ((status = ring_take(socket, request)) != SW_OK ||
        (status = socket_take_event(socket, request, 1)) != SW_OK)
        goto fail;
    socket->pcb = tcp_new_ip_type(IP_GET_TYPE(&address));
    if (!socket->pcb) {
        status = SW_NO_MEMORY;
        goto fail;
    }
    connection_attach(socket);
    ip_addr_set_any_val(IP_IS_V6(&address), local);
    status = netd_status(socket_bind_anywhere(socket->pcb, NULL, &local));
    socket->port = socket->pcb->local_port;
    if (status == SW_OK && (status = socket_give(socket, request)) == SW_OK) {
        status = netd_status(connection_connect(socket, &address, in->port));
        /* Its SYN is on its way, or sent again by a successor that finds the record. */
        if (status == SW_OK)
            status = socket_record(socket, RECORD_CONNECTING, 0, ring_of(request), NULL);
        if (status == SW_OK)
            return SW_OK;
        /* The handle goes with the failed answer, and closed() finds no socket. */
    }
    connection_abort(socket);
fail:
    socket_free(socket);
    return status;
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
        record_flags_add(socket->record, RECORD_END_WANTED);
        socket->end_wanted = true;
        tcp_work(socket);
    }
    return SW_OK;
}

void connection_keep(struct tcp_pcb *pcb, const uint32_t keep[RECORD_KEEPS])
{
    pcb->keep_idle = keep[0] ? keep[0] * 1000 : TCP_KEEPIDLE_DEFAULT;
    pcb->keep_intvl = keep[1] ? keep[1] * 1000 : TCP_KEEPINTVL_DEFAULT;
    pcb->keep_cnt = keep[2] ? keep[2] : TCP_KEEPCNT_DEFAULT;
}

static void flag_set(struct socket *socket, uint32_t flag, bool on)
{
    if (on)
        record_flags_add(socket->record, flag);
    else
        record_flags_drop(socket->record, flag);
}

status_t tcp_handle_set(struct sw_request *request, const struct sw_endpoint_set_request *in,
                        struct sw_endpoint_set_reply *out)
{
    static const uint32_t most[RECORD_KEEPS] = { SW_SOCKET_KEEP_IDLE_MOST,
                                                 SW_SOCKET_KEEP_INTERVAL_MOST,
                                                 SW_SOCKET_KEEP_PROBES_MOST };
    struct socket *socket = socket_of(request->event.badge);
    uint32_t keep = in->option - SW_SOCKET_KEEP_IDLE;

    (void)out;
    if (!socket || !socket->pcb || socket->kind != TCP)
        return SW_NOT_CONNECTED;
    stir(socket); /* one that asks the other end now and then never rests */
    switch (in->option) {
    case SW_SOCKET_KEEPALIVE:
        flag_set(socket, RECORD_KEEPALIVE, in->value);
        if (in->value)
            ip_set_option(socket->pcb, SOF_KEEPALIVE);
        else
            ip_reset_option(socket->pcb, SOF_KEEPALIVE);
        return SW_OK;
    case SW_SOCKET_NODELAY:
        flag_set(socket, RECORD_NODELAY, in->value);
        if (in->value)
            tcp_nagle_disable(socket->pcb);
        else
            tcp_nagle_enable(socket->pcb);
        return SW_OK;
    case SW_SOCKET_KEEP_IDLE:
    case SW_SOCKET_KEEP_INTERVAL:
    case SW_SOCKET_KEEP_PROBES:
        if (in->value > most[keep])
            return SW_INVALID;
        socket->keep[keep] = in->value;
        record_keep(socket->record, RECORD_KEEP_IDLE + keep, in->value);
        connection_keep(socket->pcb, socket->keep);
        return SW_OK;
    default:
        return SW_INVALID;
    }
}

void connection_linger(struct socket *socket, uint64_t deadline)
{
    socket->closed = socket->end_wanted = true;
    socket->linger = deadline;
    socket->next_closing = closing;
    closing = socket;
}

void tcp_discard(struct socket *socket)
{
    if (socket->kind == TCP) {
        connection_abort(socket);
        socket_free(socket);
    } else {
        tcp_closed(socket);
    }
}

void tcp_closed(struct socket *socket)
{
    if (socket->kind == TCP) {
        if (socket->closed) /* a predecessor had heard of it */
            return;
        record_linger(socket->record, sw_clock_monotonic() + LINGER);
        record_flags_add(socket->record, RECORD_CLOSED | RECORD_END_WANTED);
        connection_linger(socket, sw_clock_monotonic() + LINGER);
        tcp_work(socket);
        return;
    }
    listener_closed(socket);
}

void sockets_run(uint64_t now)
{
    for (struct socket *socket = closing, *next; socket; socket = next) {
        next = socket->next_closing;
        if (connection_over(socket))
            continue;
        if (now >= socket->linger || !socket->pcb) {
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
    for (const struct socket *socket = owing; socket; socket = socket->next_owing)
        if (socket->owes && socket->owes_until < deadline)
            deadline = socket->owes_until;
    return deadline;
}
