/* Address spaces: what page tables cost, against a count of the slots in which regions lie; and
 * that work on huge ranges, many regions and many mappings is cut into slices that others may come
 * between. */
#include "fake_machine.h"
#include "tap.h"
#include <stdlib.h>

#define ROOT SW_START_HANDLE(0)
#define BLOCK (2ull << 20)
#define GIB (1ull << 30)
#define RW (SW_MAP_READ | SW_MAP_WRITE)
#define REGION_SIZE ROUND_UP(sizeof(struct region), 16)

/* The most a hold of the lock may do: see SLICE_* of space.c and obj_memory.c. */
#define MOST_PAGES                                                                                 \
    (10 * 512u) /* tables that are looked through, and what is cleared at both ends */
#define MOST_REGIONS 128u

static handle_t memory_new(struct thread *thread, uint64_t pages, uint32_t flags)
{
    int64_t status = SYS(thread, MEMORY_CREATE, pages * PAGE_SIZE, flags);
    ASSERT(status == SW_OK);
    return (handle_t)thread->frame.x[1];
}

static struct memory *memory_of(struct thread *thread, handle_t handle)
{
    struct handle_entry *entry;
    status_t status = handle_lookup(thread->process, handle, SW_TYPE_MEMORY, 0, &entry);
    ASSERT(status == SW_OK);
    return CONTAINER(entry->object, struct memory, object);
}

static uint32_t load(struct thread *thread, vaddr_t at)
{
    uint32_t value = 0xdead;
    return fake_load(thread, &value, at, sizeof value) ? value : 0xdead;
}

static bool store(struct thread *thread, vaddr_t at, uint32_t value)
{
    return fake_store(thread, at, &value, sizeof value);
}

/* --- charges ---------------------------------------------------------------------------------- */

static uint64_t random_below(uint64_t limit)
{
    return ((uint64_t)rand() << 31 ^ (uint64_t)rand()) % limit;
}

/* What is mapped, as sorted ranges. */
static struct range {
    vaddr_t start, end;
} ranges[2000];
static uint32_t range_count;

static void model_map(vaddr_t start, vaddr_t end)
{
    uint32_t at = 0;
    while (at < range_count && ranges[at].start < start)
        at++;
    memmove(&ranges[at + 1], &ranges[at], (range_count++ - at) * sizeof ranges[0]);
    ranges[at] = (struct range){ start, end };
}

static void model_unmap(vaddr_t start, vaddr_t end)
{
    uint32_t count = range_count;
    struct range before[2000];
    memcpy(before, ranges, count * sizeof ranges[0]);
    range_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct range range = before[i];
        if (range.start < start)
            ranges[range_count++] =
                (struct range){ range.start, range.end < start ? range.end : start };
        if (range.end > end)
            ranges[range_count++] =
                (struct range){ range.start > end ? range.start : end, range.end };
    }
}

static bool model_free(vaddr_t start, vaddr_t end)
{
    for (uint32_t i = 0; i < range_count; i++)
        if (ranges[i].start < end && ranges[i].end > start)
            return false;
    return true;
}

/* Distinct slots of a size in which anything lies. */
static uint64_t model_slots(uint64_t unit)
{
    uint64_t slots = 0, next = 0; /* next: the lowest slot not yet counted */
    for (uint32_t i = 0; i < range_count; i++) {
        uint64_t first = ranges[i].start / unit, last = (ranges[i].end - 1) / unit;
        first = first > next ? first : next;
        if (last >= first) {
            slots += last - first + 1;
            next = last + 1;
        }
    }
    return slots;
}

static void model_take_over(const struct space *space)
{
    range_count = 0;
    list_for_each (at, &space->regions) {
        const struct region *region = CONTAINER(at, struct region, space_link);
        model_map(region->start, region_end(region));
    }
}

/* What the process' job pays besides for regions and tables. */
static uint64_t charged_else(const struct space *space)
{
    return job_root->used[CHARGE_MEMORY] - space->region_count * REGION_SIZE -
           space->table_slots * PAGE_SIZE;
}

/* An address that is likely to share slots with others, and an end near it or far away. */
static void range_choose(vaddr_t *start, vaddr_t *end)
{
    static const uint64_t reach[] = { 4, 600, 1500, 300000 };
    *start = (8 + random_below(3)) * GIB + random_below(2) * (GIB - 3 * BLOCK) +
             random_below(4) * BLOCK + random_below(2) * random_below(512) * PAGE_SIZE;
    *end = *start + (1 + random_below(reach[random_below(4)])) * PAGE_SIZE;
    if (random_below(3) == 0)
        *end = ROUND_UP(*end, BLOCK);
}

static void test_charges(struct thread *thread)
{
    struct space *space = thread->process->space;
    const uint64_t pages = 1 << 20;
    handle_t handle = memory_new(thread, pages, 0);
    uint64_t tables = space->table_pages, slots = space->table_slots, all = space_tables_total;
    uint64_t elsewhere = charged_else(space), most = 0;
    model_take_over(space);
    bool good = space->table_slots == model_slots(BLOCK) + model_slots(GIB);
    uint32_t step = 0;
    for (; step < 8000 && good; step++) {
        vaddr_t start, end;
        range_choose(&start, &end);
        uint64_t taken = page_free_count;
        switch (random_below(5)) {
        case 0:
        case 1: {
            int64_t status = SYS(thread, MEMORY_MAP, handle, start, 0, end - start, RW);
            bool fits = model_free(start, end);
            good = status == (fits ? SW_OK : SW_EXISTS);
            if (fits)
                model_map(start, end);
            break;
        }
        case 2:
            if (random_below(4) == 0)
                end = start + 4 * GIB;
            good = SYS(thread, MEMORY_UNMAP, start, end - start) == SW_OK;
            model_unmap(start, end);
            break;
        case 3: /* splits, and changes no charge but for records */
            SYS(thread, MEMORY_PROTECT, start, end - start, random_below(2) ? RW : SW_MAP_READ);
            break;
        default: /* a touch costs no quota, only RAM */
            if (!model_free(start, start + PAGE_SIZE)) {
                good = load(thread, start) == 0 && taken >= page_free_count;
                if (page_free_count < 2000)
                    SYS(thread, MEMORY_DECOMMIT, handle, 0, pages * PAGE_SIZE);
            }
        }
        uint64_t expected = model_slots(BLOCK) + model_slots(GIB);
        good = good && space->table_slots == expected && charged_else(space) == elsewhere &&
               space->table_pages - 1 <= expected;
        most = expected > most ? expected : most;
    }
    tap_ok(good, "charged as counted in %u steps, up to %lu tables", step, (unsigned long)most);
    CHECK(SYS(thread, MEMORY_UNMAP, 8 * GIB, 8 * GIB) == SW_OK);
    SYS(thread, HANDLE_CLOSE, handle);
    fake_settle();
    CHECK(space->table_slots == slots && space->table_pages == tables && space_tables_total == all);
}

/* A job too small for the tables: the map says so, and no touch does. */
static void test_quota(struct thread *thread)
{
    struct sw_limits limits = { .memory = 2 << 20 };
    fake_store(thread, FAKE_DATA, &limits, sizeof limits);
    SYS(thread, JOB_CREATE, ROOT, FAKE_DATA);
    handle_t job = (handle_t)thread->frame.x[1], process;
    struct thread *child = fake_spawn(thread, job, NULL, 0, 0, &process);
    handle_t memory = memory_new(child, 1, 0);
    uint64_t used = child->process->job->used[CHARGE_MEMORY];
    uint32_t counts[2] = { 0 };
    for (int round = 0; round < 2; round++) {
        int64_t status;
        uint32_t *count = &counts[round];
        while ((status = SYS(child, MEMORY_MAP, memory, 8 * GIB + *count * BLOCK, 0, PAGE_SIZE,
                             RW)) == SW_OK)
            ++*count;
        bool good = status == SW_QUOTA;
        for (uint32_t i = 0; i < *count; i++)
            good = good && store(child, 8 * GIB + i * BLOCK, i) && load(child, 8 * GIB) == i;
        CHECK(good && child->process->state == PROCESS_LIVE);
        CHECK(SYS(child, MEMORY_UNMAP, 8 * GIB, 8 * GIB) == SW_OK &&
              child->process->job->used[CHARGE_MEMORY] == used);
    }
    tap_ok(counts[0] > 300 && counts[0] == counts[1], "QUOTA after %u maps, both times", counts[0]);
    SYS(thread, JOB_KILL, job, 0);
    fake_advance(100000000);
    SYS(thread, HANDLE_CLOSE, process);
    SYS(thread, HANDLE_CLOSE, job);
}

/* --- slices ----------------------------------------------------------------------------------- */

static struct {
    const struct space *space;
    const struct memory *memory;
    uint64_t pages, regions, writable; /* at the last release */
    uint64_t most_pages, most_regions, most_writable, holds;
} watch;

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static void watch_hold(void)
{
    uint64_t pages = distance(watch.space->resident, watch.pages);
    uint64_t regions = distance(watch.space->region_count, watch.regions);
    uint64_t writable = distance(watch.memory->writable_mappings, watch.writable);
    watch.most_pages = pages > watch.most_pages ? pages : watch.most_pages;
    watch.most_regions = regions > watch.most_regions ? regions : watch.most_regions;
    watch.most_writable = writable > watch.most_writable ? writable : watch.most_writable;
    watch.pages = watch.space->resident;
    watch.regions = watch.space->region_count;
    watch.writable = watch.memory->writable_mappings;
    watch.holds++;
}

static void watch_start(struct thread *thread, handle_t memory)
{
    memset(&watch, 0, sizeof watch);
    watch.space = thread->process->space;
    watch.memory = memory_of(thread, memory);
    watch.pages = watch.space->resident;
    watch.regions = watch.space->region_count;
    watch.writable = watch.memory->writable_mappings;
    fake_release_hook = watch_hold;
}

/* True if every hold since did a bounded part of the work. */
static bool watch_stop(uint32_t holds)
{
    fake_release_hook = NULL;
    bool good = watch.most_pages <= MOST_PAGES && watch.most_regions <= MOST_REGIONS &&
                watch.most_writable <= MOST_REGIONS && watch.holds >= holds;
    printf("# %lu holds, at most %lu pages, %lu regions, %lu protections\n",
           (unsigned long)watch.holds, (unsigned long)watch.most_pages,
           (unsigned long)watch.most_regions, (unsigned long)watch.most_writable);
    return good;
}

static bool touch_all(struct thread *thread, vaddr_t at, uint64_t pages)
{
    char *bytes = malloc(pages * PAGE_SIZE);
    bool good = fake_load(thread, bytes, at, pages * PAGE_SIZE);
    free(bytes);
    return good;
}

static struct {
    struct thread *thread;
    vaddr_t at;
    uint64_t pages;
    uint32_t count, wrong;
} other; /* a thread that comes between slices */

/* Touches pages that are being unmapped or protected: they are there, or the call is past them. */
static void other_touches(void)
{
    for (uint32_t i = 0; i < 20; i++)
        other.wrong +=
            !touch_all(other.thread, other.at + random_below(other.pages) * PAGE_SIZE, 1);
    other.count++;
}

static void test_huge_region(struct thread *thread, struct thread *second)
{
    const uint64_t pages = 14000;
    const vaddr_t at = 10 * GIB - 5000 * PAGE_SIZE; /* across an end of both kinds of table */
    handle_t handle = memory_new(thread, pages, 0);
    struct space *space = thread->process->space;
    uint64_t resident = space->resident, slots = space->table_slots;
    SYS(thread, MEMORY_MAP, handle, at, 0, pages * PAGE_SIZE, RW);
    for (uint64_t i = 0; i < pages; i += 500)
        store(thread, at + i * PAGE_SIZE, (uint32_t)i + 1);
    CHECK(touch_all(thread, at, pages) && space->resident == resident + pages);

    /* Read-only, while another thread goes on reading. */
    other.thread = second, other.at = at, other.pages = pages, other.count = other.wrong = 0;
    fake_slice_hook = other_touches;
    watch_start(thread, handle);
    CHECK(SYS(thread, MEMORY_PROTECT, at + PAGE_SIZE, (pages - 1) * PAGE_SIZE, SW_MAP_READ) ==
          SW_OK);
    CHECK(watch_stop(3) && other.count >= 2 && other.wrong == 0);
    fake_slice_hook = NULL;
    bool good = store(thread, at, 1);
    for (uint64_t i = 500; i < pages; i += 500)
        good = good && load(thread, at + i * PAGE_SIZE) == i + 1;
    handle_t small = memory_new(thread, 1, 0);
    for (uint64_t i = 1; i < pages; i += 777)
        good = good && SYS(thread, MEMORY_READ, small, 0, at + i * PAGE_SIZE, 4) == SW_FAULT;
    CHECK(good && memory_of(thread, handle)->writable_mappings == 1);

    /* Refused after translations went: nobody can tell. */
    CHECK(touch_all(thread, at, pages));
    CHECK(SYS(thread, MEMORY_PROTECT, at, (pages + 1) * PAGE_SIZE, RW) == SW_NOT_FOUND);

    /* The middle, from a page on that shares its table. */
    watch_start(thread, handle);
    CHECK(SYS(thread, MEMORY_UNMAP, at + PAGE_SIZE, (pages - 2) * PAGE_SIZE) == SW_OK);
    CHECK(watch_stop(3) && space->resident == resident + 2);
    CHECK(load(thread, at) == 1 && space->region_count == watch.regions);
    CHECK(SYS(thread, MEMORY_UNMAP, at, pages * PAGE_SIZE) == SW_OK);
    CHECK(space->resident == resident && space->table_slots == slots);
    SYS(thread, HANDLE_CLOSE, small);
    SYS(thread, HANDLE_CLOSE, handle);
    fake_settle();
}

/* The largest region there can be, with a page in every table: what is passed over counts too. */
static void test_huge_sparse(struct thread *thread)
{
    struct space *space = thread->process->space;
    uint64_t slots = space->table_slots, tables = space->table_pages;
    handle_t handle = memory_new(thread, 64ull << 18, 0); /* 64 GiB */
    SYS(thread, MEMORY_MAP, handle, 100 * GIB, 0, 64 * GIB, RW);
    CHECK(space->table_slots == slots + 64 * 513);
    bool good = true;
    for (uint64_t i = 0; i < 64 * 512; i += 40)
        good = good && load(thread, 100 * GIB + i * BLOCK) == 0;
    CHECK(good && space->table_pages > tables + 800);
    watch_start(thread, handle);
    CHECK(SYS(thread, MEMORY_PROTECT, 100 * GIB, 64 * GIB, SW_MAP_READ) == SW_OK);
    CHECK(watch_stop(40) && space->table_pages == tables);
    CHECK(SYS(thread, MEMORY_UNMAP, 100 * GIB, 64 * GIB) == SW_OK && space->table_slots == slots);
    SYS(thread, HANDLE_CLOSE, handle);
    fake_settle();
}

static void test_many_regions(struct thread *thread)
{
    enum { REGIONS = 3000 };
    struct space *space = thread->process->space;
    uint32_t regions = space->region_count;
    handle_t handle = memory_new(thread, 1, 0);
    bool good = true;
    for (uint64_t i = 0; i < REGIONS; i++)
        good = good && SYS(thread, MEMORY_MAP, handle, 8 * GIB + i * PAGE_SIZE, 0, PAGE_SIZE,
                           SW_MAP_READ) == SW_OK;
    CHECK(good && touch_all(thread, 8 * GIB, REGIONS));
    watch_start(thread, handle);
    CHECK(SYS(thread, MEMORY_PROTECT, 8 * GIB, REGIONS * PAGE_SIZE, RW) == SW_OK);
    CHECK(watch_stop(20) && watch.memory->writable_mappings == REGIONS);
    CHECK(SYS(thread, MEMORY_PROTECT, 8 * GIB, (REGIONS + 1) * PAGE_SIZE, SW_MAP_READ) ==
              SW_NOT_FOUND &&
          watch.memory->writable_mappings == REGIONS);
    CHECK(SYS(thread, MEMORY_PROTECT, 8 * GIB, REGIONS * PAGE_SIZE, SW_MAP_READ) == SW_OK);
    CHECK(SYS(thread, MEMORY_SEAL, handle) == SW_OK &&
          SYS(thread, MEMORY_PROTECT, 8 * GIB, PAGE_SIZE, RW) == SW_ACCESS);
    watch_start(thread, handle);
    CHECK(SYS(thread, MEMORY_UNMAP, 8 * GIB, GIB) == SW_OK);
    CHECK(watch_stop(20) && space->region_count == regions);
    SYS(thread, HANDLE_CLOSE, handle);
    fake_settle();
}

/* Maps where the call is through, while it goes on. */
static void other_maps(void)
{
    if (other.count++ == 0)
        other.wrong = SYS(other.thread, MEMORY_MAP, other.pages, other.at, 0, PAGE_SIZE,
                          SW_MAP_READ) != SW_OK;
}

static void test_unmap_passed(struct thread *thread, struct thread *second)
{
    handle_t handle = memory_new(thread, 1, 0);
    for (uint64_t i = 0; i < 300; i++)
        SYS(thread, MEMORY_MAP, handle, 8 * GIB + i * PAGE_SIZE, 0, PAGE_SIZE, SW_MAP_READ);
    other.thread = second, other.at = 8 * GIB, other.pages = handle;
    other.count = other.wrong = 0;
    fake_slice_hook = other_maps;
    CHECK(SYS(thread, MEMORY_UNMAP, 8 * GIB, 300 * PAGE_SIZE) == SW_OK);
    fake_slice_hook = NULL;
    CHECK(other.count > 1 && !other.wrong && load(thread, 8 * GIB) == 0);
    CHECK(SYS(thread, MEMORY_UNMAP, 8 * GIB, 300 * PAGE_SIZE) == SW_OK);
    SYS(thread, HANDLE_CLOSE, handle);
}

/* --- an object mapped many times -------------------------------------------------------------- */

enum { VIEWS = 500, VIEW_PAGES = 8 };
#define VIEW(number) (8 * GIB + (uint64_t)(number)*VIEW_PAGES * PAGE_SIZE)

/* Looks through all views at pages that are on their way out: what was there, or zeros. */
static void other_looks(void)
{
    uint32_t before = 0, zero = 0;
    for (uint64_t i = 0; i < VIEWS; i += 7) {
        uint32_t value = load(other.thread, VIEW(i) + other.count % 2 * PAGE_SIZE);
        before += value == 0x1234;
        zero += value == 0;
    }
    /* The first look through a view that is done keeps the page, zeroed, for all others. */
    other.wrong += before + zero != (VIEWS + 6) / 7 || (other.count >= 2 && before);
    other.count++;
}

static void test_many_mappings(struct thread *thread, struct thread *second)
{
    handle_t handle = memory_new(thread, VIEW_PAGES, SW_MEMORY_COMMIT);
    struct memory *memory = memory_of(thread, handle);
    for (uint64_t i = 0; i < VIEWS; i++)
        SYS(thread, MEMORY_MAP, handle, VIEW(i), 0, VIEW_PAGES * PAGE_SIZE, RW);
    for (uint64_t i = 0; i < VIEW_PAGES; i++)
        store(thread, VIEW(0) + i * PAGE_SIZE, 0x1234);
    CHECK(touch_all(thread, VIEW(0), VIEWS * VIEW_PAGES));
    uint64_t free_before = page_free_count;

    /* Nobody looks: all pages go. */
    watch_start(thread, handle);
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 0, VIEW_PAGES * PAGE_SIZE) == SW_OK);
    CHECK(watch_stop(VIEWS / 16) && watch.most_pages <= 16 * VIEW_PAGES);
    CHECK(memory->committed == 0 && page_free_count == free_before + VIEW_PAGES);
    CHECK(load(thread, VIEW(3)) == 0 && memory->committed == 1);

    /* Others look meanwhile: what they touched stays, zeroed; the rest goes. */
    SYS(thread, MEMORY_COMMIT, handle, 0, VIEW_PAGES * PAGE_SIZE);
    for (uint64_t i = 0; i < VIEW_PAGES; i++)
        store(thread, VIEW(0) + i * PAGE_SIZE, 0x1234);
    CHECK(touch_all(thread, VIEW(0), VIEWS * VIEW_PAGES));
    other.thread = second, other.count = other.wrong = 0;
    fake_slice_hook = other_looks;
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 0, VIEW_PAGES * PAGE_SIZE) == SW_OK);
    fake_slice_hook = NULL;
    CHECK(other.count > 8 && other.wrong == 0);
    CHECK(memory->committed >= 2 && memory->committed < VIEW_PAGES);
    bool good = true;
    for (uint64_t i = 0; i < VIEWS; i++)
        for (uint64_t page = 0; page < VIEW_PAGES; page++)
            good = good && load(thread, VIEW(i) + page * PAGE_SIZE) == 0;
    CHECK(good && fake_stale_uses == 0);
    store(thread, VIEW(9), 77);
    CHECK(load(thread, VIEW(499)) == 77 && memory->committed == VIEW_PAGES);
    CHECK(SYS(thread, MEMORY_UNMAP, VIEW(0), VIEWS * VIEW_PAGES * PAGE_SIZE) == SW_OK);
    SYS(thread, HANDLE_CLOSE, handle);
    fake_settle();
}

static void other_is_killed(void)
{
    SYS(other.thread, PROCESS_KILL, other.pages, 0);
}

/* A decommit that another process began and did not finish: splits and unmaps meanwhile lose no
 * view, and whoever seals finishes it, or who maps what is to stay. */
static void test_leaving_left(struct thread *thread, bool seals)
{
    handle_t handle = memory_new(thread, VIEW_PAGES, SW_MEMORY_COMMIT);
    struct memory *memory = memory_of(thread, handle);
    for (uint64_t i = 0; i < 60; i++)
        SYS(thread, MEMORY_MAP, handle, VIEW(i), 0, VIEW_PAGES * PAGE_SIZE, SW_MAP_READ);
    touch_all(thread, VIEW(0), 60 * VIEW_PAGES);
    handle_t process;
    struct sw_transfer transfers[] = { { .handle = ROOT, .rights = SW_RIGHTS_SAME },
                                       { .handle = handle, .rights = SW_RIGHTS_SAME } };
    struct thread *child = fake_spawn(thread, ROOT, transfers, 2, 0, &process);
    other.thread = thread, other.pages = process;
    fake_slice_hook = other_is_killed;
    CHECK(SYS(child, MEMORY_DECOMMIT, SW_START_HANDLE(1), 0, VIEW_PAGES * PAGE_SIZE) ==
          SW_SYS_PENDING);
    fake_slice_hook = NULL;
    CHECK(memory->leaving.pages == VIEW_PAGES && memory->committed == VIEW_PAGES);
    fake_advance(100000000);
    CHECK(SYS(thread, MEMORY_PROTECT, VIEW(40) + PAGE_SIZE, PAGE_SIZE, 0) == SW_OK &&
          SYS(thread, MEMORY_UNMAP, VIEW(20), VIEW_PAGES * PAGE_SIZE) == SW_OK &&
          SYS(thread, MEMORY_UNMAP, VIEW(50) + PAGE_SIZE, PAGE_SIZE) == SW_OK);
    status_t status = seals ? SYS(thread, MEMORY_SEAL, handle)
                            : SYS(thread, MEMORY_MAP, handle, VIEW(60), 0, VIEW_PAGES * PAGE_SIZE,
                                  SW_MAP_READ | SW_MAP_COMMITTED);
    CHECK(status == (seals ? SW_OK : SW_BAD_STATE));
    CHECK(memory->leaving.pages == 0 && memory->committed == 0);
    bool good = true;
    for (uint64_t i = 0; i < 60; i++)
        good = good && (i == 20 || load(thread, VIEW(i)) == 0);
    CHECK(good && load(thread, VIEW(40) + 2 * PAGE_SIZE) == 0 && fake_stale_uses == 0);
    CHECK(SYS(thread, MEMORY_UNMAP, VIEW(0), 60 * VIEW_PAGES * PAGE_SIZE) == SW_OK);
    SYS(thread, HANDLE_CLOSE, handle);
    SYS(thread, HANDLE_CLOSE, process);
    fake_settle();
}

int main(void)
{
    srand(1);
    struct thread *thread = fake_start(3, 32768);
    for (uint32_t i = 0; i < FAKE_DATA_PAGES; i++)
        store(thread, FAKE_DATA + i * PAGE_SIZE, 0);
    test_charges(thread);
    test_quota(thread);
    SYS(thread, THREAD_CREATE, 0x20000000, FAKE_DATA + PAGE_SIZE, 0, 0);
    struct thread *second =
        CONTAINER(thread->process->threads.previous, struct thread, process_link);
    test_huge_region(thread, second);
    test_huge_sparse(thread);
    test_many_regions(thread);
    test_unmap_passed(thread, second);
    test_many_mappings(thread, second);
    test_leaving_left(thread, true);
    test_leaving_left(thread, false);
    CHECK(fake_stale_uses == 0 && fake_unordered_uses == 0);
    return tap_done();
}
