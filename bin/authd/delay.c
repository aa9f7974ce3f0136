/* Growing delays after wrong passwords; see delay.h. */
#include "delay.h"
#include <stddef.h>

#define NS_PER_MS 1000000ull

static struct delay_place *find(struct delay_table *table, uint64_t name)
{
    for (size_t i = 0; i < DELAY_PLACES; i++)
        if (table->places[i].failures && table->places[i].name == name)
            return &table->places[i];
    return NULL;
}

/* A free place, or the one whose delay ends first. */
static struct delay_place *take(struct delay_table *table)
{
    struct delay_place *best = &table->places[0];
    for (size_t i = 0; i < DELAY_PLACES; i++) {
        struct delay_place *place = &table->places[i];
        if (!place->failures)
            return place;
        if (place->until < best->until)
            best = place;
    }
    return best;
}

uint32_t delay_left(const struct delay_table *table, uint64_t name, uint64_t now)
{
    const struct delay_place *place = find((struct delay_table *)table, name);
    if (!place || now >= place->until)
        return 0;
    return (uint32_t)((place->until - now + NS_PER_MS - 1) / NS_PER_MS);
}

/* What follows the failure of that number. */
static uint32_t delay_after(uint32_t failures)
{
    uint32_t shift = failures - 1;
    if (shift < 16 && (DELAY_FIRST_MS << shift) < DELAY_MAX_MS)
        return DELAY_FIRST_MS << shift;
    return DELAY_MAX_MS;
}

void delay_begin(struct delay_table *table, uint64_t name, uint64_t now)
{
    struct delay_place *place = find(table, name);
    uint32_t failures = 1;
    if (!place) {
        place = take(table);
        atomic_store_explicit(&place->failures, 0, memory_order_relaxed);
        atomic_thread_fence(memory_order_release); /* free before it is another name's */
        place->name = name;
    } else if (now < place->until + DELAY_FORGET_NS) {
        failures = place->failures < UINT32_MAX ? place->failures + 1 : UINT32_MAX;
    }
    place->until = now;
    atomic_store_explicit(&place->failures, failures, memory_order_release);
}

uint32_t delay_failed(struct delay_table *table, uint64_t name, uint64_t now)
{
    struct delay_place *place = find(table, name);
    uint32_t delay = delay_after(place->failures);
    place->until = now + delay * NS_PER_MS;
    return delay;
}

void delay_undone(struct delay_table *table, uint64_t name, uint64_t now)
{
    struct delay_place *place = find(table, name);
    place->until = now;
    place->failures--;
}

void delay_succeeded(struct delay_table *table, uint64_t name)
{
    struct delay_place *place = find(table, name);
    if (place)
        place->failures = 0;
}

void delay_adopt(struct delay_table *table, uint64_t now)
{
    for (size_t i = 0; i < DELAY_PLACES; i++)
        if (table->places[i].until > now + DELAY_MAX_MS * NS_PER_MS)
            table->places[i].until = now + DELAY_MAX_MS * NS_PER_MS;
}
