/* Slabs, object lifetime, handle tables, jobs: everything comes back, nothing recurses, refusals
 * change nothing. Works on the kernel's own functions, without running threads. */
#include "fake_machine.h"
#include "tap.h"

struct state {
    uint64_t pages, memory, handles, objects;
};

static struct state state_now(void)
{
    struct state state = { page_free_count, job_root->used[CHARGE_MEMORY],
                           job_root->used[CHARGE_HANDLES], 0 };
    for (int i = 0; i < 16; i++)
        state.objects += object_counts[i];
    return state;
}

static bool state_same(struct state before)
{
    struct state after = state_now();
    bool same = memcmp(&before, &after, sizeof before) == 0;
    if (!same)
        printf("# pages %ld, memory %ld, handles %ld, objects %ld\n",
               (long)(after.pages - before.pages), (long)(after.memory - before.memory),
               (long)(after.handles - before.handles), (long)(after.objects - before.objects));
    return same;
}

static vaddr_t data = FAKE_DATA;

static handle_t job_new(struct thread *thread, handle_t parent, struct sw_limits limits)
{
    fake_store(thread, data, &limits, sizeof limits);
    return SYS(thread, JOB_CREATE, parent, data) == SW_OK ? (handle_t)thread->frame.x[1] : 0;
}

static struct job *job_of(struct thread *thread, handle_t handle)
{
    struct handle_entry *entry;
    return handle_lookup(thread->process, handle, SW_TYPE_JOB, 0, &entry) == SW_OK
               ? CONTAINER(entry->object, struct job, object)
               : NULL;
}

static void test_slab(void)
{
    static struct slab slab = { .name = "test", .size = 100 };
    void *slots[1000];
    uint64_t before = page_free_count;
    bool zero = true;
    for (int i = 0; i < 1000; i++) {
        slots[i] = slab_allocate(&slab, NULL);
        for (int j = 0; j < 100; j++)
            zero = zero && ((char *)slots[i])[j] == 0;
        memset(slots[i], 0xff, slab_slot_size(&slab));
    }
    CHECK(zero && slab.used == 1000 && slab_slot_size(&slab) == 112);
    CHECK(slab.pages == before - page_free_count && slab.pages == (1000 + 35) / 36);
    for (int i = 0; i < 1000; i += 2)
        slab_free(&slab, slots[i]);
    for (int i = 0; i < 1000; i += 2)
        slots[i] = slab_allocate(&slab, NULL);
    CHECK(slab.pages == (1000 + 35) / 36);
    for (int i = 0; i < 1000; i++)
        slab_free(&slab, slots[(i * 7) % 1000]);
    CHECK(slab.pages == 0 && slab.used == 0 && page_free_count == before);
    fake_page_limit = page_free_count;
    CHECK(slab_allocate(&slab, NULL) == NULL && page_free_count == before);
    fake_page_limit = 0;
}

static void test_handles(struct thread *keeper)
{
    struct process *process = keeper->process;
    CHECK(SYS(keeper, EVENT_CREATE) == SW_OK);
    handle_t event = (handle_t)keeper->frame.x[1];
    CHECK(event == SW_START_HANDLE(2));
    struct state before = state_now();
    CHECK(SYS(keeper, HANDLE_DUPLICATE, event, SW_RIGHT_READ | SW_RIGHT_DUPLICATE) == SW_OK);
    handle_t copy = (handle_t)keeper->frame.x[1];
    CHECK(SYS(keeper, HANDLE_DUPLICATE, copy, SW_RIGHT_WRITE) == SW_ACCESS);
    CHECK(SYS(keeper, EVENT_UPDATE, copy, 0, 1) == SW_ACCESS);
    CHECK(SYS(keeper, EVENT_READ, copy) == SW_OK);
    CHECK(SYS(keeper, JOB_STOP, copy) == SW_WRONG_TYPE);
    CHECK(SYS(keeper, HANDLE_INFO, copy) == SW_OK && keeper->frame.x[1] == SW_TYPE_EVENT &&
          keeper->frame.x[2] == (SW_RIGHT_READ | SW_RIGHT_DUPLICATE));
    CHECK(SYS(keeper, HANDLE_CLOSE, copy) == SW_OK);
    CHECK(SYS(keeper, HANDLE_CLOSE, copy) == SW_BAD_HANDLE &&
          SYS(keeper, EVENT_READ, copy) == SW_BAD_HANDLE);
    CHECK(state_same(before));
    static const uint64_t bad[] = { 0,
                                    1,
                                    0xffff,
                                    0x10000,
                                    0x1ffff,
                                    0xffffffff,
                                    0x100000001ull,
                                    0x100010001ull,
                                    UINT64_MAX,
                                    0x00020001,
                                    0x1000000000001ull };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(SYS(keeper, HANDLE_CLOSE, bad[i]) == SW_BAD_HANDLE);
    uint32_t count = 0;
    while (SYS(keeper, HANDLE_DUPLICATE, event, SW_RIGHTS_SAME) == SW_OK)
        count++;
    CHECK(count == HANDLE_PAGES * 256 - 1 - 3 && (int64_t)keeper->frame.x[0] == SW_QUOTA);
    CHECK(handle_reserve(process, 1) == SW_QUOTA);
    CHECK(job_root->used[CHARGE_HANDLES] == before.handles + count);
    /* All but the first page's are closed; the table's pages stay the process's. */
    for (uint32_t page = 0; page < HANDLE_PAGES; page++)
        for (uint32_t i = 0; i < 256; i++) {
            struct handle_entry *entry = &process->handles.pages[page][i];
            if (entry->object && page * 256 + i > 3)
                handle_close(process, entry);
        }
    CHECK(job_root->used[CHARGE_HANDLES] == before.handles);
    uint64_t free_before = page_free_count;
    CHECK(handle_reserve(process, 10) == SW_OK && process->handles.reserved == 10);
    handle_t handle;
    CHECK(handle_install(process, &job_root->object, 0, &handle) == SW_OK &&
          process->handles.reserved == 9);
    handle_unreserve(process, 9);
    CHECK(SYS(keeper, HANDLE_CLOSE, handle) == SW_OK && page_free_count == free_before);
    CHECK(job_root->used[CHARGE_HANDLES] == before.handles);
    CHECK(SYS(keeper, HANDLE_CLOSE, event) == SW_OK);
}

static void test_quotas(struct thread *keeper)
{
    handle_t root = SW_START_HANDLE(0);
    struct state before = state_now();
    handle_t outer = job_new(keeper, root, (struct sw_limits){ .memory = 1 << 20, .handles = 20 });
    handle_t inner = job_new(keeper, outer, (struct sw_limits){ .memory = 2 << 20 });
    struct job *a = job_of(keeper, outer), *b = job_of(keeper, inner);
    CHECK(a->weight == 100 && b->limit[CHARGE_HANDLES] == 20 && b->depth == 2 && a->band == 0);
    uint64_t used = a->used[CHARGE_MEMORY];
    struct memory *memory;
    CHECK(memory_create(b, 200, &memory) == SW_OK);
    CHECK(b->used[CHARGE_MEMORY] >= 201 * PAGE_SIZE &&
          a->used[CHARGE_MEMORY] == used + b->used[CHARGE_MEMORY]);
    struct memory *other;
    uint64_t b_used = b->used[CHARGE_MEMORY], root_used = job_root->used[CHARGE_MEMORY];
    CHECK(memory_create(b, 60, &other) == SW_QUOTA); /* the outer job's limit */
    CHECK(b->used[CHARGE_MEMORY] == b_used && job_root->used[CHARGE_MEMORY] == root_used);
    /* The job goes, what it paid for stays the parent's. */
    object_get(&a->object);
    uint64_t a_used = a->used[CHARGE_MEMORY], b_size = b->object.size;
    CHECK(SYS(keeper, HANDLE_CLOSE, inner) == SW_OK);
    CHECK(memory->object.payer == a && a->used[CHARGE_MEMORY] == a_used - b_size);
    CHECK(SYS(keeper, HANDLE_CLOSE, outer) == SW_OK);
    object_put(&a->object);
    CHECK(memory->object.payer == job_root);
    object_put(&memory->object);
    CHECK(state_same(before));
    for (uint32_t what = 0; what < CHARGE_COUNT; what++)
        if (what != CHARGE_MEMORY && what != CHARGE_HANDLES)
            CHECK(job_root->used[what] == (what == CHARGE_THREADS || what == CHARGE_PROCESSES));
    handle_t chain[JOB_DEPTH + 1];
    handle_t at = root;
    uint32_t depth = 0;
    while (depth <= JOB_DEPTH && (at = job_new(keeper, at, (struct sw_limits){ 0 })))
        chain[depth++] = at;
    CHECK(depth == JOB_DEPTH && (int64_t)keeper->frame.x[0] == SW_QUOTA);
    for (uint32_t i = 0; i < depth; i++)
        SYS(keeper, HANDLE_CLOSE, chain[i]);
    CHECK(state_same(before));
    struct sw_limits wrong[] = { { .weight = 10001 }, { .band = 4 } };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        CHECK(!job_new(keeper, root, wrong[i]) && (int64_t)keeper->frame.x[0] == SW_INVALID);
    CHECK(SYS(keeper, JOB_CREATE, root, 0x1000) == SW_FAULT);
    CHECK(state_same(before));
}

static uint64_t hold_objects, hold_most;

static uint64_t objects_now(void)
{
    uint64_t objects = 0;
    for (int i = 0; i < 16; i++)
        objects += object_counts[i];
    return objects;
}

static void watch_hold(void)
{
    uint64_t objects = objects_now();
    if (hold_objects > objects + hold_most)
        hold_most = hold_objects - objects;
    hold_objects = objects;
}

/* A chain of jobs, each held by a kept slot of the one before: taken down without recursion, and no
 * more than one job with all that its slots hold in a hold of the lock. */
static void test_chain(struct thread *keeper)
{
    handle_t root = SW_START_HANDLE(0);
    struct state before = state_now();
    handle_t first = job_new(keeper, root, (struct sw_limits){ 0 }), last = first;
    const uint32_t length = 3000;
    bool good = true;
    for (uint32_t i = 1; i < length; i++) {
        handle_t next = job_new(keeper, root, (struct sw_limits){ 0 });
        good = good && next && SYS(keeper, JOB_KEEP, last, i % SW_KEPT_SLOTS, next) == SW_OK;
        if (last != first)
            good = good && SYS(keeper, HANDLE_CLOSE, last) == SW_OK;
        last = next;
    }
    good = good && SYS(keeper, HANDLE_CLOSE, last) == SW_OK;
    CHECK(good && object_counts[SW_TYPE_JOB] == 1 + length);
    hold_objects = objects_now();
    fake_release_hook = watch_hold;
    CHECK(SYS(keeper, HANDLE_CLOSE, first) == SW_OK);
    fake_advance(length * 2000000ull);
    fake_release_hook = NULL;
    tap_ok(hold_most <= 1 + SW_KEPT_SLOTS, "%u objects in a hold at most", (uint32_t)hold_most);
    CHECK(object_counts[SW_TYPE_JOB] == 1 && state_same(before));
}

static void test_kept(struct thread *keeper)
{
    handle_t root = SW_START_HANDLE(0);
    struct state before = state_now();
    handle_t job = job_new(keeper, root, (struct sw_limits){ .handles = 2 });
    handle_t handles[3];
    for (int i = 0; i < 3; i++) {
        SYS(keeper, EVENT_CREATE);
        handles[i] = (handle_t)keeper->frame.x[1];
    }
    CHECK(SYS(keeper, JOB_KEPT, job, 5) == SW_NOT_FOUND &&
          SYS(keeper, JOB_KEPT, job, 64) == SW_INVALID);
    CHECK(SYS(keeper, JOB_KEEP, job, 64, handles[0]) == SW_INVALID);
    CHECK(SYS(keeper, JOB_KEEP, job, 5, handles[0]) == SW_OK &&
          SYS(keeper, JOB_KEEP, job, 6, handles[1]) == SW_OK);
    CHECK(SYS(keeper, JOB_KEEP, job, 7, handles[2]) == SW_QUOTA);
    CHECK(SYS(keeper, JOB_KEEP, job, 6, handles[2]) == SW_OK); /* in place of the other */
    SYS(keeper, EVENT_UPDATE, handles[2], 0, 7);
    for (int i = 0; i < 3; i++)
        SYS(keeper, HANDLE_CLOSE, handles[i]);
    CHECK(object_counts[SW_TYPE_EVENT] == 2);
    CHECK(SYS(keeper, JOB_KEPT, job, 6) == SW_OK);
    handle_t event = (handle_t)keeper->frame.x[1];
    CHECK(SYS(keeper, EVENT_READ, event) == SW_OK && keeper->frame.x[1] == 7);
    SYS(keeper, HANDLE_DUPLICATE, event, SW_RIGHT_READ);
    handle_t weak = (handle_t)keeper->frame.x[1];
    CHECK(SYS(keeper, JOB_KEEP, job, 7, weak) == SW_ACCESS);
    CHECK(SYS(keeper, JOB_KEEP, job, 6, 0) == SW_OK &&
          SYS(keeper, JOB_KEPT, job, 6) == SW_NOT_FOUND);
    CHECK(SYS(keeper, JOB_KILL, job, 9) == SW_OK);
    CHECK(SYS(keeper, JOB_KEPT, job, 5) == SW_NOT_FOUND &&
          SYS(keeper, JOB_KEEP, job, 5, event) == SW_BAD_STATE);
    CHECK(!job_new(keeper, job, (struct sw_limits){ 0 }) &&
          (int64_t)keeper->frame.x[0] == SW_BAD_STATE);
    CHECK(job_of(keeper, job)->pending == SW_JOB_EXITED);
    SYS(keeper, HANDLE_CLOSE, event);
    SYS(keeper, HANDLE_CLOSE, weak);
    SYS(keeper, HANDLE_CLOSE, job);
    CHECK(state_same(before));
}

int main(void)
{
    struct thread *keeper = fake_start(1, 8192);
    CHECK(fake_run(keeper) == 0 && keeper->process->pid == 1 && keeper->process->band == 3);
    char page[16] = { 0 };
    fake_store(keeper, data, page, sizeof page);
    test_slab();
    test_handles(keeper);
    test_quotas(keeper);
    test_kept(keeper);
    test_chain(keeper);
    return tap_done();
}
