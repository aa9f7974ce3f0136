/* Verified metadata in kept slots. See kept.h.
 *
 * The metadata is kept first: where the head is, so is what it belongs to. */
#include <string.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/start.h>
#include <swos/status.h>

#include "kept.h"

enum slot { SLOT_HEAD, SLOT_METADATA };

#define MAGIC 0x315445444d474d49ull

struct head {
    struct image_superblock super;
    uint64_t magic;
    uint32_t disk;
};

/* A slot's memory, mapped, if it is sealed. */
static const void *slot_map(enum slot slot, uint64_t *out_size)
{
    uint64_t committed;
    uint32_t sealed;
    handle_t memory;
    void *address = NULL;

    if (sw_job_kept(sw_start_get("job"), slot, &memory) != SW_OK) {
        return NULL;
    }
    if (sw_memory_info(memory, out_size, &committed, &sealed) != SW_OK || !sealed ||
        sw_mapping_map(memory, 0, *out_size, SW_MAP_READ, &address) != SW_OK) {
        address = NULL;
    }
    sw_handle_close(memory);
    return address;
}

bool kept_find(struct kept *out)
{
    uint64_t size = 0;
    const struct head *head = slot_map(SLOT_HEAD, &size);

    if (!head || size < sizeof(*head) || head->magic != MAGIC) {
        return false;
    }
    *out = (struct kept){ .super = &head->super, .disk = head->disk };
    out->metadata = slot_map(SLOT_METADATA, &out->metadata_size);
    return out->metadata != NULL;
}

static status_t head_put(const struct image_superblock *super, uint32_t disk)
{
    struct head *head;
    handle_t memory;
    void *address;
    status_t status = sw_mapping_create(sizeof(*head), 0, &address, &memory);

    if (status != SW_OK) {
        return status;
    }
    head = address;
    head->super = *super;
    head->disk = disk;
    head->magic = MAGIC;
    sw_mapping_unmap(address, sizeof(*head));
    status = sw_memory_seal(memory);
    if (status == SW_OK) {
        status = sw_job_keep(sw_start_get("job"), SLOT_HEAD, memory);
    }
    sw_handle_close(memory);
    return status;
}

void kept_put(const struct image_superblock *super, uint32_t disk, handle_t metadata)
{
    status_t status = sw_job_keep(sw_start_get("job"), SLOT_METADATA, metadata);

    if (status == SW_OK) {
        status = head_put(super, disk);
    }
    if (status != SW_OK) {
        sw_log(SW_LOG_WARNING, "the image's metadata is not kept: %s", sw_status_text(status));
    }
}
