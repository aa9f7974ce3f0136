/* Processes: laying out a program, ending, and the clean-up that follows.
 *
 * LIVE      threads run
 * DYING     process_end was called; running threads leave at their CPU's next kernel exit, others
 *           at once or, if there are many, in slices
 * CLEANING  no thread is left; cleaned up in slices: handles first, then the space, once no idle CPU
 *           has it loaded any more
 * ENDED     everything is given back; the object tells its status as long as somebody asks
 *
 * Slices of all kinds wait in one queue (struct work), which is worked on at kernel exits and while
 * idle.
 *
 * Private data of a program: the first pages are copied at once, so that they do not fault; the
 * rest, if its source is sealed and cannot change, when it is touched (struct memory.origin).
 *
 * A process object is referenced by being not ENDED, by its threads, its posted calls and its
 * handles. Big lock. */
#include "log.h"
#include "syscall_handlers.h"
#include "trace.h"

#define PROCESS_RIGHTS                                                                             \
    (SW_RIGHT_READ | SW_RIGHT_MANAGE | SW_RIGHT_BIND | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER |    \
     SW_RIGHT_INSPECT | SW_RIGHT_TRACE)

#define WINDOW                                                                                     \
    (2ull << 20) /* what one leaf table covers: stack, start block, info page, first heap */
#define GIB (1ull << 30)
#define STACK_DEFAULT (256ull << 10)
#define STACK_LIMIT (64ull << 20)
#define HEAP_ROOM (256ull << 20) /* addresses kept free above the heap base at first */
#define MAPS_ROOM (128ull << 20) /* and, clear of everything else, for mappings above that */
#define JITTER_PAGES 128         /* random offset of the stack inside its window */
#define START_LIMIT (256u << 10)
#define COPY_PAGES 64 /* private data of a program: pages copied at once */
#define TRANSFERS 64

#define WILD 0xbad0 /* SW_DIVERT_FAULT: below SPACE_LOWEST */

#define SLICE_THREADS 32
#define SLICE_HANDLES 64
#define SLICE_SPACE 128

struct list process_all = LIST_INIT(process_all);
struct list process_work_queue = LIST_INIT(process_work_queue); /* struct work.link, can go on */
static struct list work_parked =
    LIST_INIT(work_parked); /* CLEANING, space still loaded by an idle CPU */
static uint32_t pid_last;

/* --- life ------------------------------------------------------------------------------------ */

static void process_destroy(struct object *object)
{
    struct process *process = CONTAINER(object, struct process, object);
    object_put(&process->job->object);
}

static uint64_t process_level(struct object *object)
{
    return CONTAINER(object, struct process, object)->state == PROCESS_ENDED;
}

const struct object_class class_process = {
    .name = "process",
    .size = sizeof(struct process),
    .destroy = process_destroy,
    .level = process_level,
    .all_rights = PROCESS_RIGHTS,
};

struct process *process_by_pid(uint32_t pid)
{
    list_for_each (at, &process_all) {
        struct process *process = CONTAINER(at, struct process, all_link);
        if (process->pid == pid)
            return process;
    }
    return NULL;
}

/* An empty process in the job: charged, in no list. */
static status_t process_create(struct job *job, struct process **out_process)
{
    status_t status = job_charge(job, CHARGE_PROCESSES, 1);
    if (status != SW_OK)
        return status;
    struct process *process;
    status = object_create(SW_TYPE_PROCESS, job, (void **)&process);
    if (status != SW_OK)
        goto fail_charge;
    process->job = job;
    object_get(&job->object);
    list_init(&process->job_link);
    list_init(&process->all_link);
    list_init(&process->threads);
    list_init(&process->served);
    list_init(&process->claimed);
    list_init(&process->work.link);
    status = space_create(job, &process->space);
    if (status != SW_OK)
        goto fail_process;
    *out_process = process;
    return SW_OK;
fail_process:
    object_put(&process->object);
fail_charge:
    job_uncharge(job, CHARGE_PROCESSES, 1);
    return status;
}

/* Undoes process_create and what was mapped since; no thread was made. */
static void process_discard(struct process *process)
{
    while (!handle_close_some(process, SLICE_HANDLES))
        ;
    while (!space_destroy_some(process->space, SLICE_SPACE))
        ;
    job_uncharge(process->job, CHARGE_PROCESSES, 1);
    object_put(&process->object);
}

/* It is in its job's list of live ones no more. */
static void process_not_live(struct process *process, enum process_state state, int32_t status)
{
    process->state = state;
    process->status = status;
    list_remove(&process->job_link);
    list_add_tail(&process->job->ended, &process->job_link);
}

static void process_clean(struct work *work);

void process_threads_gone(struct process *process)
{
    if (process->state == PROCESS_LIVE)
        process_not_live(process, PROCESS_DYING, 0);
    if (process->pid == 1)
        panic("keeper ended with status %d", process->status);
    process->state = PROCESS_CLEANING;
    process->space->dying = true;
    ipc_process_gone(process);
    device_process_gone(process);
    trace_process_gone(process);
    if (process->interrupt_event)
        object_put(&process->interrupt_event->object);
    process->interrupt_event = NULL;
    work_add(&process->work, process_clean);
}

/* Ends threads, a slice of them; true: all have ended, or will as their CPUs leave them. */
static bool threads_end_some(struct process *process)
{
    uint32_t limit = SLICE_THREADS;
    list_for_each_safe (at, after, &process->threads) {
        struct thread *thread = CONTAINER(at, struct thread, process_link);
        if (thread->leaves == LEAVES_ENDING)
            continue;
        if (limit-- == 0)
            return false;
        thread_end(thread);
    }
    return true;
}

static void process_end_more(struct work *work)
{
    struct process *process = CONTAINER(work, struct process, work);
    object_get(&process->object);
    if (threads_end_some(process) && process->state == PROCESS_DYING) /* else it is queued anew */
        list_remove(&work->link);
    object_put(&process->object);
}

void process_end(struct process *process, int32_t status)
{
    if (process->state != PROCESS_LIVE)
        return;
    process_not_live(process, PROCESS_DYING, status);
    object_get(&process->object);
    if (!threads_end_some(process))
        work_add(&process->work, process_end_more);
    object_put(&process->object);
}

void process_interrupt(struct process *process, uint32_t kind)
{
    if (process->state != PROCESS_LIVE)
        return;
    if (!process->interrupt_event) {
        process_end(process, kind == SW_INTERRUPT_INT    ? 130
                             : kind == SW_INTERRUPT_TERM ? 143
                                                         : 129);
        return;
    }
    /* First the event: a thread that waits on a port for it gets it as an event. */
    event_set(process->interrupt_event, kind);
    list_for_each (at, &process->threads) {
        struct thread *thread = CONTAINER(at, struct thread, process_link);
        if (thread->state == THREAD_BLOCKED)
            thread_unblock(thread, SW_INTERRUPTED);
        else
            thread->interrupted = true; /* it may be about to block without having seen the bit */
    }
}

/* --- work in slices -------------------------------------------------------------------------- */

void work_add(struct work *work, void (*slice)(struct work *work))
{
    list_remove(&work->link);
    work->slice = slice;
    list_add_tail(&process_work_queue, &work->link);
    cpu_this()->resched = true;
}

void process_work(void)
{
    struct work *work = list_first(&process_work_queue, struct work, link);
    work->slice(work);
}

void process_space_unloaded(void)
{
    while (!list_empty(&work_parked)) {
        struct list *at = work_parked.next;
        list_remove(at);
        list_add_tail(&process_work_queue, at);
    }
}

/* True if no CPU has the space loaded. Idle ones that do are woken and call process_space_unloaded.
 */
static bool process_unload(struct process *process)
{
    struct space *space = process->space;
    uint32_t self = 1u << cpu_this()->number;
    if (space->loaded & self)
        space_enter(NULL);
    if (!space->loaded)
        return true;
    list_remove(&process->work.link);
    list_add_tail(&work_parked, &process->work.link);
    arch_kick(space->loaded);
    return false;
}

static void process_clean(struct work *work)
{
    struct process *process = CONTAINER(work, struct process, work);
    if (!handle_close_some(process, SLICE_HANDLES))
        return;
    if (process->space) {
        if (!process_unload(process) || !space_destroy_some(process->space, SLICE_SPACE))
            return;
        process->space = NULL;
    }
    object_hooks_run(); /* a big object it held last still counts as the job's, until its pages are
                           free */
    struct job *job = process->job;
    object_get(&job->object);
    list_remove(&process->work.link);
    list_remove(&process->job_link);
    list_remove(&process->all_link);
    job_uncharge(job, CHARGE_PROCESSES, 1);
    process->state = PROCESS_ENDED;
    process_log_settle(process);
    log_ask();
    object_signal(&process->object);
    object_put(&process->object);
    job_live_drop(job);
    object_put(&job->object);
}

/* --- laying out a program -------------------------------------------------------------------- */

static status_t segment_check(const struct process_image *image, const struct sw_segment *segment)
{
    if (segment->memory >= ARRAY_COUNT(image->memory) || !image->memory[segment->memory])
        return SW_BAD_IMAGE;
    const struct memory *memory = image->memory[segment->memory];
    uint32_t rights = image->memory_rights[segment->memory];
    uint64_t bytes = memory->pages * PAGE_SIZE;
    bool write = segment->flags & SW_SEGMENT_WRITE, execute = segment->flags & SW_SEGMENT_EXECUTE;
    if ((segment->flags & ~(uint32_t)(SW_SEGMENT_WRITE | SW_SEGMENT_EXECUTE)) || (write && execute))
        return SW_BAD_IMAGE;
    if (!segment->size || (segment->address | segment->size | segment->offset) % PAGE_SIZE ||
        segment->file_size > segment->size || segment->size > USER_LIMIT ||
        segment->address < SPACE_LOWEST || segment->address > USER_LIMIT - segment->size)
        return SW_BAD_IMAGE;
    if (segment->offset > bytes ||
        ROUND_UP(segment->file_size, PAGE_SIZE) > bytes - segment->offset)
        return SW_BAD_IMAGE;
    if (!write &&
        segment->size != ROUND_UP(segment->file_size, PAGE_SIZE)) /* all of it is shared */
        return SW_BAD_IMAGE;
    if (memory->device ||
        !(rights & SW_RIGHT_MAP)) /* the child sees it, not the caller: no READ needed */
        return SW_ACCESS;
    if (execute && !(rights & SW_RIGHT_EXECUTE))
        return SW_ACCESS;
    if (execute && !memory->sealed)
        return SW_BAD_STATE;
    return SW_OK;
}

/* Checks everything about a program that does not need an address space. */
static status_t program_check(const struct process_image *image, vaddr_t *out_start,
                              vaddr_t *out_end)
{
    const struct sw_program *program = image->program;
    if (program->version != SW_PROGRAM_VERSION || program->segment_count == 0 ||
        program->segment_count > ARRAY_COUNT(program->segments) ||
        program->stack_size > STACK_LIMIT || program->entry % 4)
        return SW_BAD_IMAGE;
    bool entry_found = false;
    uint64_t unsealed = 0; /* bytes to be copied at once, for they may change */
    *out_start = USER_LIMIT;
    *out_end = 0;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        const struct sw_segment *segment = &program->segments[i];
        status_t status = segment_check(image, segment);
        if (status != SW_OK)
            return status;
        vaddr_t end = segment->address + segment->size;
        *out_start = segment->address < *out_start ? segment->address : *out_start;
        *out_end = end > *out_end ? end : *out_end;
        if ((segment->flags & SW_SEGMENT_EXECUTE) && program->entry >= segment->address &&
            program->entry < end)
            entry_found = true;
        if ((segment->flags & SW_SEGMENT_WRITE) && !image->memory[segment->memory]->sealed)
            unsealed += ROUND_UP(segment->file_size, PAGE_SIZE);
        if (unsealed > COPY_PAGES * PAGE_SIZE)
            return SW_TOO_LARGE;
    }
    return entry_found ? SW_OK : SW_BAD_IMAGE;
}

/* A private object with a copy of a segment's file bytes. Pages that hold none, or only zeros that
 * nobody ever wrote, are not taken; of the others as many as *budget says are copied now. */
static status_t segment_copy(struct job *job, struct memory *from, const struct sw_segment *segment,
                             uint64_t *budget, struct memory **out_memory)
{
    struct memory *to;
    status_t status = memory_create(job, segment->size / PAGE_SIZE, &to);
    if (status != SW_OK)
        return status;
    uint64_t first = segment->offset / PAGE_SIZE;
    uint64_t pages = ROUND_UP(segment->file_size, PAGE_SIZE) / PAGE_SIZE;
    uint64_t now = !from->sealed || pages < *budget ? pages : *budget;
    if (pages)
        memory_set_origin(to, from, first, segment->file_size);
    for (uint64_t i = 0; i < now; i++) {
        paddr_t page;
        memory_page(from, first + i, false, &page);
        status = page ? memory_page(to, i, true, &page) : SW_OK;
        if (status != SW_OK) {
            object_put(&to->object);
            return status;
        }
    }
    if (now == pages)
        memory_set_origin(to, NULL, 0, 0);
    *budget -= now < *budget ? now : *budget;
    *out_memory = to;
    return SW_OK;
}

static status_t segment_map(struct process *process, const struct process_image *image,
                            const struct sw_segment *segment, uint64_t *budget)
{
    struct memory *memory = image->memory[segment->memory];
    vaddr_t mapped;
    status_t status;
    if (!(segment->flags & SW_SEGMENT_WRITE)) {
        uint32_t protection =
            SW_MAP_READ | (segment->flags & SW_SEGMENT_EXECUTE ? SW_MAP_EXECUTE : 0);
        status = space_map(process->space, memory, segment->address, segment->offset, segment->size,
                           protection, protection, &mapped);
    } else {
        struct memory *copy;
        uint64_t before = *budget;
        status = segment_copy(process->job, memory, segment, budget, &copy);
        if (status != SW_OK)
            return status;
        uint32_t protection = SW_MAP_READ | SW_MAP_WRITE;
        status = space_map(process->space, copy, segment->address, 0, segment->size, protection,
                           protection, &mapped);
        object_put(&copy->object);
        if (status == SW_OK && before > *budget)
            status =
                space_populate(process->space, segment->address, (before - *budget) * PAGE_SIZE);
    }
    return status == SW_EXISTS ? SW_BAD_IMAGE : status;
}

/* A random place for `size` bytes in the image's 1 GiB, with room for heap and mappings above it.
 * None shares a leaf table with the image, so all places cost the same number of tables. */
static vaddr_t window_choose(vaddr_t image_start, vaddr_t image_end, uint64_t size)
{
    vaddr_t gib = image_start / GIB * GIB;
    vaddr_t low = image_start / WINDOW * WINDOW, high = ROUND_UP(image_end, WINDOW);
    for (uint32_t attempt = 0; attempt < 64; attempt++) {
        vaddr_t at = gib + random_u64() % ((GIB - HEAP_ROOM - MAPS_ROOM) / WINDOW) * WINDOW;
        vaddr_t maps = at + HEAP_ROOM;
        if (at < WINDOW || maps + MAPS_ROOM > USER_LIMIT)
            continue;
        if ((at >= high || at + size + HEAP_ROOM / 4 <= low) &&
            (maps >= high || maps + MAPS_ROOM <= low))
            return at;
    }
    return high; /* a huge image: right above it */
}

struct layout {
    vaddr_t start, info, heap, stack_low, stack_top;
};

static status_t object_map(struct process *process, struct memory *memory, vaddr_t address,
                           uint32_t protection)
{
    vaddr_t mapped;
    return space_map(process->space, memory, address, 0, memory->pages * PAGE_SIZE, protection,
                     protection, &mapped);
}

/* Stack, start block and info page: guard page, stack, guard page, start block, info page, heap. */
static status_t layout_map(struct process *process, const struct process_image *image,
                           vaddr_t image_start, vaddr_t image_end, struct layout *out)
{
    uint64_t start_size = image->start->pages * PAGE_SIZE;
    /* The program copies the strings of the start block, with a pointer to each, to the stack: that is beside
     * what it asks for. */
    uint64_t stack_size =
        ROUND_UP(image->program->stack_size ? image->program->stack_size : STACK_DEFAULT,
                 PAGE_SIZE) +
        start_size;
    uint64_t size = (JITTER_PAGES + 3) * PAGE_SIZE + stack_size + start_size;
    vaddr_t window = window_choose(image_start, image_end, size);
    if (window > USER_LIMIT - size)
        return SW_BAD_IMAGE;
    out->stack_low = window + (1 + random_u64() % JITTER_PAGES) * PAGE_SIZE;
    out->stack_top = out->stack_low + stack_size;
    out->start = out->stack_top + PAGE_SIZE;
    out->info = out->start + start_size;
    out->heap = out->info + PAGE_SIZE;
    struct space *space = process->space;
    space->window =
        window + HEAP_ROOM; /* a leaf table's start: what is mapped there needs one table */
    struct memory *stack;
    status_t status = memory_create(process->job, stack_size / PAGE_SIZE, &stack);
    if (status != SW_OK)
        return status;
    status = object_map(process, stack, out->stack_low, SW_MAP_READ | SW_MAP_WRITE);
    object_put(&stack->object);
    if (status == SW_OK)
        status = object_map(process, image->start, out->start, SW_MAP_READ);
    if (status == SW_OK)
        status = object_map(process, info_page_memory, out->info, SW_MAP_READ);
    /* What every program touches first does not have to fault. */
    if (status == SW_OK)
        status = space_fault(space, out->stack_top - PAGE_SIZE, SW_MAP_WRITE);
    if (status == SW_OK)
        status = space_populate(space, out->start, start_size + PAGE_SIZE);
    if (status == SW_OK)
        status = space_fault(space, image->program->entry, SW_MAP_EXECUTE);
    return status;
}

status_t process_create_image(struct job *job, const struct process_image *image,
                              struct process **out_process)
{
    vaddr_t image_start, image_end;
    status_t status = program_check(image, &image_start, &image_end);
    if (status != SW_OK)
        return status;
    if (job_is_killed(job))
        return SW_BAD_STATE;
    struct process *process;
    status = process_create(job, &process);
    if (status != SW_OK)
        return status;
    process->band = image->band < job->band ? image->band : job->band;
    process->caps = image->caps & job->caps;
    process->parent_pid = image->parent_pid;
    /* It is printed in the log and on terminals: no control characters. */
    uint32_t length = 0;
    while (length < sizeof(process->name) - 1 && image->name[length])
        length++;
    log_clean(process->name, image->name, length);
    uint64_t budget = COPY_PAGES;
    for (uint32_t i = 0; status == SW_OK && i < image->program->segment_count; i++)
        status = segment_map(process, image, &image->program->segments[i], &budget);
    struct layout layout;
    if (status == SW_OK)
        status = layout_map(process, image, image_start, image_end, &layout);
    if (status != SW_OK)
        goto fail_process;
    status = handle_reserve(process, image->handle_count);
    if (status != SW_OK)
        goto fail_process;
    struct thread *thread;
    status = thread_create(process, &thread);
    if (status != SW_OK)
        goto fail_handles;

    /* commit */
    for (uint32_t i = 0; i < image->handle_count; i++) {
        handle_t handle = 0;
        status =
            handle_install(process, image->handles[i].object, image->handles[i].rights, &handle);
        ASSERT(status == SW_OK && handle == SW_START_HANDLE(i));
        object_unhold(image->handles[i].object);
    }
    thread->frame.x[0] = layout.start;
    thread->frame.x[1] = layout.info;
    thread->frame.x[2] = layout.heap;
    thread->frame.x[3] = layout.stack_low;
    thread->frame.sp = layout.stack_top;
    thread->frame.pc = image->program->entry;
    process->pid = ++pid_last;
    process->loop = image->program->entry - 4;
    process->base = image->program->base;
    process->identity = image->program->identity;
    process->start_ns = arch_now();
    list_add_tail(&job->processes, &process->job_link);
    list_add_tail(&process_all, &process->all_link);
    job_live_add(job);
    sched_ready(thread);
    object_get(&process->object);
    *out_process = process;
    return SW_OK;
fail_handles:
    handle_unreserve(process, image->handle_count);
fail_process:
    process_discard(process);
    return status;
}

/* --- process_create -------------------------------------------------------------------------- */

/* The transferred handles, held; what is moved is only taken from the caller after success. */
struct transfers {
    uint32_t count;
    struct sw_transfer list[TRANSFERS];
    struct sent_handle sent[TRANSFERS];
};

static status_t transfers_check(struct process *caller, struct transfers *transfers)
{
    for (uint32_t i = 0; i < transfers->count; i++) {
        const struct sw_transfer *transfer = &transfers->list[i];
        if ((transfer->flags & ~1u) || transfer->reserved)
            return SW_INVALID;
        uint32_t need = SW_RIGHT_TRANSFER | (transfer->flags ? 0 : SW_RIGHT_DUPLICATE);
        struct handle_entry *entry;
        status_t status = handle_lookup(caller, transfer->handle, 0, need, &entry);
        if (status != SW_OK)
            return status;
        uint32_t rights = transfer->rights == SW_RIGHTS_SAME ? entry->rights : transfer->rights;
        if (rights & ~entry->rights)
            return SW_ACCESS;
        for (uint32_t j = 0; j < i; j++) /* a moved handle goes to one place */
            if (transfers->list[j].handle == transfer->handle &&
                (transfers->list[j].flags | transfer->flags))
                return SW_INVALID;
        transfers->sent[i] = (struct sent_handle){ entry->object, rights };
    }
    return SW_OK;
}

/* The start block as an object of the new process's job. */
static status_t start_block(struct job *job, vaddr_t user, uint32_t length,
                            struct memory **out_memory)
{
    struct memory *memory;
    status_t status =
        memory_create(job, length ? ROUND_UP(length, PAGE_SIZE) / PAGE_SIZE : 1, &memory);
    if (status != SW_OK)
        return status;
    for (uint32_t done = 0; status == SW_OK && (done < length || done == 0); done += PAGE_SIZE) {
        uint32_t piece = length - done < PAGE_SIZE ? length - done : PAGE_SIZE;
        paddr_t page;
        status = memory_page(memory, done / PAGE_SIZE, true, &page);
        if (status == SW_OK)
            status = copy_from_user(page_pointer(page), user + done, piece);
    }
    if (status != SW_OK)
        object_put(&memory->object);
    *out_memory = memory;
    return status;
}

status_t sys_process_create(struct thread *thread, struct job *job, vaddr_t user,
                            uint64_t *out_process, uint64_t *out_pid)
{
    struct process *caller = thread->process;
    struct sw_spawn spawn;
    struct sw_program program;
    struct transfers transfers;
    status_t status = copy_from_user(&spawn, user, sizeof(spawn));
    if (status != SW_OK)
        return status;
    if (spawn.transfer_count > TRANSFERS || spawn.start_length > START_LIMIT)
        return SW_TOO_LARGE;
    if (spawn.flags || spawn.band > 3 || spawn.name[sizeof(spawn.name) - 1])
        return SW_INVALID;
    transfers.count = spawn.transfer_count;
    status = copy_from_user(&program, spawn.program, sizeof(program));
    if (status == SW_OK)
        status = copy_from_user(transfers.list, spawn.transfers,
                                transfers.count * sizeof(transfers.list[0]));
    if (status == SW_OK)
        status = transfers_check(caller, &transfers);
    if (status != SW_OK)
        return status;
    struct process_image image = {
        .program = &program,
        .handles = transfers.sent,
        .handle_count = transfers.count,
        .band = spawn.band,
        .parent_pid = caller->pid,
        .caps = spawn.caps & caller->caps,
        .name = (const char *)spawn.name,
    };
    for (uint32_t i = 0; i < ARRAY_COUNT(image.memory); i++) {
        struct handle_entry *entry;
        if (!spawn.memory[i])
            continue;
        status = handle_lookup(caller, spawn.memory[i], SW_TYPE_MEMORY, SW_RIGHT_MAP, &entry);
        if (status != SW_OK)
            return status;
        image.memory[i] = CONTAINER(entry->object, struct memory, object);
        image.memory_rights[i] = entry->rights;
    }
    status = handle_reserve(caller, 1);
    if (status != SW_OK)
        return status;
    status = start_block(job, spawn.start, spawn.start_length, &image.start);
    if (status != SW_OK)
        goto fail_reserve;
    for (uint32_t i = 0; i < transfers.count; i++)
        object_hold(transfers.sent[i].object);
    struct process *process;
    status = process_create_image(job, &image, &process);
    object_put(&image.start->object);
    if (status != SW_OK)
        goto fail_handles;

    for (uint32_t i = 0; i < transfers.count; i++) {
        struct handle_entry *entry;
        if (transfers.list[i].flags &&
            handle_lookup(caller, transfers.list[i].handle, 0, 0, &entry) == SW_OK)
            handle_close(caller, entry);
    }
    handle_t handle = 0;
    status = handle_install(caller, &process->object, PROCESS_RIGHTS, &handle);
    ASSERT(status == SW_OK);
    *out_process = handle;
    *out_pid = process->pid;
    object_put(&process->object);
    return SW_OK;
fail_handles:
    for (uint32_t i = 0; i < transfers.count; i++)
        object_unhold(transfers.sent[i].object);
fail_reserve:
    handle_unreserve(caller, 1);
    return status;
}

/* --- other system calls ---------------------------------------------------------------------- */

status_t sys_process_exit(struct thread *thread, int32_t status)
{
    process_end(thread->process, status);
    return SW_OK;
}

/* Whom a blocked thread waits for, as far as that is one process. */
static const struct process *thread_awaited(const struct thread *thread)
{
    switch (thread->wait) {
    case SW_WAIT_CALL:
        return thread->call.connection->channel->server;
    case SW_WAIT_REPLY:
        return thread->call.server;
    case SW_WAIT_PIPE:
    case SW_WAIT_PIPE_ROOM:
        return process_by_pid(thread->wait_pipe->core->users_last[!thread->wait_pipe->end]);
    default:
        return NULL;
    }
}

void process_info_fill(const struct process *process, struct sw_process_info *info)
{
    uint64_t pages = process->handles.page_count;
    if (process->space)
        pages += process->space->resident + process->space->table_pages;
    *info = (struct sw_process_info){
        .pid = process->pid,
        .parent = process->parent_pid,
        .state = process->state == PROCESS_LIVE ? SW_PROCESS_BLOCKED : SW_PROCESS_ENDED,
        .status = process->status,
        .principal = process->job->principal,
        .session = process->job->session,
        .caps = process->caps,
        .cpu_ns = process->cpu_ns,
        .start_ns = process->start_ns,
        .memory = pages * PAGE_SIZE,
        .threads = process->thread_count,
        .handles = process->handles.used,
        .job = process->job->object.id,
    };
    memcpy(info->name, process->name, sizeof(info->name));
    bool first = true;
    list_for_each (at, &process->threads) {
        const struct thread *thread = CONTAINER(at, struct thread, process_link);
        if (first && thread->state == THREAD_BLOCKED) {
            const struct process *awaited = thread_awaited(thread);
            info->wait_kind = thread->wait;
            if (awaited) {
                info->wait_pid = awaited->pid;
                memcpy(info->wait_name, awaited->name, sizeof(info->wait_name));
            }
        }
        if (first || thread->state == THREAD_RUNNING)
            info->cpu = (uint32_t)thread->cpu;
        first = false;
        if (process->state != PROCESS_LIVE)
            continue;
        if (thread->special & SPECIAL_STOPPED)
            info->state = SW_PROCESS_STOPPED;
        else if (thread->state != THREAD_BLOCKED)
            info->state = SW_PROCESS_RUNNING;
    }
}

status_t sys_process_info(struct thread *thread, struct process *process, vaddr_t user)
{
    struct sw_process_info info;
    sched_account_all();
    process_info_fill(process ? process : thread->process, &info);
    return copy_to_user(user, &info, sizeof(info));
}

status_t sys_process_kill(struct thread *thread, struct process *process, int32_t status)
{
    (void)thread;
    process_end(process, status);
    return SW_OK;
}

status_t sys_process_divert(struct thread *thread, struct process *process, uint32_t kind)
{
    (void)thread;
    if (kind != SW_DIVERT_FAULT && kind != SW_DIVERT_LOOP)
        return SW_INVALID;
    if (process->state != PROCESS_LIVE)
        return SW_BAD_STATE;
    struct thread *first = list_first(&process->threads, struct thread, process_link);
    if (first->leaves == LEAVES_ENDING)
        return SW_BAD_STATE;
    thread_divert(first, kind == SW_DIVERT_LOOP ? process->loop : WILD);
    return SW_OK;
}

status_t sys_process_restrict(struct thread *thread, uint64_t caps)
{
    thread->process->caps &= caps;
    return SW_OK;
}

status_t sys_process_on_interrupt(struct thread *thread, struct event *event)
{
    struct process *process = thread->process;
    struct event *before = process->interrupt_event;
    if (event)
        object_get(&event->object);
    process->interrupt_event = event;
    if (before)
        object_put(&before->object);
    return SW_OK;
}
