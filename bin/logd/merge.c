/* The lines of several logs in the order they came. See merge.h. */
#include "merge.h"

#include <stdio.h>
#include <string.h>

struct place {
    struct ring_line line;
    bool has_line, has_gap;
};

static void place_find(const struct ring *ring, uint64_t sequence, struct place *place)
{
    *place = (struct place){ 0 };
    if (ring->state.all <=
        sequence) /* nothing new: its lines need not be walked for each follower */
        return;
    *place = (struct place){ .line = { .at = ring->state.tail, .number = ring->state.oldest } };
    place->has_gap = ring->state.gone > sequence;
    place->has_line = ring_line(ring, &place->line, false);
    while (place->has_line && place->line.all < sequence)
        place->has_line = ring_line(ring, &place->line, true);
}

/* The number of what comes next of a log. */
static uint64_t place_number(const struct ring *ring, const struct place *place)
{
    if (place->has_gap)
        return ring->state.gone - 1;
    return place->has_line ? place->line.all : UINT64_MAX;
}

/* What comes next of a log as text; the length, at most ENTRY_MAX. */
#define ENTRY_MAX (RING_LINE_MAX + RING_NAME + 64)
static size_t place_format(const struct ring *ring, const struct place *place, char *out)
{
    size_t length =
        (size_t)snprintf(out, 32, "%llu ", (unsigned long long)place_number(ring, place));
    if (place->has_gap)
        return length + ring_gap(ring, ring->state.oldest, out + length);
    const struct ring_line *line = &place->line;
    length += (size_t)snprintf(out + length, 32, "[%llu] ", (unsigned long long)line->milliseconds);
    if (line->is_printed)
        length += (size_t)snprintf(out + length, RING_NAME + 8, "[I] %s: ", ring->memory->name);
    ring_line_text(ring, line, out + length);
    length += line->length;
    out[length++] = '\n';
    return length;
}

size_t merge_read(const struct ring *const *rings, size_t count, uint64_t next, uint64_t *sequence,
                  char *out, size_t capacity)
{
    static struct place places[MERGE_MOST];
    size_t written = 0;
    for (size_t i = 0; i < count; i++)
        place_find(rings[i], *sequence, &places[i]);
    if (*sequence > next)
        *sequence = next;
    for (;;) {
        size_t first = 0;
        uint64_t number = UINT64_MAX;
        for (size_t i = 0; i < count; i++) {
            if (place_number(rings[i], &places[i]) < number) {
                number = place_number(rings[i], &places[i]);
                first = i;
            }
        }
        if (number == UINT64_MAX) {
            *sequence = next;
            return written;
        }
        char entry[ENTRY_MAX];
        size_t length = place_format(rings[first], &places[first], entry);
        if (length > capacity - written)
            return written;
        memcpy(out + written, entry, length);
        written += length;
        *sequence = number + 1;
        if (places[first].has_gap)
            places[first].has_gap = false;
        else
            places[first].has_line = ring_line(rings[first], &places[first].line, true);
    }
}
