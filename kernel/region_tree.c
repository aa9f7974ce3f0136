/* The regions of a space in order of address: a list, and over it, once there are more than a few,
 * an AVL tree that also knows the widest hole below each node.
 *
 * The list gives neighbours, the tree finds an address or a hole in a number of steps that grows
 * with the logarithm of the count. Almost every process has so few regions that walking along the
 * list is cheaper than keeping a tree: `tree` is NULL until there are more than FEW, then it stays
 * until the last region goes. In the tree a region's `gap` is the hole between it and the region
 * before (or address 0); `widest` is the largest gap in its subtree. Whoever changes start or size
 * of a linked region calls region_resized before anything is looked up. Nothing allocates. Big
 * lock.
 */
#include "memory.h"

#define FEW 16

static uint32_t height_of(const struct region *region)
{
    return region ? region->height : 0;
}

static uint64_t widest_of(const struct region *region)
{
    return region ? region->widest : 0;
}

/* Height and widest hole from what the children say. */
static void node_update(struct region *region)
{
    const struct region *low = region->child[0], *high = region->child[1];
    uint32_t height = height_of(low) > height_of(high) ? height_of(low) : height_of(high);
    uint64_t widest = widest_of(low) > widest_of(high) ? widest_of(low) : widest_of(high);
    region->height = (uint8_t)(height + 1);
    region->widest = region->gap > widest ? region->gap : widest;
}

/* Puts a node (or nothing) where another hangs. */
static void node_replace(struct space *space, const struct region *old, struct region *with)
{
    struct region *parent = old->parent;
    if (parent)
        parent->child[parent->child[1] == old] = with;
    else
        space->tree = with;
    if (with)
        with->parent = parent;
}

/* Lifts a node's child of one side into its place; returns it. */
static struct region *node_rotate(struct space *space, struct region *top, uint32_t side)
{
    struct region *up = top->child[side], *inner = up->child[!side];
    node_replace(space, top, up);
    top->child[side] = inner;
    if (inner)
        inner->parent = top;
    up->child[!side] = top;
    top->parent = up;
    node_update(top);
    node_update(up);
    return up;
}

/* Makes the nodes from one up to the root true and balanced again; the subtrees below it are. */
static void nodes_settle(struct space *space, struct region *region)
{
    for (; region; region = region->parent) {
        uint32_t low = height_of(region->child[0]), high = height_of(region->child[1]);
        if (low <= high + 1 && high <= low + 1) {
            node_update(region);
            continue;
        }
        uint32_t side = high > low;
        const struct region *tall = region->child[side];
        if (height_of(tall->child[!side]) > height_of(tall->child[side]))
            node_rotate(space, region->child[side], !side);
        region = node_rotate(space, region, side);
    }
}

static struct region *region_at(const struct list *link)
{
    return CONTAINER(link, struct region, space_link);
}

struct region *region_next(const struct region *region)
{
    const struct list *next = region->space_link.next;
    return next == &region->space->regions ? NULL : region_at(next);
}

struct region *region_previous(const struct region *region)
{
    const struct list *previous = region->space_link.previous;
    return previous == &region->space->regions ? NULL : region_at(previous);
}

struct region *region_last(const struct space *space)
{
    return list_empty(&space->regions) ? NULL : region_at(space->regions.previous);
}

static void gap_measure(struct region *region)
{
    const struct region *previous = region_previous(region);
    region->gap = region->start - (previous ? region_end(previous) : 0);
}

/* Between two neighbours in order, the lower has no right child or the upper no left one: there the
 * new node hangs. The upper neighbour, whose gap changes, is always above it. */
static void node_link(struct space *space, struct region *region, struct region *previous,
                      struct region *next)
{
    gap_measure(region);
    if (next)
        gap_measure(next);
    region->child[0] = region->child[1] = NULL;
    uint32_t side = !next || next->child[0];
    region->parent = side ? previous : next;
    if (region->parent)
        region->parent->child[side] = region;
    else
        space->tree = region;
    nodes_settle(space, region);
}

static COLD void tree_build(struct space *space)
{
    struct region *previous = NULL;
    list_for_each (at, &space->regions) {
        node_link(space, region_at(at), previous, NULL);
        previous = region_at(at);
    }
}

void region_link(struct region *region, struct region *next)
{
    struct space *space = region->space;
    list_add_tail(next ? &next->space_link : &space->regions, &region->space_link);
    if (space->tree)
        node_link(space, region, region_previous(region), next);
    else if (space->region_count > FEW)
        tree_build(space);
}

/* `next`: the region behind it, which is out of the list already. */
static void node_unlink(struct space *space, struct region *region, struct region *next)
{
    struct region *low = region->child[0], *high = region->child[1];
    struct region *settle; /* the lowest node with something below it that changed */
    if (next)
        gap_measure(next);
    if (low && high) { /* the next region has no left child and takes its place */
        settle = next;
        if (next != high) {
            settle = next->parent;
            node_replace(space, next, next->child[1]);
            next->child[1] = high;
            high->parent = next;
        }
        next->child[0] = low;
        low->parent = next;
        node_replace(space, region, next);
    } else {
        settle = low ? low : high ? high : region->parent;
        node_replace(space, region, low ? low : high);
    }
    nodes_settle(space, settle);
}

void region_unlink(struct region *region)
{
    struct space *space = region->space;
    struct region *next = region_next(region);
    list_remove(&region->space_link);
    if (space->tree)
        node_unlink(space, region, next);
}

void region_resized(struct region *region)
{
    if (!region->space->tree)
        return;
    struct region *next = region_next(region);
    gap_measure(region);
    nodes_settle(region->space, region);
    if (next) {
        gap_measure(next);
        nodes_settle(region->space, next);
    }
}

static struct region *listed_above(const struct space *space, vaddr_t address)
{
    list_for_each (at, &space->regions)
        if (region_end(region_at(at)) > address)
            return region_at(at);
    return NULL;
}

struct region *region_above(const struct space *space, vaddr_t address)
{
    struct region *found = NULL;
    if (!space->tree)
        return listed_above(space, address);
    for (struct region *at = space->tree; at;) {
        bool ends_above = region_end(at) > address;
        if (ends_above)
            found = at;
        at = at->child[!ends_above];
    }
    return found;
}

/* The first region behind the given one with a hole of at least so many bytes in front of it; NULL:
 * none. */
static const struct region *gap_behind(const struct space *space, const struct region *region,
                                       uint64_t width)
{
    if (!space->tree) {
        vaddr_t end;
        do {
            end = region_end(region);
            region = region_next(region);
        } while (region && region->start - end < width);
        return region;
    }
    for (;;) {
        if (widest_of(region->child[1]) >= width) {
            region = region->child[1];
            for (;;) {
                if (widest_of(region->child[0]) >= width)
                    region = region->child[0];
                else if (region->gap >= width)
                    return region;
                else
                    region = region->child[1];
            }
        }
        while (region->parent && region == region->parent->child[1])
            region = region->parent;
        region = region->parent;
        if (!region || region->gap >= width)
            return region;
    }
}

bool region_hole(const struct space *space, vaddr_t from, uint64_t size, vaddr_t *out_address)
{
    const struct region *region = region_above(space, from - PAGE_SIZE);
    vaddr_t at = from;
    if (region && region->start < from + size + PAGE_SIZE) {
        region = gap_behind(space, region, size + 2 * PAGE_SIZE);
        at = region_end(region ? region_previous(region) : region_last(space)) + PAGE_SIZE;
    }
    if (at > USER_LIMIT || size > USER_LIMIT - at)
        return false;
    *out_address = at;
    return true;
}
