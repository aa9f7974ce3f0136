/* ASIDs, the space a CPU has loaded, and the end of old translations.
 *
 * space_flush_on returns only when no CPU can use a translation of before: CPUs that run the space
 * now are flushed (by broadcast if there are others), the rest are marked stale and flush before
 * they run it again. An ASID is never used again before all TLBs were emptied (asid_assign). Big
 * lock. */
#include "process.h"

#define FLUSH_PAGES 32 /* above it the whole ASID is flushed */

static uint64_t asid_generation = 1;
static uint32_t asid_next = 1;      /* 0 is the empty space's */
static uint16_t asid_kept[CPU_MAX]; /* taken over from the generation before */

static bool asid_is_kept(uint32_t asid)
{
    for (uint32_t i = 0; i < CPU_MAX; i++)
        if (asid_kept[i] == asid)
            return true;
    return false;
}

/* Gives the space an ASID of this generation. When they are used up, all TLBs are emptied and a new
 * generation begins; what is loaded on a CPU then keeps its number for the whole generation,
 * whether it stays loaded or not. */
static COLD void asid_assign(struct space *space)
{
    uint32_t count = arch_asid_count() ? arch_asid_count() : 65536; /* 16 bits hold no 65536 */
    do {
        if (asid_next >= count) {
            asid_generation++;
            asid_next = 1;
            arch_tlb_flush_all_shared();
            for (uint32_t i = 0; i < CPU_MAX; i++) {
                asid_kept[i] = cpus[i].space ? cpus[i].space->asid : 0;
                if (cpus[i].space)
                    cpus[i].space->asid_generation = asid_generation;
            }
        }
        space->asid = (uint16_t)asid_next++;
    } while (asid_is_kept(space->asid));
    space->asid_generation = asid_generation;
    space->ran = space->stale = 0;
}

void space_enter(struct space *space)
{
    struct cpu *cpu = cpu_this();
    uint32_t bit = 1u << cpu->number;
    struct space *old = cpu->space;
    if (space && old != space) {
        if (space->asid_generation != asid_generation)
            asid_assign(space); /* `old` still counts as loaded: its ASID stays its own */
        space->loaded |= bit;
        space->ran |= bit;
    }
    if (space) {
        space->running |= bit;
        /* Not after it is loaded: from then on the CPU may walk on speculation, through an upper
         * entry it remembers of a table that is gone (table_flush). */
        if (space->stale & bit) {
            arch_tlb_flush_asid(space->asid);
            space->stale &= ~bit;
        }
    }
    if (old != space) {
        cpu->space = space;
        arch_space_activate(space);
        if (old) {
            old->running &= ~bit;
            old->loaded &= ~bit;
            if (old->dying && !old->loaded)
                process_space_unloaded();
        }
    }
}

/* Ends every use of old translations of a range by the CPUs `now`; the others flush before they
 * come back to the space. See the head. */
void space_flush_on(struct space *space, vaddr_t start, uint64_t pages, uint32_t now)
{
    if (space->asid_generation != asid_generation || !space->ran)
        return;
    uint32_t self = 1u << cpu_this()->number;
    bool shared = now & ~self;
    if (shared && pages > FLUSH_PAGES) {
        arch_tlb_flush_asid_shared(space->asid);
    } else if (shared) {
        for (uint64_t i = 0; i < pages; i++)
            arch_tlb_flush_page_shared(space->asid, start + i * PAGE_SIZE);
    } else if (!(space->loaded & self)) {
        space->stale |= space->ran;
    } else {
        if (pages > FLUSH_PAGES)
            arch_tlb_flush_asid(space->asid);
        else
            for (uint64_t i = 0; i < pages; i++)
                arch_tlb_flush_page(space->asid, start + i * PAGE_SIZE);
        space->stale |= space->ran & ~self;
    }
}
