/* The heap of this process's Lua state. Its arenas are memory objects; pages are taken at first
 * touch and given back by decommitting them. */
#include "heap_pages.h"
#include <swos/mapping.h>

static void *memory_create(size_t size, uintptr_t *out_cookie)
{
    void *base;
    handle_t memory;
    if (sw_mapping_create(size, 0, &base, &memory) != SW_OK)
        return NULL;
    *out_cookie = memory;
    return base;
}

static void memory_destroy(void *base, size_t size, uintptr_t cookie)
{
    sw_mapping_unmap(base, size);
    sw_handle_close((handle_t)cookie);
}

static void memory_discard(void *base, size_t offset, size_t size, uintptr_t cookie)
{
    (void)base;
    sw_memory_decommit((handle_t)cookie, offset, size);
}

static const struct heap_source memory_objects = { memory_create, memory_destroy, memory_discard };
static struct heap heap = { .source = &memory_objects };

void *lua_heap_allocate(void *unused, void *block, size_t old_size, size_t size)
{
    (void)unused;
    return heap_resize(&heap, block, old_size, size);
}

void lua_heap_trim(void)
{
    heap_trim(&heap);
}
