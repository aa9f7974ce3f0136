/* A worker: a process that makes steps and sequences, and a second thread that serves, interrupts
 * and wakes the first. See fuzz.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/mapping.h>
#include <swos/path.h>
#include <swos/protocol.h>
#include <swos/start.h>
#include <swos/thread.h>

#include "bundle.h"
#include "fuzz.h"

#define TINY "/bin/tests/tiny"

handle_t private_connection;
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
        status_t status =
            sw_reply_wait(token, &reply, port, &wait, sw_clock_deadline(SW_MILLISECOND));
        token = 0;
        if (status == SW_BAD_HANDLE)
            return NULL;
        if (status == SW_TIMED_OUT) { /* trouble for the long waits of the first thread */
            for (size_t i = 0; i < LENGTH(futex_words); i++)
                sw_futex_wake((uintptr_t)&futex_words[i], 1, NULL);
            if (++quiet % 16 == 0) {
                sw_job_interrupt(kept[0], SW_INTERRUPT_INT, &(uint32_t){ 0 });
                sw_event_update(interrupt_event, UINT64_MAX, 0, NULL);
            }
        }
        if (status != SW_OK || wait.event.kind != SW_EVENT_MESSAGE)
            continue;
        for (uint32_t i = 0; i < wait.event.received_count; i++)
            sw_handle_close(wait.event.received[i]);
        token = wait.event.token;
        number++;
        reply.data = (uintptr_t)buffer;
        reply.length = number % 2 && wait.event.reply_capacity >= 8 ? 8 : 0;
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
                                 &tiny_memory[0], &tiny_memory[1], &tiny_memory[2], &tiny_memory[3],
                                 sw_clock_deadline(10 * SW_SECOND)) != SW_OK)
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

#define SHORT 1000 /* steps of a worker */
#define LONG 2000

int worker(uint64_t seed, uint32_t steps, uint32_t place)
{
    static void (*const lives[])(void) = { call_life,    call_life,    call_life,   memory_life,
                                           pipe_life,    event_life,   job_life,    process_life,
                                           process_life, process_life, thread_life, long_waits,
                                           long_waits,   machine_life, machine_life };

    loops = steps > LONG;
    if (!prepare(seed))
        return 4;
    atomic_store(&counts->workers[place % WORKERS], own_process);
    if (steps == 0) /* a crash record for crash_read */
        __builtin_trap();
    for (uint32_t i = 0; atomic_fetch_add(&counts->steps, 1) < steps * WORKERS; i++) {
        if (i % 16 == 0)
            lives[below(LENGTH(lives))]();
        /* Taking all there is would be most of a short run, which is for the order of events. */
        if (steps > SHORT && i % 1024 == 0)
            starved();
        if (steps > SHORT && authority && i % 2048 == 512)
            pageless();
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
