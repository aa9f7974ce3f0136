/* What nicd leaves to its successor. See kept.h. */
#include "kept.h"
#include <stdatomic.h>
#include <string.h>
#include <swos/mapping.h>
#include <swos/status.h>

#define MAGIC 0x3154504b43494e53ull /* SNICKPT1 */
#define SLOT 0                      /* of the job */
#define BYTES ((1 + QUEUES) * SW_PAGE)

status_t kept_open(handle_t job, struct kept **out_kept, handle_t *out_memory)
{
    uint64_t size, committed;
    uint32_t sealed;
    void *mapped;
    status_t status = sw_job_kept(job, SLOT, out_memory);

    if (status == SW_OK) {
        status = sw_memory_info(*out_memory, &size, &committed, &sealed);
        if (status == SW_OK && size < BYTES)
            status = SW_INVALID;
        if (status == SW_OK)
            status = sw_mapping_map(*out_memory, 0, BYTES, SW_MAP_READ | SW_MAP_WRITE, &mapped);
    } else if (status == SW_NOT_FOUND) {
        status = sw_mapping_create(BYTES, SW_MEMORY_COMMIT, &mapped, out_memory);
        if (status == SW_OK)
            status = sw_job_keep(job, SLOT, *out_memory);
    }
    if (status == SW_OK)
        *out_kept = mapped;
    return status;
}

static void magic_store(struct kept *kept, uint64_t value)
{
    atomic_store_explicit((_Atomic uint64_t *)&kept->magic, value, memory_order_release);
    /* Before any store that comes after: it tells what those are worth. */
    atomic_signal_fence(memory_order_seq_cst);
}

bool kept_claim(struct kept *kept)
{
    if (kept->magic != MAGIC)
        return false;
    magic_store(kept, 0);
    return true;
}

void kept_clear(struct kept *kept)
{
    magic_store(kept, 0);
    memset(kept->queues, 0, sizeof(kept->queues));
    memset(kept_queue_page(kept, 0), 0, QUEUES * SW_PAGE);
}

void kept_begin(struct kept *kept)
{
    magic_store(kept, MAGIC);
}

void kept_taken(struct kept *kept, unsigned int queue, uint16_t taken)
{
    atomic_store_explicit((_Atomic uint16_t *)&kept->queues[queue].taken, taken,
                          memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
}
