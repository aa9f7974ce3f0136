/* How CPU time is divided when several CPUs are busy: between jobs at each level of the tree, by
 * weight, whatever their numbers of threads and of jobs below; where threads run; and that no CPU
 * idles while a thread waits for one. */
#include "fake_machine.h"
#include "tap.h"

#define ROOT SW_START_HANDLE(0)
#define CPUS 4
#define MS 1000000ull
#define JOBS 8

static const vaddr_t data = FAKE_DATA, word = FAKE_DATA + 12 * PAGE_SIZE;

static struct thread *keeper;

/* A test's jobs, in the order they were made. */
static struct {
    struct job *job;
    handle_t handle;
    uint64_t before;
} made[JOBS];
static uint32_t made_count;

static struct thread *thread_add(struct thread *thread)
{
    status_t status = (status_t)SYS(thread, THREAD_CREATE, 0x20000000, 0x20020000, 0, 0);
    ASSERT(status == SW_OK);
    return CONTAINER(thread->process->threads.previous, struct thread, process_link);
}

/* A job below another one with a process of so many busy threads; 0: none. Returns its number. */
static uint32_t job_add(handle_t parent, uint32_t weight, uint32_t threads)
{
    struct sw_limits limits = { .weight = weight };
    fake_store(keeper, data, &limits, sizeof limits);
    status_t status = (status_t)SYS(keeper, JOB_CREATE, parent, data);
    ASSERT(status == SW_OK && made_count < JOBS);
    handle_t handle = (handle_t)keeper->frame.x[1], process;
    struct handle_entry *entry;
    status = handle_lookup(keeper->process, handle, SW_TYPE_JOB, 0, &entry);
    ASSERT(status == SW_OK);
    made[made_count].handle = handle;
    made[made_count].job = CONTAINER(entry->object, struct job, object);
    if (threads) {
        struct thread *first = fake_spawn(keeper, handle, NULL, 0, 0, &process);
        ASSERT(first);
        SYS(keeper, HANDLE_CLOSE, process);
        for (uint32_t i = 1; i < threads; i++)
            thread_add(first);
    }
    return made_count++;
}

static struct thread *thread_of(uint32_t number)
{
    struct process *process = list_first(&made[number].job->processes, struct process, job_link);
    return list_first(&process->threads, struct thread, process_link);
}

/* keeper, in the highest band, sleeps, and the CPUs are the jobs'. */
static void keeper_sleeps(uint64_t ns)
{
    CHECK(SYS(keeper, FUTEX_WAIT, word, 0, fake_now() + ns) == SW_SYS_PENDING);
    fake_advance(ns);
}

/* Books what runs now: a CPU that nobody waits for does not enter the kernel for it. */
static void account(void)
{
    for (uint32_t i = 0; i < CPUS; i++)
        sched_account(&cpus[i], fake_now());
}

static uint64_t measured;

/* Lets the jobs run; then `used` tells what each got of it. */
static void measure_for(uint64_t ns)
{
    account();
    for (uint32_t i = 0; i < made_count; i++)
        made[i].before = made[i].job->cpu_ns;
    keeper_sleeps(ns);
    account();
    measured = ns;
}

static void measure(void)
{
    keeper_sleeps(200 * MS);
    measure_for(4000 * MS);
}

/* Thousandths of one CPU. */
static uint32_t used(uint32_t number)
{
    return (uint32_t)((made[number].job->cpu_ns - made[number].before) * 1000 / measured);
}

static bool near(uint32_t value, uint32_t wanted, uint32_t percent)
{
    bool good = value * 100 >= wanted * (100 - percent) && value * 100 <= wanted * (100 + percent);
    if (!good)
        printf("# %u thousandths, wanted %u\n", value, wanted);
    return good;
}

static void end_all(void)
{
    while (made_count) {
        made_count--;
        SYS(keeper, JOB_KILL, made[made_count].handle, 0);
        SYS(keeper, HANDLE_CLOSE, made[made_count].handle);
    }
    keeper_sleeps(10 * MS);
}

/* All threads are busy: what a job gets depends on its weight, not on how many threads it has. */
static void test_threads(void)
{
    uint32_t few = job_add(ROOT, 100, 4), many = job_add(ROOT, 100, 50);
    measure();
    CHECK(near(used(few), 2000, 2) && near(used(many), 2000, 2));
    end_all();
    /* One thread fills one CPU and no more; the rest is the other's. */
    few = job_add(ROOT, 100, 1), many = job_add(ROOT, 100, 50);
    measure();
    CHECK(near(used(few), 1000, 2) && near(used(many), 3000, 2));
    end_all();
}

/* One thread more than there are CPUs: none of them has a CPU to itself. */
static void test_turns(void)
{
    uint32_t jobs[CPUS + 1];
    for (uint32_t i = 0; i < CPUS + 1; i++)
        jobs[i] = job_add(ROOT, 100, 1);
    measure();
    for (uint32_t i = 0; i < CPUS + 1; i++)
        CHECK(near(used(jobs[i]), 1000 * CPUS / (CPUS + 1), 3));
    end_all();
    job_add(ROOT, 100, CPUS + 1);
    measure();
    list_for_each (at, &thread_of(0)->process->threads) {
        const struct thread *thread = CONTAINER(at, struct thread, process_link);
        CHECK(near((uint32_t)(thread->cpu_ns / (4 * MS)), 840, 6));
    }
    end_all();
}

static void test_weights(void)
{
    uint32_t light = job_add(ROOT, 25, 8), heavy = job_add(ROOT, 75, 8);
    measure();
    CHECK(near(used(light), 1000, 2) && near(used(heavy), 3000, 2));
    end_all();
    /* With just the threads it takes to use it up. */
    light = job_add(ROOT, 25, 4), heavy = job_add(ROOT, 75, 3);
    measure();
    CHECK(near(used(light), 1000, 4) && near(used(heavy), 3000, 2));
    end_all();
    light = job_add(ROOT, 10, 4), heavy = job_add(ROOT, 30, 3);
    measure();
    CHECK(near(used(light), 1000, 4) && near(used(heavy), 3000, 2));
    end_all();
}

/* Jobs below a job divide that job's time: making them gives nobody more. */
static void test_tree(void)
{
    uint32_t a = job_add(ROOT, 100, 0), b = job_add(ROOT, 100, 6);
    uint32_t a1 = job_add(made[a].handle, 0, 2), a2 = job_add(made[a].handle, 0, 8),
             a3 = job_add(made[a].handle, 200, 4);
    measure();
    CHECK(near(used(b), 2000, 2));
    CHECK(near(used(a1), 500, 5) && near(used(a2), 500, 5) && near(used(a3), 1000, 5));
    /* The job's own threads count as one of those below. */
    handle_t process;
    thread_add(fake_spawn(keeper, made[a].handle, NULL, 0, 0, &process));
    SYS(keeper, HANDLE_CLOSE, process);
    measure();
    CHECK(near(used(b), 2000, 2) && near(used(a), 400, 5) && near(used(a1), 400, 5) &&
          near(used(a3), 800, 5));
    /* Two levels down it is the same; a weight counts among its neighbours alone. */
    uint32_t a31 = job_add(made[a3].handle, 1000, 4);
    measure();
    CHECK(near(used(b), 2000, 2) && near(used(a31) + used(a3), 800, 5) && near(used(a3), 133, 12));
    end_all();
}

static void sleep_until(struct thread *thread, uint64_t end)
{
    uint32_t zero = 0;
    fake_store(thread, word, &zero, sizeof zero);
    CHECK(SYS(thread, FUTEX_WAIT, word, 0, end) == SW_SYS_PENDING);
}

/* All threads of a job's process, or the last one alone, sleep. */
static void job_sleeps(uint32_t number, bool last_only, uint64_t end)
{
    struct thread *threads[JOBS];
    uint32_t count = 0;
    list_for_each (at, &thread_of(number)->process->threads) {
        ASSERT(count < JOBS);
        threads[count++] = CONTAINER(at, struct thread, process_link);
    }
    for (uint32_t i = last_only ? count - 1 : 0; i < count; i++)
        sleep_until(threads[i], end);
}

/* A job that sleeps earns nothing, at any level, and one that runs on alone pays nothing. */
static void test_credit(void)
{
    uint32_t a = job_add(ROOT, 100, 0), b = job_add(ROOT, 100, 4);
    uint32_t a1 = job_add(made[a].handle, 0, 4);
    measure();
    uint64_t end = fake_now() + 3000 * MS;
    job_sleeps(a1, false, end);
    measure_for(end - fake_now() + MS);
    CHECK(near(used(b), 4000, 1));
    measure_for(200 * MS);
    CHECK(near(used(a1), 2000, 8) && near(used(b), 2000, 8));
    end_all();
    /* A thread of the one that was alone comes first, and waits for a CPU. */
    a = job_add(ROOT, 100, 0), b = job_add(ROOT, 100, 5);
    a1 = job_add(made[a].handle, 0, 4);
    end = fake_now() + 3000 * MS;
    job_sleeps(a1, false, end + MS);
    job_sleeps(b, true, end);
    measure_for(end - fake_now() + 2 * MS);
    CHECK(near(used(b), 4000, 1));
    measure_for(200 * MS);
    CHECK(near(used(a1), 2000, 8) && near(used(b), 2000, 8));
    end_all();
}

static uint32_t idle_cpus(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CPUS; i++)
        count += !cpus[i].current;
    return count;
}

static uint32_t ready_threads(void)
{
    uint32_t count = 0;
    list_for_each (process, &process_all)
        list_for_each (at, &CONTAINER(process, struct process, all_link)->threads) {
            struct thread *thread = CONTAINER(at, struct thread, process_link);
            count += thread->state == THREAD_READY && !(thread->special & SPECIAL_STOPPED);
        }
    return count;
}

/* Threads that sleep and run for times of their own, more and fewer than there are CPUs: never does
 * a CPU idle while one of them is ready. */
static void test_conservation(void)
{
    uint32_t a = job_add(ROOT, 100, 3), b = job_add(ROOT, 50, 4);
    struct thread *threads[7];
    uint32_t count = 0, idle_seen = 0, ready_seen = 0, bad = 0, random = 1;
    for (uint32_t job = a; job <= b; job++)
        list_for_each (at, &thread_of(job)->process->threads)
            threads[count++] = CONTAINER(at, struct thread, process_link);
    uint32_t zero = 0;
    fake_store(threads[0], word, &zero, sizeof zero);
    fake_store(threads[3], word, &zero, sizeof zero);
    CHECK(SYS(keeper, FUTEX_WAIT, word, 0, fake_now() + 5000 * MS) == SW_SYS_PENDING);
    for (uint32_t step = 0; step < 4000; step++) {
        random = random * 1664525 + 1013904223;
        struct thread *thread = threads[(random >> 16) % count];
        if (thread->state == THREAD_RUNNING) {
            if (random >> 30)
                SYS(thread, FUTEX_WAIT, word, 0, fake_now() + (random >> 8) % (20 * MS) + 1);
            else
                SYS(thread, FUTEX_WAKE, word, 1);
        } else {
            fake_advance((random >> 8) % (2 * MS));
        }
        idle_seen += idle_cpus() > 0;
        ready_seen += ready_threads() > 0;
        bad += idle_cpus() > 0 && ready_threads() > 0;
    }
    CHECK(bad == 0 && idle_seen > 100 && ready_seen > 100);
    fake_advance(5000 * MS);
    end_all();
}

/* Where a woken thread runs: on an idle CPU while its waker goes on, on the waker's own when that
 * one blocks; and over time everywhere. */
static void test_placement(void)
{
    uint32_t job = job_add(ROOT, 100, 2);
    struct thread *waker = thread_of(job), *sleeper = CONTAINER(waker->process->threads.previous,
                                                                struct thread, process_link);
    uint32_t zero = 0;
    fake_store(waker, word, &zero, sizeof zero);
    CHECK(SYS(keeper, FUTEX_WAIT, word, 0, fake_now() + 1000 * MS) == SW_SYS_PENDING);
    CHECK(SYS(sleeper, FUTEX_WAIT, word, 0, SW_NEVER) == SW_SYS_PENDING);
    fake_advance(MS);
    int waker_cpu = waker->cpu, sleeper_cpu = sleeper->cpu;
    CHECK(idle_cpus() == CPUS - 1 && waker_cpu != sleeper_cpu);
    CHECK(SYS(waker, FUTEX_WAKE, word, 1) == SW_OK && waker->frame.x[1] == 1);
    CHECK(sleeper->state == THREAD_RUNNING && sleeper->cpu == sleeper_cpu &&
          waker->state == THREAD_RUNNING && waker->cpu == waker_cpu && idle_cpus() == CPUS - 2);
    fake_advance(1000 * MS);
    end_all();
    /* More threads than CPUs: each comes to each of them. */
    job = job_add(ROOT, 100, CPUS + 1);
    uint32_t seen[CPUS + 1] = { 0 };
    CHECK(SYS(keeper, FUTEX_WAIT, word, 0, fake_now() + 4000 * MS) == SW_SYS_PENDING);
    for (uint32_t step = 0; step < 2000; step++) {
        fake_advance(MS);
        uint32_t i = 0;
        list_for_each (at, &thread_of(job)->process->threads) {
            const struct thread *thread = CONTAINER(at, struct thread, process_link);
            if (thread->state == THREAD_RUNNING)
                seen[i] |= 1u << thread->cpu;
            i++;
        }
    }
    for (uint32_t i = 0; i < CPUS + 1; i++)
        CHECK(seen[i] == (1u << CPUS) - 1);
    fake_advance(4000 * MS);
    end_all();
}

int main(void)
{
    keeper = fake_start(CPUS, 8192);
    uint32_t zero = 0;
    fake_store(keeper, word, &zero, sizeof zero);
    uint64_t jobs = object_counts[SW_TYPE_JOB];
    test_threads();
    test_turns();
    test_weights();
    test_tree();
    test_credit();
    test_conservation();
    test_placement();
    CHECK(object_counts[SW_TYPE_JOB] == jobs && job_root->used[CHARGE_THREADS] == 1);
    return tap_done();
}
