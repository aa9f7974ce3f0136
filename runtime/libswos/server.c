/* The loop of a server with one thread. */
#include <string.h>
#include <swos/clock.h>
#include <swos/hot.h>
#include <swos/server.h>
#include <swos/statistics.h>

_Alignas(16) static uint8_t message_buffer[SW_MESSAGE_MAX];
_Alignas(16) static uint8_t reply_buffer[SW_MESSAGE_MAX];

status_t sw_server_serve(struct sw_server *server, handle_t channel, uint64_t key)
{
    if (!server->port) {
        status_t status = sw_port_create(&server->port);
        if (status != SW_OK)
            return status;
    }
    return sw_channel_serve(channel, server->port, key);
}

static void close_moved(const struct sw_reply *reply)
{
    for (uint32_t i = 0; i < reply->send_count; i++)
        if (reply->send_move & (1u << i))
            sw_handle_close(reply->send[i]);
}

/* Sends a reply that could not be delivered as it was: its header alone, with the reason, or to a
 * caller without room for that nothing, which ends its call too. */
static void refuse(uint64_t token, status_t reason)
{
    struct sw_reply_header header = { reason, 0 };
    struct sw_reply reply = { .data = (uint64_t)(uintptr_t)&header, .length = sizeof(header) };
    if (sw_reply(token, &reply) == SW_TOO_LARGE) {
        reply.length = 0;
        sw_reply(token, &reply);
    }
}

status_t sw_server_answer(uint64_t token, status_t status, uint32_t detail, void *reply,
                          uint32_t reply_length, const handle_t *send, uint32_t send_count,
                          uint32_t send_move)
{
    sw_statistics_end(token);
    struct sw_reply_header header = { status, detail };
    struct sw_reply answer = { .data = (uint64_t)(uintptr_t)&header, .length = sizeof(header) };
    if (reply && status == SW_OK) {
        memcpy(reply, &header, sizeof(header));
        answer.data = (uint64_t)(uintptr_t)reply;
        answer.length = reply_length;
    }
    for (uint32_t i = 0; i < send_count && i < SW_HANDLES_MAX; i++)
        answer.send[i] = send[i];
    answer.send_count = send_count;
    answer.send_move = send_move;
    if (status != SW_OK) { /* a failure carries no handles, but takes the moved ones */
        close_moved(&answer);
        answer.send_count = answer.send_move = 0;
    }
    status_t sent = sw_reply(token, &answer);
    if (sent != SW_OK) {
        close_moved(&answer);
        if (sent != SW_CALLER_GONE)
            refuse(token, sent);
    }
    return sent;
}

/* Runs the message handler. Afterwards either *out_token names a call that *out_reply answers, to
 * be sent with the next wait, or it is 0: deferred, or answered already. */
static SW_HOT void message_handle(struct sw_server *server, const struct sw_event *event,
                                  uint64_t *out_token, struct sw_reply *out_reply)
{
    struct sw_request request = {
        .event = *event,
        .message = message_buffer,
        .message_capacity = sizeof(message_buffer),
        .reply = reply_buffer,
        .reply_length = sizeof(struct sw_reply_header),
        .context = server->context,
    };
    sw_statistics_begin(event->token);
    status_t status = server->message(server, &request);
    for (uint32_t i = 0; i < event->received_count && i < SW_HANDLES_MAX; i++)
        if (request.event.received[i])
            sw_handle_close(request.event.received[i]);
    *out_token = 0;
    if (request.deferred)
        return;
    /* Only a reply of its own tells that the caller is gone and the handles stay to be closed. */
    if (request.send_move || status != SW_OK) {
        sw_server_answer(event->token, status, request.detail, reply_buffer, request.reply_length,
                         request.send, request.send_count, request.send_move);
        return;
    }
    sw_statistics_end(event->token);
    struct sw_reply_header header = { status, request.detail };
    memcpy(reply_buffer, &header, sizeof(header));
    *out_token = event->token;
    *out_reply = (struct sw_reply){
        .data = (uint64_t)(uintptr_t)reply_buffer,
        .length = request.reply_length,
        .send_count = request.send_count,
    };
    memcpy(out_reply->send, request.send, sizeof(out_reply->send));
}

static SW_HOT status_t wait_next(struct sw_server *server, uint64_t token,
                                 const struct sw_reply *reply, struct sw_wait *wait)
{
    status_t status = sw_reply_wait(token, reply, server->port, wait, server->deadline);
    switch (status) {
    case SW_FAULT:
    case SW_TOO_LARGE:
    case SW_BAD_HANDLE:
    case SW_ACCESS:
        if (!token)
            return status;
        refuse(token, status); /* the answer was bad, and nothing was waited for */
        return SW_INTERRUPTED;
    default:
        return status;
    }
}

SW_HOT status_t sw_server_run(struct sw_server *server)
{
    status_t status = server->port ? SW_OK : sw_port_create(&server->port);
    if (status != SW_OK)
        return status;
    sw_statistics_open();
    if (server->deadline == 0)
        server->deadline = SW_NEVER;
    uint64_t token = 0;
    struct sw_reply reply = { 0 };
    struct sw_wait wait = { .buffer = (uint64_t)(uintptr_t)message_buffer,
                            .capacity = sizeof(message_buffer) };
    while (!server->stop) {
        if (server->deadline != SW_NEVER && server->timeout &&
            sw_clock_monotonic() >= server->deadline) {
            server->deadline = SW_NEVER;
            server->timeout(server);
        }
        status = wait_next(server, token, &reply, &wait);
        token = 0;
        if (status == SW_TIMED_OUT || status == SW_INTERRUPTED)
            continue;
        if (status != SW_OK)
            return status;
        switch (wait.event.kind) {
        case SW_EVENT_MESSAGE:
            message_handle(server, &wait.event, &token, &reply);
            break;
        case SW_EVENT_CLOSED:
            if (server->closed)
                server->closed(server, wait.event.key, wait.event.badge);
            break;
        default:
            if (server->event)
                server->event(server, &wait.event);
        }
    }
    if (token)
        sw_reply(token, &reply);
    return SW_OK;
}
