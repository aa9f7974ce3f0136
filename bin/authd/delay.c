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

uint32_t delay_failed(struct delay_table *table, uint64_t name, uint64_t now)
{
    struct delay_place *place = find(table, name);
    if (!place) {
        place = take(table);
        *place = (struct delay_place){ .name = name };
    } else if (now >= place->until + DELAY_FORGET_NS) {
        place->failures = 0;
    }
    uint32_t delay = DELAY_MAX_MS;
    if (place->failures < 16 && (DELAY_FIRST_MS << place->failures) < DELAY_MAX_MS)
        delay = DELAY_FIRST_MS << place->failures;
    if (place->failures < UINT32_MAX)
        place->failures++;
    place->until = now + delay * NS_PER_MS;
    return delay;
}

void delay_succeeded(struct delay_table *table, uint64_t name)
{
    struct delay_place *place = find(table, name);
    if (place)
        place->failures = 0;
}
