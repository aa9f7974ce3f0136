/* The rings of a connection: what goes in at one side comes out at the other, whatever pieces it is
 * moved in; nobody sleeps while there is something to do; and a side that writes anything into the
 * shared head makes the stream broken, nothing else. */
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <swos/stream.h>

#define CAPACITY 4096u

static struct sw_stream program, stack;
static uint8_t *memory;

static uint32_t below(uint32_t limit)
{
    static uint64_t state = 7;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

/* From the heap, so that ASan sees a byte too far. */
static void start(void)
{
    free(memory);
    memory = aligned_alloc(64, SW_STREAM_BYTES(CAPACITY));
    memset(memory, 0, SW_STREAM_BYTES(CAPACITY));
    sw_stream_open(&program, memory, CAPACITY, SW_STREAM_PROGRAM);
    sw_stream_open(&stack, memory, CAPACITY, SW_STREAM_STACK);
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
    program.produced = program.acked = stack.consumed = stack.come = 0xfffff800u;
    struct sw_socket_rings *rings = (struct sw_socket_rings *)memory;
    rings->up_produced.value = rings->up_consumed.value = 0xfffff800u;
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
    uint32_t capacity = 0;

    CHECK(sw_stream_capacity(SW_STREAM_BYTES(4096), &capacity) && capacity == 4096);
    CHECK(sw_stream_capacity(SW_STREAM_BYTES(SW_SOCKET_RING_MOST), &capacity));
    CHECK(!sw_stream_capacity(SW_STREAM_BYTES(2 * SW_SOCKET_RING_MOST), &capacity));
    CHECK(!sw_stream_capacity(SW_STREAM_BYTES(2048), &capacity));
    CHECK(!sw_stream_capacity(SW_STREAM_BYTES(4096) + 1, &capacity));
    CHECK(!sw_stream_capacity(SW_STREAM_BYTES(12288), &capacity));
    CHECK(!sw_stream_capacity(0, &capacity) && !sw_stream_capacity(UINT64_MAX, &capacity));
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
        sw_stream_resume(&stack, memory, CAPACITY, produced, consumed);
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
        sw_stream_resume(&stack, memory, CAPACITY, produced, consumed);
        good &= stack.broken == (open > CAPACITY || there > CAPACITY);
        good &= sw_stream_room(&stack, &room) <= CAPACITY;
        good &= sw_stream_data(&stack, 0, &bytes) <= CAPACITY;
        good &= stack.broken ||
                (sw_stream_free(&stack) == CAPACITY - open && sw_stream_waiting(&stack) == there);
    }
    CHECK(good);
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
    free(memory);
    return tap_done();
}
