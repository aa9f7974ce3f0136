/* Who leaves a house that is full while others wait at the door. Pure.
 *
 * A client that takes PACE_QUOTA of its response every PACE_TIME keeps its place; who takes less gives it to the
 * one that waits. If none does, the one that waits gets the place of who has not taken as much for longest
 * after the same time, so that nobody, and not the probe that asks whether we live, waits for as long as
 * others please to read. While there is room nobody has to go. Times are monotonic ns. */
#pragma once
#include <stdint.h>
#include <swos/clock.h>

#define PACE_QUOTA (64u << 10)
#define PACE_TIME (10 * SW_SECOND)

struct pace {
    uint64_t mark;  /* when it last had taken a quota, or began: was idle no longer */
    uint64_t taken; /* bytes since */
};

static inline void pace_begin(struct pace *pace, uint64_t now)
{
    *pace = (struct pace){ .mark = now };
}

static inline void pace_take(struct pace *pace, uint64_t now, uint64_t bytes)
{
    pace->taken += bytes;
    if (pace->taken >= PACE_QUOTA)
        pace_begin(pace, now);
}

/* When its place is another's, who has been waiting since then, if it takes no quota until then. */
static inline uint64_t pace_ends(const struct pace *pace, uint64_t waiting_since)
{
    uint64_t from = pace->mark < waiting_since ? pace->mark : waiting_since;

    return from + PACE_TIME;
}
