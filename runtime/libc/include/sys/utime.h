/* The system's half of newlib's <utime.h>. */
#ifndef SWOS_SYS_UTIME_H
#define SWOS_SYS_UTIME_H

#include <sys/types.h>

struct utimbuf {
    time_t actime; /* not kept */
    time_t modtime;
};

int utime(const char *path, const struct utimbuf *times);

#endif
