/* Words of the packet pool that the other side reads and writes at any time.
 *
 * A position counts from 0 and wraps at 2^32; what lies at it is at position modulo the ring's size.
 * Whoever fills a ring owns `produced`, whoever empties it `consumed`; both lie in shared memory and
 * are believed only as far as produced - consumed is at most the ring's size. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <swos/packets.h>

#ifdef SW_HOST_TEST
void packets_store_hook(void); /* the test's: a side may die before any store */
#else
static inline void packets_store_hook(void) {}
#endif

/* Pairs with position_store of the other side: what it wrote before is seen. */
static inline uint32_t position_load(const uint32_t *word)
{
    return atomic_load_explicit((const _Atomic uint32_t *)word, memory_order_acquire);
}

/* What was written before, an entry and its buffer, or read before, is done once this is seen. */
static inline void position_store(uint32_t *word, uint32_t value)
{
    packets_store_hook();
    atomic_store_explicit((_Atomic uint32_t *)word, value, memory_order_release);
}

static inline uint64_t entry_load(const uint64_t *entry)
{
    return atomic_load_explicit((const _Atomic uint64_t *)entry, memory_order_relaxed);
}

static inline void entry_store(uint64_t *entry, uint64_t value)
{
    packets_store_hook();
    atomic_store_explicit((_Atomic uint64_t *)entry, value, memory_order_relaxed);
}

/* Between the store of a position and the look at the other side's wishes, and between the store of
 * a wish and the last look at the other side's positions: one of the two sees the other's store. */
static inline void look_again(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

static inline uint32_t wishes_load(const struct sw_ring_word *line)
{
    return atomic_load_explicit((const _Atomic uint32_t *)&line->value, memory_order_relaxed);
}

static inline void wishes_store(struct sw_ring_word *line, uint32_t wishes)
{
    packets_store_hook();
    atomic_store_explicit((_Atomic uint32_t *)&line->value, wishes, memory_order_relaxed);
}

/* Puts back what only we may write, should somebody else have written there. */
static inline bool position_heal(uint32_t *word, uint32_t ours)
{
    if (position_load(word) == ours)
        return false;
    position_store(word, ours);
    return true;
}
