/* TCP: listeners, and connections that wait to be accepted.
 *
 * Such a connection has no ring yet: lwIP keeps what comes for it, and has acknowledged it. So its window is
 * the smallest ring's size: whatever ring a program brings to accept takes all of it before the connection
 * is recorded. */
#include "socket.h"
#include <lwip/priv/tcp_priv.h>
#include <swos/mapping.h>

#define BACKLOG_MOST 128u
#define HALF_OPEN_MOST 255 /* a listener's; lwIP counts them in a byte (bounds.c) */
#define HALF_OPEN_ALL 2048u
#define PASSIVE_WINDOW SW_SOCKET_RING_LEAST

static uint32_t listener_count;

void listener_forget(struct socket *socket)
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

/* Before a listener's SYN-ACK: nobody has given it a ring yet. Where no socket could be made of it the peer is
 * not answered, and asks again. */
static err_t on_passive(u8_t id, struct tcp_pcb_listen *listener, struct tcp_pcb *pcb)
{
    struct socket *socket = listener->callback_arg;

    (void)id;
    if (!socket || socket->pending_count >= socket->backlog ||
        !share_may(socket->share, SHARE_SOCKETS, 1))
        return ERR_ABRT;
    if (listener_count > HALF_OPEN_ALL / HALF_OPEN_MOST)
        half_open_bound(HALF_OPEN_ALL);
    pcb->rcv_wnd = pcb->rcv_ann_wnd = PASSIVE_WINDOW;
    return ERR_OK;
}

static const struct tcp_ext_arg_callbacks passive = { .passive_open = on_passive };

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct socket *listener = argument, *socket, **link;

    if (error != ERR_OK || !pcb || !listener || listener->pending_count >= listener->backlog ||
        socket_create(TCP, listener->share, &socket) != SW_OK)
        return ERR_MEM; /* lwIP resets it */
    socket->pcb = pcb;
    socket->listener = listener;
    connection_attach(socket);
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

static void listener_attach(struct socket *socket, struct tcp_pcb *listening)
{
    listener_count++;
    socket->pcb = listening;
    tcp_arg(listening, socket);
    tcp_accept(listening, on_accept);
    tcp_ext_arg_set_callbacks(listening, 0, &passive);
}

static void listener_leave(struct socket *socket)
{
    listener_count--;
    connection_leave(socket->pcb);
    tcp_close(socket->pcb);
}

status_t tcp_revive_listener(struct socket *socket, const struct record_view *view)
{
    struct tcp_pcb *pcb, *listening = NULL;
    ip_addr_t address;

    if (socket->backlog == 0 || socket->backlog > BACKLOG_MOST)
        return SW_BAD_MESSAGE;
    socket_end_get(&view->plan.local, &address);
    if (!(pcb = tcp_new_ip_type(IP_GET_TYPE(&address))))
        return SW_NO_MEMORY;
    ip_set_option(pcb, SOF_REUSEADDR);
    err_t error = tcp_bind(pcb, &address, view->plan.local.port);
    if (error == ERR_OK)
        listening = tcp_listen_with_backlog_and_err(pcb, HALF_OPEN_MOST, &error);
    if (!listening) {
        tcp_abort(pcb);
        return netd_status(error);
    }
    listener_attach(socket, listening);
    return SW_OK;
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
    if ((status = socket_ask(LISTENER, request, &socket)) != SW_OK)
        return status;
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
    listening =
        error == ERR_OK ? tcp_listen_with_backlog_and_err(pcb, HALF_OPEN_MOST, &error) : NULL;
    if (!listening) {
        tcp_abort(pcb);
        status = netd_status(error);
        goto fail;
    }
    listener_attach(socket, listening);
    out->port = listening->local_port;
    if ((status = socket_give(socket, request)) == SW_OK &&
        (status = socket_record(socket, RECORD_LISTENER, 0, 0, NULL)) == SW_OK)
        return SW_OK;
    listener_leave(socket);
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
    /* Before the ring is filled with what has come: that is acknowledged, and nobody else has it. */
    if ((status = ring_take(socket, request)) != SW_OK ||
        (status = vault_keep(socket->badge % VAULT_SOCKETS, ring_of(request), socket->event)) !=
            SW_OK ||
        (status = socket_give(socket, request)) != SW_OK) {
        if (socket->memory)
            sw_mapping_unmap(socket->memory, socket->size);
        socket->memory = NULL;
        vault_drop(socket->badge % VAULT_SOCKETS);
        socket_drop_event(socket); /* it waits on for another accept */
        socket_tell(listener);
        return status;
    }
    listener_forget(socket);
    if (socket->pcb->refused_data)
        tcp_process_refused_data(socket->pcb);
    if (socket->pcb->refused_data) { /* PASSIVE_WINDOW is there that this cannot be */
        connection_abort(socket);
        vault_drop(socket->badge % VAULT_SOCKETS);
        socket_free(socket);
        return SW_RESET;
    }
    struct record_flow flow = connection_flow(socket);
    socket->first_sent = flow.first_sent;
    socket_record_kept(socket, RECORD_CONNECTION, socket->ended ? RECORD_ENDED : 0, &flow);
    netd_address_put(&socket->pcb->remote_ip, out->address);
    out->family = IP_IS_V6(&socket->pcb->remote_ip) ? SW_NET_IPV6 : SW_NET_IPV4;
    out->port = socket->pcb->remote_port;
    socket->connected = true;
    connection_state(socket, SW_SOCKET_CONNECTED | (socket->ended ? SW_SOCKET_ENDED : 0), SW_OK);
    tcp_work(socket);
    if (listener->pending)
        socket_tell(listener);
    return SW_OK;
}

void listener_closed(struct socket *listener)
{
    while (listener->pending) {
        struct socket *waiting = listener->pending;
        connection_abort(waiting);
        socket_free(waiting);
    }
    listener_leave(listener);
    socket_free(listener);
}
