/* No process executes memory it wrote: each way to get there, tried.
 *
 * Refusals are checked by status. Where only the CPU can refuse, the program runs itself with the
 * name of the place to jump to; the code laid there would exit with EXECUTED. */
#include "check.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <swos/mapping.h>
#include <swos/path.h>
#include <swos/protocol.h>

#define EXECUTED 42

/* mov w0, #EXECUTED; mov x8, #SW_SYS_PROCESS_EXIT; svc #0 */
static const uint32_t code[] = { 0x52800000u | EXECUTED << 5,
                                 0xd2800008u | SW_SYS_PROCESS_EXIT << 5, 0xd4000001u };
static uint32_t data_segment[4] = { 1, 2, 3, 4 };

/* A page of this program's text. */
static void *text(void)
{
    return (void *)((uintptr_t)&check_run & ~(uintptr_t)(SW_PAGE - 1));
}

static _Noreturn void jump(void *place)
{
    ((void (*)(void))place)();
    exit(0);
}

extern const char etext[]; /* the linker's */

/* The first word behind this program's text, in the text's last page. */
static void *text_tail(void)
{
    return (void *)(((uintptr_t)etext + 15) & ~(uintptr_t)15);
}

/* Lays the code at a writable place and jumps to it. */
static _Noreturn void run_at(void *place)
{
    memcpy(place, code, sizeof code);
    __builtin___clear_cache(place, (char *)place + sizeof code);
    jump(place);
}

static int child(const char *where)
{
    uint32_t stack[4];
    void *page;

    if (!strcmp(where, "stack"))
        run_at(stack);
    if (!strcmp(where, "heap"))
        run_at(malloc(64));
    if (!strcmp(where, "data"))
        run_at(data_segment);
    if (!strcmp(where, "mapping")) {
        if (sw_mapping_create(SW_PAGE, 0, &page, NULL) != SW_OK)
            return 1;
        run_at(page);
    }
    if (!strcmp(where, "sealed")) {
        handle_t memory;
        size_t done;

        if (sw_memory_create(SW_PAGE, 0, &memory) != SW_OK ||
            sw_memory_write(memory, 0, code, sizeof code, &done) != SW_OK ||
            sw_memory_seal(memory) != SW_OK ||
            sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ, &page) != SW_OK)
            return 1;
        jump(page);
    }
    if (!strcmp(where, "old-mapping")) { /* made for writing, before the object was sealed */
        handle_t memory;

        if (sw_mapping_create(SW_PAGE, 0, &page, &memory) != SW_OK ||
            sw_memory_protect((uintptr_t)page, SW_PAGE, SW_MAP_READ) != SW_OK ||
            sw_memory_seal(memory) != SW_OK)
            return 1;
        memcpy(page, code, sizeof code);
        exit(0);
    }
    if (!strcmp(where, "info"))
        jump((void *)(uintptr_t)sw_info());
    if (!strcmp(where, "start"))
        jump((void *)(uintptr_t)sw_start_block());
    if (!strcmp(where, "tail"))
        jump(text_tail());
    if (!strcmp(where, "zero"))
        jump((void *)0);
    if (!strcmp(where, "write-text"))
        run_at(text());
    if (!strcmp(where, "write-rodata"))
        run_at((void *)(uintptr_t)code);
    if (!strcmp(where, "write-info"))
        run_at((void *)(uintptr_t)sw_info());
    if (!strcmp(where, "write-start"))
        run_at((void *)(uintptr_t)sw_start_block());
    if (!strcmp(where, "hold")) {
        if (sw_mapping_map(sw_start_get("shared"), 0, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE, &page) !=
            SW_OK)
            return 1;
        sw_event_update(sw_start_get("mapped"), 0, 1, NULL);
        sw_clock_sleep(SW_NEVER);
    }
    return 1;
}

static void jumps(void)
{
    static const char *const places[] = {
        "stack", "heap",       "data",         "mapping",    "sealed",      "info", "start",
        "zero",  "write-text", "write-rodata", "write-info", "write-start", "tail", "old-mapping",
    };

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int32_t status = check_run(places[i]);

        check(status > 1 && status != EXECUTED, "a jump or write there kills: %s (status %d)",
              places[i], (int)status);
    }
    check_status(check_run("none") == 1 ? SW_OK : SW_IO, SW_OK, "a child that may end does");
}

static void one_object(void)
{
    handle_t memory, same;
    void *page, *other;
    size_t done;

    check_status(sw_mapping_create(SW_PAGE, 0, &page, &memory), SW_OK, "memory for the tests");
    memcpy(page, code, sizeof code);
    check_refused(sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ | SW_MAP_EXECUTE, &other),
                  "an executable alias of writable memory");
    check_refused(
        sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE | SW_MAP_EXECUTE, &other),
        "write and execute at once");
    check_refused(
        sw_memory_protect((uint64_t)(uintptr_t)page, SW_PAGE, SW_MAP_READ | SW_MAP_EXECUTE),
        "execute by protecting written memory");
    check_status(sw_memory_seal(memory), SW_BUSY, "sealing with a writable mapping");
    check_status(sw_memory_protect((uint64_t)(uintptr_t)page, SW_PAGE, SW_MAP_READ), SW_OK,
                 "write given up for now");
    check_status(sw_memory_seal(memory), SW_OK, "sealing without a writable mapping");
    check_refused(sw_memory_protect((uint64_t)(uintptr_t)page, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE),
                  "write taken back after seal");
    sw_mapping_unmap(page, SW_PAGE);
    check_refused(sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE, &other),
                  "write after seal, by mapping");
    check_refused(sw_memory_write(memory, 0, code, sizeof code, &done),
                  "write after seal, by copy");
    check_refused(sw_memory_decommit(memory, 0, SW_PAGE), "decommit after seal");
    check_refused(sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ | SW_MAP_EXECUTE, &other),
                  "execute of a sealed object without the right");
    check_refused(
        sw_handle_duplicate(memory, SW_RIGHT_READ | SW_RIGHT_MAP | SW_RIGHT_EXECUTE, &same),
        "a duplicate with more rights");
    check_refused(sw_memory_mint(sw_start_get("job"), memory, &same), "minting by a session");
    check_status(sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ, &other), SW_OK,
                 "reading what was sealed");
    check(!memcmp(other, code, sizeof code), "the sealed bytes are the written ones");
    check_refused(
        sw_memory_protect((uint64_t)(uintptr_t)other, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE),
        "write by protecting a sealed mapping");
    sw_mapping_unmap(other, SW_PAGE);
    sw_handle_close(memory);
}

/* Another process's writable mapping holds off sealing as one's own does. */
static void two_processes(void)
{
    handle_t memory, event, port, process = 0;
    struct sw_wait wait = { 0 };
    int32_t status;

    sw_memory_create(SW_PAGE, 0, &memory);
    sw_event_create(&event);
    sw_port_create(&port);
    sw_port_bind(port, event, 1, 0);
    struct sw_spawn_handle handles[] = {
        { .name = "shared", .handle = memory, .rights = SW_RIGHTS_SAME },
        { .name = "mapped", .handle = event, .rights = SW_RIGHTS_SAME },
    };
    check_status(check_spawn("hold", handles, 2, 0, &process), SW_OK, "a second process");
    check_status(sw_port_wait(port, &wait, sw_clock_deadline(10 * SW_SECOND)), SW_OK,
                 "it maps the memory for writing");
    check_status(sw_memory_seal(memory), SW_BUSY, "sealing while it does");
    sw_process_kill(process, 1);
    sw_process_wait(process, sw_clock_deadline(10 * SW_SECOND), &status);
    check_status(sw_memory_seal(memory), SW_OK, "sealing after its end");
    handles[0].rights = SW_RIGHT_READ | SW_RIGHT_MAP | SW_RIGHT_WRITE | SW_RIGHT_EXECUTE;
    sw_handle_close(process);
    process = 0;
    check_refused(check_spawn("hold", handles, 2, 0, &process), "passing more rights at spawn");
    sw_handle_close(port);
    sw_handle_close(event);
    sw_handle_close(memory);
}

/* The kernel's own copies into this program's text. */
static void copies(void)
{
    handle_t reader, writer, memory;
    uint64_t done;
    void *page;

    check_status(sw_random(text(), 16), SW_FAULT, "random bytes into text");
    check_status(sw_system_info(text()), SW_FAULT, "facts into text");
    check_status(sw_pipe_create(SW_PAGE, 0, &reader, &writer), SW_OK, "a pipe");
    check_status(sw_pipe_write(writer, code, sizeof code, 0, &done), SW_OK, "code into the pipe");
    check_status(sw_pipe_read(reader, text(), sizeof code, 0, &done), SW_FAULT, "a pipe into text");
    check_status(sw_pipe_read(reader, (void *)(uintptr_t)sw_info(), sizeof code, 0, &done),
                 SW_FAULT, "a pipe into the info page");
    check_status(sw_mapping_create(SW_PAGE, 0, &page, &memory), SW_OK, "memory");
    check_status(sw_memory_read(memory, 0, text(), sizeof code, &done), SW_FAULT,
                 "a memory object into text");
    sw_mapping_unmap(page, SW_PAGE);
    sw_handle_close(memory);
    sw_handle_close(reader);
    sw_handle_close(writer);

    struct sw_place place;
    struct sw_file_stat_request request = { .header = { SW_PROTOCOL_FILE, SW_PROTOCOL_FILE_VERSION,
                                                        SW_OP_FILE_STAT, 0 } };
    struct sw_call call = { .request = (uint64_t)(uintptr_t)&request,
                            .request_length = sizeof request,
                            .reply = (uint64_t)(uintptr_t)text(),
                            .reply_capacity = 256 };

    check_status(sw_path_resolve("/", &place), SW_OK, "a file server");
    check_status(sw_call(place.connection, &call, sw_clock_deadline(SW_SECOND), NULL, NULL),
                 SW_FAULT, "a reply into text");
    struct {
        struct sw_file_list_request fixed;
        char path[8];
    } list = { .fixed = {
                   .header = { SW_PROTOCOL_FILE, SW_PROTOCOL_FILE_VERSION, SW_OP_FILE_LIST, 0 } } };
    struct sw_file_list_reply reply;

    call = (struct sw_call){ .request = (uint64_t)(uintptr_t)&list,
                             .request_length = sizeof list.fixed,
                             .reply = (uint64_t)(uintptr_t)&reply,
                             .reply_capacity = sizeof reply,
                             .data = (uint64_t)(uintptr_t)text(),
                             .data_length = SW_PAGE,
                             .flags = SW_CALL_DATA_OUT };
    uint32_t first = *(const uint32_t *)text();
    status_t status = sw_call(place.connection, &call, sw_clock_deadline(SW_SECOND), NULL, NULL);
    check(status != SW_OK || reply.header.status != SW_OK, "a server's write into text: %s",
          sw_status_name(status != SW_OK ? status : reply.header.status));
    check(*(const uint32_t *)text() == first, "the text is what it was");

    /* What a server passes is noted in the call's own structure. */
    struct {
        struct sw_file_open_program_request fixed;
        char path[SW_PATH_MAX];
    } open = { .fixed = { .header = { SW_PROTOCOL_FILE, SW_PROTOCOL_FILE_VERSION,
                                      SW_OP_FILE_OPEN_PROGRAM, 0 } } };
    struct sw_file_open_program_reply opened;

    check_status(sw_path_resolve(sw_start_argument(0), &place), SW_OK, "this program's file");
    open.fixed.path_length = (uint32_t)place.length;
    memcpy(open.path, place.path, place.length);
    sw_mapping_create(SW_PAGE, 0, &page, NULL);
    *(struct sw_call *)page =
        (struct sw_call){ .request = (uint64_t)(uintptr_t)&open,
                          .request_length = (uint32_t)(sizeof open.fixed + place.length),
                          .reply = (uint64_t)(uintptr_t)&opened,
                          .reply_capacity = sizeof opened };
    sw_memory_protect((uint64_t)(uintptr_t)page, SW_PAGE, SW_MAP_READ);
    check_status(sw_call(place.connection, page, sw_clock_deadline(SW_SECOND), NULL, NULL),
                 SW_FAULT, "received handles into memory that is read-only");
    check(((const struct sw_call *)page)->received_count == 0, "it is what it was");
    sw_mapping_unmap(page, SW_PAGE);
}

static uint32_t rights_of(handle_t handle)
{
    uint32_t type = 0, rights = 0;
    uint64_t id = 0;

    sw_handle_info(handle, &type, &rights, &id);
    return rights;
}

/* A handle goes with a call to oneself and comes back with the reply: with the rights it has, if it
 * may be passed at all. */
static void passing(void)
{
    const uint32_t rights = SW_RIGHT_READ | SW_RIGHT_MAP | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER;
    handle_t memory, passed, stays, moves, channel, connection, call, port;
    uint8_t bytes[16] = { 0 };
    uint32_t length, received;
    struct sw_wait wait = { .buffer = (uint64_t)(uintptr_t)bytes, .capacity = sizeof bytes };

    check_status(sw_memory_create(SW_PAGE, 0, &memory), SW_OK, "memory to pass");
    sw_handle_duplicate(memory, rights, &passed);
    sw_handle_duplicate(memory, rights & ~(uint32_t)SW_RIGHT_TRANSFER, &stays);
    sw_handle_duplicate(memory, rights & ~(uint32_t)SW_RIGHT_DUPLICATE, &moves);
    const struct {
        handle_t handle;
        uint32_t move;
        const char *what;
    } refused[] = { { stays, 0, "passing what stays" },
                    { stays, 1, "moving what stays" },
                    { moves, 0, "passing what can only be moved" } };
    sw_channel_create(&channel);
    sw_port_create(&port);
    sw_call_create(&call);
    sw_channel_serve(channel, port, 1);
    check_status(sw_connection_create(channel, 0, &connection), SW_OK, "a connection to oneself");

    struct sw_call buffers = { .request = (uint64_t)(uintptr_t)bytes,
                               .request_length = sizeof bytes,
                               .reply = (uint64_t)(uintptr_t)bytes,
                               .reply_capacity = sizeof bytes,
                               .send_count = 1 };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        buffers.send[0] = refused[i].handle;
        buffers.send_move = refused[i].move;
        check_status(sw_call_post(call, connection, &buffers, port, 2, SW_NEVER), SW_ACCESS,
                     refused[i].what);
    }
    buffers.send[0] = passed;
    buffers.send_move = 0;
    check_status(sw_call_post(call, connection, &buffers, port, 2, SW_NEVER), SW_OK, "passing");
    check_status(sw_port_wait(port, &wait, sw_clock_deadline(SW_SECOND)), SW_OK, "it comes");
    check(rights_of(wait.event.received[0]) == rights, "with the rights it had: %x",
          (unsigned)rights_of(wait.event.received[0]));

    struct sw_reply reply = { .send_count = 1 };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        reply.send[0] = refused[i].handle;
        reply.send_move = refused[i].move;
        check_status(sw_reply(wait.event.token, &reply), SW_ACCESS, refused[i].what);
    }
    reply.send[0] = wait.event.received[0];
    reply.send_move = 1;
    check_status(sw_reply(wait.event.token, &reply), SW_OK, "answering with what came");
    check_status(sw_call_collect(call, &buffers, &length, &received), SW_OK, "the answer");
    check(received == 1 && rights_of(buffers.received[0]) == rights, "with the rights it had: %x",
          (unsigned)rights_of(buffers.received[0]));

    const handle_t all[] = { memory,  passed,     stays, moves, buffers.received[0],
                             channel, connection, call,  port };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sw_handle_close(all[i]);
}

/* A program made of one's own memory. */
static void own_program(void)
{
    static const uint8_t start[sizeof(struct sw_start)];
    handle_t memory, process;
    uint64_t done;
    struct sw_program program = {
        .version = SW_PROGRAM_VERSION, .segment_count = 1, .entry = 0x10000000, .base = 0x10000000
    };

    sw_memory_create(SW_PAGE, 0, &memory);
    sw_memory_write(memory, 0, code, sizeof code, &done);
    struct sw_spawn spawn = { .program = (uint64_t)(uintptr_t)&program,
                              .start = (uint64_t)(uintptr_t)start,
                              .start_length = sizeof start,
                              .memory = { memory } };
    program.segments[0] = (struct sw_segment){
        .address = 0x10000000, .size = SW_PAGE, .file_size = SW_PAGE, .flags = SW_SEGMENT_EXECUTE
    };
    check_refused(sw_process_create(sw_start_get("job"), &spawn, &process, NULL),
                  "a process of writable memory");
    sw_memory_seal(memory);
    check_refused(sw_process_create(sw_start_get("job"), &spawn, &process, NULL),
                  "a process of memory sealed by oneself");
    program.segments[0].flags = SW_SEGMENT_EXECUTE | SW_SEGMENT_WRITE;
    check_refused(sw_process_create(sw_start_get("job"), &spawn, &process, NULL),
                  "a process with a segment for writing and executing");
    sw_handle_close(memory);
}

/* What open for execution gives: executable, not readable, not writable. */
static void image_program(void)
{
    struct sw_place place;
    struct sw_file_open_program_reply reply;
    handle_t memory[4] = { 0 }, process;
    uint8_t bytes[16];
    uint64_t done;
    void *page;

    check_status(sw_path_resolve(sw_start_argument(0), &place), SW_OK, "this program's file");
    check_status(sw_file_open_program(place.connection, place.path, place.length, &reply,
                                      &memory[0], &memory[1], &memory[2], &memory[3],
                                      sw_clock_deadline(SW_SECOND)),
                 SW_OK, "open for execution");
    for (int i = 0; i < 4 && memory[i]; i++) {
        check_refused(sw_memory_write(memory[i], 0, code, sizeof code, &done),
                      "writing an image's memory");
        check_refused(sw_mapping_map(memory[i], 0, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE, &page),
                      "mapping an image's memory for writing");
        check_refused(sw_memory_read(memory[i], 0, bytes, sizeof bytes, &done),
                      "copying out of what was opened for execution");
    }
    /* The last page of the text holds nothing else: what follows it in the file is not executable.
     */
    const uint8_t *tail = text_tail();
    bool is_clean = true;

    for (; (uintptr_t)tail % SW_PAGE; tail++)
        is_clean = is_clean && *tail == 0;
    check(is_clean, "nothing behind the end of the text in its last page");

    struct sw_program program = reply.program;
    static const uint8_t start[sizeof(struct sw_start)];
    struct sw_spawn spawn = { .program = (uint64_t)(uintptr_t)&program,
                              .start = (uint64_t)(uintptr_t)start,
                              .start_length = sizeof start };
    memcpy(spawn.memory, memory, sizeof memory);
    for (uint32_t i = 0; i < program.segment_count; i++)
        program.segments[i].flags = SW_SEGMENT_EXECUTE | SW_SEGMENT_WRITE;
    check_refused(sw_process_create(sw_start_get("job"), &spawn, &process, NULL),
                  "an image's code as a writable segment");
    for (int i = 0; i < 4; i++) {
        if (memory[i])
            sw_handle_close(memory[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return child(argv[1]);
    one_object();
    two_processes();
    copies();
    passing();
    own_program();
    image_program();
    jumps();
    return check_done();
}
