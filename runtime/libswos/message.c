/* Client side of every protocol: the call, its replays, and the check of the reply. */
#include <swos/message.h>

/* Servers a request may outlive. More deaths than this within one request mean that the request
 * itself kills them. */
#define REPLAYS_MAX 4

static _Thread_local uint32_t last_detail;

uint32_t sw_last_detail(void)
{
    return last_detail;
}

/* SERVER_REPLACED means that nothing happened, so every request goes on to the successor once that
 * is accepted. After PEER_DIED the request may have been carried out: only an idempotent one is
 * sent again, and none whose handles were moved. */
static status_t call_with_replay(handle_t connection, struct sw_call *call, uint32_t *reply_length,
                                 int idempotent, uint64_t deadline)
{
    int replay_dead = idempotent && call->send_move == 0;
    status_t status = SW_PEER_DIED;
    for (int tries = 0; tries <= REPLAYS_MAX; tries++) {
        uint32_t received_count = 0;
        status = sw_call(connection, call, deadline, reply_length, &received_count);
        call->received_count = received_count; /* the kernel writes it there only with handles */
        if (status == SW_SERVER_REPLACED) {
            status_t accepted = sw_connection_accept(connection);
            if (accepted != SW_OK)
                return accepted;
        } else if (status != SW_PEER_DIED || !replay_dead) {
            return status;
        }
    }
    return status;
}

status_t sw_transact(handle_t connection, struct sw_call *call, uint32_t reply_minimum,
                     uint32_t *reply_length, int idempotent, uint64_t deadline)
{
    uint32_t length = 0;
    last_detail = 0;
    status_t status = call_with_replay(connection, call, &length, idempotent, deadline);
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
    if (status != SW_OK) {
        for (uint32_t i = 0; i < call->received_count && i < SW_HANDLES_MAX; i++)
            sw_handle_close(call->received[i]);
        call->received_count = 0;
    }
    if (reply_length)
        *reply_length = length;
    return status;
}
