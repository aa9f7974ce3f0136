/* The consumer of the ring of packets: the other side writes the input into the pool's head, between any
 * two things the stack does. */
#include <stdlib.h>
#include <string.h>
#include <swos/packets.h>

static _Alignas(4096) uint8_t pool[SW_PACKET_POOL_BYTES];

static void use(struct packet_stack *stack)
{
    uint8_t *frame, *end = pool + sizeof(pool);
    uint32_t length;

    for (int i = 0; i < 8 && packet_stack_receive(stack, &frame, &length); i++) {
        if (frame < pool + SW_PACKET_BUFFERS || frame > end || length > (size_t)(end - frame) ||
            length < SW_PACKET_LEAST || length > SW_PACKET_MOST)
            abort();
        packet_stack_release(stack);
    }
    frame = packet_stack_room(stack);
    if (frame) {
        if (frame < pool + SW_PACKET_BUFFERS || frame + SW_PACKET_MOST > end)
            abort();
        memset(frame, 1, SW_PACKET_MOST);
        packet_stack_send(stack, SW_PACKET_LEAST);
    }
    packet_stack_flush(stack);
    packet_stack_sleep(stack, length & 1);
    packet_stack_wake(stack);
}

void packets_store_hook(void); /* of the tests that die before a store */
void packets_store_hook(void) {}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packet_stack stack;

    memset(pool, 0, SW_PACKET_BUFFERS);
    packet_stack_open(&stack, pool);
    while (size >= 8) { /* where, how many, and bytes */
        size_t at = (size_t)(data[0] | data[1] << 8) % sizeof(struct sw_packet_pool);
        size_t count = data[2] % 6u;
        if (count > sizeof(struct sw_packet_pool) - at)
            count = sizeof(struct sw_packet_pool) - at;
        memcpy(pool + at, data + 3, count);
        if (data[2] & 0x80)
            packet_stack_open(&stack, pool); /* a successor */
        use(&stack);
        data += 8;
        size -= 8;
    }
    return 0;
}
