/* A virtio-net card (virtio 1.2, 5.1) and the packet pool its packets go through.
 *
 * Every buffer is in the pool, which is pinned whole; the card's two queues have a page each (kept.h). The
 * device writes its header in front of a received frame and reads one in front of a sent one. */
#pragma once
#include "kept.h"
#include <stdbool.h>
#include <stdint.h>
#include <swos/abi.h>
#include <swos/packets.h>
#include <swos/virtio.h>

/* Counters, in the order the command `metrics` knows. */
enum count {
    COUNT_RECEIVED,
    COUNT_RECEIVED_BYTES,
    COUNT_RECEIVED_DROPPED,
    COUNT_RECEIVED_ERRORS,
    COUNT_SENT,
    COUNT_SENT_BYTES,
    COUNT_SENT_DROPPED,
    COUNT_SENT_ERRORS,
    COUNTS
};

struct card {
    struct virtio_device device;
    struct virtqueue receive, transmit;
    struct virtqueue_slot receive_slots[QUEUE_SIZE], transmit_slots[QUEUE_SIZE];
    struct packet_driver pool;
    struct kept *kept;
    uint8_t *memory;                                                /* the pool */
    uint64_t pages[(SW_PACKET_POOL_BYTES + SW_PAGE - 1) / SW_PAGE]; /* where the device sees it */
    uint8_t address[6];
    uint16_t mtu;
    bool link;
    uint64_t *counts; /* COUNTS of them */
};

/* Claims and resets the card behind a device handle, takes over the pool and what a predecessor left in
 * the job, and starts. */
status_t card_open(struct card *card, handle_t device, handle_t pool, handle_t job);

/* Moves what there is to move, a bounded number of packets. Sets *out_wake when the stack is to be
 * woken. True: there is more, come again before sleeping. */
bool card_work(struct card *card, bool *out_wake);

/* The card's link changed, or may have. */
void card_look(struct card *card);
