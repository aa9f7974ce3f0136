/* The page reserve: what is taken on a low job's account stops before it, whatever it is. */
#include "device.h"
#include "fake_machine.h"
#include "machine.h"
#include "tap.h"

#define ROOT SW_START_HANDLE(0)

static const vaddr_t data = FAKE_DATA; /* first pages: call structures; from page 12 on: buffers */
static const vaddr_t buffer = FAKE_DATA + 12 * PAGE_SIZE;

/* Nothing that is taken on a low job's account comes out of the reserve, be it as small as a region;
 * a higher job's goes on. Each kind of record by enough for some pages of it. */
static void test_reserve(struct thread *thread)
{
    enum { EVENTS = 200, PAIRS = 3 * EVENTS };
    struct sw_limits limits = { .band = 0 };
    fake_store(thread, data, &limits, sizeof limits);
    SYS(thread, JOB_CREATE, ROOT, data);
    handle_t low = (handle_t)thread->frame.x[1], process;
    SYS(thread, MEMORY_CREATE, PAGE_SIZE, 0);
    handle_t shared = (handle_t)thread->frame.x[1];
    machine.devices[0] = (struct machine_device){ .name = "card" };
    machine.device_count = 1;
    device_init();
    handle_t device;
    handle_install(thread->process, &devices[0]->object, class_device.all_rights, &device);
    struct sw_transfer list[] = { { .handle = shared, .rights = SW_RIGHTS_SAME },
                                  { .handle = device, .rights = SW_RIGHTS_SAME } };
    struct thread *child = fake_spawn(thread, low, list, 2, 0, &process);
    SYS(thread, HANDLE_CLOSE, process);

    handle_t ports[2][3], events[2][EVENTS];
    struct thread *who[2] = { child, thread };
    handle_t memories[2] = { SW_START_HANDLE(0), shared };
    handle_t cards[2] = { SW_START_HANDLE(1), device };
    for (int i = 0; i < 2; i++) {
        fake_store(who[i], buffer, &(uint32_t){ 0 }, sizeof(uint32_t));
        SYS(who[i], DEVICE_CLAIM, cards[i]);
        SYS(who[i], DEVICE_PIN, cards[i], memories[i], 0, PAGE_SIZE, buffer);
        SYS(who[i], DEVICE_RELEASE, cards[i]);
        for (int j = 0; j < 3; j++) {
            SYS(who[i], PORT_CREATE);
            ports[i][j] = (handle_t)who[i]->frame.x[1];
        }
        for (int j = 0; j < EVENTS; j++) {
            SYS(who[i], EVENT_CREATE);
            events[i][j] = (handle_t)who[i]->frame.x[1];
        }
    }
    fake_settle();
    page_reserve = page_free_count;
    for (int i = 0; i < 2; i++) {
        uint32_t done = 0;
        for (int j = 0; j < PAIRS; j++)
            done += SYS(who[i], PORT_BIND, ports[i][j % 3], events[i][j / 3], 1, 0) == SW_OK;
        tap_ok(done == (i ? PAIRS : 0), "%u of %u bindings", done, PAIRS);
        done = 0;
        for (int j = 0; j < 100; j++)
            done += SYS(who[i], MEMORY_MAP, memories[i], 0, 0, PAGE_SIZE, SW_MAP_READ) == SW_OK;
        tap_ok(done == (i ? 100 : 0), "%u of 100 mappings", done);
        done = 0;
        SYS(who[i], DEVICE_CLAIM, cards[i]);
        for (int j = 0; j < 200; j++)
            done += SYS(who[i], DEVICE_PIN, cards[i], memories[i], 0, PAGE_SIZE, buffer) == SW_OK;
        SYS(who[i], DEVICE_RELEASE, cards[i]);
        tap_ok(done == (i ? 200 : 0), "%u of 200 pins", done);
        done = 0;
        for (int j = 0; j < 50; j++)
            done += SYS(who[i], PIPE_CREATE, PAGE_SIZE, 0) == SW_OK;
        tap_ok(done == (i ? 50 : 0), "%u of 50 pipes", done);
        if (i == 0)
            CHECK(page_free_count == page_reserve);
    }
    CHECK(page_free_count < page_reserve);
    page_reserve = page_free_count;
    CHECK(SYS(thread, JOB_KEEP, low, 0, shared) == SW_NO_MEMORY);
    CHECK(SYS(thread, JOB_KEEP, ROOT, 0, shared) == SW_OK);
    SYS(thread, JOB_KEEP, ROOT, 0, 0);
    page_reserve = 0;
    SYS(thread, JOB_KILL, low, 0);
    SYS(thread, HANDLE_CLOSE, low);
    fake_advance(100000000);
}

/* What a server keeps for its clients is not of the reserve, though the server is of a high job: neither
 * pages nor the tables of them. */
static void test_for_clients(struct thread *thread)
{
    enum { PAGES = 2000 };
    for (uint32_t flags = 0; flags <= SW_MEMORY_FOR_CLIENTS; flags += SW_MEMORY_FOR_CLIENTS) {
        bool keeps = flags != 0;
        CHECK(SYS(thread, MEMORY_CREATE, PAGES * PAGE_SIZE, flags) == SW_OK);
        handle_t memory = (handle_t)thread->frame.x[1];
        uint64_t free = page_free_count;
        page_reserve = free;
        CHECK(SYS(thread, MEMORY_COMMIT, memory, 0, PAGE_SIZE) == (keeps ? SW_NO_MEMORY : SW_OK));
        CHECK(keeps == (page_free_count == free));
        page_reserve = page_free_count - 20;
        status_t status = SYS(thread, MEMORY_COMMIT, memory, 0, 100 * PAGE_SIZE);
        CHECK(status == (keeps ? SW_NO_MEMORY : SW_OK));
        CHECK(keeps == (page_free_count == page_reserve));
        page_reserve = 0;
        CHECK(SYS(thread, MEMORY_COMMIT, memory, 0, 100 * PAGE_SIZE) == SW_OK);
        SYS(thread, HANDLE_CLOSE, memory);
        fake_settle();
    }
    CHECK(SYS(thread, MEMORY_CREATE, PAGE_SIZE, 4) == SW_INVALID);
}

int main(void)
{
    struct thread *thread = fake_start(2, 8192);
    for (uint32_t i = 0; i < FAKE_DATA_PAGES; i++)
        fake_store(thread, data + i * PAGE_SIZE, &(uint32_t){ 0 }, sizeof(uint32_t));
    test_reserve(thread);
    test_for_clients(thread);
    return tap_done();
}
