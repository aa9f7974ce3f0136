/* Records of sockets: netd dies before each store of each change, and what its successor reads is the
 * state before or the one after, nothing else; a bit that flips is found out. */
#include "record.h"
#include "tap.h"
#include <setjmp.h>
#include <string.h>

void record_store_hook(void);

static jmp_buf died;
static int stores_left = -1; /* until death; negative: it lives */
static int stores;

void record_store_hook(void)
{
    stores++;
    if (stores_left >= 0 && stores_left-- == 0)
        longjmp(died, 1);
}

/* Runs a change up to the store it dies before; negative: to its end. */
static void run(void (*change)(void), int death)
{
    stores_left = death;
    if (setjmp(died) == 0)
        change();
    stores_left = -1;
}

static struct record record;

static const struct record_plan plan = {
    .badge = 0x12345678u << 13 | 17,
    .local = { { 10, 0, 2, 15 }, SW_NET_IPV4, 0, 5555 },
    .remote = { { 10, 0, 2, 2 }, SW_NET_IPV4, 0, 40000 },
    .pid = 12,
};
static const struct record_plan other = {
    .badge = 0x12345679u << 13 | 17,
    .local = { { 0 }, SW_NET_ANY, 0, 80 },
    .backlog = 128,
};
static const struct record_flow flow = { .first_sent = 0xfffffff0,
                                         .first_received = 77,
                                         .mss = 1460,
                                         .send_scale = 7,
                                         .receive_scale = 4,
                                         .options = RECORD_SCALES | RECORD_TIMESTAMPS };

/* Changes, one after the other; each is what netd does between two stores that others see. */
static void make_connecting(void)
{
    record_create(&record, RECORD_CONNECTING, 0, &plan, NULL, 0);
}

static void establish(void)
{
    record_establish(&record, &flow);
}

static void receive(void)
{
    record_position(&record, RECORD_RECEIVED, 4000);
}

static void send(void)
{
    record_position(&record, RECORD_SENT, 1460);
}

static void acknowledge(void)
{
    record_position(&record, RECORD_ACKED, 1000);
}

static void peer_ends(void)
{
    record_flags_add(&record, RECORD_ENDED);
}

static void keep_alive(void)
{
    record_flags_add(&record, RECORD_KEEPALIVE);
}

static void keep_alive_no_more(void)
{
    record_flags_drop(&record, RECORD_KEEPALIVE);
}

static void keep_for(void)
{
    record_keep(&record, RECORD_KEEP_IDLE, 86400);
}

static void keep_at(void)
{
    record_keep(&record, RECORD_KEEP_INTERVAL, 3600);
}

static void keep_until(void)
{
    record_keep(&record, RECORD_KEEP_PROBES, 100);
}

static void close_it(void)
{
    record_linger(&record, 1);
    record_flags_add(&record, RECORD_CLOSED | RECORD_END_WANTED);
}

static void give_end(void)
{
    record_flags_add(&record, RECORD_END_GIVEN | RECORD_RING_GONE);
}

static void end_acked(void)
{
    record_flags_add(&record, RECORD_END_ACKED);
}

static void free_it(void)
{
    record_free(&record);
}

static void make_listener(void)
{
    record_create(&record, RECORD_LISTENER, 0, &other, NULL, 0);
}

static void make_accepted(void)
{
    record_create(&record, RECORD_CONNECTION, RECORD_ENDED, &plan, &flow, 300);
}

static void (*const changes[])(void) = {
    make_connecting, establish,          receive,  send,          acknowledge, peer_ends,
    keep_alive,      keep_alive_no_more, keep_for, keep_at,       keep_until,  close_it,
    give_end,        end_acked,          free_it,  make_listener, free_it,     make_accepted,
};
#define CHANGES (sizeof(changes) / sizeof(changes[0]))

/* Views without what does not count: the linger until it is closed, what free ones have left. */
static enum record_verdict look(struct record_view *out)
{
    enum record_verdict verdict = record_read(&record, out);

    if (!(out->flags & RECORD_CLOSED))
        out->linger = 0;
    return verdict;
}

static void test_deaths(void)
{
    int deaths = 0;
    bool good = true;

    memset(&record, 0, sizeof(record));
    for (size_t i = 0; i < CHANGES; i++) {
        struct record start = record;
        struct record_view before, after, found;
        enum record_verdict was = look(&before), is;

        stores = 0;
        run(changes[i], -1);
        int count = stores;
        is = look(&after);
        good &= is != RECORD_IS_BROKEN && count > 0;
        struct record end = record;
        for (int death = 0; death < count; death++) {
            record = start;
            run(changes[i], death);
            enum record_verdict verdict = look(&found);
            bool old = verdict == was && memcmp(&found, &before, sizeof(found)) == 0;
            bool new = verdict == is &&memcmp(&found, &after, sizeof(found)) == 0;
            if (!old && !new) {
                tap_ok(0, "change %zu, death at store %d: verdict %d", i, death, (int)verdict);
                good = false;
            }
            deaths++;
            /* A successor does it again. */
            if (old)
                changes[i]();
            verdict = look(&found);
            good &= verdict == is && memcmp(&found, &after, sizeof(found)) == 0;
        }
        record = end;
    }
    tap_ok(good, "%d deaths in %zu changes: the state before or the one after", deaths, CHANGES);
}

static void test_values(void)
{
    struct record_view view;

    memset(&record, 0, sizeof(record));
    CHECK(record_read(&record, &view) == RECORD_IS_FREE);
    make_accepted();
    receive();
    send();
    acknowledge();
    keep_alive();
    CHECK(record_read(&record, &view) == RECORD_IS_GOOD);
    CHECK(view.keep[0] == 0 && view.keep[1] == 0 && view.keep[2] == 0);
    keep_for();
    keep_at();
    keep_until();
    CHECK(record_read(&record, &view) == RECORD_IS_GOOD);
    CHECK(view.keep[0] == 86400 && view.keep[1] == 3600 && view.keep[2] == 100);
    CHECK(view.kind == RECORD_CONNECTION && view.flags == (RECORD_ENDED | RECORD_KEEPALIVE));
    CHECK(view.received == 4000 && view.sent == 1460 && view.acked == 1000);
    CHECK(view.flow.first_sent == 0xfffffff0 && view.flow.mss == 1460);
    CHECK(view.plan.remote.port == 40000 && view.plan.badge == plan.badge);
}

static void test_nonsense(void)
{
    struct record_view view, good;
    bool found = true;

    memset(&record, 0, sizeof(record));
    make_accepted();
    send();
    record_read(&record, &good);
    struct record sound = record;
    for (size_t bit = 0; bit < 8 * sizeof(record); bit++) {
        record = sound;
        ((uint8_t *)&record)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum record_verdict verdict = record_read(&record, &view);
        view.linger = good.linger; /* unchecked: a time at which one gives up */
        found &= verdict == RECORD_IS_BROKEN ||
                 (verdict == RECORD_IS_GOOD && memcmp(&view, &good, sizeof(view)) == 0);
    }
    tap_ok(found, "each flipped bit is found, or does not count");
    record = sound;
    record.acked = record.sent;
    CHECK(record_read(&record, &view) == RECORD_IS_BROKEN);
    record = sound;
    record_position(&record, RECORD_ACKED, 1461);
    CHECK(record_read(&record, &view) == RECORD_IS_BROKEN);
    record = sound;
    record_position(&record, RECORD_SENT, SW_SOCKET_RING_MOST + 2);
    CHECK(record_read(&record, &view) == RECORD_IS_BROKEN);
    record_position(&record, RECORD_SENT, SW_SOCKET_RING_MOST + 1);
    CHECK(record_read(&record, &view) == RECORD_IS_GOOD);
    record_flags_add(&record, RECORD_END_GIVEN); /* nobody wanted to */
    CHECK(record_read(&record, &view) == RECORD_IS_BROKEN);
    record_flags_add(&record, RECORD_END_WANTED | RECORD_RING_GONE); /* not closed */
    CHECK(record_read(&record, &view) == RECORD_IS_BROKEN);
    record_flags_add(&record, RECORD_CLOSED);
    CHECK(record_read(&record, &view) == RECORD_IS_GOOD);
    memset(&record, 0xa5, sizeof(record));
    CHECK(record_read(&record, &view) == RECORD_IS_BROKEN);
}

static struct note notes[2];

static void note_new(void)
{
    note_put(notes, "new", 3);
}

static void note_two(void)
{
    note_put(notes, "two", 3);
}

static bool note_is(const char *text)
{
    char got[3];

    return note_get(notes, got, 3) && memcmp(got, text, 3) == 0;
}

static void test_note(void)
{
    struct note start[2];
    int deaths = 0;

    CHECK(!note_is("old"));
    note_put(notes, "old", 3);
    memcpy(start, notes, sizeof(start));
    stores = 0;
    run(note_new, -1);
    int count = stores;
    bool good = note_is("new") && count > 0 && !note_get(notes, start, 4);
    /* Twice in a row: each writes into the other place. */
    for (int first = 0; first <= count; first++) {
        for (int second = 0; second <= count; second++, deaths++) {
            memcpy(notes, start, sizeof(start));
            run(note_new, first);
            const char *was = first < count ? "old" : "new";
            good &= note_is(was);
            run(note_two, second);
            good &= note_is(second < count ? was : "two");
        }
    }
    tap_ok(good, "a note is the old one or the new one: %d pairs of deaths", deaths);
}

int main(void)
{
    test_values();
    test_deaths();
    test_nonsense();
    test_note();
    return tap_done();
}
