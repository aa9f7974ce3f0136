/* Sequences that random steps seldom find: the life of a call, of memory, of a pipe, of processes,
 * and waits that last. See fuzz.h. */
#include <string.h>
#include <swos/clock.h>

#include "fuzz.h"

/* One time in a few the address of something is wild. */
static uint64_t maybe_wild(void *good)
{
    return chance(8) ? wild_address() : (uintptr_t)good;
}

/* A channel served here, calls posted to it, and one of the ways they may end. */
void call_life(void)
{
    enum {
        CANCEL_EARLY,
        CANCEL,
        LEAVE,
        CLOSE_CONNECTION,
        CLOSE_CHANNEL,
        LARGE,
        TWICE,
        REPLACE,
        QUEUED_REPLACE,
        PLAIN,
        WAYS,
        FULL
    };
    uint32_t way = chance(4) ? FULL : chance(10) ? CANCEL : below(WAYS);
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
    const uint64_t post[8] = { call, connection, (uintptr_t)buffers,
                               done, 2,          chance(80) ? SW_NEVER : soon() };
    const uint64_t collect[8] = { call, (uintptr_t)buffers };
    const uint64_t serve_it[8] = { channel, port, 1 };
    const uint64_t leave[8] = { channel };
    if (chance(90))
        call_number(SW_SYS_CHANNEL_SERVE, serve_it);
    call_number(SW_SYS_CALL_POST, post);
    if (way == CANCEL_EARLY)
        call_number(SW_SYS_CALL_CANCEL, (const uint64_t[8]){ call });
    struct result got =
        call_number(SW_SYS_PORT_WAIT, (const uint64_t[8]){ port, (uintptr_t)wait, 0 });
    if (got.status == SW_OK && wait->event.kind == SW_EVENT_MESSAGE) {
        uint64_t token = wait->event.token;

        take_event(&wait->event);
        call_number(SW_SYS_CALL_READ, (const uint64_t[8]){ token, below(2), PICK(0, 8, 60, 9000),
                                                           maybe_wild(room(64)), 32 });
        call_number(SW_SYS_CALL_WRITE, (const uint64_t[8]){ token, PICK(0, 100, 4090, 5000),
                                                            maybe_wild(room(64)), 32 });
        switch (way) {
        case CANCEL:
            call_number(SW_SYS_CALL_CANCEL, (const uint64_t[8]){ call });
            break;
        case LEAVE:
            call_number(SW_SYS_CHANNEL_LEAVE, leave);
            break;
        case CLOSE_CONNECTION:
            close_one(connection);
            break;
        case CLOSE_CHANNEL:
            close_one(channel);
            break;
        case LARGE:
            reply->length = 10000;
            break;
        case FULL: /* no room for what the answer brings */
            reply->send_count = 1;
            reply->send[0] = live_handle(SW_TYPE_EVENT);
            take_all(HANDLES);
            break;
        default:
            break;
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
            call_number(SW_SYS_REPLY_WAIT,
                        (const uint64_t[8]){ token, answer[1], port, (uintptr_t)wait, 0 });
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
void event_life(void)
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
void find_handles(void)
{
    struct result process = call_number(SW_SYS_JOB_FIND, (const uint64_t[8]){ kept[0], own_pid });
    struct result back = call_number(SW_SYS_JOB_KEPT, (const uint64_t[8]){ kept[0], 2 });

    if (process.status == SW_OK)
        close_one((handle_t)process.out[0]);
    if (back.status == SW_OK)
        close_one((handle_t)back.out[0]);
}

/* A job that keeps handles. */
void job_life(void)
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
    call_number(SW_SYS_JOB_LIST,
                (const uint64_t[8]){ kept[0], 0, maybe_wild(room(sizeof(struct sw_process_info))),
                                     PICK(1, 1, SW_JOB_LIST_MAX + 1) });
}

/* Waits that last, so that an interrupt, a wake or a second waiter finds them. */
void long_waits(void)
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
    switch (below(5)) {
    case 0:
        call_number(SW_SYS_PIPE_READ,
                    (const uint64_t[8]){ reader, (uintptr_t)room(4096), 4096, deadline });
        break;
    case 1:
        for (int i = 0; i < 2; i++)
            call_number(SW_SYS_PIPE_WRITE,
                        (const uint64_t[8]){ writer, (uintptr_t)room(4096), 4096, deadline });
        call_number(SW_SYS_PIPE_READ,
                    (const uint64_t[8]){ reader, (uintptr_t)room(4096), 4096, deadline });
        break;
    case 2:
        call_number(SW_SYS_PORT_WAIT, (const uint64_t[8]){ port, (uintptr_t)wait, deadline });
        break;
    default:
        call_number(SW_SYS_FUTEX_WAIT,
                    (const uint64_t[8]){ (uintptr_t)&futex_words[below(8)], 0, deadline });
    }
}

/* With authority: what only the root job and devices can do. */
void machine_life(void)
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
    struct result minted =
        call_number(SW_SYS_MEMORY_MINT, (const uint64_t[8]){ authority, memory });
    if (minted.status == SW_OK)
        keep_handle((handle_t)minted.out[0]);
    call_number(SW_SYS_CRASH_READ,
                (const uint64_t[8]){ authority, below(2), maybe_wild(room(512)), 512 });
    call_number(SW_SYS_CRASH_SEEN, (const uint64_t[8]){ authority, below(3) });
    call_number(SW_SYS_LOG_READ, (const uint64_t[8]){ authority, 0, maybe_wild(room(512)), 512 });
    call_number(SW_SYS_ENTROPY_ADD,
                (const uint64_t[8]){ authority, maybe_wild(room(64)), PICK(1, 64, 4096, 5000) });
    call_number(SW_SYS_EARLY_READ, (const uint64_t[8]){ authority });
    keep_handle(memory);

    handle_t ring = made(SW_SYS_MEMORY_CREATE, PICK(1, 2, 2, 3, 9) * SW_PAGE,
                         chance(90) ? SW_MEMORY_COMMIT : 0);
    handle_t teller = made(SW_SYS_EVENT_CREATE, 0, 0);
    for (int i = 0; i < 4; i++)
        call_number(SW_SYS_PROCESS_TRACE,
                    (const uint64_t[8]){ authority, live_handle(SW_TYPE_PROCESS),
                                         chance(90) ? ring : 0, chance(90) ? teller : 0 });
    keep_handle(teller); /* until it makes room for another one the process is traced */
    close_one(ring);

    memory = made(SW_SYS_MEMORY_CREATE, 2 * SW_PAGE, 0);
    call_number(SW_SYS_DEVICE_CLAIM, (const uint64_t[8]){ device });
    for (int i = 0; i < 4; i++) {
        call_number(SW_SYS_DEVICE_READ, (const uint64_t[8]){ device, 0, 4 });
        call_number(SW_SYS_DEVICE_TAKE, (const uint64_t[8]){ device, 0, 4, maybe_wild(room(16)) });
        call_number(SW_SYS_DEVICE_PUT, (const uint64_t[8]){ device, PICK(8, 0x10, 0x1000), 4, 0,
                                                            maybe_wild(room(8)) + chance(10), 7 });
        call_number(SW_SYS_DEVICE_WRITE, (const uint64_t[8]){ device, PICK(8, 0x10, 0x1000), 4 });
        call_number(SW_SYS_DEVICE_ACK, (const uint64_t[8]){ device });
        call_number(SW_SYS_DEVICE_PIN,
                    (const uint64_t[8]){ device, memory, 0,
                                         PICK(SW_PAGE, SW_PAGE, SW_PIN_MAX + SW_PAGE),
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
void memory_life(void)
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
void pipe_life(void)
{
    struct result pipe =
        call_number(SW_SYS_PIPE_CREATE, (const uint64_t[8]){ PICK(1, 4096, 65536), below(2) });
    if (pipe.status != SW_OK)
        return;
    handle_t reader = (handle_t)pipe.out[0], writer = (handle_t)pipe.out[1];

    call_number(SW_SYS_PIPE_WRITE,
                (const uint64_t[8]){ writer, (uintptr_t)room(4096), PICK(1, 100, 4096), soon() });
    if (chance(20)) {
        close_one(reader);
        reader = 0;
        call_number(SW_SYS_PIPE_WRITE, (const uint64_t[8]){ writer, (uintptr_t)room(8), 8, 0 });
    } else {
        call_number(SW_SYS_PIPE_READ,
                    (const uint64_t[8]){ reader, maybe_wild(room(4096)), 4096, soon() });
    }
    call_number(SW_SYS_PIPE_INFO, (const uint64_t[8]){ writer });
    if (reader)
        keep_handle(reader);
    keep_handle(writer);
}

void process_life(void)
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
        for (uint32_t i = below(5); i > 0; i--) { /* also one that is diverted already */
            uint64_t kind = loops ? PICK(SW_DIVERT_FAULT, SW_DIVERT_LOOP) : SW_DIVERT_FAULT;

            call_number(SW_SYS_PROCESS_DIVERT, (const uint64_t[8]){ process, kind });
        }
        switch (below(5)) {
        case 1:
            call_number(SW_SYS_JOB_INTERRUPT, (const uint64_t[8]){ job, 1 });
            call_number(SW_SYS_PROCESS_KILL, (const uint64_t[8]){ process, 7 });
            break;
        case 0:
            call_number(SW_SYS_PROCESS_KILL, (const uint64_t[8]){ process, 7 });
            break;
        case 2:
            call_number(SW_SYS_JOB_STOP, (const uint64_t[8]){ job });
            break;
        default:
            call_number(SW_SYS_JOB_KILL, (const uint64_t[8]){ job, 3 });
            break;
        }
        keep_handle(process);
    }
    if (job)
        keep_handle(job);
}

void thread_life(void)
{
    struct result thread = call_number(
        SW_SYS_THREAD_CREATE,
        (const uint64_t[8]){ (uintptr_t)thread_body, (uintptr_t)scratch + SCRATCH_SIZE, 0, 0 });
    if (thread.status != SW_OK)
        return;
    count_call(call_index(SW_SYS_THREAD_EXIT), SW_OK);
    keep_handle((handle_t)thread.out[0]);
}
