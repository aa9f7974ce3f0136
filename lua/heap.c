/* See heap.h. Finding the page of a block: arenas are few and grow, so a look at each will do. */
#include "heap.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { HEAP_FREE, HEAP_SLAB, HEAP_RUN, HEAP_RUN_REST };

#define ARENA_FIRST 16 /* pages */
#define ARENA_LARGEST 4096

static const uint16_t class_sizes[HEAP_CLASSES] = {
    16,  32,  48,  64,  80,  96,  112, 128, 144, 160, 176,  192,  208,
    224, 240, 256, 320, 384, 448, 512, 640, 768, 1024, 1360, 2048,
};
#define CLASS_LARGEST 2048
#define CLASS_LINEAR 16 /* classes of multiples of 16 bytes */

static unsigned class_of(size_t size)
{
    if (size <= 16 * CLASS_LINEAR)
        return (unsigned)((size + 15) / 16 - 1);
    unsigned class = CLASS_LINEAR;
    while (class_sizes[class] < size)
        class++;
    return class;
}

static unsigned class_capacity(unsigned class)
{
    return HEAP_PAGE / class_sizes[class];
}

void heap_init(struct heap *heap, const struct heap_pages *pages)
{
    memset(heap, 0, sizeof(*heap));
    heap->pages = pages;
}

/* ---- arenas and pages */

/* A new arena with at least `needed` pages; NULL: no memory. */
static struct heap_arena *arena_add(struct heap *heap, size_t needed)
{
    unsigned at = 0;
    while (at < heap->arena_limit && heap->arenas[at].base)
        at++;
    if (at == HEAP_ARENAS || needed > UINT32_MAX)
        return NULL;
    /* each a quarter larger than the one before: few arenas, little quota unused */
    size_t pages = ARENA_FIRST;
    for (unsigned i = 0; i < at && pages < ARENA_LARGEST; i++)
        pages += pages / 4;
    struct heap_arena *arena = &heap->arenas[at];
    for (;; pages = needed) {
        if (pages < needed)
            pages = needed;
        arena->table = calloc(pages, sizeof(*arena->table));
        arena->base = arena->table ? heap->pages->create(pages, &arena->cookie) : NULL;
        if (arena->base)
            break;
        free(arena->table);
        if (pages == needed)
            return NULL;
    }
    arena->pages = arena->free_pages = (uint32_t)pages;
    arena->lowest_free = 0;
    if (at == heap->arena_limit)
        heap->arena_limit++;
    return arena;
}

static void arena_remove(struct heap *heap, struct heap_arena *arena)
{
    heap->pages->destroy(arena->base, arena->pages, arena->cookie);
    free(arena->table);
    memset(arena, 0, sizeof(*arena));
    while (heap->arena_limit > 0 && !heap->arenas[heap->arena_limit - 1].base)
        heap->arena_limit--;
}

/* First of `count` free pages in a row; arena->pages when there are none. */
static uint32_t arena_find_run(struct heap_arena *arena, size_t count)
{
    uint32_t found = 0;
    if (arena->free_pages < count)
        return arena->pages;
    for (uint32_t page = arena->lowest_free; page < arena->pages; page++) {
        found = arena->table[page].kind == HEAP_FREE ? found + 1 : 0;
        if (found == count)
            return page + 1 - (uint32_t)count;
    }
    return arena->pages;
}

/* Takes `count` pages in a row, lowest first; the caller fills in the first one's entry. */
static struct heap_page *pages_take(struct heap *heap, size_t count, struct heap_arena **out_arena)
{
    struct heap_arena *arena = NULL;
    uint32_t first = 0;
    for (unsigned i = 0; i < heap->arena_limit; i++) {
        if (!heap->arenas[i].base)
            continue;
        first = arena_find_run(&heap->arenas[i], count);
        if (first < heap->arenas[i].pages) {
            arena = &heap->arenas[i];
            break;
        }
    }
    if (!arena) {
        arena = arena_add(heap, count);
        first = 0;
        if (!arena)
            return NULL;
    }
    for (uint32_t page = first; page < first + count; page++) {
        arena->table[page].kind = HEAP_RUN_REST;
        arena->table[page].touched = 1;
    }
    arena->free_pages -= (uint32_t)count;
    if (count == 1 || first == arena->lowest_free)
        arena->lowest_free = first + (uint32_t)count;
    *out_arena = arena;
    return &arena->table[first];
}

static void pages_put(struct heap_arena *arena, uint32_t first, uint32_t count)
{
    for (uint32_t page = first; page < first + count; page++)
        arena->table[page].kind = HEAP_FREE;
    arena->free_pages += count;
    if (first < arena->lowest_free)
        arena->lowest_free = first;
}

/* The arena a block lies in; there always is one. */
static struct heap_arena *arena_of(struct heap *heap, const void *block)
{
    for (unsigned i = heap->last_arena;; i = i + 1 < heap->arena_limit ? i + 1 : 0) {
        struct heap_arena *arena = &heap->arenas[i];
        if (arena->base && (uintptr_t)block - (uintptr_t)arena->base < arena->pages * (uintptr_t)HEAP_PAGE) {
            heap->last_arena = i;
            return arena;
        }
    }
}

/* ---- blocks of a size class */

/* The lowest page of a class that has room; the class has one. */
static struct heap_page *class_page(struct heap *heap, unsigned class, struct heap_arena **out_arena)
{
    unsigned arena = heap->classes[class].arena, page = heap->classes[class].page;
    if (!heap->classes[class].known) {
        for (arena = 0, page = 0;; page++) {
            while (!heap->arenas[arena].base || page >= heap->arenas[arena].pages)
                arena++, page = 0;
            const struct heap_page *entry = &heap->arenas[arena].table[page];
            if (entry->kind == HEAP_SLAB && entry->size_class == class && entry->used < class_capacity(class))
                break;
        }
        heap->classes[class].arena = arena;
        heap->classes[class].page = page;
        heap->classes[class].known = 1;
    }
    *out_arena = &heap->arenas[arena];
    return &heap->arenas[arena].table[page];
}

static void *class_take(struct heap *heap, unsigned class)
{
    struct heap_arena *arena;
    struct heap_page *page;
    if (heap->classes[class].has_room == 0) {
        page = pages_take(heap, 1, &arena);
        if (!page)
            return NULL;
        *page = (struct heap_page){ .kind = HEAP_SLAB, .size_class = (uint8_t)class, .touched = 1 };
        heap->classes[class].has_room = 1;
        heap->classes[class].arena = (unsigned)(arena - heap->arenas);
        heap->classes[class].page = (unsigned)(page - arena->table);
        heap->classes[class].known = 1;
    } else {
        page = class_page(heap, class, &arena);
    }
    char *base = arena->base + (size_t)(page - arena->table) * HEAP_PAGE;
    char *block;
    if (page->free_block) {
        block = base + (size_t)(page->free_block - 1) * class_sizes[class];
        memcpy(&page->free_block, block, sizeof(page->free_block));
    } else {
        block = base + (size_t)page->fresh++ * class_sizes[class];
    }
    if (++page->used == class_capacity(class)) {
        heap->classes[class].has_room--;
        heap->classes[class].known = 0;
    }
    return block;
}

static void class_put(struct heap *heap, struct heap_arena *arena, struct heap_page *page, void *block)
{
    unsigned class = page->size_class, arena_number = (unsigned)(arena - heap->arenas);
    unsigned number = (unsigned)(page - arena->table);
    size_t offset = (size_t)((char *)block - arena->base) % HEAP_PAGE;
    bool was_full = page->used == class_capacity(class);
    memcpy(block, &page->free_block, sizeof(page->free_block));
    page->free_block = (uint16_t)(offset / class_sizes[class] + 1);
    if (--page->used == 0) {
        if (!was_full)
            heap->classes[class].has_room--;
        if (heap->classes[class].arena == arena_number && heap->classes[class].page == number)
            heap->classes[class].known = 0;
        pages_put(arena, number, 1);
        return;
    }
    if (!was_full)
        return;
    heap->classes[class].has_room++;
    /* A lower page than the one in use goes first from now on; so does the only one. */
    if (heap->classes[class].has_room == 1 ||
        (heap->classes[class].known &&
         (arena_number < heap->classes[class].arena ||
          (arena_number == heap->classes[class].arena && number < heap->classes[class].page)))) {
        heap->classes[class].arena = arena_number;
        heap->classes[class].page = number;
        heap->classes[class].known = 1;
    }
}

/* ---- blocks of whole pages */

static uint32_t run_pages(size_t size)
{
    return (uint32_t)((size + HEAP_PAGE - 1) / HEAP_PAGE);
}

static void *run_take(struct heap *heap, size_t size)
{
    struct heap_arena *arena;
    if (size > (size_t)UINT32_MAX * (HEAP_PAGE / 2))
        return NULL;
    struct heap_page *page = pages_take(heap, run_pages(size), &arena);
    if (!page)
        return NULL;
    page->kind = HEAP_RUN;
    page->run = run_pages(size);
    return arena->base + (size_t)(page - arena->table) * HEAP_PAGE;
}

/* Changes the length of a run where it is; false when the pages behind it are in use. */
static bool run_resize(struct heap_arena *arena, struct heap_page *page, uint32_t pages)
{
    uint32_t first = (uint32_t)(page - arena->table);
    if (pages < page->run) {
        pages_put(arena, first + pages, page->run - pages);
    } else if (pages > page->run) {
        if (pages > arena->pages - first)
            return false;
        for (uint32_t next = first + page->run; next < first + pages; next++)
            if (arena->table[next].kind != HEAP_FREE)
                return false;
        for (uint32_t next = first + page->run; next < first + pages; next++) {
            arena->table[next].kind = HEAP_RUN_REST;
            arena->table[next].touched = 1;
        }
        arena->free_pages -= pages - page->run;
    }
    page->run = pages;
    return true;
}

/* ---- the interface */

static void *block_take(struct heap *heap, size_t size)
{
    return size <= CLASS_LARGEST ? class_take(heap, class_of(size)) : run_take(heap, size);
}

static void block_put(struct heap *heap, struct heap_arena *arena, struct heap_page *page, void *block)
{
    if (page->kind == HEAP_SLAB)
        class_put(heap, arena, page, block);
    else
        pages_put(arena, (uint32_t)(page - arena->table), page->run);
}

void *heap_resize(struct heap *heap, void *block, size_t old_size, size_t size)
{
    if (!block)
        return size ? block_take(heap, size) : NULL;
    struct heap_arena *arena = arena_of(heap, block);
    struct heap_page *page = &arena->table[(size_t)((char *)block - arena->base) / HEAP_PAGE];
    if (size == 0) {
        block_put(heap, arena, page, block);
        return NULL;
    }
    if (page->kind == HEAP_SLAB) {
        if (size <= CLASS_LARGEST && class_of(size) == page->size_class)
            return block;
    } else if (size > CLASS_LARGEST && run_resize(arena, page, run_pages(size))) {
        return block;
    }
    void *moved = block_take(heap, size);
    if (!moved)
        return size <= old_size ? block : NULL; /* a shrinking block may stay too large */
    memcpy(moved, block, old_size < size ? old_size : size);
    block_put(heap, arena, page, block);
    return moved;
}

void heap_trim(struct heap *heap)
{
    for (unsigned i = heap->arena_limit; i-- > 0;) {
        struct heap_arena *arena = &heap->arenas[i];
        if (!arena->base)
            continue;
        if (arena->free_pages == arena->pages) {
            arena_remove(heap, arena);
            continue;
        }
        for (uint32_t page = 0; page < arena->pages;) {
            uint32_t first = page;
            while (page < arena->pages && arena->table[page].kind == HEAP_FREE && arena->table[page].touched)
                arena->table[page++].touched = 0;
            if (page > first)
                heap->pages->discard(arena->base, first, page - first, arena->cookie);
            else
                page++;
        }
    }
    heap->last_arena = 0;
}

size_t heap_used_pages(const struct heap *heap)
{
    size_t used = 0;
    for (unsigned i = 0; i < heap->arena_limit; i++)
        used += heap->arenas[i].pages - heap->arenas[i].free_pages;
    return used;
}
