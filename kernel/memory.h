/* Physical pages, memory objects and address spaces. All under the big lock.
 *
 * A page belongs to exactly one memory object (or page table, slab, handle table, the kernel),
 * so pages carry no reference counts. A memory object's full size is charged at creation; its
 * pages are taken at first touch (zeroed) or at commit. */
#pragma once
#include "object.h"
#include <arch_inline.h>

/* --- pages (page.c) --- */
extern uint64_t page_total, page_free_count; /* pages managed, pages free */
extern uint64_t
    page_reserve; /* the last free pages, which jobs of the normal band leave to the system's */
void page_init(paddr_t start,
               paddr_t end); /* adds a range of free RAM; called for each hole-free range */
paddr_t page_allocate(void); /* 0: none left. Content undefined */
paddr_t page_allocate_zero(void);
void page_free(paddr_t page);
/* page_pointer(address) and page_address(pointer) lead through the direct map (arch_inline.h). */

/* --- memory objects (obj_memory.c) --- */
#define MEMORY_INLINE 4

struct memory {
    struct object object;
    uint64_t pages;     /* size */
    uint64_t committed; /* pages present */
    bool sealed, fixed,
        device;       /* fixed: pages start at `base` and are never freed; device: register page */
    bool for_clients; /* its pages are not of the reserve, whoever pays */
    uint32_t mappings, writable_mappings; /* regions of it; those mapped writable now */
    uint32_t counting;                    /* regions that count on every page being there */
    uint32_t pins;
    struct list regions; /* struct region.memory_link */
    struct {             /* a decommit under way: see sys_memory_decommit */
        uint64_t first;
        uint32_t pages;    /* 0: none */
        uint32_t mappings; /* the first ones of `regions` may have translations of the pages */
    } leaving;
    paddr_t base;          /* fixed */
    uint64_t cursor;       /* destruction: pages done */
    uint64_t synced;       /* code: pages made visible to instruction fetch, from 0 on */
    struct memory *origin; /* referenced; NULL: none. Sealed: pages are copied from it when taken */
    uint64_t origin_page, origin_bytes; /* where page 0 lies in it, and how much is its */
    uint32_t depth; /* levels of 512-entry tables below `root`, for all but the last pages */
    paddr_t inline_pages[MEMORY_INLINE]; /* the last ones */
    paddr_t root;
};

/* The physical page at an index, taking (zeroed) one when absent and commit is set.
 * *out_page = 0 with SW_OK when absent and !commit. NO_MEMORY. */
status_t memory_page(struct memory *memory, uint64_t index, bool commit, paddr_t *out_page);
status_t memory_create(struct job *payer, uint64_t pages,
                       struct memory **out_memory); /* references = 1 */
/* Fresh pages of the object hold what the origin has from its page `first` on, for `bytes` bytes,
 * zeros behind; NULL: zeros again. Does not change what was taken. The origin's content must not
 * change while it is one. */
void memory_set_origin(struct memory *memory, struct memory *origin, uint64_t first,
                       uint64_t bytes);
/* Pages of tables an object of this size can need: charged with it. */
uint64_t memory_table_pages(uint64_t pages);
extern uint64_t memory_tables_total, memory_committed_total; /* pages of all objects */
/* Wraps physical pages that are never freed (bundle, register pages). */
status_t memory_create_fixed(struct job *payer, paddr_t base, uint64_t pages, bool device,
                             struct memory **out_memory);

/* --- address spaces (space.c, region_tree.c) --- */
struct region {
    struct list space_link; /* by address */
    struct list memory_link;
    struct space *space;
    struct region *parent, *child[2]; /* region_tree.c, as are gap, widest and height */
    struct memory *memory;            /* referenced */
    vaddr_t start;
    uint64_t pages;
    uint64_t offset; /* pages into memory */
    uint64_t gap, widest;
    uint8_t protection, maximum; /* SW_MAP_*: now, and what memory_protect may restore */
    uint8_t height;
    bool counts; /* on every page of the memory: SW_MAP_COMMITTED */
};

struct space {
    paddr_t root; /* level 1 table, 512 entries, 39-bit */
    uint16_t asid;
    uint64_t asid_generation;
    uint32_t running;     /* bit c: CPU c runs in it now */
    uint32_t loaded;      /* bit c: CPU c's TTBR0 holds it (running, or idle since) */
    uint32_t ran;         /* bit c: CPU c may hold translations of the ASID */
    uint32_t stale;       /* bit c: CPU c must flush the ASID before it runs here again */
    bool dying;           /* idle CPUs are to unload it */
    uint32_t table_pages; /* that exist, the root counted */
    uint64_t table_slots; /* charged: see space.c */
    uint64_t resident;    /* pages mapped */
    paddr_t old_leaves, old_middles; /* tables taken out, not yet given back: chained by entry 0 */
    struct job *payer;
    struct list regions;
    struct region *tree;   /* of the same regions, if there are many */
    struct region *recent; /* last one found; NULL: none */
    uint32_t region_count;
    vaddr_t window; /* search start for addresses the kernel chooses */
};

#define SPACE_LOWEST 0x10000ull     /* nothing is mapped below: null pointers fault */
#define SPACE_REGIONS 4096          /* at most: bounds what memory_protect looks at in one go */
extern uint64_t space_tables_total; /* page-table pages of all spaces */

status_t space_create(struct job *payer, struct space **out_space);
/* Unmaps and frees in slices of at most `limit` pages; true when the space is gone. */
bool space_destroy_some(struct space *space, uint32_t limit);
status_t space_map(struct space *space, struct memory *memory, vaddr_t address /* 0: choose */,
                   uint64_t offset, uint64_t size, uint32_t protection, uint32_t maximum,
                   vaddr_t *out_address);
/* Both work in slices: SYSCALL_RESTART asks to be called again with the same arguments and the
 * *done it has noted, 0 at first. */
status_t space_unmap(struct space *space, vaddr_t address, uint64_t size, uint64_t *done);
status_t space_protect(struct space *space, vaddr_t address, uint64_t size, uint32_t protection,
                       uint64_t *done);
/* Resolves a user fault: maps the page (and a few present neighbours). FAULT: not mapped; ACCESS:
 * protection; NO_MEMORY. access is one SW_MAP_* bit. */
status_t space_fault(struct space *space, vaddr_t address, uint32_t access);
/* Kernel pointer to the byte at a user address, page present and access allowed; valid to the end
 * of the page and until the lock is released. */
status_t space_pointer(struct space *space, vaddr_t address, uint32_t access, void **out_pointer);
/* The region at an address; NULL: none. */
struct region *space_region(struct space *space, vaddr_t address);
/* Maps those pages of the range that are present in their objects, so that they do not fault. */
status_t space_populate(struct space *space, vaddr_t address, uint64_t size);
/* Takes the translations of pages of the object away from the first `count` of its mappings, which
 * go to the end of its list. */
void space_revoke(struct memory *memory, uint64_t offset, uint64_t pages, uint32_t count);

/* --- translations (space_flush.c) --- */
/* Makes the space active on this CPU with a valid ASID; NULL: none. Only sched.c and process.c. */
void space_enter(struct space *space);
/* Ends every use of old translations of a range by the CPUs `now`; the others flush before they
 * come back to the space. */
void space_flush_on(struct space *space, vaddr_t start, uint64_t pages, uint32_t now);

/* --- the order of a space's regions (region_tree.c) --- */
static inline vaddr_t region_end(const struct region *region)
{
    return region->start + region->pages * PAGE_SIZE;
}
/* Neighbours by address; NULL: none. */
struct region *region_next(const struct region *region);
struct region *region_previous(const struct region *region);
struct region *region_last(const struct space *space);
/* Puts a region, whose space, start and pages are set and which region_count counts already, in
 * front of `next` (NULL: behind all). */
void region_link(struct region *region, struct region *next);
void region_unlink(struct region *region);
/* Start or size of a linked region changed; its order did not. */
void region_resized(struct region *region);
/* The first region that ends above the address; NULL: none. */
struct region *region_above(const struct space *space, vaddr_t address);
/* The lowest address at or above `from` (at least a page) for `size` bytes and a page free before
 * and behind them. */
bool region_hole(const struct space *space, vaddr_t from, uint64_t size, vaddr_t *out_address);

/* --- copying (copy.c): all-or-nothing is not promised; FAULT, ACCESS shown as FAULT, NO_MEMORY ---
 */
struct process;
status_t copy_from_user(void *to, vaddr_t from, size_t length); /* the calling process */
status_t copy_to_user(vaddr_t to, const void *from, size_t length);
status_t copy_from_process(struct process *process, void *to, vaddr_t from, size_t length);
status_t copy_to_process(struct process *process, vaddr_t to, const void *from, size_t length);
/* What is there already, and may be read, of a process's memory: takes no page and changes no
 * translation. Returns the bytes copied, up to the first page that is not there. */
size_t copy_present(const struct process *process, void *to, vaddr_t from, size_t length);
status_t copy_between(struct process *to_process, vaddr_t to, struct process *from_process,
                      vaddr_t from, size_t length);
