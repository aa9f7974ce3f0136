/* Who leaves a full house: readers of all speeds, told by a model that counts over each window. */
#include "../../../bin/httpd/pace.h"
#include "tap.h"

/* Takes `bytes` every `every` ns from 0 on; when it is to go at the latest, for one who waits since
 * `waiting`, or `end` if it may stay until then. */
static uint64_t leaves(uint64_t bytes, uint64_t every, uint64_t waiting, uint64_t end)
{
    struct pace pace;

    pace_begin(&pace, 0);
    for (uint64_t now = every; now <= end; now += every) {
        if (pace_ends(&pace, waiting) < now)
            return pace_ends(&pace, waiting);
        pace_take(&pace, now, bytes);
    }
    return end;
}

static void test_paces(void)
{
    const uint64_t hour = 3600 * SW_SECOND;

    /* its first time is not over */
    CHECK(leaves(1, SW_SECOND, hour, 9 * SW_SECOND) == 9 * SW_SECOND);
    /* too slow: nothing, a byte now and then, just less than the quota, a burst and then nothing */
    CHECK(leaves(0, SW_SECOND, hour, hour) == PACE_TIME);
    CHECK(leaves(1, SW_SECOND, hour, hour) == PACE_TIME);
    CHECK(leaves(PACE_QUOTA / 10 - 1, SW_SECOND, hour, hour) == PACE_TIME);
    CHECK(leaves(100 * PACE_QUOTA, 11 * SW_SECOND, hour, hour) == PACE_TIME);
    /* quick enough: a quota in time, in one piece or in many */
    CHECK(leaves(PACE_QUOTA, PACE_TIME, hour, hour) == hour);
    CHECK(leaves(PACE_QUOTA / 10 + 1, SW_SECOND, hour, hour) == hour);
    CHECK(leaves(PACE_QUOTA, SW_SECOND, hour, hour) == hour);
    /* as quick, and one has waited for long: the time of that one */
    CHECK(leaves(PACE_QUOTA, SW_SECOND, 30 * SW_SECOND, hour) == 40 * SW_SECOND);
}

static void test_order(void)
{
    struct pace early, late;

    pace_begin(&early, 1);
    pace_begin(&late, 2);
    CHECK(pace_ends(&early, 5) < pace_ends(&late, 5));
    pace_take(&early, 7, PACE_QUOTA - 1);
    CHECK(pace_ends(&early, 5) < pace_ends(&late, 5));
    pace_take(&early, 7, 1);
    CHECK(pace_ends(&early, 9) > pace_ends(&late, 9) && early.taken == 0);
    /* both are quick: as long as the one who waits wants, and the marks say who is first */
    CHECK(pace_ends(&early, 1) == pace_ends(&late, 1) && late.mark < early.mark);
}

int main(void)
{
    test_paces();
    test_order();
    return tap_done();
}
