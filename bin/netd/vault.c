/* The vault and the kept handles of sockets. See vault.h.
 *
 * Kept slots of the service's job: SLOT_VAULT and, from SLOT_BRANCHES on, jobs whose slots hold jobs
 * (leaves) whose slots hold the handles of 32 sockets each. A leaf is made when the first socket of its
 * range is. */
#include "vault.h"
#include <stdatomic.h>
#include <string.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/start.h>
#include <swos/status.h>

#define MAGIC 0x314c5641444e5753ull /* SWNDAVL1 */
#define VERSION 2u
#define CLOCK_SET 0x5445534b434f4c43ull
#define TRIES 5 /* of a record that netd dies with */

enum { SLOT_VAULT = 0, SLOT_BRANCHES = 1 };

#define PER_LEAF (SW_KEPT_SLOTS / 2)
#define LEAVES (VAULT_SOCKETS / PER_LEAF)
_Static_assert(SLOT_BRANCHES + LEAVES / SW_KEPT_SLOTS <= SW_STATISTICS_SLOT, "branches fit");

struct vault {
    uint64_t magic; /* written last */
    uint32_t version, size;
    uint64_t trying; /* record that is made use of, and in the upper half how often it was begun */
    uint64_t clock;  /* CLOCK_SET: a server has set the clock */
    struct note notes[2];
};
_Static_assert(sizeof(struct vault) <= SW_PAGE, "vault");

#define VAULT_BYTES (SW_PAGE + VAULT_SOCKETS * sizeof(struct record))

static struct vault *vault;
static struct record *records;
static uint64_t died_with; /* `trying` of the predecessor */
static handle_t own_job, leaves[LEAVES];

static void store(uint64_t *word, uint64_t value)
{
    atomic_store_explicit((_Atomic uint64_t *)word, value, memory_order_release);
}

/* ------------------------------------------------------------------ the memory */

status_t vault_open(bool *out_found)
{
    handle_t memory;
    uint64_t size = 0, committed;
    uint32_t sealed;
    void *mapped;

    own_job = sw_start_get("job");
    status_t status = sw_job_kept(own_job, SLOT_VAULT, &memory);
    *out_found = status == SW_OK;
    if (status == SW_OK && (status = sw_memory_info(memory, &size, &committed, &sealed)) == SW_OK &&
        size < VAULT_BYTES) {
        sw_handle_close(memory);
        status = SW_NOT_FOUND;
    }
    if (status == SW_NOT_FOUND &&
        (status = sw_memory_create(sw_page_round(VAULT_BYTES), 0, &memory)) == SW_OK)
        status = sw_job_keep(own_job, SLOT_VAULT, memory);
    if (status == SW_OK)
        status = sw_mapping_map(memory, 0, sw_page_round(VAULT_BYTES), SW_MAP_READ | SW_MAP_WRITE,
                                &mapped);
    if (status != SW_OK)
        return status;
    sw_handle_close(memory);
    vault = mapped;
    records = (struct record *)((uint8_t *)mapped + SW_PAGE);
    died_with = vault->trying;
    if (vault->magic == MAGIC && vault->version == VERSION && vault->size == sizeof(struct record))
        return SW_OK;
    if (vault->magic != 0) {
        /* Records and notes tell for themselves whether they are good. */
        sw_log(SW_LOG_WARNING, "the head of the vault makes no sense and is made anew");
        store(&vault->magic, 0);
        died_with = VAULT_SOCKETS;
    }
    vault->version = VERSION;
    vault->size = sizeof(struct record);
    store(&vault->magic, MAGIC);
    return SW_OK;
}

struct record *vault_record(uint32_t index)
{
    return &records[index];
}

bool vault_try(uint32_t index)
{
    uint32_t count = index == (uint32_t)died_with ? (uint32_t)(died_with >> 32) : 0;

    store(&vault->trying, (uint64_t)(count + 1) << 32 | index);
    return count < TRIES || index == VAULT_SOCKETS;
}

/* ------------------------------------------------------------------ handles */

static handle_t job_below(handle_t parent, uint32_t slot, bool make)
{
    handle_t job;

    if (sw_job_kept(parent, slot, &job) == SW_OK)
        return job;
    if (!make || sw_job_create(parent, &(struct sw_limits){ 0 }, &job) != SW_OK)
        return 0;
    if (sw_job_keep(parent, slot, job) != SW_OK) {
        sw_handle_close(job);
        return 0;
    }
    return job;
}

static handle_t leaf_of(uint32_t index, bool make)
{
    uint32_t leaf = index / PER_LEAF;
    handle_t branch;

    if (leaves[leaf])
        return leaves[leaf];
    if (!(branch = job_below(own_job, SLOT_BRANCHES + leaf / SW_KEPT_SLOTS, make)))
        return 0;
    leaves[leaf] = job_below(branch, leaf % SW_KEPT_SLOTS, make);
    sw_handle_close(branch);
    return leaves[leaf];
}

static uint32_t slot_of(uint32_t index)
{
    return index % PER_LEAF * 2;
}

status_t vault_keep(uint32_t index, handle_t memory, handle_t event)
{
    handle_t leaf = leaf_of(index, true);

    if (!leaf)
        return SW_NO_MEMORY;
    status_t status = sw_job_keep(leaf, slot_of(index), memory);
    if (status == SW_OK && (status = sw_job_keep(leaf, slot_of(index) + 1, event)) != SW_OK)
        sw_job_keep(leaf, slot_of(index), 0);
    return status;
}

status_t vault_keep_memory(uint32_t index, handle_t memory)
{
    handle_t leaf = leaf_of(index, false);

    return leaf ? sw_job_keep(leaf, slot_of(index), memory) : SW_BAD_STATE;
}

void vault_drop_memory(uint32_t index)
{
    handle_t leaf = leaf_of(index, false);

    if (leaf)
        sw_job_keep(leaf, slot_of(index), 0);
}

void vault_drop(uint32_t index)
{
    handle_t leaf = leaf_of(index, false);

    if (leaf) {
        sw_job_keep(leaf, slot_of(index), 0);
        sw_job_keep(leaf, slot_of(index) + 1, 0);
    }
}

void vault_kept(uint32_t index, handle_t *out_memory, handle_t *out_event)
{
    handle_t leaf = leaf_of(index, false);

    *out_memory = *out_event = 0;
    if (leaf) {
        sw_job_kept(leaf, slot_of(index), out_memory);
        sw_job_kept(leaf, slot_of(index) + 1, out_event);
    }
}

uint32_t vault_next(uint32_t index)
{
    while (index < VAULT_SOCKETS && !leaf_of(index, false))
        index = (index / PER_LEAF + 1) * PER_LEAF;
    return index;
}

/* ------------------------------------------------------------------ the note and the clock */

bool vault_clock_is_set(void)
{
    return vault->clock == CLOCK_SET;
}

void vault_clock_put(bool is_set)
{
    store(&vault->clock, is_set ? CLOCK_SET : 0);
}

void vault_note_put(const void *bytes, size_t length)
{
    note_put(vault->notes, bytes, length);
}

bool vault_note_get(void *bytes, size_t length)
{
    return note_get(vault->notes, bytes, length);
}
