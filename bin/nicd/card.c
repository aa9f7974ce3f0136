/* virtio-net. See card.h. */
#include "card.h"
#include <string.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/status.h>

#define F_MTU (1ull << 3)
#define F_MAC (1ull << 5)
#define F_STATUS (1ull << 16)
#define STATUS_LINK_UP 1

#define HEADER 12u /* struct virtio_net_hdr of a version 1 device (5.1.6) */
#define FRONT (SW_PACKET_ROOM - HEADER)
#define MTU_MOST 1500u
#define BATCH 256 /* packets each way before other events are looked at */

/* Start of the device's configuration (5.1.4). */
struct net_config {
    uint8_t mac[6];
    uint16_t status;
    uint16_t queue_pairs;
    uint16_t mtu;
};
_Static_assert(sizeof(struct net_config) == 12, "net_config");
_Static_assert(SW_PACKET_TRANSMIT <= QUEUE_SIZE, "the queue takes all that can be sent");

/* Buffers are numbered from 0, contexts from 1. */
static void *context_of(uint32_t number)
{
    return (void *)(uintptr_t)(number + 1);
}

static uint32_t number_of(const void *context)
{
    return (uint32_t)(uintptr_t)context - 1;
}

static uint64_t bus_address(const struct card *card, size_t offset)
{
    return card->pages[offset / SW_PAGE] + offset % SW_PAGE;
}

void card_look(struct card *card)
{
    struct net_config config = { 0 };

    if (virtio_config_read(&card->device, 0, &config, sizeof(config)) != SW_OK)
        return;
    if (card->device.features & F_MAC)
        memcpy(card->address, config.mac, 6);
    card->mtu = MTU_MOST;
    if ((card->device.features & F_MTU) && config.mtu < MTU_MOST)
        card->mtu = config.mtu;
    card->link = !(card->device.features & F_STATUS) || (config.status & STATUS_LINK_UP);
    packet_driver_describe(&card->pool, card->address, card->mtu, card->link);
}

static status_t queue_open(struct card *card, unsigned int index, handle_t memory,
                           struct virtqueue *queue, struct virtqueue_slot *slots)
{
    uint64_t bus;
    status_t status =
        sw_device_pin(card->device.handle, memory, kept_queue_offset(index), SW_PAGE, &bus);

    if (status != SW_OK)
        return status;
    virtqueue_init(queue, QUEUE_SIZE, kept_queue_page(card->kept, index), slots,
                   card->device.features & VIRTIO_F_EVENT_INDEX);
    return virtio_queue_start(&card->device, (uint16_t)index, queue, bus);
}

/* An address for a card that has none: a locally administered one. */
static status_t address_make(struct card *card)
{
    status_t status = sw_random(card->address, sizeof(card->address));

    card->address[0] = (uint8_t)((card->address[0] & 0xfc) | 2);
    return status;
}

/* What the device received goes to the stack. */
static void publish(struct card *card, uint32_t buffer, uint32_t written)
{
    uint32_t length = written > HEADER ? written - HEADER : 0;

    if (packet_driver_publish(&card->pool, buffer, length)) {
        card->counts[COUNT_RECEIVED]++;
        card->counts[COUNT_RECEIVED_BYTES] += length;
    } else if (length < SW_PACKET_LEAST || length > SW_PACKET_MOST) {
        card->counts[COUNT_RECEIVED_ERRORS]++;
    } else {
        card->counts[COUNT_RECEIVED_DROPPED]++;
    }
}

/* What the device finished and a predecessor that died did not see to. The device is reset. */
static void inherit(struct card *card)
{
    struct kept_queue *queues = card->kept->queues;
    uint16_t taken, descriptor;
    uint32_t written;

    if (!kept_claim(card->kept))
        return;
    for (taken = queues[RECEIVE_QUEUE].taken; virtqueue_left(
             kept_queue_page(card->kept, RECEIVE_QUEUE), QUEUE_SIZE, taken, &descriptor, &written);
         taken++) {
        uint32_t buffer = queues[RECEIVE_QUEUE].number[descriptor];

        if (packet_driver_claim(&card->pool, buffer))
            publish(card, buffer, written);
    }
    for (taken = queues[TRANSMIT_QUEUE].taken; virtqueue_left(
             kept_queue_page(card->kept, TRANSMIT_QUEUE), QUEUE_SIZE, taken, &descriptor, &written);
         taken++)
        packet_driver_sent(&card->pool, queues[TRANSMIT_QUEUE].number[descriptor]);
}

status_t card_open(struct card *card, handle_t device, handle_t pool, handle_t job)
{
    uint64_t size, committed;
    uint32_t sealed;
    void *memory;
    handle_t kept;
    status_t status = sw_memory_info(pool, &size, &committed, &sealed);

    if (status != SW_OK)
        return status;
    if (size < SW_PACKET_POOL_BYTES)
        return SW_INVALID;
    /* The reset before the look at the pool: no DMA of an earlier driver goes on behind our back. */
    if ((status = virtio_open(&card->device, device, VIRTIO_ID_NET, 0,
                              VIRTIO_F_EVENT_INDEX | F_MAC | F_STATUS | F_MTU)) != SW_OK ||
        (status = sw_mapping_map(pool, 0, SW_PACKET_POOL_BYTES, SW_MAP_READ | SW_MAP_WRITE,
                                 &memory)) != SW_OK ||
        (status = sw_device_pin(device, pool, 0, sw_page_round(SW_PACKET_POOL_BYTES),
                                card->pages)) != SW_OK ||
        (status = kept_open(job, &card->kept, &kept)) != SW_OK)
        return status;
    card->memory = memory;
    packet_driver_open(&card->pool, memory);
    inherit(card);
    kept_clear(card->kept);
    if ((status = queue_open(card, RECEIVE_QUEUE, kept, &card->receive, card->receive_slots)) !=
            SW_OK ||
        (status = queue_open(card, TRANSMIT_QUEUE, kept, &card->transmit, card->transmit_slots)) !=
            SW_OK)
        return status;
    kept_begin(card->kept);
    sw_handle_close(kept);
    if (!(card->device.features & F_MAC) && (status = address_make(card)) != SW_OK)
        return status;
    card_look(card);
    return virtio_start(&card->device);
}

static uint32_t take_received(struct card *card)
{
    void *context;
    uint32_t written, count = 0;

    for (; count < BATCH && virtqueue_take(&card->receive, &context, &written); count++) {
        publish(card, number_of(context), written);
        /* Then only: a packet may come twice, but not be lost. */
        kept_taken(card->kept, RECEIVE_QUEUE, card->receive.taken);
    }
    return count;
}

/* Not a few at a time: each notice to the device makes it stop and look. */
static void offer_buffers(struct card *card)
{
    uint32_t buffer;

    if (card->receive.free_count < QUEUE_SIZE / 4)
        return;

    while (card->receive.free_count > 0 && packet_driver_buffer(&card->pool, &buffer)) {
        struct virtqueue_buffer piece = { bus_address(card, packet_receive_offset(buffer) + FRONT),
                                          SW_PACKET_BUFFER - FRONT };
        card->kept->queues[RECEIVE_QUEUE].number[card->receive.free_head] = (uint16_t)buffer;
        virtqueue_add(&card->receive, &piece, 0, 1, context_of(buffer));
    }
    virtio_notify(&card->device, RECEIVE_QUEUE, &card->receive);
}

static uint32_t take_sent(struct card *card)
{
    void *context;
    uint32_t written, count = 0;

    for (; virtqueue_take(&card->transmit, &context, &written); count++) {
        /* First: once done, the slot may hold the next frame, which has not been sent. */
        kept_taken(card->kept, TRANSMIT_QUEUE, card->transmit.taken);
        packet_driver_done(&card->pool, number_of(context));
    }
    return count;
}

static uint32_t send_frames(struct card *card)
{
    uint32_t slot, length, count = 0;

    for (; count < BATCH && packet_driver_take(&card->pool, &slot, &length); count++) {
        size_t front = packet_transmit_offset(slot) + FRONT;
        struct virtqueue_buffer piece = { bus_address(card, front), HEADER + length };

        memset(card->memory + front, 0, HEADER); /* no checksum or segmentation is left to do */
        card->kept->queues[TRANSMIT_QUEUE].number[card->transmit.free_head] = (uint16_t)slot;
        virtqueue_add(&card->transmit, &piece, 1, 0, context_of(slot));
        card->counts[COUNT_SENT]++;
        card->counts[COUNT_SENT_BYTES] += length;
    }
    virtio_notify(&card->device, TRANSMIT_QUEUE, &card->transmit);
    return count;
}

/* When the device is to say that it sent something: not at every frame, for slots are given back
 * whenever we are awake; only so that a full ring gets room in time. */
static bool arm_transmit(struct card *card)
{
    uint16_t outstanding = (uint16_t)(QUEUE_SIZE - card->transmit.free_count);

    return virtqueue_arm_after(&card->transmit,
                               outstanding < QUEUE_SIZE / 4 ? 0 : (uint16_t)(outstanding * 3 / 4));
}

bool card_work(struct card *card, bool *out_wake)
{
    packet_driver_wake(&card->pool);
    for (int rounds = 0; rounds < 4; rounds++) {
        uint32_t faults = card->pool.faults;

        take_received(card);
        take_sent(card);
        packet_driver_refresh(&card->pool);
        offer_buffers(card);
        send_frames(card);
        if (packet_driver_flush(&card->pool))
            *out_wake = true;
        if (card->pool.faults != faults && faults == 0)
            sw_log(SW_LOG_ERROR, "the packet pool makes no sense in places; those are left out");
        if (card->receive.broken || card->transmit.broken)
            return false;
        if (!(virtqueue_arm(&card->receive) | arm_transmit(card)) &&
            packet_driver_sleep(&card->pool, card->receive.free_count > QUEUE_SIZE / 2))
            return false;
    }
    return true;
}
