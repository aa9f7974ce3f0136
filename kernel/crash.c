/* Crash records: of user processes and of the kernel itself.
 *
 * A record is text. The newest eight stay in a reserved part of RAM, each with magic and checksum,
 * so that the next boot finds them after a reset. A panic also prints its record between
 * `-----BEGIN PANIC-----` and `-----END PANIC-----` on the serial line. logd collects them
 * (SW_JOB_CRASHED) and adds what the services had said; whoever shows one adds names to addresses.
 *
 * A process may have put anything into its memory before it died: what is read from there is read
 * where it is present, in small counted pieces, and shown as numbers. What costs time while a
 * process lives is not done for the day it dies: what its threads wait for, whom they serve and
 * what they asked last stands in their call objects anyway.
 *
 * Nothing here allocates; a panic takes no lock and believes no pointer it has not checked. */
#include "log.h"
#include "process.h"
#include "syscall_handlers.h"

#define SLOTS 8
#define SLOT_SIZE (CRASH_RING_SIZE / SLOTS)
#define MAGIC 0x4853415243535753ull /* "SWSCRASH" */
#define BACKTRACE_DEPTH 24
#define THREADS 16     /* of a process: the one that crashed and others */
#define THREAD_DEPTH 6 /* callers shown of another thread */
#define CALLS 8        /* calls it serves */
#define HANDLES 96
#define HEADER_BYTES 8   /* of a request: what is asked for */
#define HEADER_MOST 255  /* its numbers are far below */
#define REQUEST_BYTES 48 /* of a request: its header and the first arguments */
#define LOG_ROOM 2048    /* of a record: what else it has must leave this to the last log lines */

struct record {
    uint64_t magic, sequence; /* higher is newer */
    uint32_t length, checksum;
    char text[SLOT_SIZE - 24];
};
_Static_assert(sizeof(struct record) == SLOT_SIZE, "crash record");

static struct record *records; /* SLOTS of them; NULL: no place */
static uint64_t earlier;       /* the last number of before the reset */
bool panicked;

/* FNV-1a: tells what another boot left from what happens to lie there. */
static uint32_t record_checksum(const struct record *record)
{
    uint32_t sum = 2166136261u ^ (uint32_t)record->sequence ^ record->length;
    for (uint32_t i = 0; i < record->length; i++)
        sum = (sum ^ (uint8_t)record->text[i]) * 16777619u;
    return sum;
}

static bool record_valid(const struct record *record)
{
    return record->magic == MAGIC && record->length <= sizeof record->text &&
           record->checksum == record_checksum(record);
}

void crash_init(paddr_t ring)
{
    uint32_t found = 0;
    records = page_pointer(ring);
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (record_valid(&records[i])) {
            found++;
            if (records[i].sequence > earlier)
                earlier = records[i].sequence;
        } else
            memset(&records[i], 0, sizeof records[i]);
    }
    if (found)
        log_warning("crash", "%u records of before the reset", found);
}

/* The slot of the n-th newest record; NULL: there are not so many. */
static struct record *record_newest(uint32_t n)
{
    for (uint32_t i = 0; records && i < SLOTS; i++) {
        uint32_t newer = 0;
        for (uint32_t j = 0; j < SLOTS; j++)
            newer += records[j].sequence > records[i].sequence;
        if (records[i].magic == MAGIC && newer == n)
            return &records[i];
    }
    return NULL;
}

/* --- composing a record in its slot --- */

static struct record fallback; /* before crash_init */

static struct record *record_begin(void)
{
    struct record *record = &fallback;
    uint64_t last = 0;
    for (uint32_t i = 0; records && i < SLOTS; i++) {
        if (records[i].sequence > last)
            last = records[i].sequence;
        if (i == 0 || records[i].sequence < record->sequence)
            record = &records[i];
    }
    record->magic = 0;
    record->sequence = last + 1;
    record->length = 0;
    return record;
}

static void add_arguments(struct record *record, const char *format, __builtin_va_list arguments)
{
    size_t room = sizeof record->text - LOG_ROOM - record->length;
    record->length += (uint32_t)format_text(record->text + record->length, room, format, arguments);
}

__attribute__((format(printf, 2, 3))) static void add(struct record *record, const char *format,
                                                      ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    add_arguments(record, format, arguments);
    __builtin_va_end(arguments);
}

static void add_registers(struct record *record, const struct arch_frame *frame)
{
    add(record, "pc  %016lx lr  %016lx sp  %016lx pstate %lx\n", frame->pc, frame->x[30], frame->sp,
        frame->pstate);
    for (uint32_t i = 0; i < 30; i++)
        add(record, "x%02u %016lx%c", i, frame->x[i], i % 4 == 3 || i == 29 ? '\n' : ' ');
}

static bool frame_read(const struct process *process, uint64_t address, uint64_t pair[2])
{
    if (process)
        return copy_present(process, pair, address, 16) == 16;
    if (!arch_on_kernel_stack(address) || !arch_on_kernel_stack(address + 15))
        return false;
    memcpy(pair, (const void *)address, 16);
    return true;
}

/* Follows frame records {caller's x29, return address}. process: whose stack; NULL: the kernel's.
 */
static void add_backtrace(struct record *record, uint64_t pc, uint64_t fp, uint32_t depth,
                          const struct process *process)
{
    add(record, "back-trace %lx", pc);
    for (uint32_t i = 0; i < depth; i++) {
        uint64_t pair[2];
        if (!fp || fp % 8 || !frame_read(process, fp, pair) || !pair[1])
            break;
        add(record, " %lx", pair[1]);
        if (pair[0] <= fp) /* stacks grow down: callers' frames lie above */
            break;
        fp = pair[0];
    }
    add(record, "\n");
}

/* Which kernel this is. Its symbols were filed under the same sum by scripts/host/mksymbols.lua. */
static void add_kernel(struct record *record)
{
    static uint64_t sum;
    const uint64_t *at, *end;
    arch_kernel_code(&at, &end);
    uint64_t base = (uintptr_t)at;
    if (!sum) {
        sum = 14695981039346656037u;
        for (; at < end; at++)
            sum = (sum ^ *at) * 1099511628211u;
    }
    add(record, "program %016lx base %lx at %lu ms\n", sum, base,
        (unsigned long)(arch_since_boot() / 1000000));
}

static void record_finish(struct record *record)
{
    static const char heading[] = "last log lines\n";
    if (record->text[record->length - 1] != '\n') /* there was more than fits */
        record->text[record->length++] = '\n';
    memcpy(record->text + record->length, heading, sizeof heading - 1);
    record->length += (uint32_t)sizeof heading - 1;
    uint32_t room = (uint32_t)sizeof record->text - record->length;
    for (uint64_t sequence = log_sequence_of_last(room > 1024 ? room - 1024 : 0);;) {
        char line[LOG_RECORD_MAX];
        size_t length = log_record(&sequence, line);
        if (length == 0 || length > sizeof record->text - record->length)
            break;
        memcpy(record->text + record->length, line, length);
        record->length += (uint32_t)length;
    }
    record->checksum = record_checksum(record);
    record->magic = MAGIC;
    arch_data_clean(record, sizeof *record); /* the caches do not outlive a reset */
}

/* --- user processes --- */

static void add_request(struct record *record, const struct process *process, vaddr_t address,
                        uint32_t length, uint32_t flags)
{
    uint8_t bytes[REQUEST_BYTES];
    if (flags & SW_CALL_SECRET) {
        add(record, ", secret request of %u\n", length);
        return;
    }
    size_t there =
        copy_present(process, bytes, address, length < REQUEST_BYTES ? length : REQUEST_BYTES);
    add(record, ", request of %u:", length);
    for (size_t i = 0; i < there; i++)
        add(record, "%s%02x", i % 8 ? "" : " ", bytes[i]);
    add(record, "\n");
}

static void add_call_request(struct record *record, const struct call *call)
{
    add_request(record, call->process, call->buffers.request, call->buffers.request_length,
                call->buffers.flags);
}

/* What the memory of a request that is over says it was. The buffer is the caller's again, and may hold
 * what nobody is to see: only what looks like a header is shown, which text and keys do not. */
static void add_past_request(struct record *record, const struct call *call)
{
    uint16_t header[HEADER_BYTES / 2]; /* protocol, version, operation, 0 */
    add(record, ", %srequest of %u", call->buffers.flags & SW_CALL_SECRET ? "secret " : "",
        call->buffers.request_length);
    if (!(call->buffers.flags & SW_CALL_SECRET) && call->buffers.request_length >= sizeof header &&
        copy_present(call->process, header, call->buffers.request, sizeof header) ==
            sizeof header &&
        header[0] <= HEADER_MOST && header[1] <= HEADER_MOST && header[2] <= HEADER_MOST &&
        header[3] == 0)
        add(record, ": %02x00%02x00%02x000000", header[0], header[1], header[2]);
    add(record, "\n");
}

/* The call a thread has under way, or made last: its own call object still says which. */
static void add_own_call(struct record *record, const struct thread *thread)
{
    const struct call *call = &thread->call;
    if (call->state == CALL_IDLE) {
        if (!call->user)
            return;
        add(record, "  last call made, by its memory");
        add_past_request(record, call);
        return;
    }
    const struct process *server = call->connection->channel->server;
    if (server)
        add(record, "  calls %s pid %u", server->name, server->pid);
    else
        add(record, "  calls nobody yet");
    add(record, ", badge %lx", call->connection->badge);
    add_call_request(record, call);
}

static void add_served(struct record *record, const struct thread *thread)
{
    uint32_t left = CALLS;
    list_for_each (at, &thread->handling) {
        const struct call *call = CONTAINER(at, struct call, handler_link);
        if (left-- == 0)
            break;
        add(record, "  serves %s pid %u, badge %lx", call->process->name, call->process->pid,
            call->connection->badge);
        add_call_request(record, call);
    }
}

/* The message it received last, as far as its memory still says so. */
static void add_received(struct record *record, const struct thread *thread)
{
    struct sw_wait wait;
    if (copy_present(thread->process, &wait, thread->wait_pointer, sizeof(wait)) != sizeof(wait) ||
        wait.event.kind != SW_EVENT_MESSAGE || wait.buffer != thread->wait_room.buffer)
        return;
    uint32_t length = wait.event.request_length;
    add(record, "  last received, by its memory, from pid %u, badge %lx", wait.event.pid,
        wait.event.badge);
    add_request(record, thread->process, wait.buffer,
                length < wait.capacity ? length : wait.capacity, wait.event.bits);
}

static const char *const waits[] = {
    [SW_WAIT_NONE] = "runs",
    [SW_WAIT_PORT] = "waits at a port",
    [SW_WAIT_CALL] = "waits to be received",
    [SW_WAIT_REPLY] = "waits for a reply",
    [SW_WAIT_FUTEX] = "waits at a futex",
    [SW_WAIT_PIPE] = "waits for a pipe",
    [SW_WAIT_PIPE_ROOM] = "waits for room in a pipe",
    [SW_WAIT_SLEEP] = "sleeps",
};

static void add_thread(struct record *record, const struct thread *thread, bool crashed)
{
    const char *what = thread->state != THREAD_BLOCKED     ? "runs"
                       : thread->wait < ARRAY_COUNT(waits) ? waits[thread->wait]
                                                           : "waits";
    add(record, "thread %lx %s\n", thread->object.id, crashed ? "crashed" : what);
    if (!crashed && thread->state != THREAD_RUNNING) { /* where it is, its CPU knows */
        add(record, "  ");
        add_backtrace(record, thread->frame.pc, thread->frame.x[29], THREAD_DEPTH, thread->process);
    }
    add_own_call(record, thread);
    add_served(record, thread);
    add_received(record, thread);
}

/* Calls taken and put off, which are no thread's any more. Looks at a bounded number. */
static void add_deferred(struct record *record, const struct process *process)
{
    uint32_t left = CALLS, steps = 256;
    list_for_each (at, &process->served) {
        const struct channel *channel = CONTAINER(at, struct channel, server_link);
        list_for_each (link, &channel->received) {
            const struct call *call = CONTAINER(link, struct call, channel_link);
            if (steps-- == 0 || left == 0)
                return;
            if (call->handler)
                continue;
            left--;
            add(record, "put off: %s pid %u, badge %lx", call->process->name, call->process->pid,
                call->connection->badge);
            add_call_request(record, call);
        }
        if (steps-- == 0)
            return;
    }
}

static void add_handles(struct record *record, const struct process *process)
{
    const struct handle_table *table = &process->handles;
    uint32_t shown = 0;
    add(record, "handles: number, type, object, rights\n");
    for (uint32_t page = 0; page < table->page_count && shown < HANDLES; page++) {
        for (uint32_t i = 0; i < PAGE_SIZE / sizeof(struct handle_entry); i++) {
            const struct handle_entry *entry = &table->pages[page][i];
            if (!entry->object)
                continue;
            if (shown++ == HANDLES)
                break;
            add(record, "  %x %s #%lx %x\n",
                (uint32_t)entry->generation << 16 |
                    (page * (uint32_t)(PAGE_SIZE / sizeof(struct handle_entry)) + i),
                object_classes[entry->object->type]->name, entry->object->id, entry->rights);
        }
    }
    if (table->used > HANDLES)
        add(record, "  and %u more\n", table->used - HANDLES);
}

/* Logs the record's first bytes, which are whole lines. */
static void log_lines(const struct record *record, uint32_t length)
{
    const char *line = record->text, *end = line + length;
    while (line < end) {
        const char *stop = line;
        while (stop < end && *stop != '\n')
            stop++;
        log_line(SW_LOG_ERROR, "crash", "%.*s", (int)(stop - line), line);
        line = stop + 1;
    }
}

void crash_record_process(struct thread *thread, const char *reason, vaddr_t address)
{
    const struct process *process = thread->process;
    struct record *record = record_begin();
    add(record, "%s pid %u ended: %s, address %lx\n", process->name, process->pid, reason, address);
    add_registers(record, &thread->frame);
    add_backtrace(record, thread->frame.pc, thread->frame.x[29], BACKTRACE_DEPTH, process);
    add(record, "principal %u session %u threads %u handles %u\n", process->job->principal,
        process->job->session, process->thread_count, process->handles.used);
    uint32_t logged = record->length;
    add(record, "program %016lx base %lx at %lu ms\n", process->identity, process->base,
        (unsigned long)(arch_since_boot() / 1000000));
    add_thread(record, thread, true);
    add_handles(record, process);
    uint32_t left = THREADS - 1;
    list_for_each (at, &process->threads) {
        const struct thread *other = CONTAINER(at, struct thread, process_link);
        if (other == thread)
            continue;
        if (left-- == 0)
            break;
        add_thread(record, other, false);
    }
    if (process->thread_count > THREADS)
        add(record, "and %u more threads\n", process->thread_count - THREADS);
    add_deferred(record, process);
    record_finish(record);
    log_lines(record, logged);
    job_crash_waits(true);
}

status_t sys_crash_read(struct thread *thread, struct job *authority, uint32_t index,
                        vaddr_t buffer, uint32_t capacity, uint64_t *out_length,
                        uint64_t *out_number, uint64_t *out_earlier)
{
    (void)thread, (void)authority;
    const struct record *record = record_newest(index);
    if (!record)
        return SW_NOT_FOUND;
    uint32_t length = record->length < capacity ? record->length : capacity;
    status_t status = copy_to_user(buffer, record->text, length);
    if (status == SW_OK) {
        *out_length = length;
        *out_number = record->sequence;
        *out_earlier = record->sequence <= earlier;
    }
    return status;
}

status_t sys_crash_seen(struct thread *thread, struct job *authority, uint64_t number)
{
    (void)thread, (void)authority;
    const struct record *newest = record_newest(0);
    uint64_t last = newest ? newest->sequence : 0;
    job_crash_waits(last > number);
    return SW_OK;
}

/* --- the kernel --- */

static _Noreturn void panic_end(const struct arch_frame *frame, uint64_t pc, uint64_t fp,
                                const char *format, __builtin_va_list arguments)
{
    static const char begin[] = "\n-----BEGIN PANIC-----\n", end[] = "-----END PANIC-----\n";
    const struct cpu *cpu = cpu_this();
    if (panicked) /* a panic in the panic, or a second CPU's */
        arch_halt();
    panicked = true;
    lock_seize();
    early_console_reset();
    early_console_active = true;

    struct record *record = record_begin();
    add(record, "panic: ");
    add_arguments(record, format, arguments);
    add(record, "\ncpu %u\n", cpu->number);
    if (frame)
        add_registers(record, frame);
    add_backtrace(record, pc, fp, BACKTRACE_DEPTH, NULL);
    add_kernel(record);
    /* Out with it before following pointers that may be the reason. */
    uint32_t printed = record->length;
    early_console_write(begin, sizeof begin - 1);
    early_console_write(record->text, printed);

    const struct thread *thread = cpu->current;
    if (thread)
        add(record, "thread of %s pid %u, user pc %lx, call %lu\n", thread->process->name,
            thread->process->pid, thread->frame.pc, thread->frame.x[8]);
    record_finish(record);
    early_console_write(record->text + printed, record->length - printed);
    early_console_write(end, sizeof end - 1);
    arch_halt();
}

void panic(const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    /* Where it was called, not where it would return to: that may be another function. */
    const uint64_t *frame = __builtin_frame_address(0);
    panic_end(NULL, (uint64_t)__builtin_return_address(0) - 4, frame[0], format, arguments);
}

void panic_frame(const struct arch_frame *frame, const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    panic_end(frame, frame->pc, frame->x[29], format, arguments);
}
