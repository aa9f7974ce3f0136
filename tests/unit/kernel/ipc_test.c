/* Channels, ports and pipes where things go away: servers, handles, ports and processes at the
 * wrong moment. Each case once damaged the kernel or lied to a program. */
#include "fake_machine.h"
#include "tap.h"

#define ROOT SW_START_HANDLE(0)
#define NEVER SW_NEVER
#define MS 1000000ull

static const vaddr_t data = FAKE_DATA, word = FAKE_DATA + 12 * PAGE_SIZE;

struct state {
    uint64_t memory, handles, calls;
    uint32_t objects[16];
};

static struct state state_now(void)
{
    struct state state = { .memory = job_root->used[CHARGE_MEMORY],
                           .handles = job_root->used[CHARGE_HANDLES],
                           .calls = job_root->used[CHARGE_CALLS] };
    memcpy(state.objects, object_counts, sizeof state.objects);
    return state;
}

static bool state_same(struct state before)
{
    struct state after = state_now();
    bool same = memcmp(&before, &after, sizeof before) == 0;
    if (!same)
        printf("# memory %ld, handles %ld, calls %ld\n", (long)(after.memory - before.memory),
               (long)(after.handles - before.handles), (long)(after.calls - before.calls));
    for (int i = 0; i < 16; i++)
        if (after.objects[i] != before.objects[i])
            printf("# objects of type %d: %d\n", i, (int)(after.objects[i] - before.objects[i]));
    return same;
}

static handle_t made(struct thread *thread, int64_t status)
{
    return status == SW_OK ? (handle_t)thread->frame.x[1] : 0;
}

static handle_t channel_new(struct thread *thread)
{
    return made(thread, SYS(thread, CHANNEL_CREATE));
}

static handle_t port_new(struct thread *thread)
{
    return made(thread, SYS(thread, PORT_CREATE));
}

/* One poll of a port: the kind of event delivered, 0 for none. */
static uint32_t poll(struct thread *thread, handle_t port, struct sw_event *out_event)
{
    struct sw_wait wait = { .buffer = data + 1024, .capacity = 256 };
    fake_store(thread, data, &wait, sizeof wait);
    if (SYS(thread, PORT_WAIT, port, data, 0) != SW_OK)
        return 0;
    fake_load(thread, &wait, data, sizeof wait);
    if (out_event)
        *out_event = wait.event;
    return wait.event.kind;
}

/* Posts a call; the buffers lie behind `data`. */
static int64_t post(struct thread *thread, handle_t call, handle_t connection,
                    struct sw_call buffers, handle_t port)
{
    vaddr_t at = data + 3 * PAGE_SIZE;
    if (!buffers.request)
        buffers.request = at + 1024;
    buffers.reply = at + 2048;
    fake_store(thread, at, &buffers, sizeof buffers);
    return SYS(thread, CALL_POST, call, connection, at, port, 77, NEVER);
}

/* The last handle of a channel goes while it is served and nobody is connected. */
static void test_served_channel(struct thread *keeper)
{
    struct state before = state_now();
    handle_t port = port_new(keeper), channel = channel_new(keeper);
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, port, 1) == SW_OK);
    CHECK(SYS(keeper, HANDLE_CLOSE, channel) == SW_OK);
    CHECK(list_empty(&keeper->process->served));
    CHECK(poll(keeper, port, NULL) == 0 && SYS(keeper, HANDLE_CLOSE, port) == SW_OK);
    CHECK(state_same(before));
}

/* CLOSED comes once for each connection, also for those that closed while there was no server; when
 * nobody can serve any more they just go. */
static void test_closed(struct thread *keeper)
{
    struct state before = state_now();
    handle_t port = port_new(keeper), channel = channel_new(keeper), connections[4];
    for (uint32_t i = 0; i < 4; i++)
        connections[i] = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 100 + i));
    SYS(keeper, HANDLE_CLOSE, connections[0]);
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, port, 1) == SW_OK);
    SYS(keeper, HANDLE_CLOSE, connections[1]);
    struct sw_event event = { 0 };
    CHECK(poll(keeper, port, &event) == SW_EVENT_CLOSED && event.badge == 100);
    CHECK(poll(keeper, port, &event) == SW_EVENT_CLOSED && event.badge == 101);
    CHECK(poll(keeper, port, &event) == 0);
    SYS(keeper, HANDLE_CLOSE, connections[2]);
    CHECK(SYS(keeper, CHANNEL_LEAVE, channel) == SW_OK && poll(keeper, port, &event) == 0);
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, port, 1) == SW_OK);
    CHECK(poll(keeper, port, &event) == SW_EVENT_CLOSED && event.badge == 102);
    SYS(keeper, HANDLE_CLOSE, channel);
    SYS(keeper, HANDLE_CLOSE, connections[3]); /* the present server still hears of it */
    CHECK(poll(keeper, port, &event) == SW_EVENT_CLOSED && event.badge == 103);
    SYS(keeper, HANDLE_CLOSE, port);
    CHECK(state_same(before));
    channel = channel_new(keeper);
    connections[0] = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 1));
    connections[1] = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 2));
    SYS(keeper, HANDLE_CLOSE, connections[0]);
    SYS(keeper, HANDLE_CLOSE, channel);
    SYS(keeper, HANDLE_CLOSE, connections[1]);
    CHECK(state_same(before));
}

/* A call that cannot be delivered holds the last handle of a connection whose channel nobody can
 * serve any more; then that channel's server goes while another of its connections is watched. */
static void test_undeliverable(struct thread *keeper)
{
    struct state before = state_now();
    SYS(keeper, THREAD_CREATE, 0x20000000, 0x20020000, 0, 0);
    handle_t thread_handle = (handle_t)keeper->frame.x[1];
    struct thread *waiter =
        CONTAINER(keeper->process->threads.previous, struct thread, process_link);
    handle_t port = port_new(keeper), other_port = port_new(keeper),
             call = made(keeper, SYS(keeper, CALL_CREATE));
    handle_t told = channel_new(keeper), served = channel_new(keeper);
    handle_t first = made(keeper, SYS(keeper, CONNECTION_CREATE, told, 1));
    handle_t second = made(keeper, SYS(keeper, CONNECTION_CREATE, told, 2));
    handle_t over = made(keeper, SYS(keeper, CONNECTION_CREATE, served, 3));
    CHECK(SYS(keeper, PORT_BIND, port, first, 3, 5) == SW_OK);
    CHECK(SYS(keeper, CHANNEL_SERVE, told, other_port, 6) == SW_OK);
    /* Waits in the channel, as nobody serves it yet; its request lies where nothing is. */
    struct sw_call buffers = {
        .request = 0x7000000, .request_length = 8, .send_count = 1, .send = { second }
    };
    CHECK(post(keeper, call, over, buffers, other_port) == SW_OK);
    SYS(keeper, HANDLE_CLOSE, second);
    SYS(keeper, HANDLE_CLOSE, told);
    struct sw_wait wait = { .buffer = data + PAGE_SIZE, .capacity = 100 };
    fake_store(keeper, data + 512, &wait, sizeof wait);
    CHECK(SYS(waiter, PORT_WAIT, port, data + 512, NEVER) == SW_SYS_PENDING);
    CHECK(SYS(keeper, CHANNEL_SERVE, served, port, 7) == SW_OK); /* delivers: the call fails */
    CHECK((int64_t)waiter->frame.x[0] != SW_OK || waiter->state == THREAD_BLOCKED);
    CHECK(SYS(keeper, HANDLE_CLOSE, other_port) ==
          SW_OK); /* `told` loses its server: `first` is told */
    fake_settle();
    fake_load(keeper, &wait, data + 512, sizeof wait);
    CHECK(wait.event.kind == SW_EVENT_SERVER && wait.event.key == 5);
    CHECK(SYS(keeper, CALL_COLLECT, call, data + 4 * PAGE_SIZE) == SW_FAULT);
    handle_t all[] = { call, served, over, first, port, thread_handle };
    CHECK(SYS(waiter, THREAD_EXIT, 0) == SW_SYS_PENDING);
    for (uint32_t i = 0; i < ARRAY_COUNT(all); i++)
        SYS(keeper, HANDLE_CLOSE, all[i]);
    CHECK(state_same(before));
}

/* OVERDUE comes once each time the limit passes, and a new server has the whole limit. */
static void test_overdue(struct thread *keeper)
{
    struct state before = state_now();
    handle_t port = port_new(keeper), channel = channel_new(keeper),
             call = made(keeper, SYS(keeper, CALL_CREATE));
    handle_t done = port_new(keeper), serving = port_new(keeper);
    handle_t connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 1));
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 100 * MS, port, 9) == SW_OK);
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 50 * MS, port, 8) ==
          SW_OK); /* once more: changes it */
    CHECK(post(keeper, call, connection, (struct sw_call){ .request_length = 8 }, done) == SW_OK);
    fake_advance(40 * MS);
    CHECK(poll(keeper, port, NULL) == 0);
    fake_advance(20 * MS);
    struct sw_event event = { 0 };
    CHECK(poll(keeper, port, &event) == SW_EVENT_OVERDUE && event.key == 8);
    CHECK(poll(keeper, port, &event) == 0);
    fake_advance(60 * MS);
    CHECK(poll(keeper, port, &event) == SW_EVENT_OVERDUE);
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, serving, 1) == SW_OK);
    fake_advance(40 * MS);
    CHECK(poll(keeper, port, &event) == 0);
    CHECK(poll(keeper, serving, &event) == SW_EVENT_MESSAGE);
    fake_advance(40 * MS);
    CHECK(poll(keeper, port, &event) == SW_EVENT_OVERDUE);
    CHECK(poll(keeper, serving, &event) == 0); /* waits again: the call is deferred */
    fake_advance(500 * MS);
    CHECK(poll(keeper, port, &event) == 0);
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, UINT64_MAX - 1, port, 8) == SW_OK);
    fake_advance(500 * MS);
    CHECK(poll(keeper, port, &event) == 0);
    handle_t all[] = { call, connection, channel, serving, done, port };
    for (uint32_t i = 0; i < ARRAY_COUNT(all); i++)
        SYS(keeper, HANDLE_CLOSE, all[i]);
    CHECK(state_same(before));
}

/* Handles of a reply that the collector cannot take are dropped; the call can be posted again. */
static void test_collect(struct thread *keeper)
{
    struct state before = state_now();
    handle_t port = port_new(keeper), channel = channel_new(keeper),
             call = made(keeper, SYS(keeper, CALL_CREATE));
    handle_t connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 1));
    SYS(keeper, CHANNEL_SERVE, channel, port, 1);
    for (uint32_t round = 0; round < 2; round++) {
        CHECK(post(keeper, call, connection, (struct sw_call){ .request_length = 8 }, port) ==
              SW_OK);
        struct sw_event event = { 0 };
        CHECK(poll(keeper, port, &event) == SW_EVENT_MESSAGE);
        CHECK(SYS(keeper, CALL_COLLECT, call, data) == SW_BAD_STATE);
        handle_t gift = made(keeper, SYS(keeper, EVENT_CREATE));
        struct sw_reply reply = { .send_count = 1, .send = { gift }, .send_move = 1 };
        fake_store(keeper, data, &reply, sizeof reply);
        CHECK(SYS(keeper, REPLY, event.token, data) == SW_OK &&
              SYS(keeper, HANDLE_CLOSE, gift) == SW_BAD_HANDLE);
        CHECK(poll(keeper, port, &event) == SW_EVENT_CALL_DONE && event.key == 77);
        if (round == 0) {
            CHECK(SYS(keeper, CALL_COLLECT, call, 0x7000000) == SW_FAULT &&
                  keeper->frame.x[2] == 0);
        } else {
            struct sw_call out = { 0 };
            CHECK(SYS(keeper, CALL_COLLECT, call, data) == SW_OK && keeper->frame.x[2] == 1);
            fake_load(keeper, &out, data, sizeof out);
            CHECK(out.received_count == 1 && SYS(keeper, HANDLE_CLOSE, out.received[0]) == SW_OK);
        }
    }
    handle_t all[] = { call, connection, channel, port };
    for (uint32_t i = 0; i < ARRAY_COUNT(all); i++)
        SYS(keeper, HANDLE_CLOSE, all[i]);
    CHECK(state_same(before));
}

/* Ports and calls never leave their process, by kept slots neither. */
static void test_confined(struct thread *keeper)
{
    struct state before = state_now();
    handle_t port = port_new(keeper), call = made(keeper, SYS(keeper, CALL_CREATE));
    CHECK(SYS(keeper, JOB_KEEP, ROOT, 3, port) == SW_ACCESS &&
          SYS(keeper, JOB_KEEP, ROOT, 3, call) == SW_ACCESS);
    SYS(keeper, HANDLE_CLOSE, port);
    SYS(keeper, HANDLE_CLOSE, call);
    CHECK(state_same(before));
}

/* A process lowers the limits of its own job and cannot lift them again; from outside it can be
 * done. */
static void test_own_limits(struct thread *keeper)
{
    struct state before = state_now();
    struct sw_limits limits = { .memory = 64 << 20, .processes = 3 };
    fake_store(keeper, data, &limits, sizeof limits);
    handle_t job = made(keeper, SYS(keeper, JOB_CREATE, ROOT, data)), process;
    struct sw_transfer transfer = { .handle = job, .rights = SW_RIGHTS_SAME };
    struct thread *child = fake_spawn(keeper, job, &transfer, 1, 0, &process);
    struct job *object = child->process->job;
    limits = (struct sw_limits){ .memory = 32 << 20 };
    fake_store(child, data, &limits, sizeof limits);
    CHECK(SYS(child, JOB_LIMIT, ROOT, data) == SW_OK && object->limit[CHARGE_MEMORY] == 32 << 20);
    struct sw_limits more[] = {
        { .memory = 33 << 20 }, { .processes = 4, .handles = 1 }, { .weight = 101 }, { .band = 1 }
    };
    for (uint32_t i = 0; i < ARRAY_COUNT(more); i++) {
        fake_store(child, data, &more[i], sizeof more[i]);
        CHECK(SYS(child, JOB_LIMIT, ROOT, data) == SW_ACCESS);
    }
    CHECK(object->limit[CHARGE_MEMORY] == 32 << 20 && object->limit[CHARGE_PROCESSES] == 3 &&
          object->limit[CHARGE_HANDLES] == UINT64_MAX && object->weight == 100 &&
          object->band == 0);
    limits = (struct sw_limits){ .weight = 10000, .band = 3 };
    fake_store(child, data, &limits, sizeof limits);
    handle_t below = made(child, SYS(child, JOB_CREATE, ROOT, data));
    struct handle_entry *entry = handle_find(child->process, below, SW_TYPE_JOB, 0);
    CHECK(entry && CONTAINER(entry->object, struct job, object)->weight == 100 &&
          CONTAINER(entry->object, struct job, object)->band == 0);
    limits = (struct sw_limits){ .memory = 48 << 20, .band = 1 };
    fake_store(keeper, data, &limits, sizeof limits);
    CHECK(SYS(keeper, JOB_LIMIT, job, data) == SW_OK && object->limit[CHARGE_MEMORY] == 48 << 20 &&
          object->band == 1);
    SYS(keeper, JOB_KILL, job, 0);
    SYS(keeper, HANDLE_CLOSE, process);
    SYS(keeper, HANDLE_CLOSE, job);
    fake_advance(10 * MS);
    CHECK(state_same(before));
}

/* A writable event of a record pipe means that a record of 4096 bytes fits; bits never lie. */
static void test_pipe_levels(struct thread *keeper)
{
    struct state before = state_now();
    handle_t port = port_new(keeper);
    CHECK(SYS(keeper, PIPE_CREATE, 8192, SW_PIPE_RECORDS) == SW_OK);
    handle_t reader = (handle_t)keeper->frame.x[1], writer = (handle_t)keeper->frame.x[2];
    CHECK(SYS(keeper, PORT_BIND, port, writer, SW_PIPE_WRITABLE, 1) == SW_OK);
    CHECK(SYS(keeper, PORT_BIND, port, reader, SW_PIPE_READABLE, 2) == SW_OK);
    struct sw_event event = { 0 };
    CHECK(poll(keeper, port, &event) == SW_EVENT_PIPE && event.key == 1 &&
          event.bits == SW_PIPE_WRITABLE);
    vaddr_t from = data + 4 * PAGE_SIZE;
    CHECK(SYS(keeper, PIPE_WRITE, writer, from, 4090, 0) == SW_OK);
    /* 4098 bytes are left, four of them for the length */
    CHECK(SYS(keeper, PIPE_WRITE, writer, from, 4096, 0) == SW_TIMED_OUT);
    for (int i = 0; i < 3; i++)
        CHECK(poll(keeper, port, &event) == SW_EVENT_PIPE && event.key == 2 &&
              event.bits == SW_PIPE_READABLE);
    CHECK(SYS(keeper, PIPE_READ, reader, from, 4096, 0) == SW_OK && keeper->frame.x[1] == 4090);
    CHECK(poll(keeper, port, &event) == SW_EVENT_PIPE && event.key == 1);
    CHECK(SYS(keeper, PIPE_WRITE, writer, from, 4096, 0) == SW_OK);
    SYS(keeper, HANDLE_CLOSE, reader);
    SYS(keeper, HANDLE_CLOSE, writer);
    SYS(keeper, HANDLE_CLOSE, port);
    CHECK(state_same(before));
}

/* A committed object of many pages is made in slices; without the RAM for it nothing is left
 * behind. */
static void test_big_commit(struct thread *keeper)
{
    struct state before = state_now();
    handle_t memory = made(keeper, SYS(keeper, MEMORY_CREATE, 1500 * PAGE_SIZE, SW_MEMORY_COMMIT));
    CHECK(memory && SYS(keeper, MEMORY_INFO, memory) == SW_OK &&
          keeper->frame.x[2] == 1500 * PAGE_SIZE);
    SYS(keeper, HANDLE_CLOSE, memory);
    fake_advance(10 * MS);
    CHECK(state_same(before));
    fake_page_limit = page_free_count - 1000;
    CHECK(SYS(keeper, MEMORY_CREATE, 1500 * PAGE_SIZE, SW_MEMORY_COMMIT) == SW_NO_MEMORY &&
          !keeper->frame.x[1]);
    fake_page_limit = 0;
    fake_advance(10 * MS);
    CHECK(state_same(before));
}

/* Hundreds of deadlines at one moment all pass, and none is forgotten. */
static void test_many_deadlines(struct thread *keeper)
{
    struct state before = state_now();
    handle_t port = port_new(keeper), channel = channel_new(keeper), calls[200];
    handle_t connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 1));
    uint64_t deadline = fake_now() + 20 * MS;
    for (uint32_t i = 0; i < ARRAY_COUNT(calls); i++) {
        calls[i] = made(keeper, SYS(keeper, CALL_CREATE));
        struct sw_call buffers = { 0 };
        fake_store(keeper, data, &buffers, sizeof buffers);
        SYS(keeper, CALL_POST, calls[i], connection, data, port, i, deadline);
    }
    fake_advance(30 * MS);
    uint32_t done = 0;
    while (poll(keeper, port, NULL) == SW_EVENT_CALL_DONE)
        done++;
    CHECK(done == ARRAY_COUNT(calls));
    for (uint32_t i = 0; i < ARRAY_COUNT(calls); i++) {
        done -= SYS(keeper, CALL_COLLECT, calls[i], data) == SW_TIMED_OUT;
        SYS(keeper, HANDLE_CLOSE, calls[i]);
    }
    CHECK(done == 0);
    SYS(keeper, HANDLE_CLOSE, connection);
    SYS(keeper, HANDLE_CLOSE, channel);
    SYS(keeper, HANDLE_CLOSE, port);
    CHECK(state_same(before));
}

int main(void)
{
    struct thread *keeper = fake_start(2, 8192);
    uint32_t zero = 0;
    for (vaddr_t at = data; at <= word; at += PAGE_SIZE)
        fake_store(keeper, at, &zero, sizeof zero);
    /* Once, so that what stays (tables of handles and call slots) is there before the first count.
     */
    handle_t warm = made(keeper, SYS(keeper, CALL_CREATE));
    SYS(keeper, HANDLE_CLOSE, warm);
    test_served_channel(keeper);
    test_closed(keeper);
    test_undeliverable(keeper);
    test_overdue(keeper);
    test_collect(keeper);
    test_confined(keeper);
    test_own_limits(keeper);
    test_pipe_levels(keeper);
    test_big_commit(keeper);
    test_many_deadlines(keeper);
    return tap_done();
}
