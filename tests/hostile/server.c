/* A server of every protocol that answers wrongly, and its victims: this program again (victim.c), the
 * Lua binding (client.lua), and the programs people use. A victim's names, files in /h and terminal
 * are ours. It must end by itself with the status it should, in time, and a Lua program without an
 * error nobody caught. */
#include "check.h"
#include "hostile.h"
#include <stdlib.h>
#include <string.h>
#include <swos/message.h>
#include <swos/path.h>
#include <swos/protocol.h>

#define KILLED 137
#define ARGUMENTS 6
#define COUNT_ROUND 100 /* for each so many, all programs: most end at the first wrong answer */
#define LIMIT (60 * SW_SECOND)       /* a victim that has not ended hangs */
#define FOLLOW_LIMIT (1 * SW_SECOND) /* one that may go on for ever is ended */

enum { KEY_CHANNEL, KEY_PROCESS, KEY_OUTPUT };

struct victim {
    const char *arguments[ARGUMENTS];
    const char *typed; /* on its terminal, line by line; NULL: nothing */
    bool must_succeed; /* its status tells; else it may complain of its server */
    bool may_run_on;
};

struct serving serving;

/* ------------------------------------------------------------------ answers */

/* What the caller is told: a whole answer, or any bytes. Returns its length. */
static uint32_t compose(uint8_t *bytes, const struct operation *operation, uint32_t capacity)
{
    uint32_t length = below(4) ? capacity : below(capacity + 1);
    struct sw_reply_header header = { below(5) ? SW_OK : (int32_t)odd_number() % 64, 0 };

    odd_fill(bytes, SW_MESSAGE_MAX);
    if (operation && below(4) && operation->reply.size <= capacity)
        length = (uint32_t)odd_compose(bytes, &operation->reply, capacity);
    memcpy(bytes, &header, sizeof(header));
    return length;
}

static void answer(uint64_t token, const struct operation *operation, uint32_t capacity,
                   uint64_t data_length)
{
    static _Alignas(8) uint8_t bytes[SW_MESSAGE_MAX];
    struct sw_reply reply = { .data = (uint64_t)(uintptr_t)bytes };
    uint64_t done;

    if (below(4) && data_length) {
        if (below(4))
            odd_lines(bytes, sizeof(bytes));
        else
            odd_fill(bytes, sizeof(bytes));
        sw_call_write(token, 0, bytes, below(sizeof(bytes)) % data_length + 1, &done);
    }
    reply.length = compose(bytes, operation, capacity);
    if (below(6))
        reply.send_count = odd_handles(operation ? operation->receive : NULL, reply.send);
    if (sw_reply(token, &reply) != SW_OK) {
        reply.send_count = 0;
        reply.length =
            sizeof(struct sw_reply_header) < capacity ? sizeof(struct sw_reply_header) : capacity;
        sw_reply(token, &reply);
    }
}

void misbehave(const struct sw_event *event, const uint8_t *message)
{
    const struct operation *operation = operation_find(message, event->request_length);

    for (uint32_t i = 0; i < event->received_count; i++)
        sw_handle_close(event->received[i]);
    if (operation)
        serving.answered[operation->id]++;
    if (below(24) == 0) {
        sw_channel_leave(serving.channel);
        sw_channel_serve(serving.channel, serving.port, KEY_CHANNEL);
        serving.held_count = 0;
    } else if (below(24) == 0 && serving.held_count < HELD_MAX) {
        serving.held[serving.held_count++] = event->token;
    } else {
        answer(event->token, operation, event->reply_capacity,
               event->bits & SW_CALL_DATA_OUT ? event->data_length : 0);
    }
}

void release(void)
{
    while (serving.held_count > 0)
        answer(serving.held[--serving.held_count], NULL, sizeof(struct sw_reply_header), 0);
}

/* ------------------------------------------------------------------ victims */

#define UNCAUGHT "stack traceback:"
#define OUTPUT_KEPT 2000

/* What it has printed, the last of it. */
struct output {
    handle_t reader;
    char text[2 * OUTPUT_KEPT + 1];
    size_t length;
    bool uncaught;
};

static bool output_read(struct output *output)
{
    uint64_t done = 0;

    if (output->length > OUTPUT_KEPT) {
        size_t from = output->length - OUTPUT_KEPT / 2;
        memmove(output->text, output->text + from, output->length - from);
        output->length -= from;
    }
    if (sw_pipe_read(output->reader, output->text + output->length, OUTPUT_KEPT, 0, &done) !=
            SW_OK ||
        done == 0)
        return false;
    for (size_t i = output->length; i < output->length + done; i++)
        if (output->text[i] == 0)
            output->text[i] = '.';
    output->length += done;
    output->text[output->length] = 0;
    output->uncaught = output->uncaught || strstr(output->text, UNCAUGHT);
    return true;
}

static void output_show(const struct output *output)
{
    printf("# ");
    for (const char *at = output->text; *at; at++)
        printf(*at == '\n' ? "\n# " : *at >= ' ' && *at < 127 ? "%c" : ".", *at);
    printf("\n");
}

static status_t start(const struct victim *victim, handle_t job, handle_t input, handle_t output,
                      handle_t *out_process)
{
    const handle_t ours = serving.connection;
    const struct sw_spawn_path paths[] = { { "/", sw_start_path_at(0)->handle }, { "/h", ours } };
    const struct sw_spawn_handle handles[] = {
        { .name = "names", .handle = ours },
        { .name = "hostile", .handle = ours },
        { .name = "job", .handle = job },
        { .name = "fd/0", .handle = input, .info = SW_FD_TERMINAL },
        { .name = "fd/0/control", .handle = ours },
        { .name = "fd/1", .handle = output, .info = SW_FD_PIPE },
        { .name = "fd/2", .handle = output, .info = SW_FD_PIPE },
    };
    const struct sw_spawn_descriptor none;
    const struct sw_spawn_options options = { .job = job,
                                              .bare = true,
                                              .arguments = victim->arguments,
                                              .descriptors = &none,
                                              .handles = handles,
                                              .handle_count = sizeof(handles) / sizeof(handles[0]),
                                              .paths = paths,
                                              .path_count = 2,
                                              .directory = "/" };

    return sw_spawn_program(victim->arguments[0], &options, out_process, NULL);
}

/* Types the next line, or the end. */
static void type(const char **typed, handle_t *keyboard)
{
    uint64_t done;

    if (*typed && **typed) {
        const char *end = strchr(*typed, '\n');
        size_t length = end ? (size_t)(end - *typed) + 1 : strlen(*typed);
        sw_pipe_write(*keyboard, *typed, length, 0, &done);
        *typed += length;
    } else if (*keyboard) {
        sw_handle_close(*keyboard);
        *keyboard = 0;
    }
}

/* Serves it until it ends; false: it did not. */
static bool serve(const struct victim *victim, struct output *output, handle_t *keyboard,
                  int32_t *out_result)
{
    const char *typed = victim->typed;
    static _Alignas(8) uint8_t message[SW_MESSAGE_MAX];
    uint64_t limit = sw_clock_deadline(victim->may_run_on ? FOLLOW_LIMIT : LIMIT);

    while (sw_clock_monotonic() < limit) {
        struct sw_wait wait = { .buffer = (uint64_t)(uintptr_t)message,
                                .capacity = sizeof(message) };
        status_t status = sw_port_wait(serving.port, &wait, sw_clock_deadline(20 * SW_MILLISECOND));
        if (status == SW_OK && wait.event.kind == SW_EVENT_MESSAGE) {
            misbehave(&wait.event, message);
        } else if (status == SW_OK && wait.event.kind == SW_EVENT_PIPE) {
            output_read(output);
        } else if (status == SW_OK && wait.event.kind == SW_EVENT_EXIT) {
            *out_result = (int32_t)wait.event.badge;
            return true;
        } else {
            release();
            type(&typed, keyboard);
        }
    }
    return false;
}

static void suffer(const struct victim *victim)
{
    static struct output output;
    handle_t job, session, input, keyboard, printed, process = 0;
    int32_t result = 0;
    bool ended = false;

    output = (struct output){ 0 };
    if (sw_job_create(sw_start_get("job"), &(struct sw_limits){ 0 }, &job) != SW_OK ||
        sw_job_create(job, &(struct sw_limits){ 0 }, &session) != SW_OK ||
        sw_pipe_create(SW_PAGE, 0, &input, &keyboard) != SW_OK ||
        sw_pipe_create(SW_PAGE, 0, &output.reader, &printed) != SW_OK)
        return;
    odd_handle_set("job", session);
    status_t status = start(victim, job, input, printed, &process);
    sw_handle_close(printed);
    if (status == SW_OK && sw_port_bind(serving.port, process, UINT64_MAX, KEY_PROCESS) == SW_OK &&
        sw_port_bind(serving.port, output.reader, SW_PIPE_READABLE, KEY_OUTPUT) == SW_OK)
        ended = serve(victim, &output, &keyboard, &result) || victim->may_run_on;
    while (output_read(&output))
        ;
    bool good = status == SW_OK && ended && !output.uncaught && (!victim->must_succeed || !result);
    if (!good)
        output_show(&output);
    check(good, "%s %s: %s, %s with %d", victim->arguments[0],
          victim->arguments[1] ? victim->arguments[1] : "", sw_status_name(status),
          ended ? "ended" : "hangs", (int)result);
    serving.held_count = 0;
    sw_job_kill(job, KILLED);
    const handle_t mine[] = { process, output.reader, keyboard, input, session, job };
    for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
        if (mine[i])
            sw_handle_close(mine[i]);
}

static const struct victim programs[] = {
    { .arguments = { "/bin/svc" } },
    { .arguments = { "/bin/svc", "status", "tmpfs" } },
    { .arguments = { "/bin/svc", "why", "tmpfs" } },
    { .arguments = { "/bin/svc", "logs", "tmpfs" } },
    { .arguments = { "/bin/svc", "logs", "-f", "tmpfs" }, .may_run_on = true },
    { .arguments = { "/bin/svc", "restart", "tmpfs" } },
    { .arguments = { "/bin/svc", "check", "/hello.txt" } },
    { .arguments = { "/bin/svc", "reload" } },
    { .arguments = { "/bin/svc", "trim" } },
    { .arguments = { "/bin/logtail" } },
    { .arguments = { "/bin/logtail", "-f" }, .may_run_on = true },
    { .arguments = { "/bin/dmesg" } },
    { .arguments = { "/bin/dmesg", "-c", "0" } },
    { .arguments = { "/bin/dmesg", "-n", "info" } },
    { .arguments = { "/bin/crash" } },
    { .arguments = { "/bin/crash", "show", "1" } },
    { .arguments = { "/bin/metrics" } },
    { .arguments = { "/bin/lsdev" } },
    { .arguments = { "/bin/lsdev", "-l", "-a" } },
    { .arguments = { "/bin/swos-init" } },
    { .arguments = { "/bin/ps" } },
    { .arguments = { "/bin/top", "-b", "-n", "1" } },
    { .arguments = { "/bin/top" }, .typed = "q" },
    { .arguments = { "/bin/trace", "1" }, .may_run_on = true },
    { .arguments = { "/bin/poweroff" } },
    { .arguments = { "/bin/ls", "-l", "/h" } },
    { .arguments = { "/bin/cat", "/h/a" }, .may_run_on = true },
    { .arguments = { "/bin/lua", "/h/a" } },
    { .arguments = { "/bin/sh", "-c", "echo /h/*; cat </h/a; echo x >/h/b; . /h/c" },
      .may_run_on = true },
    { .arguments = { "/bin/sh" }, .typed = "cd /h\necho a | cat\nls\ncd /h/a\n/h/a\nexit\n" },
    { .arguments = { "/bin/console-login" }, .typed = "root\nx\nroot\ny\n" },
};

/* It asked for something of each protocol. */
static void check_answered(const char *who)
{
    for (size_t i = 0; i < operation_count; i++) {
        uint32_t *answered = &serving.answered[operations[i].id];
        if (i > 0 && operations[i].id == operations[i - 1].id)
            continue;
        check(*answered > 0, "%s got wrong answers (%s) to %u requests", who,
              operations[i].protocol, (unsigned)*answered);
        *answered = 0;
    }
}

int server(const char *seed, uint32_t count)
{
    char operations_count[12], fewer[12];
    const struct victim itself = { .arguments = { sw_start_argument(0), "victim", seed,
                                                  operations_count },
                                   .must_succeed = true };
    const struct victim binding = { .arguments = { "/bin/lua", "/bin/tests/hostile_client.lua",
                                                   seed, fewer },
                                    .must_succeed = true };

    snprintf(operations_count, sizeof(operations_count), "%u", (unsigned)count);
    snprintf(fewer, sizeof(fewer), "%u", (unsigned)count / 2);
    for (size_t i = 0; i < operation_count; i++)
        if (operations[i].id >= PROTOCOLS)
            return 2;
    if (!odds_create() || sw_channel_create(&serving.channel) != SW_OK ||
        sw_port_create(&serving.port) != SW_OK ||
        sw_connection_create(serving.channel, 1, &serving.connection) != SW_OK ||
        sw_channel_serve(serving.channel, serving.port, KEY_CHANNEL) != SW_OK)
        return 2;
    odd_handle_set("connection", serving.connection);
    suffer(&itself);
    check_answered("the C library");
    suffer(&binding);
    check_answered("the Lua binding");
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        for (uint32_t round = 0; round < count / COUNT_ROUND; round++)
            suffer(&programs[i]);
    return check_done();
}
