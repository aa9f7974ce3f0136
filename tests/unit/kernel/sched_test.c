/* The scheduler, waits and their ends: who runs, for how long, and what a deadline, an interrupt, a
 * stop or an end does to a thread in every kind of wait. */
#include "fake_machine.h"
#include "tap.h"

#define ROOT SW_START_HANDLE(0)
#define NEVER SW_NEVER
#define MS 1000000ull

static const vaddr_t data = FAKE_DATA, word = FAKE_DATA + 12 * PAGE_SIZE;

static handle_t job_new(struct thread *thread, struct sw_limits limits)
{
    fake_store(thread, data, &limits, sizeof limits);
    return SYS(thread, JOB_CREATE, ROOT, data) == SW_OK ? (handle_t)thread->frame.x[1] : 0;
}

static struct job *job_of(struct thread *thread, handle_t handle)
{
    struct handle_entry *entry;
    status_t status = handle_lookup(thread->process, handle, SW_TYPE_JOB, 0, &entry);
    ASSERT(status == SW_OK);
    return CONTAINER(entry->object, struct job, object);
}

static struct thread *child_in(struct thread *keeper, handle_t job, uint32_t band)
{
    handle_t process;
    struct thread *child = fake_spawn(keeper, job, NULL, 0, band, &process);
    ASSERT(child);
    SYS(keeper, HANDLE_CLOSE, process);
    return child;
}

static struct thread *second_thread(struct thread *thread)
{
    status_t status = (status_t)SYS(thread, THREAD_CREATE, 0x20000000, 0x20020000, 0, 0);
    ASSERT(status == SW_OK);
    return CONTAINER(thread->process->threads.previous, struct thread, process_link);
}

/* keeper, in the highest band, runs on one CPU all the time; the others share the second. */
static struct thread *running(struct thread *keeper)
{
    for (uint32_t i = 0; i < 2; i++)
        if (cpus[i].current != keeper)
            return cpus[i].current;
    return NULL;
}

static void kill_job(struct thread *keeper, handle_t job)
{
    SYS(keeper, JOB_KILL, job, 0);
    SYS(keeper, HANDLE_CLOSE, job);
    fake_advance(10 * MS);
}

static bool near(uint64_t value, uint64_t wanted, uint64_t percent)
{
    bool good = value * 100 >= wanted * (100 - percent) && value * 100 <= wanted * (100 + percent);
    if (!good)
        printf("# %lu, wanted %lu\n", (unsigned long)value, (unsigned long)wanted);
    return good;
}

static void test_shares(struct thread *keeper)
{
    handle_t a = job_new(keeper, (struct sw_limits){ 0 }),
             b = job_new(keeper, (struct sw_limits){ 0 }),
             c = job_new(keeper, (struct sw_limits){ .weight = 200 });
    struct thread *many[8];
    many[0] = child_in(keeper, a, 0);
    struct thread *single = child_in(keeper, b, 0), *heavy = child_in(keeper, c, 0);
    for (int i = 1; i < 8; i++)
        many[i] = second_thread(many[0]);
    fake_advance(100 * MS);
    fake_advance(1000 * MS);
    uint64_t before[4] = { job_of(keeper, a)->cpu_ns, job_of(keeper, b)->cpu_ns,
                           job_of(keeper, c)->cpu_ns };
    uint64_t thread_before = many[3]->cpu_ns;
    fake_advance(4000 * MS);
    CHECK(near(job_of(keeper, a)->cpu_ns - before[0], 1000 * MS, 5));
    CHECK(near(job_of(keeper, b)->cpu_ns - before[1], 1000 * MS, 5) &&
          single->process->cpu_ns == job_of(keeper, b)->cpu_ns);
    CHECK(near(job_of(keeper, c)->cpu_ns - before[2], 2000 * MS, 5) && heavy->cpu_ns);
    CHECK(near(many[3]->cpu_ns - thread_before, 125 * MS, 20));
    /* One that slept for long gets its share from now on, not what it missed. */
    SYS(single, FUTEX_WAIT, word, 0, fake_now() + 3000 * MS);
    fake_advance(3000 * MS);
    uint64_t woken = job_of(keeper, b)->cpu_ns, other = job_of(keeper, a)->cpu_ns;
    fake_advance(400 * MS);
    CHECK(near(job_of(keeper, b)->cpu_ns - woken, 100 * MS, 25) &&
          near(job_of(keeper, a)->cpu_ns - other, 100 * MS, 25));
    kill_job(keeper, a);
    kill_job(keeper, b);
    kill_job(keeper, c);
}

static void test_bands(struct thread *keeper)
{
    handle_t job = job_new(keeper, (struct sw_limits){ .band = 2 });
    struct thread *normal = child_in(keeper, job, 0), *server = child_in(keeper, job, 1),
                  *driver = child_in(keeper, job, 3); /* cut down to 2 */
    CHECK(normal->band == 0 && server->band == 1 && driver->band == 2);
    /* The server sleeps, the driver sleeps: normal runs; each wakes over it at once. */
    SYS(driver, FUTEX_WAIT, word, 0, fake_now() + 50 * MS);
    SYS(server, FUTEX_WAIT, word, 0, fake_now() + 30 * MS);
    uint64_t start = fake_now();
    fake_advance(29 * MS);
    CHECK(running(keeper) == normal);
    fake_advance(2 * MS);
    CHECK(running(keeper) == server && fake_now() - start < 32 * MS);
    fake_advance(18 * MS);
    CHECK(running(keeper) == server);
    fake_advance(2 * MS);
    CHECK(running(keeper) == driver);
    kill_job(keeper, job);
}

static void test_yield(struct thread *keeper)
{
    handle_t a = job_new(keeper, (struct sw_limits){ 0 }),
             b = job_new(keeper, (struct sw_limits){ 0 });
    struct thread *first = child_in(keeper, a, 0), *second = child_in(keeper, b, 0);
    struct thread *now = running(keeper);
    bool good = now == first || now == second;
    for (int i = 0; i < 10; i++) {
        SYS(running(keeper), THREAD_YIELD);
        good = good && running(keeper) != now &&
               (running(keeper) == first || running(keeper) == second);
        now = running(keeper);
    }
    CHECK(good);
    fake_advance(100 * MS);
    kill_job(keeper, a);
    kill_job(keeper, b);
}

static void test_futex(struct thread *keeper)
{
    uint32_t value = 5;
    fake_store(keeper, word, &value, sizeof value);
    CHECK(SYS(keeper, FUTEX_WAIT, word, 4, NEVER) == SW_BAD_STATE);
    CHECK(SYS(keeper, FUTEX_WAIT, word, 5, 0) == SW_TIMED_OUT &&
          SYS(keeper, FUTEX_WAIT, word, 5, 1) == SW_TIMED_OUT);
    CHECK(SYS(keeper, FUTEX_WAIT, word + 1, 5, 0) == SW_INVALID &&
          SYS(keeper, FUTEX_WAIT, 16, 5, 0) == SW_FAULT);
    CHECK(SYS(keeper, FUTEX_WAIT, 3ull << 62, 5, 0) == SW_FAULT &&
          SYS(keeper, FUTEX_WAKE, 0x100000, 1) == SW_FAULT);
    CHECK(SYS(keeper, FUTEX_WAKE, word, 10) == SW_OK && keeper->frame.x[1] == 0);
    handle_t job = job_new(keeper, (struct sw_limits){ 0 });
    struct thread *leader = child_in(keeper, job, 0), *threads[3];
    fake_store(keeper, word, &value, sizeof value);
    SYS(keeper, FUTEX_WAIT, word, 5, fake_now() + 50 * MS);
    for (int i = 0; i < 3; i++) {
        threads[i] = second_thread(leader);
        value = 0;
        fake_store(threads[i], word, &value, sizeof value);
        CHECK(SYS(threads[i], FUTEX_WAIT, word, 0, fake_now() + 1000 * MS) == SW_SYS_PENDING);
    }
    CHECK(SYS(leader, FUTEX_WAKE, word + 4, 9) == SW_OK && leader->frame.x[1] == 0);
    CHECK(SYS(leader, FUTEX_WAKE, word, 2) == SW_OK && leader->frame.x[1] == 2);
    CHECK(threads[0]->state != THREAD_BLOCKED && threads[1]->state != THREAD_BLOCKED &&
          threads[2]->state == THREAD_BLOCKED);
    CHECK((int64_t)threads[0]->frame.x[0] == SW_OK &&
          keeper->state == THREAD_BLOCKED); /* the same address elsewhere */
    fake_advance(1100 * MS);
    CHECK(threads[2]->state != THREAD_BLOCKED && (int64_t)threads[2]->frame.x[0] == SW_TIMED_OUT);
    CHECK((int64_t)keeper->frame.x[0] == SW_TIMED_OUT);
    /* thread_exit clears the joiner's word and wakes it. */
    value = 1;
    fake_store(leader, word + 8, &value, sizeof value);
    CHECK(SYS(leader, FUTEX_WAIT, word + 8, 1, NEVER) == SW_SYS_PENDING);
    CHECK(SYS(threads[0], THREAD_EXIT, word + 8) == SW_SYS_PENDING);
    CHECK(fake_run(leader) >= 0 && (int64_t)leader->frame.x[0] == SW_OK &&
          leader->process->thread_count == 3);
    fake_load(leader, &value, word + 8, sizeof value);
    CHECK(value == 0);
    CHECK(SYS(threads[1], THREAD_EXIT, 0x10) == SW_SYS_PENDING); /* a bad address hurts nobody */
    CHECK(leader->process->thread_count == 2);
    kill_job(keeper, job);
}

/* Ends of waits: interrupt with and without an event, stop and continue, kill. */
static void test_interrupt(struct thread *keeper)
{
    handle_t job = job_new(keeper, (struct sw_limits){ 0 });
    struct thread *one = child_in(keeper, job, 0), *two = child_in(keeper, job, 0);
    struct process *process = two->process;
    object_get(&process->object);
    SYS(one, EVENT_CREATE);
    handle_t event = (handle_t)one->frame.x[1];
    CHECK(SYS(one, PROCESS_ON_INTERRUPT, event) == SW_OK);
    SYS(one, PORT_CREATE);
    handle_t port = (handle_t)one->frame.x[1];
    uint32_t value = 0;
    fake_store(one, word, &value, sizeof value);
    fake_store(two, word, &value, sizeof value);
    SYS(one, FUTEX_WAIT, word, 0, NEVER);
    SYS(two, FUTEX_WAIT, word, 0, NEVER);
    CHECK(SYS(keeper, JOB_INTERRUPT, job, 3) == SW_INVALID);
    CHECK(SYS(keeper, JOB_INTERRUPT, job, SW_INTERRUPT_TERM) == SW_OK);
    fake_advance(MS);
    CHECK(process->state == PROCESS_ENDED && process->status == 143);
    object_put(&process->object);
    CHECK(one->state != THREAD_BLOCKED && (int64_t)one->frame.x[0] == SW_INTERRUPTED);
    CHECK(SYS(one, EVENT_READ, event) == SW_OK && one->frame.x[1] == SW_INTERRUPT_TERM);
    /* In a port's wait. */
    fake_store(one, data, &(struct sw_wait){ .buffer = data + 1024, .capacity = 100 },
               sizeof(struct sw_wait));
    SYS(one, EVENT_UPDATE, event, ~0ull, 0);
    CHECK(SYS(one, PORT_WAIT, port, data, NEVER) == SW_SYS_PENDING);
    SYS(keeper, JOB_INTERRUPT, job, SW_INTERRUPT_INT);
    CHECK(fake_run(one) >= 0 && (int64_t)one->frame.x[0] == SW_INTERRUPTED);
    /* Bound to the port it is delivered there instead. */
    SYS(one, EVENT_UPDATE, event, ~0ull, 0);
    CHECK(SYS(one, PORT_BIND, port, event, ~0ull, 77) == SW_OK);
    CHECK(SYS(one, PORT_WAIT, port, data, NEVER) == SW_SYS_PENDING);
    SYS(keeper, JOB_INTERRUPT, job, SW_INTERRUPT_INT);
    CHECK(fake_run(one) >= 0 && (int64_t)one->frame.x[0] == SW_OK);
    SYS(one, EVENT_UPDATE, event, ~0ull, 0);
    CHECK(SYS(one, FUTEX_WAIT, word, 0, fake_now() + MS) == SW_SYS_PENDING);
    fake_advance(2 * MS);
    /* It comes while the thread runs: the next wait ends at once, if the bit is still there. */
    SYS(keeper, JOB_INTERRUPT, job, SW_INTERRUPT_HUP);
    CHECK(SYS(one, FUTEX_WAIT, word, 0, NEVER) == SW_INTERRUPTED);
    CHECK(SYS(one, FUTEX_WAIT, word, 0, fake_now() + MS) == SW_SYS_PENDING);
    fake_advance(2 * MS);
    SYS(one, EVENT_UPDATE, event, ~0ull, 0);
    SYS(keeper, JOB_INTERRUPT, job, SW_INTERRUPT_HUP);
    SYS(one, EVENT_UPDATE, event, ~0ull, 0);
    CHECK(SYS(one, FUTEX_WAIT, word, 0, fake_now() + MS) == SW_SYS_PENDING);
    fake_advance(2 * MS);
    kill_job(keeper, job);
}

static void test_stop(struct thread *keeper)
{
    handle_t job = job_new(keeper, (struct sw_limits){ 0 });
    struct thread *runner = child_in(keeper, job, 0), *sleeper = second_thread(runner);
    uint32_t value = 0;
    fake_store(sleeper, word, &value, sizeof value);
    SYS(sleeper, FUTEX_WAIT, word, 0, fake_now() + 20 * MS);
    CHECK(SYS(keeper, JOB_STOP, job) == SW_OK && job_of(keeper, job)->pending == SW_JOB_STOPPED);
    struct thread *late = child_in(keeper, job, 0); /* starts stopped */
    uint64_t before = runner->cpu_ns;
    fake_advance(100 * MS);
    CHECK(runner->cpu_ns == before && sleeper->cpu_ns < MS && late->cpu_ns == 0);
    CHECK(sleeper->state == THREAD_READY && (int64_t)sleeper->frame.x[0] == SW_TIMED_OUT);
    CHECK(SYS(keeper, JOB_CONTINUE, job) == SW_OK &&
          job_of(keeper, job)->pending == SW_JOB_CONTINUED);
    fake_advance(200 * MS);
    CHECK(runner->cpu_ns > before && sleeper->cpu_ns && late->cpu_ns);
    /* Killed while stopped. */
    SYS(keeper, JOB_STOP, job);
    SYS(keeper, JOB_KILL, job, 0);
    fake_advance(10 * MS);
    CHECK(job_of(keeper, job)->live == 0 && (job_of(keeper, job)->pending & SW_JOB_EXITED));
    SYS(keeper, HANDLE_CLOSE, job);
}

/* A call between processes: direct switch, the band is lent, and death at either side. */
static void test_call(struct thread *keeper)
{
    handle_t job = job_new(keeper, (struct sw_limits){ .band = 2 });
    SYS(keeper, CHANNEL_CREATE);
    handle_t channel = (handle_t)keeper->frame.x[1];
    SYS(keeper, CONNECTION_CREATE, channel, 42);
    handle_t connection = (handle_t)keeper->frame.x[1];
    struct sw_transfer serve = { .handle = channel, .rights = SW_RIGHTS_SAME },
                       use = { .handle = connection, .rights = SW_RIGHTS_SAME };
    handle_t server_handle, client_handle;
    struct thread *server = fake_spawn(keeper, job, &serve, 1, 0, &server_handle);
    struct thread *client = fake_spawn(keeper, job, &use, 1, 2, &client_handle);
    struct thread *hog = child_in(keeper, job, 1); /* between their bands */
    SYS(client, FUTEX_WAIT, word, 0, fake_now() + 100 * MS);
    SYS(hog, FUTEX_WAIT, word, 0, fake_now() + 50 * MS);
    SYS(server, PORT_CREATE);
    handle_t port = (handle_t)server->frame.x[1];
    CHECK(SYS(server, CHANNEL_SERVE, SW_START_HANDLE(0), port, 5) == SW_OK);
    fake_store(server, data, &(struct sw_wait){ .buffer = data + 1024, .capacity = 100 },
               sizeof(struct sw_wait));
    CHECK(SYS(server, PORT_WAIT, port, data, NEVER) == SW_SYS_PENDING);
    fake_advance(60 * MS);
    CHECK(running(keeper) == hog);
    fake_advance(60 * MS);
    CHECK(running(keeper) == client);
    char request[200];
    memset(request, 'q', sizeof request);
    fake_store(client, data + 1024, request, sizeof request);
    struct sw_call call = {
        .request = data + 1024, .request_length = 50, .reply = data + 2048, .reply_capacity = 60
    };
    fake_store(client, data, &call, sizeof call);
    CHECK(SYS(client, CALL, SW_START_HANDLE(0), data, NEVER) == SW_SYS_PENDING);
    CHECK(running(keeper) == server && server->lent == 2 && (int64_t)server->frame.x[0] == SW_OK);
    struct sw_wait wait;
    fake_load(server, &wait, data, sizeof wait);
    CHECK(wait.event.kind == SW_EVENT_MESSAGE && wait.event.badge == 42 && wait.event.key == 5 &&
          wait.event.request_length == 50 && wait.event.pid == client->process->pid);
    fake_load(server, request, data + 1024, 50);
    CHECK(request[0] == 'q' && request[49] == 'q');
    fake_store(server, data + 3000, "answer", 6);
    struct sw_reply reply = { .data = data + 3000, .length = 6 };
    fake_store(server, data + 4000, &reply, sizeof reply);
    CHECK(SYS(server, REPLY_WAIT, wait.event.token, data + 4000, port, data, NEVER) ==
          SW_SYS_PENDING);
    CHECK(running(keeper) == client && server->lent == 0 && (int64_t)client->frame.x[0] == SW_OK &&
          client->frame.x[1] == 6);
    fake_load(client, request, data + 2048, 6);
    CHECK(memcmp(request, "answer", 6) == 0);
    CHECK(SYS(client, CALL, SW_START_HANDLE(0), data, fake_now() + 20 * MS) == SW_SYS_PENDING);
    fake_load(server, &wait, data, sizeof wait);
    fake_advance(25 * MS); /* the server keeps it too long */
    CHECK((int64_t)client->frame.x[0] == SW_UNKNOWN_OUTCOME && server->lent == 0);
    CHECK(SYS(client, FUTEX_WAIT, word, 0, fake_now() + 900 * MS) == SW_SYS_PENDING);
    CHECK(running(keeper) == hog);
    SYS(hog, FUTEX_WAIT, word, 0, NEVER);
    CHECK(SYS(server, REPLY, wait.event.token, data + 4000) == SW_CALLER_GONE);
    CHECK(SYS(server, PORT_WAIT, port, data, NEVER) == SW_SYS_PENDING);
    fake_advance(1000 * MS);
    /* The server is killed with a call in its hands. */
    CHECK(SYS(client, CALL, SW_START_HANDLE(0), data, NEVER) == SW_SYS_PENDING);
    CHECK(SYS(keeper, PROCESS_KILL, server_handle, 9) == SW_OK);
    fake_advance(10 * MS);
    CHECK((int64_t)client->frame.x[0] == SW_PEER_DIED);
    CHECK(SYS(client, CALL, SW_START_HANDLE(0), data, NEVER) ==
          SW_SYS_PENDING); /* waits for the next server */
    /* The client is killed while it waits. */
    CHECK(SYS(keeper, PROCESS_KILL, client_handle, 9) == SW_OK);
    fake_advance(10 * MS);
    SYS(keeper, HANDLE_CLOSE, server_handle);
    SYS(keeper, HANDLE_CLOSE, client_handle);
    SYS(keeper, HANDLE_CLOSE, channel);
    SYS(keeper, HANDLE_CLOSE, connection);
    kill_job(keeper, job);
    CHECK(object_counts[SW_TYPE_CHANNEL] == 0 && object_counts[SW_TYPE_CONNECTION] == 0 &&
          object_counts[SW_TYPE_PORT] == 0);
}

int main(void)
{
    struct thread *keeper = fake_start(2, 8192);
    uint32_t zero = 0;
    fake_store(keeper, word, &zero, sizeof zero);
    uint64_t memory = job_root->used[CHARGE_MEMORY];
    test_shares(keeper);
    test_bands(keeper);
    test_yield(keeper);
    test_futex(keeper);
    test_interrupt(keeper);
    test_stop(keeper);
    zero = 0;
    fake_store(keeper, word, &zero, sizeof zero);
    test_call(keeper);
    for (uint32_t type = 0; type < 16; type++) {
        uint32_t left = type == SW_TYPE_PROCESS || type == SW_TYPE_THREAD || type == SW_TYPE_JOB;
        if (type != SW_TYPE_MEMORY)
            CHECK(object_counts[type] == left);
    }
    CHECK(job_root->used[CHARGE_MEMORY] - memory < 16 * PAGE_SIZE &&
          job_root->used[CHARGE_THREADS] == 1);
    return tap_done();
}
