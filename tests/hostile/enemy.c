/* The server of everything init asks, as a service (hostile_services.lua). What it does depends on the
 * badge: wrong answers of any kind, or right ones without end: directories that go on, files that have
 * no last byte, logs whose next line is the one asked for, terminals that nobody reads. */
#include "hostile.h"
#include <string.h>
#include <swos/clock.h>
#include <swos/message.h>
#include <swos/protocol.h>
#include <swos/start.h>

enum { KEY_CHANNEL };
enum { BADGE_ENDLESS = 2 };

#define ENTRIES 64 /* of a directory, an answer */
#define HUGE (1ull << 62)

static handle_t endless_file, endless_memory;

/* Entries that are scripts' by their names. Returns their length. */
static uint32_t entries(uint8_t *bytes, uint64_t first)
{
    struct sw_attributes attributes = { .mode = 0644, .kind = SW_FILE_REGULAR };
    uint32_t length = 0;

    for (uint64_t i = first * ENTRIES; i < (first + 1) * ENTRIES; i++) {
        char name[] = "a000000000.lua";
        uint16_t size = sizeof(name) - 1;
        uint64_t rest = i;
        for (int at = 9; at > 0; at--, rest /= 10)
            name[at] = (char)('0' + rest % 10);
        memcpy(bytes + length, &attributes, sizeof(attributes));
        memcpy(bytes + length + sizeof(attributes), &size, sizeof(size));
        memcpy(bytes + length + sizeof(attributes) + sizeof(size), name, size);
        length += (uint32_t)(sizeof(attributes) + sizeof(size) + size + 7) & ~7u;
    }
    return length;
}

static void endless(const struct sw_event *event, const uint8_t *message)
{
    static uint8_t data[65536];
    union {
        struct sw_file_open_reply open;
        struct sw_file_stat_reply stat;
        struct sw_file_list_reply list;
        struct sw_file_read_reply read;
        struct sw_log_lines_reply lines;
        uint8_t bytes[SW_MESSAGE_MAX];
    } answer = { 0 };
    const struct operation *operation = operation_find(message, event->request_length);
    struct sw_reply reply = { .data = (uint64_t)(uintptr_t)&answer };
    uint64_t capacity = event->bits & SW_CALL_DATA_OUT ? event->data_length : 0, done = 0;

    for (uint32_t i = 0; i < event->received_count; i++)
        sw_handle_close(event->received[i]);
    const char *name = operation ? operation->name : "";
    reply.length = operation ? operation->reply.size : sizeof(struct sw_reply_header);
    capacity = capacity < sizeof(data) ? capacity : sizeof(data);
    memset(data, 'a', sizeof(data));
    if (!strcmp(name, "open") && operation->id == SW_PROTOCOL_FILE) {
        answer.open.form = below(2) ? 0 : 2;
        answer.open.attributes.size = HUGE;
        reply.send[0] = endless_file;
        reply.send_count = answer.open.form == 0;
    } else if (!strcmp(name, "open")) {
        reply.send_count = odd_handles(operation->receive, reply.send);
    } else if (!strcmp(name, "extent")) {
        reply.send[0] = endless_memory;
        reply.send_count = 1;
    } else if (!strcmp(name, "stat")) {
        answer.stat.attributes.mode = 0755;
    } else if (!strcmp(name, "list")) {
        struct sw_file_list_request request;
        memcpy(&request, message, sizeof(request));
        answer.list.count = ENTRIES;
        answer.list.next = request.cookie + 1;
        answer.list.bytes = entries(data, request.cookie);
        capacity = answer.list.bytes;
    } else if (!strcmp(name, "read")) {
        answer.read.done = capacity;
    } else if (!strcmp(name, "lines")) {
        struct sw_log_lines_request request;
        memcpy(&request, message, sizeof(request));
        answer.lines.next = request.sequence;
        answer.lines.bytes = 8;
    }
    if (capacity > 0)
        sw_call_write(event->token, 0, data, capacity, &done);
    sw_reply(event->token, &reply);
}

int enemy(void)
{
    static _Alignas(8) uint8_t message[SW_MESSAGE_MAX];

    serving.channel = sw_start_get("serve");
    if (!odds_create() || sw_port_create(&serving.port) != SW_OK ||
        sw_connection_create(serving.channel, 1, &serving.connection) != SW_OK ||
        sw_connection_create(serving.channel, BADGE_ENDLESS, &endless_file) != SW_OK ||
        sw_memory_create(SW_FILE_EXTENT, 0, &endless_memory) != SW_OK ||
        sw_channel_serve(serving.channel, serving.port, KEY_CHANNEL) != SW_OK)
        return 2;
    odd_handle_set("connection", serving.connection);
    while (true) {
        struct sw_wait wait = { .buffer = (uint64_t)(uintptr_t)message,
                                .capacity = sizeof(message) };
        status_t status = sw_port_wait(serving.port, &wait, sw_clock_deadline(20 * SW_MILLISECOND));
        if (status != SW_OK || wait.event.kind != SW_EVENT_MESSAGE)
            release();
        else if (wait.event.badge == BADGE_ENDLESS)
            endless(&wait.event, message);
        else
            misbehave(&wait.event, message);
    }
}
