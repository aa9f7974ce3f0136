/* System calls about the whole machine: facts, log, wall clock, power, random numbers, and the
 * early console. Rights on the authority handle are checked by the generated decoder. */
#include "log.h"
#include "machine.h"
#include "process.h"
#include "syscall_handlers.h"

#define CHUNK 256 /* bytes copied in or out at once */
#define COPY_MAX 4096

/* What a process may write to the log: so many lines at once, then one more each interval. The ring
 * is everybody's, and a server that repeats itself must not push out what others said. All processes of a
 * session together may write SESSION_SHARE times as much. */
#define LOG_BURST 256
#define LOG_INTERVAL 20000000ull /* ns */
#define SESSION_SHARE 4

uint64_t log_dropped_total;

extern const char bundle_start[], bundle_end[];

status_t sys_system_info(struct thread *thread, vaddr_t info)
{
    (void)thread;
    struct sw_system_info out = {
        .ram_total = info_page->ram_bytes,
        .ram_free = page_free_count * PAGE_SIZE,
        .kernel_image = kernel_image_bytes,
        .kernel_heap = (slab_pages_total + handle_pages_total + memory_tables_total) * PAGE_SIZE,
        .page_tables = space_tables_total * PAGE_SIZE,
        .monotonic_ns = arch_now(),
        .cpu_count = info_page->cpu_count,
        .processes = object_counts[SW_TYPE_PROCESS],
        .threads = object_counts[SW_TYPE_THREAD],
        .handles = handle_total,
        .bundle_bytes = (uint64_t)(bundle_end - bundle_start),
        .reserved_bytes = reserved_bytes,
        .kernel_used = slab_used_total + (handle_pages_total + memory_tables_total) * PAGE_SIZE,
        .log_lines = log_count(),
        .log_dropped = log_dropped_total,
    };
    sched_account_all();
    for (uint32_t i = 0; i < CPU_MAX; i++) {
        out.cpu_busy_ns[i] = cpus[i].busy_ns;
        out.cpu_idle_ns[i] = cpus[i].idle_ns;
        out.syscalls += cpus[i].syscalls;
        out.context_switches += cpus[i].switches;
    }
    memcpy(out.objects, object_counts, sizeof out.objects);
    return copy_to_user(info, &out, sizeof out);
}

void log_ask(void)
{
    if (log_should_be_gathered())
        job_log_wanted(true);
}

/* Whether so many lines are left of an allowance. */
static bool allowance_has(struct log_allowance *allowance, uint32_t lines, uint32_t share)
{
    uint64_t interval = LOG_INTERVAL / share;
    uint64_t now = arch_now(), back = (now - allowance->ns) / interval;
    allowance->used = back < allowance->used ? allowance->used - (uint32_t)back : 0;
    allowance->ns = allowance->used ? allowance->ns + back * interval : now;
    return allowance->used + lines <= LOG_BURST * share;
}

/* The job a session began with; NULL: the process belongs to none. */
static struct job *session_job(const struct process *process)
{
    struct job *job = process->job;
    if (!job->session)
        return NULL;
    while (job->parent && job->parent->session == job->session)
        job = job->parent;
    return job;
}

void process_log_settle(struct process *process)
{
    struct job *session = session_job(process);
    if (!process->log_dropped)
        return;
    if (!session || allowance_has(&session->log, 1, SESSION_SHARE)) {
        if (session)
            session->log.used++;
        log_warning("log", "%u lines of %s pid %u are gone: more than %u at once and %u a second%s",
                    process->log_dropped, process->name, process->pid, LOG_BURST,
                    (uint32_t)(1000000000 / LOG_INTERVAL),
                    session ? ", or four times that of its session" : "");
    }
    process->log_dropped = 0;
}

/* Takes a line from what the process may write, and one for the report of what is gone; false: so
 * much is not left. */
static bool log_allow(struct process *process)
{
    uint32_t lines = process->log_dropped ? 2 : 1;
    struct job *session = session_job(process);
    if (!allowance_has(&process->log, lines, 1) ||
        (session && !allowance_has(&session->log, lines, SESSION_SHARE))) {
        process->log_dropped++;
        log_dropped_total++;
        return false;
    }
    process->log.used += lines;
    process_log_settle(process); /* takes its line of the session's */
    if (session)
        session->log.used++;
    return true;
}

/* Whose line it is, in front of it: what servers say is believed, but a session's program could name anybody.
 * Such lines begin with `name[pid]: `, without a name that is the program's anyway. */
static uint32_t line_sign(const struct process *process, char *line, const char *text,
                          uint32_t length)
{
    if (!process->job->session) {
        memcpy(line, text, length);
        return length;
    }
    char name[sizeof process->name];
    size_t at = 0;
    for (; process->name[at]; at++) {
        char byte = process->name[at];
        name[at] = byte == ':' || byte == '[' || byte == ' ' ? '?' : byte;
    }
    name[at] = 0;
    if (length > at + 2 && memcmp(text, process->name, at) == 0 && text[at] == ':' &&
        text[at + 1] == ' ') {
        text += at + 2;
        length -= (uint32_t)at + 2;
    }
    at = format_line(line, LOG_LINE_MAX + 1, "%s[%u]: ", name, process->pid);
    if (length > LOG_LINE_MAX - at)
        length = (uint32_t)(LOG_LINE_MAX - at);
    memcpy(line + at, text, length);
    return (uint32_t)at + length;
}

status_t sys_log_write(struct thread *thread, struct job *authority, uint32_t level, vaddr_t text,
                       uint32_t length)
{
    (void)authority;
    char given[LOG_LINE_MAX], line[LOG_LINE_MAX + 1];
    if (level > SW_LOG_ERROR) /* PANIC is the kernel's */
        return SW_INVALID;
    if (length > sizeof given)
        return SW_TOO_LARGE;
    status_t status = copy_from_user(given, text, length);
    if (status != SW_OK)
        return status;
    length = line_sign(thread->process, line, given, length);
    if (log_wants(level, line, length) && log_allow(thread->process))
        log_text(level, line, length);
    log_ask();
    return SW_OK;
}

status_t sys_log_filter(struct thread *thread, struct job *authority, vaddr_t source,
                        uint32_t length, uint32_t level)
{
    (void)thread, (void)authority;
    char name[LOG_SOURCE_MAX];
    if (length > sizeof name)
        return SW_TOO_LARGE;
    status_t status = copy_from_user(name, source, length);
    return status == SW_OK ? log_filter_set(name, length, level) : status;
}

status_t sys_log_read(struct thread *thread, struct job *authority, uint64_t sequence,
                      vaddr_t buffer, uint32_t capacity, uint32_t flags, uint64_t *out_length,
                      uint64_t *out_next)
{
    (void)thread, (void)authority;
    uint32_t done = 0;
    if (flags & ~(uint32_t)SW_LOG_GATHER)
        return SW_INVALID;
    if (capacity > COPY_MAX) /* whoever wants more calls again */
        capacity = COPY_MAX;
    for (;;) {
        char line[LOG_RECORD_MAX + 1];
        uint64_t next = sequence;
        size_t length = log_record(&next, line);
        if (length == 0 || length > capacity - done)
            break;
        status_t status = copy_to_user(buffer + done, line, length);
        if (status != SW_OK)
            return status;
        done += (uint32_t)length;
        sequence = next;
    }
    if (flags & SW_LOG_GATHER) {
        log_gathered(sequence);
        job_log_wanted(log_should_be_gathered());
    }
    *out_length = done;
    *out_next = sequence;
    return SW_OK;
}

status_t sys_time_set(struct thread *thread, struct job *authority, uint64_t wall_ns)
{
    (void)thread, (void)authority;
    info_page_set_wall(wall_ns);
    return SW_OK;
}

status_t sys_power(struct thread *thread, struct job *authority, uint32_t kind)
{
    (void)authority;
    if (kind != SW_POWER_OFF && kind != SW_POWER_REBOOT)
        return SW_INVALID;
    log_info("power", "%s by %s pid %u", kind == SW_POWER_OFF ? "off" : "reboot",
             thread->process->name, thread->process->pid);
    arch_power(kind);
}

/* Asks rngd for entropy by the root job's signal, when something draws and it is time: a machine
 * at rest is not woken. */
static void entropy_ask(void)
{
    if (random_is_hungry(arch_now()))
        job_entropy_wanted(true);
}

status_t sys_random(struct thread *thread, vaddr_t buffer, uint32_t length)
{
    (void)thread;
    uint8_t bytes[CHUNK];
    status_t status = SW_OK;
    if (length > COPY_MAX)
        return SW_TOO_LARGE;
    for (uint32_t done = 0; done < length && status == SW_OK;) {
        uint32_t part = length - done < CHUNK ? length - done : CHUNK;
        random_bytes(bytes, part);
        status = copy_to_user(buffer + done, bytes, part);
        done += part;
    }
    memset(bytes, 0, sizeof bytes);
    entropy_ask();
    return status;
}

status_t sys_entropy_add(struct thread *thread, struct job *authority, vaddr_t buffer,
                         uint32_t length)
{
    (void)authority;
    uint8_t bytes[CHUNK];
    if (length > COPY_MAX)
        return SW_TOO_LARGE;
    for (uint32_t done = 0; done < length;) {
        uint32_t part = length - done < CHUNK ? length - done : CHUNK;
        status_t status = copy_from_user(bytes, buffer + done, part);
        if (status != SW_OK)
            return status;
        random_mix(bytes, part);
        done += part;
    }
    memset(bytes, 0, sizeof bytes);
    if (length < SEED_ENOUGH)
        return SW_OK;
    random_fed(arch_now());
    job_entropy_wanted(false);
    if (info_page->random_state == RANDOM_WEAK) {
        info_page->random_state = RANDOM_SEEDED;
        log_info("random", "seeded by %s", thread->process->name);
    }
    return SW_OK;
}

status_t sys_early_write(struct thread *thread, struct job *authority, vaddr_t text,
                         uint32_t length)
{
    (void)thread, (void)authority;
    char bytes[CHUNK];
    if (!early_console_active)
        return SW_BUSY;
    if (length > COPY_MAX)
        return SW_TOO_LARGE;
    for (uint32_t done = 0; done < length;) {
        uint32_t part = length - done < CHUNK ? length - done : CHUNK;
        status_t status = copy_from_user(bytes, text + done, part);
        if (status != SW_OK)
            return status;
        early_console_write(bytes, part);
        done += part;
    }
    return SW_OK;
}

status_t sys_early_read(struct thread *thread, struct job *authority, uint64_t *out_byte)
{
    (void)thread, (void)authority;
    if (!early_console_active)
        return SW_BUSY;
    int byte = early_console_read();
    if (byte < 0)
        return SW_TIMED_OUT;
    *out_byte = (uint64_t)byte;
    return SW_OK;
}
