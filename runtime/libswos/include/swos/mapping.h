/* Memory objects mapped into this process. Sizes are bytes; they are rounded up to pages. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

static inline size_t sw_page_round(size_t size)
{
    return (size + SW_PAGE - 1) & ~(size_t)(SW_PAGE - 1);
}

/* Fresh zeroed memory, readable and writable, at an address the kernel chooses. flags:
 * SW_MEMORY_*. With out_memory the handle is the caller's to close; with NULL it is closed and the
 * memory lives until it is unmapped. */
status_t sw_mapping_create(size_t size, uint32_t flags, void **out_address, handle_t *out_memory);

/* Maps `size` bytes from `offset` (page-aligned) of an object; protection: SW_MAP_*. */
status_t sw_mapping_map(handle_t memory, uint64_t offset, size_t size, uint32_t protection,
                        void **out_address);

/* Unmaps what one of the above mapped; size as given there. */
void sw_mapping_unmap(const void *address, size_t size);
