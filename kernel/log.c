/* The kernel log: a byte ring of records, each a length and its text without newline.
 *
 * Positions are free-running byte counts, `head` where the next record goes, `tail` the oldest one
 * kept, which has number `oldest`. All under the big lock. */
#include "log.h"
#include "arch.h"

#define RING_SIZE 32768u /* a power of two */

static char ring[RING_SIZE];
static uint64_t head, tail, oldest, newest; /* newest: number of the next record */

uint32_t log_level_minimum = SW_LOG_INFO;

static void ring_put(uint64_t at, const void *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ring[(at + i) % RING_SIZE] = ((const char *)from)[i];
}

static void ring_get(uint64_t at, void *to, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ((char *)to)[i] = ring[(at + i) % RING_SIZE];
}

static uint16_t record_length(uint64_t at)
{
    uint16_t length;
    ring_get(at, &length, sizeof length);
    return length;
}

static void ring_append(const char *text, uint16_t length)
{
    while (head + sizeof length + length - tail > RING_SIZE) {
        tail += sizeof length + record_length(tail);
        oldest++;
    }
    ring_put(head, &length, sizeof length);
    ring_put(head + sizeof length, text, length);
    head += sizeof length + length;
    newest++;
}

static void record_add(uint32_t level, const char *text, size_t length)
{
    char record[LOG_RECORD_MAX + 1];
    size_t at = format_line(record, sizeof record, "[%lu] [%c] ",
                            (unsigned long)(arch_since_boot() / 1000000), "DIWEP"[level]);
    if (length > LOG_LINE_MAX)
        length = LOG_LINE_MAX;
    memcpy(record + at, text, length);
    at += length;
    ring_append(record, (uint16_t)at);
    if (early_console_active) {
        record[at++] = '\n';
        early_console_write(record, at);
    }
}

void log_text(uint32_t level, const char *text, size_t length)
{
    char clean[LOG_LINE_MAX];
    if (level < log_level_minimum)
        return;
    if (length > sizeof clean)
        length = sizeof clean;
    for (size_t i = 0; i < length; i++)
        clean[i] = (uint8_t)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    record_add(level, clean, length);
}

void log_line(uint32_t level, const char *source, const char *format, ...)
{
    char text[LOG_LINE_MAX + 1];
    if (level < log_level_minimum)
        return;
    size_t at = format_line(text, sizeof text, "%s: ", source);
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    at += format_text(text + at, sizeof text - at, format, arguments);
    __builtin_va_end(arguments);
    record_add(level, text, at);
}

size_t log_record(uint64_t *sequence, char *buffer)
{
    if (*sequence < oldest)
        *sequence = oldest;
    if (*sequence >= newest)
        return 0;
    uint64_t at = tail;
    for (uint64_t number = oldest; number < *sequence; number++)
        at += sizeof(uint16_t) + record_length(at);
    uint16_t length = record_length(at);
    ring_get(at + sizeof length, buffer, length);
    buffer[length] = '\n';
    ++*sequence;
    return length + 1u;
}

uint64_t log_sequence_of_last(size_t bytes)
{
    uint64_t at = tail, number = oldest;
    for (; number < newest && head - at > bytes; number++)
        at += sizeof(uint16_t) + record_length(at);
    return number;
}
