/* Pipes: a byte ring (or a ring of records) with a reader's and a writer's end.
 *
 * head and tail count bytes since the ring was last empty; head - tail bytes are in it. In record
 * mode each record is a u32 length and its bytes. The writer's side may say which job reads; others
 * are kept waiting (a terminal's input is for what runs in the foreground). Blocked readers and
 * writers make their call again when the ring changes; a writer that has written a part remembers
 * how much in wait_done. Bytes are copied in slices, a record in one go. Big lock. */
#include "syscall_handlers.h"

#define PIPE_ATOMIC 4096   /* bytes that go whole or not at all */
#define SLICE_BYTES 262144 /* copied in one go */
#define READER 0
#define WRITER 1

static struct slab core_slab = { .name = "pipe_core",
                                 .size = sizeof(struct pipe_core),
                                 .partial = LIST_INIT(core_slab.partial) };

/* --- ring ------------------------------------------------------------------------------------ */

/* Kernel pointer to a ring position and the bytes to the end of its page. */
static status_t ring_at(struct pipe_core *core, uint64_t position, uint8_t **out_pointer,
                        uint64_t *out_room)
{
    uint64_t offset = position % core->capacity;
    paddr_t page;
    status_t status = memory_page(core->memory, offset >> PAGE_SHIFT, true, &page);
    if (status != SW_OK)
        return status;
    *out_pointer = (uint8_t *)page_pointer(page) + offset % PAGE_SIZE;
    *out_room = PAGE_SIZE - offset % PAGE_SIZE;
    return SW_OK;
}

/* Copies between the ring and the caller; nothing counts until the caller of this moves head or
 * tail. */
static status_t ring_to_user(struct pipe_core *core, uint64_t position, vaddr_t to, uint64_t length)
{
    while (length) {
        uint8_t *pointer;
        uint64_t room;
        status_t status = ring_at(core, position, &pointer, &room);
        if (status != SW_OK)
            return status;
        uint64_t piece = length < room ? length : room;
        status = copy_to_user(to, pointer, piece);
        if (status != SW_OK)
            return status;
        position += piece, to += piece, length -= piece;
    }
    return SW_OK;
}

static status_t ring_from_user(struct pipe_core *core, uint64_t position, vaddr_t from,
                               uint64_t length)
{
    while (length) {
        uint8_t *pointer;
        uint64_t room;
        status_t status = ring_at(core, position, &pointer, &room);
        if (status != SW_OK)
            return status;
        uint64_t piece = length < room ? length : room;
        status = copy_from_user(pointer, from, piece);
        if (status != SW_OK)
            return status;
        position += piece, from += piece, length -= piece;
    }
    return SW_OK;
}

static status_t ring_get_length(struct pipe_core *core, uint64_t position, uint32_t *out_length)
{
    uint8_t bytes[4];
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t *pointer;
        uint64_t room;
        status_t status = ring_at(core, position + i, &pointer, &room);
        if (status != SW_OK)
            return status;
        bytes[i] = *pointer;
    }
    memcpy(out_length, bytes, 4);
    return SW_OK;
}

static status_t ring_put_length(struct pipe_core *core, uint64_t position, uint32_t length)
{
    uint8_t bytes[4];
    memcpy(bytes, &length, 4);
    for (uint32_t i = 0; i < 4; i++) {
        uint8_t *pointer;
        uint64_t room;
        status_t status = ring_at(core, position + i, &pointer, &room);
        if (status != SW_OK)
            return status;
        *pointer = bytes[i];
    }
    return SW_OK;
}

/* --- waiting --------------------------------------------------------------------------------- */

/* The ring or an end changed: blocked threads of that end look again, ports are told. */
static void pipe_changed(struct pipe_core *core, uint32_t end)
{
    while (!list_empty(&core->waiting[end])) {
        struct thread *thread = list_first(&core->waiting[end], struct thread, wait_link);
        list_remove(&thread->wait_link);
        thread->wait_pipe = NULL;
        thread_wake_restart(thread);
    }
    if (core->ends[end])
        object_signal(&core->ends[end]->object);
}

bool pipe_admits(const struct pipe_core *core, const struct job *job)
{
    if (!core->admitted || !core->ends[WRITER] || job == core->payer)
        return true;
    return core->directly ? job == core->admitted : job_below(job, core->admitted);
}

static status_t pipe_block(struct thread *thread, struct pipe *pipe, uint64_t deadline)
{
    uint32_t wait = pipe->end == READER ? SW_WAIT_PIPE : SW_WAIT_PIPE_ROOM;
    status_t status = thread_block(thread, wait, deadline);
    if (status == SYSCALL_BLOCKED) {
        list_add_tail(&pipe->core->waiting[pipe->end], &thread->wait_link);
        thread->wait_pipe = pipe;
    }
    return status;
}

void pipe_thread_gone(struct thread *thread)
{
    if (!thread->wait_pipe)
        return;
    list_remove(&thread->wait_link);
    thread->wait_pipe = NULL;
    thread->frame.x[1] = thread->wait_done;
}

/* --- system calls ---------------------------------------------------------------------------- */

status_t sys_pipe_create(struct thread *thread, uint32_t capacity, uint32_t flags,
                         uint64_t *out_reader, uint64_t *out_writer)
{
    struct process *process = thread->process;
    struct job *job = process->job;
    if (capacity == 0 || capacity > 1u << 20 || (flags & ~SW_PIPE_RECORDS))
        return SW_INVALID;
    capacity = ROUND_UP(capacity, PAGE_SIZE);
    status_t status = handle_reserve(process, 2);
    if (status != SW_OK)
        return status;
    status = job_charge(job, CHARGE_MEMORY, sizeof(struct pipe_core));
    if (status != SW_OK)
        goto fail_reserve;
    struct pipe_core *core = slab_allocate(&core_slab, job);
    if (!core) {
        status = SW_NO_MEMORY;
        goto fail_charge;
    }
    status = memory_create(job, capacity / PAGE_SIZE, &core->memory);
    if (status != SW_OK)
        goto fail_core;
    core->payer = job;
    object_get(&job->object);
    core->capacity = capacity;
    core->records = flags & SW_PIPE_RECORDS;
    list_init(&core->waiting[READER]);
    list_init(&core->waiting[WRITER]);
    struct pipe *ends[2];
    for (uint32_t end = 0; end < 2; end++) {
        status = object_create(SW_TYPE_PIPE, job, (void **)&ends[end]);
        if (status != SW_OK) {
            if (end == 1)
                object_put(&ends[0]->object); /* its destroy hook frees the core */
            else
                pipe_core_free(core);
            handle_unreserve(process, 2);
            return status;
        }
        ends[end]->core = core;
        ends[end]->end = (uint8_t)end;
        core->ends[end] = ends[end];
        core->users++;
    }
    uint32_t common = SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER | SW_RIGHT_BIND;
    handle_t reader, writer;
    status = handle_install(process, &ends[READER]->object, common | SW_RIGHT_READ, &reader);
    ASSERT(status == SW_OK);
    status = handle_install(process, &ends[WRITER]->object, common | SW_RIGHT_WRITE, &writer);
    ASSERT(status == SW_OK);
    object_put(&ends[READER]->object);
    object_put(&ends[WRITER]->object);
    *out_reader = reader;
    *out_writer = writer;
    return SW_OK;
fail_core:
    slab_free(&core_slab, core);
fail_charge:
    job_uncharge(job, CHARGE_MEMORY, sizeof(struct pipe_core));
fail_reserve:
    handle_unreserve(process, 2);
    return status;
}

status_t sys_pipe_read(struct thread *thread, struct pipe *pipe, uint32_t pipe_rights,
                       vaddr_t buffer, uint64_t length, uint64_t deadline, uint64_t *out_done)
{
    (void)pipe_rights;
    struct pipe_core *core = pipe->core;
    if (pipe->end != READER)
        return SW_ACCESS;
    core->users_last[READER] = thread->process->pid;
    uint64_t bytes = core->head - core->tail;
    if (bytes == 0 || !pipe_admits(core, thread->process->job)) {
        if (!core->ends[WRITER])
            return SW_OK; /* end of file: done stays 0 */
        thread->wait_done = 0;
        return pipe_block(thread, pipe, deadline);
    }
    /* An interrupt that came before is told first: what is there now may have been written after it
     * (the shell must not take a line typed after Ctrl-C for one before). */
    if (thread->interrupted && thread_may_block(thread, SW_NEVER) != SW_OK)
        return SW_INTERRUPTED;
    uint64_t skip = 0, available = bytes < SLICE_BYTES ? bytes : SLICE_BYTES;
    if (core->records) {
        uint32_t record;
        status_t status = ring_get_length(core, core->tail, &record);
        if (status != SW_OK)
            return status;
        skip = sizeof(record);
        available = record;
    }
    uint64_t done = length < available ? length : available;
    status_t status = ring_to_user(core, core->tail + skip, buffer, done);
    if (status != SW_OK)
        return status;
    if (done < available && core->records) { /* what is left becomes a record of its own */
        status = ring_put_length(core, core->tail + done, (uint32_t)(available - done));
        if (status != SW_OK)
            return status;
        core->tail += done;
    } else {
        core->tail += skip + done;
    }
    if (core->head == core->tail) { /* from the front again: little traffic stays in few pages */
        core->taken += core->tail;
        core->head = core->tail = 0;
    }
    *out_done = done;
    pipe_changed(core, WRITER);
    if (core->head == core->tail)
        object_signal(&pipe->object);
    return SW_OK;
}

status_t sys_pipe_write(struct thread *thread, struct pipe *pipe, uint32_t pipe_rights,
                        vaddr_t buffer, uint64_t length, uint64_t deadline, uint64_t *out_done)
{
    (void)pipe_rights;
    struct pipe_core *core = pipe->core;
    if (pipe->end != WRITER)
        return SW_ACCESS;
    core->users_last[WRITER] = thread->process->pid;
    uint64_t done = thread->restart ? thread->wait_done : 0;
    *out_done = done;
    uint64_t header = core->records ? sizeof(uint32_t) : 0;
    if (core->records && length > core->capacity - header)
        return SW_TOO_LARGE;
    if (length > USER_LIMIT)
        return SW_FAULT;
    if (!core->ends[READER])
        return SW_PEER_CLOSED;
    bool whole = core->records || length <= PIPE_ATOMIC;
    uint64_t stop = whole ? UINT64_MAX : done + SLICE_BYTES;
    while (done < length || (core->records && length == 0)) {
        uint64_t room = core->capacity - (core->head - core->tail);
        uint64_t piece = length - done;
        if (done == stop) {
            thread->wait_done = done;
            return SYSCALL_RESTART;
        }
        if (whole ? room < piece + header : room == 0) {
            thread->wait_done = done;
            return pipe_block(thread, pipe, deadline);
        }
        if (piece > room - header)
            piece = room - header;
        if (piece > stop - done)
            piece = stop - done;
        status_t status = ring_from_user(core, core->head + header, buffer + done, piece);
        if (status == SW_OK && header)
            status = ring_put_length(core, core->head, (uint32_t)piece);
        if (status != SW_OK)
            return status;
        core->head += header + piece;
        done += piece;
        *out_done = done;
        pipe_changed(core, READER);
        object_signal(&pipe->object); /* there may be no room any more */
        if (whole)
            break;
    }
    return SW_OK;
}

status_t sys_pipe_info(struct thread *thread, struct pipe *pipe, uint32_t pipe_rights,
                       uint64_t *out_bytes, uint64_t *out_capacity, uint64_t *out_flags,
                       uint64_t *out_taken)
{
    (void)thread;
    (void)pipe_rights;
    *out_bytes = pipe->core->head - pipe->core->tail;
    *out_capacity = pipe->core->capacity;
    *out_flags = pipe->core->records ? SW_PIPE_RECORDS : 0;
    *out_taken = pipe->core->taken + pipe->core->tail;
    return SW_OK;
}

status_t sys_pipe_admit(struct thread *thread, struct pipe *pipe, uint32_t pipe_rights,
                        struct job *job, uint32_t flags)
{
    (void)thread;
    (void)pipe_rights;
    struct pipe_core *core = pipe->core;
    if (flags & ~SW_PIPE_DIRECTLY)
        return SW_INVALID;
    if (pipe->end != WRITER)
        return SW_ACCESS;
    if (job)
        object_get(&job->object);
    if (core->admitted)
        object_put(&core->admitted->object);
    core->admitted = job;
    core->directly = flags & SW_PIPE_DIRECTLY;
    pipe_changed(core, READER);
    return SW_OK;
}

/* --- class ----------------------------------------------------------------------------------- */

void pipe_core_free(struct pipe_core *core)
{
    struct job *payer = core->payer;
    if (core->admitted)
        object_put(&core->admitted->object);
    object_put(&core->memory->object);
    slab_free(&core_slab, core);
    job_uncharge(payer, CHARGE_MEMORY, sizeof(struct pipe_core));
    object_put(&payer->object);
}

/* The end is closed: the other end sees end of file or PEER_CLOSED. */
static void pipe_last_handle(struct object *object)
{
    struct pipe *pipe = CONTAINER(object, struct pipe, object);
    struct pipe_core *core = pipe->core;
    pipe_changed(core, pipe->end); /* threads of this process still blocked on it find it gone */
    core->ends[pipe->end] = NULL;
    pipe_changed(core, !pipe->end);
}

static void pipe_destroy(struct object *object)
{
    struct pipe_core *core = CONTAINER(object, struct pipe, object)->core;
    uint32_t end = CONTAINER(object, struct pipe, object)->end;
    core->ends[end] = NULL;
    if (--core->users == 0)
        pipe_core_free(core);
}

static uint64_t pipe_level(struct object *object)
{
    const struct pipe *pipe = CONTAINER(object, struct pipe, object);
    const struct pipe_core *core = pipe->core;
    uint64_t bytes = core->head - core->tail;
    uint64_t level = core->ends[!pipe->end] ? 0 : SW_PIPE_PEER_CLOSED;
    if (pipe->end == READER)
        return level | (bytes ? SW_PIPE_READABLE : 0);
    uint64_t whole = PIPE_ATOMIC + (core->records ? sizeof(uint32_t) : 0);
    return level | (bytes == 0 || core->capacity - bytes >= whole ? SW_PIPE_WRITABLE : 0);
}

const struct object_class class_pipe = {
    .name = "pipe",
    .size = sizeof(struct pipe),
    .last_handle = pipe_last_handle,
    .destroy = pipe_destroy,
    .level = pipe_level,
    .all_rights =
        SW_RIGHT_READ | SW_RIGHT_WRITE | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER | SW_RIGHT_BIND,
};
