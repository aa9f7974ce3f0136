/* The lines of several logs in the order they came. Pure. */
#pragma once
#include "ring.h"

#define MERGE_MOST 64 /* logs */

/* Lines from number *sequence among all of them on, "NUMBER [ms] [L] source: text\n" each, whole ones
 * only; what a service printed counts as [I] of that service, so no service can speak for another.
 * Where a log has dropped lines, "NUMBER -- N lines of NAME are gone: its log keeps K KiB --\n" stands
 * in the place of the last of them: N counts all that went before. Moves *sequence; UINT64_MAX
 * becomes the next number. next: the number of the next line, which may be above those of all logs that
 * are still there. Returns the bytes. */
size_t merge_read(const struct ring *const *rings, size_t count, uint64_t next, uint64_t *sequence,
                  char *out, size_t capacity);
