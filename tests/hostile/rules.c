/* What the C library makes of a server that dies with each request, of one that holds them, and of
 * none: how often a request is sent, under which id. */
#include "check.h"
#include "hostile.h"
#include <stdatomic.h>
#include <swos/message.h>
#include <swos/protocol.h>
#include <swos/thread.h>

#define TRIES 9 /* 1 + the deaths a request may outlive (runtime/libswos/message.c) */

enum manner { DIES, HOLDS };

static struct {
    handle_t channel, port;
    _Atomic uint32_t manner, received, other_ids;
    _Atomic uint64_t id; /* of the first request */
} ruled;

static void *ruled_thread(void *argument)
{
    static _Alignas(8) uint8_t message[SW_MESSAGE_MAX];

    (void)argument;
    for (;;) {
        struct sw_wait wait = { .buffer = (uint64_t)(uintptr_t)message,
                                .capacity = sizeof(message) };
        if (sw_port_wait(ruled.port, &wait, SW_NEVER) != SW_OK ||
            wait.event.kind != SW_EVENT_MESSAGE)
            continue;
        uint64_t id = ((const struct sw_request_header *)message)->id;
        if (ruled.received++ == 0)
            ruled.id = id;
        ruled.other_ids += id != ruled.id;
        for (uint32_t i = 0; i < wait.event.received_count; i++)
            sw_handle_close(wait.event.received[i]);
        if (ruled.manner == DIES) {
            sw_channel_leave(ruled.channel);
            sw_channel_serve(ruled.channel, ruled.port, 1);
        }
    }
    return NULL;
}

static void check_sent(status_t got, status_t wanted, uint32_t times, const char *what)
{
    check(got == wanted && ruled.received == times && ruled.other_ids == 0,
          "%s: %s, sent %u times, %u with another id", what, sw_status_name(got),
          (unsigned)ruled.received, (unsigned)ruled.other_ids);
    ruled.received = 0;
}

int rules(void)
{
    struct sw_thread *thread;
    handle_t connection, nobody, orphan;
    struct sw_file_stat_reply facts;

    if (sw_channel_create(&ruled.channel) != SW_OK || sw_port_create(&ruled.port) != SW_OK ||
        sw_connection_create(ruled.channel, 1, &connection) != SW_OK ||
        sw_channel_create(&nobody) != SW_OK || sw_connection_create(nobody, 1, &orphan) != SW_OK ||
        sw_channel_serve(ruled.channel, ruled.port, 1) != SW_OK ||
        sw_thread_start(ruled_thread, NULL, 0, &thread) != SW_OK)
        return 2;
    check_sent(sw_file_stat(connection, "x", 1, &facts, SW_NEVER), SW_PEER_DIED, TRIES,
               "an idempotent request that its server dies of");
    check(ruled.id == 0, "it needs no id");
    check_sent(sw_file_mkdir(connection, 0755, "x", 1, SW_NEVER), SW_PEER_DIED, TRIES,
               "one to be carried out once");
    uint64_t first = ruled.id;
    check_sent(sw_file_mkdir(connection, 0755, "x", 1, SW_NEVER), SW_PEER_DIED, TRIES,
               "the next one");
    check(first != 0 && ruled.id != 0 && ruled.id != first, "each has an id of its own");
    check_sent(sw_system_power(connection, SW_POWER_OFF, 0, SW_NEVER), SW_PEER_DIED, 1,
               "one that may not be repeated");
    ruled.manner = HOLDS;
    check_sent(sw_file_stat(connection, "x", 1, &facts, sw_clock_deadline(SW_MILLISECOND * 50)),
               SW_UNKNOWN_OUTCOME, 1, "one that is held longer than its caller waits");
    check_sent(sw_file_stat(orphan, "x", 1, &facts, sw_clock_deadline(SW_MILLISECOND * 50)),
               SW_TIMED_OUT, 0, "one to a server that never comes");
    return check_done();
}
