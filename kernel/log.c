/* The kernel log: a byte ring of records, each a length and its text without newline.
 *
 * Positions are free-running byte counts, `head` where the next record goes, `tail` the oldest one
 * kept, which has number `oldest`. `gathered` is where the reader that keeps everything has come to.
 * All under the big lock. */
#include "log.h"
#include "arch.h"

#define RING_SIZE 32768u /* a power of two */

static char ring[RING_SIZE];
static uint64_t head, tail, oldest, newest; /* newest: number of the next record */
static uint64_t gathered;

uint32_t log_level_minimum = SW_LOG_INFO;

/* Sources with a level of their own. */
#define FILTERS 16
static struct filter {
    char source[LOG_SOURCE_MAX];
    size_t length;
    uint32_t level;
} filters[FILTERS];
static uint32_t filter_count;

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

/* Where the record of a number lies that is kept, or the next one will. Readers go forward: the way
 * goes on from the one that was looked for last. */
static uint64_t position_of(uint64_t number)
{
    static uint64_t last, at;
    if (last < oldest || last > number) {
        last = oldest;
        at = tail;
    }
    for (; last < number; last++)
        at += sizeof(uint16_t) + record_length(at);
    return at;
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

static struct filter *filter_find(const char *source, size_t length)
{
    for (uint32_t i = 0; i < filter_count; i++)
        if (filters[i].length == length && memcmp(filters[i].source, source, length) == 0)
            return &filters[i];
    return NULL;
}

status_t log_filter_set(const char *source, size_t length, uint32_t level)
{
    if (level > SW_LOG_ERROR && level != SW_LOG_DEFAULT)
        return SW_INVALID;
    if (length == 0) {
        log_level_minimum = level == SW_LOG_DEFAULT ? SW_LOG_INFO : level;
        return SW_OK;
    }
    if (length > LOG_SOURCE_MAX)
        return SW_TOO_LARGE;
    struct filter *filter = filter_find(source, length);
    if (level == SW_LOG_DEFAULT) {
        if (filter)
            *filter = filters[--filter_count];
        return SW_OK;
    }
    if (!filter) {
        if (filter_count == FILTERS)
            return SW_QUOTA;
        filter = &filters[filter_count++];
        memcpy(filter->source, source, length);
        filter->length = length;
    }
    filter->level = level;
    return SW_OK;
}

/* True if lines of that source and level are kept. */
static bool is_wanted(uint32_t level, const char *source, size_t length)
{
    const struct filter *filter = filter_count ? filter_find(source, length) : NULL;
    return level >= (filter ? filter->level : log_level_minimum);
}

bool log_wants(uint32_t level, const char *text, size_t length)
{
    size_t source = 0;
    while (source < length && text[source] != ':' && text[source] != '[') /* name[pid]: */
        source++;
    return is_wanted(level, text, source);
}

void log_clean(char *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)text[i];
        bool controls = i > 0 && (uint8_t)text[i - 1] == 0xc2 && byte >= 0x80 && byte < 0xa0;
        out[i] = byte < ' ' || byte == 0x7f || controls ? '?' : text[i];
        if (controls)
            out[i - 1] = '?';
    }
}

void log_text(uint32_t level, const char *text, size_t length)
{
    char clean[LOG_LINE_MAX];
    if (!log_wants(level, text, length))
        return;
    if (length > sizeof clean)
        length = sizeof clean;
    log_clean(clean, text, length);
    record_add(level, clean, length);
}

void log_line(uint32_t level, const char *source, const char *format, ...)
{
    char text[LOG_LINE_MAX + 1];
    if (!is_wanted(level, source, strlen(source)))
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
    uint64_t at = position_of(*sequence);
    uint16_t length = record_length(at);
    ring_get(at + sizeof length, buffer, length);
    buffer[length] = '\n';
    ++*sequence;
    return length + 1u;
}

void log_gathered(uint64_t sequence)
{
    sequence = sequence < oldest ? oldest : sequence;
    gathered = position_of(sequence < newest ? sequence : newest);
}

bool log_should_be_gathered(void)
{
    return head - gathered > RING_SIZE / 2;
}

uint64_t log_count(void)
{
    return newest;
}

uint64_t log_sequence_of_last(size_t bytes)
{
    uint64_t at = tail, number = oldest;
    for (; number < newest && head - at > bytes; number++)
        at += sizeof(uint16_t) + record_length(at);
    return number;
}
