/* Address spaces: regions, page tables, translations.
 *
 * A space is an ordered set of regions (region_tree.c) and three levels of tables (1 GiB, 2 MiB,
 * 4 KiB). A region says what may be there; a leaf entry exists only where a page was touched. Bits
 * 55 to 57 of a leaf repeat SW_MAP_*, so that the kernel can check an access without knowing the
 * architecture's bits; they are 0 for device pages, which the kernel never touches for a user.
 *
 * Charges: table_slots, charged to the process's job, is the number of distinct 2 MiB and 1 GiB
 * slots in which some region lies: the tables the space can ever need, shared ones once. The root
 * comes on top. A table exists only in such a slot, so taking one can fail for want of RAM only,
 * never for quota. Each change of a region counts what its neighbours leave to it (tables_between).
 *
 * Long work: a huge range loses its translations by the table, upper tables first, so that a few
 * thousand steps do for any range; the tables that came off are looked through and given back in
 * slices of the same system call (tables_reap), regions changed in slices of SLICE_REGIONS. A
 * translation that is gone is missed by nobody: the next touch brings it back.
 *
 * Nothing is writable and executable: a writable region's object is not sealed, an executable one's
 * is, and sealing needs that no region is writable.
 *
 * An entry is changed first, then space_flush ends the use of the old translation (space_flush.c);
 * only then pages and tables are freed. Big lock. */
#include "process.h"

#define ENTRIES 512u
#define BLOCK (ENTRIES * (uint64_t)PAGE_SIZE) /* what a leaf table covers */
#define GIB (ENTRIES * BLOCK)
#define SOFT_SHIFT 55
#define SLICE_REGIONS 128 /* regions changed in one go */
#define SLICE_TABLES 8    /* tables looked through in one go */
#define EACH_PAGES                                                                                 \
    4096                 /* a range of more loses its translations instead of having them changed  \
                          */
#define SCAN_COST 8      /* a table looked through, in tables given back */
#define AROUND 16        /* pages mapped around a fault at most */
#define AROUND_SPARE 256 /* free pages below which nothing is taken ahead of need */

static struct slab space_slab = { .name = "space", .size = sizeof(struct space) };
static struct slab region_slab = { .name = "region", .size = sizeof(struct region) };
uint64_t space_tables_total;

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
    paddr_t table = job_may_take(space->payer) ? page_allocate_zero() : 0;
    if (!table)
        return SW_NO_MEMORY;
    arch_page_filled(); /* another CPU may walk here at once: zeros, not what the page held before */
    *entry = arch_table_entry(table);
    space->table_pages++;
    space_tables_total++;
    return SW_OK;
}

static void table_destroy(struct space *space, paddr_t table)
{
    page_free(table);
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
    return entry && (*entry & ARCH_PTE_VALID)
               ? &table_pointer(*entry)[address / PAGE_SIZE % ENTRIES]
               : NULL;
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
    return arch_pte(page, region->protection, device) |
           (device ? 0 : (uint64_t)region->protection << SOFT_SHIFT);
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

/* Takes a table out of the tree with all that it maps. It is not freed here, but chained by its
 * first entry, which stays invalid for a CPU that still walks it. */
static void leaves_detach(struct space *space, uint64_t *entry)
{
    uint64_t *table = table_pointer(*entry);
    space->resident -= table[0] & ARCH_PTE_VALID;
    table[0] = space->old_leaves;
    space->old_leaves = arch_pte_page(*entry);
    *entry = 0;
}

static void middle_detach(struct space *space, uint64_t *entry)
{
    uint64_t *table = table_pointer(*entry);
    if (table[0] & ARCH_PTE_VALID)
        leaves_detach(space, &table[0]);
    table[0] = space->old_middles;
    space->old_middles = arch_pte_page(*entry);
    *entry = 0;
}

/* Gives back at most `limit` of the tables that were taken out, which no CPU walks any more. True:
 * none is left. Until then `resident` counts what they mapped. */
static bool tables_reap(struct space *space, uint32_t limit)
{
    while (space->old_leaves || space->old_middles) {
        if (limit-- == 0)
            return false;
        paddr_t *chain = space->old_leaves ? &space->old_leaves : &space->old_middles;
        bool middle = chain == &space->old_middles;
        paddr_t table = *chain;
        uint64_t *entries = page_pointer(table);
        *chain = entries[0];
        for (uint32_t i = 1; i < ENTRIES; i++) {
            if (!middle)
                space->resident -= entries[i] & ARCH_PTE_VALID;
            else if (entries[i] & ARCH_PTE_VALID)
                leaves_detach(space, &entries[i]);
        }
        table_destroy(space, table);
    }
    return true;
}

/* Takes away the translations of a range: tables that lie wholly in it come off, of others the
 * entries are cleared. */
static void translations_drop(struct space *space, vaddr_t start, vaddr_t end)
{
    uint64_t before = space->resident;
    bool detached = false;
    vaddr_t stop;
    for (vaddr_t at = start; at < end; at = stop) {
        uint64_t *entry = entry_1(space, at);
        uint64_t unit = GIB;
        if ((*entry & ARCH_PTE_VALID) && (at % GIB || end - at < GIB)) {
            entry = entry_2(space, at);
            unit = BLOCK;
        }
        stop = (at / unit + 1) * unit;
        stop = stop < end ? stop : end;
        if (!(*entry & ARCH_PTE_VALID))
            continue;
        if (unit == BLOCK && stop - at < BLOCK) {
            leaf_each(space, at, stop, leaf_clear, NULL);
            continue;
        }
        detached = true;
        if (unit == GIB)
            middle_detach(space, entry);
        else
            leaves_detach(space, entry);
    }
    if (detached) /* walks of idle CPUs too: see table_flush */
        space_flush_on(space, start, (end - start) / PAGE_SIZE, space->loaded);
    else if (space->resident != before)
        space_flush(space, start, (end - start) / PAGE_SIZE);
}

/* How many slots of a size a range lies in that neither what ends at `low` (0: nothing) nor what
 * starts at `high` lies in. */
static uint64_t slots_between(vaddr_t low, vaddr_t start, vaddr_t end, vaddr_t high, uint64_t unit)
{
    uint64_t first = start / unit, stop = (end - 1) / unit + 1;
    if (low && (low - 1) / unit == first)
        first++;
    if (high / unit == stop - 1)
        stop--;
    return stop > first ? stop - first : 0;
}

/* How many tables a range needs for itself between its neighbours. */
static uint64_t tables_between(vaddr_t low, vaddr_t start, vaddr_t end, vaddr_t high)
{
    return slots_between(low, start, end, high, BLOCK) + slots_between(low, start, end, high, GIB);
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

/* The first region that ends above the address; NULL: none. Tried first: the one found last. */
static struct region *region_from(struct space *space, vaddr_t address)
{
    struct region *recent = space->recent;
    if (recent && recent->start <= address && region_end(recent) > address)
        return recent;
    return region_above(space, address);
}

struct region *space_region(struct space *space, vaddr_t address)
{
    struct region *region = region_from(space, address);
    if (!region || region->start > address)
        return NULL;
    space->recent = region;
    return region;
}

/* The record of a region, and the charge for it and for tables. */
static status_t region_allocate(struct space *space, uint64_t tables, struct region **out_region)
{
    uint64_t cost = slab_slot_size(&region_slab) + tables * PAGE_SIZE;
    if (space->region_count == SPACE_REGIONS)
        return SW_QUOTA;
    status_t status = job_charge(space->payer, CHARGE_MEMORY, cost);
    if (status != SW_OK)
        return status;
    struct region *region = slab_allocate(&region_slab, space->payer);
    if (!region) {
        job_uncharge(space->payer, CHARGE_MEMORY, cost);
        return SW_NO_MEMORY;
    }
    region->space = space;
    list_init(&region->space_link);
    list_init(&region->memory_link);
    space->region_count++;
    space->table_slots += tables;
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

/* Frees a region that left its space; its pages are unmapped already. */
static void region_destroy(struct region *region)
{
    struct memory *memory = region->memory;
    list_remove(&region->memory_link);
    memory->mappings--;
    if (region->protection & SW_MAP_WRITE)
        memory->writable_mappings--;
    memory->counting -= region->counts;
    region_free(region->space, region);
    object_put(&memory->object);
}

/* Cuts a region at an address inside it; `upper` is an allocated record for the part above. */
static void region_split(struct region *region, vaddr_t address, struct region *upper)
{
    uint64_t pages = (address - region->start) / PAGE_SIZE;
    struct memory *memory = upper->memory = region->memory;
    object_get(&memory->object);
    upper->start = address;
    upper->pages = region->pages - pages;
    upper->offset = region->offset + pages;
    upper->protection = region->protection;
    upper->maximum = region->maximum;
    upper->counts = region->counts;
    region->pages = pages;
    region_link(upper, region_next(region));
    list_add_head(&region->memory_link, &upper->memory_link);
    memory->mappings++;
    if (memory->leaving.pages) /* the part above may still have to be looked at, as the one below */
        memory->leaving.mappings++;
    if (upper->protection & SW_MAP_WRITE)
        memory->writable_mappings++;
    memory->counting += upper->counts;
}

/* What a seal has left of what memory_protect may restore. */
static uint32_t region_maximum(const struct region *region)
{
    return region->maximum & ~(region->memory->sealed ? (uint32_t)SW_MAP_WRITE : 0);
}

/* Takes a part out of a region: all of it, an end, or the middle, which alone needs memory. */
static status_t region_cut(struct region *region, vaddr_t low, vaddr_t high)
{
    struct space *space = region->space;
    if (low > region->start && high < region_end(region)) {
        struct region *upper;
        status_t status = region_allocate(space, 0, &upper);
        if (status != SW_OK)
            return status;
        region_split(region, high, upper);
    }
    translations_drop(space, low, high);
    const struct region *previous = region_previous(region), *next = region_next(region);
    vaddr_t below = low > region->start ? low : previous ? region_end(previous) : 0;
    vaddr_t above = high < region_end(region) ? high : next ? next->start : USER_LIMIT;
    if (low == region->start && high == region_end(region)) {
        if (space->recent == region)
            space->recent = NULL;
        region_unlink(region);
        region_destroy(region);
    } else {
        uint64_t pages = (high - low) / PAGE_SIZE;
        region->pages -= pages;
        if (low == region->start) {
            region->start = high;
            region->offset += pages;
        }
        region_resized(region);
    }
    uint64_t tables = tables_between(below, low, high, above);
    if (tables) {
        tables_trim(space, low, high, below, above);
        space->table_slots -= tables;
        job_uncharge(space->payer, CHARGE_MEMORY, tables * PAGE_SIZE);
    }
    return SW_OK;
}

/* --- life ------------------------------------------------------------------------------------ */

status_t space_create(struct job *payer, struct space **out_space)
{
    uint64_t cost = slab_slot_size(&space_slab) + PAGE_SIZE;
    status_t status = job_charge(payer, CHARGE_MEMORY, cost);
    if (status != SW_OK)
        return status;
    struct space *space = slab_allocate(&space_slab, payer);
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

/* No CPU has the space loaded, and its ASID does not come back before all TLBs were emptied:
 * entries need no clearing. */
bool space_destroy_some(struct space *space, uint32_t limit)
{
    ASSERT(!space->loaded);
    if (!tables_reap(space, limit / SCAN_COST))
        return false;
    while (
        !list_empty(&space->regions)) { /* nothing is looked up any more: the tree stays behind */
        if (limit-- == 0)
            return false;
        struct region *region = list_first(&space->regions, struct region, space_link);
        list_remove(&region->space_link);
        region_destroy(region);
    }
    uint64_t *root = page_pointer(space->root);
    for (uint32_t i = 0; i < ENTRIES && space->table_pages > 1; i++) {
        if (!(root[i] & ARCH_PTE_VALID))
            continue;
        if (limit < SCAN_COST)
            return false;
        limit -= SCAN_COST;
        uint64_t *table = table_pointer(root[i]);
        /* the root and this one stay until the last */
        for (uint32_t j = 0; j < ENTRIES && space->table_pages > 2; j++) {
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
    uint64_t cost = slab_slot_size(&space_slab) + (1 + space->table_slots) * PAGE_SIZE;
    struct job *payer = space->payer;
    slab_free(&space_slab, space);
    job_uncharge(payer, CHARGE_MEMORY, cost);
    return true;
}

/* --- mapping --------------------------------------------------------------------------------- */

/* A page-aligned, not empty range of user space. */
static bool range_ok(vaddr_t address, uint64_t size)
{
    return size && (address | size) % PAGE_SIZE == 0 && address >= SPACE_LOWEST &&
           size <= USER_LIMIT && address <= USER_LIMIT - size;
}

static bool protection_ok(uint32_t protection)
{
    return (protection & ~(uint32_t)(SW_MAP_READ | SW_MAP_WRITE | SW_MAP_EXECUTE)) == 0 &&
           (protection & (SW_MAP_WRITE | SW_MAP_EXECUTE)) != (SW_MAP_WRITE | SW_MAP_EXECUTE) &&
           (protection == 0 || (protection & SW_MAP_READ));
}

status_t space_map(struct space *space, struct memory *memory, vaddr_t address, uint64_t offset,
                   uint64_t size, uint32_t protection, uint32_t maximum, vaddr_t *out_address)
{
    uint64_t bytes = memory->pages * PAGE_SIZE;
    bool counts = protection & SW_MAP_COMMITTED;

    protection &= ~(uint32_t)SW_MAP_COMMITTED;
    if (!size || (offset | size) % PAGE_SIZE || offset >= bytes || size > bytes - offset ||
        !protection_ok(protection) || (protection & ~maximum))
        return SW_INVALID;
    if (((maximum & SW_MAP_WRITE) && memory->sealed) ||
        ((maximum & SW_MAP_EXECUTE) && !memory->sealed))
        return SW_BAD_STATE;
    if (counts && !memory->fixed && memory->committed != memory->pages)
        return SW_BAD_STATE;
    if (address) {
        if (!range_ok(address, size))
            return SW_INVALID;
    } else if (size > USER_LIMIT || (!region_hole(space, space->window, size, &address) &&
                                     !region_hole(space, SPACE_LOWEST, size, &address))) {
        return SW_NO_MEMORY;
    }
    struct region *next = region_above(space, address);
    if (next && next->start < address + size)
        return SW_EXISTS;
    const struct region *previous = next ? region_previous(next) : region_last(space);
    uint64_t tables = tables_between(previous ? region_end(previous) : 0, address, address + size,
                                     next ? next->start : USER_LIMIT);
    struct region *region;
    status_t status = region_allocate(space, tables, &region);
    if (status != SW_OK)
        return status;
    region->memory = memory;
    object_get(&memory->object);
    region->start = address;
    region->pages = size / PAGE_SIZE;
    region->offset = offset / PAGE_SIZE;
    region->protection = (uint8_t)protection;
    region->maximum = (uint8_t)maximum;
    region->counts = counts;
    region_link(region, next);
    list_add_tail(&memory->regions, &region->memory_link);
    memory->mappings++;
    if (protection & SW_MAP_WRITE)
        memory->writable_mappings++;
    memory->counting += counts;
    *out_address = address;
    return SW_OK;
}

/* Region by region. Only the hole in the middle of a region can fail, and then it is all there is
 * to do; so what is refused has changed nothing, unless another thread maps into the range
 * meanwhile. Where the call has been is not looked at again: what is mapped there since is new. */
status_t space_unmap(struct space *space, vaddr_t address, uint64_t size, uint64_t *done)
{
    if (!range_ok(address, size))
        return SW_INVALID;
    vaddr_t end = address + size;
    struct region *region = region_from(space, address + *done);
    for (uint32_t i = 0; region && region->start < end; i++) {
        vaddr_t low = address + *done, high = region_end(region) < end ? region_end(region) : end;
        low = low > region->start ? low : region->start;
        *done = low - address;
        if (i == SLICE_REGIONS)
            return SYSCALL_RESTART;
        struct region *next = region_next(region);
        status_t status = region_cut(region, low, high);
        if (status != SW_OK)
            return status;
        *done = high - address;
        region = next;
    }
    *done = size;
    return tables_reap(space, SLICE_TABLES) ? SW_OK : SYSCALL_RESTART;
}

/* Everything is checked before anything is changed; the rest of very many regions is then changed
 * in further slices, which end where another thread or a seal has changed a region meanwhile. */
status_t space_protect(struct space *space, vaddr_t address, uint64_t size, uint32_t protection,
                       uint64_t *done)
{
    if (!range_ok(address, size) || !protection_ok(protection))
        return SW_INVALID;
    vaddr_t end = address + size, from = address + *done, at = from;
    if (from == end)
        return tables_reap(space, SLICE_TABLES) ? SW_OK : SYSCALL_RESTART;
    struct region *first = region_from(space, at), *last = NULL;
    for (struct region *region = first; at < end; region = region_next(region)) {
        if (!region || region->start > at)
            return SW_NOT_FOUND;
        if (protection & ~region_maximum(region))
            return SW_ACCESS;
        at = region_end(region);
        last = region;
    }
    struct region *lower = NULL, *upper = NULL;
    status_t status = SW_OK;
    if (first->start < from)
        status = region_allocate(space, 0, &lower);
    if (status == SW_OK && region_end(last) > end)
        status = region_allocate(space, 0, &upper);
    if (status != SW_OK) {
        if (lower)
            region_free(space, lower);
        return status;
    }
    if (upper)
        region_split(last, end, upper);
    if (lower) {
        region_split(first, from, lower);
        first = lower;
    }
    at = from;
    struct region *region = first;
    for (uint32_t i = 0; at < end && i < SLICE_REGIONS; i++, region = region_next(region)) {
        struct memory *memory = region->memory;
        memory->writable_mappings -= (region->protection & SW_MAP_WRITE) != 0;
        memory->writable_mappings += (protection & SW_MAP_WRITE) != 0;
        region->protection = (uint8_t)protection;
        at = region_end(region);
        if (size <= EACH_PAGES * PAGE_SIZE)
            leaf_each(space, region->start, at, leaf_protect, region);
    }
    *done = at - address;
    if (size <= EACH_PAGES * PAGE_SIZE)
        space_flush(space, from, (at - from) / PAGE_SIZE);
    else
        translations_drop(space, from, at);
    return at == end && tables_reap(space, SLICE_TABLES) ? SW_OK : SYSCALL_RESTART;
}

void space_revoke(struct memory *memory, uint64_t offset, uint64_t pages, uint32_t count)
{
    for (; count; count--) {
        struct region *region = list_first(&memory->regions, struct region, memory_link);
        list_remove(&region->memory_link);
        list_add_tail(&memory->regions, &region->memory_link);
        uint64_t from = offset > region->offset ? offset : region->offset;
        uint64_t to = offset + pages < region->offset + region->pages
                          ? offset + pages
                          : region->offset + region->pages;
        if (from >= to)
            continue;
        vaddr_t start = region->start + (from - region->offset) * PAGE_SIZE;
        translations_drop(region->space, start, start + (to - from) * PAGE_SIZE);
    }
}

/* --- touching -------------------------------------------------------------------------------- */

/* Writes a leaf entry. An entry that was there (its protection changed meanwhile, or a CPU used an
 * old translation) is flushed. */
static void leaf_set(struct space *space, const struct region *region, uint64_t *leaf,
                     vaddr_t address, paddr_t page)
{
    bool was_valid = *leaf & ARCH_PTE_VALID;
    *leaf = leaf_value(region, page);
    if (was_valid)
        space_flush(space, address, 1);
    else
        space->resident++;
}

/* Maps what is near a page that was just mapped: of shared or constant content the present pages of
 * the aligned window around it; of private memory that is touched upwards as many pages ahead as
 * are present behind, so that sequential use doubles its stride and a single touch takes a single
 * page. */
static void fault_around(struct space *space, const struct region *region, vaddr_t address,
                         uint64_t *leaf)
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
        while (present < below && present < AROUND &&
               (leaf[-1 - (int64_t)present] & ARCH_PTE_VALID))
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
        return SW_NO_MEMORY; /* of RAM: no touch can go on */
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
        memory_page(region->memory, region->offset + (at - region->start) / PAGE_SIZE, false,
                    &page);
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

static COLD status_t pointer_fault(struct space *space, vaddr_t address, uint32_t access,
                                   void **out_pointer)
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
