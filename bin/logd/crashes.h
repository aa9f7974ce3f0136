/* Crash records as logd keeps them: the kernel's, with the log lines of that time. In vault memory,
 * all of it taken at once: a crash must not need memory, and what is kept must not grow.
 *
 * A place is written with no number, and gets its number last: a death in between leaves an empty
 * place, and the kernel still has the record (crash_seen comes after). Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRASH_PLACES 8
#define CRASH_PLACE_SIZE 32768u
#define CRASH_BYTES (CRASH_PLACES * CRASH_PLACE_SIZE)
#define CRASH_KERNEL 8192u  /* of the kernel's record */
#define CRASH_SERVICE 8192u /* of lines the service printed */
#define CRASH_MAGIC 0x3153485352434753ull

struct crash_place {
    uint64_t magic;
    uint64_t number; /* the kernel's; 0: empty */
    uint32_t length;
    uint32_t earlier; /* of before the reset */
    uint64_t check;
    char text[CRASH_PLACE_SIZE - 32];
};
_Static_assert(sizeof(struct crash_place) == CRASH_PLACE_SIZE, "crash_place");

/* Drops what cannot be believed. The highest number there is; 0: none. */
uint64_t crashes_open(struct crash_place *places);
/* Empties the place of the oldest record, or takes an empty one. */
struct crash_place *crash_begin(struct crash_place *places);
/* The place's text is complete. */
void crash_finish(struct crash_place *place, uint64_t number, bool earlier);
const struct crash_place *crash_find(const struct crash_place *places, uint64_t number);
/* The program a record is of: the first word. */
size_t crash_program(const char *text, size_t length);
/* Cuts the kernel's own log lines off. */
void crash_cut_lines(struct crash_place *place);
/* Adds bytes and what is said in front of them; what does not fit is cut off in front, by lines. */
void crash_add(struct crash_place *place, const char *title, const char *text, size_t length);
/* Cuts whole lines off in front until at most `most` bytes are left: returns where they begin. */
size_t crash_tail(const char *text, size_t length, size_t most);
/* One a line, newest first: number, 1 if of before the reset, milliseconds since the start, first
 * line; tab-separated. Returns the bytes. */
size_t crash_list(const struct crash_place *places, char *out, size_t capacity);
