/* CPUs and what runs on them, as the kernel's own counters tell: a CPU is busy exactly when it has
 * a thread to run. Times are the guest's: a CPU that the host keeps waiting counts as what it was.
 *
 *   smp quiet             nothing wakes when nothing happens
 *   smp busy THREADS      so many CPUs are busy as threads run, up to all of them
 *   smp processes COUNT [parts]
 *                         processes make progress on all CPUs, with exact results; each has a CPU, or,
 *                         to be asked where the host does not blur it, an equal part of all
 *   smp places            each process comes to each CPU
 *   smp handover          where woken and called threads run
 *   smp spin [SECONDS]    busy, for others to look at */
#include "check.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <swos/mapping.h>
#include <swos/thread.h>

#define MS (SW_SECOND / 1000)
#define SETTLE (300 * MS)
#define MEASURE (1500 * MS)
#define INTERVALS 10
#define SLOTS 32

struct sample {
    struct sw_system_info system;
    uint64_t idle, busy; /* of all CPUs */
};

/* What children share with the parent. */
struct shared {
    _Atomic uint32_t go, stop;
    _Atomic uint32_t asked, answered;
    struct {
        uint64_t steps, value;
    } slot[SLOTS];
};

static struct shared *shared;
static handle_t shared_memory;

static uint32_t cpu_count(void)
{
    struct sw_system_info info;

    sw_system_info(&info);
    return info.cpu_count;
}

static struct sample sample_now(void)
{
    struct sample sample = { .idle = 0 };

    sw_system_info(&sample.system);
    for (uint32_t i = 0; i < sample.system.cpu_count; i++) {
        sample.idle += sample.system.cpu_idle_ns[i];
        sample.busy += sample.system.cpu_busy_ns[i];
    }
    return sample;
}

static void sleep_for(uint64_t ns)
{
    sw_clock_sleep(sw_clock_deadline(ns));
}

/* Thousandths of the time between two samples. */
static uint32_t part(uint64_t ns, const struct sample *from, const struct sample *to)
{
    return (uint32_t)(ns * 1000 / (to->system.monotonic_ns - from->system.monotonic_ns));
}

static uint32_t busy_part(uint32_t cpu, const struct sample *from, const struct sample *to)
{
    return part(to->system.cpu_busy_ns[cpu] - from->system.cpu_busy_ns[cpu], from, to);
}

static void print_cpus(const struct sample *from, const struct sample *to)
{
    printf("# busy:");
    for (uint32_t i = 0; i < to->system.cpu_count; i++)
        printf(" %u", (unsigned)busy_part(i, from, to));
    printf(" thousandths\n");
}

/* --- children ------------------------------------------------------------------------------- */

static void share(void)
{
    sw_mapping_create(sizeof *shared, 0, (void **)&shared, &shared_memory);
}

static status_t child_start(handle_t job, const char *role, uint32_t number, handle_t *out_process)
{
    const char *path = sw_start_argument(0);
    char text[12];
    const char *arguments[] = { path, role, text, NULL };
    struct sw_spawn_handle handles[] = {
        { .name = "shared", .handle = shared_memory, .rights = SW_RIGHTS_SAME },
    };
    struct sw_spawn_options options = {
        .job = job, .arguments = arguments, .handles = handles, .handle_count = 1
    };

    snprintf(text, sizeof text, "%u", (unsigned)number);
    return sw_spawn_program(path, &options, out_process, NULL);
}

/* A job for children: all of them end with it. */
static handle_t job_new(void)
{
    handle_t job = 0;

    check_status(sw_job_create(sw_start_get("job"), &(struct sw_limits){ 0 }, &job), SW_OK,
                 "a job");
    return job;
}

static uint64_t step(uint64_t value)
{
    return value * 6364136223846793005u + 1442695040888963407u;
}

/* step, applied count times, in as many multiplications as count has bits. */
static uint64_t steps(uint64_t value, uint64_t count)
{
    uint64_t factor = 6364136223846793005u, addend = 1442695040888963407u;

    for (; count; count /= 2) {
        if (count & 1)
            value = value * factor + addend;
        addend *= factor + 1;
        factor *= factor;
    }
    return value;
}

/* Works when told to until told to stop, and leaves what it has done. */
static int child_work(uint32_t number)
{
    uint64_t value = number, count = 0;

    while (!atomic_load(&shared->go))
        sw_futex_wait((uintptr_t)&shared->go, 0, SW_NEVER);
    while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        for (int i = 0; i < 1000; i++)
            value = step(value);
        count += 1000;
        __asm__ volatile("yield"); /* ends its CPU's turn under -icount, see shares.c */
    }
    shared->slot[number].value = value;
    shared->slot[number].steps = count;
    return 0;
}

/* Answers each question, and sleeps in between. */
static int child_answer(void)
{
    for (uint32_t seen = 0;; seen = atomic_load(&shared->asked)) {
        atomic_store(&shared->answered, seen);
        sw_futex_wait((uintptr_t)&shared->asked, seen, SW_NEVER);
    }
    return 0;
}

static int child_serve(void)
{
    struct sw_wait wait = { .buffer = 0 };
    struct sw_reply reply = { .length = 0 };
    uint64_t token = 0;
    handle_t port;

    sw_port_create(&port);
    if (sw_channel_serve(sw_start_get("shared"), port, 0) != SW_OK)
        return 1;
    for (;;) {
        if (sw_reply_wait(token, &reply, port, &wait, SW_NEVER) != SW_OK)
            return 1;
        token = wait.event.kind == SW_EVENT_MESSAGE ? wait.event.token : 0;
    }
}

static void *spin(void *stop)
{
    while (!atomic_load_explicit((_Atomic uint32_t *)stop, memory_order_relaxed))
        continue;
    return NULL;
}

/* --- the checks ------------------------------------------------------------------------------ */

/* Between two looks at the counters there are this program's sleep and wake, and nothing else. What
 * logging in and starting this left behind may take a few looks to end on a busy host; nothing is
 * printed between them, because printing is work of other threads, too. */
static void quiet(void)
{
    struct sample from, to;
    uint32_t switches, calls;

    for (int attempt = 0; attempt < 10; attempt++) {
        from = sample_now();
        sleep_for(600 * MS);
        to = sample_now();
        switches = (uint32_t)(to.system.context_switches - from.system.context_switches);
        calls = (uint32_t)(to.system.syscalls - from.system.syscalls);
        if (switches <= 2 && calls <= 4)
            break;
    }
    print_cpus(&from, &to);
    for (uint32_t i = 0; i < to.system.cpu_count; i++)
        check(to.system.cpu_idle_ns[i] > from.system.cpu_idle_ns[i], "CPU %u idled", (unsigned)i);
    check(switches <= 2, "no other thread ran while this one slept: %u switches",
          (unsigned)switches);
    check(calls <= 4, "nor made calls: %u", (unsigned)calls);
}

/* How many CPUs were busy all the time between two samples. */
static uint32_t occupied(const struct sample *from, const struct sample *to)
{
    uint32_t cpus = 0;

    for (uint32_t i = 0; i < to->system.cpu_count; i++)
        cpus += busy_part(i, from, to) >= 900;
    return cpus;
}

/* Threads that never stop: as many CPUs are busy; when all are, none of them idles for a moment. A
 * thread may move when another one's turn comes where it runs, which is seldom: up to
 * three intervals may be spoiled by it. */
static void busy(uint32_t count)
{
    _Atomic uint32_t stop = 0;
    struct sw_thread *threads[SLOTS];
    uint32_t cpus = cpu_count(), wanted = count < cpus ? count : cpus;

    for (uint32_t i = 0; i < count; i++)
        check_status(sw_thread_start(spin, &stop, 0, &threads[i]), SW_OK, "a thread");
    sleep_for(SETTLE);
    struct sample from = sample_now(), to = from;
    uint32_t settled = 0;
    for (uint32_t i = 0; i < INTERVALS; i++) {
        struct sample before = to;
        sleep_for(MEASURE / INTERVALS);
        to = sample_now();
        settled += occupied(&before, &to) == count;
    }
    atomic_store(&stop, 1);
    for (uint32_t i = 0; i < count; i++)
        sw_thread_join(threads[i], SW_NEVER, NULL);
    print_cpus(&from, &to);
    uint32_t total = part(to.busy - from.busy, &from, &to);
    check(total >= wanted * 990, "%u threads keep %u CPUs busy: %u thousandths", (unsigned)count,
          (unsigned)wanted, (unsigned)total);
    if (count >= cpus) {
        uint32_t idle = part(to.idle - from.idle, &from, &to);
        check(idle == 0, "no CPU idles while a thread is ready: %u thousandths", (unsigned)idle);
    } else {
        check(settled + 3 >= INTERVALS, "%u CPUs are busy all the time in %u of %u intervals",
              (unsigned)count, (unsigned)settled, INTERVALS);
        check(total <= wanted * 1000 + 250, "and no others: %u thousandths", (unsigned)total);
    }
}

static void processes(uint32_t count, bool parts)
{
    handle_t job = job_new(), jobs[SLOTS], children[SLOTS];
    struct sw_process_info before[SLOTS], after[SLOTS];
    uint32_t cpus = cpu_count();

    share();
    for (uint32_t i = 0; i < count; i++) {
        /* Each in its own: the threads of one job have turns, not equal times. */
        sw_job_create(job, &(struct sw_limits){ 0 }, &jobs[i]);
        check_status(child_start(jobs[i], "work", i, &children[i]), SW_OK, "a process");
    }
    atomic_store(&shared->go, 1);
    sw_futex_wake((uintptr_t)&shared->go, UINT32_MAX, &(uint32_t){ 0 });
    sleep_for(SETTLE);
    struct sample from = sample_now();
    for (uint32_t i = 0; i < count; i++)
        sw_process_info(children[i], &before[i]);
    sleep_for(MEASURE);
    struct sample to = sample_now();
    for (uint32_t i = 0; i < count; i++)
        sw_process_info(children[i], &after[i]);
    atomic_store(&shared->stop, 1);
    for (uint32_t i = 0; i < count; i++) {
        int32_t result = -1;
        sw_process_wait(children[i], sw_clock_deadline(20 * SW_SECOND), &result);
        check(result == 0 && shared->slot[i].steps > 0, "process %u ended after %llu steps",
              (unsigned)i, (unsigned long long)shared->slot[i].steps);
        check(steps(i, shared->slot[i].steps) == shared->slot[i].value, "with the right result");
        sw_handle_close(children[i]);
    }
    print_cpus(&from, &to);
    uint32_t idle = part(to.idle - from.idle, &from, &to);
    check(count < cpus || idle == 0, "all CPUs were busy: idle %u thousandths", (unsigned)idle);
    /* Each got its part: a CPU, or with more processes than CPUs the same as the others. A slice that
     * the host has made long is not made up for. */
    uint32_t wanted = count <= cpus ? 1000 : 1000 * cpus / count;
    uint32_t tolerance = count <= cpus ? 10 : 3;
    for (uint32_t i = 0; i < count && (parts || count <= cpus); i++) {
        uint32_t got = part(after[i].cpu_ns - before[i].cpu_ns, &from, &to);
        check(got * 100 >= wanted * (100 - tolerance) && got * 100 <= wanted * (100 + tolerance),
              "process %u had %u thousandths of a CPU, of %u", (unsigned)i, (unsigned)got,
              (unsigned)wanted);
    }
    sw_job_kill(job, 0);
}

/* One process more than there are CPUs, so that they take turns. */
static void places(void)
{
    handle_t job = job_new(), children[SLOTS];
    uint32_t cpus = cpu_count(), count = cpus + 1, seen[SLOTS] = { 0 }, missing = count;
    uint64_t end = sw_clock_deadline(20 * SW_SECOND);

    share();
    for (uint32_t i = 0; i < count; i++)
        check_status(child_start(job, "work", i, &children[i]), SW_OK, "a process");
    atomic_store(&shared->go, 1);
    sw_futex_wake((uintptr_t)&shared->go, UINT32_MAX, &(uint32_t){ 0 });
    while (missing && sw_clock_monotonic() < end) {
        sleep_for(3 * MS);
        missing = count;
        for (uint32_t i = 0; i < count; i++) {
            struct sw_process_info info;
            sw_process_info(children[i], &info);
            if (info.cpu < cpus)
                seen[i] |= 1u << info.cpu;
            missing -= seen[i] == (1u << cpus) - 1;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        check(seen[i] == (1u << cpus) - 1, "process %u ran on all CPUs: %x", (unsigned)i,
              (unsigned)seen[i]);
    sw_job_kill(job, 0);
}

/* A thread woken by one that goes on runs on another CPU, if one is idle. Where the host lets that CPU
 * wait, it runs on its waker's when the slice there ends, as it should: only prompt answers count. A busy
 * host gives few of them; a kernel that lets the woken one wait for the slice gives none. */
static void handover_wake(void)
{
    handle_t job = job_new(), child;
    uint32_t cpus = cpu_count(), elsewhere = 0, rounds = 0, answers = 0, prompt = 0;
    const uint32_t wanted = 200, least = 20;
    uint64_t give_up = sw_clock_deadline(20 * SW_SECOND);

    share();
    check_status(child_start(job, "answer", 0, &child), SW_OK, "a process that answers");
    while ((rounds < wanted || (cpus > 1 && prompt < wanted)) && sw_clock_monotonic() < give_up) {
        struct sw_process_info mine, theirs;
        rounds++;
        sleep_for(MS); /* it sleeps again, and so does its CPU */
        uint64_t began = sw_clock_monotonic(), end = began + 2 * SW_SECOND;
        atomic_store(&shared->asked, rounds);
        sw_futex_wake((uintptr_t)&shared->asked, 1, &(uint32_t){ 0 });
        while (atomic_load(&shared->answered) != rounds && sw_clock_monotonic() < end)
            continue;
        bool is_prompt = sw_clock_monotonic() - began < MS;
        answers += atomic_load(&shared->answered) == rounds;
        sw_process_info(child, &theirs);
        sw_process_info(0, &mine);
        prompt += is_prompt;
        elsewhere += is_prompt && mine.cpu != theirs.cpu;
    }
    check(answers == rounds, "%u of %u wakes were answered while the waker went on",
          (unsigned)answers, (unsigned)rounds);
    if (cpus > 1) {
        check(prompt >= least, "%u promptly", (unsigned)prompt);
        check(elsewhere * 100 >= prompt * 95, "%u of them on another CPU", (unsigned)elsewhere);
    }
    sw_job_kill(job, 0);
}

/* A server runs on the CPU of the client that waits for it: the pair never needs two. It may move
 * when another thread's turn comes there, which in so short a time is seldom:
 * ten moves in thousands of calls are let pass. */
static void handover_call(void)
{
    handle_t job = job_new(), child, channel, connection;
    struct sw_call call = { .request = 0 };
    uint32_t cpus = cpu_count(), rounds = 0, failed = 0, looks = 0, apart = 0, moves = 0;
    struct sw_process_info mine = { 0 }, theirs;

    check_status(sw_channel_create(&channel), SW_OK, "a channel");
    check_status(sw_connection_create(channel, 1, &connection), SW_OK, "a connection");
    shared_memory = channel;
    check_status(child_start(job, "serve", 0, &child), SW_OK, "a server");
    check_status(sw_call(connection, &call, sw_clock_deadline(10 * SW_SECOND), NULL, NULL), SW_OK,
                 "a call");
    struct sample from = sample_now();
    while (sw_clock_monotonic() < from.system.monotonic_ns + MEASURE) {
        failed += sw_call(connection, &call, SW_NEVER, NULL, NULL) != SW_OK;
        if (rounds++ % 16)
            continue;
        uint32_t before = mine.cpu;
        sw_process_info(child, &theirs);
        sw_process_info(0, &mine);
        moves += looks && mine.cpu != before;
        apart += mine.cpu != theirs.cpu;
        looks++;
    }
    struct sample to = sample_now();
    print_cpus(&from, &to);
    uint32_t total = part(to.busy - from.busy, &from, &to);
    check(failed == 0 && rounds > 100, "%u calls", (unsigned)rounds);
    check(total <= 1250, "client and server use one CPU: %u thousandths", (unsigned)total);
    check(cpus == 1 || (apart <= 10 && moves <= 10),
          "and stay on it: %u times apart, %u moves, of %u", (unsigned)apart, (unsigned)moves,
          (unsigned)looks);
    sw_job_kill(job, 0);
}

int main(int argc, char **argv)
{
    const char *role = argc > 1 ? argv[1] : "";
    uint32_t number = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    handle_t given = sw_start_get("shared");

    if (given && strcmp(role, "serve") == 0)
        return child_serve();
    if (given) {
        if (sw_mapping_map(given, 0, sizeof *shared, SW_MAP_READ | SW_MAP_WRITE,
                           (void **)&shared) != SW_OK)
            return 1;
        return strcmp(role, "work") == 0 ? child_work(number) : child_answer();
    }
    if (strcmp(role, "spin") == 0) {
        uint64_t end = sw_clock_deadline((number ? number : 1000) * SW_SECOND);
        while (sw_clock_monotonic() < end)
            continue;
        return 0;
    }
    if (strcmp(role, "quiet") == 0)
        quiet();
    else if (strcmp(role, "busy") == 0 && number <= SLOTS)
        busy(number);
    else if (strcmp(role, "processes") == 0 && number <= SLOTS)
        processes(number, argc > 3 && strcmp(argv[3], "parts") == 0);
    else if (strcmp(role, "places") == 0)
        places();
    else if (strcmp(role, "handover") == 0) {
        handover_wake();
        handover_call();
    } else {
        return 2;
    }
    return check_done();
}
