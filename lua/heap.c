/* See heap.h. Finding the unit of a block: arenas are few and grow, so a look at each will do. */
#include "heap.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { HEAP_FREE, HEAP_SLAB, HEAP_RUN, HEAP_RUN_REST };

#define UNITS_PER_PAGE (HEAP_PAGE / HEAP_UNIT)
#define ARENA_FIRST 64 /* units */
#define ARENA_LARGEST 16384

static const uint16_t class_sizes[HEAP_CLASSES] = {
    16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 336, 512,
};
/* Blocks in a unit. */
static const uint8_t class_capacities[HEAP_CLASSES] = {
    64, 32, 21, 16, 12, 10, 9, 8, 7, 6, 5, 5, 4, 4, 4, 4, 3, 2,
};
#define CLASS_LARGEST 512
#define CLASS_LINEAR 16 /* classes of multiples of 16 bytes */

static unsigned class_of(size_t size)
{
    if (size <= 16 * CLASS_LINEAR)
        return (unsigned)((size + 15) / 16 - 1);
    unsigned class = CLASS_LINEAR;
    while (class_sizes[class] < size)
        class ++;
    return class;
}

void heap_init(struct heap *heap, const struct heap_source *source)
{
    memset(heap, 0, sizeof(*heap));
    heap->source = source;
}

/* ---- arenas and units */

/* Words of 64 bits for a bit a unit. */
static size_t room_words(size_t units)
{
    return (units + 63) / 64;
}

/* Memory for what is known of an arena's units: all free. */
static bool arena_describe(struct heap_arena *arena, size_t units)
{
    size_t room = HEAP_CLASSES * room_words(units) * sizeof(*arena->room);

    arena->room = calloc(1, room + units * sizeof(*arena->table));
    arena->table = arena->room ? (struct heap_unit *)((char *)arena->room + room) : NULL;
    return arena->table != NULL;
}

/* A new arena with at least `needed` units; NULL: no memory. */
static struct heap_arena *arena_add(struct heap *heap, size_t needed)
{
    unsigned at = 0;
    while (at < heap->arena_limit && heap->arenas[at].base)
        at++;
    needed = (needed + UNITS_PER_PAGE - 1) / UNITS_PER_PAGE * UNITS_PER_PAGE;
    if (at == HEAP_ARENAS || needed > UINT32_MAX)
        return NULL;
    /* each a quarter larger than the one before: few arenas, little quota unused */
    size_t units = ARENA_FIRST;
    for (unsigned i = 0; i < at && units < ARENA_LARGEST; i++)
        units += units / 4 / UNITS_PER_PAGE * UNITS_PER_PAGE;
    struct heap_arena *arena = &heap->arenas[at];
    for (;; units = needed) {
        if (units < needed)
            units = needed;
        arena->base = arena_describe(arena, units)
                          ? heap->source->create(units * HEAP_UNIT, &arena->cookie)
                          : NULL;
        if (arena->base)
            break;
        free(arena->room);
        if (units == needed)
            return NULL;
    }
    arena->units = arena->free_units = (uint32_t)units;
    arena->lowest_free = 0;
    if (at == heap->arena_limit)
        heap->arena_limit++;
    return arena;
}

static void arena_remove(struct heap *heap, struct heap_arena *arena)
{
    heap->source->destroy(arena->base, arena->units * (size_t)HEAP_UNIT, arena->cookie);
    free(arena->room);
    memset(arena, 0, sizeof(*arena));
    while (heap->arena_limit > 0 && !heap->arenas[heap->arena_limit - 1].base)
        heap->arena_limit--;
}

/* First of `count` free units in a row; arena->units when there are none. */
static uint32_t arena_find_run(struct heap_arena *arena, size_t count)
{
    uint32_t found = 0;
    if (arena->free_units < count)
        return arena->units;
    for (uint32_t unit = arena->lowest_free; unit < arena->units; unit++) {
        found = arena->table[unit].kind == HEAP_FREE ? found + 1 : 0;
        if (found == count)
            return unit + 1 - (uint32_t)count;
    }
    return arena->units;
}

/* Takes `count` units in a row, lowest first; the caller fills in the first one's entry. */
static struct heap_unit *units_take(struct heap *heap, size_t count, struct heap_arena **out_arena)
{
    struct heap_arena *arena = NULL;
    uint32_t first = 0;
    for (unsigned i = 0; i < heap->arena_limit; i++) {
        if (!heap->arenas[i].base)
            continue;
        first = arena_find_run(&heap->arenas[i], count);
        if (first < heap->arenas[i].units) {
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
    for (uint32_t unit = first; unit < first + count; unit++) {
        arena->table[unit].kind = HEAP_RUN_REST;
        arena->table[unit].touched = 1;
    }
    arena->free_units -= (uint32_t)count;
    if (count == 1 || first == arena->lowest_free)
        arena->lowest_free = first + (uint32_t)count;
    *out_arena = arena;
    return &arena->table[first];
}

static void units_put(struct heap_arena *arena, uint32_t first, uint32_t count)
{
    for (uint32_t unit = first; unit < first + count; unit++)
        arena->table[unit].kind = HEAP_FREE;
    arena->free_units += count;
    if (first < arena->lowest_free)
        arena->lowest_free = first;
}

/* The arena a block lies in; there always is one. */
static struct heap_arena *arena_of(struct heap *heap, const void *block)
{
    for (unsigned i = heap->last_arena;; i = i + 1 < heap->arena_limit ? i + 1 : 0) {
        struct heap_arena *arena = &heap->arenas[i];
        if (arena->base &&
            (uintptr_t)block - (uintptr_t)arena->base < arena->units * (uintptr_t)HEAP_UNIT) {
            heap->last_arena = i;
            return arena;
        }
    }
}

/* ---- blocks of a size class */

static void room_set(struct heap *heap, unsigned class, unsigned arena, unsigned unit)
{
    struct heap_arena *at = &heap->arenas[arena];

    at->room[class * room_words(at->units) + unit / 64] |= 1ull << unit % 64;
    heap->classes[class].has_room++;
    if (arena < heap->classes[class].arena ||
        (arena == heap->classes[class].arena && unit < heap->classes[class].unit)) {
        heap->classes[class].arena = arena;
        heap->classes[class].unit = unit;
        heap->classes[class].lowest = NULL;
    }
}

static void room_clear(struct heap *heap, unsigned class, struct heap_arena *arena, unsigned unit)
{
    arena->room[class * room_words(arena->units) + unit / 64] &= ~(1ull << unit % 64);
    heap->classes[class].has_room--;
    if (heap->classes[class].lowest == &arena->table[unit])
        heap->classes[class].lowest = NULL;
}

/* Makes the lowest unit of a class with room known; the class has one. */
static void class_search(struct heap *heap, unsigned class)
{
    unsigned arena = heap->classes[class].arena;
    size_t word = heap->classes[class].unit / 64;

    for (;; arena++, word = 0) {
        struct heap_arena *at = &heap->arenas[arena];
        if (!at->base)
            continue;
        size_t words = room_words(at->units);
        const uint64_t *room = at->room + class * words;
        while (word < words && !room[word])
            word++;
        if (word == words)
            continue;
        unsigned unit = (unsigned)word * 64 + (unsigned)__builtin_ctzll(room[word]);
        heap->classes[class].arena = arena;
        heap->classes[class].unit = unit;
        heap->classes[class].lowest = &at->table[unit];
        heap->classes[class].base = at->base + (size_t)unit * HEAP_UNIT;
        return;
    }
}

/* Makes sure that the lowest unit with room is known, if need be a new one. false: no memory. */
static bool class_prepare(struct heap *heap, unsigned class)
{
    if (heap->classes[class].has_room == 0) {
        struct heap_arena *arena;
        struct heap_unit *unit = units_take(heap, 1, &arena);
        if (!unit)
            return false;
        *unit =
            (struct heap_unit){ .kind = HEAP_SLAB, .size_class = (uint8_t) class, .touched = 1 };
        room_set(heap, class, (unsigned)(arena - heap->arenas), (unsigned)(unit - arena->table));
    }
    class_search(heap, class);
    return true;
}

static void *class_take(struct heap *heap, unsigned class)
{
    if (!heap->classes[class].lowest && !class_prepare(heap, class))
        return NULL;
    struct heap_unit *unit = heap->classes[class].lowest;
    char *block = heap->classes[class].base;
    if (unit->free_block) {
        block += (size_t)(unit->free_block - 1) * class_sizes[class];
        memcpy(&unit->free_block, block, sizeof(unit->free_block));
    } else {
        block += (size_t)unit->fresh++ * class_sizes[class];
    }
    if (++unit->used == class_capacities[class])
        room_clear(heap, class, &heap->arenas[heap->classes[class].arena],
                   heap->classes[class].unit);
    return block;
}

static void class_put(struct heap *heap, struct heap_arena *arena, struct heap_unit *unit,
                      void *block)
{
    unsigned class = unit->size_class, number = (unsigned)(unit - arena->table);
    size_t offset = (size_t)((char *)block - arena->base) % HEAP_UNIT;
    bool was_full = unit->used == class_capacities[class];
    memcpy(block, &unit->free_block, sizeof(unit->free_block));
    unit->free_block = (uint8_t)(offset / class_sizes[class] + 1);
    if (--unit->used == 0) {
        if (!was_full)
            room_clear(heap, class, arena, number);
        units_put(arena, number, 1);
    } else if (was_full) {
        room_set(heap, class, (unsigned)(arena - heap->arenas), number);
    }
}

/* ---- blocks of several units */

static uint32_t run_units(size_t size)
{
    return (uint32_t)((size + HEAP_UNIT - 1) / HEAP_UNIT);
}

static void *run_take(struct heap *heap, size_t size)
{
    struct heap_arena *arena;
    if (size > (size_t)UINT32_MAX * (HEAP_UNIT / 2))
        return NULL;
    struct heap_unit *unit = units_take(heap, run_units(size), &arena);
    if (!unit)
        return NULL;
    unit->kind = HEAP_RUN;
    unit->run = run_units(size);
    return arena->base + (size_t)(unit - arena->table) * HEAP_UNIT;
}

/* Changes the length of a run where it is; false when the units behind it are in use. */
static bool run_resize(struct heap_arena *arena, struct heap_unit *unit, uint32_t units)
{
    uint32_t first = (uint32_t)(unit - arena->table);
    if (units < unit->run) {
        units_put(arena, first + units, unit->run - units);
    } else if (units > unit->run) {
        if (units > arena->units - first)
            return false;
        for (uint32_t next = first + unit->run; next < first + units; next++)
            if (arena->table[next].kind != HEAP_FREE)
                return false;
        for (uint32_t next = first + unit->run; next < first + units; next++) {
            arena->table[next].kind = HEAP_RUN_REST;
            arena->table[next].touched = 1;
        }
        arena->free_units -= units - unit->run;
    }
    unit->run = units;
    return true;
}

/* ---- the interface */

static void *block_take(struct heap *heap, size_t size)
{
    return size <= CLASS_LARGEST ? class_take(heap, class_of(size)) : run_take(heap, size);
}

static void block_put(struct heap *heap, struct heap_arena *arena, struct heap_unit *unit,
                      void *block)
{
    if (unit->kind == HEAP_SLAB)
        class_put(heap, arena, unit, block);
    else
        units_put(arena, (uint32_t)(unit - arena->table), unit->run);
}

void *heap_resize(struct heap *heap, void *block, size_t old_size, size_t size)
{
    if (!block)
        return size ? block_take(heap, size) : NULL;
    struct heap_arena *arena = arena_of(heap, block);
    struct heap_unit *unit = &arena->table[(size_t)((char *)block - arena->base) / HEAP_UNIT];
    if (size == 0) {
        block_put(heap, arena, unit, block);
        return NULL;
    }
    if (unit->kind == HEAP_SLAB) {
        if (size <= CLASS_LARGEST && class_of(size) == unit->size_class)
            return block;
    } else if (size > CLASS_LARGEST && run_resize(arena, unit, run_units(size))) {
        return block;
    }
    void *moved = block_take(heap, size);
    if (!moved)
        return size <= old_size ? block : NULL; /* a shrinking block may stay too large */
    memcpy(moved, block, old_size < size ? old_size : size);
    block_put(heap, arena, unit, block);
    return moved;
}

/* Whether the page that starts at a unit holds no block but was touched; it is not any more. */
static bool page_is_spare(struct heap_arena *arena, uint32_t first)
{
    bool touched = false;
    for (uint32_t unit = first; unit < first + UNITS_PER_PAGE; unit++) {
        if (arena->table[unit].kind != HEAP_FREE)
            return false;
        touched |= arena->table[unit].touched;
    }
    for (uint32_t unit = first; unit < first + UNITS_PER_PAGE; unit++)
        arena->table[unit].touched = 0;
    return touched;
}

void heap_trim(struct heap *heap)
{
    for (unsigned i = heap->arena_limit; i-- > 0;) {
        struct heap_arena *arena = &heap->arenas[i];
        if (!arena->base)
            continue;
        if (arena->free_units == arena->units) {
            arena_remove(heap, arena);
            continue;
        }
        for (uint32_t unit = 0; unit < arena->units;) {
            uint32_t first = unit;
            while (unit < arena->units && page_is_spare(arena, unit))
                unit += UNITS_PER_PAGE;
            if (unit > first)
                heap->source->discard(arena->base, first * (size_t)HEAP_UNIT,
                                      (unit - first) * (size_t)HEAP_UNIT, arena->cookie);
            else
                unit += UNITS_PER_PAGE;
        }
    }
    heap->last_arena = 0;
}

size_t heap_used_units(const struct heap *heap)
{
    size_t used = 0;
    for (unsigned i = 0; i < heap->arena_limit; i++)
        used += heap->arenas[i].units - heap->arenas[i].free_units;
    return used;
}
