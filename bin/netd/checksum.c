/* The Internet checksum. See checksum.h. */
#include "checksum.h"
#include <string.h>

static inline uint64_t word_at(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* The sum of 32-bit words in two: of 64-bit words modulo 2^64, and of their upper halves, from which that of the
 * lower ones follows. No carry is looked at. */
uint16_t checksum(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    uint64_t all = 0, upper = 0, last = 0;

    for (; length >= 64; length -= 64, at += 64) {
#pragma GCC unroll 8
        for (size_t i = 0; i < 64; i += 8) {
            all += word_at(at + i);
            upper += word_at(at + i) >> 32;
        }
    }
    for (; length >= 8; length -= 8, at += 8) {
        all += word_at(at);
        upper += word_at(at) >> 32;
    }
    memcpy(&last, at, length);
    all += last;
    upper += last >> 32;
    uint64_t lower = all - (upper << 32);
    uint64_t sum = (lower >> 32) + (lower & 0xffffffff) + (upper >> 32) + (upper & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + (sum & 0xffff));
}
