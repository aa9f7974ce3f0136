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

/* CLOSED comes once for each connection a server knows, also for those that closed while there was no
 * server; when nobody can serve any more they just go. */
static void test_closed(struct thread *keeper)
{
    struct state before = state_now();
    handle_t port = port_new(keeper), channel = channel_new(keeper), connections[4];
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, port, 1) == SW_OK);
    for (uint32_t i = 0; i < 4; i++)
        connections[i] = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 100 + i));
    CHECK(SYS(keeper, CHANNEL_LEAVE, channel) == SW_OK);
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
    /* A server that goes before it asks for the next event has not dealt with it. */
    CHECK(SYS(keeper, CHANNEL_LEAVE, channel) == SW_OK);
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, port, 1) == SW_OK);
    CHECK(poll(keeper, port, &event) == SW_EVENT_CLOSED && event.badge == 102);
    CHECK(poll(keeper, port, &event) == 0);
    CHECK(SYS(keeper, CHANNEL_LEAVE, channel) == SW_OK);
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, port, 1) == SW_OK);
    CHECK(poll(keeper, port, &event) == 0);
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

/* A connection that no server made or had a message from goes with its last handle, server or not:
 * whoever may look up a service cannot fill the kernel by doing so while nobody serves it. */
static void test_closed_unknown(struct thread *keeper)
{
    struct state before = state_now();
    handle_t channel = channel_new(keeper), call = made(keeper, SYS(keeper, CALL_CREATE));
    handle_t port = port_new(keeper);
    struct state idle = state_now();
    handle_t connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 200));
    SYS(keeper, HANDLE_CLOSE, connection);
    CHECK(state_same(idle));
    /* Nor is there anything to tell of one whose only call was never delivered, or that was accepted. */
    connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 201));
    CHECK(SYS(keeper, CONNECTION_ACCEPT, connection) == SW_OK);
    CHECK(post(keeper, call, connection, (struct sw_call){ 0 }, port) == SW_OK);
    SYS(keeper, HANDLE_CLOSE, connection);
    CHECK(SYS(keeper, CALL_CANCEL, call) == SW_OK);
    CHECK(poll(keeper, port, NULL) == SW_EVENT_CALL_DONE);
    CHECK(SYS(keeper, CALL_COLLECT, call, 0) == SW_TIMED_OUT && state_same(idle));
    /* A call that was under way when the last handle went makes it known. */
    connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 202));
    CHECK(post(keeper, call, connection, (struct sw_call){ 0 }, port) == SW_OK);
    SYS(keeper, HANDLE_CLOSE, connection);
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, port, 1) == SW_OK);
    struct sw_event event = { 0 };
    CHECK(poll(keeper, port, &event) == SW_EVENT_MESSAGE && event.badge == 202);
    CHECK(SYS(keeper, CALL_CANCEL, call) == SW_OK);
    uint32_t kinds = 1u << poll(keeper, port, NULL);
    kinds |= 1u << poll(keeper, port, &event);
    CHECK(kinds == (1u << SW_EVENT_CALL_DONE | 1u << SW_EVENT_CLOSED) &&
          poll(keeper, port, NULL) == 0);
    SYS(keeper, HANDLE_CLOSE, call);
    SYS(keeper, HANDLE_CLOSE, port);
    SYS(keeper, HANDLE_CLOSE, channel);
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

/* OVERDUE comes once each time the limit passes, and a new server, or a watch begun anew, has the
 * whole limit. */
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
    handle_t other = made(keeper, SYS(keeper, CALL_CREATE));
    CHECK(post(keeper, other, connection, (struct sw_call){ .request_length = 8 }, done) == SW_OK);
    fake_advance(40 * MS);
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 50 * MS, port, 8) == SW_OK); /* begins anew */
    fake_advance(40 * MS);
    CHECK(poll(keeper, port, &event) == 0);
    fake_advance(20 * MS); /* is overdue now, but has not been told so */
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 50 * MS, port, 8) == SW_OK);
    CHECK(poll(keeper, port, &event) == 0);
    fake_advance(60 * MS);
    CHECK(poll(keeper, port, &event) == SW_EVENT_OVERDUE && event.key == 8);
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, UINT64_MAX - 1, port, 8) == SW_OK);
    fake_advance(500 * MS);
    CHECK(poll(keeper, port, &event) == 0);
    handle_t all[] = { call, other, connection, channel, serving, done, port };
    for (uint32_t i = 0; i < ARRAY_COUNT(all); i++)
        SYS(keeper, HANDLE_CLOSE, all[i]);
    CHECK(state_same(before));
}

/* A server that does not come for an event is overdue, though nobody calls it; not one that comes in
 * time, however often, nor one that nobody has ever seen wait. */
static void test_overdue_events(struct thread *keeper)
{
    struct state before = state_now();
    handle_t port = port_new(keeper), channel = channel_new(keeper), serving = port_new(keeper);
    handle_t bell = made(keeper, SYS(keeper, EVENT_CREATE));
    struct sw_event event = { 0 };
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 50 * MS, port, 8) == SW_OK);
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, serving, 1) == SW_OK);
    CHECK(SYS(keeper, PORT_BIND, serving, bell, 1, 2) == SW_OK);
    CHECK(SYS(keeper, EVENT_UPDATE, bell, 0, 1) == SW_OK);
    fake_advance(500 * MS);
    CHECK(poll(keeper, port, NULL) == 0); /* it is still starting */
    for (uint32_t i = 0; i < 10; i++) {
        CHECK(poll(keeper, serving, &event) != 0 && event.key == 2); /* left set */
        fake_advance(40 * MS);
        CHECK(poll(keeper, port, NULL) == 0);
    }
    fake_advance(20 * MS);
    CHECK(poll(keeper, port, &event) == SW_EVENT_OVERDUE && event.key == 8);
    CHECK(poll(keeper, port, NULL) == 0);
    fake_advance(60 * MS);
    CHECK(poll(keeper, port, NULL) == SW_EVENT_OVERDUE); /* and again */
    CHECK(SYS(keeper, EVENT_UPDATE, bell, 1, 0) == SW_OK);
    CHECK(poll(keeper, serving, NULL) == 0);
    fake_advance(500 * MS);
    CHECK(poll(keeper, port, NULL) == 0); /* nothing waits */
    CHECK(SYS(keeper, EVENT_UPDATE, bell, 0, 1) == SW_OK);
    fake_advance(40 * MS);
    CHECK(poll(keeper, port, NULL) == 0);
    fake_advance(20 * MS);
    CHECK(poll(keeper, port, NULL) == SW_EVENT_OVERDUE);
    handle_t all[] = { bell, channel, serving, port };
    for (uint32_t i = 0; i < ARRAY_COUNT(all); i++)
        SYS(keeper, HANDLE_CLOSE, all[i]);
    CHECK(state_same(before));
}

/* Watchers come and go: what waits has the whole limit under the first one that sees it wait, and half
 * of it under each further one, so that a server that hangs is found by those who die sooner, too. */
static void test_overdue_watchers(struct thread *keeper)
{
    struct state before = state_now();
    handle_t channel = channel_new(keeper), calls[2], port = 0;
    handle_t done = port_new(keeper), serving = port_new(keeper);
    handle_t connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 1));
    CHECK(SYS(keeper, CHANNEL_SERVE, channel, serving, 1) == SW_OK);
    for (uint32_t i = 0; i < 2; i++)
        calls[i] = made(keeper, SYS(keeper, CALL_CREATE));
    for (uint32_t round = 0; round < 2; round++) {
        static const uint32_t last[] = { 99, 99, 49, 24, 12, 6, 6, 6 };
        for (uint32_t i = 0; i < ARRAY_COUNT(last); i++) {
            port = port_new(keeper);
            CHECK(SYS(keeper, CHANNEL_WATCH, channel, 100 * MS, port, i) == SW_OK);
            fake_advance(i == 0 ? MS : 0);
            if (i == 0)
                CHECK(post(keeper, calls[round], connection,
                           (struct sw_call){ .request_length = 8 }, done) == SW_OK);
            fake_advance(last[i] * MS);
            CHECK(poll(keeper, port, NULL) == 0);
            if (i + 1 < ARRAY_COUNT(last))
                SYS(keeper, HANDLE_CLOSE, port);
        }
        fake_advance(MS);
        struct sw_event event = { 0 };
        CHECK(poll(keeper, port, &event) == SW_EVENT_OVERDUE);
        fake_advance(98 * MS); /* told so, it has the limit again */
        CHECK(poll(keeper, port, NULL) == 0);
        fake_advance(3 * MS);
        CHECK(poll(keeper, port, &event) == SW_EVENT_OVERDUE);
        SYS(keeper, HANDLE_CLOSE, port);
        /* Another call, after the first one, is a new one: it has not waited yet. */
        CHECK(poll(keeper, serving, &event) == SW_EVENT_MESSAGE);
        SYS(keeper, CALL_CANCEL, calls[round]);
        poll(keeper, serving, &event);
    }
    handle_t all[] = { calls[0], calls[1], connection, channel, serving, done };
    for (uint32_t i = 0; i < ARRAY_COUNT(all); i++)
        SYS(keeper, HANDLE_CLOSE, all[i]);
    CHECK(state_same(before));
}

static bool running(const struct thread *thread)
{
    return thread->state == THREAD_RUNNING;
}

/* A server that others wait behind is overdue without a call once it has used as much CPU time as a
 * call may wait since it waited last, but not for what it uses between waits. */
static void test_overdue_busy(struct thread *keeper)
{
    struct state before = state_now();
    struct sw_limits limits[] = { { .band = 0 }, { .band = 1 } };
    handle_t jobs[2], processes[2];
    for (uint32_t i = 0; i < 2; i++) {
        fake_store(keeper, data, &limits[i], sizeof limits[i]);
        jobs[i] = made(keeper, SYS(keeper, JOB_CREATE, ROOT, data));
    }
    handle_t port = port_new(keeper), channel = channel_new(keeper), second = channel_new(keeper);
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 50 * MS, port, 8) == SW_OK);
    struct sw_transfer transfers[] = { { .handle = channel, .rights = SW_RIGHTS_SAME },
                                       { .handle = second, .rights = SW_RIGHTS_SAME } };
    struct thread *server = fake_spawn(keeper, jobs[1], transfers, 2, 1, &processes[0]);
    handle_t serving = port_new(server);
    CHECK(SYS(server, CHANNEL_SERVE, SW_START_HANDLE(0), serving, 1) == SW_OK);
    CHECK(poll(server, serving, NULL) == 0);
    fake_advance(500 * MS); /* nobody waits behind it */
    CHECK(poll(keeper, port, NULL) == 0);
    SYS(server, PORT_WAIT, serving, data, fake_now() + 5 * MS); /* as poll has left its buffer */
    struct thread *behind = fake_spawn(keeper, jobs[0], NULL, 0, 0, &processes[1]);
    fake_advance(MS);
    CHECK(running(behind));
    fake_advance(5 * MS);
    CHECK(running(server) && !running(behind));
    for (uint32_t i = 0; i < 10; i++) {
        fake_advance(40 * MS);
        CHECK(poll(server, serving, NULL) == 0);
    }
    CHECK(poll(keeper, port, NULL) == 0);
    struct sw_event event = { 0 };
    for (uint32_t i = 0; i < 2; i++) {
        fake_advance(110 * MS); /* it is looked at once a limit, so the second time finds it */
        CHECK(poll(keeper, port, &event) == SW_EVENT_OVERDUE && event.key == 8);
        CHECK(poll(keeper, port, NULL) == 0);
    }
    CHECK(behind->cpu_ns < 20 * MS);
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 50 * MS, port, 8) == SW_OK); /* begins anew */
    fake_advance(45 * MS);
    CHECK(poll(keeper, port, NULL) == 0);
    CHECK(poll(server, serving, NULL) == 0);
    /* A call that waits while the server is busy makes it overdue once, not twice. */
    handle_t connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 1)),
             call = made(keeper, SYS(keeper, CALL_CREATE)), done = port_new(keeper);
    CHECK(post(keeper, call, connection, (struct sw_call){ .request_length = 8 }, done) == SW_OK);
    fake_advance(MS);
    SYS(server, THREAD_YIELD); /* it is seen that it goes on, a little later */
    CHECK(SYS(keeper, PORT_WAIT, port, data, NEVER) == SW_SYS_PENDING);
    fake_advance(53 * MS);
    CHECK(running(keeper));
    SYS(server, THREAD_YIELD);
    CHECK(poll(keeper, port, NULL) == 0);
    SYS(keeper, CALL_CANCEL, call);
    /* Whoever comes after a watcher that died is told of what that was not told. */
    CHECK(poll(server, serving, NULL) == 0);
    CHECK(SYS(keeper, HANDLE_CLOSE, port) == SW_OK);
    fake_advance(MS);
    port = port_new(keeper);
    fake_advance(200 * MS);
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 50 * MS, port, 8) == SW_OK);
    fake_advance(20 * MS);
    CHECK(poll(keeper, port, NULL) == SW_EVENT_OVERDUE);
    /* Of several channels of a server one is enough that is watched. */
    CHECK(SYS(server, CHANNEL_SERVE, SW_START_HANDLE(1), serving, 2) == SW_OK);
    CHECK(SYS(keeper, CHANNEL_WATCH, second, 50 * MS, port, 9) == SW_OK);
    CHECK(SYS(keeper, CHANNEL_WATCH, second, 0, 0, 0) == SW_OK);
    fake_advance(110 * MS);
    CHECK(poll(keeper, port, &event) == SW_EVENT_OVERDUE && event.key == 8);
    /* Without a watch, and once it serves no more, it may do as it likes. */
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 0, 0, 0) == SW_OK);
    fake_advance(500 * MS);
    CHECK(SYS(keeper, CHANNEL_WATCH, channel, 50 * MS, port, 8) == SW_OK);
    CHECK(SYS(server, CHANNEL_LEAVE, SW_START_HANDLE(0)) == SW_OK);
    fake_advance(500 * MS);
    CHECK(poll(keeper, port, NULL) == 0);
    handle_t all[] = { processes[0], processes[1], call,   connection, done,
                       port,         channel,      second, jobs[0],    jobs[1] };
    SYS(keeper, JOB_KILL, jobs[0], 0);
    SYS(keeper, JOB_KILL, jobs[1], 0);
    for (uint32_t i = 0; i < ARRAY_COUNT(all); i++)
        SYS(keeper, HANDLE_CLOSE, all[i]);
    fake_advance(10 * MS);
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

/* A token names one delivery and no other, however often its slot is used. */
static void test_tokens(struct thread *keeper)
{
    enum { ROUNDS = 70000 }; /* more than 16 bits count */
    struct state before = state_now();
    handle_t port = port_new(keeper), channel = channel_new(keeper),
             call = made(keeper, SYS(keeper, CALL_CREATE));
    handle_t connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 1));
    struct sw_reply reply = { 0 };
    uint64_t last = 0;
    uint32_t repeated = 0, believed = 0;

    SYS(keeper, CHANNEL_SERVE, channel, port, 1);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct sw_event event = { 0 };
        post(keeper, call, connection, (struct sw_call){ .request_length = 8 }, port);
        poll(keeper, port, &event);
        fake_store(keeper, data, &reply, sizeof reply);
        repeated += event.token <= last; /* one slot: they grow */
        believed += SYS(keeper, REPLY, last, data) != SW_CALLER_GONE;
        for (uint32_t bit = 0; bit < 64 && round == 0; bit++)
            believed += SYS(keeper, REPLY, event.token ^ 1ull << bit, data) != SW_CALLER_GONE;
        last = event.token;
        SYS(keeper, REPLY, event.token, data);
        poll(keeper, port, &event);
        SYS(keeper, CALL_COLLECT, call, data);
    }
    CHECK(repeated == 0);
    CHECK(believed == 0);
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
    CHECK(entry && CONTAINER(entry->object, struct job, object)->weight == 10000 &&
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

/* What was ever put into a pipe, and taken out: whoever takes over an end goes on from there. */
static bool progress(struct thread *thread, handle_t pipe, uint64_t put, uint64_t taken)
{
    return SYS(thread, PIPE_INFO, pipe) == SW_OK && thread->frame.x[4] == taken &&
           thread->frame.x[1] + thread->frame.x[4] == put;
}

static void test_pipe_progress(struct thread *keeper)
{
    struct state before = state_now();
    vaddr_t from = data + 2048;
    for (uint32_t records = 0; records < 2; records++) {
        uint64_t head = records ? 4 : 0; /* of a record */
        CHECK(SYS(keeper, PIPE_CREATE, 4096, records ? SW_PIPE_RECORDS : 0) == SW_OK);
        handle_t reader = (handle_t)keeper->frame.x[1], writer = (handle_t)keeper->frame.x[2];
        uint64_t total = 0;
        for (int i = 0; i < 9; i++) { /* round the ring more than once */
            CHECK(progress(keeper, writer, total, total));
            SYS(keeper, PIPE_WRITE, writer, from, 1000, 0);
            CHECK(progress(keeper, reader, total + 1000 + head, total));
            SYS(keeper, PIPE_READ, reader, from, 300, 0);
            CHECK(progress(keeper, reader, total + 1000 + head, total + 300));
            CHECK(SYS(keeper, PIPE_READ, reader, from, 2000, 0) == SW_OK);
            total += 1000 + head;
        }
        CHECK(progress(keeper, writer, total, total));
        SYS(keeper, HANDLE_CLOSE, reader);
        SYS(keeper, HANDLE_CLOSE, writer);
    }
    CHECK(state_same(before));
}

static struct {
    struct thread *thread;
    uint64_t bytes[8];
    uint32_t count;
} reader;

/* Between two slices of a write another process looks how much there is. */
static void reader_turn(void)
{
    struct thread *thread = reader.thread;

    if (reader.count < ARRAY_COUNT(reader.bytes) &&
        SYS(thread, PIPE_INFO, SW_START_HANDLE(1)) == SW_OK)
        reader.bytes[reader.count++] = thread->frame.x[1];
}

/* No more than 256 KiB are copied in one hold of the lock, in or out. */
static void test_pipe_slices(struct thread *keeper)
{
    struct state before = state_now();
    const uint64_t slice = 256 * 1024, size = 1 << 20;
    handle_t memory = made(keeper, SYS(keeper, MEMORY_CREATE, size, SW_MEMORY_COMMIT)), process;
    CHECK(SYS(keeper, MEMORY_MAP, memory, 0, 0, size, SW_MAP_READ | SW_MAP_WRITE) == SW_OK);
    vaddr_t at = keeper->frame.x[1];
    CHECK(SYS(keeper, PIPE_CREATE, size, 0) == SW_OK);
    handle_t ends[] = { (handle_t)keeper->frame.x[1], (handle_t)keeper->frame.x[2] };
    struct sw_transfer transfers[] = { { .handle = ROOT, .rights = SW_RIGHTS_SAME },
                                       { .handle = ends[0], .rights = SW_RIGHTS_SAME } };
    reader.thread = fake_spawn(keeper, ROOT, transfers, 2, 0, &process);
    reader.count = 0;
    fake_slice_hook = reader_turn;
    CHECK(SYS(keeper, PIPE_WRITE, ends[1], at, size, SW_NEVER) == SW_OK &&
          keeper->frame.x[1] == size);
    fake_slice_hook = NULL;
    CHECK(reader.count == 3 && reader.bytes[0] == slice && reader.bytes[2] == 3 * slice);
    for (uint64_t left = size; left > 0; left -= slice)
        CHECK(SYS(keeper, PIPE_READ, ends[0], at, size, 0) == SW_OK && keeper->frame.x[1] == slice);
    CHECK(SYS(keeper, PIPE_READ, ends[0], at, size, 0) == SW_TIMED_OUT);
    SYS(keeper, PROCESS_KILL, process, 0);
    SYS(keeper, HANDLE_CLOSE, process);
    SYS(keeper, HANDLE_CLOSE, ends[0]);
    SYS(keeper, HANDLE_CLOSE, ends[1]);
    SYS(keeper, MEMORY_UNMAP, at, size);
    SYS(keeper, HANDLE_CLOSE, memory);
    fake_advance(10 * MS);
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
    test_closed_unknown(keeper);
    test_undeliverable(keeper);
    test_overdue(keeper);
    test_overdue_events(keeper);
    test_overdue_watchers(keeper);
    test_overdue_busy(keeper);
    test_collect(keeper);
    test_tokens(keeper);
    test_confined(keeper);
    test_own_limits(keeper);
    test_pipe_levels(keeper);
    test_pipe_progress(keeper);
    test_pipe_slices(keeper);
    test_big_commit(keeper);
    test_many_deadlines(keeper);
    return tap_done();
}
