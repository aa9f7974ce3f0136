/* The heap: one contiguous range upward from the heap base, made of memory objects.
 *
 * Pages are taken at first touch, so a chunk costs its size in quota only. The first chunk is
 * small: an object of at most four pages needs no page for its page list. Later ones grow, so that
 * CHUNKS of them reach beyond any RAM. Each chunk keeps its handle: a lowered break gives the pages
 * above it back, whole chunks and parts. Callers hold malloc's lock. */
#include <errno.h>
#include <stddef.h>
#include <swos/abi.h>
#include <swos/mapping.h>
#include <swos/start.h>

#define FIRST_CHUNK (4 * SW_PAGE)
#define CHUNK (128 * 1024)
#define CHUNKS 64

struct chunk {
    uintptr_t end;
    handle_t memory;
};

static struct chunk chunks[CHUNKS];
static unsigned chunk_count;
static uintptr_t heap_break;

void *_sbrk(ptrdiff_t increment);

static uintptr_t chunk_start(unsigned i)
{
    return i == 0 ? sw_start_heap() : chunks[i - 1].end;
}

static status_t chunk_add(size_t needed)
{
    if (chunk_count == CHUNKS)
        return SW_NO_MEMORY;
    size_t size = chunk_count == 0 ? FIRST_CHUNK : (size_t)CHUNK << ((chunk_count - 1) / 4);
    uintptr_t start = chunk_start(chunk_count);
    for (;;) {
        if (size < needed)
            size = sw_page_round(needed);
        handle_t memory;
        uint64_t mapped;
        status_t status = sw_memory_create(size, 0, &memory);
        if (status == SW_OK) {
            status = sw_memory_map(memory, start, 0, size, SW_MAP_READ | SW_MAP_WRITE, &mapped);
            if (status == SW_OK) {
                chunks[chunk_count++] = (struct chunk){ start + size, memory };
                return SW_OK;
            }
            sw_handle_close(memory);
        }
        if (size == sw_page_round(needed))
            return status;
        size = sw_page_round(needed); /* the quota may still hold what is needed now */
    }
}

static void release_above(uintptr_t end)
{
    while (chunk_count > 0 && chunk_start(chunk_count - 1) >= end) {
        struct chunk *chunk = &chunks[--chunk_count];
        uintptr_t start = chunk_start(chunk_count);
        sw_mapping_unmap((void *)start, chunk->end - start);
        sw_handle_close(chunk->memory);
    }
    if (chunk_count > 0 && chunks[chunk_count - 1].end > end) {
        uintptr_t start = chunk_start(chunk_count - 1), kept = sw_page_round(end);
        sw_memory_decommit(chunks[chunk_count - 1].memory, kept - start,
                           chunks[chunk_count - 1].end - kept);
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
    uintptr_t mapped = chunk_start(chunk_count);
    if (wanted > mapped && chunk_add(wanted - mapped) != SW_OK) {
        errno = ENOMEM;
        return (void *)-1;
    }
    heap_break = wanted;
    if (increment < 0)
        release_above(wanted);
    return (void *)old;
}
