/* The Lua heap: contents survive, memory is bounded by what lives, all of it comes back. */
#include "heap.h"
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
