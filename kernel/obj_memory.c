/* Memory objects: a fixed number of zero-filled pages, taken when first needed.
 *
 * The last MEMORY_INLINE pages are listed in the object, so that a small object needs no table, nor
 * a stack of which little is used; the others in a radix tree of table pages, 512 entries each.
 * Size and worst-case tables are charged at creation, so taking a page can only fail for want of
 * RAM. A sealed object never changes again: no writable mapping, no pin, no commit or decommit.
 * Pages are given back in slices (destroy_some). Big lock. */
#include "syscall_handlers.h"

#define TABLE_BITS 9
#define TABLE_ENTRIES 512u
#define DEPTH_MAX 3
#define PAGES_MAX (1ull << TABLE_BITS * DEPTH_MAX)

#define SLICE_PAGES 256    /* pages committed, decommitted or synchronised in one go */
#define SLICE_BYTES 262144 /* bytes copied in one go */
#define SLICE_TABLES 2     /* leaf tables destroyed in one go */
#define SLICE_STEPS 256    /* absent subtrees skipped in one go */
#define SLICE_MAPPINGS 16  /* mappings that a piece of SLICE_PAGES leaves in one go */

#define LEAVING 1ull /* in a slot of the tree: its page is being decommitted */

#define MEMORY_RIGHTS                                                                              \
    (SW_RIGHT_READ | SW_RIGHT_WRITE | SW_RIGHT_MAP | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER |      \
     SW_RIGHT_INSPECT)

uint64_t memory_tables_total, memory_committed_total;

/* --- the tree -------------------------------------------------------------------------------- */

/* How many pages, from 0 on, are listed in the tree. */
static uint64_t tree_pages(uint64_t pages)
{
    return pages > MEMORY_INLINE ? pages - MEMORY_INLINE : 0;
}

static uint32_t depth_for(uint64_t pages)
{
    uint32_t depth = 0;
    for (uint64_t in_tree = tree_pages(pages), reach = 1;
         depth == 0 ? in_tree > 0 : reach < in_tree; depth++)
        reach <<= TABLE_BITS;
    return depth;
}

uint64_t memory_table_pages(uint64_t pages)
{
    uint64_t tables = 0, entries = tree_pages(pages);
    for (uint32_t level = depth_for(pages); level > 0; level--) {
        entries = (entries + TABLE_ENTRIES - 1) / TABLE_ENTRIES;
        tables += entries;
    }
    return tables;
}

/* May a page be taken for the object now? See job_may_take. */
static bool memory_may_take(const struct memory *memory)
{
    return memory->for_clients ? page_free_count > page_reserve
                               : job_may_take(memory->object.payer);
}

/* The entry that names the page at an index. Missing tables are made with create, else NULL. */
static paddr_t *memory_slot(struct memory *memory, uint64_t index, bool create)
{
    uint64_t in_tree = tree_pages(memory->pages);
    if (index >= in_tree)
        return &memory->inline_pages[index - in_tree];
    paddr_t *entry = &memory->root;
    for (uint32_t level = memory->depth; level-- > 0;) {
        if (!*entry) {
            if (!create)
                return NULL;
            *entry = memory_may_take(memory) ? page_allocate_zero() : 0;
            if (!*entry)
                return NULL;
            memory_tables_total++;
        }
        paddr_t *table = page_pointer(*entry);
        entry = &table[index >> TABLE_BITS * level & (TABLE_ENTRIES - 1)];
    }
    return entry;
}

void memory_set_origin(struct memory *memory, struct memory *origin, uint64_t first, uint64_t bytes)
{
    if (memory->origin)
        object_put(&memory->origin->object);
    if (origin)
        object_get(&origin->object);
    memory->origin = origin;
    memory->origin_page = first;
    memory->origin_bytes = bytes;
}

/* A fresh page with what the origin has for the index. 0: no memory. */
static COLD paddr_t page_from_origin(const struct memory *memory, uint64_t index)
{
    uint64_t from = index * PAGE_SIZE;
    uint64_t length = memory->origin_bytes > from ? memory->origin_bytes - from : 0;
    length = length < PAGE_SIZE ? length : PAGE_SIZE;
    paddr_t source = 0;
    if (length)
        memory_page(memory->origin, memory->origin_page + index, false, &source);
    if (!source)
        return page_allocate_zero();
    paddr_t page = page_allocate();
    if (page) {
        memcpy(page_pointer(page), page_pointer(source), length);
        memset((char *)page_pointer(page) + length, 0, PAGE_SIZE - length);
    }
    return page;
}

status_t memory_page(struct memory *memory, uint64_t index, bool commit, paddr_t *out_page)
{
    ASSERT(index < memory->pages);
    *out_page = 0;
    if (memory->fixed) {
        *out_page = memory->base + index * PAGE_SIZE;
        return SW_OK;
    }
    paddr_t *slot = memory_slot(memory, index, commit);
    if (!slot)
        return commit ? SW_NO_MEMORY : SW_OK;
    if (*slot & LEAVING) {
        if (!commit)
            return SW_OK;
        /* Mappings not yet looked at see it too: it stays, with what a fresh page holds. */
        *slot &= ~LEAVING;
        memset(page_pointer(*slot), 0, PAGE_SIZE);
    }
    if (!*slot && commit) {
        if (!memory_may_take(memory))
            return SW_NO_MEMORY;
        paddr_t page = memory->origin ? page_from_origin(memory, index) : page_allocate_zero();
        if (!page)
            return SW_NO_MEMORY;
        if (memory->sealed) /* a hole in what may be code: its zeros are what is to be fetched */
            arch_code_sync(page_pointer(page), PAGE_SIZE);
        arch_page_filled(); /* before any translation of it: what it held was somebody else's */
        *slot = page;
        memory->committed++;
        memory_committed_total++;
    }
    *out_page = *slot;
    return SW_OK;
}

static void memory_drop_page(struct memory *memory, paddr_t *slot)
{
    if (!*slot)
        return;
    page_free(*slot & ~LEAVING);
    *slot = 0;
    memory->committed--;
    memory_committed_total--;
}

/* --- life ------------------------------------------------------------------------------------ */

static uint64_t memory_cost(const struct memory *memory)
{
    return memory->fixed ? 0 : (memory->pages + memory_table_pages(memory->pages)) * PAGE_SIZE;
}

status_t memory_create(struct job *payer, uint64_t pages, struct memory **out_memory)
{
    if (pages == 0 || pages > PAGES_MAX)
        return SW_INVALID;
    uint64_t cost = (pages + memory_table_pages(pages)) * PAGE_SIZE;
    status_t status = job_charge(payer, CHARGE_MEMORY, cost);
    if (status != SW_OK)
        return status;
    struct memory *memory;
    status = object_create(SW_TYPE_MEMORY, payer, (void **)&memory);
    if (status != SW_OK) {
        job_uncharge(payer, CHARGE_MEMORY, cost);
        return status;
    }
    memory->pages = pages;
    memory->depth = depth_for(pages);
    list_init(&memory->regions);
    *out_memory = memory;
    return SW_OK;
}

status_t memory_create_fixed(struct job *payer, paddr_t base, uint64_t pages, bool device,
                             struct memory **out_memory)
{
    struct memory *memory;
    status_t status = object_create(SW_TYPE_MEMORY, payer, (void **)&memory);
    if (status != SW_OK)
        return status;
    memory->pages = pages;
    memory->committed = pages;
    memory->fixed = true;
    memory->device = device;
    memory->base = base;
    list_init(&memory->regions);
    *out_memory = memory;
    return SW_OK;
}

/* The entry that names the level-`level` table over an index (level 1: leaf tables); NULL: its
 * parent is missing. */
static paddr_t *table_entry(struct memory *memory, uint64_t index, uint32_t level)
{
    paddr_t *entry = &memory->root;
    for (uint32_t at = memory->depth; at > level; at--) {
        if (!*entry)
            return NULL;
        paddr_t *table = page_pointer(*entry);
        entry = &table[index >> TABLE_BITS * (at - 1) & (TABLE_ENTRIES - 1)];
    }
    return entry;
}

static void table_free(paddr_t *entry)
{
    if (!entry || !*entry)
        return;
    page_free(*entry);
    *entry = 0;
    memory_tables_total--;
}

static bool memory_destroy_some(struct object *object)
{
    struct memory *memory = CONTAINER(object, struct memory, object);
    if (memory->fixed)
        return true;
    uint64_t in_tree = tree_pages(memory->pages);
    for (uint32_t i = 0; i < MEMORY_INLINE; i++)
        memory_drop_page(memory, &memory->inline_pages[i]);
    uint32_t tables = SLICE_TABLES, steps = SLICE_STEPS;
    while (memory->cursor < in_tree) {
        if (tables == 0 || steps == 0)
            return false;
        uint64_t at = memory->cursor;
        uint32_t level = memory->depth; /* of the first table that is missing, or the leaf's */
        paddr_t *entry = table_entry(memory, at, level);
        while (*entry && level > 1)
            entry = table_entry(memory, at, --level);
        if (*entry) {
            paddr_t *leaf = page_pointer(*entry);
            for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
                memory_drop_page(memory, &leaf[i]);
            table_free(entry);
            tables--;
        } else {
            steps--;
        }
        uint64_t reach = 1ull << TABLE_BITS * level;
        memory->cursor = (at / reach + 1) * reach;
        for (level = 2; level <= memory->depth; level++)
            if (memory->cursor >= in_tree || memory->cursor % (1ull << TABLE_BITS * level) == 0)
                table_free(table_entry(memory, at, level));
    }
    return true;
}

static void memory_destroy(struct object *object)
{
    struct memory *memory = CONTAINER(object, struct memory, object);
    ASSERT(list_empty(&memory->regions) && memory->pins == 0 &&
           (memory->fixed || memory->committed == 0));
    memory_set_origin(memory, NULL, 0, 0);
    if (!memory->fixed)
        job_uncharge(object->payer, CHARGE_MEMORY, memory_cost(memory));
}

const struct object_class class_memory = {
    .name = "memory",
    .size = sizeof(struct memory),
    .destroy_some = memory_destroy_some,
    .destroy = memory_destroy,
    .all_rights = MEMORY_RIGHTS,
};

/* --- system calls ---------------------------------------------------------------------------- */

/* Long ones do a slice, note the progress in wait_done, and are made again (SYSCALL_RESTART). */
static uint64_t progress(const struct thread *thread)
{
    return thread->restart ? thread->wait_done : 0;
}

static status_t go_on(struct thread *thread, uint64_t done)
{
    thread->wait_done = done;
    return SYSCALL_RESTART;
}

/* A page-aligned, not empty range inside the object. */
static bool range_inside(const struct memory *memory, uint64_t offset, uint64_t size)
{
    uint64_t bytes = memory->pages * PAGE_SIZE;
    return size && (offset | size) % PAGE_SIZE == 0 && offset < bytes && size <= bytes - offset;
}

/* Takes a slice of the object's pages from `done` on; SYSCALL_RESTART: there are more. */
static status_t commit_some(struct thread *thread, struct memory *memory, uint64_t first,
                            uint64_t pages, uint64_t done)
{
    for (uint32_t i = 0; done < pages; i++, done++) {
        if (i == SLICE_PAGES)
            return go_on(thread, done);
        paddr_t page;
        status_t status = memory_page(memory, first + done, true, &page);
        if (status != SW_OK)
            return status;
    }
    return SW_OK;
}

/* When committing takes several slices, the object is found again by its handle, which nobody was
 * told yet. Another thread that guesses and closes it gets its process a BAD_HANDLE. */
status_t sys_memory_create(struct thread *thread, uint64_t size, uint32_t flags,
                           uint64_t *out_memory)
{
    struct process *process = thread->process;
    uint64_t done = progress(thread);
    struct handle_entry *entry;
    status_t status;
    if (!done) {
        if (size == 0 || size > PAGES_MAX * PAGE_SIZE ||
            (flags & ~(SW_MEMORY_COMMIT | SW_MEMORY_FOR_CLIENTS)))
            return SW_INVALID;
        struct memory *memory;
        status = memory_create(process->job, ROUND_UP(size, PAGE_SIZE) / PAGE_SIZE, &memory);
        if (status != SW_OK)
            return status;
        memory->for_clients = (flags & SW_MEMORY_FOR_CLIENTS) != 0;
        handle_t handle = 0;
        if ((flags & SW_MEMORY_COMMIT) &&
            memory->pages + memory_table_pages(memory->pages) > page_free_count)
            status = SW_NO_MEMORY;
        else
            status = handle_install(process, &memory->object, MEMORY_RIGHTS, &handle);
        object_put(&memory->object);
        thread->wait_length = *out_memory = handle;
        if (status != SW_OK || !(flags & SW_MEMORY_COMMIT))
            return status;
    }
    status = handle_lookup(process, thread->wait_length, SW_TYPE_MEMORY, SW_RIGHT_WRITE, &entry);
    if (status != SW_OK)
        return status;
    struct memory *memory = CONTAINER(entry->object, struct memory, object);
    *out_memory = thread->wait_length;
    if (memory->sealed)
        return SW_OK;
    status = commit_some(thread, memory, 0, memory->pages, done);
    if (status < 0) {
        handle_close(process, entry);
        *out_memory = 0;
    }
    return status;
}

/* Does a slice of the decommit that is under way; true: it needs more. The pages go when no mapping
 * has a translation of them any more, those excepted that were touched again. */
static bool leave_some(struct memory *memory)
{
    if (!memory->leaving.pages)
        return false;
    uint32_t left = memory->leaving.mappings; /* some may have been unmapped since */
    left = left < memory->mappings ? left : memory->mappings;
    uint32_t count = left < SLICE_MAPPINGS ? left : SLICE_MAPPINGS;
    space_revoke(memory, memory->leaving.first, memory->leaving.pages, count);
    memory->leaving.mappings = left - count;
    if (memory->leaving.mappings)
        return true;
    for (uint64_t i = 0; i < memory->leaving.pages; i++) {
        paddr_t *slot = memory_slot(memory, memory->leaving.first + i, false);
        if (slot && (*slot & LEAVING))
            memory_drop_page(memory, slot);
    }
    memory->leaving.pages = 0;
    return false;
}

status_t sys_memory_map(struct thread *thread, struct memory *memory, uint32_t memory_rights,
                        uint64_t address, uint64_t offset, uint64_t size, uint32_t protection,
                        uint64_t *out_mapped)
{
    const uint32_t flags = protection & SW_MAP_COMMITTED;

    protection &= ~flags;
    if (protection & ~(uint32_t)(SW_MAP_READ | SW_MAP_WRITE | SW_MAP_EXECUTE))
        return SW_INVALID;
    if (((protection & SW_MAP_WRITE) && memory->sealed) ||
        ((protection & SW_MAP_EXECUTE) && !memory->sealed))
        return SW_BAD_STATE;
    /* What may be executed may be seen through a mapping: an interpreter reads its script so. */
    uint32_t maximum = (memory_rights & (SW_RIGHT_READ | SW_RIGHT_EXECUTE) ? SW_MAP_READ : 0) |
                       (memory_rights & SW_RIGHT_WRITE && !memory->sealed ? SW_MAP_WRITE : 0) |
                       (memory_rights & SW_RIGHT_EXECUTE && memory->sealed ? SW_MAP_EXECUTE : 0);
    if (protection & ~maximum)
        return SW_ACCESS;
    if (flags && leave_some(memory)) /* a decommit under way: what it takes is not there any more */
        return SYSCALL_RESTART;
    return space_map(thread->process->space, memory, address, offset, size, protection | flags,
                     maximum, out_mapped);
}

status_t sys_memory_unmap(struct thread *thread, uint64_t address, uint64_t size)
{
    uint64_t done = progress(thread);
    status_t status = space_unmap(thread->process->space, address, size, &done);
    return status == SYSCALL_RESTART ? go_on(thread, done) : status;
}

status_t sys_memory_protect(struct thread *thread, uint64_t address, uint64_t size,
                            uint32_t protection)
{
    uint64_t done = progress(thread);
    status_t status = space_protect(thread->process->space, address, size, protection, &done);
    return status == SYSCALL_RESTART ? go_on(thread, done) : status;
}

/* A sealed object has no page in between: a decommit that is under way is finished first. */
status_t sys_memory_seal(struct thread *thread, struct memory *memory, uint32_t memory_rights)
{
    (void)thread;
    (void)memory_rights;
    if (memory->sealed || memory->device)
        return SW_BAD_STATE;
    if (memory->writable_mappings || memory->pins)
        return SW_BUSY;
    if (leave_some(memory))
        return SYSCALL_RESTART;
    memory->sealed = true;
    return SW_OK;
}

/* Only here code becomes executable, so here what was written is made visible to instruction fetch.
 * Pages taken later are zero and synchronised when they are taken. */
status_t sys_memory_mint(struct thread *thread, struct job *authority, struct memory *memory,
                         uint32_t memory_rights, uint64_t *out_executable)
{
    (void)authority; /* its MINT_CODE right was checked */
    if (!memory->sealed)
        return SW_BAD_STATE;
    for (uint32_t i = 0; memory->synced < memory->pages; i++) {
        if (i == SLICE_PAGES)
            return SYSCALL_RESTART;
        paddr_t page;
        memory_page(memory, memory->synced++, false, &page);
        if (page)
            arch_code_sync(page_pointer(page), PAGE_SIZE);
    }
    handle_t handle = 0;
    uint32_t rights = (memory_rights | SW_RIGHT_EXECUTE) & ~(uint32_t)SW_RIGHT_WRITE;
    status_t status = handle_install(thread->process, &memory->object, rights, &handle);
    *out_executable = handle;
    return status;
}

status_t sys_memory_commit(struct thread *thread, struct memory *memory, uint32_t memory_rights,
                           uint64_t offset, uint64_t size)
{
    (void)memory_rights;
    if (!range_inside(memory, offset, size))
        return SW_INVALID;
    if (memory->sealed)
        return SW_BAD_STATE;
    return commit_some(thread, memory, offset / PAGE_SIZE, size / PAGE_SIZE, progress(thread));
}

/* No page is free while a translation leads to it. Of an object with many mappings the pages of a
 * piece are marked, leave one slice of mappings after the other, and are then freed. Whoever
 * touches a marked one through a mapping that is done keeps it, zeroed: as if he had come after.
 * One piece is under way at a time; who finds another's helps it to its end, whatever became of the
 * caller. */
status_t sys_memory_decommit(struct thread *thread, struct memory *memory, uint32_t memory_rights,
                             uint64_t offset, uint64_t size)
{
    (void)memory_rights;
    if (!range_inside(memory, offset, size))
        return SW_INVALID;
    if (memory->sealed || memory->fixed)
        return SW_BAD_STATE;
    if (memory->pins || memory->counting)
        return SW_BUSY;
    uint64_t first = offset / PAGE_SIZE, pages = size / PAGE_SIZE;
    uint64_t done = progress(thread);
    if (leave_some(memory))
        return go_on(thread, done);
    while (done < pages) {
        uint64_t piece = pages - done < SLICE_PAGES ? pages - done : SLICE_PAGES;
        bool at_once = memory->mappings <= SLICE_MAPPINGS;
        if (at_once)
            space_revoke(memory, first + done, piece, memory->mappings);
        for (uint64_t i = 0; i < piece; i++) {
            paddr_t *slot = memory_slot(memory, first + done + i, false);
            if (slot && at_once)
                memory_drop_page(memory, slot);
            else if (slot && *slot)
                *slot |= LEAVING;
        }
        if (!at_once) {
            memory->leaving.first = first + done;
            memory->leaving.pages = (uint32_t)piece;
            memory->leaving.mappings = memory->mappings;
        }
        done += piece;
        if (done < pages || !at_once)
            return go_on(thread, done);
    }
    return SW_OK;
}

status_t sys_memory_info(struct thread *thread, struct memory *memory, uint32_t memory_rights,
                         uint64_t *out_size, uint64_t *out_committed, uint64_t *out_sealed)
{
    (void)thread;
    (void)memory_rights;
    *out_size = memory->pages * PAGE_SIZE;
    *out_committed = memory->committed * PAGE_SIZE;
    *out_sealed = memory->sealed;
    return SW_OK;
}

status_t sys_memory_users(struct thread *thread, struct memory *memory, uint32_t memory_rights,
                          uint64_t *out_holders, uint64_t *out_others)
{
    (void)thread;
    (void)memory_rights;
    *out_holders = memory->object.handles;
    *out_others = memory->object.references - 1; /* that one is the handles' */
    return SW_OK;
}

static bool bytes_inside(const struct memory *memory, uint64_t offset, uint64_t length)
{
    uint64_t bytes = memory->pages * PAGE_SIZE;
    return offset <= bytes && length <= bytes - offset;
}

status_t sys_memory_read(struct thread *thread, struct memory *memory, uint32_t memory_rights,
                         uint64_t offset, vaddr_t buffer, uint64_t length, uint64_t *out_done)
{
    static const char zeros[PAGE_SIZE];
    (void)memory_rights;
    if (!bytes_inside(memory, offset, length))
        return SW_OUT_OF_RANGE;
    if (memory->device)
        return SW_ACCESS;
    uint64_t done = progress(thread), stop = done + SLICE_BYTES;
    while (done < length) {
        if (done >= stop)
            return go_on(thread, done);
        uint64_t at = offset + done, room = PAGE_SIZE - at % PAGE_SIZE;
        uint64_t piece = length - done < room ? length - done : room;
        paddr_t page;
        memory_page(memory, at / PAGE_SIZE, false, &page);
        const char *from = page ? (const char *)page_pointer(page) + at % PAGE_SIZE : zeros;
        status_t status = copy_to_user(buffer + done, from, piece);
        if (status != SW_OK)
            return status;
        done += piece;
    }
    *out_done = done;
    return SW_OK;
}

status_t sys_memory_write(struct thread *thread, struct memory *memory, uint32_t memory_rights,
                          uint64_t offset, vaddr_t buffer, uint64_t length, uint64_t *out_done)
{
    (void)memory_rights;
    if (!bytes_inside(memory, offset, length))
        return SW_OUT_OF_RANGE;
    if (memory->sealed || memory->device)
        return SW_BAD_STATE;
    uint64_t done = progress(thread), stop = done + SLICE_BYTES;
    while (done < length) {
        if (done >= stop)
            return go_on(thread, done);
        uint64_t at = offset + done, room = PAGE_SIZE - at % PAGE_SIZE;
        uint64_t piece = length - done < room ? length - done : room;
        paddr_t page;
        status_t status = memory_page(memory, at / PAGE_SIZE, true, &page);
        if (status == SW_OK)
            status =
                copy_from_user((char *)page_pointer(page) + at % PAGE_SIZE, buffer + done, piece);
        if (status != SW_OK)
            return status;
        done += piece;
    }
    *out_done = done;
    return SW_OK;
}
