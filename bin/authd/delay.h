/* Growing delays after wrong passwords, per name.
 *
 * Pure, and of fixed size: when every place is taken, the name whose delay ends first gives way.
 * Filling the table costs an attacker one password hash a place. Names that have no account are
 * counted like others, so the delay tells nothing. */
#pragma once
#include <stdint.h>

#define DELAY_PLACES 64
#define DELAY_FIRST_MS 250
#define DELAY_MAX_MS 30000
#define DELAY_FORGET_NS (600ull * 1000000000ull) /* after the delay's end */

struct delay_table {
    struct delay_place {
        uint64_t name;     /* keyed hash of the name */
        uint64_t until;    /* monotonic: no earlier try is taken */
        uint32_t failures; /* 0: free */
    } places[DELAY_PLACES];
};

/* Milliseconds until the next try for the name is taken; 0: now. */
uint32_t delay_left(const struct delay_table *table, uint64_t name, uint64_t now);

/* A try failed; returns the milliseconds to wait before the next. */
uint32_t delay_failed(struct delay_table *table, uint64_t name, uint64_t now);

/* A try was right: the name starts afresh. */
void delay_succeeded(struct delay_table *table, uint64_t name);
