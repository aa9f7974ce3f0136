/* Recovery: what a predecessor left in vault and arena, checked and repaired; see vault.h.
 *
 * A clean death at any instruction loses nothing that was confirmed. Records that fail their
 * check are dropped one by one; a file whose directory was dropped is put into the root under
 * the name lost.N. */
#include "store.h"
#include <stdatomic.h>
#include <string.h>
#include <swos/protocol.h>

static void replay_journal(struct store *store)
{
    struct journal *journal = store->journal;
    uint64_t commit = journal->commit;
    if (commit == 0)
        return;
    bool good =
        journal->count <= JOURNAL_IMAGES && commit == journal_check(journal) &&
        (journal->answer.id == 0 || journal->answer.check == answer_check(&journal->answer));
    for (uint32_t i = 0; good && i < journal->count; i++)
        good = journal->numbers[i] < store->inodes_ready &&
               journal->images[i].check == inode_check(&journal->images[i], journal->numbers[i]);
    if (good)
        journal_apply(store);
    else
        journal->commit = 0;
}

static bool inode_is_sound(const struct inode *inode, uint32_t number)
{
    return inode->check == inode_check(inode, number) &&
           (inode->kind == SW_FILE_REGULAR || inode->kind == SW_FILE_DIRECTORY) &&
           inode->name_length <= NAME_MAX_BYTES;
}

static void check_inodes(struct store *store, uint64_t now)
{
    for (uint32_t number = 0; number < store->inodes_ready; number++) {
        struct inode *inode = &store->inodes[number];
        if (inode->kind != 0 && !inode_is_sound(inode, number)) {
            memset(inode, 0, sizeof(*inode));
            store->dropped++;
        }
        store->inodes_used += inode->kind != 0;
    }
    const struct inode *root = &store->inodes[ROOT];
    if (root->kind != SW_FILE_DIRECTORY || root->parent != ROOT) {
        store->inodes_used += root->kind == 0;
        store_make_root(store, now);
    }
}

/* Puts an inode whose place in the tree is gone into the root, under a name nobody else has. */
static void adopt(struct store *store, uint32_t number)
{
    struct inode *inode = change_inode(store, number);
    char digits[10];
    int count = 0;
    for (uint32_t rest = number; rest || !count; rest /= 10)
        digits[count++] = (char)('0' + rest % 10);
    memset(inode->name, 0, sizeof(inode->name));
    memcpy(inode->name, "lost.", 5);
    inode->name_length = 5;
    while (count)
        inode->name[inode->name_length++] = (uint8_t)digits[--count];
    inode->parent = ROOT;
    while (name_find(store, ROOT, inode->name, inode->name_length) != NONE &&
           inode->name_length < NAME_MAX_BYTES)
        inode->name[inode->name_length++] = '_';
    change_commit(store);
    store->adopted++;
}

enum reach { UNKNOWN, ON_THE_WAY, REACHES_ROOT };

/* Makes every linked inode reach the root. nodes[].opens serves as mark, 0 before and after. */
static void check_tree(struct store *store)
{
    struct node *nodes = store->nodes;
    nodes[ROOT].opens = REACHES_ROOT;
    for (uint32_t number = 0; number < store->inodes_ready; number++) {
        if (store->inodes[number].kind == 0 || store->inodes[number].parent == NONE)
            continue;
        uint32_t at = number;
        while (nodes[at].opens == UNKNOWN) {
            nodes[at].opens = ON_THE_WAY;
            uint32_t parent = store->inodes[at].parent;
            if (parent >= store->inodes_ready || nodes[parent].opens == ON_THE_WAY ||
                store->inodes[parent].kind != SW_FILE_DIRECTORY ||
                store->inodes[parent].parent == NONE) {
                adopt(store, at);
                break;
            }
            at = parent;
        }
        for (at = number; nodes[at].opens != REACHES_ROOT; at = store->inodes[at].parent)
            nodes[at].opens = REACHES_ROOT;
    }
    for (uint32_t number = 0; number < store->inodes_ready; number++)
        nodes[number].opens = 0;
}

static void enter_names(struct store *store)
{
    for (uint32_t number = ROOT + 1; number < store->inodes_ready; number++) {
        const struct inode *inode = &store->inodes[number];
        if (inode->kind == 0 || inode->parent == NONE)
            continue;
        if (name_find(store, inode->parent, inode->name, inode->name_length) != NONE)
            adopt(store, number);
        inode_linked(store, number);
    }
}

static void check_slots(struct store *store)
{
    for (uint32_t number = 0; number < store->slots_ready; number++) {
        struct slot *slot = &store->slots[number];
        if (slot->flags && slot->check == slot_check(slot, number) &&
            slot->inode < store->inodes_ready && store->inodes[slot->inode].kind != 0 &&
            store->inodes[slot->inode].generation == slot->inode_generation) {
            store->nodes[slot->inode].opens++;
            store->slots_used++;
        } else {
            *slot = (struct slot){ 0 };
        }
    }
}

static void free_orphans(struct store *store)
{
    for (uint32_t number = ROOT + 1; number < store->inodes_ready; number++) {
        if (store->inodes[number].kind == 0 || store->inodes[number].parent != NONE ||
            store->nodes[number].opens > 0)
            continue;
        memset(change_inode(store, number), 0, sizeof(struct inode));
        change_commit(store);
        store->inodes_used--;
    }
}

/* Whether the owner word is one this page may have; tells whose and which. */
static bool owner_is_sound(const struct store *store, uint32_t page, uint64_t owner,
                           uint32_t *out_inode, uint32_t *out_index)
{
    uint32_t inode = owner & ((1u << OWNER_INODE_BITS) - 1);
    uint32_t index = owner >> OWNER_INODE_BITS & ((1u << OWNER_INDEX_BITS) - 1);
    *out_inode = inode;
    *out_index = index;
    return inode < store->inodes_ready && store->inodes[inode].kind == SW_FILE_REGULAR &&
           index < page_span(store->inodes[inode].size) &&
           owner == owner_word(store, page, inode, index) && page_find(store, inode, index) == NONE;
}

static void check_owners(struct store *store)
{
    uint32_t first = 0; /* of a run of pages nobody owns */
    for (uint32_t page = 0; page < store->pages_ready; page++) {
        uint32_t inode, index;
        uint64_t owner = store->owners[page];
        if (!owner_is_sound(store, page, owner, &inode, &index)) {
            store->owners[page] = 0;
            continue;
        }
        page_enter(store, page, inode, index);
        store->used[page / 64] |= 1ull << page % 64;
        store->pages_free--;
        if (first < page)
            store->memory->decommit(AREA_ARENA, (uint64_t)first * SW_PAGE,
                                    (uint64_t)(page - first) * SW_PAGE);
        first = page + 1;
    }
    if (first < store->pages_ready)
        store->memory->decommit(AREA_ARENA, (uint64_t)first * SW_PAGE,
                                (uint64_t)(store->pages_ready - first) * SW_PAGE);
}

/* Bytes behind the end of a file are zero, as everything that extends a file relies on. */
static void zero_tails(struct store *store)
{
    for (uint32_t number = ROOT + 1; number < store->inodes_ready; number++) {
        uint64_t size = store->inodes[number].size;
        if (store->inodes[number].kind != SW_FILE_REGULAR || size % SW_PAGE == 0)
            continue;
        uint32_t page = page_find(store, number, (uint32_t)(size / SW_PAGE));
        if (page != NONE)
            memset((uint8_t *)page_address(store, page) + size % SW_PAGE, 0,
                   SW_PAGE - size % SW_PAGE);
    }
}

/* A counter that fails its check is replaced by the safe extreme: all records are looked at. */
static uint32_t ready_count(_Atomic uint64_t *counter, uint32_t limit)
{
    uint32_t value;
    if (!counter_get(counter, &value) || value > limit) {
        value = limit;
        counter_put(counter, value);
    }
    return value;
}

/* Generations must not come again: without the counter go on behind the highest in use. */
static void check_generation(struct store *store)
{
    uint32_t last;
    if (counter_get(&store->header->generation, &last))
        return;
    last = 0;
    for (uint32_t i = 0; i < store->inodes_ready; i++)
        if (store->inodes[i].kind && store->inodes[i].generation > last)
            last = store->inodes[i].generation;
    for (uint32_t i = 0; i < store->slots_ready; i++)
        if (store->slots[i].generation > last)
            last = store->slots[i].generation;
    counter_put(&store->header->generation, last + (1u << 20));
}

status_t store_recover(struct store *store, uint64_t now)
{
    struct vault_header *header = store->header;
    store->pages_ready = ready_count(&header->pages_ready, store->plan.page_count);
    store->inodes_ready = ready_count(&header->inodes_ready, store->plan.inode_count);
    store->slots_ready = ready_count(&header->slots_ready, store->plan.slot_count);
    status_t status = store_index_ready(store);
    if (status != SW_OK)
        return status;
    replay_journal(store);
    check_generation(store);
    check_inodes(store, now);
    answers_recover(store);
    check_tree(store);
    enter_names(store);
    check_slots(store);
    free_orphans(store);
    check_owners(store);
    zero_tails(store);
    return SW_OK;
}
