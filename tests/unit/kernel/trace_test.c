/* Traces: what is written, what finds no room, a reader that lies, and the ways a trace ends. */
#include "fake_machine.h"
#include "tap.h"

#define ROOT SW_START_HANDLE(0)
#define PAGES 3
#define RING ((PAGES - 1) * PAGE_SIZE)

static const vaddr_t data = FAKE_DATA;

static struct {
    uint64_t tail;
    struct sw_trace head;
    uint8_t bytes[1024];
} seen; /* the record read last */

static handle_t made(struct thread *thread, int64_t status)
{
    return status == SW_OK ? (handle_t)thread->frame.x[1] : 0;
}

static handle_t ring_new(struct thread *keeper, uint64_t pages)
{
    seen.tail = 0;
    return made(keeper, SYS(keeper, MEMORY_CREATE, pages * PAGE_SIZE, SW_MEMORY_COMMIT));
}

static void ring_read(struct thread *keeper, handle_t ring, uint64_t at, void *to, size_t length)
{
    if (SYS(keeper, MEMORY_READ, ring, at, data, length) != SW_OK)
        CHECK(!"the ring can be read");
    fake_load(keeper, to, data, length);
}

static void tail_set(struct thread *keeper, handle_t ring, uint64_t tail)
{
    fake_store(keeper, data, &tail, sizeof tail);
    if (SYS(keeper, MEMORY_WRITE, ring, offsetof(struct sw_trace_ring, tail), data, 8) != SW_OK)
        CHECK(!"the ring can be written");
}

/* The next record, into `seen`. */
static bool next(struct thread *keeper, handle_t ring)
{
    struct sw_trace_ring counts;
    ring_read(keeper, ring, 0, &counts, sizeof counts);
    if (counts.head == seen.tail)
        return false;
    uint8_t record[sizeof seen.head + sizeof seen.bytes] = { 0 };
    for (size_t i = 0; i < sizeof record && i < counts.head - seen.tail; i += 8)
        ring_read(keeper, ring, PAGE_SIZE + (seen.tail + i) % RING, record + i, 8);
    memcpy(&seen.head, record, sizeof seen.head);
    memcpy(seen.bytes, record + sizeof seen.head, sizeof seen.bytes);
    seen.tail += seen.head.size;
    tail_set(keeper, ring, seen.tail);
    return true;
}

static bool next_is(struct thread *keeper, handle_t ring, uint32_t kind, uint32_t number)
{
    return next(keeper, ring) && seen.head.kind == kind && seen.head.number == number;
}

static void test_refused(struct thread *keeper)
{
    handle_t process, ring = ring_new(keeper, PAGES),
                      event = made(keeper, SYS(keeper, EVENT_CREATE));
    fake_spawn(keeper, ROOT, NULL, 0, 0, &process);
    fake_run(keeper);
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, ring, 0) == SW_INVALID);
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, 0, event) == SW_INVALID);
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, 0, 0) == SW_OK); /* there is none to end */
    handle_t self = made(keeper, SYS(keeper, JOB_FIND, ROOT, 1));
    CHECK(self && SYS(keeper, PROCESS_TRACE, ROOT, self, ring, event) == SW_INVALID);
    handle_t weak = made(keeper, SYS(keeper, HANDLE_DUPLICATE, ROOT, SW_RIGHT_INSPECT));
    CHECK(SYS(keeper, PROCESS_TRACE, weak, process, ring, event) == SW_ACCESS);
    handle_t watched = made(keeper, SYS(keeper, HANDLE_DUPLICATE, process, SW_RIGHT_MANAGE));
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, watched, ring, event) == SW_ACCESS);
    handle_t small = ring_new(keeper, 1);
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, small, event) == SW_INVALID);
    handle_t absent = made(keeper, SYS(keeper, MEMORY_CREATE, PAGES * PAGE_SIZE, 0));
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, absent, event) == SW_BAD_STATE);
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, ring, event) == SW_OK);
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, ring, event) == SW_BUSY);
    handle_t other;
    fake_spawn(keeper, ROOT, NULL, 0, 0, &other);
    fake_run(keeper);
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, other, ring, event) ==
          SW_BUSY); /* one event, one trace */
    SYS(keeper, PROCESS_KILL, process, 9);
    fake_settle();
    fake_run(keeper);
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, ring, event) == SW_BAD_STATE);
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, other, ring, event) == SW_OK);
    SYS(keeper, PROCESS_KILL, other, 9);
    handle_t all[] = { process, ring, event, self, weak, watched, small, absent, other };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        SYS(keeper, HANDLE_CLOSE, all[i]);
    fake_settle();
}

static struct thread *traced(struct thread *keeper, handle_t *ring, handle_t *event,
                             handle_t *process)
{
    struct thread *child = fake_spawn(keeper, ROOT, NULL, 0, 0, process);
    fake_run(keeper);
    *ring = ring_new(keeper, PAGES);
    *event = made(keeper, SYS(keeper, EVENT_CREATE));
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, *process, *ring, *event) == SW_OK);
    return child;
}

static void finish(struct thread *keeper, handle_t ring, handle_t event, handle_t process)
{
    fake_run(keeper);
    SYS(keeper, PROCESS_KILL, process, 9);
    SYS(keeper, HANDLE_CLOSE, process);
    SYS(keeper, HANDLE_CLOSE, event);
    SYS(keeper, HANDLE_CLOSE, ring);
    fake_settle();
}

/* A call that goes through, one that waits, one that is refused; the event tells. */
static void test_records(struct thread *keeper)
{
    handle_t ring, event, process;
    struct thread *child = traced(keeper, &ring, &event, &process);
    fake_run(child);
    handle_t pipe = made(child, SYS(child, PIPE_CREATE, 4096, 0));
    fake_run(keeper);
    CHECK(SYS(keeper, EVENT_READ, event) == SW_OK && keeper->frame.x[1] == SW_TRACE_MORE);
    CHECK(next_is(keeper, ring, SW_TRACE_ENTER, SW_SYS_PIPE_CREATE) &&
          seen.head.values[0] == 4096 && seen.head.thread == child->object.id &&
          seen.head.length == 0 && !seen.head.lost);
    CHECK(next_is(keeper, ring, SW_TRACE_LEAVE, SW_SYS_PIPE_CREATE) &&
          seen.head.values[0] == SW_OK && seen.head.values[1] == pipe);
    CHECK(!next(keeper, ring));
    SYS(keeper, EVENT_UPDATE, event, SW_TRACE_MORE, 0);

    fake_run(child);
    handle_t writer = (handle_t)pipe + 1;
    CHECK(SYS(child, PIPE_READ, pipe, data, 16, SW_NEVER) == SW_SYS_PENDING);
    fake_run(keeper);
    CHECK(SYS(keeper, EVENT_READ, event) == SW_OK && keeper->frame.x[1] == SW_TRACE_MORE);
    CHECK(next_is(keeper, ring, SW_TRACE_ENTER, SW_SYS_PIPE_READ) && !next(keeper, ring));
    CHECK(SYS(keeper, PROCESS_DIVERT, process, SW_DIVERT_LOOP) == SW_OK); /* ends the wait */
    CHECK(next_is(keeper, ring, SW_TRACE_LEAVE, SW_SYS_PIPE_READ) &&
          (int64_t)seen.head.values[0] == SW_INTERRUPTED && !next(keeper, ring));
    fake_run(child);
    CHECK(SYS(child, HANDLE_CLOSE, 0x12345) == SW_BAD_HANDLE);
    fake_store(child, data, "hello", 5);
    CHECK(SYS(child, PIPE_WRITE, writer, data, 5, 0) == SW_OK);
    fake_run(keeper);
    CHECK(next_is(keeper, ring, SW_TRACE_ENTER, SW_SYS_HANDLE_CLOSE));
    CHECK(next_is(keeper, ring, SW_TRACE_LEAVE, SW_SYS_HANDLE_CLOSE) &&
          (int64_t)seen.head.values[0] == SW_BAD_HANDLE);
    CHECK(next_is(keeper, ring, SW_TRACE_ENTER, SW_SYS_PIPE_WRITE) && seen.head.length == 5 &&
          memcmp(seen.bytes, "hello", 5) == 0 && seen.head.size % 8 == 0);
    CHECK(next_is(keeper, ring, SW_TRACE_LEAVE, SW_SYS_PIPE_WRITE));
    /* What fills a record up is nothing of the kernel's, as of the record before. */
    fake_run(child);
    fake_store(child, data, "12345678", 8);
    CHECK(SYS(child, PIPE_WRITE, writer, data, 8, 0) == SW_OK);
    CHECK(SYS(child, PIPE_WRITE, writer, data, 1, 0) == SW_OK);
    /* An answer to a call that has ended, which may have been a secret one, is not shown. */
    struct sw_reply reply = { .data = data + 512, .length = 6 };
    fake_store(child, data, &reply, sizeof reply);
    CHECK(SYS(child, REPLY, 0x123, data) == SW_CALLER_GONE);
    fake_run(keeper);
    CHECK(next_is(keeper, ring, SW_TRACE_ENTER, SW_SYS_PIPE_WRITE) && seen.head.length == 8);
    CHECK(next_is(keeper, ring, SW_TRACE_LEAVE, SW_SYS_PIPE_WRITE));
    CHECK(next_is(keeper, ring, SW_TRACE_ENTER, SW_SYS_PIPE_WRITE) && seen.head.length == 1 &&
          memcmp(seen.bytes, "1\0\0\0\0\0\0", 8) == 0);
    CHECK(next_is(keeper, ring, SW_TRACE_LEAVE, SW_SYS_PIPE_WRITE));
    CHECK(next_is(keeper, ring, SW_TRACE_ENTER, SW_SYS_REPLY) &&
          seen.head.length == sizeof(struct sw_reply));
    finish(keeper, ring, event, process);
}

static void call_fill(struct thread *child, uint32_t flags)
{
    struct sw_call call = { .request = data + 1024,
                            .request_length = 11,
                            .reply = data + 2048,
                            .reply_capacity = 64,
                            .flags = flags };
    fake_store(child, data, &call, sizeof call);
    fake_store(child, data + 1024, "the request", 11);
}

/* A message to a server and its answer, then a secret one; seen at the caller, then at the server. */
static void test_messages(struct thread *keeper)
{
    handle_t channel = made(keeper, SYS(keeper, CHANNEL_CREATE));
    handle_t port = made(keeper, SYS(keeper, PORT_CREATE));
    SYS(keeper, CHANNEL_SERVE, channel, port, 5);
    struct sw_transfer transfer = { .handle =
                                        made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 7)),
                                    .rights = SW_RIGHTS_SAME };
    handle_t ring, event, process;
    struct thread *child = fake_spawn(keeper, ROOT, &transfer, 1, 0, &process);
    fake_run(keeper);
    ring = ring_new(keeper, PAGES);
    event = made(keeper, SYS(keeper, EVENT_CREATE));
    CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, ring, event) == SW_OK);
    for (uint32_t secret = 0; secret < 2; secret++) {
        fake_run(child);
        call_fill(child, secret ? SW_CALL_SECRET : 0);
        CHECK(SYS(child, CALL, SW_START_HANDLE(0), data, SW_NEVER) == SW_SYS_PENDING);
        fake_run(keeper);
        struct sw_wait wait = { .buffer = data + 1024, .capacity = 256 };
        fake_store(keeper, data, &wait, sizeof wait);
        CHECK(SYS(keeper, PORT_WAIT, port, data, 0) == SW_OK);
        fake_load(keeper, &wait, data, sizeof wait);
        struct sw_reply reply = { .data = data + 512, .length = 6 };
        fake_store(keeper, data, &reply, sizeof reply);
        fake_store(keeper, data + 512, "answer", 6);
        CHECK(SYS(keeper, REPLY, wait.event.token, data) == SW_OK);
        CHECK(next_is(keeper, ring, SW_TRACE_ENTER, SW_SYS_CALL));
        CHECK(seen.head.length == sizeof(struct sw_call) + (secret ? 0 : 11));
        CHECK(secret || memcmp(seen.bytes + sizeof(struct sw_call), "the request", 11) == 0);
        CHECK(next_is(keeper, ring, SW_TRACE_LEAVE, SW_SYS_CALL) && seen.head.values[1] == 6);
        CHECK(seen.head.length == (secret ? 0u : 6u));
        CHECK(secret || memcmp(seen.bytes, "answer", 6) == 0);
    }
    finish(keeper, ring, event, process);
    SYS(keeper, HANDLE_CLOSE, transfer.handle);
    SYS(keeper, HANDLE_CLOSE, channel);
    SYS(keeper, HANDLE_CLOSE, port);
    fake_settle();
}

/* Nobody reads: records are lost and counted. A reader that lies about it gains nothing. */
static void test_full(struct thread *keeper)
{
    handle_t ring, event, process;
    struct sw_trace_ring counts;
    struct thread *child = traced(keeper, &ring, &event, &process);
    fake_run(child);
    for (int i = 0; i < 100; i++)
        SYS(child, THREAD_YIELD);
    fake_run(keeper);
    ring_read(keeper, ring, 0, &counts, sizeof counts);
    CHECK(counts.head <= RING && counts.head > RING - 2 * sizeof seen.head && counts.tail == 0);
    uint64_t whole = counts.head / sizeof seen.head, count = 0;
    for (uint64_t lie = 0; lie < 3; lie++) {
        tail_set(keeper, ring, lie == 0 ? counts.head + 1 : lie == 1 ? UINT64_MAX : 1ull << 63);
        fake_run(child);
        SYS(child, THREAD_YIELD);
        fake_run(keeper);
        struct sw_trace_ring after;
        ring_read(keeper, ring, 0, &after, sizeof after);
        CHECK(after.head == counts.head);
    }
    tail_set(keeper, ring, 0);
    while (count <= whole && next(keeper, ring))
        count++;
    CHECK(count == whole);
    fake_run(child);
    SYS(child, THREAD_YIELD);
    fake_run(keeper);
    CHECK(next_is(keeper, ring, SW_TRACE_ENTER, SW_SYS_THREAD_YIELD) &&
          seen.head.lost == 206 - whole);
    CHECK(next_is(keeper, ring, SW_TRACE_LEAVE, SW_SYS_THREAD_YIELD) && seen.head.lost == 0);
    /* sealed, it is not written any more */
    CHECK(SYS(keeper, MEMORY_SEAL, ring) == SW_OK);
    ring_read(keeper, ring, 0, &counts, sizeof counts);
    fake_run(child);
    SYS(child, THREAD_YIELD);
    fake_run(keeper);
    struct sw_trace_ring after;
    ring_read(keeper, ring, 0, &after, sizeof after);
    CHECK(after.head == counts.head);
    finish(keeper, ring, event, process);
}

/* The event goes, while the process waits, is stopped, is diverted; it goes on without a trace. */
static void test_end(struct thread *keeper)
{
    for (int how = 0; how < 4; how++) {
        handle_t ring, event, process;
        struct thread *child = traced(keeper, &ring, &event, &process);
        fake_run(child);
        handle_t pipe = made(child, SYS(child, PIPE_CREATE, 4096, 0));
        if (how == 1)
            SYS(child, PIPE_READ, pipe, data, 16, SW_NEVER);
        fake_run(keeper);
        if (how == 3)
            SYS(keeper, PROCESS_DIVERT, process, SW_DIVERT_LOOP);
        if (how == 2)
            CHECK(SYS(keeper, PROCESS_TRACE, ROOT, process, 0, 0) == SW_OK);
        else
            SYS(keeper, HANDLE_CLOSE, event);
        fake_settle();
        CHECK(!child->process->trace);
        if (how == 1)
            SYS(keeper, PROCESS_DIVERT, process, SW_DIVERT_LOOP);
        fake_run(child);
        CHECK(SYS(child, THREAD_YIELD) == SW_OK);
        CHECK(child->leaves == LEAVES_NOT && !child->special);
        finish(keeper, ring, how == 2 ? event : ring, process);
    }
}

/* Threads made later are traced; the process ends with all of them waiting. */
static void test_threads(struct thread *keeper)
{
    handle_t ring, event, process;
    struct thread *child = traced(keeper, &ring, &event, &process);
    fake_run(child);
    CHECK(SYS(child, THREAD_CREATE, 0x20000000, data + PAGE_SIZE, 0, 0) == SW_OK);
    struct thread *second =
        CONTAINER(child->process->threads.previous, struct thread, process_link);
    CHECK(second != child && second->leaves == LEAVES_TRACED);
    fake_run(second);
    uint32_t zero = 0;
    fake_store(second, data + 256, &zero, sizeof zero);
    CHECK(SYS(second, FUTEX_WAIT, data + 256, 0, SW_NEVER) == SW_SYS_PENDING);
    fake_run(keeper);
    bool found = false;
    while (next(keeper, ring))
        found |= seen.head.thread == second->object.id && seen.head.number == SW_SYS_FUTEX_WAIT;
    CHECK(found);
    finish(keeper, ring, event, process);
}

int main(void)
{
    struct thread *keeper = fake_start(2, 8192);
    uint32_t zero = 0;
    for (int i = 0; i < FAKE_DATA_PAGES; i++)
        fake_store(keeper, data + (vaddr_t)i * PAGE_SIZE, &zero, sizeof zero);
    test_records(keeper); /* once, so that what stays is there before the first count */
    uint64_t memory = job_root->used[CHARGE_MEMORY], handles = job_root->used[CHARGE_HANDLES];
    uint64_t slots = slab_used_total;
    test_refused(keeper);
    test_records(keeper);
    test_messages(keeper);
    test_full(keeper);
    test_end(keeper);
    test_threads(keeper);
    CHECK(job_root->used[CHARGE_MEMORY] == memory && job_root->used[CHARGE_HANDLES] == handles &&
          slab_used_total == slots);
    return tap_done();
}
