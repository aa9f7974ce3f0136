/* The order of a space's regions against a plain sorted array: neighbours, look-up, holes, balance.
 * Random links, unlinks and resizes; and the depth that 4096 regions in order reach. */
#include "job.h"
#include "tap.h"
#include <stdlib.h>

#define MOST SPACE_REGIONS

static struct space space;
static struct region pool[MOST];
static struct region *sorted[MOST]; /* the model */
static uint32_t count;

static uint64_t random_below(uint64_t limit)
{
    return ((uint64_t)rand() << 31 ^ (uint64_t)rand()) % limit;
}

static void reset(void)
{
    space.tree = NULL;
    list_init(&space.regions);
    space.region_count = count = 0;
    for (uint32_t i = 0; i < MOST; i++)
        pool[i] = (struct region){ .space = &space };
}

/* The index of the first region that ends above the address. */
static uint32_t model_above(vaddr_t address)
{
    uint32_t i = 0;
    while (i < count && region_end(sorted[i]) <= address)
        i++;
    return i;
}

static bool model_hole(vaddr_t from, uint64_t size, vaddr_t *out)
{
    vaddr_t at = from;
    for (uint32_t i = 0; i < count; i++) {
        if (region_end(sorted[i]) + PAGE_SIZE <= at)
            continue;
        if (sorted[i]->start >= at + size + PAGE_SIZE)
            break;
        at = region_end(sorted[i]) + PAGE_SIZE;
    }
    *out = at;
    return at <= USER_LIMIT && size <= USER_LIMIT - at;
}

/* Checks a subtree; returns its height, -1 if anything is wrong. */
static int subtree_check(const struct region *region, const struct region *parent, uint64_t *widest)
{
    uint64_t low_widest = 0, high_widest = 0;
    *widest = 0;
    if (!region)
        return 0;
    int low = subtree_check(region->child[0], region, &low_widest);
    int high = subtree_check(region->child[1], region, &high_widest);
    *widest = region->gap;
    *widest = low_widest > *widest ? low_widest : *widest;
    *widest = high_widest > *widest ? high_widest : *widest;
    int height = 1 + (low > high ? low : high);
    if (low < 0 || high < 0 || abs(low - high) > 1 || region->parent != parent ||
        region->height != height || region->widest != *widest)
        return -1;
    return height;
}

static bool same_as_model(void)
{
    uint64_t widest;
    uint32_t i = 0;
    vaddr_t end = 0;
    if (subtree_check(space.tree, NULL, &widest) < 0)
        return false;
    list_for_each (at, &space.regions) {
        struct region *region = CONTAINER(at, struct region, space_link);
        if (i >= count || region != sorted[i] ||
            (space.tree && region->gap != region->start - end) ||
            region_previous(region) != (i ? sorted[i - 1] : NULL) ||
            region_next(region) != (i + 1 < count ? sorted[i + 1] : NULL))
            return false;
        end = region_end(region);
        i++;
    }
    return i == count && region_last(&space) == (count ? sorted[count - 1] : NULL);
}

static void add(vaddr_t start, uint64_t pages)
{
    struct region *region = pool;
    while (region->pages)
        region++;
    region->start = start;
    region->pages = pages;
    uint32_t at = model_above(start);
    memmove(&sorted[at + 1], &sorted[at], (count - at) * sizeof sorted[0]);
    sorted[at] = region;
    space.region_count = ++count;
    region_link(region, region_above(&space, start));
}

static void drop(uint32_t at)
{
    struct region *region = sorted[at];
    region_unlink(region);
    memmove(&sorted[at], &sorted[at + 1], (count - at - 1) * sizeof sorted[0]);
    space.region_count = --count;
    region->pages = 0;
}

/* `room` bytes of addresses, at most `most` regions. */
static void test_random(uint64_t room, uint32_t most, uint32_t steps)
{
    reset();
    bool good = true;
    for (uint32_t step = 0; step < steps && good; step++) {
        vaddr_t address = SPACE_LOWEST + random_below(room / PAGE_SIZE) * PAGE_SIZE;
        uint64_t pages = 1 + random_below(8);
        uint32_t above = model_above(address);
        vaddr_t hole, expected;
        switch (random_below(6)) {
        case 0:
        case 1:
            if (count < most &&
                (above == count || sorted[above]->start >= address + pages * PAGE_SIZE))
                add(address, pages);
            break;
        case 2:
            if (count)
                drop((uint32_t)random_below(count));
            break;
        case 3: { /* a region loses pages at one end */
            if (!count)
                break;
            struct region *region = sorted[random_below(count)];
            uint64_t less = random_below(region->pages);
            region->pages -= less;
            if (random_below(2))
                region->start += less * PAGE_SIZE;
            region_resized(region);
            break;
        }
        case 4:
            good = region_above(&space, address) == (above < count ? sorted[above] : NULL);
            break;
        default: {
            uint64_t size = (1 + random_below(30)) * PAGE_SIZE;
            bool fits = model_hole(address, size, &expected);
            good = region_hole(&space, address, size, &hole) == fits && (!fits || hole == expected);
            break;
        }
        }
        good = good && same_as_model();
    }
    while (count && good) {
        drop((uint32_t)random_below(count));
        good = same_as_model();
    }
    tap_ok(good && !space.tree, "%u steps with at most %u regions", steps, most);
}

/* In rising order, which is how a program maps. */
static void test_depth(void)
{
    reset();
    for (uint32_t i = 0; i < MOST; i++) {
        pool[i].start = SPACE_LOWEST + (vaddr_t)i * 3 * PAGE_SIZE;
        pool[i].pages = 1;
        sorted[count++] = &pool[i];
        space.region_count = count;
        region_link(&pool[i], NULL);
    }
    tap_ok(same_as_model() && space.tree->height <= 13, "%u regions in %u levels", MOST,
           space.tree->height);
    vaddr_t hole, end = region_end(&pool[MOST - 1]) + PAGE_SIZE;
    tap_ok(region_hole(&space, SPACE_LOWEST, 2 * PAGE_SIZE, &hole) && hole == end,
           "no hole fits: behind all");
    drop(MOST / 2);
    tap_ok(region_hole(&space, SPACE_LOWEST, 2 * PAGE_SIZE, &hole) &&
               hole == SPACE_LOWEST + (vaddr_t)(MOST / 2) * 3 * PAGE_SIZE - PAGE_SIZE,
           "the one hole that fits");
    tap_ok(!region_hole(&space, SPACE_LOWEST, USER_LIMIT - end + PAGE_SIZE, &hole),
           "more than there is");
}

int main(void)
{
    srand(1);
    test_random(64 * PAGE_SIZE, 12, 20000); /* a list only */
    test_random(256 * PAGE_SIZE, 30, 20000);
    test_random(4096 * PAGE_SIZE, 500, 20000);
    test_depth();
    return tap_done();
}
