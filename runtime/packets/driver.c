/* The driver's side of the packet pool. See swos/packets.h. */
#include "ring.h"
#include <string.h>

static void idle_put(struct packet_driver *driver, uint32_t buffer)
{
    if (driver->is_idle[buffer])
        return;
    driver->is_idle[buffer] = true;
    driver->idle[driver->idle_count++] = (uint16_t)buffer;
}

void packet_driver_open(struct packet_driver *driver, void *pool)
{
    bool away[SW_PACKET_RECEIVE] = { false };

    memset(driver, 0, sizeof(*driver));
    driver->pool = pool;
    /* Entries are written before the position that publishes them: the window is what the dead
     * driver published, whatever it was doing. */
    uint32_t produced = position_load(&driver->pool->receive_produced.value);
    driver->returned = position_load(&driver->pool->receive_consumed.value);
    if (produced - driver->returned > SW_PACKET_RECEIVE) {
        driver->faults++;
        produced = driver->returned;
        position_store(&driver->pool->receive_produced.value, produced);
    }
    driver->published = driver->told_received = produced;
    for (uint32_t at = driver->returned; at != produced; at++) {
        uint64_t buffer = entry_load(&driver->pool->receive[at % SW_PACKET_RECEIVE]) >> 32;
        /* Named twice or not at all: then the stack leaves it out, or reads what is written over. */
        if (buffer >= SW_PACKET_RECEIVE || away[buffer]) {
            driver->faults++;
            buffer = SW_PACKET_RECEIVE;
        } else {
            away[buffer] = true;
        }
        driver->window[at % SW_PACKET_RECEIVE] = (uint16_t)buffer;
    }
    for (uint32_t buffer = 0; buffer < SW_PACKET_RECEIVE; buffer++)
        if (!away[buffer])
            idle_put(driver, buffer);
    driver->finished = position_load(&driver->pool->transmit_consumed.value);
    driver->taken = driver->told_sent = driver->finished;
}

bool packet_driver_claim(struct packet_driver *driver, uint32_t buffer)
{
    uint32_t at = 0;

    if (buffer >= SW_PACKET_RECEIVE || !driver->is_idle[buffer])
        return false;
    while (driver->idle[at] != buffer)
        at++;
    driver->idle[at] = driver->idle[--driver->idle_count];
    driver->is_idle[buffer] = false;
    return true;
}

void packet_driver_sent(struct packet_driver *driver, uint32_t slot)
{
    uint32_t waiting = position_load(&driver->pool->transmit_produced.value) - driver->finished;

    if (slot < SW_PACKET_TRANSMIT && waiting <= SW_PACKET_TRANSMIT &&
        (slot - driver->finished) % SW_PACKET_TRANSMIT < waiting)
        driver->done[slot] = true;
}

void packet_driver_describe(struct packet_driver *driver, const uint8_t address[6], uint32_t mtu,
                            bool link)
{
    struct sw_packet_pool *pool = driver->pool;

    packets_store_hook();
    memcpy(pool->address, address, 6);
    pool->mtu = mtu;
    pool->link = link;
    pool->version = SW_PACKET_VERSION;
    packets_store_hook();
    /* The last: whoever finds it finds the rest. */
    atomic_store_explicit((_Atomic uint64_t *)&pool->magic, SW_PACKET_MAGIC, memory_order_release);
}

bool packet_driver_buffer(struct packet_driver *driver, uint32_t *out_buffer)
{
    if (driver->idle_count == 0)
        return false;
    *out_buffer = driver->idle[--driver->idle_count];
    driver->is_idle[*out_buffer] = false;
    return true;
}

bool packet_driver_publish(struct packet_driver *driver, uint32_t buffer, uint32_t length)
{
    uint32_t at = driver->published % SW_PACKET_RECEIVE;

    if (length < SW_PACKET_LEAST || length > SW_PACKET_MOST ||
        driver->published - driver->returned >= SW_PACKET_RECEIVE) {
        idle_put(driver, buffer);
        return false;
    }
    driver->window[at] = (uint16_t)buffer;
    entry_store(&driver->pool->receive[at], (uint64_t)buffer << 32 | length);
    position_store(&driver->pool->receive_produced.value, ++driver->published);
    return true;
}

void packet_driver_done(struct packet_driver *driver, uint32_t slot)
{
    uint32_t before = driver->finished;

    driver->done[slot] = true;
    while (driver->finished != driver->taken &&
           driver->done[driver->finished % SW_PACKET_TRANSMIT]) {
        driver->done[driver->finished % SW_PACKET_TRANSMIT] = false;
        driver->finished++;
    }
    if (driver->finished != before)
        position_store(&driver->pool->transmit_consumed.value, driver->finished);
}

bool packet_driver_take(struct packet_driver *driver, uint32_t *out_slot, uint32_t *out_length)
{
    for (;;) {
        uint32_t produced = position_load(&driver->pool->transmit_produced.value);
        if (produced - driver->finished > SW_PACKET_TRANSMIT ||
            produced - driver->finished < driver->taken - driver->finished) {
            driver->faults++;
            /* Not before the device is done with what it has: its buffers are not free. */
            if (driver->taken == driver->finished) {
                driver->taken = driver->finished = produced;
                memset(driver->done, 0, sizeof(driver->done));
                position_store(&driver->pool->transmit_consumed.value, produced);
            }
            return false;
        }
        if (produced == driver->taken)
            return false;
        uint32_t slot = driver->taken++ % SW_PACKET_TRANSMIT;
        if (driver->done[slot]) {
            packet_driver_done(driver, slot);
            continue;
        }
        uint32_t length = (uint32_t)entry_load(&driver->pool->transmit[slot]);
        if (length >= SW_PACKET_LEAST && length <= SW_PACKET_MOST) {
            *out_slot = slot;
            *out_length = length;
            return true;
        }
        driver->faults++;
        packet_driver_done(driver, slot);
    }
}

void packet_driver_refresh(struct packet_driver *driver)
{
    uint32_t consumed = position_load(&driver->pool->receive_consumed.value);

    if (consumed - driver->returned > driver->published - driver->returned) {
        driver->faults++; /* the ring counts as full until the stack has put it right */
        return;
    }
    for (; driver->returned != consumed; driver->returned++) {
        uint32_t buffer = driver->window[driver->returned % SW_PACKET_RECEIVE];
        if (buffer < SW_PACKET_RECEIVE)
            idle_put(driver, buffer);
    }
}

bool packet_driver_flush(struct packet_driver *driver)
{
    uint32_t wishes = (driver->published != driver->told_received ? SW_PACKET_WANT_MORE : 0) |
                      (driver->finished != driver->told_sent ? SW_PACKET_WANT_ROOM : 0);

    driver->told_received = driver->published;
    driver->told_sent = driver->finished;
    if (!wishes)
        return false;
    look_again(); /* pairs with packet_stack_sleep */
    return wishes_load(&driver->pool->stack) & wishes;
}

/* Whether packet_driver_take or, for a starved driver, packet_driver_refresh would find anything. */
static bool something_waits(const struct packet_driver *driver, bool starved)
{
    uint32_t produced = position_load(&driver->pool->transmit_produced.value);
    uint32_t consumed = position_load(&driver->pool->receive_consumed.value);

    if (produced - driver->finished > SW_PACKET_TRANSMIT ||
        produced - driver->finished < driver->taken - driver->finished)
        produced = driver->taken == driver->finished ? driver->taken - 1 : driver->taken;
    return produced != driver->taken ||
           (starved && consumed != driver->returned &&
            consumed - driver->returned <= driver->published - driver->returned);
}

bool packet_driver_sleep(struct packet_driver *driver, bool starved)
{
    struct sw_packet_pool *pool = driver->pool;

    bool healed = position_heal(&pool->receive_produced.value, driver->published);

    healed |= position_heal(&pool->transmit_consumed.value, driver->finished);
    if (healed) {
        driver->told_received =
            driver->published - 1; /* the next flush wakes who took it for full */
        driver->told_sent = driver->finished - 1;
        return false;
    }
    wishes_store(&pool->driver, SW_PACKET_WANT_MORE | (starved ? SW_PACKET_WANT_ROOM : 0));
    look_again(); /* pairs with packet_stack_flush */
    return !something_waits(driver, starved);
}

void packet_driver_wake(struct packet_driver *driver)
{
    wishes_store(&driver->pool->driver, 0);
}
