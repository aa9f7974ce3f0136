/* Odd things. See hostile.h. */
#include "hostile.h"

#include <string.h>
#include <swos/message.h>
#include <swos/start.h>

const struct operation operations[] = {
#include "hostile_rows.inc"
};
const size_t operation_count = sizeof(operations) / sizeof(operations[0]);

const struct operation *operation_find(const uint8_t *message, size_t length)
{
    struct sw_request_header header;

    if (length < sizeof(header))
        return NULL;
    memcpy(&header, message, sizeof(header));
    for (size_t i = 0; i < operation_count; i++)
        if (operations[i].id == header.protocol && operations[i].number == header.operation)
            return &operations[i];
    return NULL;
}

/* ------------------------------------------------------------------ numbers and texts */

_Thread_local uint64_t random_state;

static uint64_t random_word(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 31;
}

uint32_t below(uint32_t limit)
{
    return (uint32_t)(random_word() % limit);
}

uint64_t odd_number(void)
{
    static const uint64_t odd[] = { 0,    1,          2,           7,          8,
                                    4096, UINT32_MAX, UINT64_MAX,  0x7fffffff, 1ull << 32,
                                    255,  8192,       0x100000000, 512,        1ull << 63 };
    return below(4) ? odd[below(sizeof(odd) / sizeof(odd[0]))] : random_word();
}

const char *odd_text(void)
{
    static char number[21], long_one[1200];
    static const char *const texts[] = { "",      "a",      "d/a",  "hello.txt", "bin/lua",
                                         "..",    "/",      "a//b", "kernel",    "tmpfs",
                                         "names", "system", "root", "%s%n",      "a\tb\nc" };
    uint32_t which = below(sizeof(texts) / sizeof(texts[0]) + 2);
    uint64_t rest = random_word();

    if (which < sizeof(texts) / sizeof(texts[0]))
        return texts[which];
    if (which == sizeof(texts) / sizeof(texts[0])) {
        memset(long_one, 'x', sizeof(long_one));
        long_one[below(sizeof(long_one))] = 0;
        long_one[sizeof(long_one) - 1] = 0;
        return long_one;
    }
    number[20] = 0;
    for (int i = 20; i > 0; rest /= 10)
        number[--i] = (char)('0' + rest % 10);
    return number + below(20);
}

void odd_fill(uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at + 4 <= length; at += 4) {
        uint32_t word = at < 64 || below(8) == 0 ? (uint32_t)odd_number() : 0x2f612f61;
        memcpy(bytes + at, &word, 4);
    }
}

void odd_lines(uint8_t *bytes, size_t length)
{
    static const char *const between[] = { "\t", "\t", " ", "\n", ": ", "[12] ", "[I] ", "=", "" };

    for (size_t at = 0, size; at < length; at += size) {
        const char *text =
            below(2) ? between[below(sizeof(between) / sizeof(between[0]))] : odd_text();
        size = strlen(text) < 30 ? strlen(text) : 30;
        size = size < length - at ? size : length - at;
        memcpy(bytes + at, text, size);
    }
}

size_t odd_compose(uint8_t *bytes, const struct part *part, size_t limit)
{
    size_t length = part->size;

    odd_fill(bytes, length);
    for (uint32_t i = 0; i < part->string_count; i++) {
        const char *text = odd_text();
        uint32_t size = (uint32_t)strlen(text);
        size = length + size <= limit ? size : 0;
        memcpy(bytes + part->strings_at + 4 * i, &size, sizeof(size));
        memcpy(bytes + length, text, size);
        length += size;
    }
    return length;
}

/* ------------------------------------------------------------------ handles */

static struct {
    const char *kind;
    handle_t handle;
} odds[] = { { "event", 0 },      { "memory", 0 }, { "pipe", 0 },  { "job", 0 },
             { "connection", 0 }, { "output", 0 }, { "blind", 0 }, { "deaf", 0 } };
#define ODDS (sizeof(odds) / sizeof(odds[0]))

void odd_handle_set(const char *kind, handle_t handle)
{
    for (size_t i = 0; i < ODDS; i++)
        if (strcmp(odds[i].kind, kind) == 0)
            odds[i].handle = handle;
}

bool odds_create(void)
{
    const uint32_t usable = SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER;
    handle_t event, memory, reader, writer, job, channel, connection;
    handle_t blind, blind_writer, deaf_reader, deaf;
    uint64_t done;

    if (sw_event_create(&event) != SW_OK || sw_memory_create(16 * SW_PAGE, 0, &memory) != SW_OK ||
        sw_pipe_create(SW_PAGE, 0, &reader, &writer) != SW_OK ||
        sw_job_create(sw_start_get("job"), &(struct sw_limits){ 0 }, &job) != SW_OK ||
        sw_channel_create(&channel) != SW_OK ||
        sw_connection_create(channel, 1, &connection) != SW_OK)
        return false;
    sw_event_update(event, 0, UINT64_MAX, NULL);
    /* Ends of pipes that nobody can wait for: of an empty one to read, of a full one to write. */
    if (sw_pipe_create(SW_PAGE, 0, &blind, &blind_writer) != SW_OK ||
        sw_pipe_create(SW_PAGE, 0, &deaf_reader, &deaf) != SW_OK)
        return false;
    static const uint8_t page[SW_PAGE];
    sw_pipe_write(deaf, page, sizeof(page), 0, &done);
    if (sw_handle_duplicate(blind, SW_RIGHT_READ | usable, &blind) != SW_OK ||
        sw_handle_duplicate(deaf, SW_RIGHT_WRITE | usable, &deaf) != SW_OK)
        return false;
    odd_handle_set("blind", blind);
    odd_handle_set("deaf", deaf);
    odd_handle_set("event", event);
    odd_handle_set("memory", memory);
    odd_handle_set("pipe", reader);
    odd_handle_set("output", writer);
    odd_handle_set("job", job);
    odd_handle_set("connection", connection);
    return true;
}

handle_t odd_handle(const char *kind)
{
    static const struct {
        const char *kind, *same;
    } others[] = { { "memory0", "memory" },
                   { "memory1", "memory" },
                   { "handle", "connection" },
                   { "input", "pipe" } };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(others[i].kind, kind) == 0)
            kind = others[i].same;
    for (size_t i = 0; i < ODDS && below(8); i++)
        if (strcmp(odds[i].kind, kind) == 0)
            return odds[i].handle;
    return odds[below(ODDS)].handle;
}

uint32_t odd_handles(const char *const kinds[SW_HANDLES_MAX], handle_t handles[SW_HANDLES_MAX])
{
    uint32_t count = 0;

    if (below(3) == 0) {
        count = below(SW_HANDLES_MAX + 1);
        for (uint32_t i = 0; i < count; i++)
            handles[i] = odd_handle("");
    } else {
        for (; kinds && count < SW_HANDLES_MAX && kinds[count]; count++)
            handles[count] = odd_handle(kinds[count]);
    }
    return count;
}
