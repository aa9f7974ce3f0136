/* The store of tmpfs: memory, the journal, inodes, names and slots; see store.h. */
#include "store.h"
#include <stdatomic.h>
#include <string.h>
#include <swos/protocol.h>

#define ROOT_MODE 01777
#define INODE_BATCH 64
#define SLOT_BATCH (SW_PAGE / sizeof(struct slot))
#define SLOT_COUNT 4096

/* ------------------------------------------------------------------ checksums */

uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 32) * 0x9e3779b97f4a7c15ull;
    return value ^ value >> 29;
}

/* Over whole 64-bit words; not against malice, for only this process can write them. */
uint64_t checksum(const void *bytes, size_t size, uint64_t seed)
{
    const uint8_t *at = bytes;
    uint64_t sum = mix(seed + 0x51ed2701);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, 8);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15ull;
        sum ^= sum >> 32;
    }
    return sum;
}

/* All but the first word is summed as it lies; of that, the part that is not the check itself. */
uint32_t inode_check(const struct inode *inode, uint32_t number)
{
    uint64_t sum = checksum((const uint8_t *)inode + 8, sizeof(*inode) - 8,
                            (uint64_t)inode->kind << 32 | number);
    return (uint32_t)(sum >> 16);
}

uint32_t slot_check(const struct slot *slot, uint32_t number)
{
    uint64_t sum = checksum((const uint8_t *)slot + 8, sizeof(*slot) - 8,
                            (uint64_t)slot->generation << 32 | number);
    return (uint32_t)(sum >> 16);
}

void counter_put(_Atomic uint64_t *word, uint32_t value)
{
    uint64_t sealed = value | mix(value + 0xc0ffeeull) >> 32 << 32;
    atomic_store_explicit(word, sealed, memory_order_release);
}

bool counter_get(const _Atomic uint64_t *word, uint32_t *out_value)
{
    uint64_t sealed = *word;
    *out_value = (uint32_t)sealed;
    return sealed >> 32 == mix((uint32_t)sealed + 0xc0ffeeull) >> 32;
}

/* ------------------------------------------------------------------ memory */

static uint32_t power_of_two_at_least(uint32_t value)
{
    uint32_t power = 1;
    while (power < value)
        power *= 2;
    return power;
}

static uint64_t place(uint64_t *end, uint64_t size)
{
    uint64_t start = *end;
    *end += (size + SW_PAGE - 1) / SW_PAGE * SW_PAGE;
    return start;
}

/* One inode for every two pages; the limits are those of an owner word. */
void store_plan(uint64_t arena_bytes, struct store_plan *out_plan)
{
    struct store_plan plan = { 0 };
    uint64_t pages = arena_bytes / SW_PAGE;
    if (pages > 1u << OWNER_INDEX_BITS)
        pages = 1u << OWNER_INDEX_BITS;
    uint64_t inodes = pages / 2 < 256 ? 256 : pages / 2;
    if (inodes > 1u << OWNER_INODE_BITS)
        inodes = 1u << OWNER_INODE_BITS;
    plan.page_count = (uint32_t)pages;
    plan.inode_count = (uint32_t)inodes;
    plan.slot_count = SLOT_COUNT;
    plan.page_buckets = power_of_two_at_least(plan.page_count / 4);
    plan.name_buckets = power_of_two_at_least(plan.inode_count / 4);
    plan.size[AREA_ARENA] = pages * SW_PAGE;

    uint64_t end = 0;
    place(&end, sizeof(struct vault_page));
    plan.slots = place(&end, plan.slot_count * sizeof(struct slot));
    plan.inodes = place(&end, plan.inode_count * sizeof(struct inode));
    plan.owners = place(&end, plan.page_count * sizeof(uint64_t));
    plan.size[AREA_VAULT] = end;

    end = 0;
    plan.page_heads = place(&end, plan.page_buckets * sizeof(uint32_t));
    plan.name_heads = place(&end, plan.name_buckets * sizeof(uint32_t));
    plan.used = place(&end, (plan.page_count / 64 + 1) * sizeof(uint64_t));
    plan.page_next = place(&end, plan.page_count * sizeof(uint32_t));
    plan.nodes = place(&end, plan.inode_count * sizeof(struct node));
    plan.size[AREA_INDEX] = end;
    *out_plan = plan;
}

/* Takes memory for the items [from, to) of a table that starts at `table` of an area. */
static status_t commit_items(struct store *store, enum area area, uint64_t table, uint64_t item,
                             uint32_t from, uint32_t to)
{
    uint64_t start = (table + from * item) / SW_PAGE * SW_PAGE;
    uint64_t end = (table + to * item + SW_PAGE - 1) / SW_PAGE * SW_PAGE;
    if (start == end)
        return SW_OK;
    return store->memory->commit(area, start, end - start) == SW_OK ? SW_OK : SW_NO_SPACE;
}

static uint32_t batch_end(uint32_t wanted, uint32_t batch, uint32_t limit)
{
    uint32_t end = (wanted + batch - 1) / batch * batch;
    return end < limit ? end : limit;
}

static status_t inodes_grow(struct store *store, uint32_t wanted)
{
    if (wanted <= store->inodes_ready)
        return SW_OK;
    const struct store_plan *plan = &store->plan;
    uint32_t from = store->inodes_ready, to = batch_end(wanted, INODE_BATCH, plan->inode_count);
    if (commit_items(store, AREA_VAULT, plan->inodes, sizeof(struct inode), from, to) != SW_OK ||
        commit_items(store, AREA_INDEX, plan->nodes, sizeof(struct node), from, to) != SW_OK)
        return SW_NO_SPACE;
    store->inodes_ready = to;
    counter_put(&store->header->inodes_ready, to);
    return SW_OK;
}

static status_t slots_grow(struct store *store, uint32_t wanted)
{
    if (wanted <= store->slots_ready)
        return SW_OK;
    const struct store_plan *plan = &store->plan;
    uint32_t to = batch_end(wanted, SLOT_BATCH, plan->slot_count);
    if (commit_items(store, AREA_VAULT, plan->slots, sizeof(struct slot), store->slots_ready, to) !=
        SW_OK)
        return SW_NO_SPACE;
    store->slots_ready = to;
    counter_put(&store->header->slots_ready, to);
    return SW_OK;
}

status_t store_index_ready(struct store *store)
{
    const struct store_plan *plan = &store->plan;
    status_t status = store->memory->commit(AREA_INDEX, 0, plan->page_next);
    if (status == SW_OK)
        status = commit_items(store, AREA_INDEX, plan->page_next, sizeof(uint32_t), 0,
                              store->pages_ready);
    if (status == SW_OK)
        status = commit_items(store, AREA_INDEX, plan->nodes, sizeof(struct node), 0,
                              store->inodes_ready);
    return status;
}

void store_make_root(struct store *store, uint64_t now)
{
    struct inode *root = change_inode(store, ROOT);
    memset(root, 0, sizeof(*root));
    root->kind = SW_FILE_DIRECTORY;
    root->generation = generation_next(store);
    root->parent = ROOT;
    root->mode = ROOT_MODE;
    root->mtime = now;
    change_commit(store);
}

/* The magic number comes last: a death before it means that nothing is there yet. */
static status_t store_format(struct store *store, uint64_t now)
{
    struct vault_header *header = store->header;
    status_t status = store_index_ready(store);
    if (status == SW_OK)
        status = store->memory->commit(AREA_VAULT, 0, SW_PAGE);
    if (status != SW_OK)
        return status;
    memset(header, 0, sizeof(struct vault_page));
    header->version = VAULT_VERSION;
    header->page_count = store->plan.page_count;
    header->inode_count = store->plan.inode_count;
    header->slot_count = store->plan.slot_count;
    counter_put(&header->pages_ready, 0);
    counter_put(&header->slots_ready, 0);
    counter_put(&header->generation, 0);
    counter_put(&store->answers->next, 0);
    if ((status = inodes_grow(store, 1)) != SW_OK)
        return status;
    store_make_root(store, now);
    inode_taken(store);
    atomic_thread_fence(memory_order_release);
    header->magic = VAULT_MAGIC;
    return SW_OK;
}

status_t store_open(struct store *store, const struct store_plan *plan, void *const areas[AREAS],
                    const struct store_memory *memory, uint64_t now, bool *out_recovered)
{
    uint8_t *vault = areas[AREA_VAULT], *index = areas[AREA_INDEX];
    memset(store, 0, sizeof(*store));
    store->memory = memory;
    store->plan = *plan;
    store->arena = areas[AREA_ARENA];
    store->header = &((struct vault_page *)vault)->header;
    store->journal = &((struct vault_page *)vault)->journal;
    store->answers = &((struct vault_page *)vault)->answers;
    store->slots = (struct slot *)(vault + plan->slots);
    store->inodes = (struct inode *)(vault + plan->inodes);
    store->owners = (_Atomic uint64_t *)(vault + plan->owners);
    store->page_heads = (uint32_t *)(index + plan->page_heads);
    store->name_heads = (uint32_t *)(index + plan->name_heads);
    store->used = (uint64_t *)(index + plan->used);
    store->page_next = (uint32_t *)(index + plan->page_next);
    store->nodes = (struct node *)(index + plan->nodes);
    store->pages_free = plan->page_count;

    const struct vault_header *header = store->header;
    *out_recovered = header->magic == VAULT_MAGIC && header->version == VAULT_VERSION &&
                     header->page_count == plan->page_count &&
                     header->inode_count == plan->inode_count &&
                     header->slot_count == plan->slot_count;
    return *out_recovered ? store_recover(store, now) : store_format(store, now);
}

/* Records are taken lowest first, so what is free lies mostly behind the last one in use. */
void store_trim(struct store *store)
{
    const struct store_plan *plan = &store->plan;
    uint32_t keep = store->inodes_ready;
    while (keep > 1 && store->inodes[keep - 1].kind == 0)
        keep--;
    keep = batch_end(keep, INODE_BATCH, plan->inode_count);
    if (keep < store->inodes_ready) {
        uint64_t end = plan->inodes + (uint64_t)store->inodes_ready * sizeof(struct inode);
        uint64_t start = plan->inodes + (uint64_t)keep * sizeof(struct inode);
        counter_put(&store->header->inodes_ready, keep);
        store->inodes_ready = keep;
        start = (start + SW_PAGE - 1) / SW_PAGE * SW_PAGE;
        end = (end + SW_PAGE - 1) / SW_PAGE * SW_PAGE;
        if (start < end)
            store->memory->decommit(AREA_VAULT, start, end - start);
    }
}

/* ------------------------------------------------------------------ the journal */

struct inode *change_inode(struct store *store, uint32_t number)
{
    struct journal *journal = store->journal;
    for (uint32_t i = 0; i < store->change_count; i++)
        if (journal->numbers[i] == number)
            return &journal->images[i];
    uint32_t i = store->change_count++;
    journal->numbers[i] = number;
    journal->images[i] = store->inodes[number];
    return &journal->images[i];
}

uint64_t journal_check(const struct journal *journal)
{
    uint64_t sum = mix(journal->count ^ (uint64_t)journal->answer.check << 32);
    for (uint32_t i = 0; i < journal->count; i++)
        sum = mix(sum ^ ((uint64_t)journal->numbers[i] << 32 | journal->images[i].check));
    return sum | 1;
}

void journal_apply(struct store *store)
{
    struct journal *journal = store->journal;
    for (uint32_t i = 0; i < journal->count; i++)
        store->inodes[journal->numbers[i]] = journal->images[i];
    if (journal->answer.id)
        store->answers->last = journal->answer;
    /* Pairs with the release of the next commit and with recovery: the inodes are whole before
     * the journal is empty. */
    atomic_store_explicit(&journal->commit, 0, memory_order_release);
}

void change_commit(struct store *store)
{
    struct journal *journal = store->journal;
    journal->count = store->change_count;
    journal->answer = store->answer;
    journal->answer.check = journal->answer.id ? answer_check(&journal->answer) : 0;
    for (uint32_t i = 0; i < journal->count; i++)
        journal->images[i].check = inode_check(&journal->images[i], journal->numbers[i]);
    uint64_t check = journal_check(journal);
    /* The images are whole before the word that makes them count. */
    atomic_store_explicit(&journal->commit, check, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    journal_apply(store);
    store->change_count = 0;
    if (store->answer.id)
        answer_given(store);
}

/* ------------------------------------------------------------------ inodes and names */

uint32_t generation_next(struct store *store)
{
    uint32_t generation;
    if (!counter_get(&store->header->generation, &generation))
        generation = 0;
    generation = (generation + 1) & 0x7fffffff;
    generation += generation == 0;
    counter_put(&store->header->generation, generation);
    return generation;
}

status_t inode_allocate(struct store *store, uint32_t *out_number)
{
    uint32_t number = store->inode_hint;
    while (number < store->inodes_ready && store->inodes[number].kind != 0)
        number++;
    store->inode_hint = number;
    if (number == store->plan.inode_count)
        return SW_NO_SPACE;
    *out_number = number;
    return inodes_grow(store, number + 1);
}

static uint32_t *name_bucket(const struct store *store, uint32_t directory, const void *name,
                             size_t length)
{
    const uint8_t *bytes = name;
    uint64_t hash = directory + 0x9e3779b97f4a7c15ull;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return &store->name_heads[mix(hash) & (store->plan.name_buckets - 1)];
}

uint32_t name_find(const struct store *store, uint32_t directory, const void *name, size_t length)
{
    uint32_t link = *name_bucket(store, directory, name, length);
    while (link) {
        const struct inode *inode = &store->inodes[link - 1];
        if (inode->parent == directory && inode->name_length == length &&
            memcmp(inode->name, name, length) == 0)
            return link - 1;
        link = store->nodes[link - 1].name_next;
    }
    return NONE;
}

void inode_linked(struct store *store, uint32_t number)
{
    const struct inode *inode = &store->inodes[number];
    uint32_t *head = name_bucket(store, inode->parent, inode->name, inode->name_length);
    store->nodes[number].name_next = *head;
    *head = number + 1;
    store->nodes[inode->parent].children++;
}

void inode_unlinking(struct store *store, uint32_t number)
{
    const struct inode *inode = &store->inodes[number];
    uint32_t *link = name_bucket(store, inode->parent, inode->name, inode->name_length);
    while (*link != number + 1)
        link = &store->nodes[*link - 1].name_next;
    *link = store->nodes[number].name_next;
    store->nodes[inode->parent].children--;
}

void inode_taken(struct store *store)
{
    store->inodes_used++;
}

void inode_freed(struct store *store, uint32_t number)
{
    store->nodes[number] = (struct node){ 0 };
    store->inodes_used--;
    if (number < store->inode_hint)
        store->inode_hint = number;
}

/* ------------------------------------------------------------------ open slots */

/* Looks at all slots, but only where one principal may have so many: not while most are free. */
static bool slot_is_too_much(const struct store *store, uint32_t principal)
{
    uint32_t free = store->plan.slot_count - store->slots_used, count = 0;
    if (principal_is_privileged(principal) || store->slots_used < free)
        return false;
    for (uint32_t number = 0; number < store->slots_ready; number++)
        count += store->slots[number].flags != 0 && store->slots[number].principal == principal;
    return count >= free;
}

status_t slot_allocate(struct store *store, uint32_t principal, uint32_t *out_slot,
                       uint32_t *out_generation)
{
    if (slot_is_too_much(store, principal))
        return SW_QUOTA;
    uint32_t number = store->slot_hint;
    while (number < store->slots_ready && store->slots[number].flags != 0)
        number++;
    store->slot_hint = number;
    if (number == store->plan.slot_count)
        return SW_NO_SPACE;
    *out_slot = number;
    *out_generation = generation_next(store);
    return slots_grow(store, number + 1);
}

void slot_open(struct store *store, uint32_t number, uint32_t generation, uint32_t principal,
               uint32_t inode, uint32_t flags)
{
    struct slot *slot = &store->slots[number];
    *slot = (struct slot){
        .generation = generation,
        .inode = inode,
        .inode_generation = store->inodes[inode].generation,
        .flags = flags,
        .principal = principal,
    };
    atomic_signal_fence(memory_order_seq_cst); /* a torn slot must not have its check */
    slot->check = slot_check(slot, number);
    store->nodes[inode].opens++;
    store->slots_used++;
}

const struct slot *slot_find(const struct store *store, uint32_t number, uint32_t generation)
{
    if (number >= store->slots_ready)
        return NULL;
    const struct slot *slot = &store->slots[number];
    return slot->flags && slot->generation == generation ? slot : NULL;
}

void slot_close(struct store *store, uint32_t number)
{
    struct slot *slot = &store->slots[number];
    uint32_t inode = slot->inode;
    slot->check = 0;
    atomic_signal_fence(memory_order_seq_cst);
    *slot = (struct slot){ 0 };
    store->slots_used--;
    if (number < store->slot_hint)
        store->slot_hint = number;

    if (--store->nodes[inode].opens > 0 || store->inodes[inode].parent != NONE)
        return;
    uint32_t pages = page_span(store->inodes[inode].size);
    memset(change_inode(store, inode), 0, sizeof(struct inode));
    change_commit(store);
    page_drop(store, inode, 0, pages);
    inode_freed(store, inode);
}
