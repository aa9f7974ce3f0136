/* SHA-256 (FIPS 180-4). One function uses the SHA-256 instructions (Arm ARM C7.2, FEAT_SHA256) and
 * runs only when the info page says that every CPU has them; else libsodium does the work. */
#include <arm_neon.h>
#include <sodium.h>
#include <string.h>
#include <swos/start.h>

#include "hash.h"

#define CHUNK 64

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Four rounds with words w and constants k. */
#define ROUNDS(w, k)                                                                               \
    do {                                                                                           \
        uint32x4_t sum = vaddq_u32(w, k);                                                          \
        uint32x4_t before = abcd;                                                                  \
        abcd = vsha256hq_u32(abcd, efgh, sum);                                                     \
        efgh = vsha256h2q_u32(efgh, before, sum);                                                  \
    } while (0)

/* The same, then the next four words of the schedule into w. */
#define ROUNDS_SCHEDULE(w, w1, w2, w3, k)                                                          \
    do {                                                                                           \
        ROUNDS(w, k);                                                                              \
        w = vsha256su1q_u32(vsha256su0q_u32(w, w1), w2, w3);                                       \
    } while (0)

__attribute__((target("arch=armv8-a+crypto"))) static void
compress(uint32_t state[8], const uint8_t *data, size_t chunks)
{
    uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
    uint32x4_t k[16]; /* stay in registers: all loops over it are unrolled */

#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        k[i] = vld1q_u32(&round_constants[4 * i]);
    }
    for (; chunks > 0; chunks--, data += CHUNK) {
        uint32x4_t abcd_saved = abcd, efgh_saved = efgh;
        uint32x4_t w0 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data)));
        uint32x4_t w1 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 16)));
        uint32x4_t w2 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 32)));
        uint32x4_t w3 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 48)));

#pragma GCC unroll 3
        for (int i = 0; i < 12; i += 4) {
            ROUNDS_SCHEDULE(w0, w1, w2, w3, k[i]);
            ROUNDS_SCHEDULE(w1, w2, w3, w0, k[i + 1]);
            ROUNDS_SCHEDULE(w2, w3, w0, w1, k[i + 2]);
            ROUNDS_SCHEDULE(w3, w0, w1, w2, k[i + 3]);
        }
        ROUNDS(w0, k[12]);
        ROUNDS(w1, k[13]);
        ROUNDS(w2, k[14]);
        ROUNDS(w3, k[15]);
        abcd = vaddq_u32(abcd, abcd_saved);
        efgh = vaddq_u32(efgh, efgh_saved);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}

void hash_sha256(uint8_t out[HASH_SIZE], const void *data, size_t size)
{
    uint32_t state[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    uint8_t last[2 * CHUNK] = { 0 };
    size_t rest = size % CHUNK, padded = rest + 9 <= CHUNK ? CHUNK : 2 * CHUNK;
    uint64_t bits = __builtin_bswap64((uint64_t)size * 8);

    if (!(sw_info()->features & SW_FEATURE_SHA2)) {
        crypto_hash_sha256(out, data, size);
        return;
    }
    compress(state, data, size / CHUNK);
    memcpy(last, (const uint8_t *)data + (size - rest), rest);
    last[rest] = 0x80;
    memcpy(last + padded - sizeof(bits), &bits, sizeof(bits));
    compress(state, last, padded / CHUNK);
    for (int i = 0; i < 8; i++) {
        uint32_t word = __builtin_bswap32(state[i]);

        memcpy(out + 4 * i, &word, sizeof(word));
    }
}
