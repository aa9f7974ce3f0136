/* The store of tmpfs: inodes, open slots and pages, in memory that outlives the process.
 *
 * Pure but for two callbacks that take and give back memory. Everything beside vault and arena is
 * an index over them, rebuilt at start: page and name hash chains, child and page counts.
 * Memory is committed before it is touched, so that want of it is an answer (NO_SPACE) and not
 * the end of the process. */
#pragma once
#include "vault.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWERS_RECENT 64 /* a power of two */

enum area { AREA_ARENA, AREA_VAULT, AREA_INDEX, AREAS };

struct store_memory {
    status_t (*commit)(enum area area, uint64_t offset, uint64_t size);
    void (*decommit)(enum area area, uint64_t offset, uint64_t size);
};

/* Sizes and places that follow from the size of the arena. */
struct store_plan {
    uint32_t page_count, inode_count, slot_count;
    uint32_t page_buckets, name_buckets; /* powers of two */
    uint64_t size[AREAS];
    uint64_t slots, inodes, owners;                          /* offsets in the vault */
    uint64_t page_heads, name_heads, used, page_next, nodes; /* offsets in the index */
};

/* What is known of an inode beside its record. */
struct node {
    uint32_t name_next; /* inode + 1 in the chain of its name's bucket */
    uint32_t children;
    uint32_t opens;
    uint32_t pages;
};

struct store {
    const struct store_memory *memory;
    struct store_plan plan;
    uint8_t *arena;
    struct vault_header *header;
    struct journal *journal;
    struct answers *answers;
    struct slot *slots;
    struct inode *inodes;
    _Atomic uint64_t *owners;
    uint32_t *page_heads, *page_next; /* arena page + 1 */
    uint32_t *name_heads;             /* inode + 1 */
    uint64_t *used;                   /* bit: arena page is taken */
    struct node *nodes;
    uint32_t pages_ready, inodes_ready, slots_ready;
    uint32_t pages_free, page_hint; /* all pages below the hint are taken */
    uint32_t inodes_used, inode_hint;
    uint32_t slots_used, slot_hint;
    uint32_t change_count;
    struct answer answer;                 /* of the request at work, to go with its change */
    struct answer recent[ANSWERS_RECENT]; /* this process's own, one for each hash */
    bool answers_kept;                    /* a predecessor's answer may be asked for */
    /* of the last recovery */
    uint32_t dropped, adopted;
};

void store_plan(uint64_t arena_bytes, struct store_plan *out_plan);

/* Opens what a predecessor left, repairing it, or makes an empty store. areas[] are the three
 * mappings, plan->size[] long; the index is zeroed. *out_recovered tells which. */
status_t store_open(struct store *store, const struct store_plan *plan, void *const areas[AREAS],
                    const struct store_memory *memory, uint64_t now, bool *out_recovered);

/* Gives back memory of records that are free. */
void store_trim(struct store *store);

/* ---------------------------------------------------------------- changes of inodes */

/* The image of inode `number` in the change being built, as it is now when first asked for. */
struct inode *change_inode(struct store *store, uint32_t number);

/* Carries out the change: all images or none, whatever happens. Cannot fail. */
void change_commit(struct store *store);

/* ---------------------------------------------------------------- answers (answers.c) */

/* A request begins: the next change carries its answer. id 0: it has none, or nobody asks. */
void answer_begin(struct store *store, uint32_t pid, uint64_t id);

/* The change carried the answer. */
void answer_given(struct store *store);

/* What the request came to when it was carried out before, or NULL: it is new. */
const struct answer *answer_find(const struct store *store, uint32_t pid, uint64_t id);

/* The file an answer to an open names, or NONE: it is gone since. */
uint32_t answer_inode(const struct store *store, const struct answer *answer);

/* ---------------------------------------------------------------- inodes and names */

/* A free inode with memory; its number stays free until a change uses it. NO_SPACE. */
status_t inode_allocate(struct store *store, uint32_t *out_number);
uint32_t generation_next(struct store *store);

/* After a change: counts, index and free list follow it. */
void inode_linked(struct store *store, uint32_t number);
void inode_taken(struct store *store);
void inode_freed(struct store *store, uint32_t number);
/* Before the change that takes the name away. */
void inode_unlinking(struct store *store, uint32_t number);

/* The inode of a name in a directory, or NONE. */
uint32_t name_find(const struct store *store, uint32_t directory, const void *name, size_t length);

/* ---------------------------------------------------------------- open slots */

/* The system (0) and root (1). */
static inline bool principal_is_privileged(uint32_t principal)
{
    return principal <= 1;
}

/* A free slot and the generation it will have. QUOTA: the principal has as many already as are
 * free: whatever one has open, there is as much again for the others. The system and root pass.
 * NO_SPACE. */
status_t slot_allocate(struct store *store, uint32_t principal, uint32_t *out_slot,
                       uint32_t *out_generation);
void slot_open(struct store *store, uint32_t number, uint32_t generation, uint32_t principal,
               uint32_t inode, uint32_t flags);
/* The slot of that generation, or NULL. */
const struct slot *slot_find(const struct store *store, uint32_t number, uint32_t generation);
/* Closes it; the last close of an unlinked file frees the file. */
void slot_close(struct store *store, uint32_t number);

/* ---------------------------------------------------------------- pages */

/* The arena page of a file's page, or NONE. */
uint32_t page_find(const struct store *store, uint32_t inode, uint32_t index);

/* Takes up to `wanted` consecutive zeroed pages, from `near` on if that is free. Returns how many,
 * 0 when there is no space or no memory. */
uint32_t page_allocate(struct store *store, uint32_t near, uint32_t wanted, uint32_t *out_first);
void page_attach(struct store *store, uint32_t page, uint32_t inode, uint32_t index);
/* Gives back pages that are attached to nothing. */
void page_release(struct store *store, uint32_t first, uint32_t count);
/* Detaches and gives back a file's pages [from, to). */
void page_drop(struct store *store, uint32_t inode, uint32_t from, uint32_t to);

static inline void *page_address(const struct store *store, uint32_t page)
{
    return store->arena + (uint64_t)page * SW_PAGE;
}

/* Pages of a file of `size` bytes. */
static inline uint32_t page_span(uint64_t size)
{
    return (uint32_t)((size + SW_PAGE - 1) / SW_PAGE);
}

/* ---------------------------------------------------------------- for recovery (recover.c) */

uint64_t mix(uint64_t value);
uint32_t inode_check(const struct inode *inode, uint32_t number);
uint32_t slot_check(const struct slot *slot, uint32_t number);
uint32_t answer_check(const struct answer *answer);
void answers_recover(struct store *store);
uint64_t checksum(const void *bytes, size_t size, uint64_t seed);
uint64_t journal_check(const struct journal *journal);
void journal_apply(struct store *store);
uint64_t owner_word(const struct store *store, uint32_t page, uint32_t inode, uint32_t index);
/* Enters an owned page into the index. */
void page_enter(struct store *store, uint32_t page, uint32_t inode, uint32_t index);
bool counter_get(const _Atomic uint64_t *word, uint32_t *out_value);
void counter_put(_Atomic uint64_t *word, uint32_t value);
/* Commits index memory for everything that is ready. */
status_t store_index_ready(struct store *store);
status_t store_recover(struct store *store, uint64_t now);
/* Writes the root directory into inode 0. */
void store_make_root(struct store *store, uint64_t now);
