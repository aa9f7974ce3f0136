/* TCP connections of a predecessor, rebuilt: what lwIP would have known, out of the record, and the bytes,
 * out of the program's rings, which are believed no more than any day.
 *
 * Nothing of a record is changed here but what the connection does from then on, so netd may die in the
 * middle and the next one begins anew. All bytes that may have been sent are given to lwIP again before
 * the first packet is looked at, since the peer may acknowledge any of them; what it acknowledges of those
 * lwIP has not sent yet is taken for granted (tcp_receive looks through the unsent ones, too). */
#include "socket.h"
#include <lwip/priv/tcp_priv.h>
#include <stdatomic.h>
#include <string.h>
#include <swos/mapping.h>

void tcp_condemn(handle_t memory, handle_t event)
{
    struct socket gone = { .event = event };
    struct ring_memory rings;

    if (ring_map(memory, &rings) == SW_OK) {
        ring_adopt(&gone, &rings);
        connection_state(&gone, SW_SOCKET_FAILED, SW_RESET);
        sw_mapping_unmap(gone.memory, gone.size);
    } else {
        socket_tell(&gone);
    }
}

/* The rings, with positions as recorded. What the program reads of the state is written anew. */
static status_t rings_revive(struct socket *socket, const struct record_view *view, handle_t memory)
{
    struct ring_memory mapped;
    uint32_t state = 0;
    status_t status = ring_map(memory, &mapped);

    if (status != SW_OK)
        return status;
    ring_adopt(socket, &mapped);
    sw_stream_resume(&socket->stream, socket->memory, &mapped.shape, view->received, view->acked);
    if (view->kind == RECORD_CONNECTION)
        state |= SW_SOCKET_CONNECTED;
    if (view->flags & RECORD_ENDED)
        state |= SW_SOCKET_ENDED;
    struct sw_socket_rings *rings = socket->memory;
    if (view->flags & RECORD_FAILED) {
        state |= SW_SOCKET_FAILED;
        if (rings->error >= 0)
            rings->error = SW_RESET;
    }
    atomic_store_explicit((_Atomic uint32_t *)&rings->state, state, memory_order_release);
    return SW_OK;
}

/* What its program asked for. */
static void options_revive(struct tcp_pcb *pcb, const struct record_view *view)
{
    if (view->flags & RECORD_KEEPALIVE)
        ip_set_option(pcb, SOF_KEEPALIVE);
    if (view->flags & RECORD_NODELAY)
        tcp_nagle_disable(pcb);
    connection_keep(pcb, view->keep);
}

static struct tcp_pcb *pcb_revive(struct socket *socket, const struct record_view *view)
{
    const struct record_flow *flow = &view->flow;
    ip_addr_t remote;

    socket_end_get(&view->plan.remote, &remote);
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(&remote));
    if (!pcb)
        return NULL;
    ip_addr_copy(pcb->remote_ip, remote);
    socket_end_get(&view->plan.local, &pcb->local_ip);
    pcb->local_port = view->plan.local.port;
    pcb->remote_port = view->plan.remote.port;
    pcb->so_options = SOF_REUSEADDR;
    options_revive(pcb, view);
    tcp_set_flags(pcb, (flow->options & RECORD_SCALES ? TF_WND_SCALE : 0) |
                           (flow->options & RECORD_TIMESTAMPS ? TF_TIMESTAMP : 0) |
                           (flow->options & RECORD_SACK ? TF_SACK : 0));
    pcb->snd_scale = flow->send_scale;
    pcb->rcv_scale = flow->receive_scale;
    pcb->mss = flow->mss;

    /* The window that was announced is at most the room the ring has. */
    uint32_t window = socket->memory ? (uint32_t)sw_stream_free(&socket->stream) : 0;
    if (window > TCP_WND_MAX(pcb))
        window = TCP_WND_MAX(pcb);
    pcb->rcv_nxt = flow->first_received + view->received + (view->flags & RECORD_ENDED ? 1 : 0);
    pcb->rcv_wnd = pcb->rcv_ann_wnd = window;
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + window;
    pcb->ts_lastacksent = pcb->rcv_nxt;

    /* The peer's window was open for what was sent, and does not shrink; its next segment tells it, since
     * none came before that one. */
    uint32_t flight = view->sent - view->acked;
    pcb->lastack = pcb->snd_lbb = pcb->snd_wl2 = flow->first_sent + view->acked;
    pcb->snd_nxt = flow->first_sent + view->sent;
    pcb->snd_wl1 = pcb->rcv_nxt - 1;
    pcb->snd_wnd = flight > pcb->mss ? flight : pcb->mss;
    pcb->snd_wnd_max = pcb->snd_wnd > 2u * pcb->mss ? pcb->snd_wnd : 2u * pcb->mss;
    /* As a connection that begins (RFC 3390, 1): nobody knows what the path takes now. */
    pcb->cwnd = 4u * pcb->mss < 4380 ? 4u * pcb->mss : 2u * pcb->mss > 4380 ? 2u * pcb->mss : 4380;
    pcb->rto = 2; /* 500 ms each, RFC 6298, 2.1: a second until a round trip is measured */

    pcb->state = view->flags & RECORD_ENDED ? CLOSE_WAIT : ESTABLISHED;
    TCP_REG_ACTIVE(pcb);
    return pcb;
}

/* Begins the connection anew, from the same port: a peer that has half of the old one finds out. */
static status_t connecting_revive(struct socket *socket, const struct record_view *view)
{
    ip_addr_t local, remote;

    socket_end_get(&view->plan.remote, &remote);
    if (!(socket->pcb = tcp_new_ip_type(IP_GET_TYPE(&remote))))
        return SW_NO_MEMORY;
    connection_attach(socket);
    options_revive(socket->pcb, view);
    ip_addr_set_any_val(IP_IS_V6(&remote), local);
    err_t error = tcp_bind(socket->pcb, &local, view->plan.local.port);
    if (error == ERR_OK)
        error = connection_connect(socket, &remote, view->plan.remote.port);
    if (error == ERR_OK)
        return SW_OK;
    connection_abort(socket);
    return netd_status(error);
}

status_t tcp_revive(struct socket *socket, const struct record_view *view, handle_t memory)
{
    const uint32_t flags = view->flags, over = RECORD_ENDED | RECORD_END_ACKED;
    uint32_t unacked = view->sent - view->acked; /* our end counts as a byte */
    status_t status;

    socket->end_wanted = flags & RECORD_END_WANTED;
    socket->ended = flags & RECORD_ENDED;
    socket->connected = view->kind == RECORD_CONNECTION;
    socket->first_sent = view->flow.first_sent;
    socket->sent = view->sent;
    socket->port = view->plan.local.port;
    memcpy(socket->keep, view->keep, sizeof(socket->keep));
    if (flags & RECORD_CLOSED)
        connection_linger(socket, view->linger);
    if (!(flags & RECORD_RING_GONE) && (status = rings_revive(socket, view, memory)) != SW_OK)
        return status;
    bool connecting = view->kind == RECORD_CONNECTING;
    if (connecting && !(flags & (RECORD_FAILED | RECORD_CLOSED)))
        return connecting_revive(socket, view);
    if (connecting || (flags & RECORD_FAILED) || (flags & over) == over) {
        socket_tell(socket);
        return SW_OK; /* without a pcb; sockets_run frees it if it is closed */
    }
    if (!(socket->pcb = pcb_revive(socket, view)))
        return SW_NO_MEMORY;
    connection_attach(socket);
    if (flags & RECORD_RING_GONE) {
        if (connection_end(socket))
            return SW_OK;
    } else if (flags & RECORD_END_ACKED) {
        socket->end_sent = true;
        socket->pcb->lastack = socket->pcb->snd_lbb = socket->pcb->snd_nxt;
        socket->pcb->state = FIN_WAIT_2;
    } else if (sw_stream_waiting(&socket->stream) + (flags & RECORD_END_GIVEN ? 1 : 0) < unacked) {
        socket->stream.broken = true; /* it took back what was sent: reset, by tcp_work */
    }
    tcp_set_flags(socket->pcb, TF_ACK_NOW);
    uint64_t badge = socket->badge;
    tcp_work(socket);
    if (socket_of(badge) != socket)
        return SW_OK;
    if (socket->pcb && socket->memory && !(flags & RECORD_END_ACKED) &&
        (socket->queued + (socket->end_sent ? 1 : 0) < unacked)) {
        connection_abort(socket); /* no memory for what the peer may acknowledge */
        return SW_NO_MEMORY;
    }
    if (socket->pcb)
        tcp_output(socket->pcb);
    socket_tell(socket);
    return SW_OK;
}
