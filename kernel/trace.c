/* Tracing of system calls and messages. See trace.h. */
#include "trace.h"
#include "syscall_handlers.h"

#define RING_PAGES_MAX 256 /* with the first one, which holds struct sw_trace_ring */
#define MESSAGE_BYTES 256  /* of a request or reply */
#define TEXT_BYTES 128     /* of what goes through pipes */

static struct event *event_of(struct trace *trace)
{
    return CONTAINER(trace, struct event, trace);
}

/* --- the ring -------------------------------------------------------------------------------- */

static void *ring_page(const struct trace *trace, uint64_t index)
{
    paddr_t page = 0;
    if (trace->memory->sealed || memory_page(trace->memory, index, false, &page) != SW_OK)
        return NULL;
    return page ? page_pointer(page) : NULL;
}

/* Bytes that are free. A reader that says nonsense has read nothing. */
static uint64_t ring_room(const struct trace *trace, const struct sw_trace_ring *ring)
{
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    uint64_t used = trace->head - tail;
    return used <= trace->capacity ? trace->capacity - used : 0;
}

static bool ring_put(struct trace *trace, uint64_t at, const void *from, size_t length)
{
    while (length) {
        uint64_t offset = at % trace->capacity;
        size_t room = PAGE_SIZE - offset % PAGE_SIZE, piece = length < room ? length : room;
        char *page = ring_page(trace, 1 + offset / PAGE_SIZE);
        if (!page)
            return false;
        memcpy(page + offset % PAGE_SIZE, from, piece);
        from = (const char *)from + piece, at += piece, length -= piece;
    }
    return true;
}

/* The reader learns of it now, unless it has been told and has not looked yet. */
static void trace_tell(struct work *work)
{
    struct trace *trace = CONTAINER(work, struct trace, work);
    list_remove(&work->link);
    event_set(event_of(trace), SW_TRACE_MORE);
}

/* A record under way: struct sw_trace and what follows it. */
struct record {
    struct sw_trace head;
    uint8_t more[sizeof(struct sw_call) + MESSAGE_BYTES + 8];
};

static void record_write(struct trace *trace, struct record *record)
{
    struct sw_trace_ring *ring = ring_page(trace, 0);
    uint32_t size = (uint32_t)sizeof(record->head) + record->head.length;
    record->head.size = ROUND_UP(size, 8);
    memset((uint8_t *)record + size, 0, record->head.size - size); /* what is copied is all ours */
    record->head.lost = trace->lost;
    if (!ring || ring_room(trace, ring) < record->head.size ||
        !ring_put(trace, trace->head, record, record->head.size)) {
        trace->lost++;
    } else {
        trace->head += record->head.size;
        trace->lost = 0;
        __atomic_store_n(&ring->head, trace->head, __ATOMIC_RELEASE);
    }
    if (!(event_of(trace)->bits & SW_TRACE_MORE) && list_empty(&trace->work.link))
        work_add(&trace->work, trace_tell);
}

/* --- what a record says ---------------------------------------------------------------------- */

static void record_begin(struct record *record, const struct thread *thread, uint32_t kind)
{
    record->head = (struct sw_trace){
        .kind = kind,
        .number = (uint32_t)thread->frame.x[8],
        .thread = thread->object.id,
        .time = arch_now(),
    };
    memcpy(record->head.values, thread->frame.x, sizeof(record->head.values));
}

/* Adds what is there of a process's memory; false: not all of it is. */
static bool add(struct record *record, const struct process *process, vaddr_t from, size_t length)
{
    size_t room = sizeof(record->more) - record->head.length;
    length = length < room ? length : room;
    size_t done = copy_present(process, record->more + record->head.length, from, length);
    record->head.length += (uint32_t)done;
    return done == length;
}

static size_t at_most(uint64_t length, size_t most)
{
    return length < most ? (size_t)length : most;
}

/* The structure an argument points to, then the message that names. */
static void add_message(struct record *record, const struct thread *thread)
{
    const uint64_t *x = thread->frame.x;
    const struct process *process = thread->process;
    struct sw_call call;
    struct sw_reply reply;
    switch (thread->frame.x[8]) {
    case SW_SYS_CALL:
    case SW_SYS_CALL_POST:
        if (add(record, process, x[1], sizeof(call))) {
            memcpy(&call, record->more, sizeof(call));
            if (!(call.flags & SW_CALL_SECRET))
                add(record, process, call.request, at_most(call.request_length, MESSAGE_BYTES));
        }
        break;
    case SW_SYS_REPLY:
    case SW_SYS_REPLY_WAIT:
        if (x[0] && add(record, process, x[1], sizeof(reply))) {
            memcpy(&reply, record->more, sizeof(reply));
            if (call_may_be_shown(x[0], process))
                add(record, process, reply.data, at_most(reply.length, MESSAGE_BYTES));
        }
        break;
    case SW_SYS_PIPE_WRITE:
        add(record, process, x[1], at_most(x[2], TEXT_BYTES));
        break;
    case SW_SYS_LOG_WRITE:
        add(record, process, x[2], at_most(x[3], TEXT_BYTES));
        break;
    case SW_SYS_PROCESS_CREATE:
        add(record, process, x[1], sizeof(struct sw_spawn));
        break;
    default:
        break;
    }
}

/* What came of a call that went well. x: its arguments; a thread that has waited has lost them, and
 * what counts stands in its own call object and its wait. */
static void add_outcome(struct record *record, const struct thread *thread, const uint64_t *x)
{
    const struct process *process = thread->process;
    const struct call *call = &thread->call;
    const struct handle_entry *entry;
    struct sw_wait wait;
    switch (thread->frame.x[8]) {
    case SW_SYS_CALL:
        if (!(call->buffers.flags & SW_CALL_SECRET))
            add(record, process, call->buffers.reply, at_most(thread->frame.x[1], MESSAGE_BYTES));
        break;
    case SW_SYS_CALL_COLLECT: /* never waits */
        entry = handle_find(thread->process, x[0], SW_TYPE_CALL, 0);
        if (!entry)
            break;
        call = CONTAINER(entry->object, struct call, object);
        if (!(call->buffers.flags & SW_CALL_SECRET))
            add(record, process, call->buffers.reply, at_most(thread->frame.x[1], MESSAGE_BYTES));
        break;
    case SW_SYS_PORT_WAIT:
    case SW_SYS_REPLY_WAIT:
        if (copy_present(process, &wait, thread->wait_pointer, sizeof(wait)) != sizeof(wait))
            break;
        memcpy(record->more, &wait.event, sizeof(wait.event));
        record->head.length = sizeof(wait.event);
        if (wait.event.kind == SW_EVENT_MESSAGE && !(wait.event.bits & SW_CALL_SECRET))
            add(record, process, thread->wait_room.buffer,
                at_most(at_most(wait.event.request_length, thread->wait_room.capacity),
                        MESSAGE_BYTES));
        break;
    case SW_SYS_PIPE_READ: /* is made again when it has waited */
        add(record, process, x[1], at_most(thread->frame.x[1], TEXT_BYTES));
        break;
    default:
        break;
    }
}

static void record_leave(struct thread *thread, const uint64_t *arguments)
{
    struct record record;
    record_begin(&record, thread, SW_TRACE_LEAVE);
    if (thread->frame.x[0] == SW_OK)
        add_outcome(&record, thread, arguments);
    record_write(thread->process->trace, &record);
}

/* --- where threads come by ------------------------------------------------------------------- */

/* The trace is over, and the thread has not been told yet. */
static void thread_forget(struct thread *thread)
{
    thread->special &= (uint8_t)~SPECIAL_TRACED;
    if (thread->leaves == LEAVES_TRACED)
        thread->leaves = LEAVES_NOT;
}

void trace_syscall(struct thread *thread, status_t (*calls_on)(struct thread *thread))
{
    uint64_t arguments[8];
    if (!thread->process->trace)
        thread_forget(thread);
    if (thread->process->trace && !thread->restart) {
        struct record record;
        record_begin(&record, thread, SW_TRACE_ENTER);
        add_message(&record, thread);
        record_write(thread->process->trace, &record);
    }
    memcpy(arguments, thread->frame.x, sizeof(arguments));
    status_t status = calls_on(thread);
    if (status <= 0 && thread->process->trace && thread->leaves == LEAVES_TRACED)
        record_leave(thread, arguments);
}

bool trace_special_ready(struct thread *thread)
{
    if (thread->special & SPECIAL_TRACED) {
        if (!thread->process->trace)
            thread_forget(thread);
        else if (thread->state == THREAD_BLOCKED && !thread->restart)
            record_leave(thread, NULL);
    }
    thread->state = THREAD_READY;
    return thread->special & SPECIAL_STOPPED;
}

void trace_thread_new(struct thread *thread)
{
    thread->special |= SPECIAL_TRACED;
    if (thread->leaves == LEAVES_NOT)
        thread->leaves = LEAVES_TRACED;
}

/* --- beginning and end ----------------------------------------------------------------------- */

static void trace_end(struct trace *trace)
{
    list_remove(&trace->work.link);
    trace->process->trace = NULL;
    object_put(&trace->memory->object);
    trace->process = NULL;
    trace->memory = NULL;
}

void trace_process_gone(struct process *process)
{
    if (process->trace)
        trace_end(process->trace);
}

void trace_event_gone(struct event *event)
{
    if (event->trace.process)
        trace_end(&event->trace);
}

status_t sys_process_trace(struct thread *thread, struct job *authority, struct process *process,
                           struct memory *memory, uint32_t memory_rights, struct event *event)
{
    (void)authority, (void)memory_rights;
    if (!memory != !event || process == thread->process)
        return SW_INVALID;
    if (!memory) {
        trace_process_gone(process);
        return SW_OK;
    }
    if (memory->pages < 2 || memory->pages > RING_PAGES_MAX || memory->fixed || memory->device)
        return SW_INVALID;
    if (process->state != PROCESS_LIVE || memory->sealed || memory->committed != memory->pages)
        return SW_BAD_STATE;
    struct trace *trace = &event->trace;
    if (process->trace || trace->process)
        return SW_BUSY;
    *trace = (struct trace){ .process = process,
                             .memory = memory,
                             .capacity = (memory->pages - 1) * PAGE_SIZE };
    object_get(&memory->object);
    list_init(&trace->work.link);
    process->trace = trace;
    list_for_each (at, &process->threads)
        trace_thread_new(CONTAINER(at, struct thread, process_link));
    return SW_OK;
}
