/* A machine with one CPU: nobody else is there to do what it leaves undone. */
#include "device.h"
#include "fake_machine.h"
#include "machine.h"
#include "tap.h"

#define ROOT SW_START_HANDLE(0)
#define NEVER SW_NEVER
#define MS 1000000ull

static const vaddr_t data = FAKE_DATA, word = FAKE_DATA + 12 * PAGE_SIZE;

static handle_t made(struct thread *thread, int64_t status)
{
    return status == SW_OK ? (handle_t)thread->frame.x[1] : 0;
}

static handle_t job_new(struct thread *thread, struct sw_limits limits)
{
    fake_store(thread, data, &limits, sizeof limits);
    return made(thread, SYS(thread, JOB_CREATE, ROOT, data));
}

static void wait_at(struct thread *thread, handle_t port)
{
    struct sw_wait wait = { .buffer = data + 1024, .capacity = 256 };
    fake_store(thread, data, &wait, sizeof wait);
    SYS(thread, PORT_WAIT, port, data, NEVER);
}

#define INTERRUPT 40u
static uint32_t holds_left;

static void interrupt_later(void)
{
    if (holds_left && --holds_left == 0)
        fake_interrupt = INTERRUPT;
}

/* Everybody waits for the disk while a big program is cleaned up after: its interrupt is taken between
 * two slices of that. */
static void test_interrupt_during_work(struct thread *keeper)
{
    enum { PAGES = 4000 };
    uint64_t before = page_free_count;
    machine.devices[0] = (struct machine_device){ .name = "disk", .interrupt = INTERRUPT };
    machine.device_count = 1;
    device_init();
    handle_t disk, process, port = made(keeper, SYS(keeper, PORT_CREATE));
    handle_install(keeper->process, &devices[0]->object, class_device.all_rights, &disk);
    CHECK(SYS(keeper, DEVICE_CLAIM, disk) == SW_OK);
    CHECK(SYS(keeper, PORT_BIND, port, disk, 1, 0) == SW_OK);
    struct thread *child = fake_spawn(keeper, ROOT, NULL, 0, 0, &process);
    wait_at(keeper, port);
    handle_t memory = made(child, SYS(child, MEMORY_CREATE, PAGES * PAGE_SIZE, 0));
    CHECK(SYS(child, MEMORY_COMMIT, memory, 0, PAGES * PAGE_SIZE) == SW_OK);
    CHECK(before - page_free_count > PAGES);

    holds_left = 2;
    fake_release_hook = interrupt_later;
    SYS(child, PROCESS_EXIT, 0);
    fake_release_hook = NULL;
    uint64_t left = before - page_free_count;
    CHECK(holds_left == 0 && cpus[0].current == keeper && keeper->frame.x[0] == SW_OK);
    tap_ok(left > PAGES / 4 && left < PAGES, "%u of %u pages were left when it was taken",
           (uint32_t)left, PAGES);
    SYS(keeper, HANDLE_CLOSE, process);
    fake_advance(100 * MS);
    CHECK(before - page_free_count < 32 && memory_committed_total < PAGES);
    CHECK(SYS(keeper, DEVICE_RELEASE, disk) == SW_OK);
    SYS(keeper, HANDLE_CLOSE, disk);
    SYS(keeper, HANDLE_CLOSE, port);
}

/* A server that was lent a band ran above a thread of its own band, with no end of its slice: as it
 * has answered, the other one's turn comes. */
static void test_band_given_back(struct thread *keeper)
{
    handle_t job = job_new(keeper, (struct sw_limits){ .band = 2 }), processes[2];
    handle_t channel = made(keeper, SYS(keeper, CHANNEL_CREATE));
    handle_t connection = made(keeper, SYS(keeper, CONNECTION_CREATE, channel, 1));
    handle_t call = made(keeper, SYS(keeper, CALL_CREATE));
    handle_t port = made(keeper, SYS(keeper, PORT_CREATE));
    struct sw_transfer serve = { .handle = channel, .rights = SW_RIGHTS_SAME };
    struct thread *server = fake_spawn(keeper, job, &serve, 1, 0, &processes[0]);
    struct thread *other = fake_spawn(keeper, job, NULL, 0, 0, &processes[1]);
    vaddr_t at = data + 3 * PAGE_SIZE;
    struct sw_call buffers = { .request = at + 1024, .reply = at + 2048, .request_length = 8 };
    fake_store(keeper, at, &buffers, sizeof buffers);
    uint32_t zero = 0;
    fake_store(keeper, word, &zero, sizeof zero);
    CHECK(SYS(keeper, CALL_POST, call, connection, at, port, 0, NEVER) == SW_OK);
    SYS(keeper, FUTEX_WAIT, word, 0, fake_now() + 2000 * MS);

    fake_store(other, word, &zero, sizeof zero);
    SYS(other, FUTEX_WAIT, word, 0, fake_now() + 100 * MS);
    handle_t own = made(server, SYS(server, PORT_CREATE));
    CHECK(SYS(server, CHANNEL_SERVE, SW_START_HANDLE(0), own, 5) == SW_OK);
    wait_at(server, own);
    struct sw_wait wait;
    fake_load(server, &wait, data, sizeof wait);
    CHECK(server->lent == 3 && wait.event.kind == SW_EVENT_MESSAGE);
    uint64_t used = other->cpu_ns;
    fake_advance(200 * MS);
    CHECK(cpus[0].current == server && other->state == THREAD_READY && other->cpu_ns == used);
    struct sw_reply reply = { .data = data + 2048 };
    fake_store(server, data + 4000, &reply, sizeof reply);
    SYS(server, REPLY, wait.event.token, data + 4000);
    CHECK(server->frame.x[0] == SW_OK && server->lent == 0 && keeper->state == THREAD_BLOCKED);
    fake_advance(100 * MS);
    CHECK(other->cpu_ns - used > 30 * MS && other->cpu_ns - used < 70 * MS);

    fake_advance(2000 * MS);
    SYS(keeper, JOB_KILL, job, 0);
    for (int i = 0; i < 2; i++)
        SYS(keeper, HANDLE_CLOSE, processes[i]);
    SYS(keeper, HANDLE_CLOSE, job);
}

int main(void)
{
    struct thread *keeper = fake_start(1, 8192);
    uint32_t zero = 0;
    for (vaddr_t at = data; at <= word; at += PAGE_SIZE)
        fake_store(keeper, at, &zero, sizeof zero);
    test_interrupt_during_work(keeper);
    test_band_given_back(keeper);
    return tap_done();
}
