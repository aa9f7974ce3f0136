/* Which lines two texts do not share. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* a and b: numbers, equal for equal lines. Sets a_changed[i] and b_changed[j] of those that a shortest way from a to b
 * removes and adds; both must be zeros and have one element more than lines. False: memory is short. */
bool myers_compare(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count,
                   bool *a_changed, bool *b_changed);
