/* A virtio device behind a virtio-mmio slot (virtio 1.2, 4.2), version 2 only.
 *
 * Registers are reached by sw_device_read and sw_device_write: slots do not fill a page, so the
 * kernel does not map them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>
#include <swos/virtqueue.h>

#define VIRTIO_ID_NET 1
#define VIRTIO_ID_BLOCK 2
#define VIRTIO_ID_ENTROPY 4
#define VIRTIO_ID_INPUT 18

#define VIRTIO_F_INDIRECT (1ull << 28)
#define VIRTIO_F_EVENT_INDEX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

/* What to tell people about a slot of version 1. */
#define VIRTIO_LEGACY_MESSAGE                                                                      \
    "is legacy virtio (version 1); start QEMU with -global virtio-mmio.force-legacy=false"

struct virtio_device {
    handle_t handle;
    uint64_t features; /* negotiated */
};

/* Claims a slot: the caller is its driver. NOT_FOUND: the slot is empty or another device; VERSION:
 * a legacy slot; IO: the device does not do as the specification says. */
status_t virtio_claim(struct virtio_device *device, handle_t handle, uint32_t device_id);

/* Resets a claimed device, drops the pins of earlier drivers, and negotiates: VERSION_1 and
 * `required` must be offered, of `optional` what is. NOT_SUPPORTED: a required feature is missing.
 * On failure it is marked FAILED. */
status_t virtio_negotiate(struct virtio_device *device, uint64_t required, uint64_t optional);

/* Goes on with a claimed device where an earlier driver died, instead of resetting it: its pins
 * stay, and queue `index` runs with the `features` it had negotiated. False when it does not run.
 */
bool virtio_resume(struct virtio_device *device, uint16_t index, uint64_t features);

/* virtio_claim, then virtio_negotiate. */
status_t virtio_open(struct virtio_device *device, handle_t handle, uint32_t device_id,
                     uint64_t required, uint64_t optional);

/* Size of queue `index` the device offers, 0: no such queue. */
uint16_t virtio_queue_limit(struct virtio_device *device, uint16_t index);

/* Gives queue `index` to the device; `bus` is where it sees the queue's shared memory, which lies
 * in one piece. */
status_t virtio_queue_start(struct virtio_device *device, uint16_t index,
                            const struct virtqueue *queue, uint64_t bus);

/* Tells the device that set-up is done: it serves from now on. Unmasks the interrupt. */
status_t virtio_start(struct virtio_device *device);

/* Publishes what was added to queue `index` and notifies the device if it asked for that. */
void virtio_notify(struct virtio_device *device, uint16_t index, struct virtqueue *queue);

/* Handles an interrupt at the device: reads and acknowledges its cause. Returns bit 0: a queue,
 * bit 1: configuration. The kernel keeps the line masked until virtio_unmask. */
uint32_t virtio_acknowledge(struct virtio_device *device);
void virtio_unmask(struct virtio_device *device);

/* Reads `size` bytes of the device's configuration, unchanged while it was read. */
status_t virtio_config_read(struct virtio_device *device, uint32_t offset, void *out, size_t size);

/* Writes one byte of it. */
status_t virtio_config_write(struct virtio_device *device, uint32_t offset, uint8_t value);

/* Stops the device: it uses no memory of ours afterwards. */
status_t virtio_reset(struct virtio_device *device);
