/* What to call with: random choices, live handles by type, good and bad values. See fuzz.h. */
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/start.h>

#define GRAMMAR_TABLES
#include "fuzz.h"

#define STALE 16

uint64_t random_state;

uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1dull;
}

uint32_t below(uint32_t limit)
{
    return (uint32_t)((next_random() >> 32) % limit);
}

bool chance(uint32_t percent)
{
    return below(100) < percent;
}

uint64_t pick(const uint64_t *values, uint32_t count)
{
    return values[below(count)];
}

struct result invoke(uint32_t number, const uint64_t arguments[8])
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
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4)
                     : "r"(x5), "r"(x6), "r"(x7), "r"(x8)
                     : "memory", "cc");
    return (struct result){ (status_t)x0, { x1, x2, x3, x4 } };
}

size_t call_index(uint32_t number)
{
    size_t i = 0;

    while (i < GRAMMAR_CALLS && grammar[i].number != number)
        i++;
    return i;
}

void count_call(size_t call, status_t status)
{
    uint32_t error = status <= 0 ? (uint32_t)-status : GRAMMAR_ERRORS;

    if (error >= GRAMMAR_ERRORS) {
        say("bad status %d of %s\n", (int)status, grammar[call].name);
        exit(3);
    }
    atomic_fetch_add(&counts->count[call][error], 1);
}

struct result call_number(uint32_t number, const uint64_t arguments[8])
{
    struct result result = invoke(number, arguments);

    count_call(call_index(number), result.status);
    return result;
}

handle_t made(uint32_t number, uint64_t first, uint64_t second)
{
    struct result result = call_number(number, (const uint64_t[8]){ first, second });

    return result.status == SW_OK ? (handle_t)result.out[0] : 0;
}

handle_t pool[TYPES][POOL];
handle_t kept[4]; /* never closed: the job and what programs are made of */
static handle_t stale[STALE];
uint64_t tokens[TOKENS];
uint8_t *scratch; /* SCRATCH_SIZE bytes, nothing mapped behind them */
uint32_t futex_words[8];
struct sw_program tiny;
handle_t tiny_memory[4];
handle_t uart;            /* claimed in one sequence only: the result goes over it */
handle_t interrupt_event; /* interrupts of the job set it */
uint32_t own_pid;
uint64_t own_process, own_job, root_job; /* object numbers */

uint64_t object_number(handle_t handle)
{
    struct result info = invoke(SW_SYS_HANDLE_INFO, (const uint64_t[8]){ handle });

    return info.status == SW_OK ? info.out[2] : 0;
}

bool is_kept(handle_t handle)
{
    for (size_t i = 0; i < LENGTH(kept); i++) {
        if (kept[i] == handle && handle)
            return true;
    }
    return false;
}

void close_one(handle_t handle)
{
    if (!handle || is_kept(handle))
        return;
    stale[below(STALE)] = handle;
    call_number(SW_SYS_HANDLE_CLOSE, (const uint64_t[8]){ handle });
}

/* Puts a handle into the pool of its type. */
void keep_handle(handle_t handle)
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

/* A handle that was closed by number. */
void forget(handle_t handle)
{
    for (size_t type = 1; type < TYPES; type++) {
        for (size_t i = 0; i < POOL; i++) {
            if (pool[type][i] == handle)
                pool[type][i] = 0;
        }
    }
    stale[below(STALE)] = handle;
}

handle_t live_handle(uint32_t type)
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
    struct result result = call_number(SW_SYS_HANDLE_DUPLICATE,
                                       (const uint64_t[8]){ handle, next_random() & info.out[1] });

    if (result.status != SW_OK)
        return handle;
    if (last)
        close_one(last);
    return last = (handle_t)result.out[0];
}

handle_t choose_handle(uint32_t type, bool optional)
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

/* A thread that ends at once and needs no stack. */
__asm__(".pushsection .text.thread_body, \"ax\"\n"
        ".global thread_body\n"
        "thread_body: mov x0, xzr\n"
        "    mov x8, #13\n"
        "    svc #0\n"
        "    b .\n"
        ".popsection");
_Static_assert(SW_SYS_THREAD_EXIT == 13, "thread_body has the number");

uint64_t soon(void)
{
    return chance(40) ? 0 : sw_clock_deadline(below(200) * SW_MICROSECOND);
}

uint64_t arena_page(void)
{
    return ARENA + (uint64_t)below(ARENA_PAGES) * SW_PAGE;
}

/* An address the kernel must refuse, or a good one at an odd place. */
uint64_t wild_address(void)
{
    return PICK(0, 8, 0xfffffffffffff000, 0xffffffffc0000000, 1ull << 39, (1ull << 39) - 8,
                1ull << 63, (uintptr_t)scratch + SCRATCH_SIZE - 4,
                (uintptr_t)scratch + SCRATCH_SIZE, (uintptr_t)&wild_address, (uintptr_t)sw_info(),
                (uintptr_t)scratch + 1 + below(64), next_random(), arena_page());
}

static uint64_t good_number(enum grammar_role role)
{
    switch (role) {
    case ROLE_deadline:
        return soon();
    case ROLE_size:
        return PICK(1, SW_PAGE, SW_PAGE, 2 * SW_PAGE, 65536, 1 << 20);
    case ROLE_offset:
        return PICK(0, 0, 0, SW_PAGE, 4, 512);
    case ROLE_address:
        return chance(30) ? 0 : arena_page();
    case ROLE_length:
        return PICK(0, 1, 16, 64, 512, SW_PAGE);
    case ROLE_protection:
        return PICK(1, 1, 3, 3, 5) | (chance(10) ? SW_MAP_COMMITTED : 0);
    case ROLE_rights:
        return chance(40) ? SW_RIGHTS_SAME : next_random() & 0x3fff;
    case ROLE_capacity:
        return PICK(1, 100, SW_PAGE, 65536, 1 << 20);
    case ROLE_flags:
        return below(2);
    case ROLE_slot:
        return below(SW_KEPT_SLOTS);
    case ROLE_pid:
        return chance(40) ? own_pid : own_pid + below(40);
    case ROLE_kind:
        return PICK(1, 2, 4);
    case ROLE_area:
        return below(2);
    case ROLE_width:
        return PICK(1, 2, 4, 8);
    case ROLE_count:
        return below(8);
    case ROLE_first:
        return 0;
    case ROLE_level:
        return SW_LOG_DEBUG;
    case ROLE_index:
        return 0;
    case ROLE_expected:
        return chance(60) ? 0 : 1;
    case ROLE_word:
        return chance(95) ? (uintptr_t)&futex_words[below(8)] : 0;
    case ROLE_entry:
        return (uintptr_t)thread_body;
    case ROLE_stack:
        return (uintptr_t)scratch + SCRATCH_SIZE;
    case ROLE_token:
        return tokens[below(TOKENS)];
    case ROLE_limit:
        return PICK(0, SW_MILLISECOND, SW_SECOND);
    case ROLE_caps:
        return SW_CAP_ALL;
    case ROLE_mask:
        return PICK(1, 7, UINT64_MAX);
    case ROLE_status:
        return below(3);
    default:
        return PICK(0, 1, 2, 7, next_random());
    }
}

uint64_t choose_number(enum grammar_role role, enum grammar_kind kind)
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
    uint64_t value =
        PICK(0, 1, 3, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 1ull << 40,
             1ull << 63, UINT64_MAX, UINT64_MAX - SW_PAGE + 1, next_random());
    return kind == I32 || chance(50) ? value & 0xffffffff : value;
}

/* Room for `size` bytes in scratch, 8-byte aligned. */
void *room(size_t size)
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

void fill_spawn(struct sw_spawn *spawn)
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
        transfers[i] =
            (struct sw_transfer){ choose_handle(0, false), SW_RIGHTS_SAME, chance(10), 0 };
    if (chance(10))
        program->segments[below(6)].size ^= 1ull << below(40);
    if (chance(5))
        spawn->memory[below(4)] = live_handle(SW_TYPE_MEMORY);
    if (chance(3))
        spawn->start_length = (uint32_t)PICK(0, 1, 262144, 262145, UINT32_MAX);
}

/* Good content of a structure the kernel reads. */
void fill_struct(enum grammar_struct kind, void *place, size_t size)
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
    case STRUCT_sw_spawn:
        fill_spawn(place);
        break;
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

uint64_t choose_address(const struct grammar_argument *argument)
{
    size_t size = argument->size ? argument->size : 4096;
    void *place = room(size);

    if (chance(6))
        return wild_address();
    if (argument->kind != OUT)
        fill_struct(argument->structure, place, size);
    return (uintptr_t)place;
}
