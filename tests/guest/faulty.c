/* A faulty layer between the file server of /tmp and a program.
 *
 *   faulty SEED SECONDS PROGRAM ARGUMENT...
 *
 * runs the program with this process as the server of its /tmp, which forwards everything, but
 * loses requests and answers (by dying: the program's calls end with PEER_DIED), holds them back,
 * lets later ones pass, and sends some twice. The program must notice nothing. Requests keep the
 * ids their clients gave them, made unique by the client's number, so that tmpfs knows a repeated
 * one. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/message.h>
#include <swos/path.h>
#include <swos/protocol.h>
#include <swos/spawn.h>
#include <swos/start.h>
#include <swos/status.h>

#define FILES 64
#define HELD 6
#define DATA 65536
#define HOLD (3 * SW_MILLISECOND)

struct message {
    struct sw_event event;
    _Alignas(8) uint8_t bytes[SW_MESSAGE_MAX];
};

static struct {
    handle_t channel, port, tmp;
    handle_t files[FILES]; /* the real one of badge i + 1; 0: free */
    struct message held[HELD];
    uint32_t held_count, deaths, doubled, late;
    uint64_t random;
} layer;

static uint8_t data[DATA];

static uint32_t below(uint32_t limit)
{
    layer.random = layer.random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(layer.random >> 33) % limit;
}

/* Whoever waits for an answer learns that its server is gone. */
static void die(void)
{
    layer.deaths++;
    layer.held_count = 0;
    sw_channel_leave(layer.channel);
    sw_channel_serve(layer.channel, layer.port, 1);
}

/* ------------------------------------------------------------------ forwarding */

static handle_t real_connection(uint64_t badge)
{
    return badge == 0 ? layer.tmp : badge <= FILES ? layer.files[badge - 1] : 0;
}

/* Gives the program a connection to this process in the place of the real file. */
static status_t wrap(handle_t *file)
{
    uint64_t place = 0;
    handle_t real = *file;

    while (place < FILES && layer.files[place])
        place++;
    if (place == FILES) {
        sw_handle_close(real);
        return SW_NO_SPACE;
    }
    status_t status = sw_connection_create(layer.channel, place + 1, file);
    if (status == SW_OK)
        layer.files[place] = real;
    else
        sw_handle_close(real);
    return status;
}

/* Sends it on once. The reply lies in `reply` when the call went well. */
static status_t pass(const struct message *message, uint8_t *reply, struct sw_call *call)
{
    const struct sw_event *event = &message->event;
    uint64_t length = event->data_length < DATA ? event->data_length : DATA;
    handle_t connection = real_connection(event->badge);
    status_t status;

    *call = (struct sw_call){ .request = (uint64_t)(uintptr_t)message->bytes,
                              .request_length = event->request_length,
                              .reply = (uint64_t)(uintptr_t)reply,
                              .reply_capacity = event->reply_capacity,
                              .data = (uint64_t)(uintptr_t)data,
                              .data_length = length,
                              .flags = event->bits };
    do {
        uint32_t reply_length = 0, received = 0;
        status = sw_call(connection, call, SW_NEVER, &reply_length, &received);
        call->reply_length = reply_length;
        call->received_count = received;
        if (status == SW_SERVER_REPLACED)
            sw_connection_accept(connection);
    } while (status == SW_SERVER_REPLACED || status == SW_PEER_DIED);
    return status;
}

static void answer(const struct message *message, const uint8_t *reply, struct sw_call *call)
{
    struct sw_reply back = { .data = (uint64_t)(uintptr_t)reply, .length = call->reply_length };
    struct sw_reply_header failed = { SW_NO_SPACE, 0 };
    uint64_t done, written = 0;

    while ((message->event.bits & SW_CALL_DATA_OUT) && written < call->data_length &&
           sw_call_write(message->event.token, written, data + written, call->data_length - written,
                         &done) == SW_OK &&
           done > 0)
        written += done;
    if (call->received_count > 0) {
        if (wrap(&call->received[0]) == SW_OK) {
            back.send[0] = call->received[0];
            back.send_count = 1;
            back.send_move = 1;
        } else {
            back.data = (uint64_t)(uintptr_t)&failed;
            back.length = sizeof(failed);
        }
    }
    if (sw_reply(message->event.token, &back) != SW_OK && back.send_count)
        sw_handle_close(back.send[0]);
}

static void forward(struct message *message)
{
    static _Alignas(8) uint8_t reply[SW_MESSAGE_MAX];
    struct sw_request_header *header = (void *)message->bytes;
    struct sw_call call;
    uint64_t done, got = 0;
    uint32_t fault = below(24);

    if (header->id)
        header->id |= (uint64_t)message->event.pid << 32;
    while ((message->event.bits & SW_CALL_DATA_IN) && got < message->event.data_length &&
           got < DATA &&
           sw_call_read(message->event.token, SW_AREA_DATA, got, data + got,
                        message->event.data_length - got, &done) == SW_OK &&
           done > 0)
        got += done;
    if (fault == 0) { /* the request is lost */
        die();
        return;
    }
    if (pass(message, reply, &call) != SW_OK)
        return;
    if (fault <= 3 && header->id) { /* it comes again */
        layer.doubled++;
        for (uint32_t i = 0; i < call.received_count; i++)
            sw_handle_close(call.received[i]);
        if (pass(message, reply, &call) != SW_OK)
            return;
    }
    if (fault == 4) { /* the answer is lost */
        for (uint32_t i = 0; i < call.received_count; i++)
            sw_handle_close(call.received[i]);
        die();
        return;
    }
    answer(message, reply, &call);
}

/* Sends on what was held back, in any order; a death in between forgets the rest. */
static void release(void)
{
    while (layer.held_count > 0) {
        static struct message message;
        uint32_t which = below(layer.held_count);

        message = layer.held[which];
        layer.held[which] = layer.held[--layer.held_count];
        forward(&message);
    }
}

static void receive(struct message *message)
{
    if (layer.held_count < HELD && below(6) == 0) {
        layer.late++;
        layer.held[layer.held_count++] = *message;
        return;
    }
    forward(message);
    if (below(4) == 0)
        release();
}

/* ------------------------------------------------------------------ the program */

static status_t start(char **arguments, handle_t *out_process)
{
    static struct sw_spawn_path paths[8];
    struct sw_spawn_options options = { .arguments = (const char *const *)arguments,
                                        .paths = paths };
    const struct sw_start_handle *entry;
    handle_t connection;
    status_t status = sw_connection_create(layer.channel, 0, &connection);

    for (size_t i = 0; status == SW_OK && (entry = sw_start_path_at(i)) && i < 8; i++) {
        paths[i].prefix = sw_start_text(entry->offset);
        paths[i].connection = strcmp(paths[i].prefix, "/tmp") == 0 ? connection : entry->handle;
        options.path_count = i + 1;
    }
    if (status == SW_OK)
        status = sw_spawn_program(arguments[0], &options, out_process, NULL);
    return status;
}

int main(int argc, char **argv)
{
    static struct message message;
    struct sw_place place;
    handle_t process;

    if (argc < 4 || sw_path_resolve("/tmp", &place) != SW_OK)
        return 2;
    layer.random = strtoull(argv[1], NULL, 10);
    layer.tmp = place.connection;
    uint64_t stop = sw_clock_deadline(strtoull(argv[2], NULL, 10) * SW_SECOND);
    if (sw_channel_create(&layer.channel) != SW_OK || sw_port_create(&layer.port) != SW_OK ||
        sw_channel_serve(layer.channel, layer.port, 1) != SW_OK ||
        start(argv + 3, &process) != SW_OK ||
        sw_port_bind(layer.port, process, UINT64_MAX, 2) != SW_OK)
        return 2;
    for (bool told = false;;) {
        struct sw_wait wait = { .buffer = (uint64_t)(uintptr_t)message.bytes,
                                .capacity = sizeof(message.bytes) };
        status_t status = sw_port_wait(layer.port, &wait, sw_clock_deadline(HOLD));

        if (status == SW_TIMED_OUT) {
            release();
        } else if (status == SW_OK && wait.event.kind == SW_EVENT_EXIT) {
            printf("@F %u deaths, %u doubled, %u late\n", (unsigned)layer.deaths,
                   (unsigned)layer.doubled, (unsigned)layer.late);
            return (int)wait.event.badge;
        } else if (status == SW_OK && wait.event.kind == SW_EVENT_CLOSED && wait.event.badge) {
            sw_handle_close(layer.files[wait.event.badge - 1]);
            layer.files[wait.event.badge - 1] = 0;
        } else if (status == SW_OK && wait.event.kind == SW_EVENT_MESSAGE) {
            message.event = wait.event;
            receive(&message);
        }
        if (!told && sw_clock_monotonic() > stop) {
            FILE *file = fopen("/tmp/load.stop", "w"); /* the real /tmp */
            if (file)
                fclose(file);
            told = true;
        }
    }
}
