/* The random generator: ChaCha20 (RFC 8439) in fast-key-erasure form.
 *
 * A refill runs the cipher under the key; the first 32 bytes of its output become the next key and
 * the rest is handed out, each byte erased as it goes, so that what was given out cannot be found
 * again from the state. New input is XORed onto the key and the key replaced by cipher output under
 * it. Guarded by the big lock. Host-testable. */
#include "log.h"

#define BLOCKS 8

static struct {
    uint32_t key[8];
    uint8_t output[64 * BLOCKS];
    uint32_t left; /* bytes not given out yet, at the end of output */
    bool fixed;
    uint64_t noted;
    uint64_t refills; /* since it was fed */
    uint64_t fed;     /* when */
} generator;

/* What is drawn or how long it lasts before fresh entropy is asked for. */
#define HUNGRY_REFILLS ((1u << 20) / (sizeof generator.output - 32))
#define HUNGRY_TIME (600 * 1000000000ull)

static inline uint32_t rotate(uint32_t value, int count)
{
    return value << count | value >> (32 - count);
}

#define QUARTER(a, b, c, d)                                                                        \
    do {                                                                                           \
        a += b, d = rotate(d ^ a, 16);                                                             \
        c += d, b = rotate(b ^ c, 12);                                                             \
        a += b, d = rotate(d ^ a, 8);                                                              \
        c += d, b = rotate(b ^ c, 7);                                                              \
    } while (0)

static void chacha_block(const uint32_t key[8], uint32_t counter, uint8_t out[64])
{
    uint32_t start[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[16];
    memcpy(start + 4, key, 32);
    start[12] = counter;
    memcpy(x, start, sizeof x);
    for (int i = 0; i < 10; i++) {
        QUARTER(x[0], x[4], x[8], x[12]);
        QUARTER(x[1], x[5], x[9], x[13]);
        QUARTER(x[2], x[6], x[10], x[14]);
        QUARTER(x[3], x[7], x[11], x[15]);
        QUARTER(x[0], x[5], x[10], x[15]);
        QUARTER(x[1], x[6], x[11], x[12]);
        QUARTER(x[2], x[7], x[8], x[13]);
        QUARTER(x[3], x[4], x[9], x[14]);
    }
    for (int i = 0; i < 16; i++)
        x[i] += start[i];
    memcpy(out, x, 64);
}

static void refill(void)
{
    if (!generator.fixed)
        generator.key[7] ^= (uint32_t)generator.noted ^ (uint32_t)(generator.noted >> 32);
    for (uint32_t i = 0; i < BLOCKS; i++)
        chacha_block(generator.key, i, generator.output + 64 * i);
    memcpy(generator.key, generator.output, 32);
    memset(generator.output, 0, 32);
    generator.left = sizeof generator.output - 32;
    generator.refills++;
}

static void absorb(const uint8_t *from, size_t length)
{
    while (length) {
        uint32_t word[8] = { 0 };
        size_t part = length < 32 ? length : 32;
        memcpy(word, from, part);
        for (int i = 0; i < 8; i++)
            generator.key[i] ^= word[i];
        refill();
        from += part;
        length -= part;
    }
}

void random_init(const void *seed, size_t length, bool fixed)
{
    generator.fixed = fixed;
    absorb(seed, length);
}

/* Without effect on a generator with a fixed seed, whose run is to repeat. */
void random_mix(const void *from, size_t length)
{
    if (!generator.fixed)
        absorb(from, length);
}

void random_fed(uint64_t now)
{
    generator.refills = 0;
    generator.fed = now;
}

bool random_is_hungry(uint64_t now)
{
    return generator.refills >= HUNGRY_REFILLS || now - generator.fed >= HUNGRY_TIME;
}

void random_note(uint64_t time)
{
    generator.noted = (generator.noted << 7 | generator.noted >> 57) ^ time;
}

void random_bytes(void *to, size_t length)
{
    uint8_t *at = to;
    while (length) {
        if (generator.left == 0)
            refill();
        size_t part = length < generator.left ? length : generator.left;
        uint8_t *from = generator.output + sizeof generator.output - generator.left;
        memcpy(at, from, part);
        memset(from, 0, part);
        generator.left -= (uint32_t)part;
        at += part;
        length -= part;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof value);
    return value;
}
