/* The sets of tr. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tr_set {
    uint8_t bytes[65536]; /* in order, some perhaps twice */
    size_t count;
    bool has[256];
};

/* Reads a-z, [:class:], [=c=], [c*N], \n and the other escapes. `against`, the first set when this is the second,
 * tells how far [c*] goes, and what [:upper:] and [:lower:] stand against. A message, or NULL. */
const char *tr_set_read(struct tr_set *set, const char *text, const struct tr_set *against);
void tr_set_complement(struct tr_set *set);
