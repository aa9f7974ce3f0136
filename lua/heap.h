/* The memory of a Lua state: small blocks in units of one size class, others in runs of units.
 *
 * Why not malloc: Lua tells the size of what it frees, so blocks need no headers; and what a state
 * occupies after a full collection should follow from what lives in it, not from its history, so
 * that idle programs are small and leak checks can be exact. Hence blocks are always taken from
 * the lowest unit that has room, and pages without a block are given back by heap_trim. A unit is
 * a quarter of a page: a small state has a block or two of most size classes.
 *
 * Pure: memory comes from a struct heap_source, which the host's test replaces. One thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HEAP_PAGE 4096
#define HEAP_UNIT 1024
#define HEAP_ARENAS 48
#define HEAP_CLASSES 18

/* Where memory comes from. Sizes and offsets are multiples of HEAP_PAGE. */
struct heap_source {
    /* Page-aligned memory, or NULL; *out_cookie is passed to the other two. */
    void *(*create)(size_t size, uintptr_t *out_cookie);
    void (*destroy)(void *base, size_t size, uintptr_t cookie);
    /* A part of it may lose its content. */
    void (*discard)(void *base, size_t offset, size_t size, uintptr_t cookie);
};

/* What one unit holds. */
struct heap_unit {
    uint8_t kind;       /* HEAP_FREE.. in heap.c */
    uint8_t size_class; /* slab */
    uint8_t touched;    /* used since it was last discarded */
    uint8_t used;       /* slab: blocks in use */
    uint8_t fresh;      /* slab: blocks from here on were never used */
    uint8_t free_block; /* slab: 1 + first of the list of freed blocks, 0: none */
    uint16_t reserved;
    uint32_t run; /* head of a run: its units */
};

struct heap_arena {
    char *base;
    struct heap_unit *table; /* one entry a unit; malloc's */
    uint64_t *room; /* by class, a bit a unit: one of this class with room; with the table */
    uint32_t units, free_units;
    uint32_t lowest_free; /* no unit below it is free */
    uintptr_t cookie;
};

struct heap {
    const struct heap_source *source;
    struct heap_arena arenas[HEAP_ARENAS]; /* in the order they were made; holes have no base */
    unsigned arena_limit;                  /* arenas from here on are unused */
    unsigned last_arena;                   /* where the last block looked up was */
    struct {
        struct heap_unit *lowest; /* lowest unit with room, when known */
        char *base;               /* its blocks */
        unsigned arena, unit;     /* no unit of this class with room is below */
        unsigned has_room;        /* units of this class with room */
    } classes[HEAP_CLASSES];
};

void heap_init(struct heap *heap, const struct heap_source *source);

/* As lua_Alloc: a block of `size` bytes with the first min(old_size, size) bytes of `block`. NULL:
 * no memory, nothing changed; never when the block shrinks. size 0 frees. 16-byte aligned. */
void *heap_resize(struct heap *heap, void *block, size_t old_size, size_t size);

/* Gives back every page without a block. */
void heap_trim(struct heap *heap);

/* Units that hold blocks. */
size_t heap_used_units(const struct heap *heap);
