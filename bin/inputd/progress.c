/* See progress.h. */
#include "progress.h"
#include <stdatomic.h>

#define MULTIPLIER 0x9e3779b97f4a7c15ull

static uint32_t check_of(const struct progress *progress, uint32_t value)
{
    uint64_t mixed = (value + 1ull) * MULTIPLIER;
    mixed = (mixed ^ mixed >> 29 ^ progress->bus) * MULTIPLIER;
    mixed = (mixed ^ mixed >> 31 ^ progress->features) * MULTIPLIER;
    return (uint32_t)(mixed >> 32);
}

void progress_clear(struct progress *progress)
{
    atomic_store_explicit(&progress->word, 0, memory_order_release);
}

/* The release keeps what the word counts in front of it; it pairs with the successor's first look,
 * which the kernel's switch of processes orders behind it. */
void progress_store(struct progress *progress, uint16_t taken, uint16_t modifiers)
{
    uint32_t value = taken | (uint32_t)modifiers << 16;
    atomic_store_explicit(&progress->word, value | (uint64_t)check_of(progress, value) << 32,
                          memory_order_release);
}

bool progress_load(const struct progress *progress, uint16_t *out_taken, uint16_t *out_modifiers)
{
    uint64_t word = atomic_load_explicit(&progress->word, memory_order_acquire);
    if (word == 0 || word >> 32 != check_of(progress, (uint32_t)word))
        return false;
    *out_taken = (uint16_t)word;
    *out_modifiers = (uint16_t)(word >> 16);
    return true;
}

static uint64_t typing_check(uint64_t event, uint64_t given)
{
    uint64_t mixed = (given + 1) * MULTIPLIER;
    return ((mixed ^ mixed >> 29 ^ event) * MULTIPLIER) | 1;
}

void progress_typing(struct progress *progress, uint16_t event, uint64_t given)
{
    atomic_store_explicit(&progress->check, 0, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    progress->event = event;
    progress->given = given;
    atomic_store_explicit(&progress->check, typing_check(event, given), memory_order_release);
}

void progress_untyped(struct progress *progress)
{
    atomic_store_explicit(&progress->check, 0, memory_order_release);
}

bool progress_typed(const struct progress *progress, uint16_t event, uint64_t given)
{
    uint64_t check = atomic_load_explicit(&progress->check, memory_order_acquire);
    return check == typing_check(progress->event, progress->given) && progress->event == event &&
           given > progress->given;
}
