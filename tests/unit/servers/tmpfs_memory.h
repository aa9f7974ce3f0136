/* The memory under the store in its test: arena, vault and index, processes that end and begin,
 * and deaths at any store.
 *
 * Memory that was not committed is not accessible here, so touching it ends the test. For the
 * deaths, vault and arena are write-protected while an operation runs: each store faults, what a
 * death would leave right there is noted, and the store is single-stepped. */
#pragma once
#include "store.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define ARENA_PAGES 1100 /* not a multiple of any batch */
#define NOW 1000

static struct store store;
static struct store_plan plan;
static uint8_t *areas[AREAS];
static uint8_t *committed[AREAS];         /* one byte a page; shared like vault and arena */
static uint64_t memory_left = UINT64_MAX; /* pages commit will still give */
static bool recovered;
static bool trapping; /* stores into vault and arena fault */

static void writable(void *address, uint64_t size);

/* ------------------------------------------------------------------ memory */

static void protect_range(enum area area, uint64_t first, uint64_t end)
{
    while (first < end) { /* one call for pages that are alike */
        uint64_t last = first;
        while (last < end && committed[area][last] == committed[area][first])
            last++;
        int protection = !committed[area][first]          ? PROT_NONE
                         : trapping && area != AREA_INDEX ? PROT_READ
                                                          : PROT_READ | PROT_WRITE;
        if (mprotect(areas[area] + first * SW_PAGE, (last - first) * SW_PAGE, protection) != 0)
            abort();
        first = last;
    }
}

static void protect_all(enum area area)
{
    protect_range(area, 0, plan.size[area] / SW_PAGE);
}

static void check_range(enum area area, uint64_t offset, uint64_t size)
{
    if (offset % SW_PAGE || size % SW_PAGE || size == 0 || offset + size > plan.size[area])
        abort();
}

static status_t commit(enum area area, uint64_t offset, uint64_t size)
{
    check_range(area, offset, size);
    /* Page by page, as the kernel does it: what came before the one that was missing stays. */
    uint64_t page = offset / SW_PAGE, end = (offset + size) / SW_PAGE;
    while (page < end && (committed[area][page] || memory_left > 0)) {
        if (!committed[area][page] && memory_left != UINT64_MAX)
            memory_left--;
        committed[area][page++] = 1;
    }
    protect_range(area, offset / SW_PAGE, page);
    return page == end ? SW_OK : SW_NO_MEMORY;
}

static void decommit(enum area area, uint64_t offset, uint64_t size)
{
    check_range(area, offset, size);
    for (uint64_t page = offset / SW_PAGE; page < (offset + size) / SW_PAGE; page++) {
        if (!committed[area][page])
            continue;
        writable(areas[area] + page * SW_PAGE, SW_PAGE);
        memset(areas[area] + page * SW_PAGE, 0, SW_PAGE);
        committed[area][page] = 0;
        memory_left += memory_left != UINT64_MAX;
    }
    protect_range(area, offset / SW_PAGE, (offset + size) / SW_PAGE);
}

static const struct store_memory memory = { commit, decommit };

static uint64_t committed_pages(enum area area)
{
    uint64_t count = 0;
    for (uint64_t page = 0; page < plan.size[area] / SW_PAGE; page++)
        count += committed[area][page];
    return count;
}

static void *map(uint64_t size, int flags, int protection)
{
    void *address = mmap(NULL, size, protection, flags | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
        abort();
    return address;
}

/* ------------------------------------------------------------------ deaths */

/* Each snapshot: which pages of arena and vault are there, and those pages. */
#define SNAPSHOTS_MAX 4096
#define SNAPSHOT_BYTES (2ull << 30) /* address space; what is used is touched */
static uint8_t *snapshots, *snapshots_end;
static uint8_t *snapshot_at[SNAPSHOTS_MAX];
static size_t snapshot_count;

static void snapshot_take(void)
{
    if (snapshot_count == SNAPSHOTS_MAX)
        abort();
    uint8_t *at = snapshots_end;
    snapshot_at[snapshot_count++] = at;
    for (enum area area = AREA_ARENA; area <= AREA_VAULT; area++) {
        uint64_t pages = plan.size[area] / SW_PAGE;
        memcpy(at, committed[area], pages);
        at += pages;
        for (uint64_t page = 0; page < pages; page++) {
            if (!committed[area][page])
                continue;
            memcpy(at, areas[area] + page * SW_PAGE, SW_PAGE);
            at += SW_PAGE;
        }
    }
    snapshots_end = at;
}

static void reopen(void);

static __attribute__((unused)) void snapshot_restore(size_t number)
{
    uint8_t *at = snapshot_at[number];
    for (enum area area = AREA_ARENA; area <= AREA_VAULT; area++) {
        uint64_t pages = plan.size[area] / SW_PAGE;
        memcpy(committed[area], at, pages);
        at += pages;
        protect_all(area);
        for (uint64_t page = 0; page < pages; page++) {
            if (!committed[area][page])
                continue;
            memcpy(areas[area] + page * SW_PAGE, at, SW_PAGE);
            at += SW_PAGE;
        }
    }
    reopen();
}

/* The test's own writes into the arena are not stepped: one death before, all at once. */
static void writable(void *address, uint64_t size)
{
    if (!trapping)
        return;
    snapshot_take();
    uintptr_t start = (uintptr_t)address / SW_PAGE * SW_PAGE;
    if (mprotect((void *)start, (uintptr_t)address + size - start, PROT_READ | PROT_WRITE) != 0)
        abort();
}

#if defined(__x86_64__)
#define TRAP_FLAG 0x100

static bool page_of(const void *address, enum area *out_area, uint64_t *out_page)
{
    for (enum area area = AREA_ARENA; area <= AREA_VAULT; area++) {
        uint64_t offset = (uint64_t)((const uint8_t *)address - areas[area]);
        if (offset < plan.size[area] && committed[area][offset / SW_PAGE]) {
            *out_area = area;
            *out_page = offset / SW_PAGE;
            return true;
        }
    }
    return false;
}

static struct {
    enum area area;
    uint64_t page;
} stepped[4];
static unsigned stepped_count;

static void on_fault(int number, siginfo_t *info, void *context)
{
    enum area area;
    uint64_t page;
    if (!trapping || stepped_count == 4 || !page_of(info->si_addr, &area, &page)) {
        signal(number, SIG_DFL);
        return;
    }
    snapshot_take();
    mprotect(areas[area] + page * SW_PAGE, SW_PAGE, PROT_READ | PROT_WRITE);
    stepped[stepped_count].area = area;
    stepped[stepped_count++].page = page;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_step(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    while (stepped_count > 0) {
        stepped_count--;
        protect_range(stepped[stepped_count].area, stepped[stepped_count].page,
                      stepped[stepped_count].page + 1);
    }
}

static void trap_start(void)
{
    struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    struct sigaction step = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &fault, NULL);
    sigaction(SIGTRAP, &step, NULL);
    if (!snapshots) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        snapshots = mmap(NULL, SNAPSHOT_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (snapshots == MAP_FAILED)
            abort();
    }
    snapshots_end = snapshots;
    snapshot_count = 0;
    trapping = true;
    protect_all(AREA_ARENA);
    protect_all(AREA_VAULT);
}

static void trap_stop(void)
{
    snapshot_take();
    trapping = false;
    signal(SIGSEGV, SIG_DFL);
    signal(SIGTRAP, SIG_DFL);
}
#endif

/* ------------------------------------------------------------------ processes */

/* A new process: kept memory as it is, a fresh index. */
static void reopen(void)
{
    if (areas[AREA_INDEX])
        munmap(areas[AREA_INDEX], plan.size[AREA_INDEX]);
    areas[AREA_INDEX] = map(plan.size[AREA_INDEX], MAP_PRIVATE, PROT_NONE);
    memset(committed[AREA_INDEX], 0, plan.size[AREA_INDEX] / SW_PAGE);
    protect_all(AREA_ARENA);
    protect_all(AREA_VAULT);
    /* The kernel gives a page to whoever reads the header of an object that is still empty. */
    committed[AREA_VAULT][0] = 1;
    protect_range(AREA_VAULT, 0, 1);
    status_t status = store_open(&store, &plan, (void *const *)areas, &memory, NOW, &recovered);
    if (status != SW_OK)
        abort();
}

static void format(void)
{
    store_plan((uint64_t)ARENA_PAGES * SW_PAGE, &plan);
    memory_left = UINT64_MAX;
    for (enum area area = 0; area < AREAS; area++) {
        if (areas[area]) {
            munmap(areas[area], plan.size[area]);
            munmap(committed[area], plan.size[area] / SW_PAGE);
        }
        committed[area] = map(plan.size[area] / SW_PAGE, MAP_SHARED, PROT_READ | PROT_WRITE);
        areas[area] = map(plan.size[area], MAP_SHARED, PROT_NONE);
    }
    reopen();
}
