/* Random system calls by threads of several processes that share everything, on three pretended
 * CPUs. What is freed is poisoned, so that the sanitizers see uses of it; in the end every byte,
 * handle and object is back. Arguments: number of steps, seed. */
#include "fake_machine.h"
#include "tap.h"
#include <stdlib.h>

#define ROOT SW_START_HANDLE(0)
#define PROGRAM SW_START_HANDLE(1)
#define MS 1000000ull
#define THREADS 10
#define CPUS 3
#define CALLS 300 /* the most the workers may have */
#define CODE 0x20000000ull
#define AREA 0x30000000ull /* where memory is mapped and unmapped */

static const vaddr_t data = FAKE_DATA;
static struct thread *threads[THREADS]; /* referenced */
static uint32_t thread_count;
static handle_t workers; /* keeper's: the job of all this */

static uint32_t below(uint32_t limit)
{
    return (uint32_t)rand() % limit;
}

static bool chance(uint32_t percent)
{
    return below(100) < percent;
}

/* Connections to a server, ports of one: by these a server comes to have several calls at a time.
 */
static bool busy(const struct object *object)
{
    switch (object->type) {
    case SW_TYPE_CONNECTION:
        return CONTAINER(object, struct connection, object)->channel->server != NULL;
    case SW_TYPE_PORT:
        return !list_empty(&CONTAINER(object, struct port, object)->served);
    default:
        return true;
    }
}

/* A handle of the thread's process: mostly of the type, sometimes of any, sometimes none at all. */
static handle_t pick(struct thread *thread, uint8_t type)
{
    const struct handle_table *table = &thread->process->handles;
    if (chance(3))
        return (handle_t)rand();
    if (chance(5))
        type = 0;
    uint32_t capacity = table->page_count * 256u, start = below(capacity ? capacity : 1);
    bool choosy = chance(70);
    handle_t second = 0;
    for (uint32_t i = 0; i < capacity; i++) {
        uint32_t index = (start + i) % capacity;
        const struct handle_entry *entry = &table->pages[index / 256][index % 256];
        /* The root job and a worker's way to its own program stay. */
        if (!entry->object || (type && entry->object->type != type) ||
            entry->object == &job_root->object)
            continue;
        handle_t handle = (handle_t)entry->generation << 16 | index;
        if (!choosy || busy(entry->object))
            return handle;
        second = second ? second : handle;
    }
    return second;
}

static uint64_t soon(void)
{
    return chance(20) ? 0 : chance(15) ? SW_NEVER : fake_now() + below(30) * MS;
}

static vaddr_t address(void)
{
    return chance(4)   ? 0x7000000
           : chance(3) ? UINT64_MAX - below(5000)
                       : data + 4096 * below(8) + below(4096);
}

static uint32_t length(void)
{
    return chance(70) ? below(200) : chance(80) ? below(9000) : (uint32_t)rand();
}

static vaddr_t page_at(void)
{
    return AREA + below(700) * PAGE_SIZE;
}

static void send_fill(struct thread *thread, uint32_t *send, uint32_t *out_count,
                      uint32_t *out_move)
{
    *out_count = chance(60) ? 0 : 1 + below(4);
    *out_move = chance(50) ? 0 : below(16);
    for (uint32_t i = 0; i < 4; i++)
        send[i] = pick(thread, 0);
}

static uint64_t last_token;

static vaddr_t call_fill(struct thread *thread)
{
    struct sw_call call = { .request = address(),
                            .request_length = length() & 0x3fff,
                            .reply = address(),
                            .reply_capacity = length() & 0x3fff,
                            .data = address(),
                            .data_length = length(),
                            .flags = below(4) };
    send_fill(thread, call.send, &call.send_count, &call.send_move);
    vaddr_t at = data + 9 * PAGE_SIZE + below(16) * 256;
    fake_store(thread, at, &call, sizeof call);
    return at;
}

static vaddr_t reply_fill(struct thread *thread)
{
    struct sw_reply reply = { .data = address(), .length = below(100) };
    send_fill(thread, reply.send, &reply.send_count, &reply.send_move);
    fake_store(thread, data + 10 * PAGE_SIZE, &reply, sizeof reply);
    return data + 10 * PAGE_SIZE;
}

static vaddr_t wait_fill(struct thread *thread)
{
    struct sw_wait wait = { .buffer = address(), .capacity = below(9000) };
    vaddr_t at = data + 11 * PAGE_SIZE + below(8) * 512;
    fake_store(thread, at, &wait, sizeof wait);
    return at;
}

static vaddr_t limits_fill(struct thread *thread)
{
    struct sw_limits limits = { .memory = chance(50) ? 0 : 1u << (16 + below(10)),
                                .handles = chance(70) ? 0 : below(300),
                                .threads = chance(70) ? 0 : below(8),
                                .calls = chance(70) ? 0 : below(20),
                                .weight = chance(30) ? 0 : 50 + below(150),
                                .band = below(4) };
    fake_store(thread, data + 12 * PAGE_SIZE, &limits, sizeof limits);
    return data + 12 * PAGE_SIZE;
}

static void thread_add(struct thread *thread)
{
    if (thread && thread_count < THREADS) {
        object_get(&thread->object);
        threads[thread_count++] = thread;
    }
}

static void workers_new(struct thread *keeper)
{
    struct sw_limits limits = {
        .memory = 24 << 20, .handles = 3000, .threads = 40, .processes = 12, .calls = CALLS
    }; /* band 0: nobody starves */
    fake_store(keeper, data, &limits, sizeof limits);
    SYS(keeper, JOB_CREATE, ROOT, data);
    workers = (handle_t)keeper->frame.x[1];
}

/* A new worker, with what its parent wants to share. */
static void spawn(struct thread *parent, handle_t job)
{
    fake_page_limit = 0; /* filling in what to spawn is not to end the parent */
    struct sw_transfer transfers[12] = { { .handle = PROGRAM, .rights = SW_RIGHTS_SAME } };
    uint32_t count = 1 + below(8);
    for (uint32_t i = 1; i < count; i++)
        transfers[i] = (struct sw_transfer){ .handle = pick(parent, 0),
                                             .rights = SW_RIGHTS_SAME,
                                             .flags = parent->process->pid != 1 && chance(30) };
    handle_t process;
    /* The program's memory is each worker's SW_START_HANDLE(1). */
    struct sw_transfer first = { .handle = job, .rights = SW_RIGHTS_SAME };
    memmove(transfers + 1, transfers, sizeof transfers - sizeof transfers[0]);
    transfers[0] = first;
    thread_add(fake_spawn(parent, job, transfers, count + 1, below(4), &process));
}

static bool can_run(const struct thread *thread)
{
    return (thread->state == THREAD_READY || thread->state == THREAD_RUNNING) &&
           !(thread->special & SPECIAL_STOPPED) && !thread->leaves;
}

/* Preparing the arguments may have ended the thread, or let others run for so long that one of a
 * job of little weight has to wait. */
#define DO(thread, ...)                                                                            \
    (can_run(thread) && fake_run(thread) >= 0 ? SYS(thread, __VA_ARGS__) : SW_SYS_PENDING)

static void token_learn(struct thread *thread, vaddr_t at)
{
    struct sw_wait wait;
    if (can_run(thread) && fake_load(thread, &wait, at, sizeof wait) &&
        wait.event.kind == SW_EVENT_MESSAGE)
        last_token = wait.event.token;
}

/* A thread of the same process that can run, often the thread itself. */
static struct thread *sibling(struct thread *thread)
{
    for (uint32_t tries = 0; tries < 2 * THREADS; tries++) {
        struct thread *other = threads[below(thread_count)];
        if (other->process == thread->process && can_run(other))
            return other;
    }
    return thread;
}

/* A process serves itself: its threads take some of what one has posted and answer nothing of it
 * yet.
 */
static void serve_oneself(struct thread *thread)
{
    if (DO(thread, PORT_CREATE) != SW_OK)
        return;
    handle_t port = (handle_t)thread->frame.x[1];
    if (DO(thread, CHANNEL_CREATE) != SW_OK)
        return;
    handle_t channel = (handle_t)thread->frame.x[1];
    if (DO(thread, CONNECTION_CREATE, channel, 7) != SW_OK)
        return;
    handle_t connection = (handle_t)thread->frame.x[1];
    DO(thread, CHANNEL_SERVE, channel, port, 1);
    for (uint32_t i = 0; i < 4 && DO(thread, CALL_CREATE) == SW_OK; i++) {
        handle_t call = (handle_t)thread->frame.x[1];
        vaddr_t at = call_fill(thread);
        DO(thread, CALL_POST, call, connection, at, pick(thread, SW_TYPE_PORT), 3, soon());
    }
    for (uint32_t i = below(6); i > 0 && can_run(thread); i--) {
        struct thread *server = sibling(thread);
        vaddr_t at = wait_fill(server);
        if (DO(server, PORT_WAIT, port, at, 0) == SW_OK)
            token_learn(server, at);
    }
}

static void step(struct thread *thread)
{
    vaddr_t at;
    switch (below(50)) {
    case 0:
        DO(thread, CHANNEL_CREATE);
        break;
    case 1:
        DO(thread, CHANNEL_SERVE, pick(thread, SW_TYPE_CHANNEL), pick(thread, SW_TYPE_PORT), 1);
        break;
    case 2:
        DO(thread, CHANNEL_LEAVE, pick(thread, SW_TYPE_CHANNEL));
        break;
    case 3:
        DO(thread, CHANNEL_WATCH, pick(thread, SW_TYPE_CHANNEL), below(20) * MS,
           chance(20) ? 0 : pick(thread, SW_TYPE_PORT), 2);
        break;
    case 4:
    case 5:
        DO(thread, CONNECTION_CREATE, pick(thread, SW_TYPE_CHANNEL), below(100));
        break;
    case 6:
        DO(thread, CONNECTION_ACCEPT, pick(thread, SW_TYPE_CONNECTION));
        break;
    case 7:
    case 8:
        at = call_fill(thread);
        DO(thread, CALL, pick(thread, SW_TYPE_CONNECTION), at, soon());
        break;
    case 9:
        DO(thread, CALL_CREATE);
        break;
    case 10:
    case 11:
    case 12:
        at = call_fill(thread);
        DO(thread, CALL_POST, pick(thread, SW_TYPE_CALL), pick(thread, SW_TYPE_CONNECTION), at,
           pick(thread, SW_TYPE_PORT), 3, soon());
        break;
    case 13:
        DO(thread, CALL_COLLECT, pick(thread, SW_TYPE_CALL), address());
        break;
    case 14:
        DO(thread, CALL_CANCEL, pick(thread, SW_TYPE_CALL));
        break;
    case 15:
        at = reply_fill(thread);
        DO(thread, REPLY, last_token, at);
        break;
    case 16:
    case 17:
    case 18:
        at = reply_fill(thread);
        vaddr_t wait = wait_fill(thread);
        if (DO(thread, REPLY_WAIT, chance(50) ? last_token : 0, at, pick(thread, SW_TYPE_PORT),
               wait, soon()) == SW_OK)
            token_learn(thread, wait);
        break;
    case 19:
        DO(thread, CALL_READ, last_token, below(2), below(100), address(), below(5000));
        break;
    case 20:
        DO(thread, CALL_WRITE, last_token, below(100), address(), below(5000));
        break;
    case 21:
        DO(thread, PORT_CREATE);
        break;
    case 22:
    case 23:
        at = wait_fill(thread);
        if (DO(thread, PORT_WAIT, pick(thread, SW_TYPE_PORT), at, soon()) == SW_OK)
            token_learn(thread, at);
        break;
    case 24:
    case 25:
        DO(thread, PORT_BIND, pick(thread, SW_TYPE_PORT), pick(thread, 0), below(8), 4);
        break;
    case 26:
        DO(thread, PORT_UNBIND, pick(thread, SW_TYPE_PORT), pick(thread, 0));
        break;
    case 27:
        DO(thread, EVENT_CREATE);
        break;
    case 28:
        DO(thread, EVENT_UPDATE, pick(thread, SW_TYPE_EVENT), below(16), below(16));
        break;
    case 29:
        DO(thread, PIPE_CREATE, 1 + below(20000), below(2));
        break;
    case 30:
        DO(thread, PIPE_READ, pick(thread, SW_TYPE_PIPE), address(), length(), soon());
        break;
    case 31:
        DO(thread, PIPE_WRITE, pick(thread, SW_TYPE_PIPE), address(), length(), soon());
        break;
    case 32:
    case 33:
        DO(thread, HANDLE_CLOSE, pick(thread, 0));
        break;
    case 34:
        DO(thread, HANDLE_DUPLICATE, pick(thread, 0), SW_RIGHTS_SAME);
        break;
    case 35:
        DO(thread, MEMORY_CREATE, 1 + below(600) * PAGE_SIZE, below(2));
        break;
    case 36:
        DO(thread, MEMORY_MAP, pick(thread, SW_TYPE_MEMORY), chance(50) ? 0 : page_at(),
           below(20) * PAGE_SIZE, below(300) * PAGE_SIZE, below(8));
        break;
    case 37:
        if (chance(50))
            DO(thread, MEMORY_UNMAP, page_at(), below(300) * PAGE_SIZE);
        else
            DO(thread, MEMORY_PROTECT, page_at(), below(100) * PAGE_SIZE, below(8));
        break;
    case 38:
        switch (below(5)) {
        case 0:
            DO(thread, MEMORY_SEAL, pick(thread, SW_TYPE_MEMORY));
            break;
        case 1:
            DO(thread, MEMORY_COMMIT, pick(thread, SW_TYPE_MEMORY), below(8) * PAGE_SIZE,
               below(600) * PAGE_SIZE);
            break;
        case 2:
            DO(thread, MEMORY_DECOMMIT, pick(thread, SW_TYPE_MEMORY), below(8) * PAGE_SIZE,
               below(600) * PAGE_SIZE);
            break;
        case 3:
            DO(thread, MEMORY_READ, pick(thread, SW_TYPE_MEMORY), below(9000), address(), length());
            break;
        default:
            DO(thread, MEMORY_WRITE, pick(thread, SW_TYPE_MEMORY), below(9000), address(),
               length());
            break;
        }
        break;
    case 39:
        DO(thread, JOB_KEEP, pick(thread, SW_TYPE_JOB), below(4), chance(20) ? 0 : pick(thread, 0));
        break;
    case 40:
        DO(thread, JOB_KEPT, pick(thread, SW_TYPE_JOB), below(4));
        break;
    case 41:
        at = limits_fill(thread);
        if (chance(60))
            DO(thread, JOB_CREATE, pick(thread, SW_TYPE_JOB), at);
        else
            DO(thread, JOB_LIMIT, pick(thread, SW_TYPE_JOB), at);
        break;
    case 42:
        switch (below(6)) {
        case 0:
            DO(thread, JOB_INTERRUPT, pick(thread, SW_TYPE_JOB),
               1u << below(3) | (below(2) ? SW_INTERRUPT_DIRECTLY : 0));
            break;
        case 1:
            DO(thread, JOB_STOP, pick(thread, SW_TYPE_JOB));
            break;
        case 2:
        case 3:
            DO(thread, JOB_CONTINUE, pick(thread, SW_TYPE_JOB));
            break;
        case 4:
            DO(thread, PROCESS_ON_INTERRUPT, pick(thread, SW_TYPE_EVENT));
            break;
        default:
            if (chance(30))
                DO(thread, JOB_KILL, pick(thread, SW_TYPE_JOB), 9);
        }
        break;
    case 43:
        if (chance(60))
            DO(thread, FUTEX_WAIT, data + below(4) * 4, 0, soon());
        else
            DO(thread, FUTEX_WAKE, data + below(4) * 4, 1 + below(3));
        break;
    case 44:
        if (thread_count < THREADS && chance(50)) {
            struct process *process = thread->process;
            if (DO(thread, THREAD_CREATE, CODE, 0x20020000, 0, 0) == SW_OK &&
                thread->state != THREAD_ENDED)
                thread_add(CONTAINER(process->threads.previous, struct thread, process_link));
        } else if (thread_count < THREADS) {
            spawn(thread, pick(thread, SW_TYPE_JOB));
        }
        break;
    case 45: /* RAM is short for a while */
        fake_page_limit = chance(50) ? page_free_count - below(30) : 0;
        break;
    case 46:
        switch (below(4)) {
        case 0:
            DO(thread, JOB_FIND, pick(thread, SW_TYPE_JOB), below(40));
            break;
        case 1:
            DO(thread, JOB_LIST, pick(thread, SW_TYPE_JOB), below(40), data + 13 * PAGE_SIZE,
               below(30));
            break;
        case 2:
            DO(thread, PROCESS_INFO, pick(thread, SW_TYPE_PROCESS), data + 13 * PAGE_SIZE);
            break;
        default:
            DO(thread, PIPE_INFO, pick(thread, SW_TYPE_PIPE));
            DO(thread, PIPE_ADMIT, pick(thread, SW_TYPE_PIPE),
               below(3) ? 0 : pick(thread, SW_TYPE_JOB), below(2));
            break;
        }
        break;
    case 47: /* also what calls and waits point to */
        if (chance(10))
            DO(thread, MEMORY_PROTECT, data + below(12) * PAGE_SIZE, PAGE_SIZE,
               chance(50) ? 3 : below(4));
        else if (chance(10))
            DO(thread, MEMORY_UNMAP, data + below(8) * PAGE_SIZE, PAGE_SIZE);
        break;
    case 48:
        serve_oneself(thread);
        break;
    default:
        if (chance(10))
            DO(thread, PROCESS_KILL, pick(thread, SW_TYPE_PROCESS), 3);
        else if (chance(10))
            DO(thread, PROCESS_DIVERT, pick(thread, SW_TYPE_PROCESS), 1 + below(2));
        else if (chance(10))
            DO(thread, THREAD_EXIT, address());
        else if (chance(10))
            DO(thread, PROCESS_EXIT, 5);
        else
            fake_advance(below(20) * MS);
    }
}

static void forget_ended(void)
{
    for (uint32_t i = 0; i < thread_count;) {
        if (threads[i]->state != THREAD_ENDED) {
            i++;
            continue;
        }
        object_put(&threads[i]->object);
        threads[i] = threads[--thread_count];
    }
}

/* --- what must hold between any two kernel entries --- */

/* The leaf entry of a page, by the fake MMU's format; 0: none. */
static uint64_t leaf_of(const struct space *space, vaddr_t address)
{
    uint64_t entry = space->root | ARCH_PTE_VALID;
    for (int shift = 30; shift >= 12; shift -= 9) {
        const uint64_t *table = page_pointer(arch_pte_page(entry));
        entry = table[address >> shift & 511];
        if (!(entry & ARCH_PTE_VALID))
            return 0;
    }
    return entry;
}

static void check_region(const struct region *region)
{
    struct memory *memory = region->memory;
    ASSERT(!(region->protection & ~region->maximum));
    ASSERT(!memory->sealed || !(region->protection & SW_MAP_WRITE));
    ASSERT(memory->sealed || !(region->maximum & SW_MAP_EXECUTE));
    ASSERT(region->offset + region->pages <= memory->pages);
    uint32_t writable = 0;
    list_for_each (at, &memory->regions)
        writable += (CONTAINER(at, struct region, memory_link)->protection & SW_MAP_WRITE) != 0;
    ASSERT(writable == memory->writable_mappings);
    for (uint64_t i = 0; i < region->pages; i++) {
        uint64_t leaf = leaf_of(region->space, region->start + i * PAGE_SIZE);
        paddr_t page;
        memory_page(memory, region->offset + i, false, &page);
        ASSERT(!leaf || (arch_pte_page(leaf) == page && (leaf >> 1 & 7) == region->protection));
    }
}

static uint32_t band_of(const struct thread *thread)
{
    return thread->band > thread->lent ? thread->band : thread->lent;
}

/* Nobody handles a deferred call. */
static void check_received(const struct channel *channel)
{
    list_for_each (at, &channel->received) {
        const struct call *call = CONTAINER(at, struct call, channel_link);
        ASSERT(call->state == CALL_RECEIVED && call->deferred == !call->handler);
    }
}

/* A thread is lent the highest band of the calls it handles and of those that wait where it waited
 * last. */
static void check_lent(const struct thread *thread)
{
    uint32_t lent = 0;
    list_for_each (at, &thread->handling) {
        uint32_t band = CONTAINER(at, struct call, handler_link)->band;
        lent = band > lent ? band : lent;
    }
    list_for_each (at, &thread->ports) {
        const struct port *port = CONTAINER(at, struct port, server_link);
        ASSERT(port->server == thread);
        list_for_each (link, &port->messages) {
            const struct channel *channel = CONTAINER(link, struct channel, port_link);
            list_for_each (waiting, &channel->calls) {
                uint32_t band = CONTAINER(waiting, struct call, channel_link)->band;
                lent = band > lent ? band : lent;
            }
        }
    }
    ASSERT(thread->lent == lent);
}

static void check_process(const struct process *process)
{
    vaddr_t end = 0;
    uint64_t resident = 0, handles = 0;
    for (const struct list *at = process->space->regions.next; at != &process->space->regions;
         at = at->next) {
        const struct region *region = CONTAINER(at, struct region, space_link);
        ASSERT(region->start >= end);
        end = region->start + region->pages * PAGE_SIZE;
        check_region(region);
        for (vaddr_t page = region->start; page < end; page += PAGE_SIZE)
            resident += leaf_of(process->space, page) != 0;
    }
    ASSERT(resident == process->space->resident);
    for (uint32_t i = 0; i < process->handles.page_count * 256u; i++) {
        const struct handle_entry *entry = &process->handles.pages[i / 256][i % 256];
        handles += entry->object != NULL;
        if (entry->object && entry->object->type == SW_TYPE_CHANNEL)
            check_received(CONTAINER(entry->object, struct channel, object));
        if (!entry->object || entry->object->type != SW_TYPE_PORT)
            continue;
        const struct port *port = CONTAINER(entry->object, struct port, object);
        ASSERT(!port->waiter || (list_empty(&port->messages) && list_empty(&port->pending) &&
                                 list_empty(&port->done)));
        ASSERT(!port->waiter ||
               (port->waiter->state == THREAD_BLOCKED && port->waiter->process == process));
        list_for_each (at, &port->bindings) {
            const struct binding *binding = CONTAINER(at, struct binding, port_link);
            uint64_t level =
                object_classes[binding->object->type]->level(binding->object) & binding->mask;
            ASSERT((level != 0) == !list_empty(&binding->queue_link));
        }
    }
    ASSERT(handles == process->handles.used && process->handles.reserved == 0);
    list_for_each (at, &process->threads)
        check_lent(CONTAINER(at, struct thread, process_link));
}

/* No thread that may run waits while a CPU idles or runs one of a lower band, and no CPU in user
 * mode believes that it was told to look again. */
static void check_cpus(void)
{
    uint32_t lowest = 4; /* band of what runs; 0 also for an idle CPU */
    for (uint32_t i = 0; i < CPUS; i++) {
        const struct thread *current = cpus[i].current;
        ASSERT(!cpus[i].resched && !cpus[i].next);
        ASSERT(!current || current->state == THREAD_RUNNING);
        uint32_t band = current ? band_of(current) : 0;
        lowest = band < lowest ? band : lowest;
    }
    bool idle = false;
    for (uint32_t i = 0; i < CPUS; i++)
        idle = idle || !cpus[i].current;
    for (uint32_t i = 0; i < thread_count; i++) {
        const struct thread *thread = threads[i];
        if (thread->state == THREAD_READY && !(thread->special & SPECIAL_STOPPED))
            ASSERT(!idle && thread->queued == 1 + band_of(thread) && band_of(thread) <= lowest);
    }
}

static void check_all(void)
{
    ASSERT(list_empty(&object_hooks));
    list_for_each (at, &process_all) {
        const struct process *process = CONTAINER(at, struct process, all_link);
        if (process->state == PROCESS_LIVE)
            check_process(process);
    }
}

static void run(struct thread *keeper, uint32_t steps)
{
    uint32_t idle = 0;
    while (steps) {
        forget_ended();
        if (thread_count < 3) {
            fake_page_limit = 0; /* keeper's first touch of a page is not to end it */
            /* Not always the same one is alone in its job. */
            handle_t job = workers;
            if (chance(50) && SYS(keeper, JOB_CREATE, workers, limits_fill(keeper)) == SW_OK)
                job = (handle_t)keeper->frame.x[1];
            spawn(keeper, job);
            if (job != workers)
                SYS(keeper, HANDLE_CLOSE, job);
            if (!thread_count) { /* one of them may have killed it, or lowered its limits to nothing
                                  */
                SYS(keeper, JOB_KILL, workers, 0);
                SYS(keeper, HANDLE_CLOSE, workers);
                workers_new(keeper);
            }
        }
        struct thread *thread = thread_count ? threads[below(thread_count)] : NULL;
        if (!thread || !can_run(thread) || fake_run(thread) < 0) {
            if (++idle % 20 == 0)
                fake_advance(10 * MS);
            if (idle % 400 == 0) { /* all wait for each other, or are stopped */
                SYS(keeper, JOB_CONTINUE, workers);
                SYS(keeper, JOB_INTERRUPT, workers, SW_INTERRUPT_TERM);
            }
            continue;
        }
        steps--;
        step(thread);
        check_cpus();
        if (steps % 16 == 0)
            check_all();
        if (fake_page_limit && chance(5))
            fake_page_limit = 0;
    }
    fake_page_limit = 0;
}

int main(int argc, char **argv)
{
    uint32_t steps = argc > 1 ? (uint32_t)atoi(argv[1]) : 4000,
             seed = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;
    srand(seed);
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was said before a sanitizer ends it is not lost */
    struct thread *keeper = fake_start(CPUS, 16384);
    /* Tables of handles and call slots stay: there is to be one for all that a round may make. */
    for (uint32_t i = 0; i < CALLS + 200; i++)
        SYS(keeper, CALL_CREATE);
    for (uint32_t i = 3; i < keeper->process->handles.page_count * 256u; i++) {
        const struct handle_entry *entry = &keeper->process->handles.pages[i / 256][i % 256];
        if (entry->object)
            SYS(keeper, HANDLE_CLOSE, (handle_t)entry->generation << 16 | i);
    }
    for (uint32_t round = 0; round < 3; round++) {
        uint64_t memory = job_root->used[CHARGE_MEMORY], pages = page_free_count;
        workers_new(keeper);
        run(keeper, steps);
        SYS(keeper, JOB_KILL, workers, 0);
        fake_advance(100 * MS);
        forget_ended();
        CHECK(thread_count == 0 && job_root->live == 1);
        for (uint32_t i = 3; i < keeper->process->handles.page_count * 256u; i++) {
            const struct handle_entry *entry = &keeper->process->handles.pages[i / 256][i % 256];
            if (entry->object) /* the workers' processes and jobs */
                SYS(keeper, HANDLE_CLOSE, (handle_t)entry->generation << 16 | i);
        }
        fake_advance(100 * MS);
        for (uint32_t type = 0; type < 16; type++)
            if (type != SW_TYPE_MEMORY)
                CHECK(object_counts[type] ==
                      (type == SW_TYPE_PROCESS || type == SW_TYPE_THREAD || type == SW_TYPE_JOB));
        CHECK(fake_stale_uses == 0 && fake_unordered_uses == 0);
        /* What the first round leaves are the keeper's tables of handles, which stay. */
        if (round)
            CHECK(job_root->used[CHARGE_MEMORY] == memory && page_free_count == pages);
    }
    return tap_done();
}
