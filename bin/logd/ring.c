/* The log of one service. See ring.h. */
#include "ring.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct line_head {
    uint64_t milliseconds;
    uint64_t all;
    uint32_t length;
    uint32_t is_printed;
};

static uint64_t state_check(const struct ring_state *state)
{
    uint64_t sum = RING_MAGIC;
    uint64_t words[] = {
        state->version, state->head,   state->tail,
        state->next,    state->oldest, state->kernel,
        state->all,     state->gone,   (uint64_t)state->inbox << 32 | state->consumed
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        sum = (sum ^ words[i]) * 0x100000001b3ull + 1;
    return sum;
}

/* What was done before is seen by a successor that sees what comes after. The successor is another
 * process, so it is the compiler alone that may not reorder; the kernel's switches order the rest.
 */
static void settle(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* Makes ring->state count. */
static void commit(struct ring *ring)
{
    volatile struct ring_state *copy = &ring->memory->states[(ring->state.version + 1) & 1];
    ring->state.version++;
    ring->state.check = state_check(&ring->state);
    copy->check = 0;
    settle();
    copy->version = ring->state.version;
    copy->head = ring->state.head;
    copy->tail = ring->state.tail;
    copy->next = ring->state.next;
    copy->oldest = ring->state.oldest;
    copy->kernel = ring->state.kernel;
    copy->all = ring->state.all;
    copy->gone = ring->state.gone;
    copy->inbox = ring->state.inbox;
    copy->consumed = ring->state.consumed;
    settle();
    copy->check = ring->state.check;
    settle();
}

void ring_format(struct ring *ring, void *memory, size_t size, const char *name)
{
    *ring = (struct ring){ .memory = memory };
    strncpy(ring->memory->name, name, RING_NAME - 1);
    ring->memory->size = size;
    commit(ring);
    ring->memory->magic = RING_MAGIC;
}

static bool state_valid(const struct ring_memory *memory, const struct ring_state *state)
{
    return state->version && state->check == state_check(state) && state->inbox < 2 &&
           state->consumed <= RING_INBOX && state->head - state->tail <= memory->size &&
           state->oldest <= state->next;
}

bool ring_open(struct ring *ring, void *memory, size_t bytes)
{
    struct ring_memory *found = memory;
    bool valid = false;
    if (bytes < sizeof(*found) || found->magic != RING_MAGIC || found->name[RING_NAME - 1] ||
        found->size > bytes - sizeof(*found) || found->size < 2 * RING_LINE_MAX)
        return false;
    *ring = (struct ring){ .memory = found };
    for (int i = 0; i < 2; i++)
        if (state_valid(found, &found->states[i]) &&
            (!valid || found->states[i].version > ring->state.version)) {
            ring->state = found->states[i];
            valid = true;
        }
    if (!valid)
        return false;
    memset(found->inbox[!ring->state.inbox], 0, RING_INBOX);
    ring->filled = (uint32_t)strnlen((const char *)found->inbox[ring->state.inbox], RING_INBOX);
    return ring->state.consumed <= ring->filled;
}

static void copy_in(struct ring_memory *memory, uint64_t at, const void *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        memory->lines[(at + i) % memory->size] = ((const uint8_t *)from)[i];
}

static void copy_out(const struct ring_memory *memory, uint64_t at, void *to, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)to)[i] = memory->lines[(at + i) % memory->size];
}

/* Drops the oldest lines until `need` bytes are free, and lets that count before they are used. */
static void make_room(struct ring *ring, size_t need)
{
    struct ring_memory *memory = ring->memory;
    uint64_t tail = ring->state.tail;
    while (ring->state.head + need - ring->state.tail > memory->size) {
        struct line_head head;
        copy_out(memory, ring->state.tail, &head, sizeof(head));
        ring->state.tail += sizeof(head) + head.length;
        ring->state.oldest++;
        ring->state.gone = head.all + 1;
    }
    if (tail != ring->state.tail)
        commit(ring);
}

/* Adds a line; `consumed` and `kernel` of the state count from the same moment on. */
static void add_line(struct ring *ring, struct line_head head, const char *text, size_t length,
                     uint32_t consumed, uint64_t kernel)
{
    char clean[RING_LINE_MAX];
    length = length < sizeof(clean) ? length : sizeof(clean);
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)text[i];
        /* As in the kernel's log. */
        bool controls = i > 0 && (uint8_t)text[i - 1] == 0xc2 && byte >= 0x80 && byte < 0xa0;
        clean[i] = (byte < ' ' && byte != '\t') || byte == 0x7f || controls ? '?' : text[i];
        if (controls)
            clean[i - 1] = '?';
    }
    head.length = (uint32_t)length;
    make_room(ring, sizeof(head) + length);
    copy_in(ring->memory, ring->state.head, &head, sizeof(head));
    copy_in(ring->memory, ring->state.head + sizeof(head), clean, length);
    settle();
    ring->state.head += sizeof(head) + length;
    ring->state.next++;
    ring->state.all = head.all + 1;
    ring->state.consumed = consumed;
    ring->state.kernel = kernel;
    commit(ring);
}

void ring_append(struct ring *ring, uint64_t *all, uint64_t milliseconds, const char *text,
                 size_t length, uint64_t kernel)
{
    struct line_head head = { .milliseconds = milliseconds, .all = (*all)++ };
    add_line(ring, head, text, length, ring->state.consumed, kernel);
}

uint8_t *ring_inbox(struct ring *ring, size_t *out_room)
{
    *out_room = RING_INBOX - ring->filled;
    return ring->memory->inbox[ring->state.inbox] + ring->filled;
}

/* Takes the bytes [consumed, end) of the inbox as a line. */
static void take_line(struct ring *ring, uint64_t *all, uint64_t milliseconds, uint32_t end,
                      uint32_t next)
{
    struct line_head head = { .milliseconds = milliseconds, .all = (*all)++, .is_printed = 1 };
    const char *line = (const char *)ring->memory->inbox[ring->state.inbox] + ring->state.consumed;
    uint32_t length = end - ring->state.consumed;
    if (length && line[length - 1] == '\r')
        length--;
    add_line(ring, head, line, length, next, ring->state.kernel);
}

/* Moves what is left of the inbox to the start of the other one. */
static void turn_over(struct ring *ring)
{
    uint8_t *old = ring->memory->inbox[ring->state.inbox];
    uint32_t left = ring->filled - ring->state.consumed;
    memcpy(ring->memory->inbox[!ring->state.inbox], old + ring->state.consumed, left);
    settle();
    ring->state.inbox = !ring->state.inbox;
    ring->state.consumed = 0;
    commit(ring);
    memset(old, 0, ring->filled);
    settle();
    ring->filled = left;
}

void ring_received(struct ring *ring, uint64_t *all, uint64_t milliseconds, size_t count)
{
    uint8_t *inbox = ring->memory->inbox[ring->state.inbox];
    for (uint32_t i = ring->filled; i < ring->filled + count; i++)
        if (!inbox[i])
            inbox[i] = '?';
    ring->filled += (uint32_t)count;
    for (uint32_t at = ring->state.consumed; at < ring->filled; at++) {
        if (inbox[at] == '\n')
            take_line(ring, all, milliseconds, at, at + 1);
        else if (at - ring->state.consumed == RING_LINE_MAX)
            take_line(ring, all, milliseconds, at, at);
    }
    if (ring->state.consumed)
        turn_over(ring);
}

size_t ring_gap(const struct ring *ring, uint64_t count, char *out)
{
    return (size_t)snprintf(out, RING_GAP_MAX,
                            "-- %llu lines of %s are gone: its log keeps %llu KiB --\n",
                            (unsigned long long)count, ring->memory->name,
                            (unsigned long long)(ring->memory->size / 1024));
}

bool ring_line(const struct ring *ring, struct ring_line *line, bool next)
{
    struct line_head head;
    if (next) {
        line->at += sizeof(head) + line->length;
        line->number++;
    }
    if (line->number >= ring->state.next)
        return false;
    copy_out(ring->memory, line->at, &head, sizeof(head));
    line->all = head.all;
    line->milliseconds = head.milliseconds;
    line->length = head.length;
    line->is_printed = head.is_printed;
    return true;
}

void ring_line_text(const struct ring *ring, const struct ring_line *line, char *out)
{
    copy_out(ring->memory, line->at + sizeof(struct line_head), out, line->length);
}

size_t ring_read(const struct ring *ring, uint64_t *sequence, char *out, size_t capacity)
{
    const struct ring_state *state = &ring->state;
    uint64_t at = state->tail, number = state->oldest;
    size_t written = 0;
    if (*sequence > state->next)
        *sequence = state->next;
    if (*sequence < number) {
        char gap[RING_GAP_MAX];
        size_t length = ring_gap(ring, number - *sequence, gap);
        if (length > capacity)
            return 0;
        memcpy(out, gap, length);
        written = length;
        *sequence = number;
    }
    for (; number < state->next; number++) {
        struct line_head head;
        char stamp[32];
        copy_out(ring->memory, at, &head, sizeof(head));
        if (number == *sequence) {
            size_t stamp_length = (size_t)snprintf(stamp, sizeof(stamp), "[%llu] ",
                                                   (unsigned long long)head.milliseconds);
            if (stamp_length + head.length + 1 > capacity - written)
                break;
            memcpy(out + written, stamp, stamp_length);
            copy_out(ring->memory, at + sizeof(head), out + written + stamp_length, head.length);
            written += stamp_length + head.length;
            out[written++] = '\n';
            ++*sequence;
        }
        at += sizeof(head) + head.length;
    }
    return written;
}

void ring_take_over(struct ring *ring, const struct ring *from)
{
    uint64_t at = from->state.tail;
    ring->state.next = ring->state.oldest = from->state.oldest;
    ring->state.kernel = from->state.kernel;
    ring->state.gone = from->state.gone;
    for (uint64_t number = from->state.oldest; number < from->state.next; number++) {
        struct line_head head;
        char text[RING_LINE_MAX];
        copy_out(from->memory, at, &head, sizeof(head));
        copy_out(from->memory, at + sizeof(head), text, head.length);
        add_line(ring, head, text, head.length, 0, from->state.kernel);
        at += sizeof(head) + head.length;
    }
    uint32_t left = from->filled - from->state.consumed;
    memcpy(ring->memory->inbox[ring->state.inbox],
           from->memory->inbox[from->state.inbox] + from->state.consumed, left);
    ring->filled = left;
    commit(ring);
}
