/* Copying to and from user memory.
 *
 * Every address goes through a mapping that allows the access, so protections hold whoever copies:
 * nothing read-only, executable or sealed is written here. The calling process is reached by its
 * own addresses (arch_copy_*, which stops at a fault), any other page by page through the direct
 * map. Both sides may be one page of shared memory: what such a copy gives is unspecified, hence
 * memmove. Lengths of zero touch nothing. Big lock. */
#include "process.h"

static bool range_ok(vaddr_t start, size_t length)
{
    return length <= USER_LIMIT && start <= USER_LIMIT - length;
}

/* One page's worth: kernel pointer to the user address and the bytes to the end of the page, at
 * most `length`. What does not allow the access is FAULT to whoever named the address. */
static status_t piece_at(struct space *space, vaddr_t address, size_t length, uint32_t access,
                         void **out_pointer, size_t *out_piece)
{
    status_t status = space_pointer(space, address, access, out_pointer);
    size_t room = PAGE_SIZE - address % PAGE_SIZE;
    *out_piece = length < room ? length : room;
    return status == SW_ACCESS ? SW_FAULT : status;
}

/* The rest of a copy whose first pages the MMU has refused or that are not there yet: page by page.
 */
static COLD status_t copy_from_faulting(void *to, vaddr_t from, size_t length)
{
    while (length) {
        void *pointer;
        size_t piece;
        status_t status = piece_at(cpu_this()->current->process->space, from, length, SW_MAP_READ,
                                   &pointer, &piece);
        if (status != SW_OK)
            return status;
        memmove(to, pointer, piece);
        to = (char *)to + piece, from += piece, length -= piece;
        size_t done = length - arch_copy_from_user(to, from, length);
        to = (char *)to + done, from += done, length -= done;
    }
    return SW_OK;
}

status_t copy_from_user(void *to, vaddr_t from, size_t length)
{
    if (!range_ok(from, length))
        return SW_FAULT;
    size_t left = arch_copy_from_user(to, from, length);
    size_t done = length - left;
    return left == 0 ? SW_OK : copy_from_faulting((char *)to + done, from + done, left);
}

static COLD status_t copy_to_faulting(vaddr_t to, const void *from, size_t length)
{
    while (length) {
        void *pointer;
        size_t piece;
        status_t status = piece_at(cpu_this()->current->process->space, to, length, SW_MAP_WRITE,
                                   &pointer, &piece);
        if (status != SW_OK)
            return status;
        memmove(pointer, from, piece);
        from = (const char *)from + piece, to += piece, length -= piece;
        size_t done = length - arch_copy_to_user(to, from, length);
        from = (const char *)from + done, to += done, length -= done;
    }
    return SW_OK;
}

status_t copy_to_user(vaddr_t to, const void *from, size_t length)
{
    if (!range_ok(to, length))
        return SW_FAULT;
    size_t left = arch_copy_to_user(to, from, length);
    size_t done = length - left;
    return left == 0 ? SW_OK : copy_to_faulting(to + done, (const char *)from + done, left);
}

static bool is_calling(const struct process *process)
{
    const struct thread *thread = cpu_this()->current;
    return thread && thread->process == process;
}

status_t copy_from_process(struct process *process, void *to, vaddr_t from, size_t length)
{
    if (is_calling(process))
        return copy_from_user(to, from, length);
    if (!range_ok(from, length) || !process->space)
        return SW_FAULT;
    while (length) {
        void *pointer;
        size_t piece;
        status_t status = piece_at(process->space, from, length, SW_MAP_READ, &pointer, &piece);
        if (status != SW_OK)
            return status;
        memmove(to, pointer, piece);
        to = (char *)to + piece, from += piece, length -= piece;
    }
    return SW_OK;
}

status_t copy_to_process(struct process *process, vaddr_t to, const void *from, size_t length)
{
    if (is_calling(process))
        return copy_to_user(to, from, length);
    if (!range_ok(to, length) || !process->space)
        return SW_FAULT;
    while (length) {
        void *pointer;
        size_t piece;
        status_t status = piece_at(process->space, to, length, SW_MAP_WRITE, &pointer, &piece);
        if (status != SW_OK)
            return status;
        memmove(pointer, from, piece);
        from = (const char *)from + piece, to += piece, length -= piece;
    }
    return SW_OK;
}

size_t copy_present(const struct process *process, void *to, vaddr_t from, size_t length)
{
    struct space *space = process->space;
    size_t done = 0;
    if (!space || space->dying || !range_ok(from, length))
        return 0;
    while (done < length) {
        vaddr_t at = from + done;
        const struct region *region = space_region(space, at);
        if (!region || !(region->protection & SW_MAP_READ) || region->memory->device)
            break;
        paddr_t page;
        uint64_t index = region->offset + (at - region->start) / PAGE_SIZE;
        if (memory_page(region->memory, index, false, &page) != SW_OK || !page)
            break;
        size_t room = PAGE_SIZE - at % PAGE_SIZE;
        size_t piece = length - done < room ? length - done : room;
        memmove((char *)to + done, (const char *)page_pointer(page) + at % PAGE_SIZE, piece);
        done += piece;
    }
    return done;
}

/* Page by page at the side that is not the caller's; bytes come straight from page to page. A
 * pointer to the destination page stays good while the source faults pages in: that only adds. */
static __attribute__((noinline)) status_t copy_pages(struct process *to_process, vaddr_t to,
                                                     struct process *from_process, vaddr_t from,
                                                     size_t length)
{
    if (!range_ok(to, length) || !range_ok(from, length) || !to_process->space ||
        !from_process->space)
        return SW_FAULT;
    bool push = is_calling(from_process);
    while (length) {
        void *pointer;
        size_t piece;
        status_t status;
        if (push) {
            status = piece_at(to_process->space, to, length, SW_MAP_WRITE, &pointer, &piece);
            if (status == SW_OK)
                status = copy_from_user(pointer, from, piece);
        } else {
            status = piece_at(from_process->space, from, length, SW_MAP_READ, &pointer, &piece);
            if (status == SW_OK)
                status = copy_to_process(to_process, to, pointer, piece);
        }
        if (status != SW_OK)
            return status;
        to += piece, from += piece, length -= piece;
    }
    return SW_OK;
}

status_t copy_between(struct process *to_process, vaddr_t to, struct process *from_process,
                      vaddr_t from, size_t length)
{
    return length ? copy_pages(to_process, to, from_process, from, length) : SW_OK;
}
