/* Clocks, sleeping and CPU time. */
#include "errors.h"
#include <swos/clock.h>
#include <swos/start.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

int _gettimeofday(struct timeval *time, void *zone);
clock_t _times(struct tms *times);

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / SW_SECOND),
                              .tv_nsec = (long)(ns % SW_SECOND) };
}

int _gettimeofday(struct timeval *time, void *zone)
{
    (void)zone; /* obsolete, and UTC here */
    uint64_t now = sw_clock_wall();
    if (time) {
        time->tv_sec = (time_t)(now / SW_SECOND);
        time->tv_usec = (suseconds_t)(now % SW_SECOND / SW_MICROSECOND);
    }
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    struct sw_process_info info;
    switch (clock) {
    case CLOCK_REALTIME:
        *time = timespec_of(sw_clock_wall());
        return 0;
    case CLOCK_MONOTONIC:
        *time = timespec_of(sw_clock_monotonic());
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID: {
        status_t status = sw_process_info(0, &info);
        if (status == SW_OK)
            *time = timespec_of(info.cpu_ns);
        return status_return(status);
    }
    default:
        errno = EINVAL;
        return -1;
    }
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        return -1;
    uint64_t tick = SW_SECOND / sw_info()->counter_frequency;
    if (resolution)
        *resolution = timespec_of(tick ? tick : 1);
    return 0;
}

int nanosleep(const struct timespec *duration, struct timespec *left)
{
    if (duration->tv_sec < 0 || duration->tv_nsec < 0 || duration->tv_nsec >= (long)SW_SECOND) {
        errno = EINVAL;
        return -1;
    }
    uint64_t ns;
    if (__builtin_mul_overflow((uint64_t)duration->tv_sec, SW_SECOND, &ns) ||
        __builtin_add_overflow(ns, (uint64_t)duration->tv_nsec, &ns))
        ns = SW_NEVER;
    uint64_t deadline = sw_clock_deadline(ns);
    status_t status = sw_clock_sleep(deadline);
    if (status != SW_OK && left) {
        uint64_t now = sw_clock_monotonic();
        *left = timespec_of(now < deadline ? deadline - now : 0);
    }
    return status_return(status);
}

unsigned sleep(unsigned seconds)
{
    struct timespec duration = { .tv_sec = seconds }, left = { 0 };
    return nanosleep(&duration, &left) == 0 ? 0 : (unsigned)left.tv_sec + (left.tv_nsec > 0);
}

int usleep(useconds_t microseconds)
{
    return status_return(sw_clock_sleep(sw_clock_deadline(microseconds * SW_MICROSECOND)));
}

/* CPU time is not told apart into user and system; children are not counted. */
clock_t _times(struct tms *times)
{
    const uint64_t tick = SW_SECOND / CLOCKS_PER_SEC;
    struct sw_process_info info;
    status_t status = sw_process_info(0, &info);
    if (status != SW_OK)
        return (clock_t)status_return(status);
    if (times)
        *times = (struct tms){ .tms_utime = (clock_t)(info.cpu_ns / tick) };
    return (clock_t)(sw_clock_monotonic() / tick);
}
