/* The packet pool of a network card, from the driver's side and from the stack's.
 *
 * Received packets: the driver owns all SW_PACKET_RECEIVE buffers but those that lie, published, in
 * the stack's window, between `consumed` and `produced`. The stack handles the packets in order and
 * gives each buffer back by moving `consumed` over it. Sent ones: the buffer of a position is the
 * slot's own; the stack fills it and moves `produced`, the driver moves `consumed` once the device is
 * done with all before.
 *
 * Each side may die at any instruction; what its successor needs is in the pool. Nothing the other
 * side writes leads outside the pool: it is copied, then checked, and what makes no sense is counted
 * in `faults` and left out. A filler that finds the emptier's position impossible takes the ring as
 * full; the emptier takes over an impossible position of the filler, and the ring is empty. Before it
 * sleeps a side puts its own positions right, so both agree again.
 *
 * One thread a side. Pure: no system calls; where a function says that the other side is to be woken,
 * the caller does it. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

_Static_assert(sizeof(struct sw_packet_pool) <= SW_PACKET_BUFFERS, "head of the pool");

#define SW_PACKET_POOL_BYTES                                                                       \
    (SW_PACKET_BUFFERS + (SW_PACKET_RECEIVE + SW_PACKET_TRANSMIT) * (size_t)SW_PACKET_BUFFER)
#define SW_PACKET_LEAST 14u /* an Ethernet header */
#define SW_PACKET_MOST (SW_PACKET_BUFFER - SW_PACKET_ROOM)

/* Where in the pool the buffers lie; the frame begins SW_PACKET_ROOM bytes into it. */
static inline size_t packet_receive_offset(uint32_t buffer)
{
    return SW_PACKET_BUFFERS + (size_t)buffer * SW_PACKET_BUFFER;
}

static inline size_t packet_transmit_offset(uint32_t slot)
{
    return SW_PACKET_BUFFERS + (SW_PACKET_RECEIVE + (size_t)slot) * SW_PACKET_BUFFER;
}

/* ---- the driver's side */

struct packet_driver {
    struct sw_packet_pool *pool;
    uint32_t published, returned;       /* receive: produced, and consumed as believed last */
    uint32_t taken, finished;           /* transmit: given to the device; consumed */
    uint32_t told_received, told_sent;  /* `published` and `finished` at the last flush */
    uint16_t window[SW_PACKET_RECEIVE]; /* buffer published at a position */
    uint16_t idle[SW_PACKET_RECEIVE];   /* buffers neither published nor at the device */
    bool is_idle[SW_PACKET_RECEIVE];    /* in that list */
    uint32_t idle_count;
    bool done[SW_PACKET_TRANSMIT]; /* slots of positions from `finished` on */
    uint32_t faults;               /* of the other side */
};

/* Goes on where an earlier driver stopped, after the device was reset: all buffers outside the
 * stack's window are idle, and what lies in the transmit ring is to be sent (again). */
void packet_driver_open(struct packet_driver *driver, void *pool);

/* Right after open, of a buffer that the device had filled before it was reset: true when it is to be
 * published, false when the dead driver had done so, or there is no such buffer. */
bool packet_driver_claim(struct packet_driver *driver, uint32_t buffer);

/* Right after open: the device had sent a slot before it was reset. */
void packet_driver_sent(struct packet_driver *driver, uint32_t slot);

/* Describes the card; the stack reads it when it is woken. */
void packet_driver_describe(struct packet_driver *driver, const uint8_t address[6], uint32_t mtu,
                            bool link);

/* An idle buffer to give to the device; false when there is none. */
bool packet_driver_buffer(struct packet_driver *driver, uint32_t *out_buffer);

/* The device has filled a buffer: gives it to the stack. False: dropped, the buffer is idle. */
bool packet_driver_publish(struct packet_driver *driver, uint32_t buffer, uint32_t length);

/* The next slot to send; false when there is none. A length that no frame has is left out. */
bool packet_driver_take(struct packet_driver *driver, uint32_t *out_slot, uint32_t *out_length);

/* The device is done with a slot. */
void packet_driver_done(struct packet_driver *driver, uint32_t slot);

/* Buffers the stack has given back become idle. */
void packet_driver_refresh(struct packet_driver *driver);

/* After some of the above: whether the stack is to be woken. */
bool packet_driver_flush(struct packet_driver *driver);

/* Whether the driver may sleep until the stack wakes it; false: there is something to do. starved:
 * also to be woken when a buffer comes back. */
bool packet_driver_sleep(struct packet_driver *driver, bool starved);

/* It is awake, for whatever reason. */
void packet_driver_wake(struct packet_driver *driver);

/* ---- the stack's side */

struct packet_stack {
    struct sw_packet_pool *pool;
    uint32_t consumed; /* receive */
    uint32_t produced; /* transmit */
    uint32_t told_consumed, told_produced;
    uint32_t dropped; /* by open: the packet its predecessor died with */
    uint32_t faults;
};

/* Goes on where an earlier stack stopped. The packet that one was handling is left out, for it may be
 * what killed it. */
void packet_stack_open(struct packet_stack *stack, void *pool);

/* The first received packet, in place; false when there is none. The same until it is released. */
bool packet_stack_receive(struct packet_stack *stack, uint8_t **out_frame, uint32_t *out_length);
void packet_stack_release(struct packet_stack *stack);

/* Where the next frame to send goes, SW_PACKET_MOST bytes; NULL when the ring is full. */
uint8_t *packet_stack_room(struct packet_stack *stack);
void packet_stack_send(struct packet_stack *stack, uint32_t length);

/* After some of the above: whether the driver is to be woken. */
bool packet_stack_flush(struct packet_stack *stack);

/* Whether the stack may sleep until the driver wakes it; false: there is something to do. full: also
 * to be woken when there is room again. */
bool packet_stack_sleep(struct packet_stack *stack, bool full);
void packet_stack_wake(struct packet_stack *stack);
