/* Time without a call: the CPU's counter and the info page. Nanoseconds everywhere. */
#pragma once
#include <stdint.h>
#include <swos/abi.h>

#define SW_MICROSECOND 1000ull
#define SW_MILLISECOND 1000000ull
#define SW_SECOND 1000000000ull

/* Monotonic time, the scale of every deadline. Does not run while the machine is off. */
uint64_t sw_clock_monotonic(void);

/* UTC since 1970. Jumps when the wall clock is set. */
uint64_t sw_clock_wall(void);

/* The deadline `duration` from now; SW_NEVER when that cannot be expressed. */
uint64_t sw_clock_deadline(uint64_t duration);

/* Sleeps until the deadline. INTERRUPTED when an interrupt of the job came first. */
status_t sw_clock_sleep(uint64_t deadline);
