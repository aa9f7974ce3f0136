/* What the system offers beyond newlib's defaults, so that its headers declare it. */
#ifndef SWOS_SYS_FEATURES_H
#define SWOS_SYS_FEATURES_H

#include_next <sys/features.h>

#define _POSIX_TIMERS 1
#define _POSIX_MONOTONIC_CLOCK 200112L
#define _POSIX_CPUTIME 1

#endif
