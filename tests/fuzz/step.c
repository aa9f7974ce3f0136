/* One call at random, and what is done with its results. See fuzz.h. */
#include <swos/mapping.h>

#include "fuzz.h"

/* Events of a port: what came with a message is remembered. */
void take_event(const struct sw_event *event)
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

bool loops;

static bool is_worker(uint64_t process)
{
    for (size_t i = 0; i < WORKERS; i++) {
        if (process && atomic_load(&counts->workers[i]) == process)
            return true;
    }
    return false;
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
                     number == SW_SYS_JOB_KEPT || (number == SW_SYS_JOB_FIND && arguments[1] != 1));
        if (job == own_job && (number == SW_SYS_JOB_KILL || number == SW_SYS_JOB_STOP ||
                               number == SW_SYS_JOB_LIMIT || number == SW_SYS_JOB_INTERRUPT))
            return true;
    }
    switch (number) {
    case SW_SYS_PROCESS_EXIT:
    case SW_SYS_THREAD_EXIT:
        return true;
    case SW_SYS_PROCESS_KILL:
        return object_number((handle_t)arguments[0]) == own_process;
    case SW_SYS_PROCESS_DIVERT:
        return arguments[1] == SW_DIVERT_LOOP &&
               (!loops || is_worker(object_number((handle_t)arguments[0])));
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

void step(void)
{
    const struct grammar_call *call = &grammar[below(GRAMMAR_CALLS)];
    uint64_t arguments[8] = { 0 };

    for (uint32_t i = 0; i < call->argument_count; i++) {
        const struct grammar_argument *argument = &call->arguments[i];

        if (argument->kind == HANDLE && argument->role == ROLE_authority && authority && chance(70))
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
