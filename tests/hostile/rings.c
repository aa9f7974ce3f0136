/* Connections whose rings a hostile program fills with anything: positions, wishes, state, bytes; it
 * takes their pages away, ends them at any time, or just closes them. netd serves on. */
#include "check.h"
#include "hostile.h"
#include <string.h>
#include <swos/clock.h>
#include <swos/mapping.h>
#include <swos/protocol.h>
#include <swos/socket.h>
#include <swos/status.h>
#include <swos/stream.h>

#define RING SW_SOCKET_RING_LEAST
#define STEPS 24

struct victim {
    handle_t memory, event, connection;
    void *bytes;
};

static bool victim_make(struct victim *victim)
{
    *victim = (struct victim){ 0 };
    return sw_event_create(&victim->event) == SW_OK &&
           sw_mapping_create(SW_STREAM_BYTES(RING), SW_MEMORY_COMMIT, &victim->bytes,
                             &victim->memory) == SW_OK;
}

static void victim_end(struct victim *victim)
{
    if (victim->connection)
        sw_handle_close(victim->connection);
    if (victim->bytes)
        sw_mapping_unmap(victim->bytes, SW_STREAM_BYTES(RING));
    if (victim->memory)
        sw_handle_close(victim->memory);
    if (victim->event)
        sw_handle_close(victim->event);
}

static void step(struct victim *victim)
{
    uint32_t *words = victim->bytes;
    struct sw_ring_word *lines = (struct sw_ring_word *)((uint8_t *)victim->bytes + 64);

    switch (below(8)) {
    case 0:
        words[below(SW_PAGE / 4)] = (uint32_t)odd_number();
        break;
    case 1: /* an honest move now and then, so that there is something to go wrong with */
    case 2:
    case 3:
        lines[0].value += below(RING);
        break;
    case 4:
        lines[3].value += below(RING);
        break;
    case 5:
        lines[below(6)].value = (uint32_t)odd_number();
        break;
    case 6:
        if (below(4) == 0)
            sw_memory_decommit(victim->memory, 0, SW_STREAM_BYTES(RING));
        break;
    default:
        if (victim->connection && below(4) == 0)
            sw_endpoint_shutdown(victim->connection, below(5), 0, sw_clock_deadline(SW_SECOND));
    }
    sw_event_update(victim->event, 0, odd_number(), NULL);
}

/* A connection with ourselves; both ends are hostile. */
static bool attack_pair(handle_t net, struct sw_socket *listener, uint16_t port)
{
    static const uint8_t self[16] = { 127, 0, 0, 1 };
    struct victim here, there;
    struct sw_endpoint_accept_reply from;
    bool good = victim_make(&here) & victim_make(&there);

    if (good)
        good = sw_net_connect(net, self, SW_NET_IPV4, port, 0, here.memory, here.event,
                              &here.connection, sw_clock_deadline(5 * SW_SECOND)) == SW_OK;
    for (int i = 0; good && i < STEPS; i++) {
        if (!there.connection)
            sw_endpoint_accept(sw_socket_connection(listener), there.memory, there.event, &from,
                               &there.connection, sw_clock_deadline(5 * SW_SECOND));
        step(below(2) ? &here : &there);
    }
    bool first = below(2);
    victim_end(first ? &here : &there);
    victim_end(first ? &there : &here);
    return good;
}

void rings(uint32_t count)
{
    const struct sw_socket_address any = { .family = SW_NET_IPV4 };
    struct sw_net_list_reply reply;
    struct sw_socket *listener;
    static char text[16384];
    uint16_t port;
    handle_t net;
    uint32_t made = 0;

    if (sw_socket_network(&net) != SW_OK || sw_socket_listen(&any, 16, &listener, &port) != SW_OK) {
        check(0, "netd (endpoint) gives no listener");
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        made += attack_pair(net, listener, port);
    sw_socket_close(listener);
    status_t status = sw_net_list(net, SW_NET_SOCKETS, 0, text, sizeof(text), &reply,
                                  sw_clock_deadline(10 * SW_SECOND));
    check(status == SW_OK && made > count / 2,
          "netd (endpoint) took %u connections with garbage in their rings, then a request: %s",
          (unsigned)made, sw_status_name(status));
}
