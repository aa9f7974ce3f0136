/* The other side of a protocol as an enemy.
 *
 *   hostile client SEED COUNT    sends COUNT malformed requests to each server it can reach: wrong
 *       lengths, lying counts, handles where none belong, buffers it does not have; then each server
 *       must still answer an honest one
 *   hostile server SEED COUNT    serves a client of the C library (this program again, as `victim`)
 *       with wrong answers: sizes, counts, handles, deferred ones, and deaths; the client must do
 *       COUNT operations, however they end, and stay small
 *   hostile rules                what the C library makes of a server that dies with each request,
 *       of one that holds them, and of none: how often a request is sent, under which id
 *
 * What is sent follows the tables of runtime/abi: operations, and fields at the places of real
 * ones. */
#include "check.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/message.h>
#include <swos/path.h>
#include <swos/protocol.h>
#include <swos/service.h>
#include <swos/spawn.h>
#include <swos/thread.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *protocol, *operation;
    uint16_t id, version, number, size;
    uint64_t capability;
} operations[] = {
#include "operations.inc"
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static uint64_t random_state;

static uint64_t random_word(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 31;
}

static uint32_t below(uint32_t limit)
{
    return (uint32_t)(random_word() % limit);
}

/* A number of the kind that breaks things. */
static uint64_t odd_number(void)
{
    static const uint64_t odd[] = { 0,    1,          2,           7,          8,
                                    4096, UINT32_MAX, UINT64_MAX,  0x7fffffff, 1ull << 32,
                                    255,  8192,       0x100000000, 512,        1ull << 63 };
    return below(4) ? odd[below(sizeof(odd) / sizeof(odd[0]))] : random_word();
}

/* A message with odd numbers in the places of fields, and text behind. */
static void fill(uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at + 4 <= length; at += 4) {
        uint32_t word = at < 64 || below(8) == 0 ? (uint32_t)odd_number() : 0x2f612f61;
        memcpy(bytes + at, &word, 4);
    }
}

/* Handles to things that no protocol expects. */
static handle_t odds[4];

static bool odds_create(void)
{
    handle_t writer;
    return sw_event_create(&odds[0]) == SW_OK && sw_memory_create(SW_PAGE, 0, &odds[1]) == SW_OK &&
           sw_pipe_create(SW_PAGE, 0, &odds[2], &writer) == SW_OK &&
           sw_channel_create(&odds[3]) == SW_OK;
}

static uint32_t pick_handles(uint32_t send[SW_HANDLES_MAX])
{
    uint32_t count = below(3) ? 0 : below(SW_HANDLES_MAX + 1);
    for (uint32_t i = 0; i < count; i++)
        send[i] = odds[below(3)];
    return count;
}

/* ------------------------------------------------------------------ client */

static uint8_t data[65536];

static void attack(handle_t connection, uint16_t protocol)
{
    static _Alignas(8) uint8_t request[SW_MESSAGE_MAX], reply[SW_MESSAGE_MAX];
    size_t which = below(OPERATIONS);

    for (int i = 0; operations[which].id != protocol && i < 1000; i++)
        which = below(OPERATIONS);
    size_t length = operations[which].size;
    switch (below(4)) {
    case 0:
        length += below(64);
        break;
    case 1:
        length = below((uint32_t)length + 1);
        break;
    case 2:
        length = below(SW_MESSAGE_MAX + 1);
        break;
    }
    fill(request, length);
    if (length >= sizeof(struct sw_request_header) && below(16)) {
        struct sw_request_header header = { operations[which].id, operations[which].version,
                                            operations[which].number, 0, random_word() };
        memcpy(request, &header, sizeof(header));
    }
    struct sw_call call = {
        .request = (uint64_t)(uintptr_t)request,
        .request_length = (uint32_t)length,
        .reply = (uint64_t)(uintptr_t)reply,
        .reply_capacity = below(4) ? sizeof(reply) : below(64),
        .data = below(8) ? (uint64_t)(uintptr_t)data : odd_number() & 0x7fffff000,
        .data_length = below(4) ? sizeof(data) : below(SW_DATA_MAX),
        .flags = below(4),
    };
    call.send_count = pick_handles(call.send);
    uint32_t received = 0;
    status_t status = sw_call(connection, &call, sw_clock_deadline(5 * SW_SECOND), NULL, &received);
    if (status == SW_SERVER_REPLACED)
        sw_connection_accept(connection);
    if (status == SW_PEER_DIED || status == SW_UNKNOWN_OUTCOME)
        check(0, "%s.%s: %s", operations[which].protocol, operations[which].operation,
              sw_status_name(status));
    for (uint32_t i = 0; i < received; i++)
        sw_handle_close(call.received[i]);
}

static int client(uint32_t count)
{
    struct sw_fd_facts facts = { 0 };
    struct sw_place tmp, base;
    struct sw_terminal_get_mode_reply mode = { 0 };
    handle_t file = 0, auth = 0, system = 0;
    int fd = open("/tmp/hostile", O_CREAT | O_RDWR, 0600);

    if (!odds_create() || sw_path_resolve("/tmp/x", &tmp) != SW_OK ||
        sw_path_resolve("/", &base) != SW_OK)
        return 2;
    sw_service_connect("auth", SW_NEVER, &auth);
    sw_service_connect("system", SW_NEVER, &system);
    if (sw_fd_facts(fd, &facts) == SW_OK)
        file = facts.handle;
    sw_fd_facts(0, &facts);
    sw_terminal_get_mode(facts.control, &mode, SW_NEVER);
    /* Nothing it might guess right may end the system under the test. */
    sw_process_restrict(~(uint64_t)(SW_CAP_POWER | SW_CAP_DEVICE | SW_CAP_TIME));
    const struct {
        const char *name;
        handle_t connection;
        uint16_t protocol;
        uint32_t count;
    } servers[] = {
        { "tmpfs", tmp.connection, SW_PROTOCOL_FILE, count },
        { "an open file", file, SW_PROTOCOL_FILE, count },
        { "imgfs", base.connection, SW_PROTOCOL_FILE, count },
        { "consoled", facts.control, SW_PROTOCOL_TERMINAL, count },
        { "authd", auth, SW_PROTOCOL_AUTH, count / 200 + 1 },
        { "names", sw_start_get("names"), SW_PROTOCOL_NAMES, count / 4 },
        { "system", system, SW_PROTOCOL_SYSTEM, count / 4 },
    };
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        struct sw_attributes attributes;
        for (uint32_t n = 0; n < servers[i].count; n++)
            attack(servers[i].connection, servers[i].protocol);
        if (servers[i].protocol == SW_PROTOCOL_TERMINAL) {
            sw_terminal_set_mode(facts.control, mode.mode, 0, SW_NEVER);
            sw_terminal_set_size(facts.control, mode.rows, mode.columns, 0, SW_NEVER);
        }
        check(sw_path_attributes("/tmp", &attributes) == SW_OK &&
                  sw_path_attributes("/hello.txt", &attributes) == SW_OK,
              "%s took %u requests", servers[i].name, (unsigned)servers[i].count);
    }
    close(fd);
    return check_done();
}

/* ------------------------------------------------------------------ server */

static uint64_t held[8]; /* calls not answered yet */
static uint32_t held_count;

static void answer(uint64_t token, uint32_t capacity, uint64_t data_length)
{
    static _Alignas(8) uint8_t bytes[SW_MESSAGE_MAX];
    uint32_t length = below(3) == 0 ? below(capacity + 1) : capacity;
    struct sw_reply_header header = { below(4) ? SW_OK : (int32_t)odd_number() % 64, 0 };
    uint64_t done;

    fill(bytes, sizeof(bytes));
    memcpy(bytes, &header, sizeof(header));
    if (below(2) && data_length)
        sw_call_write(token, 0, bytes, below(sizeof(bytes)) % data_length + 1, &done);
    struct sw_reply reply = { .data = (uint64_t)(uintptr_t)bytes, .length = length };
    reply.send_count = pick_handles(reply.send);
    if (sw_reply(token, &reply) != SW_OK) {
        reply.send_count = 0;
        reply.length = sizeof(header) < capacity ? sizeof(header) : capacity;
        sw_reply(token, &reply);
    }
}

/* Answers a call, later, never (its channel loses its server), or wrongly. */
static void misbehave(handle_t channel, handle_t port, const struct sw_event *event)
{
    uint32_t capacity = event->reply_capacity;

    for (uint32_t i = 0; i < event->received_count; i++)
        sw_handle_close(event->received[i]);
    if (below(16) == 0) {
        sw_channel_leave(channel);
        sw_channel_serve(channel, port, 1);
        held_count = 0;
    } else if (below(16) == 0 && held_count < 8) {
        held[held_count++] = event->token;
    } else {
        answer(event->token, capacity, event->bits & SW_CALL_DATA_OUT ? event->data_length : 0);
    }
}

static int server(const char *seed, const char *count)
{
    static _Alignas(8) uint8_t message[SW_MESSAGE_MAX];
    handle_t channel, port, connection, process;
    int32_t result = -1;
    bool ended = false;

    if (!odds_create() || sw_channel_create(&channel) != SW_OK || sw_port_create(&port) != SW_OK ||
        sw_connection_create(channel, 1, &connection) != SW_OK ||
        sw_channel_serve(channel, port, 1) != SW_OK)
        return 2;
    const char *arguments[] = { sw_start_argument(0), "victim", seed, count, NULL };
    struct sw_spawn_path paths[] = { { "/", connection } };
    struct sw_spawn_handle handles[] = { { .name = "names", .handle = connection },
                                         { .name = "hostile", .handle = connection } };
    struct sw_spawn_options options = { .arguments = arguments,
                                        .paths = paths,
                                        .path_count = 1,
                                        .handles = handles,
                                        .handle_count = 2 };
    if (sw_spawn_program(arguments[0], &options, &process, NULL) != SW_OK ||
        sw_port_bind(port, process, UINT64_MAX, 2) != SW_OK)
        return 2;
    uint64_t limit = sw_clock_deadline(240 * SW_SECOND);
    while (!ended && sw_clock_monotonic() < limit) {
        struct sw_wait wait = { .buffer = (uint64_t)(uintptr_t)message,
                                .capacity = sizeof(message) };
        status_t status = sw_port_wait(port, &wait, sw_clock_deadline(20 * SW_MILLISECOND));
        if (status == SW_OK && wait.event.kind == SW_EVENT_MESSAGE) {
            misbehave(channel, port, &wait.event);
        } else if (status == SW_OK && wait.event.kind == SW_EVENT_EXIT) {
            result = (int32_t)wait.event.badge;
            ended = true;
        } else {
            while (held_count > 0) /* whoever was kept waiting hears something at last */
                answer(held[--held_count], 8, 0);
        }
    }
    check(result == 0, "the client ended with %d", (int)result);
    return check_done();
}

/* ------------------------------------------------------------------ rules */

#define TRIES 9 /* 1 + the deaths a request may outlive (runtime/libswos/message.c) */

enum manner { DIES, HOLDS };

static struct {
    handle_t channel, port;
    _Atomic uint32_t manner, received, other_ids;
    _Atomic uint64_t id; /* of the first request */
} ruled;

static void *ruled_thread(void *argument)
{
    static _Alignas(8) uint8_t message[SW_MESSAGE_MAX];

    (void)argument;
    for (;;) {
        struct sw_wait wait = { .buffer = (uint64_t)(uintptr_t)message,
                                .capacity = sizeof(message) };
        if (sw_port_wait(ruled.port, &wait, SW_NEVER) != SW_OK ||
            wait.event.kind != SW_EVENT_MESSAGE)
            continue;
        uint64_t id = ((const struct sw_request_header *)message)->id;
        if (ruled.received++ == 0)
            ruled.id = id;
        ruled.other_ids += id != ruled.id;
        for (uint32_t i = 0; i < wait.event.received_count; i++)
            sw_handle_close(wait.event.received[i]);
        if (ruled.manner == DIES) {
            sw_channel_leave(ruled.channel);
            sw_channel_serve(ruled.channel, ruled.port, 1);
        }
    }
    return NULL;
}

static void check_sent(status_t got, status_t wanted, uint32_t times, const char *what)
{
    check(got == wanted && ruled.received == times && ruled.other_ids == 0,
          "%s: %s, sent %u times, %u with another id", what, sw_status_name(got),
          (unsigned)ruled.received, (unsigned)ruled.other_ids);
    ruled.received = 0;
}

static int rules(void)
{
    struct sw_thread *thread;
    handle_t connection, nobody, orphan;
    struct sw_file_stat_reply facts;

    if (sw_channel_create(&ruled.channel) != SW_OK || sw_port_create(&ruled.port) != SW_OK ||
        sw_connection_create(ruled.channel, 1, &connection) != SW_OK ||
        sw_channel_create(&nobody) != SW_OK || sw_connection_create(nobody, 1, &orphan) != SW_OK ||
        sw_channel_serve(ruled.channel, ruled.port, 1) != SW_OK ||
        sw_thread_start(ruled_thread, NULL, 0, &thread) != SW_OK)
        return 2;
    check_sent(sw_file_stat(connection, "x", 1, &facts, SW_NEVER), SW_PEER_DIED, TRIES,
               "an idempotent request that its server dies of");
    check(ruled.id == 0, "it needs no id");
    check_sent(sw_file_mkdir(connection, 0755, "x", 1, SW_NEVER), SW_PEER_DIED, TRIES,
               "one to be carried out once");
    uint64_t first = ruled.id;
    check_sent(sw_file_mkdir(connection, 0755, "x", 1, SW_NEVER), SW_PEER_DIED, TRIES,
               "the next one");
    check(first != 0 && ruled.id != 0 && ruled.id != first, "each has an id of its own");
    check_sent(sw_system_power(connection, SW_POWER_OFF, 0, SW_NEVER), SW_PEER_DIED, 1,
               "one that may not be repeated");
    ruled.manner = HOLDS;
    check_sent(sw_file_stat(connection, "x", 1, &facts, sw_clock_deadline(SW_MILLISECOND * 50)),
               SW_UNKNOWN_OUTCOME, 1, "one that is held longer than its caller waits");
    check_sent(sw_file_stat(orphan, "x", 1, &facts, sw_clock_deadline(SW_MILLISECOND * 50)),
               SW_TIMED_OUT, 0, "one to a server that never comes");
    return check_done();
}

/* ------------------------------------------------------------------ the client of that server */

static void use_file(const char *path)
{
    static char buffer[3000];
    struct stat facts;
    int fd = open(path, (int)(below(3) | (below(2) ? O_CREAT : 0)), 0644);

    if (fd < 0)
        return;
    for (int i = 0; i < 4; i++) {
        ssize_t done = below(2) ? read(fd, buffer, sizeof(buffer))
                                : pread(fd, buffer, sizeof(buffer), (off_t)below(1 << 24));
        if (done > (ssize_t)sizeof(buffer))
            exit(3);
        done = write(fd, buffer, below(sizeof(buffer)));
        if (done > (ssize_t)sizeof(buffer))
            exit(3);
        lseek(fd, (off_t)below(1 << 20), below(3) == 0 ? SEEK_END : SEEK_SET);
        fstat(fd, &facts);
    }
    if (ftruncate(fd, (off_t)below(9000)) < 0)
        errno = 0;
    close(fd);
}

static void list(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    for (int i = 0; directory && i < 1000 && (entry = readdir(directory)); i++)
        if (strlen(entry->d_name) > 255)
            exit(3);
    if (directory)
        closedir(directory);
}

static void talk(void)
{
    handle_t hostile = sw_start_get("hostile"), got = 0;
    struct sw_auth_login_reply reply;
    struct sw_terminal_get_mode_reply mode;
    char shell[16];

    if (sw_auth_login(hostile, "n", 1, "p", 1, &reply, shell, sizeof(shell), &got, SW_NEVER) ==
            SW_OK &&
        memchr(shell, 0, sizeof(shell)) == NULL)
        exit(3);
    if (got)
        sw_handle_close(got);
    got = 0;
    if (sw_service_connect("auth", SW_NEVER, &got) == SW_OK && got)
        sw_handle_close(got);
    sw_terminal_get_mode(hostile, &mode, SW_NEVER);
    sw_file_stat(hostile, "x", 1, NULL, sw_clock_deadline(SW_MILLISECOND));
}

static void start(const char *path)
{
    const char *arguments[] = { path, NULL };
    struct sw_spawn_options options = { .arguments = arguments };
    handle_t process;
    int32_t status;

    if (sw_spawn_program(path, &options, &process, NULL) == SW_OK) {
        sw_process_kill(process, 1);
        sw_process_wait(process, sw_clock_deadline(SW_SECOND), &status);
        sw_handle_close(process);
    }
}

static int victim(uint32_t count)
{
    struct sw_process_info before, after;

    for (uint32_t i = 0; i < count; i++) {
        if (i == count / 4)
            sw_process_info(0, &before);
        switch (below(6)) {
        case 0:
            list("/h");
            break;
        case 1:
            mkdir("/h/d", 0755);
            rename("/h/a", "/h/b");
            unlink("/h/a");
            rmdir("/h/d");
            break;
        case 2:
            talk();
            break;
        case 3:
            start("/h/p");
            break;
        default:
            use_file("/h/a");
        }
    }
    sw_process_info(0, &after);
    if (after.memory > before.memory + (1u << 20) || after.handles > before.handles + 8) {
        printf("grew from %llu to %llu bytes, %u to %u handles\n",
               (unsigned long long)before.memory, (unsigned long long)after.memory,
               (unsigned)before.handles, (unsigned)after.handles);
        return 4;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 3 ? argv[1] : "";
    uint32_t count = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;

    if (argc > 3)
        random_state = strtoull(argv[2], NULL, 10);
    if (argc == 2 && !strcmp(argv[1], "rules"))
        return rules();
    if (!strcmp(kind, "client"))
        return client(count);
    if (!strcmp(kind, "server"))
        return server(argv[2], argv[3]);
    if (!strcmp(kind, "victim"))
        return victim(count);
    return 2;
}
