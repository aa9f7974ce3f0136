/* Split virtqueue. See swos/virtqueue.h. Little-endian CPUs only, as all of swos. */
#include <stdatomic.h>
#include <string.h>
#include <swos/virtqueue.h>

#define DESCRIPTOR_NEXT 1
#define DESCRIPTOR_WRITE 2
#define NO_INTERRUPT 1 /* available flags, without event index */
#define NO_NOTIFY 1    /* used flags, without event index */

struct virtqueue_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};
_Static_assert(sizeof(struct virtqueue_descriptor) == 16, "virtqueue_descriptor");

/* The 16-bit words of the rings the other side reads or writes at any time. */
static uint16_t shared_load(const void *word)
{
    return atomic_load_explicit((const _Atomic uint16_t *)word, memory_order_relaxed);
}

static void shared_store(void *word, uint16_t value)
{
    atomic_store_explicit((_Atomic uint16_t *)word, value, memory_order_relaxed);
}

static uint16_t *used_event(struct virtqueue *queue)
{
    return queue->available + 2 + queue->size;
}

static const void *available_event(const struct virtqueue *queue)
{
    return queue->used + 4 + 8 * (size_t)queue->size;
}

void virtqueue_init(struct virtqueue *queue, uint16_t size, void *shared,
                    struct virtqueue_slot *slots, bool event_index)
{
    *queue = (struct virtqueue){
        .descriptors = shared,
        .available = (uint16_t *)((uint8_t *)shared + VIRTQUEUE_AVAILABLE(size)),
        .used = (uint8_t *)shared + VIRTQUEUE_USED(size),
        .slots = slots,
        .size = size,
        .free_count = size,
        .event_index = event_index,
    };
    for (uint16_t i = 0; i < size; i++) {
        slots[i] = (struct virtqueue_slot){ .next = (uint16_t)(i + 1) };
    }
    if (!event_index) {
        shared_store(queue->available, NO_INTERRUPT);
    }
}

/* What the last chain taken was; `size` when that makes no sense. */
static uint16_t last_taken(const struct virtqueue *queue)
{
    uint32_t id;

    memcpy(&id, queue->used + 4 + 8 * (size_t)((uint16_t)(queue->taken - 1) & (queue->size - 1)),
           sizeof(id));
    return id >= queue->size ? queue->size : (uint16_t)id;
}

bool virtqueue_resume(struct virtqueue *queue, uint16_t size, void *shared,
                      struct virtqueue_slot *slots, bool event_index, uint16_t taken,
                      struct virtqueue_buffer first, void *contexts, uint16_t *out_missing)
{
    uint16_t outstanding;

    virtqueue_init(queue, size, shared, slots, event_index);
    queue->added = queue->told = shared_load(queue->available + 1);
    queue->taken = taken;
    outstanding = (uint16_t)(queue->added - taken);
    *out_missing = outstanding == size ? size : last_taken(queue);
    if ((uint16_t)(shared_load(queue->used + 2) - taken) > outstanding ||
        (outstanding != size && (outstanding != size - 1 || *out_missing == size))) {
        return false;
    }
    for (uint16_t i = 0; i < size; i++) {
        const struct virtqueue_descriptor *descriptor = &queue->descriptors[i];

        if (descriptor->address != first.address + (uint64_t)i * first.length ||
            descriptor->length != first.length || descriptor->flags != DESCRIPTOR_WRITE) {
            return false;
        }
        slots[i] = (struct virtqueue_slot){ .writable = first.length,
                                            .length = i != *out_missing,
                                            .context = (uint8_t *)contexts + i * first.length };
    }
    queue->free_head = *out_missing;
    queue->free_count = (uint16_t)(size - outstanding);
    return true;
}

bool virtqueue_left(const void *shared, uint16_t size, uint16_t taken, uint16_t *out_descriptor,
                    uint32_t *out_written)
{
    const uint8_t *used = (const uint8_t *)shared + VIRTQUEUE_USED(size);
    uint16_t finished = (uint16_t)(shared_load(used + 2) - taken);
    uint32_t element[2];

    memcpy(element, used + 4 + 8 * (size_t)(taken & (size - 1)), sizeof(element));
    if (finished == 0 || finished > size || element[0] >= size) {
        return false;
    }
    *out_descriptor = (uint16_t)element[0];
    *out_written = element[1];
    return true;
}

status_t virtqueue_add(struct virtqueue *queue, const struct virtqueue_buffer *buffers,
                       uint16_t readable, uint16_t writable, void *context)
{
    uint32_t count = (uint32_t)readable + writable;
    uint16_t head = queue->free_head, at = head;
    struct virtqueue_slot *first = &queue->slots[head];

    if (count == 0 || count > queue->size) {
        return SW_INVALID;
    }
    if (count > queue->free_count || queue->broken) {
        return SW_BUSY;
    }
    first->writable = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t flags = i + 1 < count ? DESCRIPTOR_NEXT : 0, next = queue->slots[at].next;

        if (i >= readable) {
            flags |= DESCRIPTOR_WRITE;
            first->writable += buffers[i].length;
        }
        queue->descriptors[at] = (struct virtqueue_descriptor){ .address = buffers[i].address,
                                                                .length = buffers[i].length,
                                                                .flags = flags,
                                                                .next = i + 1 < count ? next : 0 };
        at = next;
    }
    first->length = (uint16_t)count;
    first->context = context;
    queue->free_head = at;
    queue->free_count = (uint16_t)(queue->free_count - count);
    shared_store(queue->available + 2 + (queue->added & (queue->size - 1)), head);
    queue->added++;
    return SW_OK;
}

bool virtqueue_publish(struct virtqueue *queue)
{
    uint16_t before = queue->told, wanted;

    if (queue->added == before) {
        return false;
    }
    /* Pairs with the device's read barrier after it read the index: descriptors come first. */
    atomic_thread_fence(memory_order_release);
    shared_store(queue->available + 1, queue->added);
    queue->told = queue->added;
    /* Index before the look at its wish (2.7.13.4.1): else both sides could sleep. */
    atomic_thread_fence(memory_order_seq_cst);
    if (!queue->event_index) {
        return !(shared_load(queue->used) & NO_NOTIFY);
    }
    wanted = shared_load(available_event(queue));
    return (uint16_t)(queue->added - wanted - 1) < (uint16_t)(queue->added - before);
}

/* Returns a chain's descriptors to the free list; its context. */
static void *chain_free(struct virtqueue *queue, uint16_t head)
{
    struct virtqueue_slot *slot = &queue->slots[head];
    uint16_t last = head;

    for (uint16_t i = 1; i < slot->length; i++) {
        last = queue->slots[last].next;
    }
    queue->slots[last].next = queue->free_head;
    queue->free_head = head;
    queue->free_count = (uint16_t)(queue->free_count + slot->length);
    slot->length = 0;
    return slot->context;
}

bool virtqueue_take(struct virtqueue *queue, void **out_context, uint32_t *out_written)
{
    uint16_t index = shared_load(queue->used + 2);
    uint32_t element[2]; /* id, length: our copy */

    if (queue->broken || index == queue->taken) {
        return false;
    }
    /* Pairs with the device's write barrier before it moved the index. */
    atomic_thread_fence(memory_order_acquire);
    memcpy(element, queue->used + 4 + 8 * (size_t)(queue->taken & (queue->size - 1)),
           sizeof(element));
    if ((uint16_t)(index - queue->taken) > queue->size || element[0] >= queue->size ||
        queue->slots[element[0]].length == 0 || element[1] > queue->slots[element[0]].writable) {
        queue->broken = true;
        return false;
    }
    queue->taken++;
    *out_written = element[1];
    *out_context = chain_free(queue, (uint16_t)element[0]);
    return true;
}

bool virtqueue_arm_after(struct virtqueue *queue, uint16_t count)
{
    if (queue->event_index) {
        shared_store(used_event(queue), (uint16_t)(queue->taken + count - 1));
    } else {
        shared_store(queue->available, count ? 0 : NO_INTERRUPT);
    }
    /* The wish before the last look: pairs with the device's barrier between index and flag. */
    atomic_thread_fence(memory_order_seq_cst);
    return !queue->broken && count &&
           (uint16_t)(shared_load(queue->used + 2) - queue->taken) >= count;
}

bool virtqueue_arm(struct virtqueue *queue)
{
    return virtqueue_arm_after(queue, 1);
}

bool virtqueue_reclaim(struct virtqueue *queue, void **out_context)
{
    for (uint16_t i = 0; i < queue->size; i++) {
        if (queue->slots[i].length != 0) {
            *out_context = chain_free(queue, i);
            return true;
        }
    }
    return false;
}
