/* The ends of big jobs and processes, and the start of big programs: each hold of the lock does a
 * bounded part, nothing is forgotten, and EXITED comes after the last of it. */
#include "fake_machine.h"
#include "tap.h"

#define ROOT SW_START_HANDLE(0)
#define MS 1000000ull
#define MOST_ENDED 64u /* threads a hold may end: two slices' worth */
#define MOST_TAKEN                                                                                 \
    200u /* pages a process may take at once: 64 of data, tables, stack, start block */

static struct {
    uint32_t threads;
    uint64_t pages;
    uint32_t most_threads;
    uint64_t most_pages;
} watch;

static uint32_t alive(void)
{
    uint32_t count = 0;
    list_for_each (at, &process_all)
        count += CONTAINER(at, struct process, all_link)->thread_count;
    return count;
}

static void watch_hold(void)
{
    uint32_t threads = alive();
    if (threads < watch.threads && watch.threads - threads > watch.most_threads)
        watch.most_threads = watch.threads - threads;
    if (page_free_count < watch.pages && watch.pages - page_free_count > watch.most_pages)
        watch.most_pages = watch.pages - page_free_count;
    watch.threads = threads;
    watch.pages = page_free_count;
}

static void watch_start(void)
{
    memset(&watch, 0, sizeof watch);
    watch.threads = alive();
    watch.pages = page_free_count;
    fake_release_hook = watch_hold;
}

static void watch_stop(void)
{
    fake_release_hook = NULL;
    printf("# at most %u threads ended, %lu pages taken in a hold\n", watch.most_threads,
           (unsigned long)watch.most_pages);
}

static handle_t job_new(struct thread *thread, handle_t parent)
{
    struct sw_limits limits = { 0 };
    fake_store(thread, FAKE_DATA, &limits, sizeof limits);
    return SYS(thread, JOB_CREATE, parent, FAKE_DATA) == SW_OK ? (handle_t)thread->frame.x[1] : 0;
}

static struct object *object_of(struct thread *thread, handle_t handle)
{
    struct handle_entry *entry;
    status_t status = handle_lookup(thread->process, handle, 0, 0, &entry);
    ASSERT(status == SW_OK);
    return entry->object;
}

static struct job *job_of(struct thread *thread, handle_t handle)
{
    return CONTAINER(object_of(thread, handle), struct job, object);
}

static struct thread *sleeper_in(struct thread *keeper, handle_t job)
{
    handle_t process;
    struct thread *child = fake_spawn(keeper, job, NULL, 0, 0, &process);
    ASSERT(child);
    SYS(keeper, HANDLE_CLOSE, process);
    SYS(child, FUTEX_WAIT, FAKE_DATA + 200, 0, SW_NEVER);
    return child;
}

/* A tree of 40 jobs with processes in most, kept handles and jobs killed before. */
static void test_job_kill(struct thread *keeper)
{
    enum { JOBS = 40, PROCESSES = 4 };
    uint64_t used = job_root->used[CHARGE_MEMORY], objects = object_counts[SW_TYPE_JOB];
    handle_t top = job_new(keeper, ROOT), jobs[JOBS];
    struct job *job = job_of(keeper, top);
    SYS(keeper, MEMORY_CREATE, 50 * PAGE_SIZE, SW_MEMORY_COMMIT);
    handle_t memory = (handle_t)keeper->frame.x[1];
    struct object *kept = object_of(keeper, memory);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = job_new(keeper, i % 5 ? jobs[i - 1] : top);
        for (int j = 0; j < PROCESSES && i % 7; j++)
            sleeper_in(keeper, jobs[i]);
        SYS(keeper, JOB_KEEP, jobs[i], i % SW_KEPT_SLOTS, memory);
    }
    uint32_t live = job->live;
    CHECK(live > 100 && kept->handles == JOBS + 1);

    /* Part of it goes first; its jobs stand behind the others, and new ones in front. */
    SYS(keeper, JOB_KILL, jobs[8], 5);
    CHECK(job_of(keeper, jobs[9])->killed == false && job_of(keeper, jobs[9])->swept);
    fake_advance(100 * MS);
    CHECK(job_of(keeper, jobs[8])->live == 0 && job->live < live);
    CHECK(job_new(keeper, jobs[9]) == 0 && (int64_t)keeper->frame.x[0] == SW_BAD_STATE);
    CHECK(SYS(keeper, JOB_KEEP, jobs[9], 1, memory) == SW_BAD_STATE);
    handle_t late = job_new(keeper, jobs[7]);
    sleeper_in(keeper, late);

    watch_start();
    CHECK(SYS(keeper, JOB_KILL, top, 7) == SW_OK && SYS(keeper, JOB_KILL, top, 8) == SW_OK);
    CHECK(fake_spawn_status(keeper, jobs[39], NULL, 0, 0) == SW_BAD_STATE);
    bool early = false;
    for (uint32_t i = 0; i < 1000 && job->pending != SW_JOB_EXITED; i++) {
        fake_advance(MS);
        early = early || (job->pending == SW_JOB_EXITED && kept->handles != 1);
    }
    watch_stop();
    CHECK(job->pending == SW_JOB_EXITED && job->live == 0 && !early);
    CHECK(watch.most_threads <= MOST_ENDED && kept->handles == 1);
    bool good = true;
    for (int i = 0; i < JOBS; i++) {
        good = good && job_of(keeper, jobs[i])->swept;
        good = good && job_of(keeper, jobs[i])->pending == SW_JOB_EXITED;
        SYS(keeper, HANDLE_CLOSE, jobs[i]);
    }
    CHECK(good && job_of(keeper, late)->live == 0);
    SYS(keeper, HANDLE_CLOSE, late);
    SYS(keeper, HANDLE_CLOSE, memory);
    SYS(keeper, HANDLE_CLOSE, top);
    fake_advance(100 * MS);
    CHECK(job_root->used[CHARGE_MEMORY] == used && object_counts[SW_TYPE_JOB] == objects);
}

/* The killer is in the job: it is through before the rest of it is. */
static void test_kill_own_job(struct thread *keeper)
{
    handle_t top = job_new(keeper, ROOT), process;
    struct job *job = job_of(keeper, top);
    struct sw_transfer transfers[] = { { .handle = top, .rights = SW_RIGHTS_SAME } };
    struct thread *killer = fake_spawn(keeper, top, transfers, 1, 0, &process);
    for (int i = 0; i < 100; i++)
        sleeper_in(keeper, top);
    CHECK(SYS(killer, JOB_KILL, SW_START_HANDLE(0), 3) == SW_SYS_PENDING);
    fake_advance(1000 * MS);
    CHECK(job->live == 0 && job->pending == SW_JOB_EXITED);
    SYS(keeper, HANDLE_CLOSE, process);
    SYS(keeper, HANDLE_CLOSE, top);
    fake_advance(100 * MS);
}

static struct {
    const struct thread *waiter;
    const struct job *job;
    bool early;
} told;

static void told_hold(void)
{
    if (told.waiter->state != THREAD_BLOCKED && told.job->used[CHARGE_MEMORY] > PAGE_SIZE)
        told.early = true;
}

/* Who waits for a job's EXITED is told after what its kept slots held is given back, also when the
 * sweep is done within job_kill, and of a job below the killed one. */
static void test_exited_late(struct thread *keeper)
{
    enum { PAGES = 3000 };
    SYS(keeper, PORT_CREATE);
    handle_t port = (handle_t)keeper->frame.x[1];
    status_t status = (status_t)SYS(keeper, THREAD_CREATE, 0x20000000, 0x20020000, 0, 0);
    ASSERT(status == SW_OK);
    struct thread *waiter =
        CONTAINER(keeper->process->threads.previous, struct thread, process_link);
    vaddr_t at = FAKE_DATA + 5 * PAGE_SIZE;
    for (int below = 0; below < 2; below++) {
        handle_t top = job_new(keeper, ROOT), job = below ? job_new(keeper, top) : top, handle;
        struct memory *memory;
        paddr_t page;
        told.job = job_of(keeper, job);
        status = memory_create(job_of(keeper, job), PAGES, &memory);
        for (uint64_t i = 0; i < PAGES && status == SW_OK; i++)
            status = memory_page(memory, i, true, &page);
        if (status == SW_OK)
            status =
                handle_install(keeper->process, &memory->object, class_memory.all_rights, &handle);
        ASSERT(status == SW_OK);
        object_put(&memory->object);
        CHECK(SYS(keeper, JOB_KEEP, job, 0, handle) == SW_OK);
        SYS(keeper, HANDLE_CLOSE, handle);
        CHECK(SYS(keeper, PORT_BIND, port, job, SW_JOB_EXITED, 1) == SW_OK);
        struct sw_wait wait = { .buffer = at + 1024, .capacity = 256 };
        fake_store(waiter, at, &wait, sizeof wait);
        CHECK(SYS(waiter, PORT_WAIT, port, at, SW_NEVER) == SW_SYS_PENDING);
        told.waiter = waiter;
        fake_release_hook = told_hold;
        CHECK(SYS(keeper, JOB_KILL, top, 0) == SW_OK);
        fake_advance(100 * MS);
        fake_release_hook = NULL;
        CHECK(!told.early && waiter->state != THREAD_BLOCKED && waiter->frame.x[0] == SW_OK);
        told.early = false;
        SYS(keeper, PORT_UNBIND, port, job);
        SYS(keeper, HANDLE_CLOSE, job);
        if (below)
            SYS(keeper, HANDLE_CLOSE, top);
    }
    SYS(waiter, THREAD_EXIT, 0);
    SYS(keeper, HANDLE_CLOSE, port);
    fake_advance(10 * MS);
}

static void test_many_threads(struct thread *keeper)
{
    enum { THREADS = 300 };
    handle_t job = job_new(keeper, ROOT), process_handle;
    struct thread *child = fake_spawn(keeper, job, NULL, 0, 0, &process_handle);
    struct process *process = child->process;
    for (int i = 0; i < THREADS; i++)
        SYS(child, THREAD_CREATE, 0x20000000, FAKE_DATA + PAGE_SIZE, 0, 0);
    CHECK(process->thread_count == THREADS + 1);
    watch_start();
    CHECK(SYS(keeper, PROCESS_KILL, process_handle, 9) == SW_OK);
    for (uint32_t i = 0; i < 1000 && process->state != PROCESS_ENDED; i++)
        fake_advance(MS);
    watch_stop();
    CHECK(process->state == PROCESS_ENDED && process->status == 9);
    CHECK(watch.most_threads <= MOST_ENDED);
    SYS(keeper, HANDLE_CLOSE, process_handle);
    SYS(keeper, HANDLE_CLOSE, job);
    fake_advance(100 * MS);
}

/* --- private data ----------------------------------------------------------------------------- */

enum { DATA_PAGES = 3000, DATA_BYTES = DATA_PAGES * PAGE_SIZE - 100, BSS_PAGES = 50 };
#define DATA_AT (FAKE_DATA + 0x10000000ull)
static handle_t data_memory;
static uint64_t data_bytes;

static void program_big(struct sw_program *program, struct sw_spawn *spawn)
{
    program->segments[program->segment_count++] =
        (struct sw_segment){ .address = DATA_AT,
                             .size = (DATA_PAGES + BSS_PAGES) * PAGE_SIZE,
                             .file_size = data_bytes,
                             .flags = SW_SEGMENT_WRITE,
                             .memory = 1 };
    spawn->memory[1] = data_memory;
}

static uint32_t load(struct thread *thread, vaddr_t at)
{
    uint32_t value = 0xdead;
    return fake_load(thread, &value, at, sizeof value) ? value : 0xdead;
}

static void test_big_data(struct thread *keeper)
{
    uint64_t used = job_root->used[CHARGE_MEMORY];
    SYS(keeper, MEMORY_CREATE, DATA_PAGES * PAGE_SIZE, 0);
    data_memory = (handle_t)keeper->frame.x[1];
    vaddr_t words = FAKE_DATA + 12 * PAGE_SIZE;
    for (uint32_t i = 0; i < DATA_PAGES; i += i < 100 ? 1 : 100) {
        uint32_t value = i + 1;
        fake_store(keeper, words, &value, sizeof value);
        SYS(keeper, MEMORY_WRITE, data_memory, i * PAGE_SIZE, words, 4);
        SYS(keeper, MEMORY_WRITE, data_memory, (i + 1) * PAGE_SIZE - 4, words, 4);
    }
    data_bytes = DATA_BYTES;
    fake_program_hook = program_big;
    /* It could change: then it would have to be copied as a whole under the lock. */
    CHECK(fake_spawn_status(keeper, ROOT, NULL, 0, 0) == SW_TOO_LARGE);
    data_bytes = 64 * PAGE_SIZE;
    CHECK(fake_spawn_status(keeper, ROOT, NULL, 0, 0) == SW_OK);
    handle_t small = (handle_t)keeper->frame.x[1];
    SYS(keeper, PROCESS_KILL, small, 0);
    SYS(keeper, HANDLE_CLOSE, small);
    data_bytes = DATA_BYTES;
    CHECK(SYS(keeper, MEMORY_SEAL, data_memory) == SW_OK);
    struct object *source = object_of(keeper, data_memory);
    fake_settle();
    watch_start();
    handle_t processes[2];
    struct thread *children[2];
    for (int i = 0; i < 2; i++)
        children[i] = fake_spawn(keeper, ROOT, NULL, 0, 0, &processes[i]);
    watch_stop();
    CHECK(children[0] && children[1] && watch.most_pages <= MOST_TAKEN);
    fake_program_hook = NULL;
    SYS(keeper, HANDLE_CLOSE, data_memory); /* the processes keep it */
    fake_settle();
    CHECK(source->references > 0);
    bool good = true;
    for (uint32_t i = 0; i < DATA_PAGES; i += i < 100 ? 1 : 100) {
        vaddr_t at = DATA_AT + i * PAGE_SIZE;
        uint32_t value = 1000000 + i;
        good = good && load(children[0], at) == i + 1;
        good = good && load(children[0], at + PAGE_SIZE - 4) == i + 1;
        good = good && fake_store(children[0], at, &value, sizeof value);
        good = good && load(children[0], at) == value && load(children[1], at) == i + 1;
    }
    CHECK(good && load(children[1], DATA_AT + 150 * PAGE_SIZE) == 0);
    CHECK(load(children[1], DATA_AT + (DATA_PAGES - 1) * PAGE_SIZE) == 0 &&
          load(children[1], DATA_AT + (DATA_PAGES + 1) * PAGE_SIZE) == 0);
    for (int i = 0; i < 2; i++) {
        SYS(keeper, PROCESS_KILL, processes[i], 0);
        SYS(keeper, HANDLE_CLOSE, processes[i]);
    }
    fake_advance(1000 * MS);
    CHECK(job_root->used[CHARGE_MEMORY] == used && fake_stale_uses == 0);
}

/* What lies behind the segment's bytes in its last page is not the program's. */
static void test_data_tail(struct thread *keeper)
{
    SYS(keeper, MEMORY_CREATE, DATA_PAGES * PAGE_SIZE, 0);
    data_memory = (handle_t)keeper->frame.x[1];
    vaddr_t words = FAKE_DATA + 12 * PAGE_SIZE;
    uint32_t value = 0x55;
    fake_store(keeper, words, &value, sizeof value);
    for (uint64_t page = 10; page < 110; page += 90)
        for (uint64_t at = 0; at < PAGE_SIZE; at += PAGE_SIZE / 2)
            SYS(keeper, MEMORY_WRITE, data_memory, page * PAGE_SIZE + at, words, 4);
    SYS(keeper, MEMORY_SEAL, data_memory);
    fake_program_hook = program_big;
    for (uint64_t page = 10; page < 110; page += 90) { /* copied at once, and when touched */
        handle_t process;
        data_bytes = page * PAGE_SIZE + PAGE_SIZE / 2;
        struct thread *child = fake_spawn(keeper, ROOT, NULL, 0, 0, &process);
        CHECK(load(child, DATA_AT + page * PAGE_SIZE) == 0x55 &&
              load(child, DATA_AT + page * PAGE_SIZE + PAGE_SIZE / 2) == 0);
        SYS(keeper, PROCESS_KILL, process, 0);
        SYS(keeper, HANDLE_CLOSE, process);
    }
    fake_program_hook = NULL;
    SYS(keeper, HANDLE_CLOSE, data_memory);
    fake_advance(100 * MS);
}

int main(void)
{
    struct thread *keeper = fake_start(3, 16384);
    for (uint32_t i = 0; i < FAKE_DATA_PAGES; i++) {
        uint32_t zero = 0;
        fake_store(keeper, FAKE_DATA + i * PAGE_SIZE, &zero, sizeof zero);
    }
    test_job_kill(keeper);
    test_kill_own_job(keeper);
    test_exited_late(keeper);
    test_many_threads(keeper);
    test_big_data(keeper);
    test_data_tail(keeper);
    return tap_done();
}
