/* The driver's side of a virtqueue against a device that behaves, and one that does not. */
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <swos/virtqueue.h>

#define SIZE 8

/* The device's view of the ring, by the specification's offsets. */
struct device {
    uint16_t size, seen; /* available entries consumed */
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } * descriptors;
    uint16_t *available; /* flags, index, ring, used_event */
    uint16_t *used;      /* flags, index, ring (as words), available_event */
};

static struct virtqueue queue;
static struct virtqueue_slot slots[SIZE];
static struct device device;
static uint8_t *shared;

static void start(bool event_index)
{
    free(shared);
    shared = aligned_alloc(16, (VIRTQUEUE_BYTES(SIZE) + 15) & ~15u);
    memset(shared, 0, VIRTQUEUE_BYTES(SIZE));
    virtqueue_init(&queue, SIZE, shared, slots, event_index);
    device = (struct device){ .size = SIZE,
                              .descriptors = (void *)shared,
                              .available = (uint16_t *)(shared + 16 * SIZE),
                              .used = (uint16_t *)(shared + VIRTQUEUE_USED(SIZE)) };
}

/* The device takes a chain: its head, and the number of descriptors and writable bytes. */
static int device_take(uint16_t *out_head, uint32_t *out_count, uint32_t *out_writable)
{
    uint16_t at;

    if (device.available[1] == device.seen) {
        return 0;
    }
    *out_head = at = device.available[2 + device.seen++ % SIZE];
    *out_count = 1;
    *out_writable = 0;
    for (;;) {
        if (device.descriptors[at].flags & 2) {
            *out_writable += device.descriptors[at].length;
        }
        if (!(device.descriptors[at].flags & 1)) {
            return 1;
        }
        at = device.descriptors[at].next;
        ++*out_count;
    }
}

static void device_put(uint32_t head, uint32_t written)
{
    uint32_t element[2] = { head, written };

    memcpy(device.used + 2 + device.used[1] % SIZE * 4, element, sizeof(element));
    device.used[1]++;
}

static const struct virtqueue_buffer buffers[SIZE + 1] = {
    { 0x1000, 16 },
    { 0x2000, 512 },
    { 0x3000, 512 },
    { 0x4000, 1 },
};

static void test_round(bool event_index)
{
    uint32_t count, writable, written;
    uint16_t head;
    void *context;
    int one, two, good = 1;

    start(event_index);
    CHECK(VIRTQUEUE_BYTES(128) <= 4096);
    CHECK(!virtqueue_publish(&queue));
    CHECK(virtqueue_add(&queue, buffers, 1, 3, &one) == SW_OK);
    CHECK(virtqueue_publish(&queue));
    CHECK(device_take(&head, &count, &writable) && count == 4 && writable == 1025);
    CHECK(!virtqueue_take(&queue, &context, &written));
    CHECK(!virtqueue_arm(&queue));
    device_put(head, 1025);
    CHECK(virtqueue_arm(&queue));
    CHECK(virtqueue_take(&queue, &context, &written) && context == &one && written == 1025);
    CHECK(!virtqueue_take(&queue, &context, &written) && !queue.broken);
    CHECK(virtqueue_add(&queue, buffers, 0, 0, &one) == SW_INVALID);
    CHECK(virtqueue_add(&queue, buffers, SIZE, 1, &one) == SW_INVALID);
    CHECK(virtqueue_add(&queue, buffers, SIZE, 0, &one) == SW_OK);
    CHECK(virtqueue_add(&queue, buffers, 1, 0, &one) == SW_BUSY);
    virtqueue_publish(&queue);
    device_take(&head, &count, &writable);
    device_put(head, 0);
    CHECK(virtqueue_take(&queue, &context, &written));
    /* Far beyond the wrap of the 16-bit indices, two chains at a time, answered in reverse. */
    for (int i = 0; i < 100000; i++) {
        uint16_t first, second;

        good &= virtqueue_add(&queue, buffers, 1, 3, &one) == SW_OK;
        good &= virtqueue_add(&queue, buffers, 2, 1, &two) == SW_OK;
        virtqueue_publish(&queue);
        good &= device_take(&first, &count, &writable) && count == 4;
        good &= device_take(&second, &count, &writable) && count == 3;
        device_put(second, 0);
        device_put(first, 1);
        good &= virtqueue_take(&queue, &context, &written) && context == &two;
        good &= virtqueue_take(&queue, &context, &written) && context == &one;
        good &= !virtqueue_arm(&queue);
    }
    tap_ok(good && !queue.broken, "100000 rounds");
}

/* Interrupts at a later chain than the next, or at none. */
static void test_arm_after(void)
{
    uint32_t count, writable, written;
    uint16_t heads[3];
    void *context;

    start(true);
    for (int i = 0; i < 3; i++)
        virtqueue_add(&queue, buffers, 1, 1, NULL);
    virtqueue_publish(&queue);
    for (int i = 0; i < 3; i++)
        device_take(&heads[i], &count, &writable);
    CHECK(!virtqueue_arm_after(&queue, 2));
    CHECK(device.available[2 + SIZE] == 1); /* the device says so when its index passes this */
    device_put(heads[0], 0);
    CHECK(!virtqueue_arm_after(&queue, 2));
    device_put(heads[1], 0);
    CHECK(virtqueue_arm_after(&queue, 2));
    CHECK(!virtqueue_arm_after(&queue, 0) && device.available[2 + SIZE] == 0xffff);
    CHECK(virtqueue_take(&queue, &context, &written) && virtqueue_take(&queue, &context, &written));
    CHECK(!virtqueue_arm_after(&queue, 1) && device.available[2 + SIZE] == 2);
    start(false);
    virtqueue_arm_after(&queue, 3);
    CHECK(device.available[0] == 0);
    virtqueue_arm_after(&queue, 0);
    CHECK(device.available[0] == 1);
}

/* What a dead driver's successor finds in the used ring. */
static void test_left(void)
{
    uint32_t count, writable, written;
    uint16_t heads[3], descriptor, taken = 0;
    void *context;

    start(true);
    CHECK(!virtqueue_left(shared, SIZE, 0, &descriptor, &written));
    for (uint32_t round = 0; round < 0x8010; round++) { /* two chains each: past the wrap */
        for (int i = 0; i < 2; i++)
            virtqueue_add(&queue, buffers, 1, 1, NULL);
        virtqueue_publish(&queue);
        for (int i = 0; i < 2; i++)
            device_take(&heads[i], &count, &writable);
        device_put(heads[1], 7);
        device_put(heads[0], 9);
        if (!virtqueue_left(shared, SIZE, taken, &descriptor, &written) || descriptor != heads[1] ||
            written != 7 ||
            !virtqueue_left(shared, SIZE, (uint16_t)(taken + 1), &descriptor, &written) ||
            descriptor != heads[0] || written != 9 ||
            virtqueue_left(shared, SIZE, (uint16_t)(taken + 2), &descriptor, &written)) {
            tap_ok(0, "round %u", round);
            return;
        }
        taken = (uint16_t)(taken + 2);
        while (virtqueue_take(&queue, &context, &written))
            ;
    }
    CHECK(taken == 0x20 && queue.taken == taken);
    CHECK(!virtqueue_left(shared, SIZE, (uint16_t)(taken + 1), &descriptor,
                          &written)); /* ahead of it */
    CHECK(!virtqueue_left(shared, SIZE, (uint16_t)(taken - SIZE - 1), &descriptor, &written));
    CHECK(virtqueue_left(shared, SIZE, (uint16_t)(taken - SIZE), &descriptor, &written));
    device_put(SIZE, 0);
    CHECK(!virtqueue_left(shared, SIZE, taken, &descriptor, &written));
}

static void test_notify(void)
{
    uint32_t count, writable;
    uint16_t head;

    start(true);
    device.used[2 + 4 * SIZE] = 1; /* wants to hear of the second entry, not of the first */
    virtqueue_add(&queue, buffers, 1, 1, NULL);
    CHECK(!virtqueue_publish(&queue));
    virtqueue_add(&queue, buffers, 1, 1, NULL);
    CHECK(virtqueue_publish(&queue));
    CHECK(!virtqueue_publish(&queue));
    start(false);
    CHECK(device.available[0] == 1); /* no interrupts until armed */
    virtqueue_arm(&queue);
    CHECK(device.available[0] == 0);
    device.used[0] = 1;
    virtqueue_add(&queue, buffers, 1, 1, NULL);
    CHECK(!virtqueue_publish(&queue));
    CHECK(device_take(&head, &count, &writable));
}

/* Starts with one chain of two descriptors, 512 writable bytes, at the device. */
static uint16_t outstanding(void)
{
    uint32_t count, writable;
    uint16_t head;

    start(true);
    virtqueue_add(&queue, buffers, 1, 1, &queue);
    virtqueue_publish(&queue);
    device_take(&head, &count, &writable);
    return head;
}

static void test_liar(void)
{
    uint32_t written;
    void *context;
    uint16_t head = outstanding();

    device_put(SIZE, 0);
    CHECK(!virtqueue_take(&queue, &context, &written) && queue.broken);
    CHECK(virtqueue_add(&queue, buffers, 1, 1, NULL) == SW_BUSY);
    outstanding();
    device_put(UINT32_MAX, 0);
    CHECK(!virtqueue_take(&queue, &context, &written) && queue.broken);
    outstanding();
    device_put(head + 1u, 0); /* the middle of a chain */
    CHECK(!virtqueue_take(&queue, &context, &written) && queue.broken);
    outstanding();
    device_put(head, 513); /* more than it was given */
    CHECK(!virtqueue_take(&queue, &context, &written) && queue.broken);
    outstanding();
    device_put(head, 0); /* the same twice */
    device_put(head, 0);
    CHECK(virtqueue_take(&queue, &context, &written));
    CHECK(!virtqueue_take(&queue, &context, &written) && queue.broken);
    outstanding();
    device.used[1] = 9; /* more than the ring holds */
    CHECK(!virtqueue_take(&queue, &context, &written) && queue.broken);
    CHECK(!virtqueue_arm(&queue));
    /* Descriptors changed under our feet change nothing: the chain is known privately. */
    head = outstanding();
    memset(shared, 0xff, 16 * SIZE);
    device_put(head, 0);
    CHECK(virtqueue_take(&queue, &context, &written) && context == &queue);
    CHECK(queue.free_count == SIZE);
    outstanding();
    CHECK(virtqueue_reclaim(&queue, &context) && context == &queue && queue.free_count == SIZE);
    CHECK(!virtqueue_reclaim(&queue, &context));
}

int main(void)
{
    test_round(true);
    test_round(false);
    test_arm_after();
    test_left();
    test_notify();
    test_liar();
    free(shared);
    return tap_done();
}
