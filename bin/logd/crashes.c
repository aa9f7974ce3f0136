/* Crash records. See crashes.h. */
#include "crashes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* A successor that sees what comes after sees what was done before: only the compiler may not
 * reorder (as in ring.c). */
static void settle(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

static uint64_t place_check(const struct crash_place *place)
{
    uint64_t sum = CRASH_MAGIC;
    uint64_t words[] = { place->number, place->length, place->earlier };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        sum = (sum ^ words[i]) * 0x100000001b3ull + 1;
    for (size_t i = 0; i < place->length; i++)
        sum = (sum ^ (uint8_t)place->text[i]) * 0x100000001b3ull;
    return sum;
}

static bool place_valid(const struct crash_place *place)
{
    return place->magic == CRASH_MAGIC && place->number && place->length <= sizeof(place->text) &&
           place->check == place_check(place);
}

uint64_t crashes_open(struct crash_place *places)
{
    uint64_t newest = 0;
    for (int i = 0; i < CRASH_PLACES; i++) {
        if (!place_valid(&places[i]))
            places[i].number = places[i].length = 0;
        if (places[i].number > newest)
            newest = places[i].number;
    }
    return newest;
}

struct crash_place *crash_begin(struct crash_place *places)
{
    struct crash_place *place = &places[0];
    for (int i = 1; i < CRASH_PLACES; i++)
        if (places[i].number < place->number)
            place = &places[i];
    place->number = 0;
    settle();
    place->length = 0;
    return place;
}

void crash_finish(struct crash_place *place, uint64_t number, bool earlier)
{
    place->magic = CRASH_MAGIC;
    place->earlier = earlier;
    place->check = 0;
    settle();
    place->number = number;
    settle();
    place->check = place_check(place);
    settle();
}

const struct crash_place *crash_find(const struct crash_place *places, uint64_t number)
{
    for (int i = 0; i < CRASH_PLACES; i++)
        if (number && places[i].number == number)
            return &places[i];
    return NULL;
}

static size_t line_length(const char *text, size_t length)
{
    const char *end = memchr(text, '\n', length);
    return end ? (size_t)(end - text) : length;
}

size_t crash_program(const char *text, size_t length)
{
    size_t line = line_length(text, length);
    const char *end = memchr(text, ' ', line);
    return end ? (size_t)(end - text) : line;
}

void crash_cut_lines(struct crash_place *place)
{
    static const char title[] = "last log lines\n";
    for (size_t at = 0; at < place->length;
         at += line_length(place->text + at, place->length - at) + 1)
        if (place->length - at >= sizeof(title) - 1 &&
            memcmp(place->text + at, title, sizeof(title) - 1) == 0)
            place->length = (uint32_t)at;
}

size_t crash_tail(const char *text, size_t length, size_t most)
{
    size_t at = 0;
    if (length <= most)
        return 0;
    at = length - most;
    if (text[at - 1] == '\n')
        return at;
    at += line_length(text + at, length - at) + 1;
    return at < length ? at : length;
}

void crash_add(struct crash_place *place, const char *title, const char *text, size_t length)
{
    size_t room = sizeof(place->text) - place->length, head = strlen(title);
    if (head > room)
        return;
    size_t from = crash_tail(text, length, room - head);
    /* The text may lie in the place, where it is to go or behind. */
    memmove(place->text + place->length + head, text + from, length - from);
    memcpy(place->text + place->length, title, head);
    place->length += (uint32_t)(head + length - from);
}

/* The N of ` at N ms` in the line that names the program. */
static uint64_t place_milliseconds(const struct crash_place *place)
{
    for (size_t at = 0; at < place->length;) {
        const char *line = place->text + at;
        size_t length = line_length(line, place->length - at);
        if (length > 8 && memcmp(line, "program ", 8) == 0) {
            for (size_t i = 8; i + 4 < length; i++) {
                if (memcmp(line + i, " at ", 4) != 0)
                    continue;
                uint64_t value = 0;
                for (i += 4; i < length && line[i] >= '0' && line[i] <= '9'; i++)
                    value = value * 10 + (uint64_t)(line[i] - '0');
                return value;
            }
        }
        at += length + 1;
    }
    return 0;
}

size_t crash_list(const struct crash_place *places, char *out, size_t capacity)
{
    size_t at = 0;
    uint64_t below = UINT64_MAX;
    for (int count = 0; count < CRASH_PLACES; count++) {
        const struct crash_place *next = NULL;
        for (int i = 0; i < CRASH_PLACES; i++)
            if (places[i].number && places[i].number < below &&
                (!next || places[i].number > next->number))
                next = &places[i];
        if (!next)
            break;
        below = next->number;
        int length = snprintf(out + at, capacity - at, "%llu\t%u\t%llu\t%.*s\n",
                              (unsigned long long)next->number, (unsigned)next->earlier,
                              (unsigned long long)place_milliseconds(next),
                              (int)line_length(next->text, next->length), next->text);
        if (length < 0 || (size_t)length >= capacity - at)
            break;
        at += (size_t)length;
    }
    return at;
}
