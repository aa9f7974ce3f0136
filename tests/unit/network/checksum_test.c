/* The Internet checksum, beside one that adds 16 bits at a time and carries at once. */
#include "checksum.h"
#include "tap.h"
#include <string.h>

#define MOST 65600

static uint8_t bytes[MOST + 8];

static uint16_t plain(const uint8_t *at, size_t length)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < length; i++) {
        sum += (uint32_t)at[i] << (i % 2 ? 8 : 0);
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return (uint16_t)sum;
}

static void fill(int kind)
{
    uint32_t state = 1;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        state = state * 1103515245 + 12345;
        bytes[i] = kind == 0   ? 0
                   : kind == 1 ? 0xff
                   : kind == 2 ? (i % 8 < 4 ? 0xff : 0)
                               : (uint8_t)(state >> 16);
    }
}

int main(void)
{
    for (int kind = 0; kind < 4; kind++) {
        uint32_t wrong = 0;

        fill(kind);
        for (size_t from = 0; from < 8; from++) {
            for (size_t length = 0; length < 300; length++)
                wrong += checksum(bytes + from, length) != plain(bytes + from, length);
            for (size_t length = MOST - 70; length < MOST; length++)
                wrong += checksum(bytes + from, length) != plain(bytes + from, length);
        }
        CHECK(wrong == 0);
    }
    memcpy(bytes, "\x00\x01\xf2\x03\xf4\xf5\xf6\xf7", 8); /* RFC 1071, 3 */
    CHECK(checksum(bytes, 8) == 0xf2dd);
    CHECK(checksum(bytes, 0) == 0);
    return tap_done();
}
