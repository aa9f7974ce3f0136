/* The driver's side of a split virtqueue (virtio 1.2, 2.7).
 *
 * Only descriptors and indices are shared with the device. Capacity, the free list, which chains
 * are outstanding and how much each may have written stay private, and what the device says is
 * copied before it is checked: a lying device can make the queue `broken`, nothing else. One
 * thread uses a queue. Pure: no system calls, compiled for the host's tests too. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

#define VIRTQUEUE_SIZE_MAX 256

/* Memory of a queue by its size, 16-byte aligned: descriptors, available ring, used ring. */
#define VIRTQUEUE_AVAILABLE(size) (16u * (size))
#define VIRTQUEUE_USED(size) ((VIRTQUEUE_AVAILABLE(size) + 6u + 2u * (size) + 3u) & ~3u)
#define VIRTQUEUE_BYTES(size) (VIRTQUEUE_USED(size) + 6u + 8u * (size))

/* A piece of memory as the device sees it. */
struct virtqueue_buffer {
    uint64_t address;
    uint32_t length;
};

/* What the driver remembers of a descriptor. */
struct virtqueue_slot {
    uint32_t writable; /* head of an outstanding chain: bytes the device may write */
    uint16_t next;     /* in the free list or the chain */
    uint16_t length;   /* head of an outstanding chain: its descriptors; else 0 */
    void *context;
};

struct virtqueue_descriptor;

struct virtqueue {
    struct virtqueue_descriptor *descriptors; /* shared */
    uint16_t *available;                      /* shared: flags, index, ring[size], used_event */
    uint8_t *used; /* shared: flags, index, ring[size] of {id, length}, available_event */
    struct virtqueue_slot *slots; /* [size], private */
    uint16_t size;                /* a power of two */
    uint16_t free_head, free_count;
    uint16_t added;   /* available index, not yet all told to the device */
    uint16_t told;    /* available index at the last question whether to notify */
    uint16_t taken;   /* used index */
    bool event_index; /* VIRTIO_F_EVENT_IDX negotiated */
    bool broken;      /* the device broke the protocol: reset it */
};

/* Starts an empty queue in zeroed shared memory of VIRTQUEUE_BYTES(size). */
void virtqueue_init(struct virtqueue *queue, uint16_t size, void *shared,
                    struct virtqueue_slot *slots, bool event_index);

/* Takes over a queue that a driver which died has left running. Its chains are one descriptor each,
 * which the device writes: descriptor i is `first` moved by i times its length, and its context
 * `contexts` moved likewise. The dead driver had taken `taken` chains and offered each again before
 * it took the next, so at most one, *out_missing, has to be offered anew (else it is `size`). False
 * when that is not what the memory shows: reset the device. */
bool virtqueue_resume(struct virtqueue *queue, uint16_t size, void *shared,
                      struct virtqueue_slot *slots, bool event_index, uint16_t taken,
                      struct virtqueue_buffer first, void *contexts, uint16_t *out_missing);

/* What a device that is reset had finished in the queue of a driver that died: the chain after `taken`
 * ones, by its first descriptor, and how much the device says it wrote. `shared` is the queue's memory.
 * False: none, or what the device left makes no sense. */
bool virtqueue_left(const void *shared, uint16_t size, uint16_t taken, uint16_t *out_descriptor,
                    uint32_t *out_written);

/* Adds a chain: the first `readable` buffers are read by the device, the `writable` after them
 * written. BUSY: not enough free descriptors. INVALID: no buffers or more than the queue holds. */
status_t virtqueue_add(struct virtqueue *queue, const struct virtqueue_buffer *buffers,
                       uint16_t readable, uint16_t writable, void *context);

/* Publishes what was added; true when the device wants to be notified of it. */
bool virtqueue_publish(struct virtqueue *queue);

/* Takes one finished chain; false when there is none or the queue is broken. *out_written is at
 * most what the chain let the device write. */
bool virtqueue_take(struct virtqueue *queue, void **out_context, uint32_t *out_written);

/* Asks for an interrupt at the next finished chain; true when one is finished already: take it
 * and ask again. */
bool virtqueue_arm(struct virtqueue *queue);

/* The same at the `count`-th finished chain from now, where the device can be told so; count 0: at
 * none. True when that many are finished already. */
bool virtqueue_arm_after(struct virtqueue *queue, uint16_t count);

/* Takes back an outstanding chain without the device; only after it was reset. False when none is
 * left. */
bool virtqueue_reclaim(struct virtqueue *queue, void **out_context);
