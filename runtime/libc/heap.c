/* The heap: memory objects one behind the other, upward from the heap base.
 *
 * Pages are taken at first touch, so a chunk costs its size in quota only. The first chunk is
 * small: an object of at most four pages needs no page for its page list. Later ones grow, so that
 * CHUNKS of them reach beyond any RAM. Where something else is mapped in the way, the next chunk lies
 * behind that: malloc can go on at a higher address. Each chunk keeps its handle: a lowered break gives
 * the pages above it back, whole chunks and parts. Callers hold malloc's lock. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <swos/abi.h>
#include <swos/mapping.h>
#include <swos/start.h>

#define FIRST_CHUNK (4 * SW_PAGE)
#define CHUNK (128 * 1024)
#define CHUNKS 64

struct chunk {
    uintptr_t start, end;
    handle_t memory;
};

static struct chunk chunks[CHUNKS];
static unsigned chunk_count;
static uintptr_t heap_break;

void *_sbrk(ptrdiff_t increment);

/* The end of what is mapped. */
static uintptr_t mapped_end(void)
{
    return chunk_count == 0 ? sw_start_heap() : chunks[chunk_count - 1].end;
}

/* Adds a chunk of at least `needed` bytes at the address. EXISTS: something is there. */
static status_t chunk_add(uintptr_t at, size_t needed)
{
    if (chunk_count == CHUNKS)
        return SW_NO_MEMORY;
    size_t size = chunk_count == 0 ? FIRST_CHUNK : (size_t)CHUNK << ((chunk_count - 1) / 4);
    for (;;) {
        if (size < needed)
            size = sw_page_round(needed);
        handle_t memory;
        uint64_t start;
        status_t status = sw_memory_create(size, 0, &memory);
        if (status == SW_OK) {
            status = sw_memory_map(memory, at, 0, size, SW_MAP_READ | SW_MAP_WRITE, &start);
            if (status == SW_OK) {
                chunks[chunk_count++] =
                    (struct chunk){ (uintptr_t)start, (uintptr_t)start + size, memory };
                return SW_OK;
            }
            sw_handle_close(memory);
        }
        if (size == sw_page_round(needed))
            return status;
        size = sw_page_round(needed); /* the quota, or the gap, may still hold what is needed now */
    }
}

static void release_above(uintptr_t end)
{
    while (chunk_count > 0 && chunks[chunk_count - 1].start >= end) {
        struct chunk *chunk = &chunks[--chunk_count];
        sw_mapping_unmap((void *)chunk->start, chunk->end - chunk->start);
        sw_handle_close(chunk->memory);
    }
    if (chunk_count > 0 && chunks[chunk_count - 1].end > end) {
        const struct chunk *chunk = &chunks[chunk_count - 1];
        uintptr_t kept = sw_page_round(end);
        sw_memory_decommit(chunk->memory, kept - chunk->start, chunk->end - kept);
    }
}

void *_sbrk(ptrdiff_t increment)
{
    if (!heap_break)
        heap_break = sw_start_heap();
    uintptr_t old = heap_break, wanted;
    if (__builtin_add_overflow(old, increment, &wanted) || wanted < sw_start_heap()) {
        errno = ENOMEM;
        return (void *)-1;
    }
    status_t status = SW_OK;
    if (wanted > mapped_end())
        status = chunk_add(mapped_end(), wanted - mapped_end());
    bool jumps = status == SW_EXISTS;
    for (size_t gap = SW_PAGE; status == SW_EXISTS; gap *= 2) /* ends at the end of addresses */
        status = chunk_add(mapped_end() + gap, (size_t)increment);
    if (jumps && status == SW_OK) {
        old = chunks[chunk_count - 1].start;
        wanted = old + (uintptr_t)increment;
    }
    if (status != SW_OK) {
        errno = ENOMEM;
        return (void *)-1;
    }
    heap_break = wanted;
    if (increment < 0)
        release_above(wanted);
    return (void *)old;
}
