/* TAP for a C test program: one line a check, the exit status says whether all held. */
#pragma once
#include <stdarg.h>
#include <stdio.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3))) static inline int tap_ok(int holds, const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    printf("%sok %d - ", holds ? "" : "not ", ++tap_count);
    vprintf(what, arguments);
    printf("\n");
    va_end(arguments);
    tap_failed += !holds;
    return holds;
}

/* A condition is its own description. */
#define CHECK(condition) tap_ok((condition) != 0, "%s:%d %s", __func__, __LINE__, #condition)

static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}
