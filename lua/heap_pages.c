/* The heap of this process's Lua state. Its arenas are memory objects; pages are taken at first
 * touch and given back by decommitting them. */
#include "heap_pages.h"
#include <swos/mapping.h>

static void *pages_create(size_t pages, uintptr_t *out_cookie)
{
    void *base;
    handle_t memory;
    if (sw_mapping_create(pages * HEAP_PAGE, 0, &base, &memory) != SW_OK)
        return NULL;
    *out_cookie = memory;
    return base;
}

static void pages_destroy(void *base, size_t pages, uintptr_t cookie)
{
    sw_mapping_unmap(base, pages * HEAP_PAGE);
    sw_handle_close((handle_t)cookie);
}

static void pages_discard(void *base, size_t first, size_t count, uintptr_t cookie)
{
    (void)base;
    sw_memory_decommit((handle_t)cookie, first * HEAP_PAGE, count * HEAP_PAGE);
}

static const struct heap_pages memory_objects = { pages_create, pages_destroy, pages_discard };
static struct heap heap = { .pages = &memory_objects };

void *lua_heap_allocate(void *unused, void *block, size_t old_size, size_t size)
{
    (void)unused;
    return heap_resize(&heap, block, old_size, size);
}

void lua_heap_trim(void)
{
    heap_trim(&heap);
}
