/* UDP: datagrams wait in netd until the program asks for them. */
#include "settings.h"
#include "socket.h"
#include <stdlib.h>
#include <string.h>

#define DATAGRAMS_MOST 131072u /* bytes that wait at a socket */

struct datagram {
    struct datagram *next;
    ip_addr_t from;
    uint16_t port, length;
    uint8_t bytes[];
};

/* Counted as waiting. NULL: there is no room. */
static struct datagram *datagram_create(struct socket *socket, uint32_t size)
{
    struct datagram *datagram;

    if (!share_take(socket->share, SHARE_DATAGRAMS, size))
        return NULL;
    if (!(datagram = malloc(size))) {
        share_give(socket->share, SHARE_DATAGRAMS, size);
        return NULL;
    }
    socket->waiting += size;
    return datagram;
}

/* The first that waits does so no more. */
static void datagram_free(struct socket *socket)
{
    struct datagram *datagram = socket->first;
    uint32_t size = (uint32_t)sizeof(*datagram) + datagram->length;

    socket->first = datagram->next;
    if (!socket->first)
        socket->last = &socket->first;
    socket->waiting -= size;
    share_give(socket->share, SHARE_DATAGRAMS, size);
    free(datagram);
}

static void on_datagram(void *argument, struct udp_pcb *pcb, struct pbuf *packet,
                        const ip_addr_t *from, u16_t port)
{
    struct socket *socket = argument;
    struct datagram *datagram;

    (void)pcb;
    uint32_t size = (uint32_t)sizeof(*datagram) + packet->tot_len;

    if (socket->waiting + size <= DATAGRAMS_MOST && (datagram = datagram_create(socket, size))) {
        datagram->next = NULL;
        ip_addr_copy(datagram->from, *from);
        datagram->port = port;
        datagram->length = packet->tot_len;
        pbuf_copy_partial(packet, datagram->bytes, packet->tot_len, 0);
        *socket->last = datagram;
        socket->last = &datagram->next;
        socket_tell(socket);
    }
    pbuf_free(packet);
}

/* The rules of the connection it was asked for on. NO_MEMORY. */
static status_t rules_take(struct socket *socket, uint32_t rules)
{
    socket->rules = rules;
    if (settings_is_narrow(rules) && !(socket->peers = calloc(PEERS, sizeof(*socket->peers))))
        return SW_NO_MEMORY;
    return SW_OK;
}

status_t socket_bind(struct sw_request *request, const struct sw_net_bind_request *in,
                     struct sw_net_bind_reply *out)
{
    ip_addr_t address;
    struct socket *socket;
    status_t status;

    if (!socket_local(in->address, in->family, &address))
        return SW_INVALID;
    if ((status = socket_ask(UDP, request, &socket)) != SW_OK)
        return status;
    if ((status = rules_take(socket, (uint32_t)request->event.badge)) != SW_OK)
        goto fail;
    if ((status = socket_take_event(socket, request, 0)) != SW_OK)
        goto fail;
    if (!(socket->udp = udp_new_ip_type(IP_GET_TYPE(&address)))) {
        status = SW_NO_MEMORY;
        goto fail;
    }
    udp_recv(socket->udp, on_datagram, socket);
    status = netd_status(in->port ? udp_bind(socket->udp, &address, in->port)
                                  : socket_bind_anywhere(NULL, socket->udp, &address));
    out->port = socket->udp->local_port;
    if (status == SW_OK && (status = socket_give(socket, request)) == SW_OK &&
        (status = socket_record(socket, RECORD_UDP, 0, 0, NULL)) == SW_OK)
        return SW_OK;
    udp_remove(socket->udp);
fail:
    socket_free(socket);
    return status;
}

status_t udp_revive(struct socket *socket, const struct record_view *view)
{
    ip_addr_t address;

    status_t status = rules_take(socket, view->plan.rules);
    if (status != SW_OK)
        return status;
    socket_end_get(&view->plan.local, &address);
    if (!(socket->udp = udp_new_ip_type(IP_GET_TYPE(&address))))
        return SW_NO_MEMORY;
    udp_recv(socket->udp, on_datagram, socket);
    err_t error = udp_bind(socket->udp, &address, view->plan.local.port);
    if (error != ERR_OK) {
        udp_remove(socket->udp);
        return netd_status(error);
    }
    return SW_OK;
}

/* Whoever sent something lately may be answered, also where rules would not let one begin. */
static bool is_peer(const struct socket *socket, const ip_addr_t *address, uint16_t port)
{
    for (uint32_t i = 0; socket->peers && i < PEERS; i++)
        if (socket->peers[i].port == port && ip_addr_cmp(&socket->peers[i].address, address))
            return true;
    return false;
}

status_t udp_handle_send_to(struct sw_request *request,
                            const struct sw_endpoint_send_to_request *in,
                            struct sw_endpoint_send_to_reply *out)
{
    struct socket *socket = socket_of(request->event.badge);
    uint64_t length = request->event.data_length, done = 0;
    ip_addr_t address;

    (void)out;
    if (!socket)
        return SW_NOT_CONNECTED;
    if (socket->kind != UDP || in->port == 0 ||
        !netd_address(in->address, in->family, in->scope, &address))
        return SW_INVALID;
    if (!settings_may_connect(setup_settings(), socket->rules, in->address, in->family) &&
        !is_peer(socket, &address, in->port))
        return SW_ACCESS;
    if (length > (in->family == SW_NET_IPV6 ? 65527u : 65507u))
        return SW_TOO_LARGE;
    struct pbuf *packet = pbuf_alloc(PBUF_TRANSPORT, (u16_t)length, PBUF_RAM);
    if (!packet)
        return SW_NO_MEMORY;
    status_t status = length == 0 ? SW_OK
                                  : sw_call_read(request->event.token, SW_AREA_DATA, 0,
                                                 packet->payload, length, &done);
    if (status == SW_OK && done != length)
        status = SW_FAULT;
    if (status == SW_OK)
        status = netd_status(udp_sendto(socket->udp, packet, &address, in->port));
    pbuf_free(packet);
    return status;
}

status_t udp_handle_receive_from(struct sw_request *request,
                                 const struct sw_endpoint_receive_from_request *in,
                                 struct sw_endpoint_receive_from_reply *out)
{
    struct socket *socket = socket_of(request->event.badge);
    struct datagram *datagram;
    uint64_t done = 0;

    (void)in;
    if (!socket)
        return SW_NOT_CONNECTED;
    if (socket->kind != UDP)
        return SW_INVALID;
    if (!(datagram = socket->first))
        return SW_TIMED_OUT;
    netd_address_put(&datagram->from, out->address);
    out->family = IP_IS_V6(&datagram->from) ? SW_NET_IPV6 : SW_NET_IPV4;
    out->port = datagram->port;
    out->length = datagram->length;
    out->bytes = datagram->length < request->event.data_length
                     ? datagram->length
                     : (uint32_t)request->event.data_length;
    status_t status = out->bytes == 0 ? SW_OK
                                      : sw_call_write(request->event.token, 0, datagram->bytes,
                                                      out->bytes, &done);
    if (status != SW_OK) /* the caller's buffer, or the caller, is gone: the datagram is not */
        return status;
    if (socket->peers)
        socket->peers[socket->next_peer++ % PEERS] =
            (struct peer){ .address = datagram->from, .port = datagram->port };
    datagram_free(socket);
    if (socket->first)
        socket_tell(socket); /* the event was cleared before this was asked */
    return SW_OK;
}

void udp_closed(struct socket *socket)
{
    udp_remove(socket->udp);
    socket_free(socket);
}

void udp_forget(struct socket *socket)
{
    while (socket->first)
        datagram_free(socket);
    free(socket->peers);
}
