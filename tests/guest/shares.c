/* What jobs get of the CPUs: each argument WEIGHTxTHREADS makes a job of that weight with a process
 * of so many busy threads; a further xJOBS divides the threads among jobs below it. Prints after 3
 * s the thousandths of one CPU that each job of the first level had:
 *
 *   shares 100x1 100x50x5 */
#include "check.h"
#include <stdlib.h>
#include <string.h>
#include <swos/thread.h>

#define JOBS 16
#define SETTLE (SW_SECOND / 2)
#define MEASURE (3 * SW_SECOND)

/* Under -icount the emulator's CPUs take turns, and one ends at a `yield`: without it a CPU's timer
 * interrupt comes up to 100 ms late. */
static void *spin(void *argument)
{
    (void)argument;
    for (;;) {
        for (int i = 0; i < 1000; i++)
            __asm__ volatile("");
        __asm__ volatile("yield");
    }
    return NULL;
}

/* The child: so many threads, this one among them. */
static int work(uint32_t threads)
{
    struct sw_thread *thread;

    for (uint32_t i = 1; i < threads; i++)
        if (sw_thread_start(spin, NULL, 16384, &thread) != SW_OK)
            return 1;
    spin(NULL);
    return 0;
}

static handle_t job_new(handle_t parent, uint32_t weight)
{
    handle_t job = 0;
    struct sw_limits limits = { .weight = weight };
    status_t status = sw_job_create(parent, &limits, &job);

    if (status != SW_OK)
        printf("no job: %s\n", sw_status_name(status));
    return job;
}

static void start(handle_t job, uint32_t threads)
{
    const char *path = sw_start_argument(0);
    char text[12];
    const char *arguments[] = { path, "work", text, NULL };
    struct sw_spawn_options options = { .job = job, .arguments = arguments };
    handle_t process;

    snprintf(text, sizeof text, "%u", (unsigned)threads);
    status_t status = sw_spawn_program(path, &options, &process, NULL);
    if (status != SW_OK)
        printf("no process: %s\n", sw_status_name(status));
    sw_handle_close(process);
}

/* CPU time of a job and all below it. */
static uint64_t used(handle_t job)
{
    struct sw_job_info info;

    sw_job_info(job, &info);
    return info.cpu_ns;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "work") == 0)
        return work((uint32_t)strtoul(argv[2], NULL, 10));
    static handle_t jobs[JOBS];
    uint64_t before[JOBS], from[JOBS];
    if (argc > JOBS)
        return 2;
    for (int i = 1; i < argc; i++) {
        char *at = argv[i];
        uint32_t weight = (uint32_t)strtoul(at, &at, 10);
        uint32_t threads = *at == 'x' ? (uint32_t)strtoul(at + 1, &at, 10) : 1;
        uint32_t below = *at == 'x' ? (uint32_t)strtoul(at + 1, &at, 10) : 0;
        jobs[i - 1] = job_new(sw_start_get("job"), weight);
        for (uint32_t n = 0; n < below; n++)
            start(job_new(jobs[i - 1], 0), threads / below);
        if (below == 0)
            start(jobs[i - 1], threads);
    }
    uint32_t count = (uint32_t)argc - 1;
    sw_clock_sleep(sw_clock_deadline(SETTLE));
    for (uint32_t i = 0; i < count; i++) {
        from[i] = sw_clock_monotonic();
        before[i] = used(jobs[i]);
    }
    sw_clock_sleep(sw_clock_deadline(MEASURE));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t spent = sw_clock_monotonic() - from[i]; /* others run between any two looks */
        uint64_t cpu = used(jobs[i]) - before[i];
        printf("job %u: %llu in %llu ms\n", (unsigned)i + 1,
               (unsigned long long)(cpu * 1000 / spent), (unsigned long long)(spent / 1000000));
    }
    for (uint32_t i = 0; i < count; i++)
        sw_job_kill(jobs[i], 0);
    return 0;
}
