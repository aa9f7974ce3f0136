/* Memory objects, address spaces, translations, processes: contents, protections, W^X, and that
 * every page and byte of quota comes back. Two and more CPUs with TLBs that forget nothing by
 * themselves. */
#include "fake_machine.h"
#include "tap.h"
#include <stdlib.h>

#define ROOT SW_START_HANDLE(0)
#define NEVER SW_NEVER

static const vaddr_t data = FAKE_DATA; /* first pages: call structures; from page 12 on: buffers */
static const vaddr_t buffer = FAKE_DATA + 12 * PAGE_SIZE;

struct state {
    uint64_t pages, memory, handles, tables, committed, space_tables, objects;
};

static struct state state_now(void)
{
    struct state state = { page_free_count,
                           job_root->used[CHARGE_MEMORY],
                           job_root->used[CHARGE_HANDLES],
                           memory_tables_total,
                           memory_committed_total,
                           space_tables_total,
                           0 };
    for (int i = 0; i < 16; i++)
        state.objects += object_counts[i];
    return state;
}

static bool state_same(struct state before)
{
    struct state after = state_now();
    bool same = memcmp(&before, &after, sizeof before) == 0;
    if (!same)
        printf("# pages %ld, memory %ld, handles %ld, tables %ld, committed %ld, space tables %ld, "
               "objects %ld\n",
               (long)(after.pages - before.pages), (long)(after.memory - before.memory),
               (long)(after.handles - before.handles), (long)(after.tables - before.tables),
               (long)(after.committed - before.committed),
               (long)(after.space_tables - before.space_tables),
               (long)(after.objects - before.objects));
    return same;
}

static handle_t memory_new(struct thread *thread, uint64_t size, uint32_t flags)
{
    return SYS(thread, MEMORY_CREATE, size, flags) == SW_OK ? (handle_t)thread->frame.x[1] : 0;
}

static vaddr_t map(struct thread *thread, handle_t memory, vaddr_t at, uint64_t offset,
                   uint64_t size, uint32_t protection)
{
    return SYS(thread, MEMORY_MAP, memory, at, offset, size, protection) == SW_OK
               ? thread->frame.x[1]
               : 0;
}

static struct memory *memory_of(struct thread *thread, handle_t handle)
{
    struct handle_entry *entry;
    ASSERT(handle_lookup(thread->process, handle, SW_TYPE_MEMORY, 0, &entry) == SW_OK);
    return CONTAINER(entry->object, struct memory, object);
}

static uint32_t load(struct thread *thread, vaddr_t at)
{
    uint32_t value = 0xdead;
    return fake_load(thread, &value, at, sizeof value) ? value : 0xdead;
}

static bool store(struct thread *thread, vaddr_t at, uint32_t value)
{
    return fake_store(thread, at, &value, sizeof value);
}

static void test_tree(struct thread *thread)
{
    struct state before = state_now();
    static const uint64_t sizes[] = {
        1, 4, 5, 512, 513, 1000, 512 * 512, 512 * 512 + 1, 1ull << 27
    };
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        uint64_t pages = sizes[i];
        uint64_t charged = job_root->used[CHARGE_MEMORY];
        handle_t handle = memory_new(thread, pages * PAGE_SIZE, 0);
        CHECK(handle && job_root->used[CHARGE_MEMORY] - charged ==
                            (pages + memory_table_pages(pages)) * PAGE_SIZE +
                                memory_of(thread, handle)->object.size);
        struct memory *memory = memory_of(thread, handle);
        uint64_t touched = 0;
        bool good = true;
        for (uint64_t at = 0; at < pages;
             at += 1 + (uint64_t)rand() % (pages / 50 + 1), touched++) {
            paddr_t page, again;
            good = good && memory_page(memory, at, false, &page) == SW_OK && page == 0;
            good = good && memory_page(memory, at, true, &page) == SW_OK && page;
            good = good && memory_page(memory, at, false, &again) == SW_OK && again == page;
        }
        CHECK(good && memory->committed == touched &&
              memory_tables_total - before.tables <= memory_table_pages(pages));
        SYS(thread, HANDLE_CLOSE, handle);
        fake_settle();
        CHECK(state_same(before));
    }
    CHECK(!memory_new(thread, 0, 0) && !memory_new(thread, (1ull << 39) + 1, 0) &&
          !memory_new(thread, UINT64_MAX, 0));
    CHECK(!memory_new(thread, PAGE_SIZE, 4));
    /* Committed as a whole, out of memory half way. */
    uint64_t spare = page_free_count;
    fake_page_limit = spare - 100;
    CHECK(!memory_new(thread, 200 * PAGE_SIZE, SW_MEMORY_COMMIT) &&
          (int64_t)thread->frame.x[0] == SW_NO_MEMORY);
    fake_page_limit = 0;
    CHECK(state_same(before));
    handle_t handle = memory_new(thread, 2000 * PAGE_SIZE + 1, SW_MEMORY_COMMIT);
    CHECK(memory_of(thread, handle)->committed == 2001);
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, PAGE_SIZE, 1999 * PAGE_SIZE) == SW_OK);
    CHECK(memory_of(thread, handle)->committed == 2);
    CHECK(SYS(thread, MEMORY_COMMIT, handle, 0, 1500 * PAGE_SIZE) == SW_OK);
    CHECK(memory_of(thread, handle)->committed == 1501);
    CHECK(SYS(thread, MEMORY_COMMIT, handle, 2000 * PAGE_SIZE, 2 * PAGE_SIZE) == SW_INVALID);
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 1, PAGE_SIZE) == SW_INVALID);
    SYS(thread, HANDLE_CLOSE, handle);
    fake_settle();
    CHECK(state_same(before));
}

static void test_read_write(struct thread *thread)
{
    struct state before = state_now();
    handle_t handle = memory_new(thread, 1 << 20, 0);
    store(thread, buffer, 0x12345678);
    CHECK(SYS(thread, MEMORY_WRITE, handle, PAGE_SIZE - 2, buffer, 4) == SW_OK &&
          thread->frame.x[1] == 4);
    CHECK(memory_of(thread, handle)->committed == 2);
    store(thread, buffer, 0);
    CHECK(SYS(thread, MEMORY_READ, handle, PAGE_SIZE - 2, buffer, 4) == SW_OK &&
          load(thread, buffer) == 0x12345678);
    CHECK(SYS(thread, MEMORY_READ, handle, 5 * PAGE_SIZE, buffer, PAGE_SIZE) == SW_OK &&
          load(thread, buffer) == 0);
    CHECK(memory_of(thread, handle)->committed == 2);
    CHECK(SYS(thread, MEMORY_READ, handle, 1 << 20, buffer, 0) == SW_OK && thread->frame.x[1] == 0);
    CHECK(SYS(thread, MEMORY_READ, handle, (1 << 20) - 1, buffer, 2) == SW_OUT_OF_RANGE);
    CHECK(SYS(thread, MEMORY_READ, handle, UINT64_MAX, buffer, 2) == SW_OUT_OF_RANGE);
    CHECK(SYS(thread, MEMORY_READ, handle, 0, 0x1000, 2) == SW_FAULT);
    CHECK(SYS(thread, MEMORY_WRITE, handle, 0, USER_LIMIT - 1, 2) == SW_FAULT);
    CHECK(SYS(thread, MEMORY_WRITE, handle, 0, UINT64_MAX, 2) == SW_FAULT);
    /* Long enough to be cut into slices. */
    handle_t big = memory_new(thread, 3 << 20, 0);
    vaddr_t at = map(thread, big, 0, 0, 3 << 20, SW_MAP_READ | SW_MAP_WRITE);
    for (uint32_t i = 0; i < 3 << 20; i += PAGE_SIZE)
        store(thread, at + i, i + 1);
    handle_t copy = memory_new(thread, 3 << 20, 0);
    CHECK(SYS(thread, MEMORY_WRITE, copy, 0, at, 3 << 20) == SW_OK &&
          thread->frame.x[1] == 3 << 20);
    vaddr_t other = map(thread, copy, 0, 0, 3 << 20, SW_MAP_READ);
    bool good = true;
    for (uint32_t i = 0; i < 3 << 20; i += PAGE_SIZE)
        good = good && load(thread, other + i) == i + 1;
    CHECK(good);
    CHECK(SYS(thread, MEMORY_UNMAP, at, 3 << 20) == SW_OK &&
          SYS(thread, MEMORY_UNMAP, other, 3 << 20) == SW_OK);
    SYS(thread, HANDLE_CLOSE, big);
    SYS(thread, HANDLE_CLOSE, copy);
    SYS(thread, HANDLE_CLOSE, handle);
    fake_settle();
    CHECK(state_same(before));
}

static void test_map(struct thread *thread)
{
    struct state before = state_now();
    handle_t handle = memory_new(thread, 64 * PAGE_SIZE, 0);
    const uint32_t rw = SW_MAP_READ | SW_MAP_WRITE;
    vaddr_t at = 0x5000000000;
    CHECK(map(thread, handle, at, 0, 64 * PAGE_SIZE, rw) == at);
    CHECK(!map(thread, handle, at + 63 * PAGE_SIZE, 0, PAGE_SIZE, rw) &&
          (int64_t)thread->frame.x[0] == SW_EXISTS);
    CHECK(!map(thread, handle, at + 64 * PAGE_SIZE, PAGE_SIZE, 64 * PAGE_SIZE, rw) &&
          (int64_t)thread->frame.x[0] == SW_INVALID);
    CHECK(SYS(thread, MEMORY_MAP, handle, 1, 0, PAGE_SIZE, rw) == SW_INVALID);
    CHECK(SYS(thread, MEMORY_MAP, handle, 0x1000, 0, PAGE_SIZE, rw) ==
          SW_INVALID); /* null pointers fault */
    CHECK(SYS(thread, MEMORY_MAP, handle, USER_LIMIT, 0, PAGE_SIZE, rw) == SW_INVALID);
    CHECK(SYS(thread, MEMORY_MAP, handle, 0 - (uint64_t)PAGE_SIZE, 0, PAGE_SIZE, rw) == SW_INVALID);
    CHECK(SYS(thread, MEMORY_MAP, handle, 0, 0, 0, rw) == SW_INVALID);
    CHECK(SYS(thread, MEMORY_MAP, handle, 0, 0, UINT64_MAX - PAGE_SIZE + 1, rw) == SW_INVALID);
    CHECK(SYS(thread, MEMORY_MAP, handle, 0, 0, PAGE_SIZE, 7) == SW_BAD_STATE); /* not sealed */
    CHECK(SYS(thread, MEMORY_MAP, handle, 0, 0, PAGE_SIZE, 16) == SW_INVALID);
    CHECK(SYS(thread, MEMORY_MAP, handle, 0, 0, PAGE_SIZE, SW_MAP_WRITE) == SW_INVALID);
    bool good = true;
    for (uint32_t i = 0; i < 64; i++)
        good = good && store(thread, at + i * PAGE_SIZE, i + 100);
    CHECK(good);
    /* A second view of the same pages, by address of the kernel's choice. */
    vaddr_t view = map(thread, handle, 0, 32 * PAGE_SIZE, 32 * PAGE_SIZE, SW_MAP_READ);
    CHECK(view && load(thread, view) == 132 && load(thread, view + 31 * PAGE_SIZE) == 163);
    vaddr_t next = map(thread, handle, 0, 0, PAGE_SIZE, SW_MAP_READ);
    CHECK(next && next != view + 32 * PAGE_SIZE && next - view < 64 * PAGE_SIZE);
    /* Holes and protections. */
    CHECK(SYS(thread, MEMORY_PROTECT, at + 10 * PAGE_SIZE, 4 * PAGE_SIZE, SW_MAP_READ) == SW_OK);
    CHECK(SYS(thread, MEMORY_UNMAP, at + 20 * PAGE_SIZE, 2 * PAGE_SIZE) == SW_OK);
    CHECK(load(thread, at + 11 * PAGE_SIZE) == 111 && load(thread, at + 19 * PAGE_SIZE) == 119 &&
          load(thread, at + 22 * PAGE_SIZE) == 122);
    store(thread, buffer, 7);
    handle_t small = memory_new(thread, PAGE_SIZE, 0);
    CHECK(SYS(thread, MEMORY_WRITE, small, 0, buffer, 4) == SW_OK);
    CHECK(SYS(thread, MEMORY_READ, small, 0, at + 11 * PAGE_SIZE, 4) ==
          SW_FAULT); /* read-only now */
    CHECK(SYS(thread, MEMORY_READ, small, 0, at + 20 * PAGE_SIZE, 4) == SW_FAULT);
    CHECK(SYS(thread, MEMORY_READ, small, 0, at + 14 * PAGE_SIZE, 4) == SW_OK &&
          load(thread, at + 14 * PAGE_SIZE) == 7);
    CHECK(SYS(thread, MEMORY_PROTECT, at + 19 * PAGE_SIZE, 2 * PAGE_SIZE, SW_MAP_READ) ==
          SW_NOT_FOUND);
    CHECK(SYS(thread, MEMORY_PROTECT, view, PAGE_SIZE, rw) == SW_OK); /* the handle had the right */
    CHECK(SYS(thread, MEMORY_PROTECT, view, PAGE_SIZE, SW_MAP_EXECUTE | SW_MAP_READ) == SW_ACCESS);
    CHECK(SYS(thread, MEMORY_PROTECT, view, PAGE_SIZE, 7) == SW_INVALID);
    CHECK(SYS(thread, MEMORY_PROTECT, at + 10 * PAGE_SIZE, 4 * PAGE_SIZE, rw) == SW_OK &&
          store(thread, at + 11 * PAGE_SIZE, 1));
    CHECK(SYS(thread, MEMORY_PROTECT, at, 20 * PAGE_SIZE, 0) == SW_OK);
    CHECK(SYS(thread, MEMORY_WRITE, small, 0, at, 4) == SW_FAULT);
    CHECK(SYS(thread, MEMORY_PROTECT, at, 20 * PAGE_SIZE, rw) == SW_OK &&
          load(thread, at + 19 * PAGE_SIZE) == 119);
    /* Decommit takes pages out of every view. */
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 32 * PAGE_SIZE, 8 * PAGE_SIZE) == SW_OK);
    CHECK(load(thread, view) == 0 && load(thread, at + 33 * PAGE_SIZE) == 0 &&
          load(thread, at + 40 * PAGE_SIZE) == 140);
    /* A handle without WRITE. */
    SYS(thread, HANDLE_DUPLICATE, handle, SW_RIGHT_READ | SW_RIGHT_MAP);
    handle_t weak = (handle_t)thread->frame.x[1];
    CHECK(SYS(thread, MEMORY_MAP, weak, 0, 0, PAGE_SIZE, rw) == SW_ACCESS);
    vaddr_t readable = map(thread, weak, 0, 0, PAGE_SIZE, SW_MAP_READ);
    CHECK(readable && SYS(thread, MEMORY_PROTECT, readable, PAGE_SIZE, rw) == SW_ACCESS);
    CHECK(SYS(thread, MEMORY_SEAL, weak) == SW_ACCESS &&
          SYS(thread, MEMORY_DECOMMIT, weak, 0, PAGE_SIZE) == SW_ACCESS);
    /* Everything away, by one call over holes and neighbours. */
    CHECK(SYS(thread, MEMORY_UNMAP, at - PAGE_SIZE, 66 * PAGE_SIZE) == SW_OK);
    CHECK(SYS(thread, MEMORY_UNMAP, view, 32 * PAGE_SIZE) == SW_OK &&
          SYS(thread, MEMORY_UNMAP, next, PAGE_SIZE) == SW_OK &&
          SYS(thread, MEMORY_UNMAP, readable, PAGE_SIZE) == SW_OK);
    SYS(thread, HANDLE_CLOSE, handle);
    SYS(thread, HANDLE_CLOSE, weak);
    SYS(thread, HANDLE_CLOSE, small);
    fake_settle();
    CHECK(state_same(before));
}

/* Random maps, unmaps, protects and stores against a plain array. */
/* A mapping that counts on every page: made only when all are there, and no page leaves while any part of
 * it is mapped, whatever its protection, in this process or the other. */
static void test_counting(struct thread *thread)
{
    const uint64_t size = 4 * PAGE_SIZE;
    const uint32_t counting = SW_MAP_READ | SW_MAP_WRITE | SW_MAP_COMMITTED;
    const vaddr_t at = 0x30000000;
    struct state before = state_now();
    handle_t handle = memory_new(thread, size, 0);
    struct memory *memory = memory_of(thread, handle);

    CHECK(SYS(thread, MEMORY_MAP, handle, at, 0, size, counting) == SW_BAD_STATE);
    CHECK(SYS(thread, MEMORY_COMMIT, handle, 0, 3 * PAGE_SIZE) == SW_OK);
    CHECK(SYS(thread, MEMORY_MAP, handle, at, 0, PAGE_SIZE, counting) == SW_BAD_STATE);
    CHECK(SYS(thread, MEMORY_COMMIT, handle, 0, size) == SW_OK);
    CHECK(SYS(thread, MEMORY_MAP, handle, at, 0, size, SW_MAP_COMMITTED << 1) == SW_INVALID);
    CHECK(map(thread, handle, at, 0, size, counting) == at && memory->counting == 1);
    CHECK(store(thread, at + PAGE_SIZE, 7));
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 0, size) == SW_BUSY);
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 3 * PAGE_SIZE, PAGE_SIZE) == SW_BUSY);
    CHECK(SYS(thread, MEMORY_PROTECT, at + PAGE_SIZE, PAGE_SIZE, 0) == SW_OK);
    CHECK(memory->counting == 3 && SYS(thread, MEMORY_DECOMMIT, handle, 0, size) == SW_BUSY);
    CHECK(SYS(thread, MEMORY_UNMAP, at, 2 * PAGE_SIZE) == SW_OK && memory->counting == 1);
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 0, PAGE_SIZE) == SW_BUSY);
    CHECK(memory->committed == 4 && load(thread, at + 2 * PAGE_SIZE) == 0);
    CHECK(SYS(thread, MEMORY_UNMAP, at, size) == SW_OK && memory->counting == 0);
    CHECK(map(thread, handle, at, 0, size, SW_MAP_READ) == at);
    CHECK(load(thread, at + PAGE_SIZE) == 7);
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 0, size) == SW_OK && memory->committed == 0);
    CHECK(SYS(thread, MEMORY_UNMAP, at, size) == SW_OK);

    /* The mapping of a process that is killed counts no more. */
    CHECK(SYS(thread, MEMORY_COMMIT, handle, 0, size) == SW_OK);
    struct sw_transfer transfers[] = { { .handle = ROOT, .rights = SW_RIGHTS_SAME },
                                       { .handle = handle, .rights = SW_RIGHTS_SAME } };
    handle_t process;
    struct thread *child = fake_spawn(thread, ROOT, transfers, 2, 0, &process);
    CHECK(map(child, SW_START_HANDLE(1), at, 0, size, counting) == at);
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 0, size) == SW_BUSY);
    CHECK(SYS(thread, PROCESS_KILL, process, 0) == SW_OK);
    fake_settle();
    CHECK(memory->counting == 0 && SYS(thread, MEMORY_DECOMMIT, handle, 0, size) == SW_OK);
    SYS(thread, HANDLE_CLOSE, process);
    SYS(thread, HANDLE_CLOSE, handle);
    fake_settle();
    CHECK(state_same(before));
}

static void test_random(struct thread *thread)
{
    enum { PAGES = 64, OBJECT = 32 };
    struct state before = state_now();
    handle_t handle = memory_new(thread, OBJECT * PAGE_SIZE, 0);
    const vaddr_t base = 0x6000000000 - 30 * PAGE_SIZE; /* across a leaf table's end and a GiB's */
    struct {
        int page; /* -1: nothing */
        uint32_t protection;
    } model[PAGES];
    uint32_t content[OBJECT] = { 0 };
    for (int i = 0; i < PAGES; i++)
        model[i].page = -1;
    bool good = true;
    for (int step = 0; step < 6000 && good; step++) {
        int at = rand() % PAGES, count = 1 + rand() % 12;
        if (at + count > PAGES)
            count = PAGES - at;
        vaddr_t address = base + (vaddr_t)at * PAGE_SIZE;
        bool any = false, all = true;
        for (int i = at; i < at + count; i++) {
            any = any || model[i].page >= 0;
            all = all && model[i].page >= 0;
        }
        uint32_t protection = rand() % 2 ? SW_MAP_READ : SW_MAP_READ | SW_MAP_WRITE;
        switch (rand() % 6) {
        case 0: {
            int offset = rand() % (OBJECT - 12);
            int64_t status = SYS(thread, MEMORY_MAP, handle, address, offset * PAGE_SIZE,
                                 count * PAGE_SIZE, protection);
            good = status == (any ? SW_EXISTS : SW_OK);
            for (int i = 0; i < count && !any; i++) {
                model[at + i].page = offset + i;
                model[at + i].protection = protection;
            }
            break;
        }
        case 1:
            good = SYS(thread, MEMORY_UNMAP, address, count * PAGE_SIZE) == SW_OK;
            for (int i = at; i < at + count; i++)
                model[i].page = -1;
            break;
        case 2:
            good = SYS(thread, MEMORY_PROTECT, address, count * PAGE_SIZE, protection) ==
                   (all ? SW_OK : SW_NOT_FOUND);
            for (int i = at; i < at + count && all; i++)
                model[i].protection = protection;
            break;
        case 3:
            if (rand() % 4)
                break;
            good =
                SYS(thread, MEMORY_DECOMMIT, handle, (at % OBJECT) * PAGE_SIZE, PAGE_SIZE) == SW_OK;
            content[at % OBJECT] = 0;
            break;
        default: {
            /* A copy by the kernel, which must not end the process when it is refused. */
            uint32_t value = (uint32_t)rand();
            store(thread, buffer, value);
            handle_t small = memory_new(thread, PAGE_SIZE, 0);
            SYS(thread, MEMORY_WRITE, small, 0, buffer, 4);
            int64_t status = SYS(thread, MEMORY_READ, small, 0, address, 4);
            bool allowed = model[at].page >= 0 && (model[at].protection & SW_MAP_WRITE);
            good = status == (allowed ? SW_OK : SW_FAULT);
            if (allowed)
                content[model[at].page] = value;
            SYS(thread, HANDLE_CLOSE, small);
            for (int i = 0; i < PAGES && good; i++)
                if (model[i].page >= 0)
                    good = load(thread, base + (vaddr_t)i * PAGE_SIZE) == content[model[i].page];
        }
        }
    }
    CHECK(good && fake_stale_uses == 0);
    CHECK(SYS(thread, MEMORY_UNMAP, base, PAGES * PAGE_SIZE) == SW_OK);
    SYS(thread, HANDLE_CLOSE, handle);
    fake_settle();
    CHECK(state_same(before));
}

/* Who holds an object: as many handles, and as many others. */
static bool users(struct thread *thread, handle_t handle, uint64_t holders, uint64_t others)
{
    return SYS(thread, MEMORY_USERS, handle) == SW_OK && thread->frame.x[1] == holders &&
           thread->frame.x[2] == others;
}

static void test_users(struct thread *thread)
{
    struct state before = state_now();
    handle_t handle = memory_new(thread, 2 * PAGE_SIZE, 0);
    CHECK(users(thread, handle, 1, 0));
    vaddr_t at = map(thread, handle, 0, 0, PAGE_SIZE, SW_MAP_READ);
    CHECK(users(thread, handle, 1, 1));
    SYS(thread, HANDLE_DUPLICATE, handle, SW_RIGHTS_SAME);
    handle_t second = (handle_t)thread->frame.x[1];
    CHECK(users(thread, handle, 2, 1) && users(thread, second, 2, 1));
    SYS(thread, HANDLE_CLOSE, handle);
    CHECK(SYS(thread, MEMORY_UNMAP, at, PAGE_SIZE) == SW_OK && users(thread, second, 1, 0));
    CHECK(SYS(thread, MEMORY_USERS, handle) == SW_BAD_HANDLE);
    SYS(thread, HANDLE_CLOSE, second);
    fake_settle();
    CHECK(state_same(before));
}

static void test_seal(struct thread *thread)
{
    struct state before = state_now();
    handle_t handle = memory_new(thread, 8 * PAGE_SIZE, 0);
    const uint32_t rw = SW_MAP_READ | SW_MAP_WRITE, rx = SW_MAP_READ | SW_MAP_EXECUTE;
    vaddr_t at = map(thread, handle, 0, 0, 8 * PAGE_SIZE, rw);
    store(thread, at, 0xd503201f);
    CHECK(SYS(thread, MEMORY_MINT, ROOT, handle) == SW_BAD_STATE);
    CHECK(SYS(thread, MEMORY_SEAL, handle) == SW_BUSY);
    CHECK(SYS(thread, MEMORY_PROTECT, at + PAGE_SIZE, PAGE_SIZE, SW_MAP_READ) == SW_OK);
    CHECK(SYS(thread, MEMORY_SEAL, handle) == SW_BUSY);
    CHECK(SYS(thread, MEMORY_PROTECT, at, 8 * PAGE_SIZE, SW_MAP_READ) == SW_OK);
    memory_of(thread, handle)->pins++;
    CHECK(SYS(thread, MEMORY_SEAL, handle) == SW_BUSY &&
          SYS(thread, MEMORY_DECOMMIT, handle, 0, PAGE_SIZE) == SW_BUSY);
    memory_of(thread, handle)->pins--;
    CHECK(SYS(thread, MEMORY_SEAL, handle) == SW_OK &&
          SYS(thread, MEMORY_SEAL, handle) == SW_BAD_STATE);
    /* Write is gone from the old mapping, the old handle and everything made from it. */
    CHECK(SYS(thread, MEMORY_PROTECT, at, PAGE_SIZE, rw) == SW_ACCESS);
    CHECK(SYS(thread, MEMORY_MAP, handle, 0, 0, PAGE_SIZE, rw) == SW_BAD_STATE);
    CHECK(SYS(thread, MEMORY_WRITE, handle, 0, buffer, 4) == SW_BAD_STATE);
    CHECK(SYS(thread, MEMORY_COMMIT, handle, 0, PAGE_SIZE) == SW_BAD_STATE);
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 0, PAGE_SIZE) == SW_BAD_STATE);
    CHECK(SYS(thread, MEMORY_MAP, handle, 0, 0, PAGE_SIZE, rx) == SW_ACCESS); /* not minted */
    CHECK(SYS(thread, MEMORY_MINT, ROOT, handle) == SW_OK);
    handle_t code = (handle_t)thread->frame.x[1];
    SYS(thread, HANDLE_INFO, code);
    CHECK((thread->frame.x[2] & (SW_RIGHT_WRITE | SW_RIGHT_EXECUTE)) == SW_RIGHT_EXECUTE);
    CHECK(SYS(thread, MEMORY_MAP, code, 0, 0, PAGE_SIZE, 7) == SW_BAD_STATE);
    vaddr_t executable = map(thread, code, 0, 0, 8 * PAGE_SIZE, rx);
    CHECK(executable && fake_execute(thread, executable) &&
          fake_execute(thread, executable + 5 * PAGE_SIZE));
    CHECK(SYS(thread, MEMORY_PROTECT, executable, PAGE_SIZE, rw) == SW_ACCESS);
    CHECK(SYS(thread, MEMORY_PROTECT, executable, PAGE_SIZE, SW_MAP_READ) == SW_OK);
    CHECK(SYS(thread, MEMORY_PROTECT, executable, PAGE_SIZE, rx) == SW_OK);
    /* Copies go by the mapping too. */
    handle_t small = memory_new(thread, PAGE_SIZE, 0);
    CHECK(SYS(thread, MEMORY_READ, small, 0, at, 4) == SW_FAULT &&
          SYS(thread, MEMORY_READ, small, 0, executable, 4) == SW_FAULT);
    CHECK(load(thread, executable) == 0xd503201f);
    SYS(thread, MEMORY_UNMAP, at, 8 * PAGE_SIZE);
    SYS(thread, MEMORY_UNMAP, executable, 8 * PAGE_SIZE);
    SYS(thread, HANDLE_CLOSE, handle);
    SYS(thread, HANDLE_CLOSE, code);
    SYS(thread, HANDLE_CLOSE, small);
    fake_settle();
    CHECK(state_same(before));
}

/* Two threads of one process on two CPUs: what one unmaps or decommits the other cannot use. */
static void test_translations(struct thread *thread)
{
    CHECK(SYS(thread, THREAD_CREATE, 0x20000000, 0x20020000, 0, 0) == SW_OK);
    handle_t other_handle = (handle_t)thread->frame.x[1];
    struct thread *other =
        CONTAINER(thread->process->threads.previous, struct thread, process_link);
    CHECK(other != thread && fake_run(other) >= 0 && fake_run(thread) >= 0 &&
          fake_run(other) != fake_run(thread));
    struct state before = state_now();
    handle_t handle = memory_new(thread, 200 * PAGE_SIZE, SW_MEMORY_COMMIT);
    const uint32_t rw = SW_MAP_READ | SW_MAP_WRITE;
    vaddr_t at = map(thread, handle, 0, 0, 200 * PAGE_SIZE, rw);
    bool good = true;
    for (uint32_t i = 0; i < 200; i++)
        good = good && store(thread, at + i * PAGE_SIZE, i) && load(other, at + i * PAGE_SIZE) == i;
    CHECK(good);
    CHECK(SYS(thread, MEMORY_DECOMMIT, handle, 0, 100 * PAGE_SIZE) == SW_OK);
    for (uint32_t i = 0; i < 200; i++)
        good = good && load(other, at + i * PAGE_SIZE) == (i < 100 ? 0 : i);
    CHECK(good);
    CHECK(SYS(other, MEMORY_PROTECT, at, PAGE_SIZE, SW_MAP_READ) == SW_OK);
    handle_t small = memory_new(thread, PAGE_SIZE, 0);
    CHECK(SYS(thread, MEMORY_READ, small, 0, at, 4) == SW_FAULT);
    CHECK(SYS(thread, MEMORY_UNMAP, at + 150 * PAGE_SIZE, 10 * PAGE_SIZE) == SW_OK);
    CHECK(SYS(other, MEMORY_READ, small, 0, at + 155 * PAGE_SIZE, 4) == SW_FAULT);
    /* While `other` sleeps its CPU keeps the space loaded, and flushes before it goes on; at once
     * it only forgets the tables that go (one of each level). */
    CHECK(SYS(other, FUTEX_WAIT, buffer + 64, 0, NEVER) == SW_SYS_PENDING);
    uint64_t shared = fake_shared_flushes;
    CHECK(SYS(thread, MEMORY_UNMAP, at, 200 * PAGE_SIZE) == SW_OK);
    CHECK(fake_shared_flushes - shared <= 2);
    CHECK(map(thread, handle, at, 100 * PAGE_SIZE, 100 * PAGE_SIZE, rw) == at);
    CHECK(SYS(thread, FUTEX_WAKE, buffer + 64, 1) == SW_OK && thread->frame.x[1] == 1);
    CHECK(load(other, at) == 100 && load(other, at + 99 * PAGE_SIZE) == 199);
    CHECK(fake_stale_uses == 0);
    SYS(thread, MEMORY_UNMAP, at, 100 * PAGE_SIZE);
    SYS(thread, HANDLE_CLOSE, handle);
    SYS(thread, HANDLE_CLOSE, small);
    fake_settle();
    CHECK(state_same(before));
    CHECK(SYS(other, THREAD_EXIT, 0) == SW_SYS_PENDING);
    SYS(thread, HANDLE_CLOSE, other_handle);
}

/* Processes come and go, by exit and by kill, on several CPUs, with more ASIDs than there are. */
static void test_processes(struct thread *thread)
{
    handle_t process_handle;
    struct thread *child = fake_spawn(thread, ROOT, NULL, 0, 0, &process_handle);
    CHECK(child && fake_run(child) >= 0);
    SYS(child, PROCESS_EXIT, 3);
    fake_advance(100000000);
    SYS(thread, HANDLE_CLOSE, process_handle);
    fake_settle();
    struct state before = state_now();
    bool good = true;
    for (int round = 0; round < 60; round++) {
        child = fake_spawn(thread, ROOT, NULL, 0, 0, &process_handle);
        good = good && child && fake_run(child) >= 0;
        good = good && load(child, FAKE_DATA) == 0x22222222 && load(child, FAKE_DATA + 100) == 0;
        good = good && store(child, FAKE_DATA + PAGE_SIZE * 3, (uint32_t)round) &&
               load(child, FAKE_DATA + PAGE_SIZE * 3) == (uint32_t)round;
        good = good && load(child, child->frame.x[0]) == 1; /* x0: the start block */
        handle_t memory = memory_new(child, 100 * PAGE_SIZE, SW_MEMORY_COMMIT);
        good = good && map(child, memory, 0, 0, 100 * PAGE_SIZE, SW_MAP_READ | SW_MAP_WRITE);
        struct handle_entry *entry;
        status_t status =
            handle_lookup(thread->process, process_handle, SW_TYPE_PROCESS, 0, &entry);
        ASSERT(status == SW_OK);
        struct process *process = CONTAINER(entry->object, struct process, object);
        if (round % 3 == 0)
            SYS(child, PROCESS_EXIT, round);
        else if (round % 3 == 1)
            SYS(thread, PROCESS_KILL, process_handle, round);
        else
            good = good && !store(child, 0x10, 1); /* a null pointer */
        fake_advance(100000000);
        good = good && process->state == PROCESS_ENDED &&
               process->status == (round % 3 == 2 ? 139 : round);
        SYS(thread, HANDLE_CLOSE, process_handle);
        fake_settle();
        good = good && state_same(before);
    }
    CHECK(good && fake_stale_uses == 0);
}

static struct {
    uint32_t segment;
    struct sw_segment change;
    uint32_t version, count;
    uint64_t entry, stack;
} wrong;

static void program_wrong(struct sw_program *program, struct sw_spawn *spawn)
{
    (void)spawn;
    if (wrong.segment < 2)
        program->segments[wrong.segment] = wrong.change;
    program->version = wrong.version ? wrong.version : program->version;
    program->segment_count = wrong.count ? wrong.count - 1 : program->segment_count;
    program->entry = wrong.entry ? wrong.entry : program->entry;
    program->stack_size = wrong.stack;
}

static void test_bad_programs(struct thread *thread)
{
    struct sw_transfer transfer = { .handle = SW_START_HANDLE(1), .rights = SW_RIGHTS_SAME };
    struct state before;
    fake_program_hook = program_wrong;
    const struct sw_segment code = { .address = 0x20000000,
                                     .size = PAGE_SIZE,
                                     .file_size = PAGE_SIZE,
                                     .flags = SW_SEGMENT_EXECUTE };
    wrong.segment = 2;
    wrong.version = 9;
    CHECK(fake_spawn_status(thread, ROOT, &transfer, 1, 0) == SW_BAD_IMAGE);
    before = state_now();
    wrong.version = 0, wrong.count = 1;
    CHECK(fake_spawn_status(thread, ROOT, &transfer, 1, 0) == SW_BAD_IMAGE);
    wrong.count = 8;
    CHECK(fake_spawn_status(thread, ROOT, &transfer, 1, 0) == SW_BAD_IMAGE);
    wrong.count = 0, wrong.entry = 0x20010000;
    CHECK(fake_spawn_status(thread, ROOT, &transfer, 1, 0) == SW_BAD_IMAGE);
    wrong.entry = 0, wrong.stack = 1ull << 40;
    CHECK(fake_spawn_status(thread, ROOT, &transfer, 1, 0) == SW_BAD_IMAGE);
    wrong.stack = 0;
    const struct sw_segment bad[] = {
        { .address = 0x20000000, .size = PAGE_SIZE, .file_size = PAGE_SIZE, .flags = 6 },
        { .address = 0x20000000, .size = PAGE_SIZE, .file_size = PAGE_SIZE, .flags = 8 },
        { .address = 0x20000001, .size = PAGE_SIZE, .file_size = PAGE_SIZE, .flags = 4 },
        { .address = 0x1000, .size = PAGE_SIZE, .file_size = PAGE_SIZE, .flags = 4 },
        { .address = USER_LIMIT, .size = PAGE_SIZE, .file_size = PAGE_SIZE, .flags = 4 },
        { .address = 0x20000000, .size = 0, .flags = 4 },
        { .address = 0x20000000,
          .size = UINT64_MAX - PAGE_SIZE + 1,
          .file_size = PAGE_SIZE,
          .flags = 4 },
        { .address = 0x20000000, .size = 4 * PAGE_SIZE, .file_size = 4 * PAGE_SIZE, .flags = 4 },
        { .address = 0x20000000, .size = 2 * PAGE_SIZE, .file_size = PAGE_SIZE, .flags = 4 },
        { .address = 0x20000000, .size = PAGE_SIZE, .file_size = 2 * PAGE_SIZE, .flags = 4 },
        { .address = 0x20000000,
          .size = PAGE_SIZE,
          .offset = UINT64_MAX - PAGE_SIZE + 1,
          .file_size = PAGE_SIZE,
          .flags = 4 },
        { .address = 0x20000000,
          .size = PAGE_SIZE,
          .file_size = PAGE_SIZE,
          .flags = 4,
          .memory = 1 },
        { .address = 0x20000000,
          .size = PAGE_SIZE,
          .file_size = PAGE_SIZE,
          .flags = 4,
          .memory = 4 },
        { .address = FAKE_DATA, .size = PAGE_SIZE, .file_size = PAGE_SIZE, .flags = 4 },
    };
    wrong.segment = 0;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        wrong.change = bad[i];
        CHECK(fake_spawn_status(thread, ROOT, &transfer, 1, 0) == SW_BAD_IMAGE);
    }
    wrong.change = code;
    /* Transfers. */
    struct sw_transfer list[3] = { transfer, transfer, transfer };
    list[1].flags = 1;
    CHECK(fake_spawn_status(thread, ROOT, list, 2, 0) == SW_INVALID); /* moved and copied */
    list[1].flags = 2;
    CHECK(fake_spawn_status(thread, ROOT, list, 2, 0) == SW_INVALID);
    list[1] = (struct sw_transfer){ .handle = 0x10099, .rights = SW_RIGHTS_SAME };
    CHECK(fake_spawn_status(thread, ROOT, list, 2, 0) == SW_BAD_HANDLE);
    list[1] = (struct sw_transfer){ .handle = SW_START_HANDLE(1), .rights = SW_RIGHT_WRITE };
    CHECK(fake_spawn_status(thread, ROOT, list, 2, 0) == SW_ACCESS);
    CHECK(state_same(before));
    /* Out of memory and out of quota at every step: nothing is left behind, nothing was moved. */
    uint64_t spare = page_free_count;
    bool good = true;
    uint32_t steps = 0;
    for (;; steps++) {
        fake_page_limit = spare - steps;
        int64_t status = fake_spawn_status(thread, ROOT, &transfer, 1, 0);
        fake_page_limit = 0;
        if (status == SW_OK)
            break;
        good = good && status == SW_NO_MEMORY && state_same(before);
    }
    tap_ok(good && steps > 5, "refused for want of each of %u pages", steps);
    SYS(thread, PROCESS_KILL, thread->frame.x[1], 0);
    SYS(thread, HANDLE_CLOSE, thread->frame.x[1]);
    fake_program_hook = NULL;
}

static void test_quota_steps(struct thread *thread)
{
    struct sw_transfer list[2] = { { .handle = SW_START_HANDLE(1), .rights = SW_RIGHTS_SAME },
                                   { 0 } };
    SYS(thread, EVENT_CREATE);
    handle_t event = (handle_t)thread->frame.x[1];
    list[1] = (struct sw_transfer){ .handle = event, .rights = SW_RIGHTS_SAME, .flags = 1 };
    uint64_t limit = 4096;
    int64_t status;
    bool good = true;
    uint32_t refused = 0;
    struct state before = state_now();
    for (;; limit += 2048) {
        struct sw_limits limits = { .memory = limit };
        fake_store(thread, data, &limits, sizeof limits);
        SYS(thread, JOB_CREATE, ROOT, data);
        handle_t job = (handle_t)thread->frame.x[1];
        status = fake_spawn_status(thread, job, list, 2, 0);
        handle_t process = (handle_t)thread->frame.x[1];
        if (status == SW_OK) {
            good = good && SYS(thread, EVENT_READ, event) == SW_BAD_HANDLE;
            SYS(thread, JOB_KILL, job, 0);
            fake_advance(100000000);
            SYS(thread, HANDLE_CLOSE, process);
            SYS(thread, HANDLE_CLOSE, job);
            break;
        }
        SYS(thread, HANDLE_CLOSE, job);
        good = good && (status == SW_QUOTA || status == SW_NO_MEMORY) && state_same(before);
        good = good && SYS(thread, EVENT_READ, event) == SW_OK;
        refused++;
    }
    tap_ok(good && refused > 10, "refused with each of %u limits, then the handle moves", refused);
    fake_settle();
    before.handles--;
    before.objects--;
    before.memory -= ROUND_UP(sizeof(struct event), 16);
    struct state after = state_now();
    before.pages = after.pages; /* the event's slab page */
    CHECK(state_same(before));
}

/* A job with several processes sharing memory is killed: EXITED comes after the last page is back.
 */
static void test_job_kill(struct thread *thread)
{
    struct state before = state_now();
    struct sw_limits limits = { 0 };
    fake_store(thread, data, &limits, sizeof limits);
    SYS(thread, JOB_CREATE, ROOT, data);
    handle_t job_handle = (handle_t)thread->frame.x[1];
    struct handle_entry *entry;
    handle_lookup(thread->process, job_handle, SW_TYPE_JOB, 0, &entry);
    struct job *job = CONTAINER(entry->object, struct job, object);
    struct thread *children[4];
    for (int i = 0; i < 4; i++) {
        handle_t process;
        children[i] = fake_spawn(thread, job_handle, NULL, 0, 0, &process);
        SYS(thread, HANDLE_CLOSE, process);
    }
    CHECK(job->live == 4 && job->pending == 0);
    for (int i = 0; i < 4; i++) {
        handle_t memory = memory_new(children[i], 3000 * PAGE_SIZE, 0);
        SYS(children[i], MEMORY_COMMIT, memory, 0, 1500 * PAGE_SIZE);
        map(children[i], memory, 0, 0, 3000 * PAGE_SIZE, SW_MAP_READ | SW_MAP_WRITE);
    }
    /* One is asleep, the others run or are ready. */
    SYS(children[0], FUTEX_WAIT, FAKE_DATA + 200, 0, NEVER);
    SYS(thread, JOB_KILL, job_handle, 7);
    uint32_t rounds = 0;
    while (job->pending != SW_JOB_EXITED && rounds++ < 1000)
        fake_advance(1000000);
    CHECK(job->pending == SW_JOB_EXITED && job->live == 0);
    for (int what = 0; what < CHARGE_COUNT; what++)
        CHECK(job->used[what] == 0);
    CHECK(fake_spawn_status(thread, job_handle, NULL, 0, 0) == SW_BAD_STATE);
    SYS(thread, HANDLE_CLOSE, job_handle);
    CHECK(state_same(before));
}

int main(void)
{
    srand(1);
    struct thread *thread = fake_start(3, 16384);
    for (uint32_t i = 0; i < FAKE_DATA_PAGES; i++)
        store(thread, data + i * PAGE_SIZE, 0);
    /* Slab pages and the like that stay. */
    SYS(thread, HANDLE_CLOSE, memory_new(thread, PAGE_SIZE, 0));
    test_tree(thread);
    test_read_write(thread);
    test_map(thread);
    test_users(thread);
    test_seal(thread);
    test_counting(thread);
    test_random(thread);
    test_translations(thread);
    test_processes(thread);
    test_bad_programs(thread);
    fake_advance(100000000);
    test_quota_steps(thread);
    test_job_kill(thread);
    CHECK(fake_stale_uses == 0 && fake_unordered_uses == 0);
    return tap_done();
}
