/* Memory objects mapped into this process. */
#include <swos/mapping.h>

status_t sw_mapping_map(handle_t memory, uint64_t offset, size_t size, uint32_t protection,
                        void **out_address)
{
    uint64_t mapped = 0;
    status_t status = sw_memory_map(memory, 0, offset, sw_page_round(size), protection, &mapped);
    if (status == SW_OK)
        *out_address = (void *)(uintptr_t)mapped;
    return status;
}

status_t sw_mapping_create(size_t size, uint32_t flags, void **out_address, handle_t *out_memory)
{
    handle_t memory = 0;
    status_t status = sw_memory_create(sw_page_round(size), flags, &memory);
    if (status != SW_OK)
        return status;
    status = sw_mapping_map(memory, 0, size, SW_MAP_READ | SW_MAP_WRITE, out_address);
    if (status != SW_OK || !out_memory)
        sw_handle_close(memory);
    else
        *out_memory = memory;
    return status;
}

void sw_mapping_unmap(const void *address, size_t size)
{
    sw_memory_unmap((uint64_t)(uintptr_t)address, sw_page_round(size));
}
