/* TAP for a guest test program, and starting itself again as a child.
 *
 * The harness reads the lines from the console: "ok N - what", "not ok N - what: details", the
 * plan at the end. The exit status is 0 when every check held. */
#pragma once
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <swos/abi.h>
#include <swos/clock.h>
#include <swos/spawn.h>
#include <swos/start.h>
#include <swos/status.h>

static int check_count, check_failures;

/* Notes whether a fact holds. */
__attribute__((format(printf, 2, 3))) static inline int check(int holds, const char *what, ...)
{
    va_list arguments;

    printf("%sok %d - ", holds ? "" : "not ", ++check_count);
    va_start(arguments, what);
    vprintf(what, arguments);
    va_end(arguments);
    printf("\n");
    check_failures += !holds;
    return holds;
}

/* The call returned the one wanted status. */
static inline int check_status(status_t got, status_t wanted, const char *what)
{
    if (got == wanted)
        return check(1, "%s: %s", what, sw_status_name(got));
    return check(0, "%s: %s, not %s", what, sw_status_name(got), sw_status_name(wanted));
}

/* The call failed, with any status. */
static inline int check_refused(status_t got, const char *what)
{
    return check(got != SW_OK, "%s: %s", what, sw_status_name(got));
}

/* The plan; returns the exit status. */
static inline int check_done(void)
{
    printf("1..%d\n", check_count);
    return check_failures != 0;
}

/* Starts this program again with one argument and further handles. */
static inline status_t check_spawn(const char *argument, const struct sw_spawn_handle *handles,
                                   size_t handle_count, handle_t job, handle_t *out_process)
{
    const char *path = sw_start_argument(0);
    const char *arguments[] = { path, argument, NULL };
    struct sw_spawn_options options = {
        .job = job, .arguments = arguments, .handles = handles, .handle_count = handle_count
    };

    return sw_spawn_program(path, &options, out_process, NULL);
}

/* Runs this program with an argument to its end; returns its exit status, or a negative code. */
static inline int32_t check_run(const char *argument)
{
    handle_t process;
    int32_t result = 0;
    status_t status = check_spawn(argument, NULL, 0, 0, &process);

    if (status != SW_OK)
        return status;
    status = sw_process_wait(process, sw_clock_deadline(10 * SW_SECOND), &result);
    sw_handle_close(process);
    return status == SW_OK ? result : status;
}
