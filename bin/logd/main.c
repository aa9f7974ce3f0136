/* logd: keeps what services print. See README.md.
 *
 * One thread, one port. Pipes are bound level-triggered; each event reads one inbox at most, so a
 * service that prints without end leaves the others their turns. Everything that counts lies in
 * kept memory (ring.h), one slot a log; after a death init brings the pipes again. */
#include <stdio.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/protocol.h>
#include <swos/server.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/status.h>

#include "collect.h"
#include "kernel_lines.h"
#include "merge.h"
#include "ring.h"

#define LOGS 61   /* kept slots 0.. */
#define KERNEL 60 /* the log of what is no service's */
#define KERNEL_NAME "kernel"
#define KERNEL_SIZE 16384u
#define ALL LOGS        /* in place of a log's number: all of them */
#define KEY_KERNEL LOGS /* of the binding to what the kernel has for us */
#define CRASH_SLOT LOGS
_Static_assert(CRASH_SLOT < SW_STATISTICS_SLOT, "each has its own");
#define WAITERS 32
#define INIT_BADGE 1
#define SIZE_LEAST 4096u
#define SIZE_MOST (256u << 10)
#define ANSWER_MOST 16384u
#define FOLLOW_INTERVAL (250 * SW_MILLISECOND) /* between looks at the kernel log */

struct log {
    struct ring ring;
    handle_t memory; /* 0: no such log */
    handle_t pipe;   /* 0: none attached */
};

struct waiter {
    uint64_t token; /* 0: free */
    uint32_t log;
    uint64_t sequence, capacity;
};

static struct {
    handle_t job, authority;
    struct sw_server server;
    struct log logs[LOGS];
    struct waiter waiters[WAITERS];
    uint64_t kernel_next; /* line of the kernel log to go on with */
    uint64_t all;         /* number of the next line of any log */
    uint64_t late;        /* lines of the kernel log that were gone before they were read */
} logd;

static __attribute__((noreturn)) void fail(const char *what, status_t status)
{
    sw_log(SW_LOG_ERROR, "%s: %s", what, sw_status_text(status));
    sw_process_exit(1);
    __builtin_unreachable();
}

static uint64_t milliseconds(void)
{
    return sw_clock_monotonic() / SW_MILLISECOND;
}

/* ------------------------------------------------------------------ logs */

static struct log *log_find(const char *name, size_t length)
{
    for (uint32_t i = 0; i < LOGS; i++)
        if (logd.logs[i].memory && strlen(logd.logs[i].ring.memory->name) == length &&
            memcmp(logd.logs[i].ring.memory->name, name, length) == 0)
            return &logd.logs[i];
    return NULL;
}

/* Makes an empty log in the kept slot of `log`; `name` may lie in the memory that is replaced. */
static status_t log_create(struct log *log, const char *name, size_t size)
{
    uint32_t slot = (uint32_t)(log - logd.logs);
    struct ring ring;
    handle_t memory;
    void *mapped;
    status_t status = sw_memory_create(ring_memory_size(size), SW_MEMORY_COMMIT, &memory);
    if (status != SW_OK)
        return status;
    status = sw_mapping_map(memory, 0, ring_memory_size(size), SW_MAP_READ | SW_MAP_WRITE, &mapped);
    if (status != SW_OK)
        goto fail_memory;
    ring_format(&ring, mapped, size, name);
    if (log->memory)
        ring_take_over(&ring, &log->ring);
    status = sw_job_keep(logd.job, slot, memory);
    if (status != SW_OK)
        goto fail_mapping;
    if (log->memory) {
        sw_mapping_unmap(log->ring.memory, ring_memory_size(log->ring.memory->size));
        sw_handle_close(log->memory);
    }
    log->memory = memory;
    log->ring = ring;
    return SW_OK;
fail_mapping:
    sw_mapping_unmap(mapped, ring_memory_size(size));
fail_memory:
    sw_handle_close(memory);
    return status;
}

/* Finds the log a predecessor kept in a slot. What cannot be believed is dropped. */
static void log_recover(uint32_t slot)
{
    struct log *log = &logd.logs[slot];
    uint64_t size, committed;
    uint32_t sealed;
    handle_t memory;
    void *mapped;
    if (sw_job_kept(logd.job, slot, &memory) != SW_OK)
        return;
    if (sw_memory_info(memory, &size, &committed, &sealed) == SW_OK &&
        sw_mapping_map(memory, 0, size, SW_MAP_READ | SW_MAP_WRITE, &mapped) == SW_OK) {
        if (ring_open(&log->ring, mapped, size)) {
            log->memory = memory;
            if (logd.all < log->ring.state.all)
                logd.all = log->ring.state.all;
            if (logd.kernel_next < log->ring.state.kernel)
                logd.kernel_next = log->ring.state.kernel;
            return;
        }
        sw_mapping_unmap(mapped, size);
    }
    sw_log(SW_LOG_WARNING, "log %u cannot be believed, dropped", slot);
    sw_handle_close(memory);
    sw_job_keep(logd.job, slot, 0);
}

static void pipe_drop(struct log *log)
{
    if (!log->pipe)
        return;
    sw_port_unbind(logd.server.port, log->pipe);
    sw_handle_close(log->pipe);
    log->pipe = 0;
}

/* ------------------------------------------------------------------ the kernel log */

static void kernel_line_append(struct log *log, const struct kernel_line *line, uint64_t number)
{
    if (log->ring.state.kernel <= number)
        ring_append(&log->ring, &logd.all, line->milliseconds, line->text, line->text_length,
                    number + 1);
}

/* Lines from number kernel_next to `first` were overwritten before anybody came for them. */
static void kernel_gap_append(uint64_t first)
{
    char text[128];
    uint64_t count = first - logd.kernel_next;
    int length =
        snprintf(text, sizeof(text),
                 "[W] logd: %llu lines of the kernel log are gone: more came than it keeps",
                 (unsigned long long)count);
    struct kernel_line line = { .milliseconds = milliseconds(),
                                .text = text,
                                .text_length = (size_t)length };
    kernel_line_append(&logd.logs[KERNEL], &line, first - 1);
    logd.late += count;
}

static void kernel_lines_file(const char *text, size_t length, uint64_t first)
{
    static struct log *crashed; /* whose record goes on */
    struct log *kernel = &logd.logs[KERNEL];
    for (uint64_t number = first; length; number++) {
        const char *end = memchr(text, '\n', length);
        size_t size = end ? (size_t)(end - text) : length;
        struct kernel_line line;
        if (kernel_line_parse(text, size, &line)) {
            struct log *log = line.owner ? log_find(line.owner, line.owner_length) : crashed;
            if (line.text_length > 11 && memcmp(line.text + 4, "crash: ", 7) == 0)
                crashed = log;
            kernel_line_append(log ? log : kernel, &line, number);
        } else {
            line.text = line.text ? line.text : text;
            line.text_length = size - (size_t)(line.text - text);
            kernel_line_append(kernel, &line, number);
        }
        size += end ? 1 : 0;
        text += size;
        length -= size;
    }
}

/* Copies new lines of the kernel log to the logs they belong to. */
static void kernel_log_pull(void)
{
    static char text[4096];
    for (;;) {
        uint32_t length, lines = 0;
        uint64_t next;
        if (sw_log_read(logd.authority, logd.kernel_next, text, sizeof(text), SW_LOG_GATHER,
                        &length, &next) != SW_OK ||
            !length)
            return;
        for (uint32_t i = 0; i < length; i++)
            lines += text[i] == '\n';
        if (next - lines > logd.kernel_next)
            kernel_gap_append(next - lines);
        kernel_lines_file(text, length, next - lines);
        logd.kernel_next = next;
    }
}

/* ------------------------------------------------------------------ reading */

static char text[ANSWER_MOST]; /* of an answer */

static size_t read_all(uint64_t *sequence, size_t capacity)
{
    const struct ring *rings[LOGS];
    size_t count = 0;
    for (uint32_t i = 0; i < LOGS; i++)
        if (logd.logs[i].memory)
            rings[count++] = &logd.logs[i].ring;
    return merge_read(rings, count, logd.all, sequence, text, capacity);
}

/* Answers a reader with what there is; false when there is nothing and it wants to wait. */
static bool answer(uint32_t log, uint64_t token, uint64_t *sequence, uint64_t capacity, bool wait,
                   struct sw_log_lines_reply *out, status_t *out_status)
{
    size_t most = capacity < sizeof(text) ? capacity : sizeof(text), length;
    uint64_t done, next = log == ALL ? logd.all : logd.logs[log].ring.state.next;
    if (*sequence > next)
        *sequence = next;
    if (wait && *sequence == next)
        return false;
    if (log == ALL)
        length = read_all(sequence, most);
    else
        length = ring_read(&logd.logs[log].ring, sequence, text, most);
    *out_status = length ? sw_call_write(token, 0, text, length, &done) : SW_OK;
    out->next = *sequence;
    out->bytes = (uint32_t)length;
    return true;
}

static void waiter_answer(struct waiter *waiter, bool wait)
{
    struct sw_log_lines_reply reply = { 0 };
    status_t status;
    if (!answer(waiter->log, waiter->token, &waiter->sequence, waiter->capacity, wait, &reply,
                &status))
        return;
    sw_server_answer(waiter->token, status, 0, &reply, sizeof(reply), NULL, 0, 0);
    waiter->token = 0;
}

/* Answers those who wait for what came, and says when to look at the kernel log again. */
static void waiters_serve(void)
{
    logd.server.deadline = SW_NEVER;
    for (uint32_t i = 0; i < WAITERS; i++) {
        if (logd.waiters[i].token)
            waiter_answer(&logd.waiters[i], true);
        if (logd.waiters[i].token)
            logd.server.deadline = sw_clock_deadline(FOLLOW_INTERVAL);
    }
}

/* Nobody tells of a caller that has stopped waiting: its place is free again. */
static void waiters_gone(void)
{
    char none;
    uint64_t done;
    for (uint32_t i = 0; i < WAITERS; i++)
        if (logd.waiters[i].token && sw_call_read(logd.waiters[i].token, SW_AREA_REQUEST, 0, &none,
                                                  0, &done) == SW_CALLER_GONE)
            logd.waiters[i].token = 0;
}

/* A free place; NULL: there is none. */
static struct waiter *waiter_place(void)
{
    waiters_gone();
    for (uint32_t i = 0; i < WAITERS; i++)
        if (!logd.waiters[i].token)
            return &logd.waiters[i];
    return NULL;
}

static status_t lines(struct sw_request *request, const struct sw_log_lines_request *in,
                      const char *name, size_t length, struct sw_log_lines_reply *out)
{
    status_t status;
    kernel_log_pull();
    waiters_serve();
    uint32_t log = ALL;
    if (length) {
        const struct log *found = log_find(name, length);
        if (!found)
            return SW_NOT_FOUND;
        log = (uint32_t)(found - logd.logs);
    }
    uint64_t sequence = in->sequence, capacity = request->event.data_length;
    if (in->flags & ~(uint32_t)SW_LOG_FOLLOW)
        return SW_INVALID;
    if (answer(log, request->event.token, &sequence, capacity, in->flags & SW_LOG_FOLLOW, out,
               &status))
        return status;
    struct waiter *waiter = waiter_place();
    if (!waiter)
        return SW_BUSY;
    *waiter = (struct waiter){
        .token = request->event.token, .log = log, .sequence = sequence, .capacity = capacity
    };
    logd.server.deadline = sw_clock_deadline(FOLLOW_INTERVAL);
    request->deferred = 1;
    return SW_OK;
}

/* A line a log: its name, lines there ever were, how many of them are gone, its size. */
static status_t counts(struct sw_request *request, const struct sw_log_counts_request *in,
                       struct sw_log_counts_reply *out)
{
    (void)in;
    uint64_t length = 0, done;
    uint64_t most = request->event.data_length;
    kernel_log_pull();
    most = most < sizeof(text) ? most : sizeof(text);
    for (uint32_t i = 0; i < LOGS; i++) {
        const struct ring *ring = &logd.logs[i].ring;
        char line[RING_NAME + 64];
        if (!logd.logs[i].memory)
            continue;
        uint64_t size = (uint64_t)snprintf(line, sizeof(line), "%s\t%llu\t%llu\t%llu\n",
                                           ring->memory->name, (unsigned long long)ring->state.next,
                                           (unsigned long long)ring->state.oldest,
                                           (unsigned long long)ring->memory->size);
        if (size > most - length)
            break;
        memcpy(text + length, line, size);
        length += size;
    }
    out->bytes = (uint32_t)length;
    out->late = logd.late;
    return length ? sw_call_write(request->event.token, 0, text, length, &done) : SW_OK;
}

/* ------------------------------------------------------------------ pipes */

static struct log *log_place(void)
{
    struct log *unused = NULL;
    for (uint32_t i = 0; i < KERNEL; i++) {
        if (!logd.logs[i].memory)
            return &logd.logs[i];
        if (!logd.logs[i].pipe)
            unused = &logd.logs[i];
    }
    if (unused) { /* of a service that is no more */
        for (uint32_t i = 0; i < WAITERS; i++)
            if (logd.waiters[i].token && &logd.logs[logd.waiters[i].log] == unused)
                waiter_answer(&logd.waiters[i], false);
        sw_mapping_unmap(unused->ring.memory, ring_memory_size(unused->ring.memory->size));
        sw_handle_close(unused->memory);
        unused->memory = 0;
        sw_job_keep(logd.job, (uint32_t)(unused - logd.logs), 0);
    }
    return unused;
}

static status_t attach(struct sw_request *request, const struct sw_log_attach_request *in,
                       const char *asked, size_t length, struct sw_log_attach_reply *out)
{
    (void)out;
    char name[RING_NAME] = "";
    status_t status = SW_OK;
    if (request->event.badge != INIT_BADGE)
        return SW_ACCESS;
    if (length == 0 || length >= sizeof(name) || in->size < SIZE_LEAST || in->size > SIZE_MOST ||
        request->event.received_count != 1)
        return SW_INVALID;
    memcpy(name, asked, length);
    if (strcmp(name, KERNEL_NAME) == 0)
        return SW_INVALID;
    struct log *log = log_find(name, length);
    if (!log && !(log = log_place()))
        return SW_NO_SPACE;
    if (!log->memory || log->ring.memory->size != in->size)
        status = log_create(log, name, in->size);
    if (status != SW_OK)
        return status;
    pipe_drop(log);
    status = sw_port_bind(logd.server.port, request->event.received[0],
                          SW_PIPE_READABLE | SW_PIPE_PEER_CLOSED, (uint64_t)(log - logd.logs));
    if (status != SW_OK)
        return status;
    log->pipe = request->event.received[0];
    request->event.received[0] = 0;
    return SW_OK;
}

/* Reads one inbox of what the service has printed; false: there is no more now. */
static bool pipe_pull(struct log *log)
{
    size_t room;
    uint64_t done = 0;
    if (!log->pipe)
        return false;
    kernel_log_pull(); /* what was said before comes before */
    uint8_t *inbox = ring_inbox(&log->ring, &room);
    status_t status = sw_pipe_read(log->pipe, inbox, room, 0, &done);
    if (status == SW_OK && done)
        ring_received(&log->ring, &logd.all, milliseconds(), done);
    else if (status != SW_TIMED_OUT && status != SW_INTERRUPTED)
        pipe_drop(log); /* nobody can write into it any more */
    return done > 0;
}

/* The last lines of a service, what waits in its pipe included, for its crash record. */
static size_t service_lines(const char *name, size_t name_length, char *out, size_t capacity)
{
    struct log *log = log_find(name, name_length);
    if (!log)
        return 0;
    for (int i = 0; i < 8 && pipe_pull(log); i++)
        ;
    uint64_t lines = 128, next = log->ring.state.next, sequence;
    size_t length;
    do {
        lines /= 2;
        sequence = next > lines ? next - lines : 0;
        length = ring_read(&log->ring, &sequence, out, capacity);
    } while (sequence < next && lines > 1);
    return length;
}

static void on_event(struct sw_server *server, const struct sw_event *event)
{
    (void)server;
    if (event->key == KEY_KERNEL) {
        collect_now();
        kernel_log_pull();
        waiters_serve();
        return;
    }
    if (event->kind != SW_EVENT_PIPE || event->key >= LOGS)
        return;
    pipe_pull(&logd.logs[event->key]);
    waiters_serve();
}

static void on_timeout(struct sw_server *server)
{
    (void)server;
    kernel_log_pull();
    waiters_gone();
    waiters_serve();
}

static status_t on_message(struct sw_server *server, struct sw_request *request)
{
    static const struct sw_log_handlers handlers = { .attach = attach,
                                                     .lines = lines,
                                                     .counts = counts,
                                                     .crash_list = collect_list,
                                                     .crash_read = collect_read };
    (void)server;
    return sw_log_dispatch(&handlers, request);
}

int main(void)
{
    logd.job = sw_start_get("job");
    logd.authority = sw_start_get("kernel-log");
    for (uint32_t slot = 0; slot < LOGS; slot++)
        log_recover(slot);
    for (uint32_t slot = 0; slot < LOGS; slot++)
        if (logd.logs[slot].memory) /* what a predecessor read and did not come to */
            ring_received(&logd.logs[slot].ring, &logd.all, milliseconds(), 0);
    status_t status = SW_OK;
    if (!logd.logs[KERNEL].memory)
        status = log_create(&logd.logs[KERNEL], KERNEL_NAME, KERNEL_SIZE);
    if (status != SW_OK)
        fail("log of the kernel", status);
    logd.server =
        (struct sw_server){ .message = on_message, .event = on_event, .timeout = on_timeout };
    status = sw_server_serve(&logd.server, sw_start_get("serve"), LOGS);
    if (status != SW_OK)
        fail("serve", status);
    status =
        sw_port_bind(logd.server.port, logd.authority, SW_JOB_LOG | SW_JOB_CRASHED, KEY_KERNEL);
    if (status != SW_OK)
        fail("bind", status);
    status = collect_start(logd.job, CRASH_SLOT, logd.authority, service_lines);
    if (status != SW_OK)
        sw_log(SW_LOG_WARNING, "crash records are not collected: %s", sw_status_text(status));
    status = sw_service_ready();
    if (status != SW_OK && status != SW_NOT_FOUND) /* NOT_FOUND: nobody to tell */
        sw_log(SW_LOG_WARNING, "ready: %s", sw_status_text(status));
    fail("wait", sw_server_run(&logd.server));
}
