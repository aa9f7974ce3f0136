/* Between counts and nanoseconds: fixed-point factors, 32 bits behind the point. */
#pragma once
#include "types.h"

static inline uint64_t counter_scale(uint64_t value, uint64_t factor)
{
    return (uint64_t)(((unsigned __int128)value * factor) >> 32);
}

/* Nanoseconds a count takes; rounded down. */
static inline uint64_t counter_factor_to_ns(uint64_t frequency)
{
    return (1000000000ull << 32) / frequency;
}

/* Counts a nanosecond takes; rounded up, so that a deadline's count does not come before it. */
static inline uint64_t counter_factor_from_ns(uint64_t frequency)
{
    return (frequency << 32) / 1000000000ull + 1;
}

#define COUNTER_FARTHEST (1ull << 61) /* ns: 73 years; what is later may not be a 64-bit count */

/* The count at which the time `when` has come, `count` being now. Only what is left is scaled: what
 * the factor is too large by would grow with the time since boot. */
static inline uint64_t counter_at(uint64_t when, uint64_t count, uint64_t to_ns, uint64_t from_ns)
{
    uint64_t now = counter_scale(count, to_ns), left = when > now ? when - now : 0;
    left = left < COUNTER_FARTHEST ? left : COUNTER_FARTHEST;
    return count + counter_scale(left, from_ns) + 1;
}
