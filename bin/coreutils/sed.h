/* A script of sed, read. */
#pragma once
#include "expression.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sed_address_kind {
    ADDRESS_NONE,
    ADDRESS_LINE,
    ADDRESS_LAST,
    ADDRESS_REGEX,    /* regex NULL: the last one used */
    ADDRESS_STEP,     /* first~step */
    ADDRESS_MORE,     /* second only: +N lines */
    ADDRESS_MULTIPLE, /* second only: ~N, up to a multiple */
};

struct sed_address {
    enum sed_address_kind kind;
    uint64_t line, step;
    struct regex *regex;
};

/* What a match is replaced by, in pieces: text before a group (-1: none). */
struct sed_piece {
    const char *text;
    size_t length;
    int group;
    char change; /* U, L, E, u, l from here on; 0: as before */
};

struct sed_command {
    struct sed_address first, second;
    bool negated;
    char name;
    /* a range: whether it is on, up to which line when that is known, and where it began last; 0: nowhere */
    bool on;
    uint64_t until, began;
    size_t target; /* {: behind its }; b, t, T: where they go */
    /* s */
    struct regex *regex;
    struct sed_piece *pieces;
    size_t piece_count;
    uint64_t number; /* s: the match to start with; q, Q: status */
    bool all, print;
    const char *text; /* a, i, c; r, w, s///w: name; labels; y: 256 bytes */
    size_t length;
    int fd; /* w */
};

struct sed_script {
    struct sed_command *commands;
    size_t count;
    bool quiet; /* it starts with #n */
};

/* Says mistakes and ends the program. flags: REGEX_EXTENDED. */
void sed_read(struct sed_script *script, const char *text, size_t length, unsigned flags);
