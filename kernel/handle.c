/* Handle tables: see handle.h for the format.
 *
 * An entry's generation is raised when it is closed, so a free entry matches no handle that was
 * ever given out (until 65,535 further uses of the same entry). Free entries are linked through
 * next_free, lowest first in a fresh page: a new process's handles are SW_START_HANDLE(0), (1), ...
 * in order. `used` entries and `reserved` promises are charged to the process's job. Big lock. */
#include "syscall_handlers.h"

#define ENTRIES_PER_PAGE (PAGE_SIZE / sizeof(struct handle_entry))
_Static_assert(ENTRIES_PER_PAGE == 256, "the index arithmetic");

uint32_t handle_total;
uint64_t handle_pages_total;

static uint32_t table_free(const struct handle_table *table)
{
    uint32_t capacity = table->page_count ? table->page_count * (uint32_t)ENTRIES_PER_PAGE - 1 : 0;
    return capacity - table->used;
}

static status_t table_grow(struct process *process)
{
    struct handle_table *table = &process->handles;
    if (table->page_count == HANDLE_PAGES)
        return SW_QUOTA;
    status_t status = job_charge(process->job, CHARGE_MEMORY, PAGE_SIZE);
    if (status != SW_OK)
        return status;
    paddr_t address = job_may_take(process->job) ? page_allocate_zero() : 0;
    if (!address) {
        job_uncharge(process->job, CHARGE_MEMORY, PAGE_SIZE);
        return SW_NO_MEMORY;
    }
    struct handle_entry *entries = page_pointer(address);
    uint32_t base = table->page_count * (uint32_t)ENTRIES_PER_PAGE;
    uint16_t next = table->first_free;
    for (uint32_t i = ENTRIES_PER_PAGE; i-- > 0;) {
        if (base + i == 0)
            break; /* index 0 is no handle */
        entries[i].generation = 1;
        entries[i].next_free = next;
        next = (uint16_t)(base + i);
    }
    table->first_free = next;
    table->pages[table->page_count++] = entries;
    handle_pages_total++;
    return SW_OK;
}

/* The entry of an open handle; NULL: none. */
static struct handle_entry *entry_of(const struct handle_table *table, uint64_t handle)
{
    uint32_t index = handle & 0xffff;
    if (index / ENTRIES_PER_PAGE >= table->page_count)
        return NULL;
    struct handle_entry *entry = &table->pages[index / ENTRIES_PER_PAGE][index % ENTRIES_PER_PAGE];
    return entry->generation == handle >> 16 && entry->object ? entry : NULL;
}

struct handle_entry *handle_find(struct process *process, uint64_t handle, uint8_t type,
                                 uint32_t rights)
{
    struct handle_entry *entry = entry_of(&process->handles, handle);
    if (!entry || (type && entry->object->type != type) || (rights & ~entry->rights))
        return NULL;
    return entry;
}

status_t handle_refusal(struct process *process, uint64_t handle, uint8_t type)
{
    const struct handle_entry *entry = entry_of(&process->handles, handle);
    if (!entry)
        return SW_BAD_HANDLE;
    return type && entry->object->type != type ? SW_WRONG_TYPE : SW_ACCESS;
}

status_t handle_lookup(struct process *process, uint64_t handle, uint8_t type, uint32_t rights,
                       struct handle_entry **out_entry)
{
    struct handle_entry *entry = handle_find(process, handle, type, rights);
    if (!entry)
        return handle_refusal(process, handle, type);
    *out_entry = entry;
    return SW_OK;
}

status_t handle_reserve(struct process *process, uint32_t count)
{
    struct handle_table *table = &process->handles;
    if (count == 0)
        return SW_OK;
    status_t status = job_charge(process->job, CHARGE_HANDLES, count);
    if (status != SW_OK)
        return status;
    while (table_free(table) < table->reserved + count) {
        status = table_grow(process);
        if (status != SW_OK) {
            job_uncharge(process->job, CHARGE_HANDLES, count);
            return status;
        }
    }
    table->reserved += count;
    return SW_OK;
}

void handle_unreserve(struct process *process, uint32_t count)
{
    ASSERT(process->handles.reserved >= count);
    process->handles.reserved -= count;
    job_uncharge(process->job, CHARGE_HANDLES, count);
}

status_t handle_install(struct process *process, struct object *object, uint32_t rights,
                        handle_t *out_handle)
{
    struct handle_table *table = &process->handles;
    if (table->reserved) {
        table->reserved--;
    } else {
        status_t status = handle_reserve(process, 1);
        if (status != SW_OK)
            return status;
        table->reserved--;
    }
    uint32_t index = table->first_free;
    struct handle_entry *entry = &table->pages[index / ENTRIES_PER_PAGE][index % ENTRIES_PER_PAGE];
    table->first_free = entry->next_free;
    table->used++;
    handle_total++;
    object_hold(object);
    entry->object = object;
    entry->rights = rights;
    *out_handle = (handle_t)entry->generation << 16 | index;
    return SW_OK;
}

/* Frees an entry of the table's page `page`; the object's hold is the caller's. */
static struct object *entry_free(struct process *process, struct handle_entry *entry,
                                 uint32_t index)
{
    struct handle_table *table = &process->handles;
    struct object *object = entry->object;
    entry->object = NULL;
    if (++entry->generation == 0)
        entry->generation = 1;
    entry->next_free = table->first_free;
    table->first_free = (uint16_t)index;
    table->used--;
    handle_total--;
    job_uncharge(process->job, CHARGE_HANDLES, 1);
    return object;
}

struct object *handle_take(struct process *process, struct handle_entry *entry,
                           uint32_t *out_rights)
{
    struct handle_table *table = &process->handles;
    uint32_t page = 0;
    while ((uintptr_t)entry - (uintptr_t)table->pages[page] >= PAGE_SIZE)
        page++;
    *out_rights = entry->rights;
    return entry_free(process, entry,
                      page * (uint32_t)ENTRIES_PER_PAGE + (uint32_t)(entry - table->pages[page]));
}

void handle_close(struct process *process, struct handle_entry *entry)
{
    uint32_t rights;
    object_unhold(handle_take(process, entry, &rights));
}

/* From the last page down; emptied pages go back at once. */
bool handle_close_some(struct process *process, uint32_t limit)
{
    struct handle_table *table = &process->handles;
    while (table->page_count) {
        uint32_t page = table->page_count - 1u;
        struct handle_entry *entries = table->pages[page];
        for (uint32_t i = 0; i < ENTRIES_PER_PAGE && table->used; i++) {
            if (!entries[i].object)
                continue;
            if (limit-- == 0)
                return false;
            object_unhold(entry_free(process, &entries[i], page * (uint32_t)ENTRIES_PER_PAGE + i));
        }
        table->page_count--;
        table->pages[page] = NULL;
        page_free(page_address(entries));
        handle_pages_total--;
        job_uncharge(process->job, CHARGE_MEMORY, PAGE_SIZE);
    }
    table->first_free = 0;
    return true;
}

/* --- system calls ---------------------------------------------------------------------------- */

status_t sys_handle_close(struct thread *thread, struct handle_entry *handle)
{
    handle_close(thread->process, handle);
    return SW_OK;
}

status_t sys_handle_duplicate(struct thread *thread, struct handle_entry *handle, uint32_t rights,
                              uint64_t *out_duplicate)
{
    if (rights == SW_RIGHTS_SAME)
        rights = handle->rights;
    else if (rights & ~handle->rights)
        return SW_ACCESS;
    handle_t duplicate = 0;
    status_t status = handle_install(thread->process, handle->object, rights, &duplicate);
    *out_duplicate = duplicate;
    return status;
}

status_t sys_handle_info(struct thread *thread, struct handle_entry *handle, uint64_t *out_type,
                         uint64_t *out_rights, uint64_t *out_id)
{
    (void)thread;
    *out_type = handle->object->type;
    *out_rights = handle->rights;
    *out_id = handle->object->id;
    return SW_OK;
}
