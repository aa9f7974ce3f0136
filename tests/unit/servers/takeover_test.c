/* A keyboard's ring through the lives of many drivers, with the driver's own queue and a made-up
 * device that never stops: whatever the instruction a driver dies at, each event is typed once, in
 * order, and no buffer is lost. A ring that makes no sense is not taken over. */
#include "progress.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <swos/virtqueue.h>

#define SIZE 64
#define EVENTS_OFFSET 2048
#define BUS 0x40000000ull

struct event {
    uint32_t value, unused;
};

static _Alignas(16) uint8_t page[SW_PAGE];
static struct event *const events = (struct event *)(page + EVENTS_OFFSET);
static struct progress progress;
static struct virtqueue queue;
static struct virtqueue_slot slots[SIZE];
static uint16_t device_seen; /* of the available ring */
static uint32_t sent, typed;
static uint64_t given; /* bytes to the pipe */
static bool is_typed;  /* the next event, by a predecessor */
static bool in_order = true;

static const struct virtqueue_buffer first = { BUS + EVENTS_OFFSET, sizeof(struct event) };

static uint16_t word_at(size_t offset)
{
    uint16_t word;
    memcpy(&word, page + offset, sizeof word);
    return word;
}

static void word_put(size_t offset, uint16_t word)
{
    memcpy(page + offset, &word, sizeof word);
}

/* The device has an event, if a buffer is offered for it. */
static void device_event(void)
{
    size_t available = VIRTQUEUE_AVAILABLE(SIZE), used = VIRTQUEUE_USED(SIZE);
    if (word_at(available + 2) == device_seen)
        return;
    uint16_t id = word_at(available + 4 + 2 * (device_seen++ % SIZE)), index = word_at(used + 2);
    uint64_t address;
    memcpy(&address, page + 16 * id, sizeof address);
    memcpy(page + (address - BUS), &(struct event){ sent++, 0 }, sizeof(struct event));
    memcpy(page + used + 4 + 8 * (index % SIZE), (uint32_t[]){ id, sizeof(struct event) }, 8);
    word_put(used + 2, (uint16_t)(index + 1));
}

static void add(struct event *event)
{
    struct virtqueue_buffer buffer = { first.address + (uint64_t)(event - events) * sizeof *event,
                                       sizeof *event };
    virtqueue_add(&queue, &buffer, 0, 1, event);
}

static void first_start(void)
{
    memset(page, 0, sizeof page);
    progress = (struct progress){ .bus = BUS };
    device_seen = 0;
    is_typed = false;
    virtqueue_init(&queue, SIZE, page, slots, true);
    for (int i = 0; i < SIZE; i++)
        add(&events[i]);
    virtqueue_publish(&queue);
    progress_store(&progress, 0, 0);
}

static bool take_over(void)
{
    uint16_t taken, modifiers, missing;
    memset(&queue, 0xa5, sizeof queue); /* what is not in the page died */
    memset(slots, 0xa5, sizeof slots);
    if (!progress_load(&progress, &taken, &modifiers) || modifiers != (uint16_t)(taken * 3) ||
        !virtqueue_resume(&queue, SIZE, page, slots, true, taken, first, events, &missing))
        return false;
    if (missing < SIZE)
        add(&events[missing]);
    virtqueue_publish(&queue);
    is_typed = progress_typed(&progress, (uint16_t)(taken + 1), given);
    return true;
}

/* A driver that does `steps` things and then is no more: false, or rests. */
static bool live(int steps)
{
    void *context;
    uint32_t written;
    while (steps > 0) {
        if (rand() % 3 == 0)
            device_event();
        if (!virtqueue_take(&queue, &context, &written)) {
            steps--;
            continue;
        }
        if (steps-- == 0) /* before it typed the event */
            return false;
        if (!is_typed) {
            progress_typing(&progress, queue.taken, given);
            if (steps-- == 0) /* before it typed the event */
                return false;
            in_order = in_order && ((struct event *)context)->value == typed++;
            given++;
        }
        is_typed = false;
        if (steps-- == 0) /* before it stored that it did */
            return false;
        progress_store(&progress, queue.taken, (uint16_t)(queue.taken * 3));
        if (steps-- == 0) /* before it offers the buffer again */
            return false;
        add(context);
        if (steps-- == 0) /* before the device can see it */
            return false;
        virtqueue_publish(&queue);
    }
    return true;
}

static void test_lives(void)
{
    first_start();
    bool resumed = true;
    for (int life = 0; life < 20000 && resumed && in_order; life++) {
        live(rand() % 40);
        for (int i = rand() % 5; i > 0; i--)
            device_event(); /* while there is no driver */
        resumed = take_over();
    }
    CHECK(resumed);
    CHECK(in_order && typed > 50000);
    while (!live(1000))
        CHECK(take_over());
    CHECK(in_order && sent - typed <= SIZE);
    CHECK(queue.free_count == 0 && !queue.broken);
}

/* Every single word of the page changed on a ring at rest: taken over or not, nothing is touched
 * that is not there (ASan watches), and what matters is noticed. */
static void test_lies(void)
{
    uint16_t missing;
    first_start();
    CHECK(virtqueue_resume(&queue, SIZE, page, slots, true, 0, first, events, &missing) &&
          missing == SIZE);
    CHECK(!virtqueue_resume(&queue, SIZE, page, slots, true, 1, first, events, &missing));
    CHECK(!virtqueue_resume(&queue, SIZE, page, slots, true, 0xffff, first, events, &missing));
    bool good = true;
    for (size_t at = 0; at + 2 <= VIRTQUEUE_BYTES(SIZE); at += 2) {
        for (int bit = 0; bit < 16; bit++) {
            first_start();
            word_put(at, word_at(at) ^ (uint16_t)(1u << bit));
            bool resumed =
                virtqueue_resume(&queue, SIZE, page, slots, true, 0, first, events, &missing);
            bool in_descriptors = at < VIRTQUEUE_AVAILABLE(SIZE) && at % 16 < 14;
            bool is_index = at == VIRTQUEUE_AVAILABLE(SIZE) + 2;
            good = good && !(resumed && (in_descriptors || is_index));
            void *context;
            uint32_t written;
            while (resumed && virtqueue_take(&queue, &context, &written))
                good = good && (struct event *)context >= events &&
                       (struct event *)context < events + SIZE;
        }
    }
    CHECK(good);
}

static void test_progress(void)
{
    uint16_t taken, modifiers;
    progress = (struct progress){ .bus = 0x45678000, .features = 1ull << 29 };
    progress_store(&progress, 0xfffe, 0x55);
    CHECK(progress_load(&progress, &taken, &modifiers) && taken == 0xfffe && modifiers == 0x55);
    bool good = true;
    for (int bit = 0; bit < 64; bit++) {
        progress.word ^= 1ull << bit;
        good = good && !progress_load(&progress, &taken, &modifiers);
        progress.word ^= 1ull << bit;
        progress.bus ^= 1ull << bit;
        good = good && !progress_load(&progress, &taken, &modifiers);
        progress.bus ^= 1ull << bit;
        progress.features ^= 1ull << bit;
        good = good && !progress_load(&progress, &taken, &modifiers);
        progress.features ^= 1ull << bit;
    }
    CHECK(good);
    progress_clear(&progress);
    CHECK(!progress_load(&progress, &taken, &modifiers));
}

int main(void)
{
    srand(7);
    test_lives();
    test_lies();
    test_progress();
    return tap_done();
}
