/* Intrusive pairing heap keyed by a 64-bit number: timers and jobs by virtual time.
 * Nothing allocates. Equal keys come out in any order. A node is in at most one heap. */
#pragma once
#include "types.h"

struct heap_node {
    struct heap_node *child, *sibling,
        *previous; /* previous: left sibling or parent; NULL at the root */
    uint64_t key;
    bool queued;
};

struct heap {
    struct heap_node *root;
};

void heap_insert(struct heap *heap, struct heap_node *node,
                 uint64_t key);                              /* node must not be queued */
void heap_remove(struct heap *heap, struct heap_node *node); /* no effect if not queued */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->root;
}

/* A deadline in the kernel's one timer heap (timer.c). */
struct timer {
    struct heap_node node;
    void (*expired)(
        struct timer *timer); /* runs under the lock; the timer is already out of the heap */
};
void timer_set(struct timer *timer, uint64_t when,
               void (*expired)(struct timer *timer)); /* SW_NEVER: cancels */
void timer_cancel(struct timer *timer);
void timers_run(uint64_t now);
extern struct heap timers;
static inline uint64_t timers_next(void) /* SW_NEVER: none */
{
    const struct heap_node *node = heap_first(&timers);
    return node ? node->key : SW_NEVER;
}
