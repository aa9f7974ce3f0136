/* The process itself, and the little POSIX has about others that fits handles. */
#include "errors.h"
#include <signal.h>
#include <swos/fd.h>
#include <swos/start.h>
#include <sys/types.h>
#include <unistd.h>

#define ENTROPY_MAX 256   /* getentropy's limit */
#define SIGNAL_STATUS 128 /* exit status of an end by signal N: 128 + N */

void _exit(int status);
pid_t _getpid(void);
int _kill(pid_t pid, int signal);
int _getentropy(void *buffer, size_t length);

void _exit(int status)
{
    for (;;)
        sw_process_exit(status & 0xff);
}

pid_t _getpid(void)
{
    struct sw_process_info info;
    return sw_process_info(0, &info) == SW_OK ? (pid_t)info.pid : -1;
}

/* Ends a process of the own session's job with 128 + signal; signal 0 only looks. There are no
 * handlers across processes: who wants a graceful end interrupts a job. */
int _kill(pid_t pid, int signal)
{
    if (signal < 0 || signal >= NSIG || pid <= 0) {
        errno = EINVAL;
        return -1;
    }
    if (pid == _getpid()) {
        if (signal != 0)
            _exit(SIGNAL_STATUS + signal);
        return 0;
    }
    handle_t process;
    status_t status = sw_job_find(sw_start_get("job"), (uint32_t)pid, &process);
    if (status != SW_OK) {
        errno = ESRCH;
        return -1;
    }
    if (signal != 0)
        status = sw_process_kill(process, SIGNAL_STATUS + signal);
    sw_handle_close(process);
    return status_return(status);
}

uid_t getuid(void)
{
    struct sw_process_info info;
    return sw_process_info(0, &info) == SW_OK ? (uid_t)info.principal : (uid_t)-1;
}

uid_t geteuid(void)
{
    return getuid();
}

gid_t getgid(void)
{
    return 0;
}

gid_t getegid(void)
{
    return 0;
}

int _getentropy(void *buffer, size_t length)
{
    if (length > ENTROPY_MAX) {
        errno = EIO;
        return -1;
    }
    return status_return(sw_random(buffer, (uint32_t)length));
}

long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return SW_PAGE;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return sw_info()->cpu_count;
    case _SC_PHYS_PAGES:
        return (long)(sw_info()->ram_bytes / SW_PAGE);
    case _SC_OPEN_MAX:
        return SW_FD_LIMIT;
    default:
        errno = EINVAL;
        return -1;
    }
}
