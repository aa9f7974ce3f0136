/* Crash records: of user processes and of the kernel itself.
 *
 * A record is text. The newest eight stay in a reserved part of RAM, each with magic and checksum,
 * so that the next boot finds them after a reset. A panic also prints its record between
 * `-----BEGIN PANIC-----` and `-----END PANIC-----` on the serial line.
 *
 * Nothing here allocates; a panic takes no lock and believes no pointer it has not checked. */
#include "log.h"
#include "process.h"
#include "syscall_handlers.h"

#define SLOTS 8
#define SLOT_SIZE (CRASH_RING_SIZE / SLOTS)
#define MAGIC 0x4853415243535753ull /* "SWSCRASH" */
#define BACKTRACE_DEPTH 24

struct record {
    uint64_t magic, sequence; /* higher is newer */
    uint32_t length, checksum;
    char text[SLOT_SIZE - 24];
};
_Static_assert(sizeof(struct record) == SLOT_SIZE, "crash record");

static struct record *records; /* SLOTS of them; NULL: no place */
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
        if (record_valid(&records[i]))
            found++;
        else
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
    size_t room = sizeof record->text - record->length;
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

/* Follows frame records {caller's x29, return address}; read takes one from an address. */
static void add_backtrace(struct record *record, uint64_t pc, uint64_t fp,
                          bool (*read)(uint64_t address, uint64_t pair[2]))
{
    add(record, "back-trace %lx", pc);
    for (uint32_t i = 0; i < BACKTRACE_DEPTH; i++) {
        uint64_t pair[2];
        if (!fp || fp % 8 || !read(fp, pair) || !pair[1])
            break;
        add(record, " %lx", pair[1]);
        if (pair[0] <= fp) /* stacks grow down: callers' frames lie above */
            break;
        fp = pair[0];
    }
    add(record, "\n");
}

static void record_finish(struct record *record)
{
    uint32_t room = (uint32_t)sizeof record->text - record->length;
    add(record, "last log lines\n");
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

static bool read_user(uint64_t address, uint64_t pair[2])
{
    return arch_copy_from_user(pair, address, 16) == 0;
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
    add_backtrace(record, thread->frame.pc, thread->frame.x[29], read_user);
    add(record, "principal %u session %u threads %u handles %u\n", process->job->principal,
        process->job->session, process->thread_count, process->handles.used);
    uint32_t length = record->length;
    record_finish(record);
    log_lines(record, length);
}

status_t sys_crash_read(struct thread *thread, struct job *authority, uint32_t index,
                        vaddr_t buffer, uint32_t capacity, uint64_t *out_length)
{
    (void)thread, (void)authority;
    const struct record *record = record_newest(index);
    if (!record)
        return SW_NOT_FOUND;
    uint32_t length = record->length < capacity ? record->length : capacity;
    status_t status = copy_to_user(buffer, record->text, length);
    if (status == SW_OK)
        *out_length = length;
    return status;
}

/* --- the kernel --- */

static bool read_kernel(uint64_t address, uint64_t pair[2])
{
    if (!arch_on_kernel_stack(address) || !arch_on_kernel_stack(address + 15))
        return false;
    memcpy(pair, (const void *)address, 16);
    return true;
}

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
    add_backtrace(record, pc, fp, read_kernel);
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
    panic_end(NULL, (uint64_t)__builtin_return_address(0), (uint64_t)__builtin_frame_address(0),
              format, arguments);
}

void panic_frame(const struct arch_frame *frame, const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    panic_end(frame, frame->pc, frame->x[29], format, arguments);
}
