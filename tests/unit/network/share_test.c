/* How netd shares out what it has: whoever takes all he can, alone or as many, those who have nothing yet get
 * what share.h says; what was given back can be had again; nothing is left when all is given back. */
#include "share.h"
#include "tap.h"
#include <stdlib.h>

#define MOST 8192u
#define PROCESSES 4096u

static struct share *shares[PROCESSES];
static uint32_t counts[PROCESSES], process_count;

/* As many as a process gets. */
static uint32_t take_all(struct owner owner)
{
    uint32_t at = process_count++;

    shares[at] = share_open(&owner);
    while (share_take(shares[at], SHARE_SOCKETS, 1))
        counts[at]++;
    return counts[at];
}

static void give_all(void)
{
    while (process_count > 0) {
        process_count--;
        if (counts[process_count] > 0)
            share_give(shares[process_count], SHARE_SOCKETS, counts[process_count]);
        share_close(shares[process_count]);
        counts[process_count] = 0;
    }
}

static uint32_t all(void)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < process_count; i++)
        sum += counts[i];
    return sum;
}

/* So many sessions of so many processes of one account, each with all it gets. */
static void storm(uint32_t account, uint32_t sessions, uint32_t processes)
{
    for (uint32_t s = 0; s < sessions; s++)
        for (uint32_t p = 0; p < processes; p++)
            take_all((struct owner){ account, account * 100 + s, process_count });
}

static void test_alone(void)
{
    CHECK(take_all((struct owner){ 1, 1, 1 }) == MOST / 4);
    give_all();
    storm(1, 1, 64);
    CHECK(all() <= MOST / 3 && all() > MOST / 4);
    give_all();
    storm(1, 32, 64);
    CHECK(all() <= MOST / 2 && all() > MOST / 3);
    give_all();
    CHECK(take_all((struct owner){ 1, 1, 1 }) == MOST / 4); /* all is free again */
    give_all();
}

/* However many took all they could: what an account, a session, a process without any gets. */
static void test_others(void)
{
    for (uint32_t accounts = 1; accounts <= 6; accounts++) {
        for (uint32_t a = 0; a < accounts; a++)
            storm(a + 1, 12, 12);
        uint32_t free = MOST - all();
        tap_ok(free >= MOST >> accounts, "%u accounts leave %u", accounts, free);
        uint32_t got = take_all((struct owner){ 99, 9999, 99999 });
        tap_ok(got >= MOST >> accounts >> 2, "of which a newcomer gets %u", got);
        give_all();
    }
    /* Below one account the same: the session and the process that come later. */
    storm(1, 1, 64);
    CHECK(take_all((struct owner){ 1, 7, 70000 }) >= MOST / 3 / 6);
    give_all();
    storm(1, 1, 1);
    CHECK(take_all((struct owner){ 1, 100, 70000 }) == MOST / 4 / 4);
    give_all();
    /* A service is held to its badge, and takes nothing from the others. */
    for (uint32_t p = 0; p < 64; p++)
        take_all((struct owner){ 0, SHARE_SERVICE | 4100, 500 + p });
    CHECK(take_all((struct owner){ 0, SHARE_SERVICE | 4101, 900 }) >= 400);
    give_all();
}

static void test_amounts(void)
{
    struct share *one = share_open(&(struct owner){ 1, 1, 1 });
    struct share *same = share_open(&(struct owner){ 1, 1, 1 });
    struct share *other = share_open(&(struct owner){ 2, 1, 1 }); /* numbers alone do not say who */
    struct owner owner = share_owner(other);

    CHECK(one == same && one != other);
    CHECK(owner.account == 2 && owner.session == 1 && owner.pid == 1);
    CHECK(!share_take(one, SHARE_DATAGRAMS, 251) && share_take(one, SHARE_DATAGRAMS, 250));
    CHECK(!share_take(one, SHARE_DATAGRAMS, 1));
    CHECK(!share_take(one, SHARE_DATAGRAMS, UINT32_MAX)); /* no sum wraps */
    CHECK(share_take(other, SHARE_DATAGRAMS, 187) && !share_take(other, SHARE_DATAGRAMS, 1));
    CHECK(share_take(one, SHARE_SOCKETS, 1)); /* another kind */
    share_give(one, SHARE_SOCKETS, 1);
    /* A predecessor's count, though it is too much: nothing more, until enough was given back. */
    share_keep(one, SHARE_DATAGRAMS, 400);
    CHECK(!share_take(one, SHARE_DATAGRAMS, 1) && !share_take(other, SHARE_DATAGRAMS, 1));
    share_give(one, SHARE_DATAGRAMS, 400);
    share_give(one, SHARE_DATAGRAMS, 250);
    share_close(same);
    share_close(one);
    share_give(other, SHARE_DATAGRAMS, 187);
    share_close(other);
}

/* Anybody takes and gives anything: what is given out is what they have, and never more than there is. */
static void test_random(void)
{
    enum { N = 60 };
    struct share *list[N];
    uint32_t has[N] = { 0 }, sum = 0, bad = 0, refused = 0;
    uint64_t state = 1;

    for (uint32_t i = 0; i < N; i++)
        list[i] = share_open(&(struct owner){ i % 3, i % 9, i });
    for (uint32_t round = 0; round < 200000; round++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint32_t i = (uint32_t)(state >> 40) % N, amount = (uint32_t)(state >> 33) % 64;
        if (state >> 63) {
            if (share_take(list[i], SHARE_DATAGRAMS, amount)) {
                has[i] += amount;
                sum += amount;
            } else {
                refused++;
            }
        } else {
            amount = amount < has[i] ? amount : has[i];
            share_give(list[i], SHARE_DATAGRAMS, amount);
            has[i] -= amount;
            sum -= amount;
        }
        bad += sum > 1000;
    }
    for (uint32_t i = 0; i < N; i++) {
        share_give(list[i], SHARE_DATAGRAMS, has[i]);
        share_close(list[i]);
    }
    tap_ok(bad == 0 && refused > 1000, "never more than there is, %u refused", refused);
}

int main(void)
{
    const uint32_t most[SHARE_KINDS] = {
        [SHARE_SOCKETS] = MOST, [SHARE_DATAGRAMS] = 1000, [SHARE_PINGS] = 64, [SHARE_NAMES] = 64
    };
    shares_open(most);
    test_alone();
    test_others();
    test_amounts();
    test_random();
    return tap_done();
}
