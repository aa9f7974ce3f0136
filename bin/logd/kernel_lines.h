/* Which service a line of the kernel log belongs to. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_line {
    uint64_t milliseconds;
    const char *text; /* from the level on: "[W] imgfs: block 7 ..." */
    size_t text_length;
    const char *owner; /* NULL: a line of a crash record after its first */
    size_t owner_length;
};

/* Takes "[ms] [L] source: message" apart. The owner is the source; of a line by init, the service
 * it starts with; of the first line of a crash record, the program. False: not such a line. */
bool kernel_line_parse(const char *line, size_t length, struct kernel_line *out);
