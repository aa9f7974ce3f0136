/* The start block and info page of this process.
 *
 * Set once before main by the start code; constant afterwards. */
#include <string.h>
#include <swos/hot.h>
#include <swos/start.h>

static const struct sw_start *start_block;
static const struct sw_info_page *info_page;
static uintptr_t heap_base;

void sw_start_init(const struct sw_start *start, const struct sw_info_page *info, uintptr_t heap)
{
    start_block = start;
    info_page = info;
    heap_base = heap;
}

const struct sw_start *sw_start_block(void)
{
    return start_block;
}

SW_HOT const struct sw_info_page *sw_info(void)
{
    return info_page;
}

uintptr_t sw_start_heap(void)
{
    return heap_base;
}

SW_HOT const char *sw_start_text(uint32_t offset)
{
    return (const char *)start_block + offset;
}

static const struct sw_start_handle *entry_at(uint32_t table, uint32_t count, size_t i)
{
    return i < count ? (const struct sw_start_handle *)sw_start_text(table) + i : NULL;
}

const struct sw_start_handle *sw_start_handle_at(size_t i)
{
    return entry_at(start_block->handles, start_block->handle_count, i);
}

SW_HOT const struct sw_start_handle *sw_start_path_at(size_t i)
{
    return entry_at(start_block->paths, start_block->path_count, i);
}

const struct sw_start_handle *sw_start_find(const char *name)
{
    size_t length = strlen(name);
    const struct sw_start_handle *entry;
    for (size_t i = 0; (entry = sw_start_handle_at(i)) != NULL; i++)
        if (entry->length == length && memcmp(sw_start_text(entry->offset), name, length) == 0)
            return entry;
    return NULL;
}

handle_t sw_start_get(const char *name)
{
    const struct sw_start_handle *entry = sw_start_find(name);
    return entry ? entry->handle : 0;
}

static const char *string_at(uint32_t table, uint32_t count, size_t i)
{
    if (i >= count)
        return NULL;
    return sw_start_text(((const struct sw_start_string *)sw_start_text(table))[i].offset);
}

const char *sw_start_argument(size_t i)
{
    return string_at(start_block->arguments, start_block->argument_count, i);
}

const char *sw_start_environment(size_t i)
{
    return string_at(start_block->environment, start_block->environment_count, i);
}
