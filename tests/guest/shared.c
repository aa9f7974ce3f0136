/* Threads of one process on several CPUs: exact counts under atomics, mutexes and conditions, and
 * translations that never outlive a change of the mapping.
 *
 *   shared count THREADS       counters and locks
 *   shared map THREADS         what one thread unmaps, maps, protects or gives back, others see */
#include "check.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <swos/mapping.h>
#include <swos/sync.h>
#include <swos/thread.h>

#define THREADS 16
#define ADDS 20000u
#define TOGETHER (SW_SECOND / 2) /* ns of atomic additions by all threads at once */
#define TURNS 200u
#define PAGES 4
#define CHANGES 100u
#define WORDS (SW_PAGE / sizeof(uint64_t))

static struct sw_thread *threads[THREADS];
static uint32_t thread_count;

static void start_all(void *(*entry)(void *))
{
    for (uint32_t i = 0; i < thread_count; i++)
        check_status(sw_thread_start(entry, (void *)(uintptr_t)i, 0, &threads[i]), SW_OK,
                     "a thread");
}

static uint32_t join_all(void)
{
    uint32_t bad = 0;

    for (uint32_t i = 0; i < thread_count; i++) {
        void *result = NULL;
        if (sw_thread_join(threads[i], sw_clock_deadline(120 * SW_SECOND), &result) != SW_OK)
            bad++;
        bad += (uint32_t)(uintptr_t)result;
    }
    return bad;
}

/* --- counting -------------------------------------------------------------------------------- */

static _Atomic uint64_t atomic_count, atomic_wanted;
static uint64_t together_end;
static uint64_t locked_count;
static struct sw_mutex lock;
static struct sw_condition turn_over;
static uint32_t turn;

static void *count_up(void *argument)
{
    uint32_t number = (uint32_t)(uintptr_t)argument;

    uint64_t added = 0;
    for (; added % 1000 || sw_clock_monotonic() < together_end; added++)
        atomic_fetch_add_explicit(&atomic_count, 1, memory_order_relaxed);
    atomic_fetch_add(&atomic_wanted, added);
    for (uint32_t i = 0; i < ADDS; i++) {
        sw_mutex_lock(&lock);
        locked_count++;
        sw_mutex_unlock(&lock);
    }
    /* In a ring: each waits for its turn and gives it to the next. */
    sw_mutex_lock(&lock);
    for (uint32_t i = 0; i < TURNS; i++) {
        while (turn % thread_count != number)
            sw_condition_wait(&turn_over, &lock, SW_NEVER);
        turn++;
        sw_condition_broadcast(&turn_over);
    }
    sw_mutex_unlock(&lock);
    return NULL;
}

static uint64_t busy_now(uint32_t cpu, uint64_t *out_time)
{
    struct sw_system_info info;

    sw_system_info(&info);
    *out_time = info.monotonic_ns;
    return info.cpu_busy_ns[cpu];
}

static void count(void)
{
    struct sw_system_info info;
    uint64_t busy[8], from = 0, to = 0;

    sw_system_info(&info);
    together_end = sw_clock_deadline(2 * TOGETHER); /* half of it is for their start */
    start_all(count_up);
    sw_clock_sleep(together_end - TOGETHER);
    for (uint32_t i = 0; i < info.cpu_count; i++)
        busy[i] = busy_now(i, &from);
    sw_clock_sleep(together_end - TOGETHER / 5);
    for (uint32_t i = 0; i < info.cpu_count; i++) {
        uint64_t part = (busy_now(i, &to) - busy[i]) * 1000 / (to - from);
        check(thread_count < info.cpu_count || part >= 900, "CPU %u took part: %llu thousandths",
              (unsigned)i, (unsigned long long)part);
    }
    check(join_all() == 0, "all threads ended");
    check(atomic_count == atomic_wanted, "atomic additions: %llu of %llu",
          (unsigned long long)atomic_count, (unsigned long long)atomic_wanted);
    uint64_t wanted = (uint64_t)ADDS * thread_count;
    check(locked_count == wanted, "additions under a mutex: %llu",
          (unsigned long long)locked_count);
    check(turn == TURNS * thread_count, "turns of the ring: %u", (unsigned)turn);
}

/* --- translations ---------------------------------------------------------------------------- */

/* The pages under test and what each word of them must read, while `sequence` is even. A thread
 * that touches them says so in `inside` and looks at the sequence once more; the one that changes
 * them makes it odd and waits until nobody is inside. So no touch faults, and every one that is
 * made after a change must see it, whatever translations its CPU had before. */
static volatile uint64_t *window;
static _Atomic uint64_t sequence, expected;
static _Atomic bool writable, ended;
static struct {
    _Alignas(64) _Atomic uint32_t inside;
    _Atomic uint64_t touches;
} visitors[THREADS];

static handle_t probe; /* the kernel writes from it through this CPU's translations */

static uint32_t touch(void)
{
    uint64_t want = atomic_load(&expected), value;
    bool may_write = atomic_load(&writable);
    uint32_t bad = 0;

    for (uint32_t page = 0; page < PAGES; page++) {
        value = window[page * WORDS + 1];
        bad += value != want;
        uint64_t done;
        status_t status =
            sw_memory_read(probe, 0, (void *)&window[page * WORDS], sizeof(uint64_t), &done);
        bad += (status == SW_OK) != may_write;
    }
    return bad;
}

static void *visit(void *argument)
{
    uint32_t number = (uint32_t)(uintptr_t)argument;
    uintptr_t bad = 0;

    while (!atomic_load(&ended)) {
        uint64_t before = atomic_load(&sequence);
        atomic_store(&visitors[number].inside, 1);
        if (before % 2 == 0 && atomic_load(&sequence) == before) {
            bad += touch();
            atomic_fetch_add(&visitors[number].touches, 1);
        }
        atomic_store(&visitors[number].inside, 0);
        if (before % 2)
            sw_thread_yield();
    }
    return (void *)bad;
}

static void change_begin(void)
{
    atomic_fetch_add(&sequence, 1);
    for (uint32_t i = 0; i < thread_count; i++)
        while (atomic_load(&visitors[i].inside))
            sw_thread_yield();
}

static void change_end(uint64_t value, bool may_write)
{
    atomic_store(&expected, value);
    atomic_store(&writable, may_write);
    atomic_fetch_add(&sequence, 1);
    /* Until others have seen it, which run on other CPUs if there are enough. */
    uint64_t before = 0, now = 0, end = sw_clock_deadline(SW_SECOND / 5);
    for (uint32_t i = 0; i < thread_count; i++)
        before += atomic_load(&visitors[i].touches);
    do {
        sw_thread_yield();
        now = 0;
        for (uint32_t i = 0; i < thread_count; i++)
            now += atomic_load(&visitors[i].touches);
    } while (now < before + thread_count && sw_clock_monotonic() < end);
}

static void fill(handle_t memory, uint64_t value)
{
    uint64_t done, words[2] = { value, value };

    for (uint32_t page = 0; page < PAGES; page++)
        sw_memory_write(memory, page * SW_PAGE, words, sizeof words, &done);
}

static void map(void)
{
    const size_t size = PAGES * SW_PAGE;
    handle_t memory[2] = { 0 };
    uint32_t failed = 0;
    uint64_t mapped = 0, value = 1;
    void *place;

    for (uint32_t i = 0; i < 2; i++)
        check_status(sw_memory_create(size, 0, &memory[i]), SW_OK, "memory");
    check_status(sw_memory_create(SW_PAGE, 0, &probe), SW_OK, "memory to copy from");
    fill(memory[0], value);
    check_status(sw_mapping_map(memory[0], 0, size, SW_MAP_READ | SW_MAP_WRITE, &place), SW_OK,
                 "mapping");
    window = place;
    const uint64_t address = (uintptr_t)place;
    atomic_store(&expected, value);
    atomic_store(&writable, true);
    start_all(visit);
    for (uint32_t i = 0; i < CHANGES; i++) {
        handle_t here = memory[i / 4 % 2], there = memory[(i / 4 + 1) % 2];
        change_begin();
        switch (i % 4) {
        case 0: /* read-only, and nothing else changes */
            failed += sw_memory_protect(address, size, SW_MAP_READ) != SW_OK;
            change_end(value, false);
            break;
        case 1: /* writable again */
            failed += sw_memory_protect(address, size, SW_MAP_READ | SW_MAP_WRITE) != SW_OK;
            change_end(value, true);
            break;
        case 2: /* its pages go away from under it: zeros from now on */
            failed += sw_memory_decommit(here, 0, size) != SW_OK;
            change_end(0, true);
            break;
        case 3: /* another object in its place */
            fill(there, ++value);
            failed += sw_memory_unmap(address, size) != SW_OK;
            failed += sw_memory_map(there, address, 0, size, SW_MAP_READ | SW_MAP_WRITE, &mapped) !=
                      SW_OK;
            change_end(value, true);
            break;
        }
    }
    atomic_store(&ended, true);
    uint32_t bad = join_all();
    uint64_t touches = 0;
    for (uint32_t i = 0; i < thread_count; i++)
        touches += visitors[i].touches;
    check(failed == 0, "%u changes, %u failed", CHANGES, (unsigned)failed);
    check(touches >= CHANGES * thread_count / 2, "%llu looks at them", (unsigned long long)touches);
    check(bad == 0, "%u saw what was no longer there", (unsigned)bad);
    sw_mapping_unmap(place, size);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    thread_count = (uint32_t)strtoul(argv[2], NULL, 10);
    if (thread_count == 0 || thread_count > THREADS)
        return 2;
    if (strcmp(argv[1], "count") == 0)
        count();
    else if (strcmp(argv[1], "map") == 0)
        map();
    else
        return 2;
    return check_done();
}
