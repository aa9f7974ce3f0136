/* Measures the system from inside and prints one row a line:
 *
 *   row NAME COUNT NANOSECONDS INSTRUCTIONS AMOUNT
 *
 * for COUNT repetitions together; several such lines a row, one a round (`bench ROUNDS` or `bench
 * ROUNDS ROW...`). INSTRUCTIONS are those the CPU retired in user and kernel mode (PMU event 0x08),
 * 0 where the kernel was not told to share the counters (swos.pmu=1); AMOUNT is the bytes moved, 0
 * where none.
 *
 * `bench ROUNDS single ROW...` repeats only once a round, for a plugin of the emulator that counts
 * what one repetition touches (plugin/pages.c); it sees begin() and end() by two marks.
 *
 * The program starts itself as the other side of a measurement; roles are its first argument. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <swos/mapping.h>
#include <swos/path.h>
#include <swos/socket.h>
#include <swos/spawn.h>
#include <swos/start.h>
#include <swos/status.h>
#include <swos/thread.h>

#define MIB (1u << 20)
#define PIPE_PIECE (64u * 1024)
#define TINY "/bin/tests/tiny"
#define BIG "/bench/big"
#define SLEEPERS 1000

/* What goes wrong ends the program: half a measurement is none. */
static void must(status_t status, const char *what)
{
    if (status == SW_OK)
        return;
    printf("failed %s: %s\n", what, sw_status_name(status));
    exit(1);
}

static uint64_t instructions(void)
{
    uint64_t value = 0;

    if (sw_info()->features & SW_FEATURE_PMU)
        __asm__ volatile("isb; mrs %0, pmevcntr0_el0" : "=r"(value));
    return value;
}

static uint64_t started_ns, started_instructions;

/* The marks are hints that no CPU knows, which makes them do nothing (DDI 0487, C6.2.92 HINT). */
static void begin(void)
{
    started_ns = sw_clock_monotonic();
    started_instructions = instructions();
    __asm__ volatile("hint #0x70" ::: "memory");
}

static void end(const char *row, uint32_t count, uint64_t amount)
{
    __asm__ volatile("hint #0x71" ::: "memory");
    uint64_t retired = instructions() - started_instructions;
    uint64_t ns = sw_clock_monotonic() - started_ns;

    printf("row %s %u %llu %llu %llu\n", row, (unsigned)count, (unsigned long long)ns,
           (unsigned long long)(uint32_t)retired, (unsigned long long)amount);
    fflush(stdout);
}

/* Starts this program in a role with handles. */
static handle_t start_role(const char *role, const struct sw_spawn_handle *handles, size_t count)
{
    const char *arguments[] = { "bench", role, NULL };
    struct sw_spawn_options options = { .arguments = arguments,
                                        .handles = handles,
                                        .handle_count = count };
    handle_t process;

    must(sw_spawn_program(sw_start_argument(0), &options, &process, NULL), role);
    return process;
}

static void await_end(handle_t process)
{
    int32_t status;

    must(sw_process_wait(process, SW_NEVER, &status), "wait");
    sw_handle_close(process);
}

/* ---- calls */

/* The call that does least: it keeps all capability bits. */
static void null_call(uint32_t count)
{
    begin();
    for (uint32_t i = 0; i < count; i++)
        sw_process_restrict(UINT64_MAX);
    end("null-call", count, 0);
}

static void event_read(uint32_t count)
{
    handle_t event;
    uint64_t bits;

    must(sw_event_create(&event), "event");
    begin();
    for (uint32_t i = 0; i < count; i++)
        sw_event_read(event, &bits);
    end("event-read", count, 0);
    sw_handle_close(event);
}

static void clock_read(uint32_t count)
{
    uint64_t sum = 0;

    begin();
    for (uint32_t i = 0; i < count; i++)
        sum += sw_clock_monotonic();
    end("clock", count, 0);
    if (!sum)
        printf("no clock\n");
}

static int serve(void)
{
    struct sw_reply reply = { 0 };
    struct sw_wait wait = { 0 };
    handle_t port;
    uint64_t token = 0;

    must(sw_port_create(&port), "port");
    must(sw_channel_serve(sw_start_get("channel"), port, 0), "serve");
    for (;;) {
        must(sw_reply_wait(token, &reply, port, &wait, SW_NEVER), "reply_wait");
        token = wait.event.kind == SW_EVENT_MESSAGE ? wait.event.token : 0;
        if (wait.event.kind == SW_EVENT_CLOSED)
            return 0;
    }
}

static void call_reply(uint32_t count)
{
    struct sw_call call = { 0 };
    handle_t channel, connection;

    must(sw_channel_create(&channel), "channel");
    must(sw_connection_create(channel, 1, &connection), "connection");
    struct sw_spawn_handle handles[] = {
        { .name = "channel", .handle = channel, .rights = SW_RIGHTS_SAME }
    };
    handle_t process = start_role("serve", handles, 1);
    for (uint32_t i = 0; i < 100; i++)
        must(sw_call(connection, &call, SW_NEVER, NULL, NULL), "call");
    begin();
    for (uint32_t i = 0; i < count; i++)
        sw_call(connection, &call, SW_NEVER, NULL, NULL);
    end("call", count, 0);
    sw_handle_close(connection);
    await_end(process);
    sw_handle_close(channel);
}

/* ---- threads */

static _Atomic uint32_t turn;

static void pass_turns(uint32_t mine, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (atomic_load(&turn) != mine)
            sw_futex_wait((uint64_t)(uintptr_t)&turn, 1 - mine, SW_NEVER);
        atomic_store(&turn, 1 - mine);
        sw_futex_wake((uint64_t)(uintptr_t)&turn, 1, NULL);
    }
}

static void *other_side(void *count)
{
    pass_turns(1, (uint32_t)(uintptr_t)count);
    return NULL;
}

static void futex(uint32_t count)
{
    struct sw_thread *thread;

    atomic_store(&turn, 0);
    must(sw_thread_start(other_side, (void *)(uintptr_t)count, 0, &thread), "thread");
    begin();
    pass_turns(0, count);
    end("futex", count, 0);
    must(sw_thread_join(thread, SW_NEVER, NULL), "join");
}

static void *nothing(void *argument)
{
    return argument;
}

static void threads(uint32_t count)
{
    struct sw_thread *thread;

    begin();
    for (uint32_t i = 0; i < count; i++) {
        must(sw_thread_start(nothing, NULL, 0, &thread), "thread");
        must(sw_thread_join(thread, SW_NEVER, NULL), "join");
    }
    end("thread", count, 0);
}

/* ---- a program that only computes, by one thread and divided between two */

static void *compute(void *argument)
{
    uint64_t value = 1;

    for (uintptr_t left = (uintptr_t)argument; left > 0; left--) {
        value = value * 6364136223846793005u + 1442695040888963407u;
        __asm__ volatile("" : "+r"(value)); /* each step is taken */
    }
    return (void *)(uintptr_t)value;
}

static void work_alone(uint32_t count)
{
    begin();
    compute((void *)(uintptr_t)count);
    end("work-1", count, 0);
}

static void work_divided(uint32_t count)
{
    struct sw_thread *thread;

    begin();
    must(sw_thread_start(compute, (void *)(uintptr_t)(count / 2), 0, &thread), "thread");
    compute((void *)(uintptr_t)(count - count / 2));
    must(sw_thread_join(thread, SW_NEVER, NULL), "join");
    end("work-2", count, 0);
}

/* ---- processes */

static void spawn_of(const char *row, const char *path, const char *const *arguments,
                     uint32_t count)
{
    struct sw_spawn_options options = { .arguments = arguments };
    handle_t process;

    /* The second run is meant: the file server has the program laid out. */
    must(sw_spawn_program(path, &options, &process, NULL), path);
    await_end(process);
    begin();
    for (uint32_t i = 0; i < count; i++) {
        must(sw_spawn_program(path, &options, &process, NULL), path);
        await_end(process);
    }
    end(row, count, 0);
}

static void spawn_tiny(uint32_t count)
{
    spawn_of("spawn-tiny", TINY, (const char *const[]){ "tiny", NULL }, count);
}

static void spawn_lua(uint32_t count)
{
    spawn_of("spawn-lua", "/bin/lua", (const char *const[]){ "lua", "-e", "", NULL }, count);
}

/* ---- the shell and commands */

static void shell_of(const char *row, const char *text, uint32_t count)
{
    spawn_of(row, "/bin/sh", (const char *const[]){ "sh", "-c", text, NULL }, count);
}

static void shell_true(uint32_t count)
{
    shell_of("sh-true", "true", count);
}

#define LOOP(command) "i=0; while [ $i -lt 1000 ]; do " command "; i=$((i + 1)); done"

static void shell_external(uint32_t count)
{
    shell_of("sh-1000-external", LOOP("/bin/true"), count);
}

static void shell_builtin(uint32_t count)
{
    shell_of("sh-1000-builtin", LOOP(":"), count);
}

/* 1,480,000 lines, 10 MiB, which are not in the order of their texts. */
static void lines_of(const char *row, const char *text, uint32_t count)
{
    handle_t process;
    const char *make[] = { "sh", "-c", "seq 1480000 >/tmp/lines", NULL };
    const char *remove[] = { "sh", "-c", "rm /tmp/lines", NULL };
    struct sw_spawn_options options = { .arguments = make };

    must(sw_spawn_program("/bin/sh", &options, &process, NULL), "lines");
    await_end(process);
    shell_of(row, text, count);
    options.arguments = remove;
    must(sw_spawn_program("/bin/sh", &options, &process, NULL), "rm");
    await_end(process);
}

static void sort_lines(uint32_t count)
{
    lines_of("sort-10MiB", "sort /tmp/lines >/dev/null", count);
}

static void grep_lines(uint32_t count)
{
    lines_of("grep-10MiB", "grep 99999 /tmp/lines >/dev/null", count);
}

static void find_all(uint32_t count)
{
    shell_of("find-all", "find / >/dev/null", count);
}

/* What one sleeping process costs in memory; COUNT is processes, AMOUNT the bytes of all. */
static void sleepers(uint32_t count)
{
    static handle_t processes[SLEEPERS];
    const char *arguments[] = { "tiny", "sleep", NULL };
    struct sw_spawn_options options = { .arguments = arguments };
    struct sw_system_info before, after;
    uint32_t started = 0;

    must(sw_spawn_program(TINY, &options, &processes[0], NULL), TINY);
    sw_process_kill(processes[0], 0);
    await_end(processes[0]);
    must(sw_system_info(&before), "facts");
    begin();
    while (started < count && sw_spawn_program(TINY, &options, &processes[started], NULL) == SW_OK)
        started++;
    must(sw_system_info(&after), "facts");
    end("sleepers", started, before.ram_free - after.ram_free);
    for (uint32_t i = 0; i < started; i++) {
        sw_process_kill(processes[i], 0);
        await_end(processes[i]);
    }
}

/* ---- memory */

static void map_touch(uint32_t count)
{
    begin();
    for (uint32_t i = 0; i < count; i++) {
        volatile char *bytes;

        must(sw_mapping_create(MIB, 0, (void **)&bytes, NULL), "map");
        for (uint32_t at = 0; at < MIB; at += SW_PAGE)
            bytes[at] = 1;
        sw_mapping_unmap((const void *)bytes, MIB);
    }
    end("map-1MiB", count, 0);
}

/* An address space with nearly as many regions as it may have, from where the kernel looks for room
 * on: a page of every 2 MiB, so that what needs 2 MiB fits only behind them all. */
#define FAR_REGIONS 4000u
#define FAR_STRIDE (2ull << 20)

static handle_t far_memory;
static uint64_t far_base;

static void far_begin(void)
{
    uint64_t at;

    must(sw_memory_create(FAR_STRIDE, 0, &far_memory), "memory");
    must(sw_memory_map(far_memory, 0, 0, SW_PAGE, SW_MAP_READ, &far_base), "map");
    must(sw_memory_unmap(far_base, SW_PAGE), "unmap");
    far_base = (far_base + FAR_STRIDE - 1) / FAR_STRIDE * FAR_STRIDE;
    for (uint64_t i = 0; i < FAR_REGIONS; i++)
        must(sw_memory_map(far_memory, far_base + i * FAR_STRIDE, 0, SW_PAGE, SW_MAP_READ, &at),
             "map");
    /* One more at the end, so that what fits behind them fills a page table of its own. */
    must(sw_memory_map(far_memory, far_base + FAR_REGIONS * FAR_STRIDE - SW_PAGE, 0, SW_PAGE,
                       SW_MAP_READ, &at),
         "map");
}

static void far_end(void)
{
    /* One by one: other mappings of the program may lie between them. */
    for (uint64_t i = 0; i < FAR_REGIONS; i++)
        must(sw_memory_unmap(far_base + i * FAR_STRIDE, SW_PAGE), "unmap");
    must(sw_memory_unmap(far_base + FAR_REGIONS * FAR_STRIDE - SW_PAGE, SW_PAGE), "unmap");
    sw_handle_close(far_memory);
}

/* First touches, of both ends in turn. */
static void far_touch(uint32_t count)
{
    far_begin();
    begin();
    for (uint64_t i = 0; i < count; i++)
        (void)*(volatile const char *)(uintptr_t)(far_base +
                                                  (i % 2 ? i : FAR_REGIONS - 1 - i) * FAR_STRIDE);
    end("far-touch", count, 0);
    far_end();
}

static void far_map(uint32_t count)
{
    uint64_t at;

    far_begin();
    begin();
    for (uint32_t i = 0; i < count; i++) {
        must(sw_memory_map(far_memory, 0, 0, FAR_STRIDE, SW_MAP_READ, &at), "map");
        must(sw_memory_unmap(at, FAR_STRIDE), "unmap");
    }
    end("far-map", count, 0);
    far_end();
}

/* ---- files */

static void open_read(const char *row, const char *path, uint32_t count)
{
    static char buffer[SW_PAGE];
    size_t done;
    int fd;

    for (uint32_t i = 0; i < count + 1; i++) {
        if (i == 1)
            begin();
        must(sw_fd_open(path, SW_OPEN_READ, 0, &fd), path);
        must(sw_fd_read(fd, buffer, sizeof buffer, SW_NEVER, &done), path);
        must(sw_fd_close(fd), path);
        if (done != sizeof buffer)
            must(SW_IO, "a short file");
    }
    end(row, count, 0);
}

static void open_image(uint32_t count)
{
    open_read("open-image", "/bin/tests/bench", count);
}

static void open_tmp(uint32_t count)
{
    static const char page[SW_PAGE] = "x";
    FILE *file = fopen("/tmp/bench", "w");

    if (!file || fwrite(page, sizeof page, 1, file) != 1 || fclose(file))
        must(SW_IO, "/tmp/bench");
    open_read("open-tmp", "/tmp/bench", count);
    must(sw_path_unlink("/tmp/bench"), "/tmp/bench");
}

static void read_again(uint32_t count)
{
    static char buffer[SW_PAGE];
    size_t done;
    int fd;

    must(sw_fd_open("/bin/tests/bench", SW_OPEN_READ, 0, &fd), "open");
    for (int i = 0; i < 3; i++)
        must(sw_fd_read_at(fd, buffer, sizeof buffer, 0, &done), "read");
    begin();
    for (uint32_t i = 0; i < count; i++)
        sw_fd_read_at(fd, buffer, sizeof buffer, 0, &done);
    end("read-4KiB", count, (uint64_t)count * done);
    sw_fd_close(fd);
}

/* The first read of a part of a file nobody read before: every block comes from the disk and is
 * verified. Each round reads the next part. */
static void big_file(uint32_t count)
{
    static char buffer[PIPE_PIECE];
    static int fd = -1;
    size_t done;

    if (fd < 0)
        must(sw_fd_open(BIG, SW_OPEN_READ, 0, &fd), BIG);
    begin();
    for (uint64_t amount = 0; amount < (uint64_t)count * MIB; amount += done) {
        must(sw_fd_read(fd, buffer, sizeof buffer, SW_NEVER, &done), BIG);
        if (done == 0)
            must(SW_OUT_OF_RANGE, BIG " is too short for so many rounds");
    }
    end("big-file", count, (uint64_t)count * MIB);
}

/* ---- pipes */

static int drain(void)
{
    static char buffer[PIPE_PIECE];
    uint64_t done;

    do
        must(sw_pipe_read(sw_start_get("pipe"), buffer, sizeof buffer, SW_NEVER, &done), "read");
    while (done > 0);
    return 0;
}

static void pipe_bandwidth(uint32_t count)
{
    static char buffer[PIPE_PIECE];
    handle_t reader, writer;
    uint64_t done;

    must(sw_pipe_create(PIPE_PIECE, 0, &reader, &writer), "pipe");
    struct sw_spawn_handle handles[] = {
        { .name = "pipe", .handle = reader, .rights = SW_RIGHTS_SAME, .move = true }
    };
    handle_t process = start_role("drain", handles, 1);
    must(sw_pipe_write(writer, buffer, sizeof buffer, SW_NEVER, &done), "write");
    begin();
    for (uint32_t i = 0; i < count; i++)
        must(sw_pipe_write(writer, buffer, sizeof buffer, SW_NEVER, &done), "write");
    end("pipe-64KiB", count, (uint64_t)count * sizeof buffer);
    sw_handle_close(writer);
    await_end(process);
}

static void pipe_once(uint32_t count)
{
    char byte = 0;
    handle_t reader, writer;
    uint64_t done;

    must(sw_pipe_create(SW_PAGE, 0, &reader, &writer), "pipe");
    begin();
    for (uint32_t i = 0; i < count; i++) {
        sw_pipe_write(writer, &byte, 1, SW_NEVER, &done);
        sw_pipe_read(reader, &byte, 1, SW_NEVER, &done);
    }
    end("pipe-1B", count, 0);
    sw_handle_close(reader);
    sw_handle_close(writer);
}

/* ---- time */

static void sleep_ms(uint32_t count)
{
    begin();
    for (uint32_t i = 0; i < count; i++)
        sw_clock_sleep(sw_clock_deadline(SW_MILLISECOND));
    end("sleep-1ms", count, 0);
}

/* ---- all of it */

/* ---- HTTP over loopback */

#define HTTP_REQUEST "GET /1k HTTP/1.1\r\nHost: bench\r\n\r\n"
#define HTTP_BODY 1024
#define HTTP_MOST 16

static void http_read(struct sw_socket *socket)
{
    static char text[4096];
    size_t have = 0, done, head;
    const char *body;

    do {
        must(sw_socket_read(socket, text + have, sizeof(text) - 1 - have, SW_NEVER, &done), "read");
        if (done == 0)
            must(SW_RESET, "response");
        have += done;
        text[have] = 0;
        body = strstr(text, "\r\n\r\n");
        head = body ? (size_t)(body + 4 - text) : 0;
    } while (!body || have < head + HTTP_BODY);
    if (have != head + HTTP_BODY || strncmp(text, "HTTP/1.1 200 ", 13) != 0)
        must(SW_BAD_MESSAGE, "response");
}

/* Requests on `connections` kept connections: all are sent, then all answers read. */
static void http(const char *row, uint32_t count, uint32_t connections)
{
    struct sw_socket_address at = { .bytes = { 127, 0, 0, 1 },
                                    .family = SW_NET_IPV4,
                                    .port = 8080 };
    struct sw_socket *sockets[HTTP_MOST];
    size_t done;

    for (uint32_t i = 0; i < connections; i++) {
        must(sw_socket_connect(&at, 0, &sockets[i]), "connect");
        must(sw_socket_wait_connected(sockets[i], SW_NEVER), "connect");
    }
    for (uint32_t n = 0; n <= count; n += connections) {
        if (n == connections) /* the first ones are to warm up */
            begin();
        for (uint32_t i = 0; i < connections; i++)
            must(sw_socket_write(sockets[i], HTTP_REQUEST, strlen(HTTP_REQUEST), SW_NEVER, &done),
                 "write");
        for (uint32_t i = 0; i < connections; i++)
            http_read(sockets[i]);
    }
    end(row, count, 0);
    for (uint32_t i = 0; i < connections; i++)
        sw_socket_close(sockets[i]);
}

static void http_one(uint32_t count)
{
    http("http-1", count, 1);
}

static void http_many(uint32_t count)
{
    http("http-16", count < HTTP_MOST ? HTTP_MOST : count, HTTP_MOST);
}

static const struct {
    const char *name;
    void (*measure)(uint32_t count);
    uint32_t
        count; /* of a round: some milliseconds, so that on a busy machine one is undisturbed */
    unsigned
        most; /* rounds, of what takes long or is another thing the second time; 0: as asked for */
    bool asked; /* only by its name: it needs a server, or several CPUs */
} rows[] = {
    { "null-call", null_call, 5000, 0, false },
    { "event-read", event_read, 5000, 0, false },
    { "clock", clock_read, 50000, 0, false },
    { "call", call_reply, 250, 0, false },
    { "futex", futex, 1000, 0, false },
    { "thread", threads, 200, 0, false },
    { "spawn-tiny", spawn_tiny, 20, 0, false },
    { "spawn-lua", spawn_lua, 5, 0, false },
    { "sh-true", shell_true, 5, 0, false },
    { "sh-1000-builtin", shell_builtin, 1, 0, false },
    { "sh-1000-external", shell_external, 1, 3, false },
    { "find-all", find_all, 1, 0, false },
    { "grep-10MiB", grep_lines, 1, 3, false },
    { "sort-10MiB", sort_lines, 1, 3, false },
    { "open-image", open_image, 100, 0, false },
    { "open-tmp", open_tmp, 100, 0, false },
    { "read-4KiB", read_again, 3000, 0, false },
    { "map-1MiB", map_touch, 10, 0, false },
    { "far-touch", far_touch, 200, 0, false },
    { "far-map", far_map, 200, 0, false },
    { "pipe-64KiB", pipe_bandwidth, 64, 0, false },
    { "pipe-1B", pipe_once, 1500, 0, false },
    { "sleep-1ms", sleep_ms, 20, 0, false },
    { "big-file", big_file, 1, 0, false },
    { "sleepers", sleepers, SLEEPERS, 1, false },
    { "work-1", work_alone, 20000000, 0, true },
    { "work-2", work_divided, 20000000, 0, true },
    { "http-1", http_one, 500, 0, true },
    { "http-16", http_many, 1600, 0, true },
};

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "serve"))
        return serve();
    if (argc > 1 && !strcmp(argv[1], "drain"))
        return drain();
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    bool single = argc > 2 && !strcmp(argv[2], "single");
    int first_name = single ? 3 : 2;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool wanted = argc <= first_name && !rows[i].asked;

        for (int a = first_name; a < argc; a++)
            wanted = wanted || !strcmp(argv[a], rows[i].name);
        unsigned most = rows[i].most && rows[i].most < rounds ? rows[i].most : rounds;
        for (unsigned round = 0; wanted && round < most; round++)
            rows[i].measure(single ? 1 : rows[i].count);
    }
    printf("bench done\n");
    return 0;
}
