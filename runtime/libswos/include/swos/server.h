/* The loop of a server with one thread.
 *
 * One call to the kernel per message: the answer to the last one and the wait for the next are
 * one. The loop owns the message and reply buffers (SW_MESSAGE_MAX each); there is one loop in a
 * process. */
#pragma once
#include <stdint.h>
#include <swos/abi.h>
#include <swos/message.h>

struct sw_server {
    handle_t port; /* 0: sw_server_run makes one */

    /* A call arrived. The handler is usually the generated sw_NAME_dispatch; its status goes into
     * the reply header, on success followed by request->reply_length bytes and the handles in
     * request->send. Handles that came with the call (request->event.received) are closed after
     * it returns; a handler that keeps one sets its place to 0. With request->deferred set nothing
     * is answered now: the handler keeps event.token and answers with sw_server_answer. */
    status_t (*message)(struct sw_server *server, struct sw_request *request);

    /* The last handle of the connection with this badge went. May be NULL. */
    void (*closed)(struct sw_server *server, uint64_t key, uint64_t badge);

    /* Everything else the port delivers. May be NULL when nothing else is bound. */
    void (*event)(struct sw_server *server, const struct sw_event *event);

    /* Called once the monotonic clock has reached `deadline`, which is SW_NEVER then; set it anew
     * for the next time. 0 in an initializer is taken as SW_NEVER. May be NULL. */
    void (*timeout)(struct sw_server *server);
    uint64_t deadline;

    int stop; /* set by a handler: sw_server_run answers and returns */
    void *context;
};

/* Makes the process the server of a channel, its calls arriving at server->port (made when 0). */
status_t sw_server_serve(struct sw_server *server, handle_t channel, uint64_t key);

/* Serves until server->stop. Returns SW_OK then, or what made the wait fail. */
status_t sw_server_run(struct sw_server *server);

/* Answers a deferred call. `reply` is the whole reply struct (its header is overwritten), may be
 * NULL for a failure. Handles are copied unless their bit in send_move is set; moved ones are
 * closed when the answer cannot be delivered. CALLER_GONE: nobody waits any more. */
status_t sw_server_answer(uint64_t token, status_t status, uint32_t detail, void *reply,
                          uint32_t reply_length, const handle_t *send, uint32_t send_count,
                          uint32_t send_move);
