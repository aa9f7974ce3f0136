/* Civil time of ns since 1970, UTC. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct civil_time {
    unsigned year, month, day, hour, minute, second;
};
struct civil_time civil_time(uint64_t ns);
