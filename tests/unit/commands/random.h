/* Numbers that look random and are the same in every run. */
#pragma once
#include <stdint.h>

static uint64_t random_state = 0x9e3779b97f4a7c15ull;

static inline unsigned random_below(unsigned limit)
{
    random_state ^= random_state << 13; /* xorshift64, G. Marsaglia */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % limit;
}
