/* Keys of sort: where they lie in a line, and which comes first. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sort_kind { SORT_BYTES, SORT_NUMBER, SORT_SIZE, SORT_VERSION };

struct sort_order {
    enum sort_kind kind;
    bool reverse, fold, dictionary, visible, skip_start, skip_end;
};

struct sort_key {
    struct sort_order order;
    uint32_t start_field, start_byte; /* from 1 */
    uint32_t end_field,
        end_byte; /* end_field UINT32_MAX: the line's end; end_byte 0: the field's */
    bool has_order, start_skips, is_line;
};

/* As separator: fields start with the blanks before them. */
#define SORT_BLANKS '\n'

int sort_compare(const struct sort_key *key, char separator, const char *a, size_t a_length,
                 const char *b, size_t b_length);

/* A number that is smaller, equal or greater where the key is, reversing aside, and equal where it cannot tell.
 * *out_whole: lines with equal numbers and both of this have equal keys. */
uint64_t sort_prefix(const struct sort_key *key, char separator, const char *line, size_t length,
                     bool *out_whole);
