/* System calls by grammar: four processes with live objects of every type, sharing channels,
 * memory, pipes and jobs, call the kernel at random and count what comes back.
 *
 *   syscall_fuzz SEED STEPS      prints "call NAME STATUS COUNT" for all that occurred
 *
 * Runs in a session, with what a session holds; or as the first process of a machine of its own
 * (in keeper's place of a boot bundle, arguments init.seed=N init.steps=N), where the workers
 * have all authorities and devices too, memory runs out, and the end is a leak check and power
 * off. There only empty virtio slots and the clock chip are shared: a driver of a real device can
 * write to any memory, which is known.
 *
 * The grammar (fuzz_grammar.inc) comes from runtime/abi. Most arguments are good: live handles of
 * the right type, addresses and sizes that fit; the rest are stale, foreign, misaligned, huge or
 * wild. Handles that come back go into a pool by type, where they replace and close older ones.
 * The first process starts the workers in jobs of their own, tightens and restores their quotas,
 * interrupts and sometimes kills them, and starts them again; the counts lie in memory shared by
 * all, so a worker's death loses none. Given a seed, each worker's choices repeat; the order in
 * which four CPUs interleave them does not.
 *
 * Not called: what ends the machine or waits for ever. A call that ends its caller is counted
 * before it is made. A worker maps and unmaps only in its arena, else it would only test itself. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/path.h>
#include <swos/protocol.h>
#include <swos/spawn.h>
#include <swos/start.h>
#include <swos/status.h>
#include <swos/thread.h>

#include "bundle.h"
#include "fuzz_grammar.inc"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define CALLS LENGTH(grammar)
#define ERRORS LENGTH(grammar_errors)
#define WORKERS 4
#define POOL 12  /* live handles a type */
#define TYPES 12 /* object types, 0 unused */
#define STALE 16
#define TOKENS 8
#define SHARED 24 /* handles a worker gets from the first process */

#define ARENA (32ull << 30)
#define ARENA_PAGES 256u
#define SCRATCH_SIZE (64u * 1024)
#define TINY "/bin/tests/tiny"

struct counts {
    _Atomic uint32_t count[CALLS][ERRORS];
    _Atomic uint32_t deaths;
    _Atomic uint32_t steps; /* of all workers */
};

static struct counts *counts;

/* The machine's authority: only the first process of a machine and its workers have it. */
static handle_t authority;

/* Prints to descriptor 1, or where there is none to the serial line. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[160];
    va_list arguments;

    va_start(arguments, format);
    size_t length = sw_format_list(line, sizeof line, format, arguments);
    va_end(arguments);
    if (authority) /* BUSY: a worker has claimed the serial line for a moment */
        while (sw_early_write(authority, line, (uint32_t)length) == SW_BUSY)
            sw_thread_yield();
    else
        fwrite(line, 1, length, stdout);
}

/* ---- choices */

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1dull;
}

static uint32_t below(uint32_t limit)
{
    return (uint32_t)((next_random() >> 32) % limit);
}

static bool chance(uint32_t percent)
{
    return below(100) < percent;
}

#define PICK(...) pick((const uint64_t[]){ __VA_ARGS__ }, LENGTH(((uint64_t[]){ __VA_ARGS__ })))

static uint64_t pick(const uint64_t *values, uint32_t count)
{
    return values[below(count)];
}

/* ---- calling */

struct result {
    status_t status;
    uint64_t out[3];
};

static struct result invoke(uint32_t number, const uint64_t arguments[8])
{
    register uint64_t x0 __asm__("x0") = arguments[0];
    register uint64_t x1 __asm__("x1") = arguments[1];
    register uint64_t x2 __asm__("x2") = arguments[2];
    register uint64_t x3 __asm__("x3") = arguments[3];
    register uint64_t x4 __asm__("x4") = arguments[4];
    register uint64_t x5 __asm__("x5") = arguments[5];
    register uint64_t x6 __asm__("x6") = arguments[6];
    register uint64_t x7 __asm__("x7") = arguments[7];
    register uint64_t x8 __asm__("x8") = number;

    __asm__ volatile("svc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     : "r"(x4), "r"(x5), "r"(x6), "r"(x7), "r"(x8)
                     : "memory", "cc");
    return (struct result){ (status_t)x0, { x1, x2, x3 } };
}

static size_t call_index(uint32_t number)
{
    size_t i = 0;

    while (i < CALLS && grammar[i].number != number)
        i++;
    return i;
}

static void count_call(size_t call, status_t status)
{
    uint32_t error = status <= 0 ? (uint32_t)-status : ERRORS;

    if (error >= ERRORS) {
        say("bad status %d of %s\n", (int)status, grammar[call].name);
        exit(3);
    }
    atomic_fetch_add(&counts->count[call][error], 1);
}

static struct result call_number(uint32_t number, const uint64_t arguments[8])
{
    struct result result = invoke(number, arguments);

    count_call(call_index(number), result.status);
    return result;
}

/* ---- what a worker has */

static handle_t pool[TYPES][POOL];
static handle_t kept[4]; /* never closed: the job and what programs are made of */
static handle_t stale[STALE];
static uint64_t tokens[TOKENS];
static uint8_t *scratch;       /* SCRATCH_SIZE bytes, nothing mapped behind them */
static uint32_t futex_words[8];
static struct sw_program tiny;
static handle_t tiny_memory[4];
static handle_t uart;            /* claimed in one sequence only: the result goes over it */
static handle_t interrupt_event; /* interrupts of the job set it */
static uint32_t own_pid;
static uint64_t own_process, own_job, root_job; /* object numbers */

static uint64_t object_number(handle_t handle)
{
    struct result info = invoke(SW_SYS_HANDLE_INFO, (const uint64_t[8]){ handle });

    return info.status == SW_OK ? info.out[2] : 0;
}

static bool is_kept(handle_t handle)
{
    for (size_t i = 0; i < LENGTH(kept); i++) {
        if (kept[i] == handle && handle)
            return true;
    }
    return false;
}

static void close_one(handle_t handle)
{
    if (!handle || is_kept(handle))
        return;
    stale[below(STALE)] = handle;
    call_number(SW_SYS_HANDLE_CLOSE, (const uint64_t[8]){ handle });
}

/* Puts a handle into the pool of its type. */
static void keep_handle(handle_t handle)
{
    struct result info = invoke(SW_SYS_HANDLE_INFO, (const uint64_t[8]){ handle });
    uint32_t type = (uint32_t)info.out[0];

    if (info.status != SW_OK || type == 0 || type >= TYPES)
        return;
    handle_t *slot = &pool[type][below(POOL)];
    handle_t old = *slot;
    *slot = handle;
    /* A process nobody has a handle to would live on. */
    if (type == SW_TYPE_PROCESS && old && object_number(old) != own_process)
        call_number(SW_SYS_PROCESS_KILL, (const uint64_t[8]){ old, 1 });
    close_one(old);
}

static handle_t live_handle(uint32_t type)
{
    handle_t handle = 0;

    for (int tries = 0; !handle && tries < 8; tries++)
        handle = pool[type ? type : 1 + below(TYPES - 1)][below(POOL)];
    return handle;
}

/* A second handle with fewer rights; it goes with the next one of its kind. */
static handle_t weaker(handle_t handle)
{
    static handle_t last;
    struct result info = invoke(SW_SYS_HANDLE_INFO, (const uint64_t[8]){ handle });
    struct result result = call_number(
        SW_SYS_HANDLE_DUPLICATE, (const uint64_t[8]){ handle, next_random() & info.out[1] });

    if (result.status != SW_OK)
        return handle;
    if (last)
        close_one(last);
    return last = (handle_t)result.out[0];
}

static handle_t choose_handle(uint32_t type, bool optional)
{
    uint32_t dice = below(100);

    if (optional && dice < 30)
        return 0;
    if (dice < 82)
        return live_handle(type);
    if (dice < 88)
        return weaker(live_handle(type));
    if (dice < 92)
        return live_handle(0);
    if (dice < 96)
        return stale[below(STALE)];
    return (handle_t)PICK(0, 1, 0xffffffff, 0x10000, next_random());
}

/* ---- good values */

/* A thread that ends at once and needs no stack. */
extern void thread_body(void);
__asm__(".pushsection .text.thread_body, \"ax\"\n"
        "thread_body: mov x0, xzr\n"
        "    mov x8, #13\n"
        "    svc #0\n"
        "    b .\n"
        ".popsection");
_Static_assert(SW_SYS_THREAD_EXIT == 13, "thread_body has the number");

static uint64_t soon(void)
{
    return chance(40) ? 0 : sw_clock_deadline(below(200) * SW_MICROSECOND);
}

static uint64_t arena_page(void)
{
    return ARENA + (uint64_t)below(ARENA_PAGES) * SW_PAGE;
}

/* An address the kernel must refuse, or a good one at an odd place. */
static uint64_t wild_address(void)
{
    return PICK(0, 8, 0xfffffffffffff000, 0xffffffffc0000000, 1ull << 39, (1ull << 39) - 8,
                1ull << 63, (uintptr_t)scratch + SCRATCH_SIZE - 4,
                (uintptr_t)scratch + SCRATCH_SIZE, (uintptr_t)&wild_address, (uintptr_t)sw_info(),
                (uintptr_t)scratch + 1 + below(64), next_random(), arena_page());
}

static uint64_t good_number(enum grammar_role role)
{
    switch (role) {
    case ROLE_deadline: return soon();
    case ROLE_size: return PICK(1, SW_PAGE, SW_PAGE, 2 * SW_PAGE, 65536, 1 << 20);
    case ROLE_offset: return PICK(0, 0, 0, SW_PAGE, 4, 512);
    case ROLE_address: return chance(30) ? 0 : arena_page();
    case ROLE_length: return PICK(0, 1, 16, 64, 512, SW_PAGE);
    case ROLE_protection: return PICK(1, 1, 3, 3, 5);
    case ROLE_rights: return chance(40) ? SW_RIGHTS_SAME : next_random() & 0x3fff;
    case ROLE_capacity: return PICK(1, 100, SW_PAGE, 65536, 1 << 20);
    case ROLE_flags: return below(2);
    case ROLE_slot: return below(SW_KEPT_SLOTS);
    case ROLE_pid: return chance(40) ? own_pid : own_pid + below(40);
    case ROLE_kind: return PICK(1, 2, 4);
    case ROLE_area: return below(2);
    case ROLE_width: return PICK(1, 2, 4, 8);
    case ROLE_count: return below(8);
    case ROLE_first: return 0;
    case ROLE_level: return SW_LOG_DEBUG;
    case ROLE_index: return 0;
    case ROLE_expected: return chance(60) ? 0 : 1;
    case ROLE_word: return chance(95) ? (uintptr_t)&futex_words[below(8)] : 0;
    case ROLE_entry: return (uintptr_t)thread_body;
    case ROLE_stack: return (uintptr_t)scratch + SCRATCH_SIZE;
    case ROLE_token: return tokens[below(TOKENS)];
    case ROLE_limit: return PICK(0, SW_MILLISECOND, SW_SECOND);
    case ROLE_caps: return SW_CAP_ALL;
    case ROLE_mask: return PICK(1, 7, UINT64_MAX);
    case ROLE_status: return below(3);
    default: return PICK(0, 1, 2, 7, next_random());
    }
}

static uint64_t choose_number(enum grammar_role role, enum grammar_kind kind)
{
    if (chance(85))
        return good_number(role);
    /* What waits must come back, and what runs must be code. */
    if (role == ROLE_deadline)
        return chance(50) ? 0 : 1;
    if (role == ROLE_entry)
        return PICK(1ull << 39, 0xfffffffffffff000);
    if (role == ROLE_address || role == ROLE_word || role == ROLE_stack)
        return PICK(1, 3, 1ull << 39, 0xffffffffc0000000, UINT64_MAX, arena_page() + 1, 1ull << 63);
    uint64_t value = PICK(0, 1, 3, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32,
                          1ull << 40, 1ull << 63, UINT64_MAX, UINT64_MAX - SW_PAGE + 1,
                          next_random());
    return kind == I32 || chance(50) ? value & 0xffffffff : value;
}

/* Room for `size` bytes in scratch, 8-byte aligned. */
static void *room(size_t size)
{
    return scratch + (below((SCRATCH_SIZE - (uint32_t)size) / 8) & ~0u) * 8u;
}

static void fill_handles(uint32_t *handles, uint32_t *out_count, uint32_t *out_move)
{
    *out_count = chance(60) ? 0 : chance(95) ? 1 + below(4) : 5 + below(100);
    for (int i = 0; i < 4; i++)
        handles[i] = choose_handle(0, false);
    /* A moved handle is gone from its pool; it is found stale later. */
    *out_move = chance(80) ? 0 : below(16);
}

static void fill_start(struct sw_start *start, uint32_t *out_length)
{
    static const char text[] = "tiny\0sleep";
    struct sw_start_string *arguments = (struct sw_start_string *)(start + 1);
    char *strings = (char *)(arguments + 2);

    memset(start, 0, sizeof *start);
    *out_length = (uint32_t)(strings + sizeof text - (char *)start);
    memcpy(strings, text, sizeof text);
    arguments[0] = (struct sw_start_string){ (uint32_t)(strings - (char *)start), 4 };
    arguments[1] = (struct sw_start_string){ arguments[0].offset + 5, 5 };
    start->version = SW_START_VERSION;
    start->length = *out_length;
    start->argument_count = 2;
    start->arguments = sizeof *start;
    start->directory = arguments[0];
}

static void fill_spawn(struct sw_spawn *spawn)
{
    struct sw_transfer *transfers = room(4 * sizeof *transfers);
    struct sw_start *start = room(512);
    struct sw_program *program = room(sizeof *program);

    *spawn = (struct sw_spawn){ .program = (uintptr_t)program,
                                .start = (uintptr_t)start,
                                .transfers = (uintptr_t)transfers,
                                .transfer_count = below(3),
                                .caps = UINT64_MAX,
                                .name = "fuzz-child" };
    *program = tiny;
    memcpy(spawn->memory, tiny_memory, sizeof spawn->memory);
    fill_start(start, &spawn->start_length);
    for (int i = 0; i < 4; i++)
        transfers[i] = (struct sw_transfer){ choose_handle(0, false), SW_RIGHTS_SAME, chance(10),
                                             0 };
    if (chance(10))
        program->segments[below(6)].size ^= 1ull << below(40);
    if (chance(5))
        spawn->memory[below(4)] = live_handle(SW_TYPE_MEMORY);
    if (chance(3))
        spawn->start_length = (uint32_t)PICK(0, 1, 65536, 65537, UINT32_MAX);
}

/* Good content of a structure the kernel reads. */
static void fill_struct(enum grammar_struct kind, void *place, size_t size)
{
    memset(place, 0, size);
    switch (kind) {
    case STRUCT_sw_call: {
        struct sw_call *call = place;

        call->request = (uintptr_t)room(512);
        call->request_length = (uint32_t)PICK(0, 8, 64, 512);
        call->reply = (uintptr_t)room(512);
        call->reply_capacity = (uint32_t)PICK(0, 8, 64, 512);
        call->data = (uintptr_t)room(8192);
        call->data_length = PICK(0, 1, SW_PAGE, 8192);
        call->flags = below(4);
        fill_handles(call->send, &call->send_count, &call->send_move);
        break;
    }
    case STRUCT_sw_reply: {
        struct sw_reply *reply = place;

        reply->data = (uintptr_t)room(512);
        reply->length = (uint32_t)PICK(0, 0, 8, 64, 9000);
        fill_handles(reply->send, &reply->send_count, &reply->send_move);
        break;
    }
    case STRUCT_sw_wait: {
        struct sw_wait *wait = place;

        wait->buffer = (uintptr_t)room(512);
        wait->capacity = (uint32_t)PICK(0, 16, 512);
        break;
    }
    case STRUCT_sw_limits: {
        struct sw_limits *limits = place;

        *limits = (struct sw_limits){ .memory = PICK(0, 4 << 20, 1 << 30),
                                      .handles = (uint32_t)PICK(0, 20, 1000),
                                      .threads = (uint32_t)PICK(0, 2, 100),
                                      .processes = (uint32_t)PICK(0, 1, 10),
                                      .weight = (uint32_t)PICK(0, 100, 10000) };
        break;
    }
    case STRUCT_sw_session: {
        struct sw_session *session = place;

        session->principal = below(5);
        session->caps = next_random() & (chance(95) ? SW_CAP_ALL : UINT64_MAX);
        break;
    }
    case STRUCT_sw_spawn: fill_spawn(place); break;
    default:
        for (size_t i = 0; i < size; i++)
            ((uint8_t *)place)[i] = (uint8_t)next_random();
    }
    /* Now and then one word of it is anything. */
    if (size >= 8 && chance(8)) {
        uint64_t word = chance(50) ? wild_address() : next_random();

        memcpy((uint8_t *)place + below((uint32_t)size / 8) * 8, &word, 8);
    }
}

static uint64_t choose_address(const struct grammar_argument *argument)
{
    size_t size = argument->size ? argument->size : 4096;
    void *place = room(size);

    if (chance(6))
        return wild_address();
    if (argument->kind != OUT)
        fill_struct(argument->structure, place, size);
    return (uintptr_t)place;
}

/* ---- one step */

/* Events of a port: what came with a message is remembered. */
static void take_event(const struct sw_event *event)
{
    if (event->kind != SW_EVENT_MESSAGE)
        return;
    tokens[below(TOKENS)] = event->token;
    for (uint32_t i = 0; i < event->received_count && i < SW_HANDLES_MAX; i++)
        keep_handle(event->received[i]);
}

static void take_results(const struct grammar_call *call, const uint64_t arguments[8],
                         const struct result *result)
{
    for (uint32_t i = 0; i < call->out_count; i++) {
        if (call->out_handle[i])
            keep_handle((handle_t)result->out[i]);
    }
    if (call->number == SW_SYS_PORT_WAIT || call->number == SW_SYS_REPLY_WAIT) {
        const struct sw_wait *wait =
            (const struct sw_wait *)(uintptr_t)arguments[call->number == SW_SYS_PORT_WAIT ? 1 : 3];

        take_event(&wait->event);
    }
    /* Where the kernel chose is outside the arena and would stay. */
    if (call->number == SW_SYS_MEMORY_MAP && arguments[1] == 0)
        call_number(SW_SYS_MEMORY_UNMAP,
                    (const uint64_t[8]){ result->out[0], sw_page_round(arguments[3]) });
    if (call->number == SW_SYS_CALL || call->number == SW_SYS_CALL_COLLECT) {
        const struct sw_call *buffers = (const struct sw_call *)(uintptr_t)arguments[1];

        for (uint32_t i = 0; i < buffers->received_count && i < SW_HANDLES_MAX; i++)
            keep_handle(buffers->received[i]);
    }
}

/* Calls that end the caller, the machine, or the test. */
static bool excluded(const struct grammar_call *call, uint64_t arguments[8])
{
    uint32_t number = call->number;

    for (uint32_t i = 0; i < call->argument_count; i++) {
        enum grammar_role role = call->arguments[i].role;
        uint64_t job;

        if (call->arguments[i].kind != HANDLE || (role != ROLE_job && role != ROLE_parent) ||
            (job = object_number((handle_t)arguments[i])) == 0)
            continue;
        /* The root job may be looked at: what is made in it outlives the test. */
        if (job == root_job)
            return !(number == SW_SYS_JOB_INFO || number == SW_SYS_JOB_LIST ||
                     number == SW_SYS_JOB_KEPT ||
                     (number == SW_SYS_JOB_FIND && arguments[1] != 1));
        if (job == own_job &&
            (number == SW_SYS_JOB_KILL || number == SW_SYS_JOB_STOP ||
             number == SW_SYS_JOB_LIMIT || number == SW_SYS_JOB_INTERRUPT))
            return true;
    }
    switch (number) {
    case SW_SYS_PROCESS_EXIT:
    case SW_SYS_THREAD_EXIT:
        return true;
    case SW_SYS_PROCESS_KILL:
        return object_number((handle_t)arguments[0]) == own_process;
    case SW_SYS_PROCESS_ON_INTERRUPT:
        return arguments[0] == 0;
    case SW_SYS_POWER:
        return arguments[1] == SW_POWER_OFF || arguments[1] == SW_POWER_REBOOT;
    case SW_SYS_HANDLE_CLOSE:
        return is_kept((handle_t)arguments[0]);
    case SW_SYS_MEMORY_UNMAP:
    case SW_SYS_MEMORY_PROTECT:
        /* Inside the arena, or a range no process can have. */
        return !(arguments[0] >= ARENA && arguments[1] < 1ull << 32 &&
                 arguments[0] + arguments[1] <= ARENA + ARENA_PAGES * SW_PAGE) &&
               arguments[0] % SW_PAGE == 0 && arguments[0] < 1ull << 39;
    case SW_SYS_PROCESS_RESTRICT:
        return arguments[0] != SW_CAP_ALL && arguments[0] != UINT64_MAX;
    case SW_SYS_EARLY_WRITE:
        /* The serial line is for the result. */
        if (arguments[2] <= SW_PAGE)
            arguments[2] = below(2);
        return false;
    case SW_SYS_LOG_WRITE:
        if (arguments[3] <= 240)
            arguments[3] = below(2);
        return false;
    default:
        return false;
    }
}

static void forget(handle_t handle)
{
    for (size_t type = 1; type < TYPES; type++) {
        for (size_t i = 0; i < POOL; i++) {
            if (pool[type][i] == handle)
                pool[type][i] = 0;
        }
    }
    stale[below(STALE)] = handle;
}

static void step(void)
{
    const struct grammar_call *call = &grammar[below(CALLS)];
    uint64_t arguments[8] = { 0 };

    for (uint32_t i = 0; i < call->argument_count; i++) {
        const struct grammar_argument *argument = &call->arguments[i];

        if (argument->kind == HANDLE && argument->role == ROLE_authority && authority &&
            chance(70))
            arguments[i] = authority;
        else if (argument->kind == HANDLE)
            arguments[i] = choose_handle(argument->object, argument->optional);
        else if (argument->kind <= I32)
            arguments[i] = choose_number(argument->role, argument->kind);
        else
            arguments[i] = choose_address(argument);
    }
    if (excluded(call, arguments))
        return;
    struct result result = call_number(call->number, arguments);
    if (result.status != SW_OK)
        return;
    if (call->number == SW_SYS_HANDLE_CLOSE)
        forget((handle_t)arguments[0]);
    take_results(call, arguments, &result);
}

/* ---- sequences random steps seldom find */

static handle_t made(uint32_t number, uint64_t first, uint64_t second)
{
    struct result result = call_number(number, (const uint64_t[8]){ first, second });

    return result.status == SW_OK ? (handle_t)result.out[0] : 0;
}

/* What a worker took to have nothing left. */
static handle_t taken[1200];
static uint32_t taken_count;

enum scarce { HANDLES, CALL_OBJECTS, MEMORY, SCARCE };

/* Takes all the job may have of one thing. */
static void take_all(enum scarce kind)
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

static void give_back(void)
{
    while (taken_count > 0)
        close_one(taken[--taken_count]);
}

/* One time in a few the address of something is wild. */
static uint64_t maybe_wild(void *good)
{
    return chance(8) ? wild_address() : (uintptr_t)good;
}

/* A channel served here, calls posted to it, and one of the ways they may end. */
static void call_life(void)
{
    enum { CANCEL_EARLY, CANCEL, LEAVE, CLOSE_CONNECTION, CLOSE_CHANNEL, LARGE, TWICE, REPLACE,
           QUEUED_REPLACE, PLAIN, WAYS, FULL };
    uint32_t way = chance(2) ? FULL : below(WAYS);
    handle_t port = made(SW_SYS_PORT_CREATE, 0, 0);
    handle_t done = made(SW_SYS_PORT_CREATE, 0, 0);
    handle_t channel = made(SW_SYS_CHANNEL_CREATE, 0, 0);
    handle_t call = made(SW_SYS_CALL_CREATE, 0, 0);
    handle_t connection = made(SW_SYS_CONNECTION_CREATE, channel, below(100));
    struct sw_call *buffers = room(sizeof *buffers);
    struct sw_wait *wait = room(sizeof *wait);
    struct sw_reply *reply = room(sizeof *reply);

    fill_struct(STRUCT_sw_wait, wait, sizeof *wait);
    memset(reply, 0, sizeof *reply);
    *buffers = (struct sw_call){ .request = maybe_wild(room(64)),
                                 .request_length = 64,
                                 .reply = maybe_wild(room(64)),
                                 .reply_capacity = 64,
                                 .data = maybe_wild(room(4096)),
                                 .data_length = 4096,
                                 .flags = SW_CALL_DATA_IN | SW_CALL_DATA_OUT };
    if (chance(3))
        buffers->flags = 8;
    if (chance(30)) {
        buffers->send_count = 1;
        buffers->send[0] = chance(80) ? live_handle(SW_TYPE_EVENT) : choose_handle(0, false);
    }
    const uint64_t post[8] = { call, connection, (uintptr_t)buffers, done, 2,
                               chance(80) ? SW_NEVER : soon() };
    const uint64_t collect[8] = { call, (uintptr_t)buffers };
    const uint64_t serve_it[8] = { channel, port, 1 };
    const uint64_t leave[8] = { channel };
    if (chance(90))
        call_number(SW_SYS_CHANNEL_SERVE, serve_it);
    call_number(SW_SYS_CALL_POST, post);
    if (way == CANCEL_EARLY)
        call_number(SW_SYS_CALL_CANCEL, (const uint64_t[8]){ call });
    struct result got = call_number(SW_SYS_PORT_WAIT,
                                    (const uint64_t[8]){ port, (uintptr_t)wait, 0 });
    if (got.status == SW_OK && wait->event.kind == SW_EVENT_MESSAGE) {
        uint64_t token = wait->event.token;

        take_event(&wait->event);
        call_number(SW_SYS_CALL_READ, (const uint64_t[8]){ token, below(2), PICK(0, 8, 60, 9000),
                                                           maybe_wild(room(64)), 32 });
        call_number(SW_SYS_CALL_WRITE, (const uint64_t[8]){ token, PICK(0, 100, 4090, 5000),
                                                            maybe_wild(room(64)), 32 });
        switch (way) {
        case CANCEL: call_number(SW_SYS_CALL_CANCEL, (const uint64_t[8]){ call }); break;
        case LEAVE: call_number(SW_SYS_CHANNEL_LEAVE, leave); break;
        case CLOSE_CONNECTION: close_one(connection); break;
        case CLOSE_CHANNEL: close_one(channel); break;
        case LARGE: reply->length = 10000; break;
        case FULL: /* no room for what the answer brings */
            reply->send_count = 1;
            reply->send[0] = live_handle(SW_TYPE_EVENT);
            take_all(HANDLES);
            break;
        default: break;
        }
        reply->data = maybe_wild(room(64));
        if (chance(5))
            reply->reserved = 1;
        if (chance(30) && way != FULL) {
            reply->length = reply->length ? reply->length : 16;
            reply->send_count = 1;
            reply->send[0] = chance(50) ? live_handle(SW_TYPE_EVENT) : choose_handle(0, false);
        }
        const uint64_t answer[8] = { token, maybe_wild(reply) };
        if (chance(50))
            call_number(SW_SYS_REPLY, answer);
        else
            call_number(SW_SYS_REPLY_WAIT, (const uint64_t[8]){ token, answer[1], port,
                                                                (uintptr_t)wait, 0 });
        if (way == FULL)
            call_number(SW_SYS_CALL_COLLECT, collect);
        give_back();
        if (way == TWICE)
            call_number(SW_SYS_REPLY, answer);
    }
    if (way == REPLACE || way == QUEUED_REPLACE) {
        struct result first = call_number(SW_SYS_CALL_COLLECT, collect);

        if (way == QUEUED_REPLACE && first.status == SW_OK)
            call_number(SW_SYS_CALL_POST, post);
        call_number(SW_SYS_CHANNEL_LEAVE, leave);
        call_number(SW_SYS_CHANNEL_SERVE, serve_it);
        if (way == REPLACE)
            call_number(SW_SYS_CALL_POST, post);
        call_number(SW_SYS_CONNECTION_ACCEPT, (const uint64_t[8]){ connection });
    }
    call_number(SW_SYS_PORT_WAIT, (const uint64_t[8]){ done, (uintptr_t)wait, 0 });
    struct result end = call_number(SW_SYS_CALL_COLLECT, collect);
    if (end.status == SW_OK) {
        for (uint32_t i = 0; i < buffers->received_count && i < SW_HANDLES_MAX; i++)
            keep_handle(buffers->received[i]);
    }
    keep_handle(port);
    keep_handle(done);
    if (way != CLOSE_CHANNEL)
        keep_handle(channel);
    if (way != CLOSE_CONNECTION)
        keep_handle(connection);
    keep_handle(call);
}

/* An event bound to a port, twice, set, seen, unbound. */
static void event_life(void)
{
    handle_t port = made(SW_SYS_PORT_CREATE, 0, 0);
    handle_t event = made(SW_SYS_EVENT_CREATE, 0, 0);
    struct sw_wait *wait = room(sizeof *wait);
    const uint64_t bind[8] = { port, event, PICK(1, 6, UINT64_MAX), 3 };

    memset(wait, 0, sizeof *wait);
    call_number(SW_SYS_PORT_BIND, bind);
    call_number(SW_SYS_PORT_BIND, bind);
    call_number(SW_SYS_EVENT_UPDATE, (const uint64_t[8]){ event, 0, 1 + below(8) });
    call_number(SW_SYS_PORT_WAIT, (const uint64_t[8]){ port, (uintptr_t)wait, soon() });
    call_number(SW_SYS_PORT_UNBIND, (const uint64_t[8]){ port, event });
    keep_handle(port);
    keep_handle(event);
}

/* Handles the own job gives: to this process, and to what it keeps. */
static void find_handles(void)
{
    struct result process = call_number(SW_SYS_JOB_FIND, (const uint64_t[8]){ kept[0], own_pid });
    struct result back = call_number(SW_SYS_JOB_KEPT, (const uint64_t[8]){ kept[0], 2 });

    if (process.status == SW_OK)
        close_one((handle_t)process.out[0]);
    if (back.status == SW_OK)
        close_one((handle_t)back.out[0]);
}

/* A job that keeps handles. */
static void job_life(void)
{
    handle_t job = made(SW_SYS_JOB_CREATE, kept[0], (uintptr_t)memset(room(64), 0, 64));
    uint64_t slot = PICK(0, 1, 5, SW_KEPT_SLOTS - 1, SW_KEPT_SLOTS);

    call_number(SW_SYS_JOB_KEEP, (const uint64_t[8]){ job, slot, live_handle(0) });
    struct result back = call_number(SW_SYS_JOB_KEPT, (const uint64_t[8]){ job, slot });
    if (back.status == SW_OK)
        keep_handle((handle_t)back.out[0]);
    if (job)
        keep_handle(job);
    call_number(SW_SYS_JOB_KEEP, (const uint64_t[8]){ kept[0], 2, live_handle(SW_TYPE_EVENT) });
    find_handles();
}

/* Waits that last, so that an interrupt, a wake or a second waiter finds them. */
static void long_waits(void)
{
    static handle_t reader, writer, port;
    uint64_t deadline = sw_clock_deadline(4 * SW_MILLISECOND);
    struct sw_wait *wait = room(sizeof *wait);

    if (!reader) {
        struct result pipe = call_number(SW_SYS_PIPE_CREATE, (const uint64_t[8]){ SW_PAGE, 0 });

        if (pipe.status != SW_OK)
            return;
        reader = (handle_t)pipe.out[0];
        writer = (handle_t)pipe.out[1];
        port = made(SW_SYS_PORT_CREATE, 0, 0);
    }
    memset(wait, 0, sizeof *wait);
    switch (below(4)) {
    case 0:
        call_number(SW_SYS_PIPE_READ, (const uint64_t[8]){ reader, (uintptr_t)room(4096), 4096,
                                                           deadline });
        break;
    case 1:
        for (int i = 0; i < 2; i++)
            call_number(SW_SYS_PIPE_WRITE, (const uint64_t[8]){ writer, (uintptr_t)room(4096),
                                                                4096, deadline });
        call_number(SW_SYS_PIPE_READ, (const uint64_t[8]){ reader, (uintptr_t)room(4096), 4096,
                                                           deadline });
        break;
    case 2:
        call_number(SW_SYS_PORT_WAIT, (const uint64_t[8]){ port, (uintptr_t)wait, deadline });
        break;
    default:
        call_number(SW_SYS_FUTEX_WAIT, (const uint64_t[8]){ (uintptr_t)&futex_words[below(8)], 0,
                                                            deadline });
    }
}

/* With authority: what only the root job and devices can do. */
static void machine_life(void)
{
    struct sw_session *session = room(sizeof *session);
    handle_t device = live_handle(SW_TYPE_DEVICE);

    if (!authority)
        return;
    fill_struct(STRUCT_sw_session, session, sizeof *session);
    struct result made_session = call_number(
        SW_SYS_JOB_CREATE_SESSION, (const uint64_t[8]){ authority, kept[0], maybe_wild(session) });
    if (made_session.status == SW_OK)
        keep_handle((handle_t)made_session.out[0]);
    handle_t memory = made(SW_SYS_MEMORY_CREATE, SW_PAGE, 0);
    if (chance(90))
        call_number(SW_SYS_MEMORY_SEAL, (const uint64_t[8]){ memory });
    struct result minted = call_number(SW_SYS_MEMORY_MINT,
                                       (const uint64_t[8]){ authority, memory });
    if (minted.status == SW_OK)
        keep_handle((handle_t)minted.out[0]);
    call_number(SW_SYS_CRASH_READ, (const uint64_t[8]){ authority, below(2), maybe_wild(room(512)),
                                                        512 });
    call_number(SW_SYS_LOG_READ, (const uint64_t[8]){ authority, 0, maybe_wild(room(512)), 512 });
    call_number(SW_SYS_ENTROPY_ADD, (const uint64_t[8]){ authority, maybe_wild(room(64)),
                                                         PICK(1, 64, 4096, 5000) });
    call_number(SW_SYS_EARLY_READ, (const uint64_t[8]){ authority });
    keep_handle(memory);

    memory = made(SW_SYS_MEMORY_CREATE, 2 * SW_PAGE, 0);
    call_number(SW_SYS_DEVICE_CLAIM, (const uint64_t[8]){ device });
    for (int i = 0; i < 4; i++) {
        call_number(SW_SYS_DEVICE_READ, (const uint64_t[8]){ device, 0, 4 });
        call_number(SW_SYS_DEVICE_WRITE, (const uint64_t[8]){ device, PICK(8, 0x10, 0x1000), 4 });
        call_number(SW_SYS_DEVICE_ACK, (const uint64_t[8]){ device });
        call_number(SW_SYS_DEVICE_PIN, (const uint64_t[8]){ device, memory, 0, SW_PAGE,
                                                            maybe_wild(room(64)) });
        call_number(SW_SYS_MEMORY_DECOMMIT, (const uint64_t[8]){ memory, 0, SW_PAGE });
        if (chance(80))
            call_number(SW_SYS_DEVICE_UNPIN, (const uint64_t[8]){ device, memory });
    }
    call_number(SW_SYS_DEVICE_RESET, (const uint64_t[8]){ device });
    call_number(SW_SYS_DEVICE_RELEASE, (const uint64_t[8]){ device });
    keep_handle(memory);

    /* Another holds the serial line: the polled console is busy. */
    if (!chance(10) ||
        call_number(SW_SYS_DEVICE_CLAIM, (const uint64_t[8]){ uart }).status != SW_OK)
        return;
    call_number(SW_SYS_EARLY_WRITE, (const uint64_t[8]){ authority, (uintptr_t)room(8), 0 });
    call_number(SW_SYS_EARLY_READ, (const uint64_t[8]){ authority });
    call_number(SW_SYS_DEVICE_RELEASE, (const uint64_t[8]){ uart });
}

/* Memory of one's own, mapped, protected, filled, sealed, gone. */
static void memory_life(void)
{
    handle_t memory = made(SW_SYS_MEMORY_CREATE, 4 * SW_PAGE, below(2));
    uint64_t page = arena_page();

    call_number(SW_SYS_MEMORY_COMMIT, (const uint64_t[8]){ memory, 0, SW_PAGE });
    call_number(SW_SYS_MEMORY_WRITE, (const uint64_t[8]){ memory, 8, (uintptr_t)room(64), 64 });
    call_number(SW_SYS_MEMORY_MAP, (const uint64_t[8]){ memory, page, 0, SW_PAGE, 3 });
    if (chance(30))
        call_number(SW_SYS_MEMORY_SEAL, (const uint64_t[8]){ memory });
    call_number(SW_SYS_MEMORY_PROTECT, (const uint64_t[8]){ page, SW_PAGE, below(4) });
    call_number(SW_SYS_MEMORY_UNMAP, (const uint64_t[8]){ page, SW_PAGE });
    call_number(SW_SYS_MEMORY_DECOMMIT, (const uint64_t[8]){ memory, 0, SW_PAGE });
    call_number(SW_SYS_MEMORY_READ, (const uint64_t[8]){ memory, 0, (uintptr_t)room(64), 64 });
    if (chance(50))
        call_number(SW_SYS_MEMORY_SEAL, (const uint64_t[8]){ memory });
    call_number(SW_SYS_MEMORY_MAP, (const uint64_t[8]){ memory, page, 0, SW_PAGE, 1 });
    keep_handle(memory);
}

/* A pipe, both ends, some bytes; now and then one end goes first. */
static void pipe_life(void)
{
    struct result pipe = call_number(SW_SYS_PIPE_CREATE,
                                     (const uint64_t[8]){ PICK(1, 4096, 65536), below(2) });
    if (pipe.status != SW_OK)
        return;
    handle_t reader = (handle_t)pipe.out[0], writer = (handle_t)pipe.out[1];

    call_number(SW_SYS_PIPE_WRITE, (const uint64_t[8]){ writer, (uintptr_t)room(4096),
                                                        PICK(1, 100, 4096), soon() });
    if (chance(20)) {
        close_one(reader);
        reader = 0;
        call_number(SW_SYS_PIPE_WRITE, (const uint64_t[8]){ writer, (uintptr_t)room(8), 8, 0 });
    } else {
        call_number(SW_SYS_PIPE_READ, (const uint64_t[8]){ reader, (uintptr_t)room(4096), 4096,
                                                           soon() });
    }
    call_number(SW_SYS_PIPE_INFO, (const uint64_t[8]){ writer });
    if (reader)
        keep_handle(reader);
    keep_handle(writer);
}

static void process_life(void)
{
    struct sw_spawn *spawn = room(sizeof *spawn);
    handle_t job = made(SW_SYS_JOB_CREATE, kept[0], (uintptr_t)memset(room(64), 0, 64));

    fill_spawn(spawn);
    bool ends = chance(75); /* by itself: the program does without its argument */
    if (ends)
        ((struct sw_start *)(uintptr_t)spawn->start)->argument_count = 1;
    handle_t process = made(SW_SYS_PROCESS_CREATE, job ? job : kept[0], (uintptr_t)spawn);
    if (process && ends) {
        struct sw_process_info *info = room(sizeof *info);
        uint64_t until = sw_clock_deadline(5 * SW_MILLISECOND);

        do
            call_number(SW_SYS_PROCESS_INFO, (const uint64_t[8]){ process, (uintptr_t)info });
        while (info->state != SW_PROCESS_ENDED && sw_clock_monotonic() < until);
        if (info->state == SW_PROCESS_ENDED && info->status == 0)
            count_call(call_index(SW_SYS_PROCESS_EXIT), SW_OK);
        keep_handle(process);
    } else if (process) {
        switch (below(5)) {
        case 0: call_number(SW_SYS_PROCESS_KILL, (const uint64_t[8]){ process, 7 }); break;
        case 1: call_number(SW_SYS_JOB_INTERRUPT, (const uint64_t[8]){ job, 1 }); break;
        case 2: call_number(SW_SYS_JOB_STOP, (const uint64_t[8]){ job }); break;
        default: call_number(SW_SYS_JOB_KILL, (const uint64_t[8]){ job, 3 }); break;
        }
        keep_handle(process);
    }
    if (job)
        keep_handle(job);
}

static void thread_life(void)
{
    struct result thread = call_number(
        SW_SYS_THREAD_CREATE, (const uint64_t[8]){ (uintptr_t)thread_body,
                                                   (uintptr_t)scratch + SCRATCH_SIZE, 0, 0 });
    if (thread.status != SW_OK)
        return;
    count_call(call_index(SW_SYS_THREAD_EXIT), SW_OK);
    keep_handle((handle_t)thread.out[0]);
}

/* Steps while the worker's job has nothing left of something. */
static void starved(void)
{
    enum scarce kind = below(SCARCE);
    handle_t memory = made(SW_SYS_MEMORY_CREATE, 4 * SW_PAGE, 0);
    uint64_t page = ARENA + (ARENA_PAGES + 16) * SW_PAGE;

    call_number(SW_SYS_MEMORY_MAP, (const uint64_t[8]){ memory, page, 0, 4 * SW_PAGE, 3 });
    take_all(kind);
    for (uint32_t i = 0; i < 150; i++)
        step();
    if (kind == MEMORY) {
        /* Cutting a mapping in two needs a little memory, too; so does the first touch. */
        call_number(SW_SYS_MEMORY_READ, (const uint64_t[8]){ memory, 0, page, 64 });
        call_number(SW_SYS_MEMORY_PROTECT, (const uint64_t[8]){ page + SW_PAGE, SW_PAGE, 1 });
        call_number(SW_SYS_MEMORY_UNMAP, (const uint64_t[8]){ page + 2 * SW_PAGE, SW_PAGE });
        call_number(SW_SYS_MEMORY_MAP, (const uint64_t[8]){ memory, page + 8 * SW_PAGE, 0, SW_PAGE,
                                                            1 });
        event_life();
        machine_life();
    }
    find_handles();
    give_back();
    call_number(SW_SYS_MEMORY_UNMAP, (const uint64_t[8]){ page, 16 * SW_PAGE });
    keep_handle(memory);
}

/* ---- a worker */

static handle_t private_connection;
static volatile handle_t second_port; /* where the second thread waits */

/* The worker's second thread answers its own calls: in time, late, or not at all. */
static void *serve(void *channel_argument)
{
    handle_t channel = (handle_t)(uintptr_t)channel_argument, port;
    static struct sw_reply reply;
    static struct sw_wait wait;
    static uint8_t buffer[512];
    uint64_t token = 0;
    uint32_t number = 0, quiet = 0;

    if (sw_port_create(&port) != SW_OK || sw_channel_serve(channel, port, 9) != SW_OK)
        return NULL;
    second_port = port;
    for (;;) {
        wait.buffer = (uintptr_t)buffer;
        wait.capacity = sizeof buffer;
        status_t status = sw_reply_wait(token, &reply, port, &wait,
                                        sw_clock_deadline(SW_MILLISECOND));
        token = 0;
        if (status == SW_BAD_HANDLE)
            return NULL;
        if (status == SW_TIMED_OUT) { /* trouble for the long waits of the first thread */
            for (size_t i = 0; i < LENGTH(futex_words); i++)
                sw_futex_wake((uintptr_t)&futex_words[i], 1, NULL);
            if (++quiet % 16 == 0) {
                sw_job_interrupt(kept[0], SW_INTERRUPT_INT);
                sw_event_update(interrupt_event, UINT64_MAX, 0, NULL);
            }
        }
        if (status != SW_OK || wait.event.kind != SW_EVENT_MESSAGE)
            continue;
        for (uint32_t i = 0; i < wait.event.received_count; i++)
            sw_handle_close(wait.event.received[i]);
        token = wait.event.token;
        number++;
        if (number % 8 == 1)
            sw_clock_sleep(sw_clock_deadline(500 * SW_MICROSECOND));
        if (number % 16 == 2) {
            sw_channel_leave(channel);
            sw_channel_serve(channel, port, 9);
        }
    }
}

static bool prepare(uint64_t seed)
{
    struct sw_thread *server;
    struct sw_place place;
    struct sw_file_open_program_reply reply;
    handle_t channel;
    void *address;

    authority = sw_start_get("root");
    random_state = seed * 0x9e3779b97f4a7c15ull + 1;
    if (sw_mapping_map(sw_start_get("counts"), 0, sw_page_round(sizeof *counts),
                       SW_MAP_READ | SW_MAP_WRITE, &address) != SW_OK)
        return false;
    counts = address;
    uint64_t mapped;
    handle_t memory;
    /* Alone in its part of the address space: what overruns it faults. */
    if (sw_memory_create(SCRATCH_SIZE, SW_MEMORY_COMMIT, &memory) != SW_OK ||
        sw_memory_map(memory, ARENA + (1ull << 30), 0, SCRATCH_SIZE, SW_MAP_READ | SW_MAP_WRITE,
                      &mapped) != SW_OK)
        return false;
    sw_handle_close(memory);
    scratch = (uint8_t *)(uintptr_t)mapped;
    if (authority) {
        tiny_memory[LAYOUT_BUNDLE] = sw_start_get("bundle");
        tiny_memory[LAYOUT_RELOCATED] = sw_start_get("relocated");
        if (sw_memory_read(sw_start_get("tiny"), 0, &tiny, sizeof tiny, NULL) != SW_OK)
            return false;
    } else {
        if (sw_path_resolve(TINY, &place) != SW_OK ||
            sw_file_open_program(place.connection, place.path, place.length, &reply,
                                 &tiny_memory[0], &tiny_memory[1], &tiny_memory[2],
                                 &tiny_memory[3], sw_clock_deadline(10 * SW_SECOND)) != SW_OK)
            return false;
        tiny = reply.program;
    }
    kept[0] = sw_start_get("job");
    for (int i = 0; i < 3; i++)
        kept[1 + i] = tiny_memory[i];
    struct sw_process_info info;
    sw_process_info(0, &info);
    own_pid = info.pid;
    own_job = object_number(kept[0]);
    root_job = authority ? object_number(authority) : 0;
    handle_t myself;

    uart = sw_start_get("uart");
    if (sw_job_find(kept[0], own_pid, &myself) == SW_OK) {
        own_process = object_number(myself);
        sw_handle_close(myself);
    }
    if (sw_event_create(&interrupt_event) != SW_OK ||
        sw_process_on_interrupt(interrupt_event) != SW_OK)
        return false;
    for (size_t i = 0; i < SHARED; i++) {
        char name[16];

        snprintf(name, sizeof name, "shared/%u", (unsigned)i);
        handle_t handle = sw_start_get(name);
        if (handle)
            keep_handle(handle);
    }
    pool[SW_TYPE_JOB][0] = kept[0];
    pool[SW_TYPE_MEMORY][0] = tiny_memory[0];
    if (sw_channel_create(&channel) != SW_OK ||
        sw_connection_create(channel, 5, &private_connection) != SW_OK ||
        sw_thread_start(serve, (void *)(uintptr_t)channel, 0, &server) != SW_OK)
        return false;
    return true;
}

static int worker(uint64_t seed, uint32_t steps)
{
    static void (*const lives[])(void) = { call_life,  call_life,  memory_life, pipe_life,
                                           event_life, job_life,   process_life, process_life, thread_life,
                                           long_waits, long_waits, machine_life, machine_life };

    if (!prepare(seed))
        return 4;
    if (steps == 0) /* a crash record for crash_read */
        __builtin_trap();
    for (uint32_t i = 0; atomic_fetch_add(&counts->steps, 1) < steps * WORKERS; i++) {
        if (i % 32 == 0)
            lives[below(LENGTH(lives))]();
        if (i % 1024 == 0)
            starved();
        if (i % 512 == 0 && second_port) { /* somebody waits there: BUSY */
            struct sw_wait *wait = room(sizeof *wait);

            memset(wait, 0, sizeof *wait);
            call_number(SW_SYS_PORT_WAIT, (const uint64_t[8]){ second_port, (uintptr_t)wait, 0 });
        }
        if (i % 16 == 0) { /* the thread's own call, to the second thread */
            struct sw_call *call = room(sizeof *call);

            fill_struct(STRUCT_sw_call, call, sizeof *call);
            struct result result = call_number(
                SW_SYS_CALL, (const uint64_t[8]){ private_connection, (uintptr_t)call, soon() });
            if (result.status == SW_SERVER_REPLACED || result.status == SW_PEER_DIED)
                call_number(SW_SYS_CONNECTION_ACCEPT, (const uint64_t[8]){ private_connection });
        }
        step();
    }
    count_call(call_index(SW_SYS_PROCESS_EXIT), SW_OK);
    exit(0);
}

/* ---- the first process */

static handle_t shared[SHARED];
static uint32_t shared_count;

static void share(handle_t handle)
{
    if (handle && shared_count < SHARED)
        shared[shared_count++] = handle;
}

static void make_shared(handle_t job)
{
    handle_t first, second;

    for (int i = 0; i < 2; i++) {
        if (sw_channel_create(&first) == SW_OK) {
            share(first);
            if (sw_connection_create(first, 77, &second) == SW_OK)
                share(second);
        }
        if (sw_memory_create(16 * SW_PAGE, 0, &first) == SW_OK)
            share(first);
        if (sw_pipe_create(SW_PAGE, 0, &first, &second) == SW_OK) {
            share(first);
            share(second);
        }
        if (sw_event_create(&first) == SW_OK)
            share(first);
        if (sw_job_create(job, &(struct sw_limits){ .processes = 20 }, &first) == SW_OK)
            share(first);
    }
    if (!authority)
        return;
    share(authority);
    const struct sw_start_handle *entry;
    for (size_t i = 0, devices = 0; (entry = sw_start_handle_at(i)); i++) {
        struct sw_device_info info;

        if (strncmp(sw_start_text(entry->offset), "device/", 7) != 0 ||
            sw_device_info(entry->handle, &info) != SW_OK)
            continue;
        if (info.kind == SW_DEVICE_UART)
            uart = entry->handle;
        if (devices < 6 &&
            ((info.kind == SW_DEVICE_VIRTIO_MMIO && info.virtio_id == 0) ||
             info.kind == SW_DEVICE_RTC)) {
            share(entry->handle);
            devices++;
        }
    }
}

static void close_shared(void)
{
    while (shared_count > 0) {
        handle_t handle = shared[--shared_count];
        struct result info = invoke(SW_SYS_HANDLE_INFO, (const uint64_t[8]){ handle });

        if (info.out[0] == SW_TYPE_JOB && handle != authority)
            sw_job_kill(handle, 1);
        if (handle != authority && info.out[0] != SW_TYPE_DEVICE)
            sw_handle_close(handle);
    }
}

/* What a machine of its own is made of. */
static struct sw_program self;
static handle_t bundle_memory, relocated_memory, tiny_program;

static status_t start_worker(handle_t job, handle_t memory, uint64_t seed, const char *steps,
                             handle_t *out_process)
{
    struct sw_spawn_handle handles[SHARED + 7] = {
        { .name = "counts", .handle = memory, .rights = SW_RIGHTS_SAME }
    };
    static char names[SHARED][16];
    char number[24];
    const char *arguments[] = { "syscall_fuzz", "worker", number, steps, NULL };
    struct sw_spawn_options options = { .job = job,
                                        .arguments = arguments,
                                        .handles = handles,
                                        .handle_count = 1 + shared_count };

    sw_format(number, sizeof number, "%llu", (unsigned long long)seed);
    for (uint32_t i = 0; i < shared_count; i++) {
        sw_format(names[i], sizeof names[i], "shared/%u", (unsigned)i);
        handles[1 + i] = (struct sw_spawn_handle){ .name = names[i],
                                                   .handle = shared[i],
                                                   .rights = SW_RIGHTS_SAME };
    }
    if (!authority)
        return sw_spawn_program(sw_start_argument(0), &options, out_process, NULL);
    struct sw_spawn_handle *more = handles + options.handle_count;
    more[0] = (struct sw_spawn_handle){ .name = "root", .handle = authority };
    more[1] = (struct sw_spawn_handle){ .name = "job", .handle = job };
    more[2] = (struct sw_spawn_handle){ .name = "bundle", .handle = bundle_memory };
    more[3] = (struct sw_spawn_handle){ .name = "relocated", .handle = relocated_memory };
    more[4] = (struct sw_spawn_handle){ .name = "tiny", .handle = tiny_program };
    more[5] = (struct sw_spawn_handle){ .name = "uart", .handle = uart };
    for (int i = 0; i < 6; i++)
        more[i].rights = SW_RIGHTS_SAME;
    options.handle_count += uart ? 6 : 5;
    options.bare = true;
    const handle_t image[4] = { [LAYOUT_BUNDLE] = bundle_memory,
                                [LAYOUT_RELOCATED] = relocated_memory };
    return sw_spawn_loaded(&self, image, &options, out_process, NULL);
}

static const struct sw_limits worker_limits = { .memory = 24 << 20,
                                                .handles = 600,
                                                .threads = 60,
                                                .processes = 40,
                                                .calls = 60 };

static handle_t pieces[4096];

/* This process's handle table grows to what take_all_memory may need, and stays so. */
static void grow_table(void)
{
    uint32_t count = 0;

    while (count < LENGTH(pieces) && sw_event_create(&pieces[count]) == SW_OK)
        count++;
    while (count > 0)
        sw_handle_close(pieces[--count]);
}

/* For a moment the machine has no free page. */
static void take_all_memory(void)
{
    uint32_t count = 0;
    uint64_t size = 1 << 20;

    while (count < LENGTH(pieces) && size >= SW_PAGE) {
        if (sw_memory_create(size, SW_MEMORY_COMMIT, &pieces[count]) == SW_OK)
            count++;
        else
            size /= 4;
    }
    while (count < LENGTH(pieces) && sw_event_create(&pieces[count]) == SW_OK)
        count++;
    sw_clock_sleep(sw_clock_deadline(100 * SW_MILLISECOND));
    while (count > 0)
        sw_handle_close(pieces[--count]);
}

/* For a moment the job may take nothing more of one thing. */
static void tighten(handle_t job)
{
    struct sw_limits limits = worker_limits;
    struct sw_job_info info;

    if (sw_job_info(job, &info) != SW_OK)
        return;
    switch (below(authority ? 6 : 5)) {
    case 0: limits.memory = info.memory_used; break;
    case 1: limits.handles = info.handles; break;
    case 2: limits.threads = info.threads; break;
    case 3: limits.processes = info.processes; break;
    case 4: limits.calls = info.calls ? info.calls : 1; break;
    default: take_all_memory(); return;
    }
    sw_job_limit(job, &limits);
    sw_clock_sleep(sw_clock_deadline(20 * SW_MILLISECOND));
    sw_job_limit(job, &worker_limits);
}

static void print_counts(void)
{
    for (size_t call = 0; call < CALLS; call++) {
        for (size_t error = 0; error < ERRORS; error++) {
            uint32_t count = atomic_load(&counts->count[call][error]);
            bool documented = error == 0;

            for (uint32_t i = 0; i < grammar[call].error_count; i++)
                documented = documented || grammar[call].errors[i] == error;
            if (count || documented)
                say("%s %s %s %u\n", documented ? "call" : "other", grammar[call].name,
                    grammar_errors[error], (unsigned)count);
        }
    }
}

/* Starts the workers, troubles them until all have made their steps, and ends what is left. */
static bool run_workers(uint64_t seed, const char *steps, handle_t parent, handle_t memory)
{
    handle_t job, jobs[WORKERS] = { 0 }, processes[WORKERS] = { 0 };
    uint32_t running = 0, started = 0;
    bool ok = true;

    atomic_store(&counts->steps, 0);
    if (sw_job_create(parent, &(struct sw_limits){ 0 }, &job) != SW_OK)
        return false;
    make_shared(job);
    for (int i = 0; ok && i < WORKERS; i++) {
        ok = sw_job_create(job, &worker_limits, &jobs[i]) == SW_OK &&
             start_worker(jobs[i], memory, seed * 1000 + started++, steps, &processes[i]) == SW_OK;
        running += ok;
    }
    while (ok && running > 0) {
        uint32_t i = below(WORKERS);
        int32_t status;

        sw_clock_sleep(sw_clock_deadline(10 * SW_MILLISECOND));
        if (!processes[i])
            continue;
        if (sw_process_wait(processes[i], 0, &status) == SW_OK) {
            sw_handle_close(processes[i]);
            processes[i] = 0;
            running--;
            /* It died, by a fault of its own or an interrupt: another takes its place. */
            if (status != 0) {
                atomic_fetch_add(&counts->deaths, 1);
                sw_job_kill(jobs[i], 1);
                sw_handle_close(jobs[i]);
                jobs[i] = 0;
                if (started < 400 && sw_job_create(job, &worker_limits, &jobs[i]) == SW_OK &&
                    start_worker(jobs[i], memory, seed * 1000 + started++, steps,
                                 &processes[i]) == SW_OK)
                    running++;
            }
            continue;
        }
        if (chance(30))
            tighten(jobs[i]);
        else if (chance(20))
            sw_job_interrupt(jobs[i], SW_INTERRUPT_INT);
        else if (chance(10)) {
            sw_job_stop(jobs[i]);
            sw_job_continue(jobs[i]);
        }
    }
    sw_job_kill(job, 1);
    close_shared();
    for (int i = 0; i < WORKERS; i++) {
        if (jobs[i])
            sw_handle_close(jobs[i]);
        if (processes[i])
            sw_handle_close(processes[i]);
    }
    sw_handle_close(job);
    say("fuzz %s: seed %llu, %u workers, %u deaths\n", ok ? "done" : "did not start",
        (unsigned long long)seed, (unsigned)started, (unsigned)atomic_load(&counts->deaths));
    return ok;
}

/* ---- a machine of its own */

/* Lays out the bundle's programs `syscall_fuzz` and `tiny`, as keeper does. */
static bool lay_out(void)
{
    uint64_t size, committed, done;
    uint32_t sealed, count;
    void *bundle, *relocated;
    size_t pages = 0, filled = 0;
    struct sw_program small;

    bundle_memory = sw_start_get("bundle");
    if (sw_memory_info(bundle_memory, &size, &committed, &sealed) != SW_OK ||
        sw_mapping_map(bundle_memory, 0, size, SW_MAP_READ, &bundle) != SW_OK)
        return false;
    const struct bundle_entry *entries = bundle_entries(bundle, size, &count);
    for (uint32_t i = 0; entries && i < count; i++)
        pages += layout_relocated_pages(bundle, &entries[i]);
    if (!entries || sw_mapping_create(pages * SW_PAGE, 0, &relocated, &relocated_memory) != SW_OK)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = 0;
        struct sw_program *program = strcmp(entries[i].name, "tiny") == 0 ? &small : &self;

        if (strcmp(entries[i].name, "keeper") == 0)
            continue;
        sw_random(&word, sizeof word);
        if (layout_program(bundle, &entries[i], layout_base(entries[i].span, word),
                           (uint8_t *)relocated + filled, filled, program) != SW_OK)
            return false;
        filled += layout_relocated_pages(bundle, &entries[i]) * (size_t)SW_PAGE;
    }
    sw_mapping_unmap(relocated, pages * SW_PAGE);
    sw_mapping_unmap(bundle, size);
    return sw_memory_seal(relocated_memory) == SW_OK &&
           sw_memory_create(sizeof small, 0, &tiny_program) == SW_OK &&
           sw_memory_write(tiny_program, 0, &small, sizeof small, &done) == SW_OK;
}

struct state {
    uint64_t pages, handles, objects;
};

static struct state measure(void)
{
    struct sw_system_info info = { 0 };
    struct state state = { 0 };

    sw_system_info(&info);
    state.pages = info.ram_free / SW_PAGE;
    state.handles = info.handles;
    for (size_t i = 0; i < LENGTH(info.objects); i++)
        state.objects += info.objects[i];
    return state;
}

static const char *option(const char *name, const char *otherwise)
{
    const char *word;

    for (size_t i = 0; (word = sw_start_argument(i)); i++) {
        if (strncmp(word, name, strlen(name)) == 0)
            return word + strlen(name);
    }
    return otherwise;
}

static int machine(handle_t memory)
{
    uint64_t seed = strtoull(option("init.seed=", "1"), NULL, 10);
    const char *steps = option("init.steps=", "100000");

    random_state = seed + 1;
    handle_t crashing;
    int32_t status;

    /* A first, short round takes what is only taken once. */
    grow_table();
    take_all_memory();
    if (!lay_out() || !run_workers(seed + 1, "2000", authority, memory))
        say("fuzz cannot start\n");
    if (start_worker(authority, memory, 0, "0", &crashing) == SW_OK) {
        sw_process_wait(crashing, SW_NEVER, &status);
        sw_handle_close(crashing);
    }
    sw_clock_sleep(sw_clock_deadline(SW_SECOND));
    struct state before = measure();
    run_workers(seed, steps, authority, memory);
    print_counts();
    struct state after = { 0 };
    for (int i = 0; i < 20; i++) { /* what was killed may take a moment to go */
        sw_clock_sleep(sw_clock_deadline(100 * SW_MILLISECOND));
        after = measure();
        if (memcmp(&before, &after, sizeof before) == 0)
            break;
    }
    say("fuzz leak: pages %llu -> %llu, handles %llu -> %llu, objects %llu -> %llu\n",
        (unsigned long long)before.pages, (unsigned long long)after.pages,
        (unsigned long long)before.handles, (unsigned long long)after.handles,
        (unsigned long long)before.objects, (unsigned long long)after.objects);
    say("fuzz ends: %s\n", memcmp(&before, &after, sizeof before) == 0 ? "clean" : "LEAK");
    sw_power(authority, SW_POWER_OFF);
    sw_clock_sleep(SW_NEVER);
    return 0;
}

int main(int argc, char **argv)
{
    handle_t memory;
    void *address;

    if (argc == 4 && !strcmp(argv[1], "worker"))
        return worker(strtoull(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10));
    authority = sw_start_get("root");
    if (sw_mapping_create(sw_page_round(sizeof *counts), SW_MEMORY_COMMIT, &address, &memory) !=
        SW_OK)
        return 1;
    counts = address;
    if (authority)
        return machine(memory);
    if (argc != 3) {
        say("usage: syscall_fuzz SEED STEPS\n");
        return 2;
    }
    random_state = strtoull(argv[1], NULL, 10) + 1;
    bool ok = run_workers(strtoull(argv[1], NULL, 10), argv[2], sw_start_get("job"), memory);
    print_counts();
    return !ok;
}
