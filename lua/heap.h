/* The memory of a Lua state: objects in pages of one size class, larger blocks in runs of pages.
 *
 * Why not malloc: Lua tells the size of what it frees, so blocks need no headers; and what a state
 * occupies after a full collection should follow from what lives in it, not from its history,
 * so that idle programs are small and leak checks can be exact. Hence blocks are always taken from
 * the lowest page that has room, and pages without a block are given back by heap_trim.
 *
 * Pure: pages come from a struct heap_pages, which the host's test replaces. One thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HEAP_PAGE 4096
#define HEAP_ARENAS 48
#define HEAP_CLASSES 25

/* Where pages come from. Memory is page-aligned and zero or not. */
struct heap_pages {
    /* `pages` pages, or NULL; *out_cookie is passed to the other two. */
    void *(*create)(size_t pages, uintptr_t *out_cookie);
    void (*destroy)(void *base, size_t pages, uintptr_t cookie);
    /* Pages first.. of an area may lose their content. */
    void (*discard)(void *base, size_t first, size_t count, uintptr_t cookie);
};

/* What one page holds. */
struct heap_page {
    uint8_t kind;        /* HEAP_FREE.. in heap.c */
    uint8_t size_class;  /* slab */
    uint8_t touched;     /* used since it was last discarded */
    uint8_t reserved;
    uint16_t used;       /* slab: blocks in use */
    uint16_t fresh;      /* slab: blocks from here on were never used */
    uint16_t free_block; /* slab: 1 + first of the list of freed blocks, 0: none */
    uint16_t reserved2;
    uint32_t run;        /* head of a run: its pages */
};

struct heap_arena {
    char *base;
    struct heap_page *table; /* one entry a page; malloc's */
    uint32_t pages, free_pages;
    uint32_t lowest_free;    /* no page below it is free */
    uintptr_t cookie;
};

struct heap {
    const struct heap_pages *pages;
    struct heap_arena arenas[HEAP_ARENAS]; /* in the order they were made; holes have no base */
    unsigned arena_limit;                  /* arenas from here on are unused */
    unsigned last_arena;                   /* where the last block looked up was */
    struct {
        unsigned arena, page;   /* lowest page with room, if has_room and known */
        unsigned has_room;      /* pages of this class with room */
        int known;
    } classes[HEAP_CLASSES];
};

void heap_init(struct heap *heap, const struct heap_pages *pages);

/* As lua_Alloc: a block of `size` bytes with the first min(old_size, size) bytes of `block`. NULL:
 * no memory, nothing changed; never when the block shrinks. size 0 frees. 16-byte aligned. */
void *heap_resize(struct heap *heap, void *block, size_t old_size, size_t size);

/* Gives back every page without a block. */
void heap_trim(struct heap *heap);

/* Pages that hold blocks. */
size_t heap_used_pages(const struct heap *heap);
