/* Client side of every protocol: the call, its replays, and the check of the reply. */
#include <stdatomic.h>
#include <swos/hot.h>
#include <swos/message.h>

/* Two limits, none over a server's life. A request that eight servers have died of kills them; a
 * recovery that needs more successors than the other limit before one of them so much as takes the
 * request is none. */
#define DEATHS_MAX 8
#define SUCCESSORS_MAX 64

static _Thread_local uint32_t last_detail;

uint32_t sw_last_detail(void)
{
    return last_detail;
}

SW_HOT uint64_t sw_request_id(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

/* What a call's own status says about the request:
 *   SERVER_REPLACED            nothing happened: the successor is accepted and gets it
 *   PEER_DIED                  it may have been carried out: sent again only if that is harmless
 *   UNKNOWN_OUTCOME            the same, but the caller's time is up: it is told, and decides
 *   TIMED_OUT, INTERRUPTED     nothing happened, and the caller does not want to wait longer
 * None is sent again whose handles were moved: they may be gone. */
static status_t call_with_replay(handle_t connection, struct sw_call *call, uint32_t *reply_length,
                                 int may_repeat, uint64_t deadline)
{
    uint32_t deaths = 0, successors = 0;
    for (;;) {
        uint32_t received_count = 0;
        status_t status = sw_call(connection, call, deadline, reply_length, &received_count);
        call->received_count = received_count; /* the kernel writes it there only with handles */
        if (status == SW_SERVER_REPLACED && successors++ < SUCCESSORS_MAX) {
            status_t accepted = sw_connection_accept(connection);
            if (accepted != SW_OK)
                return accepted;
        } else if (status == SW_PEER_DIED && may_repeat && call->send_move == 0 &&
                   deaths++ < DEATHS_MAX) {
            successors = 0;
        } else {
            return status;
        }
    }
}

void sw_surplus_close(struct sw_call *call, uint32_t expected)
{
    for (uint32_t i = expected; i < call->received_count && i < SW_HANDLES_MAX; i++)
        sw_handle_close(call->received[i]);
    if (call->received_count > expected)
        call->received_count = expected;
}

SW_HOT status_t sw_transact(handle_t connection, struct sw_call *call, uint32_t reply_minimum,
                            uint32_t *reply_length, int may_repeat, uint64_t deadline)
{
    uint32_t length = 0;
    last_detail = 0;
    status_t status = call_with_replay(connection, call, &length, may_repeat, deadline);
    if (status != SW_OK)
        return status;
    const struct sw_reply_header *header = (const void *)(uintptr_t)call->reply;
    if (length < sizeof(*header)) {
        status = SW_BAD_MESSAGE;
    } else if (header->status != SW_OK) {
        /* A positive number is no status: a server that sends one is broken, not successful. */
        status = header->status < 0 ? header->status : SW_BAD_MESSAGE;
        last_detail = header->detail;
    } else if (length < reply_minimum) {
        status = SW_BAD_MESSAGE;
    }
    if (status != SW_OK)
        sw_surplus_close(call, 0);
    if (reply_length)
        *reply_length = length;
    return status;
}
