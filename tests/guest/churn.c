/* What comes and goes all the time, from several processes with several threads each, on all CPUs:
 * processes, threads, pipes, files, memory, futexes. Each thread checks all it did.
 *
 *   churn PROCESSES THREADS SECONDS */
#include "check.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <swos/mapping.h>
#include <swos/sync.h>
#include <swos/thread.h>
#include <unistd.h>

#define THREADS 8
#define PROCESSES 16
#define PIECE 3000

struct worker {
    uint32_t process, number;
    uint64_t end, random, rounds;
    const char *failed; /* what went wrong first */
};

static uint32_t random_number(struct worker *worker)
{
    worker->random = worker->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(worker->random >> 33);
}

static void *short_thread(void *argument)
{
    return (void *)((uintptr_t)argument + 1);
}

static int do_thread(struct worker *worker)
{
    struct sw_thread *thread;
    void *result = NULL, *argument = (void *)(uintptr_t)random_number(worker);

    return sw_thread_start(short_thread, argument, 16384, &thread) == SW_OK &&
           sw_thread_join(thread, SW_NEVER, &result) == SW_OK && result == (char *)argument + 1;
}

static int do_process(struct worker *worker)
{
    uint32_t wanted = random_number(worker) % 100;
    char text[12];
    const char *path = sw_start_argument(0), *arguments[] = { path, "exit", text, NULL };
    struct sw_spawn_options options = { .arguments = arguments };
    handle_t process;
    int32_t result = -1;

    snprintf(text, sizeof text, "%u", (unsigned)wanted);
    if (sw_spawn_program(path, &options, &process, NULL) != SW_OK)
        return 0;
    status_t status = sw_process_wait(process, sw_clock_deadline(60 * SW_SECOND), &result);
    sw_handle_close(process);
    return status == SW_OK && result == (int32_t)wanted;
}

struct pipe_end {
    handle_t writer;
    uint8_t first;
};

static void *pipe_filler(void *argument)
{
    struct pipe_end *end = argument;
    uint8_t bytes[PIECE];
    uint64_t done = 0;

    for (uint32_t i = 0; i < PIECE; i++)
        bytes[i] = (uint8_t)(end->first + i);
    status_t status = SW_OK;
    for (uint32_t i = 0; i < 4 && status == SW_OK; i++)
        status = sw_pipe_write(end->writer, bytes, sizeof bytes, SW_NEVER, &done);
    sw_handle_close(end->writer);
    return (void *)(uintptr_t)(status == SW_OK);
}

static int do_pipe(struct worker *worker)
{
    struct pipe_end end = { .first = (uint8_t)random_number(worker) };
    struct sw_thread *thread;
    handle_t reader;
    uint8_t bytes[1000];
    uint64_t done = 1, total = 0;
    void *result = NULL;
    int good = 1;

    if (sw_pipe_create(SW_PAGE, 0, &reader, &end.writer) != SW_OK ||
        sw_thread_start(pipe_filler, &end, 16384, &thread) != SW_OK)
        return 0;
    while (good && done) {
        good = sw_pipe_read(reader, bytes, sizeof bytes, SW_NEVER, &done) == SW_OK;
        for (uint64_t i = 0; i < done; i++)
            good = good && bytes[i] == (uint8_t)(end.first + (total + i) % PIECE);
        total += done;
    }
    sw_thread_join(thread, SW_NEVER, &result);
    sw_handle_close(reader);
    return good && result && total == 4 * PIECE;
}

static int do_file(struct worker *worker)
{
    char name[32], text[64], back[64];

    snprintf(name, sizeof name, "/tmp/churn-%u-%u", (unsigned)worker->process,
             (unsigned)worker->number);
    int length = snprintf(text, sizeof text, "%u %s", (unsigned)random_number(worker), name);
    int file = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);
    if (file < 0)
        return 0;
    int good = write(file, text, (size_t)length) == length && lseek(file, 0, SEEK_SET) == 0 &&
               read(file, back, sizeof back) == length && memcmp(text, back, (size_t)length) == 0;
    close(file);
    return unlink(name) == 0 && good;
}

static int do_memory(struct worker *worker)
{
    size_t size = (1 + random_number(worker) % 16) * SW_PAGE;
    uint32_t *words, value = random_number(worker);
    int good = 1;

    if (sw_mapping_create(size, 0, (void **)&words, NULL) != SW_OK)
        return 0;
    for (size_t at = 0; at < size / 4; at += 512) {
        good = good && words[at] == 0;
        words[at] = value + (uint32_t)at;
    }
    good = good && sw_memory_protect((uintptr_t)words, size, SW_MAP_READ) == SW_OK;
    for (size_t at = 0; at < size / 4; at += 512)
        good = good && words[at] == value + (uint32_t)at;
    sw_mapping_unmap(words, size);
    return good;
}

static struct sw_mutex lock;
static uint64_t locked_count, locked_double;

static int do_lock(struct worker *worker)
{
    int good = 1;

    for (uint32_t i = random_number(worker) % 200; good && i > 0; i--) {
        sw_mutex_lock(&lock);
        good = locked_double == 2 * locked_count;
        locked_count++;
        locked_double += 2;
        sw_mutex_unlock(&lock);
    }
    return good;
}

static const struct {
    const char *name;
    int (*act)(struct worker *worker);
} actions[] = {
    { "thread", do_thread }, { "process", do_process }, { "pipe", do_pipe },
    { "file", do_file },     { "memory", do_memory },   { "lock", do_lock },
};

static void *work(void *argument)
{
    struct worker *worker = argument;

    while (!worker->failed && sw_clock_monotonic() < worker->end) {
        uint32_t kind = random_number(worker) % (sizeof actions / sizeof *actions);
        if (!actions[kind].act(worker))
            worker->failed = actions[kind].name;
        worker->rounds++;
    }
    return NULL;
}

/* One process of several; its status is 0 when all went well. */
static int churn(uint32_t process, uint32_t thread_count, uint64_t end)
{
    static struct worker workers[THREADS];
    struct sw_thread *threads[THREADS];
    int bad = 0;

    for (uint32_t i = 0; i < thread_count; i++) {
        workers[i] = (struct worker){
            .process = process, .number = i, .end = end, .random = process * 100 + i
        };
        if (sw_thread_start(work, &workers[i], 65536, &threads[i]) != SW_OK)
            return 2;
    }
    for (uint32_t i = 0; i < thread_count; i++) {
        sw_thread_join(threads[i], SW_NEVER, NULL);
        if (workers[i].failed) {
            printf("# process %u: %s failed in round %llu\n", (unsigned)process, workers[i].failed,
                   (unsigned long long)workers[i].rounds);
            bad = 1;
        } else if (workers[i].rounds == 0) {
            bad = 3;
        }
    }
    return bad;
}

int main(int argc, char **argv)
{
    handle_t children[PROCESSES];

    if (argc == 3 && strcmp(argv[1], "exit") == 0)
        return atoi(argv[2]);
    if (argc == 5 && strcmp(argv[1], "child") == 0)
        return churn((uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]),
                     sw_clock_deadline((uint64_t)atoi(argv[4]) * SW_SECOND));
    uint32_t processes = argc == 4 ? (uint32_t)atoi(argv[1]) : 0;
    if (processes == 0 || processes > PROCESSES || atoi(argv[2]) > THREADS)
        return 2;
    for (uint32_t i = 0; i < processes; i++) {
        char text[12];
        const char *path = sw_start_argument(0);
        const char *arguments[] = { path, "child", text, argv[2], argv[3], NULL };
        struct sw_spawn_options options = { .arguments = arguments };
        snprintf(text, sizeof text, "%u", (unsigned)i);
        check_status(sw_spawn_program(path, &options, &children[i], NULL), SW_OK, "a process");
    }
    for (uint32_t i = 0; i < processes; i++) {
        int32_t result = -1;
        status_t status = sw_process_wait(children[i], sw_clock_deadline(120 * SW_SECOND), &result);
        check(status == SW_OK && result == 0, "process %u: %s, %d", (unsigned)i,
              sw_status_name(status), (int)result);
        sw_handle_close(children[i]);
    }
    return check_done();
}
