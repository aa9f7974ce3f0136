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

/* What a job used while nobody else wanted it is not held against it. */
static void test_share_after_alone(struct thread *keeper)
{
    handle_t a = job_new(keeper, (struct sw_limits){ 0 }),
             b = job_new(keeper, (struct sw_limits){ 0 });
    child_in(keeper, a, 0);
    struct thread *late = child_in(keeper, b, 0);
    fake_run(late);
    SYS(late, FUTEX_WAIT, word, 0, fake_now() + 3000 * MS);
    fake_advance(2999 * MS);
    CHECK(running(keeper) != late);
    fake_advance(2 * MS); /* its time comes where the other runs: who wakes goes first */
    CHECK(running(keeper) == late);
    uint64_t before = job_of(keeper, a)->cpu_ns;
    fake_advance(400 * MS);
    CHECK(near(job_of(keeper, a)->cpu_ns - before, 200 * MS, 25));
    SYS(keeper, JOB_STOP, b); /* another CPU lets it go on */
    fake_advance(3000 * MS);
    SYS(keeper, JOB_CONTINUE, b);
    fake_advance(10 * MS);
    before = job_of(keeper, a)->cpu_ns;
    fake_advance(400 * MS);
    CHECK(near(job_of(keeper, a)->cpu_ns - before, 200 * MS, 25));
    kill_job(keeper, a);
    kill_job(keeper, b);
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

/* A thread that its own CPU woke when its time came gives way like any other one. */
static void test_woken_gives_way(struct thread *keeper)
{
    handle_t low = job_new(keeper, (struct sw_limits){ 0 }),
             high = job_new(keeper, (struct sw_limits){ .band = 1 });
    struct thread *normal = child_in(keeper, low, 0), *server = child_in(keeper, high, 1);
    SYS(keeper, JOB_STOP, high);
    SYS(normal, FUTEX_WAIT, word, 0, fake_now() + 10 * MS);
    fake_advance(20 * MS);
    CHECK(running(keeper) == normal);
    SYS(keeper, JOB_CONTINUE, high);
    CHECK(running(keeper) == server);
    kill_job(keeper, low);
    kill_job(keeper, high);
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

static struct sw_process_info info_of(const struct thread *thread)
{
    struct sw_process_info info;
    process_info_fill(thread->process, &info);
    return info;
}

/* What a blocked process waits for, and on whom. */
static void test_waits(struct thread *keeper)
{
    handle_t job = job_new(keeper, (struct sw_limits){ 0 });
    struct thread *one = child_in(keeper, job, 0), *two = second_thread(one);
    uint32_t value = 0, pid = one->process->pid;
    fake_store(one, word, &value, sizeof value);
    CHECK(info_of(one).wait_kind == SW_WAIT_NONE);
    CHECK(SYS(one, FUTEX_WAIT, word, 0, fake_now() + 50 * MS) == SW_SYS_PENDING);
    CHECK(info_of(one).wait_kind == SW_WAIT_FUTEX && info_of(one).wait_pid == 0);
    fake_advance(60 * MS);
    /* without a word it sleeps, and nobody wakes it */
    CHECK(SYS(one, FUTEX_WAIT, 0, 0, fake_now() + 50 * MS) == SW_SYS_PENDING);
    CHECK(info_of(one).wait_kind == SW_WAIT_SLEEP);
    CHECK(SYS(two, FUTEX_WAKE, 0, 1) == SW_FAULT && one->state == THREAD_BLOCKED);
    fake_advance(60 * MS);
    CHECK(one->state != THREAD_BLOCKED && (int64_t)one->frame.x[0] == SW_TIMED_OUT);
    CHECK(SYS(one, FUTEX_WAIT, 0, 0, 0) == SW_TIMED_OUT);
    /* a pipe: on nobody in particular until somebody used the other end */
    CHECK(SYS(two, PIPE_CREATE, 4096, 0) == SW_OK);
    handle_t reader = (handle_t)two->frame.x[1], writer = (handle_t)two->frame.x[2];
    CHECK(SYS(one, PIPE_READ, reader, word, 8, fake_now() + 50 * MS) == SW_SYS_PENDING);
    CHECK(info_of(one).wait_kind == SW_WAIT_PIPE && info_of(one).wait_pid == 0);
    CHECK(SYS(two, PIPE_WRITE, writer, word, 8, NEVER) == SW_OK);
    CHECK(SYS(one, PIPE_READ, reader, word, 8, NEVER) == SW_OK); /* the call made again */
    CHECK(SYS(one, PIPE_READ, reader, word, 8, fake_now() + 50 * MS) == SW_SYS_PENDING);
    CHECK(info_of(one).wait_pid == pid && !memcmp(info_of(one).wait_name, one->process->name, 32));
    fake_advance(60 * MS);
    CHECK(SYS(one, PIPE_WRITE, writer, FAKE_DATA, 4096, NEVER) == SW_OK);
    CHECK(SYS(one, PIPE_WRITE, writer, FAKE_DATA, 1, fake_now() + 50 * MS) == SW_SYS_PENDING);
    CHECK(info_of(one).wait_kind == SW_WAIT_PIPE_ROOM && info_of(one).wait_pid == pid);
    fake_advance(60 * MS);
    CHECK(one->state != THREAD_BLOCKED && (int64_t)one->frame.x[0] == SW_TIMED_OUT);
    kill_job(keeper, job);
}

/* Another process's handle to what a handle names. */
static handle_t give(struct thread *from, struct thread *to, handle_t handle, uint32_t type)
{
    struct handle_entry *entry;
    handle_t copy = 0;
    status_t status = handle_lookup(from->process, handle, type, 0, &entry);
    ASSERT(status == SW_OK);
    status = handle_install(to->process, entry->object, entry->rights, &copy);
    ASSERT(status == SW_OK);
    return copy;
}

/* An interrupt for the processes directly in a job leaves those of the jobs below alone. */
static void test_interrupt_directly(struct thread *keeper)
{
    handle_t job = job_new(keeper, (struct sw_limits){ 0 });
    CHECK(SYS(keeper, JOB_CREATE, job, data) == SW_OK);
    handle_t below = (handle_t)keeper->frame.x[1];
    struct process *one = child_in(keeper, job, 0)->process;
    struct process *two = child_in(keeper, below, 0)->process;
    object_get(&one->object);
    object_get(&two->object);
    CHECK(SYS(keeper, JOB_INTERRUPT, job, SW_INTERRUPT_DIRECTLY) == SW_INVALID);
    CHECK(SYS(keeper, JOB_INTERRUPT, job, SW_INTERRUPT_INT | SW_INTERRUPT_DIRECTLY) == SW_OK &&
          keeper->frame.x[1] == 1);
    fake_advance(MS);
    CHECK(one->state == PROCESS_ENDED && one->status == 130 && two->state == PROCESS_LIVE);
    CHECK(SYS(keeper, JOB_INTERRUPT, job, SW_INTERRUPT_INT) == SW_OK);
    fake_advance(MS);
    CHECK(two->state == PROCESS_ENDED);
    CHECK(SYS(keeper, JOB_INTERRUPT, job, SW_INTERRUPT_INT) == SW_OK && keeper->frame.x[1] == 0);
    object_put(&one->object);
    object_put(&two->object);
    SYS(keeper, HANDLE_CLOSE, below);
    kill_job(keeper, job);
}

/* Only those a pipe admits read it; others wait, are not told that there is something, and go on
 * when they are admitted. The job that made it always may. */
static void test_pipe_admit(struct thread *keeper)
{
    handle_t made_in = job_new(keeper, (struct sw_limits){ 0 });
    handle_t job = job_new(keeper, (struct sw_limits){ 0 });
    struct thread *maker = child_in(keeper, made_in, 0), *one = child_in(keeper, job, 0);
    handle_t in_maker = give(keeper, maker, job, SW_TYPE_JOB), in_one;
    CHECK(SYS(maker, PIPE_CREATE, 4096, SW_PIPE_RECORDS) == SW_OK);
    handle_t reader = (handle_t)maker->frame.x[1], writer = (handle_t)maker->frame.x[2];
    in_one = give(maker, one, reader, SW_TYPE_PIPE);
    handle_t own = give(keeper, maker, made_in, SW_TYPE_JOB);
    CHECK(SYS(maker, PIPE_ADMIT, reader, own, 0) == SW_ACCESS);
    CHECK(SYS(maker, PIPE_ADMIT, writer, own, 2) == SW_INVALID);
    CHECK(SYS(maker, PIPE_ADMIT, writer, own, 0) == SW_OK);
    CHECK(SYS(maker, PIPE_WRITE, writer, data, 3, 0) == SW_OK);
    CHECK(SYS(one, PIPE_READ, in_one, data, 10, 0) == SW_TIMED_OUT);
    CHECK(SYS(one, PORT_CREATE) == SW_OK);
    handle_t port = (handle_t)one->frame.x[1];
    CHECK(SYS(one, PORT_BIND, port, in_one, SW_PIPE_READABLE, 1) == SW_OK);
    fake_store(one, data, &(struct sw_wait){ .buffer = data + 1024, .capacity = 100 },
               sizeof(struct sw_wait));
    CHECK(SYS(one, PORT_WAIT, port, data, 0) == SW_TIMED_OUT);
    CHECK(SYS(one, PORT_WAIT, port, data, NEVER) == SW_SYS_PENDING);
    CHECK(SYS(maker, PIPE_ADMIT, writer, in_maker, SW_PIPE_DIRECTLY) == SW_OK);
    CHECK(fake_run(one) >= 0 && (int64_t)one->frame.x[0] == SW_OK);
    CHECK(SYS(one, PIPE_READ, in_one, data, 10, 0) == SW_OK && one->frame.x[1] == 3);
    CHECK(SYS(one, PIPE_READ, in_one, data, 10, NEVER) == SW_SYS_PENDING);
    CHECK(SYS(maker, PIPE_ADMIT, writer, own, 0) == SW_OK);
    CHECK(SYS(maker, PIPE_WRITE, writer, data, 2, 0) == SW_OK);
    CHECK(SYS(one, PIPE_READ, in_one, data, 10, NEVER) == SW_SYS_PENDING); /* made again */
    CHECK(one->state == THREAD_BLOCKED);
    CHECK(SYS(maker, PIPE_ADMIT, writer, 0, 0) == SW_OK);
    CHECK(SYS(one, PIPE_READ, in_one, data, 10, 0) == SW_OK && one->frame.x[1] == 2);
    CHECK(SYS(maker, PIPE_ADMIT, writer, in_maker, 0) == SW_OK);
    CHECK(SYS(maker, PIPE_WRITE, writer, data, 2, 0) == SW_OK);
    CHECK(SYS(maker, PIPE_READ, reader, data, 10, 0) == SW_OK);
    kill_job(keeper, job);
    kill_job(keeper, made_in);
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

/* Sent elsewhere while it runs, while it waits, and when it is gone. */
static void test_divert(struct thread *keeper)
{
    handle_t job = job_new(keeper, (struct sw_limits){ 0 }), process;
    struct thread *runner = fake_spawn(keeper, job, NULL, 0, 0, &process);
    vaddr_t loop = runner->process->loop;
    CHECK(SYS(keeper, PROCESS_DIVERT, process, 3) == SW_INVALID);
    CHECK(fake_run(runner) >= 0 && runner->state == THREAD_RUNNING);
    CHECK(SYS(keeper, PROCESS_DIVERT, process, SW_DIVERT_LOOP) == SW_OK);
    fake_settle();
    CHECK(runner->frame.pc == loop && !runner->leaves && runner->state == THREAD_RUNNING);
    uint32_t value = 0;
    fake_store(runner, word, &value, sizeof value);
    CHECK(SYS(runner, FUTEX_WAIT, word, 0, NEVER) == SW_SYS_PENDING);
    CHECK(SYS(keeper, PROCESS_DIVERT, process, SW_DIVERT_FAULT) == SW_OK);
    CHECK(fake_run(runner) >= 0 && (int64_t)runner->frame.x[0] == SW_INTERRUPTED);
    CHECK(runner->frame.pc == 0xbad0 && !fake_execute(runner, runner->frame.pc));
    fake_advance(MS);
    CHECK(SYS(keeper, PROCESS_DIVERT, process, SW_DIVERT_FAULT) == SW_BAD_STATE);
    SYS(keeper, HANDLE_CLOSE, process);
    kill_job(keeper, job);
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

/* A server between clients of all bands. The CPU that keeper leaves has the others on it. */
static struct {
    handle_t port, calls[4]; /* keeper's, whose band is 3 */
    handle_t connection;
    struct thread *server, *hog; /* bands 0 and 1 */
    struct thread *low[2];       /* clients of band 0 */
} lending;

static void post_high(struct thread *keeper, int i)
{
    struct sw_call call = { .request = data + 1024, .reply = data + 2048, .reply_capacity = 60 };
    fake_store(keeper, data, &call, sizeof call);
    CHECK(SYS(keeper, CALL_POST, lending.calls[i], lending.connection, data, lending.port, i,
              NEVER) == SW_OK);
}

static void collect_high(struct thread *keeper, int i)
{
    CHECK(SYS(keeper, CALL_COLLECT, lending.calls[i], data) == SW_OK);
}

static void call_low(int i)
{
    struct sw_call call = { .request = data + 1024, .reply = data + 2048, .reply_capacity = 60 };
    fake_store(lending.low[i], data, &call, sizeof call);
    CHECK(SYS(lending.low[i], CALL, SW_START_HANDLE(0), data, NEVER) == SW_SYS_PENDING);
}

/* The server waits and gets a call, which is there: its token. */
static uint64_t take(handle_t port)
{
    struct sw_wait wait = { .buffer = data + 1024, .capacity = 100 };
    fake_store(lending.server, data, &wait, sizeof wait);
    SYS(lending.server, PORT_WAIT, port, data, NEVER);
    /* Falling back to its band it may have to let others go first. */
    CHECK(fake_run(lending.server) >= 0 && lending.server->frame.x[0] == SW_OK);
    fake_load(lending.server, &wait, data, sizeof wait);
    CHECK(wait.event.kind == SW_EVENT_MESSAGE);
    return wait.event.token;
}

/* SW_SYS_PENDING: it does not go on, for the hog is above it then. */
static void answer(uint64_t token, int64_t wanted)
{
    struct sw_reply reply = { .data = data + 3000 };
    fake_store(lending.server, data + 4000, &reply, sizeof reply);
    CHECK(SYS(lending.server, REPLY, token, data + 4000) == wanted);
}

/* The band a server runs in: the highest of its own and of the calls it handles or that wait for
 * it, whatever it does meanwhile; its own from its next wait on. */
static void test_lending(struct thread *keeper)
{
    handle_t job = job_new(keeper, (struct sw_limits){ .band = 2 }), handles[4];
    SYS(keeper, CHANNEL_CREATE);
    handle_t channel = (handle_t)keeper->frame.x[1];
    SYS(keeper, CONNECTION_CREATE, channel, 42);
    lending.connection = (handle_t)keeper->frame.x[1];
    struct sw_transfer serve = { .handle = channel, .rights = SW_RIGHTS_SAME },
                       use = { .handle = lending.connection, .rights = SW_RIGHTS_SAME };
    struct thread *server = lending.server = fake_spawn(keeper, job, &serve, 1, 0, &handles[0]);
    lending.low[0] = fake_spawn(keeper, job, &use, 1, 0, &handles[1]);
    lending.low[1] = fake_spawn(keeper, job, &use, 1, 0, &handles[2]);
    SYS(keeper, PORT_CREATE);
    lending.port = (handle_t)keeper->frame.x[1];
    for (int i = 0; i < 4; i++) {
        SYS(keeper, CALL_CREATE);
        lending.calls[i] = (handle_t)keeper->frame.x[1];
    }
    SYS(server, PORT_CREATE);
    handle_t port = (handle_t)server->frame.x[1];
    CHECK(SYS(server, CHANNEL_SERVE, SW_START_HANDLE(0), port, 5) == SW_OK);

    /* Busy with a low call, it takes the band of a high one that comes to wait. */
    call_low(0);
    uint64_t token = take(port);
    CHECK(server->lent == 0);
    post_high(keeper, 0);
    CHECK(server->lent == 3);
    struct thread *hog = lending.hog = child_in(keeper, job, 1);
    fake_advance(30 * MS);
    CHECK(running(keeper) == server && hog->cpu_ns == 0);
    /* It keeps it when the low one is answered, for the high one still waits. */
    answer(token, SW_OK);
    CHECK(server->lent == 3);
    fake_advance(30 * MS);
    CHECK(running(keeper) == server && hog->cpu_ns == 0);
    token = take(port);
    CHECK(server->lent == 3);
    answer(token, SW_SYS_PENDING);
    collect_high(keeper, 0);
    CHECK(server->lent == 0 && running(keeper) == hog);
    SYS(hog, FUTEX_WAIT, word, 0, NEVER);

    /* Calls wait for a server that handles none just now; it handles the oldest in the band of the
     * highest. */
    call_low(0);
    CHECK(server->lent == 0);
    post_high(keeper, 0);
    CHECK(server->lent == 3);
    token = take(port);
    CHECK(server->lent == 3 && list_first(&server->handling, struct call, handler_link)->band == 0);
    answer(token, SW_OK);
    token = take(port);
    answer(token, SW_OK);
    collect_high(keeper, 0);

    /* A call it defers lends nothing, and does not stand in the way of others that do. */
    post_high(keeper, 0);
    uint64_t deferred = take(port);
    CHECK(server->lent == 3);
    SYS(server, FUTEX_WAIT, word, 0, fake_now() + 20 * MS); /* the client needs the CPU */
    call_low(0);
    fake_advance(20 * MS);
    take(port);
    CHECK(server->lent == 0);
    post_high(keeper, 1);
    CHECK(server->lent == 3);
    /* What is taken back lends nothing any more. */
    CHECK(SYS(keeper, CALL_CANCEL, lending.calls[1]) == SW_OK && server->lent == 0);
    CHECK(SYS(keeper, CALL_COLLECT, lending.calls[1], data) == SW_TIMED_OUT);
    post_high(keeper, 1);
    SYS(server, CHANNEL_LEAVE, SW_START_HANDLE(0)); /* then the low client may go first */
    CHECK(server->frame.x[0] == SW_OK && server->lent == 0);
    CHECK(SYS(keeper, CALL_COLLECT, lending.calls[0], data) == SW_PEER_DIED);
    CHECK(SYS(server, REPLY, deferred, data + 4000) == SW_CALLER_GONE);
    /* Who serves next gets what waited, and its band. */
    CHECK(SYS(keeper, CONNECTION_ACCEPT, lending.connection) == SW_OK);
    CHECK(SYS(server, CHANNEL_SERVE, SW_START_HANDLE(0), port, 5) == SW_OK);
    CHECK(SYS(keeper, CALL_COLLECT, lending.calls[1], data) == SW_SERVER_REPLACED);

    for (int i = 0; i < 4; i++)
        SYS(keeper, HANDLE_CLOSE, lending.calls[i]);
    for (int i = 0; i < 3; i++)
        SYS(keeper, HANDLE_CLOSE, handles[i]);
    SYS(keeper, HANDLE_CLOSE, lending.port);
    SYS(keeper, HANDLE_CLOSE, channel);
    SYS(keeper, HANDLE_CLOSE, lending.connection);
    kill_job(keeper, job);
}

/* CPU time is told as of now, also to a thread that never lets go of its CPU. */
static void test_own_time(struct thread *keeper)
{
    struct sw_process_info before, after;
    struct sw_job_info job;

    SYS(keeper, PROCESS_INFO, 0, data);
    fake_load(keeper, &before, data, sizeof before);
    fake_advance(1 * MS);
    SYS(keeper, PROCESS_INFO, 0, data);
    fake_load(keeper, &after, data, sizeof after);
    CHECK(after.cpu_ns - before.cpu_ns >= 1 * MS && after.cpu_ns - before.cpu_ns < 2 * MS);
    fake_advance(1 * MS);
    SYS(keeper, JOB_INFO, ROOT, data);
    fake_load(keeper, &job, data, sizeof job);
    CHECK(job.cpu_ns - before.cpu_ns >= 2 * MS);
}

int main(void)
{
    struct thread *keeper = fake_start(2, 8192);
    uint32_t zero = 0;
    fake_store(keeper, word, &zero, sizeof zero);
    uint64_t memory = job_root->used[CHARGE_MEMORY];
    test_own_time(keeper);
    test_shares(keeper);
    test_share_after_alone(keeper);
    test_bands(keeper);
    test_woken_gives_way(keeper);
    test_yield(keeper);
    test_futex(keeper);
    test_waits(keeper);
    test_interrupt(keeper);
    test_interrupt_directly(keeper);
    test_pipe_admit(keeper);
    test_stop(keeper);
    test_divert(keeper);
    zero = 0;
    fake_store(keeper, word, &zero, sizeof zero);
    test_call(keeper);
    test_lending(keeper);
    for (uint32_t type = 0; type < 16; type++) {
        uint32_t left = type == SW_TYPE_PROCESS || type == SW_TYPE_THREAD || type == SW_TYPE_JOB;
        if (type != SW_TYPE_MEMORY)
            CHECK(object_counts[type] == left);
    }
    CHECK(job_root->used[CHARGE_MEMORY] - memory < 16 * PAGE_SIZE &&
          job_root->used[CHARGE_THREADS] == 1);
    return tap_done();
}
