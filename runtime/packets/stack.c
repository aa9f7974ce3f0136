/* The stack's side of the packet pool. See swos/packets.h. */
#include "ring.h"
#include <string.h>

void packet_stack_open(struct packet_stack *stack, void *pool)
{
    memset(stack, 0, sizeof(*stack));
    stack->pool = pool;
    stack->consumed = position_load(&stack->pool->receive_consumed.value);
    stack->produced = position_load(&stack->pool->transmit_produced.value);
    stack->told_consumed = stack->consumed;
    stack->told_produced = stack->produced;
    if (position_load(&stack->pool->receive_produced.value) != stack->consumed &&
        position_load(&stack->pool->handling.value) == stack->consumed + 1) {
        stack->dropped++;
        packet_stack_release(stack);
    }
}

bool packet_stack_receive(struct packet_stack *stack, uint8_t **out_frame, uint32_t *out_length)
{
    struct sw_packet_pool *pool = stack->pool;

    for (;;) {
        uint32_t produced = position_load(&pool->receive_produced.value);
        if (produced == stack->consumed)
            return false;
        if (produced - stack->consumed > SW_PACKET_RECEIVE) {
            stack->faults++;
            stack->consumed = produced;
            position_store(&pool->receive_consumed.value, produced);
            return false;
        }
        uint64_t entry = entry_load(&pool->receive[stack->consumed % SW_PACKET_RECEIVE]);
        uint64_t buffer = entry >> 32;
        uint32_t length = (uint32_t)entry;
        if (buffer < SW_PACKET_RECEIVE && length >= SW_PACKET_LEAST && length <= SW_PACKET_MOST) {
            wishes_store(&pool->handling, stack->consumed + 1);
            *out_frame = (uint8_t *)pool + packet_receive_offset((uint32_t)buffer) + SW_PACKET_ROOM;
            *out_length = length;
            return true;
        }
        stack->faults++;
        packet_stack_release(stack);
    }
}

void packet_stack_release(struct packet_stack *stack)
{
    position_store(&stack->pool->receive_consumed.value, ++stack->consumed);
}

uint8_t *packet_stack_room(struct packet_stack *stack)
{
    uint32_t used = stack->produced - position_load(&stack->pool->transmit_consumed.value);

    if (used >= SW_PACKET_TRANSMIT) {
        stack->faults += used > SW_PACKET_TRANSMIT;
        return NULL;
    }
    return (uint8_t *)stack->pool + packet_transmit_offset(stack->produced % SW_PACKET_TRANSMIT) +
           SW_PACKET_ROOM;
}

void packet_stack_send(struct packet_stack *stack, uint32_t length)
{
    entry_store(&stack->pool->transmit[stack->produced % SW_PACKET_TRANSMIT], length);
    position_store(&stack->pool->transmit_produced.value, ++stack->produced);
}

bool packet_stack_flush(struct packet_stack *stack)
{
    uint32_t wishes = (stack->produced != stack->told_produced ? SW_PACKET_WANT_MORE : 0) |
                      (stack->consumed != stack->told_consumed ? SW_PACKET_WANT_ROOM : 0);

    stack->told_produced = stack->produced;
    stack->told_consumed = stack->consumed;
    if (!wishes)
        return false;
    look_again(); /* pairs with packet_driver_sleep */
    return wishes_load(&stack->pool->driver) & wishes;
}

bool packet_stack_sleep(struct packet_stack *stack, bool full)
{
    struct sw_packet_pool *pool = stack->pool;

    bool healed = position_heal(&pool->receive_consumed.value, stack->consumed);

    healed |= position_heal(&pool->transmit_produced.value, stack->produced);
    if (healed) {
        stack->told_consumed = stack->consumed - 1; /* the next flush wakes who took it for full */
        stack->told_produced = stack->produced - 1;
        return false;
    }
    wishes_store(&pool->stack, SW_PACKET_WANT_MORE | (full ? SW_PACKET_WANT_ROOM : 0));
    look_again(); /* pairs with packet_driver_flush */
    return position_load(&pool->receive_produced.value) == stack->consumed &&
           (!full ||
            stack->produced - position_load(&pool->transmit_consumed.value) >= SW_PACKET_TRANSMIT);
}

void packet_stack_wake(struct packet_stack *stack)
{
    wishes_store(&stack->pool->stack, 0);
}
