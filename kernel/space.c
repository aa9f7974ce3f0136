/* Address spaces: regions, page tables, translations.
 *
 * A space is a sorted list of regions and three levels of tables (1 GiB, 2 MiB, 4 KiB). A region says
 * what may be there; a leaf entry exists only where a page was touched. Bits 55 to 57 of a leaf repeat
 * SW_MAP_*, so that the kernel can check an access without knowing the architecture's bits; they are 0
 * for device pages, which the kernel never touches for a user. Tables go as soon as no region needs
 * them, and are charged to the process's job, like the regions.
 *
 * Nothing is writable and executable: a writable region's object is not sealed, an executable one's
 * is, and sealing needs that no region is writable.
 *
 * Translations: an entry is changed first, then space_flush returns only when no CPU can use the old
 * translation: CPUs that run the space now are flushed (by broadcast if there are others), the rest
 * are marked stale and flush before they run it again. Only then pages and tables are freed. An ASID
 * is never used again before all TLBs were emptied (asid_assign). Big lock. */
#include "process.h"

#define ENTRIES 512u
#define BLOCK (ENTRIES * (uint64_t)PAGE_SIZE) /* what a leaf table covers */
#define GIB (ENTRIES * BLOCK)
#define SOFT_SHIFT 55
#define FLUSH_PAGES 32 /* above it the whole ASID is flushed */
#define AROUND 16      /* pages mapped around a fault at most */
#define AROUND_SPARE 256 /* free pages below which nothing is taken ahead of need */

static struct slab space_slab = { .name = "space", .size = sizeof(struct space) };
static struct slab region_slab = { .name = "region", .size = sizeof(struct region) };
uint64_t space_tables_total;

/* --- ASIDs and translations ------------------------------------------------------------------ */

static uint64_t asid_generation = 1;
static uint32_t asid_next = 1; /* 0 is the empty space's */
static uint16_t asid_kept[CPU_MAX]; /* taken over from the generation before */

static bool asid_is_kept(uint32_t asid)
{
    for (uint32_t i = 0; i < CPU_MAX; i++)
        if (asid_kept[i] == asid)
            return true;
    return false;
}

/* Gives the space an ASID of this generation. When they are used up, all TLBs are emptied and a new
 * generation begins; what is loaded on a CPU then keeps its number for the whole generation, whether
 * it stays loaded or not. */
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
    if (old != space) {
        if (space) {
            if (space->asid_generation != asid_generation)
                asid_assign(space); /* `old` still counts as loaded: its ASID stays its own */
            space->loaded |= bit;
            space->ran |= bit;
        }
        cpu->space = space;
        arch_space_activate(space);
        if (old) {
            old->running &= ~bit;
            old->loaded &= ~bit;
            if (old->dying && !old->loaded)
                process_space_unloaded();
        }
    }
    if (space) {
        space->running |= bit;
        if (space->stale & bit) {
            arch_tlb_flush_asid(space->asid);
            space->stale &= ~bit;
        }
    }
}

/* Ends every use of old translations of a range by the CPUs `now`; the others flush before they come
 * back to the space. See the head. */
static void space_flush_on(struct space *space, vaddr_t start, uint64_t pages, uint32_t now)
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

static void space_flush(struct space *space, vaddr_t start, uint64_t pages)
{
    space_flush_on(space, start, pages, space->running);
}

/* A table goes. An idle CPU that still has the space loaded uses no translation, but may walk on
 * speculation through an upper entry it remembers, into what the page holds by then. */
static void table_flush(struct space *space, vaddr_t address)
{
    space_flush_on(space, address, 1, space->loaded);
}

/* --- tables ---------------------------------------------------------------------------------- */

static status_t table_create(struct space *space, uint64_t *entry)
{
    status_t status = job_charge(space->payer, CHARGE_MEMORY, PAGE_SIZE);
    if (status != SW_OK)
        return status;
    paddr_t table = job_may_take(space->payer) ? page_allocate_zero() : 0;
    if (!table) {
        job_uncharge(space->payer, CHARGE_MEMORY, PAGE_SIZE);
        return SW_NO_MEMORY;
    }
    *entry = arch_table_entry(table);
    space->table_pages++;
    space_tables_total++;
    return SW_OK;
}

static void table_destroy(struct space *space, paddr_t table)
{
    page_free(table);
    job_uncharge(space->payer, CHARGE_MEMORY, PAGE_SIZE);
    space->table_pages--;
    space_tables_total--;
}

static uint64_t *table_pointer(uint64_t entry)
{
    return page_pointer(arch_pte_page(entry));
}

/* The upper entries over an address; NULL where the table they lie in is missing. */
static uint64_t *entry_1(struct space *space, vaddr_t address)
{
    uint64_t *root = page_pointer(space->root);
    return &root[address / GIB];
}

static uint64_t *entry_2(struct space *space, vaddr_t address)
{
    uint64_t entry = *entry_1(space, address);
    return entry & ARCH_PTE_VALID ? &table_pointer(entry)[address / BLOCK % ENTRIES] : NULL;
}

/* The leaf entry of a page; NULL: its table is missing. */
static uint64_t *leaf_find(struct space *space, vaddr_t address)
{
    uint64_t *entry = entry_2(space, address);
    return entry && (*entry & ARCH_PTE_VALID) ? &table_pointer(*entry)[address / PAGE_SIZE % ENTRIES] : NULL;
}

static status_t leaf_create(struct space *space, vaddr_t address, uint64_t **out_leaf)
{
    uint64_t *entry = entry_1(space, address);
    if (!(*entry & ARCH_PTE_VALID)) {
        status_t status = table_create(space, entry);
        if (status != SW_OK)
            return status;
    }
    entry = entry_2(space, address);
    if (!(*entry & ARCH_PTE_VALID)) {
        status_t status = table_create(space, entry);
        if (status != SW_OK)
            return status;
    }
    *out_leaf = &table_pointer(*entry)[address / PAGE_SIZE % ENTRIES];
    return SW_OK;
}

static uint64_t leaf_value(const struct region *region, paddr_t page)
{
    bool device = region->memory->device;
    return arch_pte(page, region->protection, device) | (device ? 0 : (uint64_t)region->protection << SOFT_SHIFT);
}

/* Calls the function for each valid leaf entry of a range, skipping what has no tables. */
static void leaf_each(struct space *space, vaddr_t start, vaddr_t end,
                      void (*act)(struct space *space, uint64_t *leaf, const struct region *region),
                      const struct region *region)
{
    while (start < end) {
        uint64_t *leaf = leaf_find(space, start);
        if (!leaf) {
            uint64_t unit = entry_2(space, start) ? BLOCK : GIB;
            start = (start / unit + 1) * unit;
            continue;
        }
        do {
            if (*leaf & ARCH_PTE_VALID)
                act(space, leaf, region);
            leaf++;
            start += PAGE_SIZE;
        } while (start < end && start % BLOCK);
    }
}

static void leaf_clear(struct space *space, uint64_t *leaf, const struct region *region)
{
    (void)region;
    *leaf = 0;
    space->resident--;
}

static void leaf_protect(struct space *space, uint64_t *leaf, const struct region *region)
{
    if (region->protection)
        *leaf = leaf_value(region, arch_pte_page(*leaf));
    else
        leaf_clear(space, leaf, region);
}

static void range_clear(struct space *space, vaddr_t start, vaddr_t end)
{
    uint64_t before = space->resident;
    leaf_each(space, start, end, leaf_clear, NULL);
    if (space->resident != before)
        space_flush(space, start, (end - start) / PAGE_SIZE);
}

/* Gives back the tables over a range that lie wholly in the hole low..high between regions. */
static void tables_trim(struct space *space, vaddr_t start, vaddr_t end, vaddr_t low, vaddr_t high)
{
    for (vaddr_t at = start / BLOCK * BLOCK; at < end; at += BLOCK) {
        uint64_t *entry = entry_2(space, at);
        if (!entry) {
            at = at / GIB * GIB + GIB - BLOCK;
            continue;
        }
        if (!(*entry & ARCH_PTE_VALID) || at < low || at + BLOCK > high)
            continue;
        paddr_t table = arch_pte_page(*entry);
        *entry = 0;
        table_flush(space, at);
        table_destroy(space, table);
    }
    for (vaddr_t at = start / GIB * GIB; at < end; at += GIB) {
        uint64_t *entry = entry_1(space, at);
        if (!(*entry & ARCH_PTE_VALID) || at < low || at + GIB > high)
            continue;
        paddr_t table = arch_pte_page(*entry);
        *entry = 0;
        table_flush(space, at);
        table_destroy(space, table);
    }
}

/* --- regions --------------------------------------------------------------------------------- */

static vaddr_t region_end(const struct region *region)
{
    return region->start + region->pages * PAGE_SIZE;
}

static struct region *region_at(struct list *link)
{
    return CONTAINER(link, struct region, space_link);
}

/* The first region that ends above the address; NULL: none. */
static struct region *region_from(struct space *space, vaddr_t address)
{
    struct list *at = space->regions.next;
    if (space->recent && space->recent->start <= address)
        at = &space->recent->space_link;
    for (; at != &space->regions; at = at->next)
        if (region_end(region_at(at)) > address)
            return region_at(at);
    return NULL;
}

struct region *space_region(struct space *space, vaddr_t address)
{
    struct region *region = region_from(space, address);
    if (!region || region->start > address)
        return NULL;
    space->recent = region;
    return region;
}

static status_t region_allocate(struct space *space, struct region **out_region)
{
    if (space->region_count == SPACE_REGIONS)
        return SW_QUOTA;
    status_t status = job_charge(space->payer, CHARGE_MEMORY, slab_slot_size(&region_slab));
    if (status != SW_OK)
        return status;
    struct region *region = slab_allocate(&region_slab);
    if (!region) {
        job_uncharge(space->payer, CHARGE_MEMORY, slab_slot_size(&region_slab));
        return SW_NO_MEMORY;
    }
    region->space = space;
    list_init(&region->space_link);
    list_init(&region->memory_link);
    space->region_count++;
    *out_region = region;
    return SW_OK;
}

/* Frees a region's record; it is linked nowhere and references nothing. */
static void region_free(struct space *space, struct region *region)
{
    space->region_count--;
    slab_free(&region_slab, region);
    job_uncharge(space->payer, CHARGE_MEMORY, slab_slot_size(&region_slab));
}

/* Takes the region out of its space and object and frees it. Its pages are unmapped already. */
static void region_destroy(struct region *region)
{
    struct space *space = region->space;
    struct memory *memory = region->memory;
    if (space->recent == region)
        space->recent = NULL;
    list_remove(&region->space_link);
    list_remove(&region->memory_link);
    if (region->protection & SW_MAP_WRITE)
        memory->writable_mappings--;
    region_free(space, region);
    object_put(&memory->object);
}

/* Cuts a region at an address inside it; `upper` is an allocated record for the part above. */
static void region_split(struct region *region, vaddr_t address, struct region *upper)
{
    uint64_t pages = (address - region->start) / PAGE_SIZE;
    upper->memory = region->memory;
    object_get(&upper->memory->object);
    upper->start = address;
    upper->pages = region->pages - pages;
    upper->offset = region->offset + pages;
    upper->protection = region->protection;
    upper->maximum = region->maximum;
    region->pages = pages;
    list_add_head(&region->space_link, &upper->space_link);
    list_add_tail(&upper->memory->regions, &upper->memory_link);
    if (upper->protection & SW_MAP_WRITE)
        upper->memory->writable_mappings++;
}

/* --- life ------------------------------------------------------------------------------------ */

status_t space_create(struct job *payer, struct space **out_space)
{
    uint64_t cost = slab_slot_size(&space_slab) + PAGE_SIZE;
    status_t status = job_charge(payer, CHARGE_MEMORY, cost);
    if (status != SW_OK)
        return status;
    struct space *space = job_may_take(payer) ? slab_allocate(&space_slab) : NULL;
    if (!space)
        goto fail_charge;
    space->root = page_allocate_zero();
    if (!space->root)
        goto fail_space;
    space->payer = payer;
    space->table_pages = 1;
    space->window = SPACE_LOWEST;
    space_tables_total++;
    list_init(&space->regions);
    *out_space = space;
    return SW_OK;
fail_space:
    slab_free(&space_slab, space);
fail_charge:
    job_uncharge(payer, CHARGE_MEMORY, cost);
    return SW_NO_MEMORY;
}

/* No CPU has the space loaded, and its ASID does not come back before all TLBs were emptied: entries
 * need no clearing. */
bool space_destroy_some(struct space *space, uint32_t limit)
{
    ASSERT(!space->loaded);
    while (!list_empty(&space->regions)) {
        if (limit-- == 0)
            return false;
        region_destroy(region_at(space->regions.next));
    }
    uint64_t *root = page_pointer(space->root);
    for (uint32_t i = 0; i < ENTRIES && space->table_pages > 1; i++) {
        if (!(root[i] & ARCH_PTE_VALID))
            continue;
        uint64_t *table = table_pointer(root[i]);
        for (uint32_t j = 0; j < ENTRIES; j++) {
            if (!(table[j] & ARCH_PTE_VALID))
                continue;
            if (limit-- == 0)
                return false;
            table_destroy(space, arch_pte_page(table[j]));
            table[j] = 0;
        }
        table_destroy(space, arch_pte_page(root[i]));
        root[i] = 0;
    }
    page_free(space->root);
    space_tables_total--;
    struct job *payer = space->payer;
    slab_free(&space_slab, space);
    job_uncharge(payer, CHARGE_MEMORY, slab_slot_size(&space_slab) + PAGE_SIZE);
    return true;
}

/* --- mapping --------------------------------------------------------------------------------- */

/* A page-aligned, not empty range of user space. */
static bool range_ok(vaddr_t address, uint64_t size)
{
    return size && (address | size) % PAGE_SIZE == 0 && address >= SPACE_LOWEST && size <= USER_LIMIT &&
           address <= USER_LIMIT - size;
}

static bool protection_ok(uint32_t protection)
{
    return (protection & ~(uint32_t)(SW_MAP_READ | SW_MAP_WRITE | SW_MAP_EXECUTE)) == 0 &&
           (protection & (SW_MAP_WRITE | SW_MAP_EXECUTE)) != (SW_MAP_WRITE | SW_MAP_EXECUTE) &&
           (protection == 0 || (protection & SW_MAP_READ));
}

/* The lowest hole at or above `from` that holds `size` bytes and a page before and behind them. */
static bool hole_find(struct space *space, vaddr_t from, uint64_t size, vaddr_t *out_address)
{
    vaddr_t at = from;
    for (struct list *link = space->regions.next; link != &space->regions; link = link->next) {
        const struct region *region = region_at(link);
        if (region_end(region) + PAGE_SIZE <= at)
            continue;
        if (region->start >= at + size + PAGE_SIZE)
            break;
        at = region_end(region) + PAGE_SIZE;
    }
    if (at > USER_LIMIT || size > USER_LIMIT - at)
        return false;
    *out_address = at;
    return true;
}

status_t space_map(struct space *space, struct memory *memory, vaddr_t address, uint64_t offset, uint64_t size,
                   uint32_t protection, uint32_t maximum, vaddr_t *out_address)
{
    uint64_t bytes = memory->pages * PAGE_SIZE;
    if (!size || (offset | size) % PAGE_SIZE || offset >= bytes || size > bytes - offset ||
        !protection_ok(protection) || (protection & ~maximum))
        return SW_INVALID;
    if (((maximum & SW_MAP_WRITE) && memory->sealed) || ((maximum & SW_MAP_EXECUTE) && !memory->sealed))
        return SW_BAD_STATE;
    struct list *before = &space->regions; /* the new region goes in front of this link */
    if (address) {
        if (!range_ok(address, size))
            return SW_INVALID;
    } else if (size > USER_LIMIT || (!hole_find(space, space->window, size, &address) &&
                                     !hole_find(space, SPACE_LOWEST, size, &address))) {
        return SW_NO_MEMORY;
    }
    struct region *next = region_from(space, address);
    if (next) {
        if (next->start < address + size)
            return SW_EXISTS;
        before = &next->space_link;
    }
    struct region *region;
    status_t status = region_allocate(space, &region);
    if (status != SW_OK)
        return status;
    region->memory = memory;
    object_get(&memory->object);
    region->start = address;
    region->pages = size / PAGE_SIZE;
    region->offset = offset / PAGE_SIZE;
    region->protection = (uint8_t)protection;
    region->maximum = (uint8_t)maximum;
    list_add_tail(before, &region->space_link);
    list_add_tail(&memory->regions, &region->memory_link);
    if (protection & SW_MAP_WRITE)
        memory->writable_mappings++;
    *out_address = address;
    return SW_OK;
}

status_t space_unmap(struct space *space, vaddr_t address, uint64_t size)
{
    if (!range_ok(address, size))
        return SW_INVALID;
    vaddr_t end = address + size;
    struct region *region = region_from(space, address);
    if (!region || region->start >= end)
        return SW_OK;
    if (region->start < address) {
        if (region_end(region) > end) { /* a hole in the middle: the one case that needs memory */
            struct region *upper;
            status_t status = region_allocate(space, &upper);
            if (status != SW_OK)
                return status;
            region_split(region, end, upper);
        }
        range_clear(space, address, region_end(region) < end ? region_end(region) : end);
        region->pages = (address - region->start) / PAGE_SIZE;
        region = region->space_link.next == &space->regions ? NULL : region_at(region->space_link.next);
    }
    while (region && region->start < end) {
        struct region *next =
            region->space_link.next == &space->regions ? NULL : region_at(region->space_link.next);
        vaddr_t stop = region_end(region) < end ? region_end(region) : end;
        range_clear(space, region->start, stop);
        if (stop == region_end(region)) {
            region_destroy(region);
        } else {
            uint64_t pages = (end - region->start) / PAGE_SIZE;
            region->start = end;
            region->offset += pages;
            region->pages -= pages;
        }
        region = next;
    }
    space->recent = NULL;
    struct region *above = region_from(space, address);
    vaddr_t high = above ? above->start : USER_LIMIT, low = 0;
    struct list *link = above ? above->space_link.previous : space->regions.previous;
    if (link != &space->regions)
        low = region_end(region_at(link));
    tables_trim(space, address, end, low, high);
    return SW_OK;
}

status_t space_protect(struct space *space, vaddr_t address, uint64_t size, uint32_t protection)
{
    if (!range_ok(address, size) || !protection_ok(protection))
        return SW_INVALID;
    vaddr_t end = address + size;
    struct region *first = region_from(space, address), *last = NULL;
    vaddr_t at = address;
    for (struct region *region = first; at < end; region = region_at(region->space_link.next)) {
        if (!region || &region->space_link == &space->regions || region->start > at)
            return SW_NOT_FOUND;
        if (protection & ~region->maximum)
            return SW_ACCESS;
        at = region_end(region);
        last = region;
    }
    struct region *lower = NULL, *upper = NULL;
    status_t status = SW_OK;
    if (first->start < address)
        status = region_allocate(space, &lower);
    if (status == SW_OK && region_end(last) > end)
        status = region_allocate(space, &upper);
    if (status != SW_OK) {
        if (lower)
            region_free(space, lower);
        return status;
    }
    if (upper)
        region_split(last, end, upper);
    if (lower) {
        region_split(first, address, lower);
        first = lower;
    }
    for (struct list *link = &first->space_link; link != &space->regions; link = link->next) {
        struct region *region = region_at(link);
        if (region->start >= end)
            break;
        struct memory *memory = region->memory;
        memory->writable_mappings -= (region->protection & SW_MAP_WRITE) != 0;
        memory->writable_mappings += (protection & SW_MAP_WRITE) != 0;
        region->protection = (uint8_t)protection;
        leaf_each(space, region->start, region_end(region), leaf_protect, region);
    }
    space_flush(space, address, size / PAGE_SIZE);
    return SW_OK;
}

void space_revoke(struct memory *memory, uint64_t offset, uint64_t pages)
{
    list_for_each(at, &memory->regions) {
        struct region *region = CONTAINER(at, struct region, memory_link);
        uint64_t from = offset > region->offset ? offset : region->offset;
        uint64_t to = offset + pages < region->offset + region->pages ? offset + pages : region->offset + region->pages;
        if (from >= to)
            continue;
        vaddr_t start = region->start + (from - region->offset) * PAGE_SIZE;
        range_clear(region->space, start, start + (to - from) * PAGE_SIZE);
    }
}

/* --- touching -------------------------------------------------------------------------------- */

/* Writes a leaf entry. An entry that was there (its protection changed meanwhile, or a CPU used an
 * old translation) is flushed. */
static void leaf_set(struct space *space, const struct region *region, uint64_t *leaf, vaddr_t address, paddr_t page)
{
    bool was_valid = *leaf & ARCH_PTE_VALID;
    *leaf = leaf_value(region, page);
    if (was_valid)
        space_flush(space, address, 1);
    else
        space->resident++;
}

/* Maps what is near a page that was just mapped: of shared or constant content the present pages of
 * the aligned window around it; of private memory that is touched upwards as many pages ahead as are
 * present behind, so that sequential use doubles its stride and a single touch takes a single page. */
static void fault_around(struct space *space, const struct region *region, vaddr_t address, uint64_t *leaf)
{
    struct memory *memory = region->memory;
    uint64_t index = region->offset + (address - region->start) / PAGE_SIZE;
    bool constant = memory->fixed || memory->sealed;
    uint64_t below = (address - region->start) / PAGE_SIZE, above = region->pages - below - 1;
    uint64_t slot = address / PAGE_SIZE % ENTRIES; /* stay inside the leaf table */
    below = below < slot ? below : slot;
    above = above < ENTRIES - 1 - slot ? above : ENTRIES - 1 - slot;
    uint64_t window = slot % AROUND, value = leaf_value(region, 0);
    paddr_t page;
    if (constant) {
        below = below < window ? below : window;
        above = above < AROUND - 1 - window ? above : AROUND - 1 - window;
    } else {
        uint64_t present = 0;
        while (present < below && present < AROUND && (leaf[-1 - (int64_t)present] & ARCH_PTE_VALID))
            present++;
        below = 0;
        uint64_t ahead = present ? present - 1 : 0;
        above = above < ahead ? above : ahead;
        if (page_free_count < AROUND_SPARE)
            above = 0;
    }
    for (uint64_t i = 1; i <= below; i++) {
        if (leaf[-(int64_t)i] & ARCH_PTE_VALID)
            continue;
        memory_page(memory, index - i, false, &page);
        if (page) {
            leaf[-(int64_t)i] = value | page;
            space->resident++;
        }
    }
    for (uint64_t i = 1; i <= above; i++) {
        if (leaf[i] & ARCH_PTE_VALID)
            continue;
        if (memory_page(memory, index + i, !constant, &page) != SW_OK)
            return;
        if (page) {
            leaf[i] = value | page;
            space->resident++;
        }
    }
}

status_t space_fault(struct space *space, vaddr_t address, uint32_t access)
{
    struct region *region = space_region(space, address);
    if (!region)
        return SW_FAULT;
    if (!(region->protection & access))
        return SW_ACCESS;
    address = address / PAGE_SIZE * PAGE_SIZE;
    uint64_t *leaf;
    if (leaf_create(space, address, &leaf) != SW_OK)
        return SW_NO_MEMORY; /* RAM or quota: no touch can go on */
    struct memory *memory = region->memory;
    uint64_t index = region->offset + (address - region->start) / PAGE_SIZE;
    paddr_t page;
    status_t status = memory_page(memory, index, true, &page);
    if (status != SW_OK)
        return status;
    leaf_set(space, region, leaf, address, page);
    if (!memory->device)
        fault_around(space, region, address, leaf);
    arch_tables_sync();
    return SW_OK;
}

status_t space_populate(struct space *space, vaddr_t address, uint64_t size)
{
    if (!range_ok(address, size))
        return SW_INVALID;
    for (uint64_t at = address; at < address + size; at += PAGE_SIZE) {
        const struct region *region = space_region(space, at);
        if (!region || !region->protection)
            continue;
        paddr_t page;
        memory_page(region->memory, region->offset + (at - region->start) / PAGE_SIZE, false, &page);
        if (!page)
            continue;
        uint64_t *leaf;
        status_t status = leaf_create(space, at, &leaf);
        if (status != SW_OK)
            return status;
        if (!(*leaf & ARCH_PTE_VALID))
            leaf_set(space, region, leaf, at, page);
    }
    arch_tables_sync();
    return SW_OK;
}

/* The kernel pointer a leaf entry leads to, if it allows the access; NULL: it does not. */
static inline void *leaf_pointer(struct space *space, vaddr_t address, uint32_t access)
{
    const uint64_t *leaf = leaf_find(space, address);
    if (!leaf || !(*leaf >> SOFT_SHIFT & access))
        return NULL;
    return (char *)page_pointer(arch_pte_page(*leaf)) + address % PAGE_SIZE;
}

static COLD status_t pointer_fault(struct space *space, vaddr_t address, uint32_t access, void **out_pointer)
{
    status_t status = space_fault(space, address, access);
    if (status != SW_OK)
        return status;
    *out_pointer = leaf_pointer(space, address, access);
    return *out_pointer ? SW_OK : SW_FAULT; /* a device page */
}

status_t space_pointer(struct space *space, vaddr_t address, uint32_t access, void **out_pointer)
{
    if (address >= USER_LIMIT || space->dying) /* its entries outlive what they lead to */
        return SW_FAULT;
    void *pointer = leaf_pointer(space, address, access);
    if (!pointer)
        return pointer_fault(space, address, access, out_pointer);
    *out_pointer = pointer;
    return SW_OK;
}
