/* Growing delays after wrong passwords, per name.
 *
 * Pure, and of fixed size: when every place is taken, the name whose delay ends first gives way.
 * Filling the table costs an attacker one password hash a place. Names that have no account are
 * counted like others, so the delay tells nothing.
 *
 * The table may lie in memory that outlives the process, and be left by a death at any instruction:
 * a place counts once `failures` is not 0, which is written last. A try is counted before the
 * password is looked at; so whoever can end the process meanwhile has not tried for nothing. It is
 * waited for only after its answer: a try that died is repeated at once by who asked. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#define DELAY_PLACES 64
#define DELAY_FIRST_MS 250
#define DELAY_MAX_MS 30000
#define DELAY_FORGET_NS (600ull * 1000000000ull) /* after the delay's end */

struct delay_table {
    struct delay_place {
        uint64_t name;             /* keyed hash of the name */
        uint64_t until;            /* monotonic: no earlier try is taken */
        _Atomic uint32_t failures; /* 0: free */
        uint32_t reserved;
    } places[DELAY_PLACES];
};

/* Milliseconds until the next try for the name is taken; 0: now. */
uint32_t delay_left(const struct delay_table *table, uint64_t name, uint64_t now);

/* A try begins: counts it as one that failed, with no time to wait until it has. */
void delay_begin(struct delay_table *table, uint64_t name, uint64_t now);

/* The try that began has failed; returns the milliseconds to wait from now on before the next. */
uint32_t delay_failed(struct delay_table *table, uint64_t name, uint64_t now);

/* The try that began came to nothing and is not counted. */
void delay_undone(struct delay_table *table, uint64_t name, uint64_t now);

/* A try was right: the name starts afresh. */
void delay_succeeded(struct delay_table *table, uint64_t name);

/* Takes over a table another process has left: no delay in it is longer than there are. */
void delay_adopt(struct delay_table *table, uint64_t now);
