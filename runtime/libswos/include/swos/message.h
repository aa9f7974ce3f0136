/* Messages: the headers every protocol starts with, and the two helpers its stubs use.
 *
 * A request is a sw_request_header, the operation's fields, then its strings without NULs.
 * A reply is a sw_reply_header, fields, strings. A reply's status is the server's answer; the
 * status of the call itself (died, timed out, replaced) takes its place when there is no answer. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

struct sw_request_header {
    uint16_t protocol;
    uint16_t version;
    uint16_t operation;
    uint16_t reserved; /* 0 */
    uint64_t id; /* the same when the request is sent again, and never of another request of this
                    process; 0: the operation needs none */
};

struct sw_reply_header {
    int32_t status;
    uint32_t
        detail; /* VERSION: the version served; ACCESS: 1 + number of the missing capability bit */
};

/* A request as a server's handler sees it. The event is the kernel's word about the caller;
 * everything behind `message` is the caller's and was only checked for length. */
struct sw_request {
    struct sw_event event;
    const void *message;           /* the bytes that came, at least 8-byte aligned */
    size_t message_capacity;       /* of the buffer behind message */
    void *reply;                   /* reply buffer, at least 8-byte aligned, SW_MESSAGE_MAX bytes */
    uint32_t reply_length;         /* set to the fixed part before the handler runs */
    uint32_t detail;               /* goes into the reply header */
    handle_t send[SW_HANDLES_MAX]; /* handles for the reply */
    uint32_t send_count;
    uint32_t send_move; /* bit i: moved */
    int deferred;       /* handler keeps the token and answers later */
    void *context;      /* the server's */
};

/* A new request's id. */
uint64_t sw_request_id(void);

/* Sends a request and checks the reply's header and length. Returns the server's status, or the
 * call's own. A replaced server's successor gets every request; that of a server that died with the
 * request gets it when `may_repeat`: the operation is idempotent, or its servers know a repeated
 * request by its id. reply_minimum counts for success only; *reply_length may be NULL. */
status_t sw_transact(handle_t connection, struct sw_call *call, uint32_t reply_minimum,
                     uint32_t *reply_length, int may_repeat, uint64_t deadline);

/* Closes the handles of a reply beyond the expected ones: a server may send what nobody asked for.
 */
void sw_surplus_close(struct sw_call *call, uint32_t expected);

/* Detail of the last failed sw_transact of this thread (see sw_reply_header). */
uint32_t sw_last_detail(void);

/* Server side: protocol and version of a message; sets request->detail when refused. */
static inline status_t sw_request_check(struct sw_request *request, uint16_t protocol,
                                        uint16_t version)
{
    const struct sw_request_header *header = request->message;
    if (request->event.request_length < sizeof(*header) ||
        request->message_capacity < sizeof(*header))
        return SW_BAD_MESSAGE;
    if (header->protocol != protocol || header->version != version) {
        request->detail = version;
        return SW_VERSION;
    }
    return SW_OK;
}

/* Server side: refuses a caller without the capability bit. */
static inline status_t sw_request_need(struct sw_request *request, uint64_t bit)
{
    if (request->event.caps & bit)
        return SW_OK;
    request->detail = 1 + (uint32_t)__builtin_ctzll(bit);
    return SW_ACCESS;
}
