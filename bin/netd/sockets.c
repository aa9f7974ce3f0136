/* Sockets: their table, what comes with requests, and the protocol. See sockets.h and socket.h. */
#include "ports.h"
#include "socket.h"
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/status.h>

#define SOCKET_BITS VAULT_SOCKET_BITS
_Static_assert(SOCKETS_MOST == VAULT_SOCKETS, "a record for each; badges: generation 1 and up");
#define PORT_TRIES 64

static struct socket *sockets[SOCKETS_MOST];
static uint64_t generation;   /* of the next socket; never one of a predecessor's */
static uint32_t sockets_used; /* none at or behind it */
static uint32_t first_free;   /* none is free before it */
static handle_t serve_channel, our_port;
static uint64_t key_base;

void sockets_open(handle_t channel, handle_t port, uint64_t first_key)
{
    tcp_open();
    ports_open();
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

/* share: with this socket counted already. */
static struct socket *create_at(uint32_t index, enum kind kind, uint64_t badge, struct share *share)
{
    struct socket *socket = calloc(1, sizeof(*socket));

    if (!socket)
        return NULL;
    socket->kind = kind;
    socket->badge = badge;
    socket->share = share_again(share);
    socket->record = vault_record(index);
    socket->last = &socket->first;
    sockets[index] = socket;
    if (index >= sockets_used)
        sockets_used = index + 1;
    return socket;
}

status_t socket_create(enum kind kind, struct share *share, struct socket **out_socket)
{
    if (!share_take(share, SHARE_SOCKETS, 1))
        return SW_TOO_MANY_SOCKETS;
    *out_socket = NULL;
    for (uint32_t i = first_free; i < SOCKETS_MOST; first_free = ++i) {
        if (!sockets[i]) {
            *out_socket = create_at(i, kind, generation++ << SOCKET_BITS | i, share);
            break;
        }
    }
    if (!*out_socket)
        share_give(share, SHARE_SOCKETS, 1);
    return *out_socket ? SW_OK : SW_NO_MEMORY;
}

status_t socket_ask(enum kind kind, const struct sw_request *request, struct socket **out_socket)
{
    struct owner owner = netd_owner(request);
    struct share *share = share_open(&owner);

    if (!share)
        return SW_NO_MEMORY;
    status_t status = socket_create(kind, share, out_socket);
    share_close(share); /* the socket holds it */
    return status;
}

static uint32_t seconds(void)
{
    return (uint32_t)(sw_clock_monotonic() / SW_SECOND);
}

static uint64_t key_of(const struct socket *socket)
{
    return key_base + socket->badge;
}

void socket_free(struct socket *socket)
{
    uint32_t index = socket->badge % SOCKETS_MOST;

    if (record_flags(socket->record) != 0) {
        record_free(socket->record);
        vault_drop(index);
    }
    port_note(socket->port, seconds());
    tcp_forget(socket);
    udp_forget(socket);
    socket_drop_event(socket);
    share_give(socket->share, SHARE_SOCKETS, 1);
    share_close(socket->share);
    sockets[index] = NULL;
    if (index < first_free)
        first_free = index;
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

status_t socket_watch(struct socket *socket, handle_t event)
{
    uint64_t id;
    uint32_t type, rights;
    const uint32_t needed = SW_RIGHT_WRITE | SW_RIGHT_BIND;

    if (!event || sw_handle_info(event, &type, &rights, &id) != SW_OK || type != SW_TYPE_EVENT)
        return SW_WRONG_TYPE;
    if ((rights & needed) != needed)
        return SW_ACCESS;
    status_t status = sw_port_bind(our_port, event, SW_SOCKET_FOR_STACK, key_of(socket));
    if (status != SW_OK)
        return status;
    socket->watched = true;
    socket->event = event;
    socket->event_id = id;
    return SW_OK;
}

/* A program asks again for a socket whose making a predecessor of ours did not live to tell it of: the
 * event that comes with it is that one's. */
static bool discard_untold(handle_t event)
{
    uint64_t id;

    if (sw_handle_info(event, NULL, NULL, &id) != SW_OK)
        return false;
    for (uint32_t i = 0; i < sockets_used; i++) {
        if (sockets[i] && sockets[i]->revived && sockets[i]->event_id == id) {
            socket_discard(sockets[i]);
            return true;
        }
    }
    return false;
}

status_t socket_take_event(struct socket *socket, struct sw_request *request, uint32_t place)
{
    handle_t event = place < request->event.received_count ? request->event.received[place] : 0;
    status_t status = socket_watch(socket, event);

    if (status == SW_EXISTS && discard_untold(event))
        status = socket_watch(socket, event);
    if (status != SW_OK)
        return status == SW_EXISTS ? SW_INVALID : status;
    socket->pid = request->event.pid;
    request->event.received[place] = 0;
    return SW_OK;
}

static void end_put(struct record_end *end, const ip_addr_t *address, uint16_t port)
{
    netd_address_put(address, end->address);
    end->port = port;
    if (IP_IS_ANY_TYPE_VAL(*address))
        end->family = SW_NET_ANY;
    else
        end->family = IP_IS_V6(address) ? SW_NET_IPV6 : SW_NET_IPV4;
    end->zone = end->family == SW_NET_IPV6 ? ip6_addr_zone(ip_2_ip6(address)) : 0;
}

void socket_end_get(const struct record_end *end, ip_addr_t *out)
{
    u32_t word;

    memset(out, 0, sizeof(*out));
    memcpy(&word, end->address, sizeof(word));
    if (end->family == SW_NET_IPV4) {
        ip_addr_set_ip4_u32_val(*out, word);
        return;
    }
    IP_SET_TYPE_VAL(*out, end->family == SW_NET_IPV6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY);
    memcpy(ip_2_ip6(out)->addr, end->address, sizeof(end->address));
    ip6_addr_set_zone(ip_2_ip6(out), end->zone);
}

status_t socket_record(struct socket *socket, enum record_kind kind, uint32_t flags,
                       handle_t memory, const struct record_flow *flow)
{
    status_t status = vault_keep(socket->badge % SOCKETS_MOST, memory, socket->event);

    if (status == SW_OK)
        socket_record_kept(socket, kind, flags, flow);
    return status;
}

void socket_record_kept(struct socket *socket, enum record_kind kind, uint32_t flags,
                        const struct record_flow *flow)
{
    struct owner owner = share_owner(socket->share);
    struct record_plan plan = { .badge = socket->badge,
                                .pid = socket->pid,
                                .account = owner.account,
                                .session = owner.session,
                                .backlog = socket->backlog,
                                .rules = socket->rules };

    if (socket->kind == UDP) {
        end_put(&plan.local, &socket->udp->local_ip, socket->udp->local_port);
    } else {
        end_put(&plan.local, &socket->pcb->local_ip, socket->pcb->local_port);
        if (socket->kind == TCP)
            end_put(&plan.remote, &socket->pcb->remote_ip, socket->pcb->remote_port);
    }
    record_create(socket->record, kind, flags, &plan, flow, socket->stream.produced);
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
static uint16_t port_guess(void)
{
    return (uint16_t)(PORT_FIRST + lwip_port_random() % PORT_COUNT);
}

err_t socket_bind_anywhere(struct tcp_pcb *tcp, struct udp_pcb *udp, const ip_addr_t *address)
{
    uint32_t now = seconds(), best_rest = 0;
    err_t error = ERR_USE;
    uint16_t best = 0;

    for (int i = 0; i < PORT_TRIES && error == ERR_USE; i++) {
        uint16_t port = port_guess();
        uint32_t rest = tcp ? port_rest(port, now) : PORT_REST;

        if (rest == PORT_REST) {
            error = tcp ? tcp_bind(tcp, address, port) : udp_bind(udp, address, port);
        } else if (rest >= best_rest) {
            best = port;
            best_rest = rest;
        }
    }
    /* All were in use lately: connections are made faster than ports rest. */
    for (int i = 0; i < PORT_TRIES && tcp && error == ERR_USE; i++, best = port_guess())
        error = best ? tcp_bind(tcp, address, best) : ERR_USE;
    if (error == ERR_OK && tcp)
        port_note(tcp->local_port, now);
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
    .grow = tcp_handle_grow,
};

status_t socket_message(struct sw_request *request)
{
    struct socket *socket = socket_of(request->event.badge);

    if (socket)
        socket->revived = false;
    return sw_endpoint_dispatch(&handlers, request);
}

void socket_event(uint64_t key)
{
    struct socket *socket = socket_of(key - key_base);

    if (!socket)
        return;
    socket->revived = false;
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

/* ------------------------------------------------------------------ after a predecessor */

void socket_discard(struct socket *socket)
{
    socket_drop_event(socket); /* whose rings these are asks for them anew */
    if (socket->kind == UDP)
        udp_closed(socket);
    else
        tcp_discard(socket);
}

static status_t revive(uint32_t index, const struct record_view *view, handle_t *memory,
                       handle_t *event)
{
    static const enum kind kinds[] = { [RECORD_CONNECTING] = TCP,
                                       [RECORD_CONNECTION] = TCP,
                                       [RECORD_LISTENER] = LISTENER,
                                       [RECORD_UDP] = UDP };
    const struct owner owner = { view->plan.account, view->plan.session, view->plan.pid };
    struct socket *socket = NULL;
    struct share *share;
    status_t status;

    if (view->plan.badge % SOCKETS_MOST != index || view->plan.badge >> SOCKET_BITS >= generation)
        return SW_BAD_MESSAGE;
    if ((share = share_open(&owner))) {
        if ((socket = create_at(index, kinds[view->kind], view->plan.badge, share)))
            share_keep(share, SHARE_SOCKETS, 1);
        share_close(share);
    }
    if (!socket)
        return SW_NO_MEMORY;
    socket->pid = view->plan.pid;
    socket->backlog = view->plan.backlog;
    socket->revived = true;
    if ((status = socket_watch(socket, *event)) == SW_OK) {
        *event = 0;
        if (socket->kind == UDP) {
            status = udp_revive(socket, view);
        } else if (socket->kind == LISTENER) {
            status = tcp_revive_listener(socket, view);
        } else {
            status = tcp_revive(socket, view, *memory);
        }
    }
    if (status == SW_OK)
        return SW_OK;
    /* The caller tells the program, and only then frees the record: we may die in between. */
    static struct record none;
    if (socket->event) {
        sw_port_unbind(our_port, socket->event);
        *event = socket->event;
        socket->event = 0;
        socket->watched = false;
    }
    socket->record = &none;
    socket_free(socket);
    return status;
}

static void revive_one(uint32_t index, bool listeners, uint32_t counts[4])
{
    struct record *record = vault_record(index);
    struct record_view view;
    enum record_verdict verdict = record_read(record, &view);
    handle_t memory, event;
    status_t status = SW_BAD_MESSAGE;

    if (verdict == RECORD_IS_FREE) {
        vault_drop(index); /* a predecessor died between the two */
        return;
    }
    if (sockets[index] || listeners != (verdict == RECORD_IS_GOOD && view.kind == RECORD_LISTENER))
        return;
    vault_kept(index, &memory, &event);
    if (verdict == RECORD_IS_GOOD && vault_try(index))
        status = revive(index, &view, &memory, &event);
    if (status == SW_OK) {
        counts[view.kind == RECORD_LISTENER ? 1 : view.kind == RECORD_UDP ? 2 : 0]++;
    } else {
        sw_log(SW_LOG_WARNING, "socket %u (port %u) cannot be gone on with: %s", (unsigned)index,
               view.plan.local.port, sw_status_text(status));
        tcp_condemn(memory, event);
        record_free(record);
        vault_drop(index);
        counts[3]++;
    }
    if (memory)
        sw_handle_close(memory);
    if (event)
        sw_handle_close(event);
}

void sockets_revive(void)
{
    uint32_t counts[4] = { 0 };

    /* Listeners first: lwIP would find their ports taken by their connections. */
    for (int listeners = 1; listeners >= 0; listeners--)
        for (uint32_t i = vault_next(0); i < SOCKETS_MOST; i = vault_next(i + 1))
            revive_one(i, listeners, counts);
    vault_try(SOCKETS_MOST);
    if (counts[0] + counts[1] + counts[2] + counts[3] > 0)
        sw_log(SW_LOG_INFO, "back with %u connections, %u listeners, %u UDP sockets; %u are lost",
               (unsigned)counts[0], (unsigned)counts[1], (unsigned)counts[2], (unsigned)counts[3]);
}
