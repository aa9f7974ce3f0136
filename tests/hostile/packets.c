/* A network card's driver that lies, beside the real one: it writes anything into the head of the packet
 * pool (positions, entries with lengths and buffers there are not, wishes, the link, what is being
 * handled, the card's address and size of frames) and into the packets themselves while netd handles them.
 * netd and nicd serve on, and so do netds that begin with a pool of lies. Magic and version are left: with
 * others netd does not begin at all. */
#include "check.h"
#include "hostile.h"
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/mapping.h>
#include <swos/packets.h>
#include <swos/protocol.h>
#include <swos/service.h>
#include <swos/socket.h>
#include <swos/start.h>
#include <swos/status.h>

#define AT_ONCE 16     /* lies before netd is woken */
#define SUCCESSORS 100 /* rounds of lies for one netd that is killed */

static void lie(struct sw_packet_pool *pool)
{
    uint32_t entry = below(SW_PACKET_RECEIVE);
    uint64_t buffer = below(3) ? below(SW_PACKET_RECEIVE) : odd_number();
    uint32_t length = below(3) ? below(SW_PACKET_BUFFER + 64) : (uint32_t)odd_number();

    switch (below(10)) {
    case 0: /* packets there are not: as many as the ring has, or more */
        pool->receive_produced.value =
            pool->receive_consumed.value + (below(2) ? below(SW_PACKET_RECEIVE + 8) : UINT32_MAX);
        break;
    case 1:
        pool->transmit_consumed.value = (uint32_t)odd_number();
        break;
    case 2:
        (&pool->receive_produced)[below(7)].value = (uint32_t)odd_number();
        break;
    case 3:
        pool->link = (uint32_t)odd_number();
        break;
    case 4: /* the packet while it is looked at */
        odd_fill((uint8_t *)pool + packet_receive_offset(entry) + SW_PACKET_ROOM + below(64), 32);
        break;
    case 5: /* a buffer twice, or one that is the driver's */
        pool->receive[entry] = pool->receive[below(SW_PACKET_RECEIVE)];
        break;
    case 6: /* what is read when netd begins */
        pool->mtu = (uint32_t)odd_number();
        pool->handling.value = pool->receive_consumed.value + below(3);
        odd_fill(pool->address, sizeof(pool->address));
        break;
    case 7:
        pool->transmit[below(SW_PACKET_TRANSMIT)] = length;
        break;
    default:
        pool->receive[entry] = buffer << 32 | length;
    }
}

static status_t ask(handle_t net)
{
    static char text[16384];
    struct sw_net_list_reply reply;

    return sw_net_list(net, SW_NET_SOCKETS, 0, text, sizeof(text), &reply,
                       sw_clock_deadline(10 * SW_SECOND));
}

/* Ends netd, and goes on lying until the next one answers. */
static status_t succeed(struct sw_packet_pool *pool, handle_t system, handle_t net)
{
    uint64_t deadline = sw_clock_deadline(60 * SW_SECOND);
    status_t status = sw_system_service_kill(system, 0, 0, "netd", strlen("netd"), deadline);

    if (status != SW_OK)
        return status;
    do {
        lie(pool);
        status = ask(net);
    } while (status != SW_OK && sw_clock_monotonic() < deadline);
    return status;
}

int service_packets(uint32_t count)
{
    handle_t memory = sw_start_get("pool"), wake = sw_start_get("wake/netd"), net, system;
    struct sw_packet_pool *pool;
    uint32_t deaths = 0;
    void *mapped;

    if (sw_mapping_map(memory, 0, SW_PACKET_POOL_BYTES, SW_MAP_READ | SW_MAP_WRITE, &mapped) !=
            SW_OK ||
        sw_socket_network(&net) != SW_OK ||
        sw_service_connect("system", SW_NEVER, &system) != SW_OK) {
        check(0, "no packet pool, no netd, or no init");
        return check_done();
    }
    pool = mapped;
    status_t status = SW_OK;
    for (uint32_t i = 0; i < count && status == SW_OK; i++) {
        for (uint32_t j = 0; j < AT_ONCE; j++)
            lie(pool);
        atomic_thread_fence(memory_order_seq_cst);
        sw_event_update(wake, 0, 1, NULL);
        /* It has been there, and answers. */
        status = ask(net);
        if (status == SW_OK && i % SUCCESSORS == SUCCESSORS - 1) {
            status = succeed(pool, system, net);
            deaths++;
        }
    }
    /* Each side puts its own words right when it is awake; of a real driver's lies it would be. */
    pool->link = 1;
    sw_event_update(sw_start_get("wake/nicd"), 0, 1, NULL);
    sw_event_update(wake, 0, 1, NULL);
    check(status == SW_OK, "netd took %u lies in the packet pool, and died %u times: %s",
          (unsigned)count * AT_ONCE, (unsigned)deaths, sw_status_name(status));
    return check_done();
}
