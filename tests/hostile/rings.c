/* Connections whose rings a hostile program fills with anything: positions, wishes, state, bytes; it
 * takes their pages away, lets them grow into memory of any kind, ends them at any time, or just closes
 * them. netd serves on. */
#include "check.h"
#include "hostile.h"
#include <string.h>
#include <swos/clock.h>
#include <swos/mapping.h>
#include <swos/protocol.h>
#include <swos/socket.h>
#include <swos/status.h>
#include <swos/stream.h>

#define RING 4096u
#define STEPS 24

struct victim {
    handle_t memory, event, connection;
    void *bytes;
    size_t size;
};

static bool victim_make(struct victim *victim)
{
    *victim = (struct victim){ .size = SW_STREAM_BYTES(RING) };
    return sw_event_create(&victim->event) == SW_OK &&
           sw_mapping_create(victim->size, SW_MEMORY_COMMIT, &victim->bytes, &victim->memory) ==
               SW_OK;
}

static void victim_end(struct victim *victim)
{
    if (victim->connection)
        sw_handle_close(victim->connection);
    if (victim->bytes)
        sw_mapping_unmap(victim->bytes, victim->size);
    if (victim->memory)
        sw_handle_close(victim->memory);
    if (victim->event)
        sw_handle_close(victim->event);
}

/* Larger memory, or some that is not, with anything in its head. Now and then both have the same. */
static void victim_grow(struct victim *victim)
{
    static const uint32_t sizes[] = { 0, 1, 2, 3, 5, 9, 13, 14, 17, 18, 33, 65, 129, 130 };
    size_t size = sizes[below(sizeof(sizes) / sizeof(sizes[0]))] * (size_t)SW_PAGE;
    uint32_t flags = below(4) ? SW_MEMORY_COMMIT : 0;
    uint64_t deadline = sw_clock_deadline(SW_SECOND);
    handle_t memory;
    void *bytes;

    if (below(8) == 0) {
        sw_endpoint_grow(victim->connection, below(2) ? victim->event : victim->memory, deadline);
        return;
    }
    if (size == 0 || sw_mapping_create(size, flags, &bytes, &memory) != SW_OK)
        return;
    odd_fill(bytes, sizeof(struct sw_socket_rings));
    if (sw_endpoint_grow(victim->connection, memory, deadline) == SW_OK && below(4)) {
        sw_mapping_unmap(victim->bytes, victim->size);
        sw_handle_close(victim->memory);
        victim->bytes = bytes;
        victim->memory = memory;
        victim->size = size;
    } else { /* it stays where it was, or says so */
        sw_mapping_unmap(bytes, size);
        sw_handle_close(memory);
    }
}

static void step(struct victim *victim)
{
    uint32_t *words = victim->bytes;
    struct sw_ring_word *lines = (struct sw_ring_word *)((uint8_t *)victim->bytes + 64);

    switch (below(9)) {
    case 0:
        words[below(sizeof(struct sw_socket_rings) / 4)] = (uint32_t)odd_number();
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
            sw_memory_decommit(victim->memory, 0, victim->size);
        break;
    case 7:
        if (victim->connection)
            victim_grow(victim);
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

static status_t grow_by(struct sw_socket *socket, size_t size, uint32_t flags)
{
    handle_t memory;
    status_t status = sw_memory_create(size, flags, &memory);

    if (status == SW_OK) {
        status = sw_endpoint_grow(sw_socket_connection(socket), memory, SW_NEVER);
        sw_handle_close(memory);
    }
    return status;
}

/* What is no growth is refused, and the connection is as it was. */
static void refusals(struct sw_socket *listener, uint16_t port)
{
    const struct sw_socket_address to = { .family = SW_NET_IPV4,
                                          .bytes = { 127, 0, 0, 1 },
                                          .port = port };
    const size_t now = SW_STREAM_BYTES(16384);
    struct sw_socket *near, *far;
    struct sw_socket_address from;
    uint64_t deadline = sw_clock_deadline(60 * SW_SECOND);
    uint8_t got[6] = { 0 };
    size_t done;

    if (sw_socket_connect(&to, 16384, &near) != SW_OK ||
        sw_socket_accept(listener, 16384, deadline, &far, &from) != SW_OK) {
        check(0, "netd (endpoint) makes no connection");
        return;
    }
    bool good =
        sw_endpoint_grow(sw_socket_connection(near), sw_socket_event(near), SW_NEVER) ==
            SW_WRONG_TYPE &&
        grow_by(near, SW_STREAM_BYTES(65536), 0) == SW_INVALID && /* not committed */
        grow_by(near, SW_PAGE + 7 * 8192, SW_MEMORY_COMMIT) == SW_INVALID &&
        grow_by(near, 2 * SW_STREAM_BYTES(SW_SOCKET_RING_MOST), SW_MEMORY_COMMIT) == SW_INVALID &&
        grow_by(near, now, SW_MEMORY_COMMIT) == SW_INVALID && /* not larger */
        grow_by(near, SW_PAGE, SW_MEMORY_COMMIT) == SW_INVALID &&
        grow_by(near, sw_stream_size(65536, 8192), SW_MEMORY_COMMIT) == SW_INVALID &&
        grow_by(listener, SW_STREAM_BYTES(65536), SW_MEMORY_COMMIT) == SW_INVALID;
    check(good, "netd (endpoint) refuses rings that are no growth");
    good = sw_socket_write(near, "before", 6, deadline, &done) == SW_OK &&
           sw_socket_grow(near, 65536, 16384) == SW_OK && sw_socket_grow(far, 0, 65536) == SW_OK &&
           sw_socket_read(far, got, sizeof(got), deadline, &done) == SW_OK && done == 6 &&
           memcmp(got, "before", 6) == 0;
    check(good, "and lets them grow, with what lies in them");
    sw_socket_close(far);
    /* What it had to say was read, so its end comes, and then a reset for what comes after that. */
    while (sw_socket_write(near, "after", 5, deadline, &done) == SW_OK)
        ;
    check(grow_by(near, SW_STREAM_BYTES(131072), SW_MEMORY_COMMIT) == SW_BAD_STATE,
          "but not when the connection is over");
    sw_socket_close(near);
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
    refusals(listener, port);
    for (uint32_t i = 0; i < count; i++)
        made += attack_pair(net, listener, port);
    sw_socket_close(listener);
    status_t status = sw_net_list(net, SW_NET_SOCKETS, 0, text, sizeof(text), &reply,
                                  sw_clock_deadline(10 * SW_SECOND));
    check(status == SW_OK && made > count / 2,
          "netd (endpoint) took %u connections with garbage in their rings, then a request: %s",
          (unsigned)made, sw_status_name(status));
}
