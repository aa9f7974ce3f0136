/* The Lua heap: contents survive, memory is bounded by what lives, all of it comes back. */
#include "heap.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_count;
static size_t bytes_held, bytes_allowed = SIZE_MAX, discarded;

static void check(int ok, const char *what)
{
    test_count++;
    printf("%sok %d - %s\n", ok ? "" : "not ", test_count, what);
}

static void *create(size_t size, uintptr_t *out_cookie)
{
    void *base = NULL;
    if (size > bytes_allowed - bytes_held || posix_memalign(&base, HEAP_PAGE, size))
        return NULL;
    memset(base, 0xa5, size);
    bytes_held += size;
    *out_cookie = size;
    return base;
}

static void destroy(void *base, size_t size, uintptr_t cookie)
{
    if (cookie != size)
        abort();
    bytes_held -= size;
    free(base);
}

static void discard(void *base, size_t offset, size_t size, uintptr_t cookie)
{
    if (offset % HEAP_PAGE || size % HEAP_PAGE || offset + size > cookie)
        abort();
    memset((char *)base + offset, 0xdd, size);
    discarded += size;
}

static const struct heap_source source = { create, destroy, discard };

/* Blocks filled with a byte of their own. */
enum { BLOCKS = 2000 };
static struct {
    unsigned char *at;
    size_t size;
    unsigned char fill;
} blocks[BLOCKS];

static uint64_t state;

static unsigned next_random(void)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(state >> 33);
}

static int is_intact(unsigned i)
{
    for (size_t k = 0; k < blocks[i].size; k++)
        if (blocks[i].at[k] != blocks[i].fill)
            return 0;
    return 1;
}

static size_t random_size(void)
{
    switch (next_random() % 8) {
    case 0:
        return next_random() % 20000 + 1;
    case 1:
        return next_random() % 3000 + 1;
    default:
        return next_random() % 200 + 1;
    }
}

static int churn(struct heap *heap, uint64_t seed, unsigned steps)
{
    state = seed;
    for (unsigned step = 0; step < steps; step++) {
        unsigned i = next_random() % BLOCKS;
        size_t size = next_random() % 3 ? random_size() : 0;
        if (blocks[i].at && !is_intact(i))
            return 0;
        unsigned char *moved =
            heap_resize(heap, blocks[i].at, blocks[i].at ? blocks[i].size : 4, size);
        if (size > 0 && (!moved || (uintptr_t)moved % 16))
            return 0;
        size_t kept = blocks[i].at && size ? (size < blocks[i].size ? size : blocks[i].size) : 0;
        for (size_t k = 0; k < kept; k++)
            if (moved[k] != blocks[i].fill)
                return 0;
        blocks[i].at = size ? moved : NULL;
        blocks[i].size = size;
        blocks[i].fill = (unsigned char)(step * 7 + 1);
        if (moved)
            memset(moved, blocks[i].fill, size);
        if (step % 1000 == 0)
            heap_trim(heap);
    }
    return 1;
}

static void free_all(struct heap *heap)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        heap_resize(heap, blocks[i].at, blocks[i].size, 0);
        blocks[i].at = NULL;
        blocks[i].size = 0;
    }
}

/* A program that stays: ROUNDS times it does its work, which replaces some of what lives and makes
 * garbage in between, and is trimmed. The units in use follow from what lives: they stay within
 * twice of what that would take packed, and the second half of the rounds needs no more than the
 * first. */
static bool drifts(struct heap *heap)
{
    enum { LIVE = 300, ROUNDS = 400, GARBAGE = 200 };
    static void *live[LIVE], *garbage[GARBAGE];
    static size_t live_size[LIVE], garbage_size[GARBAGE];
    size_t most[2] = { 0, 0 }, total = 0;
    state = 3;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < GARBAGE; i++) {
            unsigned at = next_random() % LIVE;
            garbage_size[i] = random_size();
            garbage[i] = heap_resize(heap, NULL, 4, garbage_size[i]);
            if (next_random() % 4 && round > 0)
                continue;
            heap_resize(heap, live[at], live[at] ? live_size[at] : 4, 0);
            total -= live[at] ? live_size[at] : 0;
            live_size[at] = next_random() % 200 + 1;
            live[at] = heap_resize(heap, NULL, 4, live_size[at]);
            total += live_size[at];
        }
        for (unsigned i = 0; i < GARBAGE; i++)
            heap_resize(heap, garbage[i], garbage_size[i], 0);
        heap_trim(heap);
        size_t *highest = &most[round >= ROUNDS / 2];
        if (heap_used_units(heap) > *highest)
            *highest = heap_used_units(heap);
        if (round > 0 && heap_used_units(heap) * HEAP_UNIT > 2 * total + HEAP_CLASSES * HEAP_UNIT) {
            printf("# %zu units for %zu bytes\n", heap_used_units(heap), total);
            return true;
        }
    }
    printf("# at most %zu units, later %zu, for %zu bytes\n", most[0], most[1], total);
    for (unsigned i = 0; i < LIVE; i++)
        heap_resize(heap, live[i], live[i] ? live_size[i] : 4, 0);
    return most[1] > most[0] + most[0] / 10;
}

int main(void)
{
    static struct heap heap;
    heap_init(&heap, &source);
    check(churn(&heap, 1, 200000), "contents survive resizing, moving and trimming");
    check(discarded > 0, "free pages are discarded");
    free_all(&heap);
    check(heap_used_units(&heap) == 0, "no unit holds a block when all are freed");
    heap_trim(&heap);
    check(bytes_held == 0, "all memory comes back");

    /* What lives decides, not what was there before: lowest unit first. */
    void *keep[100];
    for (int i = 0; i < 100; i++)
        keep[i] = heap_resize(&heap, NULL, 4, 40);
    size_t before = heap_used_units(&heap);
    churn(&heap, 2, 50000);
    free_all(&heap);
    heap_trim(&heap);
    check(heap_used_units(&heap) == before, "garbage leaves no unit behind");
    for (int i = 0; i < 100; i++)
        heap_resize(&heap, keep[i], 40, 0);
    heap_trim(&heap);
    check(bytes_held == 0, "and those come back too");

    check(!drifts(&heap), "blocks that come and go among garbage do not spread over more pages");
    heap_trim(&heap);
    check(bytes_held == 0, "and all of that comes back");

    /* Without memory: NULL, the old block unharmed; shrinking never fails. */
    bytes_allowed = 16 * HEAP_PAGE;
    unsigned char *big = heap_resize(&heap, NULL, 4, 15 * HEAP_PAGE);
    memset(big, 0x33, 15 * HEAP_PAGE);
    check(!heap_resize(&heap, big, 15 * HEAP_PAGE, 17 * HEAP_PAGE),
          "growing beyond what there is fails");
    check(big[0] == 0x33 && big[15 * HEAP_PAGE - 1] == 0x33, "the block is as it was");
    void *last = heap_resize(&heap, NULL, 4, HEAP_PAGE);
    unsigned char *small = heap_resize(&heap, big, 15 * HEAP_PAGE, 10);
    check(last && small && small[9] == 0x33, "shrinking works without free memory");
    heap_resize(&heap, small, 10, 0);
    heap_resize(&heap, last, HEAP_PAGE, 0);
    heap_trim(&heap);
    check(bytes_held == 0, "nothing is left");
    printf("1..%d\n", test_count);
    return 0;
}
