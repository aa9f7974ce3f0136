/* The pages of files: who owns which page of the arena; see store.h.
 *
 * A page is taken (bit in `used`), filled, and then attached (owner word, hash chain). A death in
 * between leaves it nobody's, and recovery gives its memory back. */
#include "store.h"
#include <stdatomic.h>
#include <string.h>

#define PAGE_BATCH (SW_PAGE / sizeof(uint64_t)) /* a page of owner words */
#define OWNER_KEY ((1ull << OWNER_KEY_BITS) - 1)

static uint64_t owner_key(uint32_t inode, uint32_t index)
{
    return inode | (uint64_t)index << OWNER_INODE_BITS;
}

uint64_t owner_word(const struct store *store, uint32_t page, uint32_t inode, uint32_t index)
{
    uint64_t key = owner_key(inode, index);
    uint64_t check = mix(mix(key) ^ page ^ (uint64_t)store->inodes[inode].generation << 32);
    return key | check << OWNER_KEY_BITS;
}

/* Neighbouring pages of a file lie in neighbouring buckets. */
static uint32_t *bucket(const struct store *store, uint32_t inode, uint32_t index)
{
    return &store->page_heads[(inode * 0x9e3779b1u + index) & (store->plan.page_buckets - 1)];
}

uint32_t page_find(const struct store *store, uint32_t inode, uint32_t index)
{
    uint64_t key = owner_key(inode, index);
    uint32_t link = *bucket(store, inode, index);
    while (link) {
        uint64_t owner = atomic_load_explicit(&store->owners[link - 1], memory_order_relaxed);
        if ((owner & OWNER_KEY) == key)
            return link - 1;
        link = store->page_next[link - 1];
    }
    return NONE;
}

void page_enter(struct store *store, uint32_t page, uint32_t inode, uint32_t index)
{
    uint32_t *head = bucket(store, inode, index);
    store->page_next[page] = *head;
    *head = page + 1;
    store->nodes[inode].pages++;
}

void page_attach(struct store *store, uint32_t page, uint32_t inode, uint32_t index)
{
    /* The content is there before the owner. */
    atomic_store_explicit(&store->owners[page], owner_word(store, page, inode, index),
                          memory_order_release);
    page_enter(store, page, inode, index);
}

static bool is_taken(const struct store *store, uint32_t page)
{
    return store->used[page / 64] >> page % 64 & 1;
}

/* The lowest free page, or page_count. */
static uint32_t lowest_free(struct store *store)
{
    uint32_t page = store->page_hint;
    while (page < store->plan.page_count && is_taken(store, page))
        page = store->used[page / 64] == UINT64_MAX ? (page / 64 + 1) * 64 : page + 1;
    if (page > store->plan.page_count)
        page = store->plan.page_count;
    store->page_hint = page;
    return page;
}

static status_t grow(struct store *store, uint32_t wanted)
{
    if (wanted <= store->pages_ready)
        return SW_OK;
    const struct store_plan *plan = &store->plan;
    uint32_t from = store->pages_ready / PAGE_BATCH;
    uint32_t to = (wanted + PAGE_BATCH - 1) / PAGE_BATCH;
    /* A batch is a page of owners and half a page of chain; the chain is rounded outward. */
    uint64_t chain = from * (SW_PAGE / 2) / SW_PAGE * SW_PAGE;
    uint64_t chain_end = (to * (SW_PAGE / 2) + SW_PAGE - 1) / SW_PAGE * SW_PAGE;
    if (store->memory->commit(AREA_VAULT, plan->owners + (uint64_t)from * SW_PAGE,
                              (uint64_t)(to - from) * SW_PAGE) != SW_OK ||
        store->memory->commit(AREA_INDEX, plan->page_next + chain, chain_end - chain) != SW_OK)
        return SW_NO_SPACE;
    uint32_t ready = to * PAGE_BATCH;
    store->pages_ready = ready < plan->page_count ? ready : plan->page_count;
    counter_put(&store->header->pages_ready, store->pages_ready);
    return SW_OK;
}

/* Takes so many of the pages from `first` on as there is memory for: half of them again and again, until it is
 * enough. */
static uint32_t take_memory(struct store *store, uint32_t first, uint32_t count)
{
    for (; count > 0; count /= 2) {
        uint64_t at = (uint64_t)first * SW_PAGE, size = (uint64_t)count * SW_PAGE;
        if (grow(store, first + count) == SW_OK &&
            store->memory->commit(AREA_ARENA, at, size) == SW_OK)
            return count;
        store->memory->decommit(AREA_ARENA, at, size); /* it may have come by some of them */
    }
    return 0;
}

uint32_t page_allocate(struct store *store, uint32_t near, uint32_t wanted, uint32_t *out_first)
{
    uint32_t limit = store->plan.page_count;
    uint32_t first = near < limit && !is_taken(store, near) ? near : lowest_free(store);
    uint32_t count = 0;
    while (count < wanted && first + count < limit && !is_taken(store, first + count))
        count++;
    count = take_memory(store, first, count);
    if (count == 0)
        return 0;
    for (uint32_t page = first; page < first + count; page++)
        store->used[page / 64] |= 1ull << page % 64;
    store->pages_free -= count;
    *out_first = first;
    return count;
}

void page_release(struct store *store, uint32_t first, uint32_t count)
{
    if (count == 0)
        return;
    for (uint32_t page = first; page < first + count; page++)
        store->used[page / 64] &= ~(1ull << page % 64);
    store->pages_free += count;
    if (first < store->page_hint)
        store->page_hint = first;
    store->memory->decommit(AREA_ARENA, (uint64_t)first * SW_PAGE, (uint64_t)count * SW_PAGE);
}

static void detach(struct store *store, uint32_t page, uint32_t inode, uint32_t index)
{
    uint32_t *link = bucket(store, inode, index);
    while (*link != page + 1)
        link = &store->page_next[*link - 1];
    *link = store->page_next[page];
    store->nodes[inode].pages--;
    atomic_store_explicit(&store->owners[page], 0, memory_order_release);
}

void page_drop(struct store *store, uint32_t inode, uint32_t from, uint32_t to)
{
    uint32_t first = NONE, count = 0; /* a run of consecutive arena pages to give back at once */
    for (uint32_t index = from; index < to && store->nodes[inode].pages > 0; index++) {
        uint32_t page = page_find(store, inode, index);
        if (page == NONE)
            continue;
        detach(store, page, inode, index);
        if (count > 0 && page == first + count) {
            count++;
            continue;
        }
        page_release(store, first, count);
        first = page;
        count = 1;
    }
    page_release(store, first, count);
}
