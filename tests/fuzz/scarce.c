/* Steps and sequences while there is nothing left: of what the worker's job may have, or no free
 * page in the whole machine, where even a record of a few bytes cannot be made. See fuzz.h. */
#include <string.h>
#include <swos/clock.h>

#include "fuzz.h"

/* Behind the arena, in the same leaf table, so that a mapping here needs no page of its own. */
#define PLACES (ARENA + (ARENA_PAGES + 16) * SW_PAGE)
#define PLACE(number) (PLACES + (uint64_t)(number)*SW_PAGE)
#define PLACE_COUNT 224u /* to the end of what the leaf table covers, but for a few */
#define UNTOUCHED 16u    /* pages nobody has touched yet */

#define PORTS 12u
#define EVENTS 24u
#define PINS 80u
#define TIMES 4 /* what finds nothing left is asked for again so often */

static handle_t taken[1200];
static uint32_t taken_count;

void take_all(enum scarce kind)
{
    uint64_t size = 1 << 20, flags = below(2) * SW_MEMORY_COMMIT;

    while (taken_count < LENGTH(taken)) {
        uint32_t number = kind == HANDLES        ? SW_SYS_EVENT_CREATE
                          : kind == CALL_OBJECTS ? SW_SYS_CALL_CREATE
                                                 : SW_SYS_MEMORY_CREATE;
        struct result result = call_number(number, (const uint64_t[8]){ size, flags });

        if (result.status == SW_OK)
            taken[taken_count++] = (handle_t)result.out[0];
        else if (kind == MEMORY && size > SW_PAGE)
            size /= 2;
        else if (kind == MEMORY)
            kind = HANDLES; /* the rest of the last page, by small objects */
        else
            break;
    }
}

void give_back(void)
{
    while (taken_count > 0)
        close_one(taken[--taken_count]);
}

/* What is prepared while there is enough: mapped memory, ports and events to bind, a claimed
 * device, a call to oneself. */
struct stock {
    handle_t memory; /* committed, 4 pages, at PLACE(0) */
    handle_t fresh;  /* not committed, at PLACE(4) */
    handle_t ports[PORTS], events[EVENTS];
    handle_t channel, connection, call;
    handle_t jobs[2]; /* that keep nothing yet */
    handle_t device;  /* claimed; 0: none was free */
};

static void stock_make(struct stock *stock)
{
    memset(stock, 0, sizeof *stock);
    stock->memory = made(SW_SYS_MEMORY_CREATE, 4 * SW_PAGE, SW_MEMORY_COMMIT);
    stock->fresh = made(SW_SYS_MEMORY_CREATE, UNTOUCHED * SW_PAGE, 0);
    call_number(SW_SYS_MEMORY_MAP,
                (const uint64_t[8]){ stock->memory, PLACE(0), 0, 4 * SW_PAGE, 3 });
    call_number(SW_SYS_MEMORY_MAP,
                (const uint64_t[8]){ stock->fresh, PLACE(4), 0, UNTOUCHED * SW_PAGE, 3 });
    call_number(SW_SYS_MEMORY_READ, (const uint64_t[8]){ stock->memory, 0, PLACE(0), 8 });
    for (uint32_t i = 0; i < PORTS; i++)
        stock->ports[i] = made(SW_SYS_PORT_CREATE, 0, 0);
    for (uint32_t i = 0; i < EVENTS; i++)
        stock->events[i] = made(SW_SYS_EVENT_CREATE, 0, 0);
    stock->channel = made(SW_SYS_CHANNEL_CREATE, 0, 0);
    stock->connection = made(SW_SYS_CONNECTION_CREATE, stock->channel, 1);
    stock->call = made(SW_SYS_CALL_CREATE, 0, 0);
    for (uint32_t i = 0; i < LENGTH(stock->jobs); i++)
        stock->jobs[i] = made(SW_SYS_JOB_CREATE, kept[0], (uintptr_t)memset(room(64), 0, 64));
    call_number(SW_SYS_CHANNEL_SERVE, (const uint64_t[8]){ stock->channel, stock->ports[0], 1 });
    for (uint32_t tries = 0; authority && !stock->device && tries < 8; tries++) {
        handle_t device = live_handle(SW_TYPE_DEVICE);

        if (call_number(SW_SYS_DEVICE_CLAIM, (const uint64_t[8]){ device }).status == SW_OK)
            stock->device = device;
    }
}

static void stock_drop(const struct stock *stock)
{
    if (stock->device) {
        call_number(SW_SYS_DEVICE_RESET, (const uint64_t[8]){ stock->device });
        call_number(SW_SYS_DEVICE_RELEASE, (const uint64_t[8]){ stock->device });
    }
    call_number(SW_SYS_MEMORY_UNMAP, (const uint64_t[8]){ PLACE(0), PLACE_COUNT * SW_PAGE });
    for (uint32_t i = 0; i < LENGTH(stock->jobs); i++)
        close_one(stock->jobs[i]);
    close_one(stock->call);
    close_one(stock->connection);
    close_one(stock->channel);
    for (uint32_t i = 0; i < EVENTS; i++)
        close_one(stock->events[i]);
    for (uint32_t i = 0; i < PORTS; i++)
        close_one(stock->ports[i]);
    close_one(stock->fresh);
    close_one(stock->memory);
}

/* Mappings until no record of one can be made; then those calls that need one. */
static void use_up_regions(const struct stock *stock)
{
    const uint32_t first = 4 + UNTOUCHED;

    for (uint32_t i = first, failed = 0; i < PLACE_COUNT && failed < TIMES; i++)
        failed += call_number(SW_SYS_MEMORY_MAP,
                              (const uint64_t[8]){ stock->memory, PLACE(i), 0, SW_PAGE, 1 })
                      .status != SW_OK;
    for (int i = 0; i < TIMES; i++) { /* both cut a mapping in two or three */
        call_number(SW_SYS_MEMORY_PROTECT, (const uint64_t[8]){ PLACE(1), SW_PAGE, 1 });
        call_number(SW_SYS_MEMORY_UNMAP, (const uint64_t[8]){ PLACE(2), SW_PAGE });
    }
}

static void use_up_bindings(const struct stock *stock)
{
    for (uint32_t i = 0, failed = 0; i < PORTS * EVENTS && failed < TIMES; i++)
        failed +=
            call_number(SW_SYS_PORT_BIND, (const uint64_t[8]){ stock->ports[i % PORTS],
                                                               stock->events[i / PORTS], 1, 1 })
                .status != SW_OK;
    for (uint32_t i = 0; i < TIMES; i++) {
        call_number(SW_SYS_CHANNEL_WATCH,
                    (const uint64_t[8]){ stock->channel, SW_SECOND, stock->ports[i], 3 });
        call_number(SW_SYS_CHANNEL_WATCH, (const uint64_t[8]){ stock->channel });
    }
}

/* The first handle a job keeps needs room for all. */
static void keep_first(const struct stock *stock)
{
    for (uint32_t i = 0; i < LENGTH(stock->jobs); i++)
        call_number(SW_SYS_JOB_KEEP, (const uint64_t[8]){ stock->jobs[i], 0, stock->events[0] });
}

static void use_up_pins(const struct stock *stock)
{
    uint64_t *addresses = room(sizeof *addresses);

    for (uint32_t i = 0, failed = 0; stock->device && i < PINS && failed < TIMES; i++)
        failed +=
            call_number(SW_SYS_DEVICE_PIN, (const uint64_t[8]){ stock->device, stock->memory, 0,
                                                                SW_PAGE, (uintptr_t)addresses })
                .status != SW_OK;
}

/* The table of handles is full and cannot grow; then those calls that give one. */
static void use_up_handles(const struct stock *stock)
{
    const uint64_t again[8] = { stock->fresh, SW_RIGHTS_SAME };

    for (uint32_t failed = 0; taken_count < LENGTH(taken) && failed < TIMES;) {
        struct result result = call_number(SW_SYS_HANDLE_DUPLICATE, again);

        if (result.status == SW_OK)
            taken[taken_count++] = (handle_t)result.out[0];
        else
            failed++;
    }
    for (int i = 0; i < TIMES; i++) {
        find_handles();
        if (authority)
            call_number(SW_SYS_MEMORY_MINT, (const uint64_t[8]){ authority, kept[1] });
    }
    give_back();
}

/* Answers that go to where nobody has been: to a call of the thread's own, and to a posted one. */
static void answer_to_untouched(const struct stock *stock)
{
    struct sw_call *call = room(sizeof *call);
    struct sw_reply *reply = room(sizeof *reply);
    struct sw_wait *wait = room(sizeof *wait);

    for (uint32_t i = 0; i < UNTOUCHED; i++) {
        memset(call, 0, sizeof *call);
        call->reply = PLACE(4 + i);
        call->reply_capacity = 8;
        if (i % 2) {
            struct result result = call_number(
                SW_SYS_CALL, (const uint64_t[8]){ private_connection, (uintptr_t)call,
                                                  sw_clock_deadline(5 * SW_MILLISECOND) });
            if (result.status == SW_SERVER_REPLACED || result.status == SW_PEER_DIED)
                call_number(SW_SYS_CONNECTION_ACCEPT, (const uint64_t[8]){ private_connection });
            continue;
        }
        memset(wait, 0, sizeof *wait);
        *reply = (struct sw_reply){ .data = (uintptr_t)room(8), .length = 8 };
        call_number(SW_SYS_CALL_POST,
                    (const uint64_t[8]){ stock->call, stock->connection, (uintptr_t)call,
                                         stock->ports[1], 2, SW_NEVER });
        struct result got = call_number(SW_SYS_PORT_WAIT,
                                        (const uint64_t[8]){ stock->ports[0], (uintptr_t)wait, 0 });
        if (got.status == SW_OK)
            call_number(SW_SYS_REPLY, (const uint64_t[8]){ wait->event.token, (uintptr_t)reply });
        call_number(SW_SYS_CALL_COLLECT, (const uint64_t[8]){ stock->call, (uintptr_t)call });
    }
}

/* A call that brings its server a handle, for which there is no room. */
static void send_handle(void)
{
    struct sw_call *call = room(sizeof *call);

    memset(call, 0, sizeof *call);
    call->send_count = 1;
    call->send[0] = live_handle(SW_TYPE_EVENT);
    call_number(SW_SYS_CALL, (const uint64_t[8]){ private_connection, (uintptr_t)call,
                                                  sw_clock_deadline(5 * SW_MILLISECOND) });
    call_number(SW_SYS_CONNECTION_ACCEPT, (const uint64_t[8]){ private_connection });
}

/* Steps while the worker's job has nothing left of something. */
void starved(void)
{
    enum scarce kind = below(SCARCE);
    struct stock stock;

    stock_make(&stock);
    take_all(kind);
    for (uint32_t i = 0; i < 150; i++)
        step();
    if (kind == MEMORY) {
        call_number(SW_SYS_MEMORY_READ, (const uint64_t[8]){ stock.memory, 0, PLACE(4), 64 });
        use_up_regions(&stock);
        use_up_bindings(&stock);
        use_up_pins(&stock);
        event_life();
        machine_life();
    }
    for (int i = 0; kind == HANDLES && i < TIMES; i++)
        send_handle();
    find_handles();
    give_back();
    stock_drop(&stock);
}

/* While the first process holds every free page of the machine for this worker. */
void pageless(void)
{
    struct stock stock;
    uint32_t state = PAGES_FREE;

    stock_make(&stock);
    if (atomic_compare_exchange_strong(&counts->pages, &state, PAGES_WANTED)) {
        uint64_t until = sw_clock_deadline(300 * SW_MILLISECOND);

        while (atomic_load(&counts->pages) == PAGES_WANTED && sw_clock_monotonic() < until)
            sw_clock_sleep(sw_clock_deadline(SW_MILLISECOND));
        state = PAGES_WANTED;
        if (!atomic_compare_exchange_strong(&counts->pages, &state, PAGES_FREE)) {
            use_up_bindings(&stock);
            keep_first(&stock);
            use_up_pins(&stock);
            answer_to_untouched(&stock);
            use_up_regions(&stock);
            use_up_handles(&stock);
            state = PAGES_TAKEN;
            atomic_compare_exchange_strong(&counts->pages, &state, PAGES_BACK);
        }
    }
    stock_drop(&stock);
}
