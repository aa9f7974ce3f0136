/* The rings of a connection: what goes in at one side comes out at the other, whatever pieces it is
 * moved in; nobody sleeps while there is something to do; and a side that writes anything into the
 * shared head makes the stream broken, nothing else. */
#include "tap.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <swos/stream.h>

#define CAPACITY 4096u

void stream_store_hook(void);

static struct sw_stream program, stack;
static uint8_t *memory;
static const struct sw_stream_shape shape = { CAPACITY, CAPACITY, SW_PAGE, SW_PAGE + CAPACITY };

static jmp_buf died;
static int stores_left = -1; /* of a copy, until death; negative: it lives */

void stream_store_hook(void)
{
    if (stores_left >= 0 && stores_left-- == 0)
        longjmp(died, 1);
}

/* Of what is looked at too often for a line each. */
static int quiet_failures;
#define CHECK_QUIETLY(condition)                                                                   \
    do {                                                                                           \
        if (!(condition) && quiet_failures++ < 9)                                                  \
            tap_ok(0, "%s:%d %s", __func__, __LINE__, #condition);                                 \
    } while (0)

static uint32_t below(uint32_t limit)
{
    static uint64_t state = 7;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

/* From the heap, so that ASan sees a byte too far. */
static uint8_t *memory_make(uint64_t size)
{
    uint8_t *made = aligned_alloc(64, size);

    memset(made, 0, size);
    return made;
}

static void start_with(const struct sw_stream_shape *with, uint64_t size)
{
    free(memory);
    memory = memory_make(size);
    sw_stream_open(&program, memory, with, SW_STREAM_PROGRAM);
    sw_stream_open(&stack, memory, with, SW_STREAM_STACK);
}

static void start(void)
{
    start_with(&shape, SW_STREAM_BYTES(CAPACITY));
}

/* Positions begin there. */
static void memory_positions(uint32_t begin)
{
    struct sw_socket_rings *rings = (struct sw_socket_rings *)memory;

    rings->up_produced.value = rings->up_consumed.value = begin;
    rings->down_produced.value = rings->down_consumed.value = begin;
    program.produced = program.consumed = program.acked = program.come = begin;
    stack.produced = stack.consumed = stack.acked = stack.come = begin;
}

static void put(struct sw_stream *stream, uint32_t *position, size_t most)
{
    uint8_t *at;
    size_t room = sw_stream_room(stream, &at);

    room = room < most ? room : most;
    for (size_t i = 0; i < room; i++)
        at[i] = (uint8_t)((*position)++ * 31 >> 3);
    sw_stream_put(stream, room);
}

static bool take(struct sw_stream *stream, uint32_t *position, size_t most)
{
    const uint8_t *at;
    bool good = true;
    size_t there = sw_stream_data(stream, 0, &at);

    there = there < most ? there : most;
    for (size_t i = 0; i < there; i++)
        good &= at[i] == (uint8_t)((*position)++ * 31 >> 3);
    sw_stream_take(stream, there);
    return good;
}

static void test_bytes(void)
{
    uint32_t sent = 0, got = 0, up = 0, upped = 0;
    bool good = true;

    start();
    for (int i = 0; i < 200000; i++) {
        put(&program, &sent, below(5000));
        good &= take(&stack, &got, below(5000));
        put(&stack, &up, below(5000));
        good &= take(&program, &upped, below(5000));
    }
    CHECK(good && !program.broken && !stack.broken);
    CHECK(got > 100000000 && sent - got == sw_stream_waiting(&stack));
    CHECK(up - upped == sw_stream_waiting(&program));
    CHECK(sw_stream_free(&program) == CAPACITY - sw_stream_waiting(&stack));
}

/* Positions wrap at 2^32. */
static void test_wrap(void)
{
    uint32_t sent = 0, got = 0;
    bool good = true;

    start();
    memory_positions(0xfffff800u);
    for (int i = 0; i < 100; i++) {
        put(&program, &sent, 1000);
        good &= take(&stack, &got, 1000);
    }
    CHECK(good && !program.broken && !stack.broken && got > 50000);
}

static void test_skip(void)
{
    uint32_t sent = 0;
    const uint8_t *at;

    start();
    put(&program, &sent, 100);
    CHECK(sw_stream_data(&stack, 40, &at) == 60 && at == stack.in + 40);
    CHECK(sw_stream_data(&stack, 100, &at) == 0);
    CHECK(sw_stream_data(&stack, 200, &at) == 0);
    put(&program, &sent, CAPACITY);
    CHECK(sw_stream_free(&program) == 0 && sw_stream_waiting(&stack) == CAPACITY);
    sw_stream_take(&stack, 50);
    put(&program, &sent, CAPACITY);
    CHECK(sw_stream_data(&stack, CAPACITY - 50, &at) == 50 && at == stack.in);
}

/* One side runs while the other sleeps: it is woken for what it waits for, and for nothing else. */
static void test_wakes(void)
{
    uint32_t sent = 0, got = 0;

    start();
    put(&program, &sent, 10);
    CHECK(!sw_stream_flush(&program)); /* the stack is awake */
    sw_stream_want(&stack, SW_SOCKET_WANT_ROOM);
    put(&program, &sent, 10);
    CHECK(!sw_stream_flush(&program)); /* it waits for something else */
    sw_stream_want(&stack, SW_SOCKET_WANT_MORE);
    CHECK(!sw_stream_flush(&program)); /* told before */
    put(&program, &sent, 10);
    CHECK(sw_stream_flush(&program));
    sw_stream_want(&program, SW_SOCKET_WANT_ROOM);
    take(&stack, &got, 5);
    CHECK(sw_stream_flush(&stack));
    CHECK(!sw_stream_flush(&stack));
    put(&program, &sent, CAPACITY);
    put(&program, &sent, CAPACITY); /* round the end */
    CHECK(sw_stream_free(&program) == 0);
    take(&stack, &got, CAPACITY / 2 - 1);
    while (sw_stream_waiting(&stack) > CAPACITY / 2 + 1)
        take(&stack, &got, 1);
    CHECK(!sw_stream_flush(&stack)); /* not for a few bytes */
    take(&stack, &got, 1);
    CHECK(sw_stream_flush(&stack));
}

static void test_sizes(void)
{
    struct sw_stream_shape found;
    bool good = true;
    int shapes = 0;

    CHECK(sw_stream_shape(SW_PAGE, &found) && found.up == 2048 && found.down == 1024);
    CHECK(sw_stream_shape(SW_STREAM_BYTES(4096), &found) && found.up == 4096 && found.down == 4096);
    CHECK(sw_stream_shape(SW_STREAM_BYTES(SW_SOCKET_RING_MOST), &found));
    CHECK(!sw_stream_shape(SW_STREAM_BYTES(2 * SW_SOCKET_RING_MOST), &found));
    CHECK(!sw_stream_shape(SW_STREAM_BYTES(2048), &found));
    CHECK(!sw_stream_shape(SW_STREAM_BYTES(4096) + 1, &found));
    CHECK(!sw_stream_shape(SW_PAGE + 4096 + 8192, &found));
    CHECK(!sw_stream_shape(2 * SW_PAGE, &found) && !sw_stream_shape(UINT64_MAX, &found));
    CHECK(!sw_stream_shape(0, &found) && !sw_stream_shape(512, &found));
    CHECK(sw_stream_size(SW_SOCKET_RING_MOST + 1, 0) == 0 &&
          sw_stream_size(1, SW_SOCKET_RING_MOST + 1) == 0);
    for (uint32_t up = 1024; up <= SW_SOCKET_RING_MOST; up *= 2)
        for (uint32_t down = 1024; down <= SW_SOCKET_RING_MOST; down *= 2)
            good &= sw_stream_shape(sw_stream_size(up, down), &found) && found.up >= up &&
                    found.down >= down && (found.up == up || up < 8192) &&
                    (found.down == down || down < 8192);
    /* What is a shape lies within its memory, and apart; and no two sizes have the same. */
    for (uint64_t size = 0; size < 4 * SW_SOCKET_RING_MOST; size += 512) {
        if (!sw_stream_shape(size, &found))
            continue;
        shapes++;
        uint32_t first = found.up_at < found.down_at ? found.up_at : found.down_at;
        good &= sw_stream_size(found.up, found.down) == size;
        good &= first >= sizeof(struct sw_socket_rings) && found.up_at + found.up <= size &&
                found.down_at + found.down <= size;
        good &=
            found.up_at + found.up <= found.down_at || found.down_at + found.down <= found.up_at;
    }
    tap_ok(good && shapes == 1 + 7 + 30, "%d shapes", shapes);
}

/* The stack with a program that writes what it likes. */
static void test_nonsense(void)
{
    int broken = 0;

    for (int trial = 0; trial < 3000; trial++) {
        uint32_t up = 0, taken = 0;
        start();
        for (int i = 0; i < 50; i++) {
            const uint8_t *at;
            uint32_t *word = (uint32_t *)memory + below(sizeof(struct sw_socket_rings) / 4);
            if (below(3) == 0)
                *word = below(2) ? below(0xffffffff) : *word + below(9000) - 4500;
            put(&stack, &up, below(5000));
            sw_stream_data(&stack, below(5000), &at);
            take(&stack, &taken, below(5000));
            sw_stream_flush(&stack);
            if (sw_stream_free(&stack) > CAPACITY || sw_stream_waiting(&stack) > CAPACITY) {
                CHECK(0);
                return;
            }
        }
        broken += stack.broken;
    }
    tap_ok(broken > 300, "%d of 3000 streams were found broken", broken);
}

/* The stack dies at any moment and its successor goes on with positions it has kept, which are the rings'
 * own or ahead of them. Nothing comes twice, nothing is left out. */
static void test_resume(void)
{
    uint32_t sent = 0, got = 0, up = 0, upped = 0;
    bool good = true;

    start();
    for (int i = 0; i < 20000; i++) {
        put(&program, &sent, below(5000));
        good &= take(&stack, &got, below(5000));
        put(&stack, &up, below(5000));
        good &= take(&program, &upped, below(5000));
        uint32_t produced = stack.produced, consumed = stack.consumed;
        if (below(2)) /* dies before the rings say what it has kept */
            program.rings->down_produced.value -= (produced - program.consumed) / 2;
        sw_stream_resume(&stack, memory, &shape, produced, consumed);
        good &= program.rings->down_produced.value == produced && !stack.broken;
        good &= sw_stream_waiting(&stack) == sent - got;
        good &= sw_stream_free(&stack) == CAPACITY - (up - upped);
    }
    CHECK(good && !program.broken && got > 1000000);

    /* Whatever the program has written there. */
    struct sw_socket_rings *rings = (struct sw_socket_rings *)memory;
    for (int i = 0; i < 100000; i++) {
        uint32_t produced = below(0xffffffff), consumed = below(0xffffffff);
        const uint8_t *bytes;
        uint8_t *room;
        rings->down_consumed.value = produced - below(3 * CAPACITY);
        rings->up_produced.value = consumed + below(3 * CAPACITY);
        uint32_t open = produced - rings->down_consumed.value;
        uint32_t there = rings->up_produced.value - consumed;
        sw_stream_resume(&stack, memory, &shape, produced, consumed);
        good &= stack.broken == (open > CAPACITY || there > CAPACITY);
        good &= sw_stream_room(&stack, &room) <= CAPACITY;
        good &= sw_stream_data(&stack, 0, &bytes) <= CAPACITY;
        good &= stack.broken ||
                (sw_stream_free(&stack) == CAPACITY - open && sw_stream_waiting(&stack) == there);
    }
    CHECK(good);
}

/* A copy of the stack's rings as netd makes it, up to the store it dies before; negative: to its end. False:
 * it died. */
static bool copy_to(uint8_t *other, const struct sw_stream_shape *next, int death)
{
    stores_left = death;
    if (setjmp(died) != 0)
        return false;
    memset(other, 0, sizeof(struct sw_socket_rings));
    CHECK_QUIETLY(sw_stream_copy(&stack, other, next));
    stores_left = -1;
    return true;
}

static int copies, deaths;

/* Larger rings: the program waits meanwhile. The stack dies before any store of the copy, or when the new
 * memory is kept and nobody knows of it: its successor goes on with what is kept, and the program asks again. */
static void grow(struct sw_stream_shape *now, const struct sw_stream_shape *next, uint64_t size,
                 int death)
{
    uint8_t *other = memory_make(size);
    uint32_t produced = stack.produced, consumed = stack.consumed;

    memset(other, 0xa5, size);
    if (copy_to(other, next, death)) {
        if (below(2))
            sw_stream_move(&stack, other, next, SW_STREAM_STACK);
        else
            sw_stream_resume(&stack, other, next, produced, consumed);
    } else {
        deaths++;
        sw_stream_resume(&stack, memory, now, produced, consumed);
        copy_to(other, next, -1);
        sw_stream_move(&stack, other, next, SW_STREAM_STACK);
    }
    memset(memory, 0x5a, sw_stream_size(now->up, now->down));
    free(memory);
    memory = other;
    sw_stream_move(&program, other, next, SW_STREAM_PROGRAM);
    *now = *next;
    copies++;
}

/* From a page to the most, bytes in both rings at each step. */
static void grow_up(int death)
{
    uint32_t sent = 0, got = 0, up = 0, upped = 0;
    struct sw_stream_shape now, next;
    uint64_t size = SW_PAGE;

    sw_stream_shape(size, &now);
    start_with(&now, size);
    memory_positions(below(2) ? 0xffffffffu - below(4096) : below(0xffffffff));
    for (;;) {
        for (int i = 0; i < 4; i++) {
            put(&program, &sent, below(3 * now.up));
            CHECK_QUIETLY(take(&stack, &got, below(2 * now.up)));
            put(&stack, &up, below(3 * now.down));
            CHECK_QUIETLY(take(&program, &upped, below(2 * now.down)));
        }
        CHECK_QUIETLY(sw_stream_waiting(&stack) == sent - got);
        CHECK_QUIETLY(sw_stream_waiting(&program) == up - upped);
        CHECK_QUIETLY(sw_stream_free(&stack) == now.down - (up - upped));
        if ((size = sw_stream_size(now.up * (1 + below(3)), now.down * (1 + below(3)))) == 0)
            break;
        CHECK_QUIETLY(sw_stream_shape(size, &next));
        grow(&now, &next, size, death);
    }
    CHECK_QUIETLY(!program.broken && !stack.broken);
}

static void test_grow(void)
{
    struct sw_stream_shape next;

    for (int death = -1; death < 12; death++)
        for (int trial = 0; trial < 40; trial++)
            grow_up(death);
    tap_ok(quiet_failures == 0 && deaths > 1000, "%d copies, %d deaths: the right bytes", copies,
           deaths);
    /* A stream that makes no sense is not copied. */
    uint8_t *other = memory_make(SW_STREAM_BYTES(2 * CAPACITY));
    sw_stream_shape(SW_STREAM_BYTES(2 * CAPACITY), &next);
    start();
    program.rings->up_produced.value = CAPACITY + 1;
    CHECK(!sw_stream_copy(&stack, other, &next));
    free(other);
}

int main(void)
{
    test_bytes();
    test_wrap();
    test_skip();
    test_wakes();
    test_sizes();
    test_nonsense();
    test_resume();
    test_grow();
    free(memory);
    return tap_done();
}
