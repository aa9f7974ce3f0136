/* Laying out the programs of the boot bundle. See bundle.h. */
#include <string.h>
#include <swos/layout.h>

#include "bundle.h"

const struct bundle_entry *bundle_entries(const void *bundle, size_t size, uint32_t *out_count)
{
    const struct bundle_header *header = bundle;
    const struct bundle_entry *entries = (const void *)(header + 1);

    if (size < sizeof(*header) || memcmp(header->magic, BUNDLE_MAGIC, sizeof(header->magic)) != 0 ||
        header->version != BUNDLE_VERSION || header->size > size ||
        header->entry_count > (size - sizeof(*header)) / sizeof(*entries)) {
        return NULL;
    }
    *out_count = header->entry_count;
    return entries;
}

static const uint32_t *entry_relocations(const void *bundle, const struct bundle_entry *entry)
{
    return (const void *)((const uint8_t *)bundle + entry->relocations);
}

/* The pages of a segment that hold relocated words: image pages [*first, *end). */
static void segment_run(const void *bundle, const struct bundle_entry *entry,
                        const struct bundle_segment *segment, uint32_t *first, uint32_t *end)
{
    const uint32_t *words = entry_relocations(bundle, entry);

    *first = *end = segment->page;
    for (uint32_t i = 0; i < entry->relocation_count; i++) {
        uint32_t page = words[i] / SW_PAGE;

        if (page < segment->page || page - segment->page >= segment->pages) {
            continue;
        }
        if (*end == segment->page) {
            *first = page;
        }
        *end = page + 1;
    }
}

uint32_t layout_relocated_pages(const void *bundle, const struct bundle_entry *entry)
{
    uint32_t pages = 0, first, end;

    for (uint32_t i = 0; i < entry->segment_count; i++) {
        segment_run(bundle, entry, &entry->segments[i], &first, &end);
        pages += end - first;
    }
    return pages;
}

/* Adds image pages [first, end) of a segment to the program. */
static status_t add_part(struct sw_program *out, uint64_t base,
                         const struct bundle_segment *segment, uint32_t first, uint32_t end,
                         uint32_t memory, uint64_t offset)
{
    uint32_t page = segment->page;

    return sw_layout_add(out, base + (uint64_t)page * SW_PAGE, segment->flags, segment->file_size,
                         (uint64_t)(first - page) * SW_PAGE, (uint64_t)(end - page) * SW_PAGE,
                         memory, offset);
}

status_t layout_program(const void *bundle, const struct bundle_entry *entry, uint64_t base,
                        uint8_t *relocated, uint64_t relocated_offset, struct sw_program *out)
{
    const uint8_t *image = (const uint8_t *)bundle + entry->offset;
    const uint32_t *words = entry_relocations(bundle, entry);

    *out = (struct sw_program){ .version = SW_PROGRAM_VERSION,
                                .entry = base + entry->entry,
                                .base = base,
                                .stack_size = entry->stack_size };
    memcpy(&out->identity, entry->hash, sizeof(out->identity));
    for (uint32_t i = 0; i < entry->segment_count; i++) {
        const struct bundle_segment *segment = &entry->segments[i];
        uint32_t last = segment->page + segment->pages, first, end;
        status_t status;

        segment_run(bundle, entry, segment, &first, &end);
        if (first != end) {
            uint64_t start = (uint64_t)first * SW_PAGE, stop = (uint64_t)end * SW_PAGE;
            size_t stored = (size_t)((stop < entry->size ? stop : entry->size) - start);

            if (!(segment->flags & SW_SEGMENT_WRITE)) {
                return SW_BAD_IMAGE;
            }
            memcpy(relocated, image + start, stored);
            for (uint32_t word = 0; word < entry->relocation_count; word++) {
                uint64_t value, at = words[word] - start;

                if (words[word] < start || words[word] >= stop) {
                    continue;
                }
                memcpy(&value, relocated + at, sizeof(value));
                value += base;
                memcpy(relocated + at, &value, sizeof(value));
            }
            relocated += stop - start;
        }
        if ((status = add_part(out, base, segment, segment->page, first, LAYOUT_BUNDLE,
                               entry->offset + (uint64_t)segment->page * SW_PAGE)) != SW_OK ||
            (status = add_part(out, base, segment, first, end, LAYOUT_RELOCATED,
                               relocated_offset)) != SW_OK ||
            (status = add_part(out, base, segment, end, last, LAYOUT_BUNDLE,
                               entry->offset + (uint64_t)end * SW_PAGE)) != SW_OK) {
            return status;
        }
        relocated_offset += (uint64_t)(end - first) * SW_PAGE;
    }
    return SW_OK;
}
