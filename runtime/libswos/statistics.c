/* Counters of a server. See statistics.h.
 *
 * The reader copies the page while it changes: each word is one store, and they need not agree. */
#include <stdbool.h>
#include <swos/clock.h>
#include <swos/hot.h>
#include <swos/mapping.h>
#include <swos/start.h>
#include <swos/statistics.h>

/* Calls under way, by the low bits of their tokens, which are small numbers; two that share a place
 * lose the older one's time. */
#define PLACES 64u

static struct sw_statistics *statistics;
static struct {
    uint64_t token, began;
} calls[PLACES];

/* Maps the page the process before this one left, as it is; false: there is none, or no such page. */
static bool page_adopt(handle_t job)
{
    handle_t memory;
    uint64_t size, committed;
    uint32_t sealed;
    void *mapped;
    if (sw_job_kept(job, SW_STATISTICS_SLOT, &memory) != SW_OK)
        return false;
    bool mappable =
        sw_memory_info(memory, &size, &committed, &sealed) == SW_OK && size == SW_PAGE && !sealed &&
        sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE, &mapped) == SW_OK;
    sw_handle_close(memory);
    if (!mappable)
        return false;
    if (((struct sw_statistics *)mapped)->magic != SW_STATISTICS_MAGIC) {
        sw_mapping_unmap(mapped, SW_PAGE);
        return false;
    }
    statistics = mapped;
    return true;
}

static void page_make(handle_t job)
{
    handle_t memory;
    void *mapped;
    if (sw_memory_create(SW_PAGE, SW_MEMORY_COMMIT, &memory) != SW_OK)
        return;
    if (sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE, &mapped) == SW_OK) {
        statistics = mapped;
        statistics->magic = SW_STATISTICS_MAGIC;
        sw_job_keep(job, SW_STATISTICS_SLOT, memory);
    }
    sw_handle_close(memory);
}

void sw_statistics_open(void)
{
    handle_t job = sw_start_get("job");
    if (!statistics && job && sw_start_get("serve") && !page_adopt(job))
        page_make(job);
}

uint64_t *sw_statistics_own(void)
{
    return statistics ? (uint64_t *)((uintptr_t)statistics + SW_STATISTICS_OWN) : NULL;
}

SW_HOT void sw_statistics_begin(uint64_t token)
{
    if (!statistics)
        return;
    statistics->requests++;
    calls[token % PLACES].token = token;
    calls[token % PLACES].began = sw_clock_monotonic();
}

SW_HOT void sw_statistics_end(uint64_t token)
{
    if (!statistics || calls[token % PLACES].token != token)
        return;
    calls[token % PLACES].token = 0;
    uint64_t took = sw_clock_monotonic() - calls[token % PLACES].began;
    uint64_t units = took >> SW_STATISTICS_SHIFT;
    uint32_t bucket = units ? 64 - (uint32_t)__builtin_clzll(units) : 0;
    statistics->answered_ns += took;
    statistics->answered[bucket < SW_STATISTICS_BUCKETS ? bucket : SW_STATISTICS_BUCKETS - 1]++;
}
