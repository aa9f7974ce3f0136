/* See swos/layout.h. */
#include <swos/layout.h>

#define REGION 0x200000u /* what one last-level page table maps */

uint64_t sw_layout_base(uint64_t span, uint64_t random)
{
    const uint64_t lowest = 1ull << 32, limit = 1ull << 38;
    uint64_t regions = (span + REGION - 1) / REGION;
    uint64_t slack = (regions * REGION - span) / SW_PAGE;
    uint64_t region = (random >> 16) % ((limit - lowest) / REGION - regions);

    return lowest + region * REGION + (random & 0xffff) % (slack + 1) * SW_PAGE;
}

status_t sw_layout_add(struct sw_program *program, uint64_t address, uint32_t flags,
                       uint64_t file_size, uint64_t start, uint64_t end, uint32_t memory,
                       uint64_t offset)
{
    struct sw_segment *part;

    if (start == end)
        return SW_OK;
    if (program->segment_count == sizeof(program->segments) / sizeof(program->segments[0]))
        return SW_BAD_IMAGE;
    part = &program->segments[program->segment_count++];
    *part = (struct sw_segment){ .address = address + start, .size = end - start, .flags = flags };
    if (file_size > start) {
        part->file_size = (file_size < end ? file_size : end) - start;
        part->offset = offset;
        part->memory = memory;
    }
    return SW_OK;
}
