/* The terminal's calls that wait for output: order, callers that are gone, modes set meanwhile. */
#include "tap.h"
#include "waiters.h"

static uint64_t gone; /* bits of tokens whose callers are */

static bool is_there(uint64_t token)
{
    return !(gone >> token & 1);
}

static struct waiters waiters;

static void start(void)
{
    waiters = (struct waiters){ 0 };
    gone = 0;
}

static bool add(uint64_t token, uint64_t until)
{
    struct waiter waiter = {
        .token = token, .until = until, .sets_mode = true, .flushes = true, .mode = (uint32_t)token
    };
    return waiters_add(&waiters, &waiter, is_there);
}

/* The token of the next one; 0: none. */
static uint64_t take(uint64_t printed)
{
    struct waiter waiter;
    return waiters_take(&waiters, printed, is_there, &waiter) ? waiter.token : 0;
}

static void test_order(void)
{
    start();
    CHECK(!waiters_due(&waiters, UINT64_MAX));
    for (uint64_t token = 1; token <= 9; token++)
        CHECK(add(token, 10 * (token / 3)));
    CHECK(take(0) == 1 && take(0) == 2 && take(0) == 0 && take(9) == 0);
    CHECK(add(10, 30)); /* into a place that became free: it is still the last one */
    CHECK(!waiters_due(&waiters, 9) && waiters_due(&waiters, 10));
    for (uint64_t token = 3; token <= 10; token++)
        CHECK(take(30) == token);
    CHECK(take(UINT64_MAX) == 0);
}

static void test_gone(void)
{
    start();
    CHECK(add(1, 5) && add(2, 5) && add(3, 5) && add(4, 6));
    gone = 1 << 1 | 1 << 3;
    CHECK(take(5) == 2 && take(5) == 0 && take(6) == 4);
    CHECK(add(1, 7));
    CHECK(waiters_due(&waiters, 7) && take(7) == 0 && waiters.count == 0);
}

static void test_full(void)
{
    start();
    for (uint64_t token = 1; token <= WAITERS; token++)
        CHECK(add(token, token));
    CHECK(!add(40, 40));
    gone = 1 << 1 | 1 << 7 | 1ull << WAITERS;
    CHECK(add(40, 40) && add(41, 40) && add(42, 40) && !add(43, 40));
    for (uint64_t token = 2; token < WAITERS; token++)
        if (token != 7)
            CHECK(take(50) == token);
    CHECK(take(50) == 40 && take(50) == 41 && take(50) == 42 && take(50) == 0);
}

static void test_superseded(void)
{
    struct waiter waiter;

    start();
    CHECK(add(1, 5));
    waiters_supersede(&waiters);
    CHECK(add(2, 5));
    CHECK(waiters_take(&waiters, 5, is_there, &waiter) && waiter.token == 1);
    CHECK(!waiter.sets_mode && !waiter.flushes);
    CHECK(waiters_take(&waiters, 5, is_there, &waiter) && waiter.token == 2);
    CHECK(waiter.sets_mode && waiter.flushes && waiter.mode == 2);
}

int main(void)
{
    test_order();
    test_gone();
    test_full();
    test_superseded();
    return tap_done();
}
