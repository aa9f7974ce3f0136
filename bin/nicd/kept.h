/* What nicd leaves to its successor, in a kept slot of its job: the memory of the card's queues, and
 * beside it which packet each descriptor is of and how much of what the card finished the pool knows.
 *
 * The card goes on without a driver until the successor resets it, so what it received and sent in that
 * time stands in the used rings only. A number is written before its descriptor is offered, `taken` by
 * the rules at its stores (card.c); `magic` is last, and void while any of it is made anew. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <swos/abi.h>
#include <swos/virtqueue.h>

#define QUEUE_SIZE 128

enum { RECEIVE_QUEUE, TRANSMIT_QUEUE, QUEUES };

struct kept_queue {
    uint16_t taken;              /* chains of the used ring that were seen to */
    uint16_t number[QUEUE_SIZE]; /* buffer or slot of the pool, by the descriptor */
};

/* The first page. Those of the queues, shared with the card, follow. */
struct kept {
    uint64_t magic;
    struct kept_queue queues[QUEUES];
};
_Static_assert(sizeof(struct kept) <= SW_PAGE, "kept");
_Static_assert(VIRTQUEUE_BYTES(QUEUE_SIZE) <= SW_PAGE, "a queue has a page");

/* Finds the memory in the job, or makes it; *out_memory is the caller's to close. */
status_t kept_open(handle_t job, struct kept **out_kept, handle_t *out_memory);

/* Where in the memory, and where mapped, the shared part of a queue lies. */
static inline uint64_t kept_queue_offset(unsigned int queue)
{
    return (1 + (uint64_t)queue) * SW_PAGE;
}

static inline void *kept_queue_page(struct kept *kept, unsigned int queue)
{
    return (uint8_t *)kept + kept_queue_offset(queue);
}

/* Whether a predecessor left something; it is void from now on: whoever dies while making use of it
 * does so once. */
bool kept_claim(struct kept *kept);

/* The queues are empty and zero. */
void kept_clear(struct kept *kept);

/* From now on a successor may make use of it. */
void kept_begin(struct kept *kept);

void kept_taken(struct kept *kept, unsigned int queue, uint16_t taken);
