/* Takes as much of one thing as the job allows, and says how much and what stopped it:
 *
 *   bomb KIND [hold]     prints "KIND N STATUS"; with hold keeps it all until it is killed
 *
 *   bomb reserve         prints how much memory is left, in pages, when it has taken what it may, and when
 *                        it has written into /tmp besides, until that is refused
 *
 * Each kind runs in a job of its own with limits a tenth of what a machine has, made by the first
 * process, which waits for it; so what stops a bomb is its quota, not the machine. */
#include "check.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/mapping.h>
#include <swos/path.h>
#include <swos/protocol.h>

#define MANY 1000000u

static const struct sw_limits limits = {
    .memory = 16 << 20, .handles = 1000, .threads = 100, .processes = 40, .calls = 200
};

static status_t take_handle(const char *kind)
{
    handle_t first, second;

    if (!strcmp(kind, "event"))
        return sw_event_create(&first);
    if (!strcmp(kind, "port"))
        return sw_port_create(&first);
    if (!strcmp(kind, "channel"))
        return sw_channel_create(&first);
    if (!strcmp(kind, "call"))
        return sw_call_create(&first);
    if (!strcmp(kind, "object"))
        return sw_memory_create(SW_PAGE, 0, &first);
    if (!strcmp(kind, "pipe"))
        return sw_pipe_create(SW_PAGE, 0, &first, &second);
    if (!strcmp(kind, "bigpipe"))
        return sw_pipe_create(1 << 20, 0, &first, &second);
    if (!strcmp(kind, "job"))
        return sw_job_create(sw_start_get("job"), &limits, &first);
    if (!strcmp(kind, "duplicate"))
        return sw_handle_duplicate(sw_start_get("job"), SW_RIGHTS_SAME, &first);
    return SW_NOT_FOUND;
}

static status_t take_connection(uint32_t i)
{
    static handle_t channel;
    handle_t connection;
    status_t status = channel ? SW_OK : sw_channel_create(&channel);

    return status == SW_OK ? sw_connection_create(channel, i, &connection) : status;
}

/* Memory, every page touched. */
static status_t take_memory(void)
{
    void *piece;
    status_t status = sw_mapping_create(1 << 20, 0, &piece, NULL);

    if (status == SW_OK)
        memset(piece, 1, 1 << 20);
    return status;
}

/* One page of every 2 MiB: what it costs is page tables. */
static status_t take_sparse(uint32_t i)
{
    static handle_t memory;
    uint64_t mapped;
    status_t status = memory ? SW_OK : sw_memory_create(SW_PAGE, 0, &memory);

    if (status == SW_OK)
        status = sw_memory_map(memory, (8ull << 30) + i * (2ull << 20), 0, SW_PAGE,
                               SW_MAP_READ | SW_MAP_WRITE, &mapped);
    if (status == SW_OK)
        *(volatile char *)(uintptr_t)mapped = 1;
    return status;
}

static void nap(void)
{
    sw_clock_sleep(SW_NEVER);
}

static status_t take_thread(void)
{
    handle_t thread;
    char *stack;
    status_t status = sw_mapping_create(SW_PAGE, 0, (void **)&stack, NULL);

    return status == SW_OK ? sw_thread_create((uint64_t)(uintptr_t)nap,
                                              (uint64_t)(uintptr_t)(stack + SW_PAGE), 0, 0, &thread)
                           : status;
}

/* Posted calls nobody answers: a channel of one's own without a server. */
static status_t take_posted(void)
{
    static handle_t connection, port;
    static char request[64], reply[64];
    struct sw_call buffers = { .request = (uint64_t)(uintptr_t)request,
                               .request_length = sizeof request,
                               .reply = (uint64_t)(uintptr_t)reply,
                               .reply_capacity = sizeof reply };
    handle_t channel, call;
    status_t status = SW_OK;

    if (!port) {
        sw_port_create(&port);
        sw_channel_create(&channel);
        status = sw_connection_create(channel, 1, &connection);
    }
    if (status == SW_OK)
        status = sw_call_create(&call);
    return status == SW_OK ? sw_call_post(call, connection, &buffers, port, 1, SW_NEVER) : status;
}

/* Calls posted to the file server as fast as they go, their answers never taken. */
static status_t take_flood(uint32_t i)
{
    static char reply[4096];
    static struct sw_file_space_request request = {
        .header = { SW_PROTOCOL_FILE, SW_PROTOCOL_FILE_VERSION, SW_OP_FILE_SPACE, 0 }
    };
    static struct sw_place place;
    static handle_t port;
    struct sw_call buffers = { .request = (uint64_t)(uintptr_t)&request,
                               .request_length = sizeof request,
                               .reply = (uint64_t)(uintptr_t)reply,
                               .reply_capacity = sizeof reply };
    handle_t call;

    if (!port) {
        sw_port_create(&port);
        sw_path_resolve("/tmp", &place);
    }
    status_t status = sw_call_create(&call);
    if (status == SW_OK)
        status = sw_call_post(call, place.connection, &buffers, port, i, SW_NEVER);
    return status;
}

static int report(const char *kind, uint32_t count, status_t status, bool hold)
{
    printf("%s %u %s\n", kind, (unsigned)count, sw_status_name(status));
    fflush(stdout);
    if (hold)
        nap();
    return 0;
}

/* Files in /tmp until it says no; they are removed unless held. */
static int fill_files(const char *kind, bool hold)
{
    static char block[65536];
    status_t status = SW_OK;
    uint32_t count = 0;

    while (status == SW_OK && count < MANY) {
        char path[64];

        snprintf(path, sizeof path, "/tmp/bomb.%u", (unsigned)count);
        FILE *file = fopen(path, "w");
        if (!file || fwrite(block, 1, sizeof block, file) != sizeof block)
            status = SW_NO_SPACE;
        if (file && fclose(file) != 0)
            status = SW_NO_SPACE;
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        char path[64];

        snprintf(path, sizeof path, "/tmp/bomb.%u", (unsigned)i);
        if (!hold)
            sw_path_unlink(path);
    }
    return report(kind, count, status, hold);
}

static int bomb(const char *kind, bool hold)
{
    static char output[256];

    status_t status = SW_OK;
    uint32_t count;

    /* What printing needs is taken before there is nothing left. */
    setvbuf(stdout, output, _IOLBF, sizeof output);
    printf("bomb\n");
    if (!strcmp(kind, "files"))
        return fill_files(kind, hold);
    for (count = 0; status == SW_OK && count < MANY; count++) {
        if (!strcmp(kind, "memory"))
            status = take_memory();
        else if (!strcmp(kind, "sparse"))
            status = take_sparse(count);
        else if (!strcmp(kind, "connection"))
            status = take_connection(count);
        else if (!strcmp(kind, "thread"))
            status = take_thread();
        else if (!strcmp(kind, "posted"))
            status = take_posted();
        else if (!strcmp(kind, "flood"))
            status = take_flood(count);
        else if (!strcmp(kind, "spawn")) {
            handle_t process;

            status = check_spawn("nap", NULL, 0, 0, &process);
        } else {
            status = take_handle(kind);
        }
    }
    return report(kind, count - (status != SW_OK), status, hold);
}

/* A process that starts two of itself and waits: 2^n of them if nothing stops it. */
static int fork_bomb(void)
{
    struct sw_spawn_handle mark = { .name = "bomb",
                                    .handle = sw_start_get("bomb"),
                                    .rights = SW_RIGHTS_SAME };
    handle_t process;

    check_spawn("fork", &mark, 1, 0, &process);
    check_spawn("fork", &mark, 1, 0, &process);
    nap();
    return 0;
}

static uint64_t free_pages(void)
{
    static struct sw_system_info info;

    sw_system_info(&info);
    return info.ram_free / SW_PAGE;
}

/* Without limits of its own. No page is touched for the first time once there is none. */
static int at_the_reserve(void)
{
    static handle_t pieces[65536];
    static char block[65536];
    static uint64_t left[2];
    size_t count = 0, done = 0;
    status_t status;
    int file;

    memset(pieces, 1, sizeof pieces);
    memset(block, 1, sizeof block);
    if (sw_fd_open("/tmp/bomb", SW_OPEN_WRITE | SW_OPEN_CREATE, 0600, &file) != SW_OK)
        return 1;
    sw_fd_write(file, block, SW_PAGE, SW_NEVER, &done);
    free_pages();
    for (uint64_t size = sizeof block; size >= SW_PAGE; size /= 2)
        while (count < 65536 && sw_memory_create(size, SW_MEMORY_COMMIT, &pieces[count]) == SW_OK)
            count++;
    left[0] = free_pages();
    do
        status = sw_fd_write(file, block, sizeof block, SW_NEVER, &done);
    while (status == SW_OK);
    left[1] = free_pages();
    while (count > 0)
        sw_handle_close(pieces[--count]);
    sw_path_unlink("/tmp/bomb");
    printf("reserve %u %u %s\n", (unsigned)left[0], (unsigned)left[1], sw_status_name(status));
    return 0;
}

int main(int argc, char **argv)
{
    handle_t job, process;
    int32_t result;
    status_t status;

    if (argc < 2)
        return 2;
    if (!strcmp(argv[1], "nap"))
        nap();
    if (!strcmp(argv[1], "reserve"))
        return at_the_reserve();
    if (!strcmp(argv[1], "fork") && sw_start_get("bomb"))
        return fork_bomb();
    if (sw_start_get("bomb"))
        return bomb(argv[1], argc > 2);

    /* The first process: a job with limits, the bomb in it, its end. */
    status = sw_job_create(sw_start_get("job"), &limits, &job);
    if (status != SW_OK) {
        printf("no job: %s\n", sw_status_name(status));
        return 1;
    }
    struct sw_spawn_handle mark = { .name = "bomb", .handle = job, .rights = SW_RIGHTS_SAME };
    struct sw_spawn_options options = {
        .job = job, .arguments = (const char *const *)argv, .handles = &mark, .handle_count = 1
    };
    status = sw_spawn_program(argv[0], &options, &process, NULL);
    if (status == SW_OK)
        status = sw_process_wait(process, SW_NEVER, &result);
    if (status != SW_OK)
        printf("bomb did not run: %s\n", sw_status_name(status));
    else if (result != 0)
        printf("%s ended with status %d\n", argv[1], (int)result);
    sw_job_kill(job, 1);
    return status != SW_OK;
}
