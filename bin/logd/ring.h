/* The log of one service as it lies in vault memory: numbered lines in a ring, and the bytes that
 * came without a newline yet.
 *
 * It may be left by a death at any instruction and is believed after ring_open:
 *   state   two copies; the other one is written, then its check. The newer valid one counts
 *   lines   where they go is free by the counting state; they count with the next one
 *   inbox   what a pipe gave is read straight into it, behind what is there; it is zero from there
 *           on, so a successor finds bytes whose number it was not told. `consumed` moves in the
 *           same step as the lines it fills. What is left over moves to the other inbox, which
 *           counts with the next state; then the old one is cleared
 * The object is private to logd: the checks catch an interrupted write, not an enemy. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_MAGIC 0x32474f4c44574f53ull
#define RING_NAME 32
#define RING_LINE_MAX 512 /* longer ones are cut into several */
#define RING_INBOX 1536

struct ring_state {
    uint64_t version;      /* higher is newer; 0: never written */
    uint64_t head, tail;   /* free-running byte counts */
    uint64_t next, oldest; /* numbers of lines */
    uint64_t kernel;       /* number of the first line of the kernel log not looked at */
    uint64_t all;          /* number among the lines of all logs after its newest line's */
    uint64_t gone;         /* the same of the newest line that was dropped; 0: none was */
    uint32_t inbox;        /* which one counts */
    uint32_t consumed;     /* bytes of it that are in lines already */
    uint64_t check;
};

struct ring_memory {
    uint64_t magic; /* written last */
    char name[RING_NAME];
    uint64_t size; /* bytes of lines */
    struct ring_state states[2];
    uint8_t inbox[2][RING_INBOX];
    uint8_t lines[];
};

struct ring {
    struct ring_memory *memory;
    struct ring_state state; /* what counts */
    uint32_t filled;         /* bytes in the inbox */
};

/* Bytes of memory a log of `size` bytes of lines takes. */
static inline size_t ring_memory_size(size_t size)
{
    return sizeof(struct ring_memory) + size;
}

/* Makes an empty log in zeroed memory. */
void ring_format(struct ring *ring, void *memory, size_t size, const char *name);
/* Takes over a log; false: there is none that can be believed in those `bytes` bytes. */
bool ring_open(struct ring *ring, void *memory, size_t bytes);

/* Adds a line of the kernel log. Bytes that are not text are replaced; it begins with level and
 * source. kernel: its number there, plus one. *all: its number among the lines of all logs, which
 * goes up by one. */
void ring_append(struct ring *ring, uint64_t *all, uint64_t milliseconds, const char *text,
                 size_t length, uint64_t kernel);

/* Where a pipe's bytes go and how many fit, never 0. */
uint8_t *ring_inbox(struct ring *ring, size_t *out_room);
/* `count` bytes are there: whole lines become lines. */
void ring_received(struct ring *ring, uint64_t *all, uint64_t milliseconds, size_t count);

/* Lines from number *sequence on as text, "[ms] line\n" each, whole ones only; moves *sequence.
 * Lines that are gone are told first. Returns the bytes. UINT64_MAX becomes the next number. */
size_t ring_read(const struct ring *ring, uint64_t *sequence, char *out, size_t capacity);

/* A line where it lies. */
struct ring_line {
    uint64_t at, number; /* its place, and its number in this log */
    uint64_t all, milliseconds;
    uint32_t length;
    bool is_printed; /* else of the kernel log */
};

/* The line at line->at, line->number, both moved on first if `next`; false: there is none. Start
 * with tail and oldest of the state. */
bool ring_line(const struct ring *ring, struct ring_line *line, bool next);
void ring_line_text(const struct ring *ring, const struct ring_line *line, char *out);
/* "-- N lines of NAME are gone: its log keeps K KiB --\n"; the length, at most RING_GAP_MAX. */
#define RING_GAP_MAX 128
size_t ring_gap(const struct ring *ring, uint64_t count, char *out);

/* Adds the lines of another log that fit, with their numbers. This one is empty. */
void ring_take_over(struct ring *ring, const struct ring *from);
