/* The C library and libswos from inside: streams, heap, errno, files, pipes, poll, spawn, threads.
 *
 * Started with an argument it is one of its own children; see main. Leaves /tmp as it was. */
#include "check.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/protocol.h>
#include <swos/service.h>
#include <swos/sync.h>
#include <swos/thread.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "/tmp/libc_test.txt"
#define CHILD_STATUS 42

static void text_is(const char *path, const char *wanted)
{
    char text[256];
    int fd = open(path, O_RDONLY);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = 0;
    check(strcmp(text, wanted) == 0, "%s holds \"%s\"", path, text);
}

static void test_start(int argc, char **argv)
{
    check(argc == 1 && argv[argc] == NULL && argv[0][0] != 0, "arguments");
    argv[0][0] ^= 0x20; /* they may be changed */
    argv[0][0] ^= 0x20;
    check(setenv("LIBC_TEST", "one", 1) == 0 && strcmp(getenv("LIBC_TEST"), "one") == 0, "setenv");
    check(unsetenv("LIBC_TEST") == 0 && !getenv("LIBC_TEST"), "unsetenv");
    /* A shorter value takes the place of what the spawner gave. */
    char *given = getenv("PATH"), kept[256];
    if (check(given && given[0] && strlen(given) < sizeof(kept), "PATH is given")) {
        strcpy(kept, given);
        check(setenv("PATH", "", 1) == 0 && getenv("PATH")[0] == 0, "setenv of what was given");
        setenv("PATH", kept, 1);
    }
}

static void test_language(void)
{
    char text[64];
    jmp_buf place;
    snprintf(text, sizeof(text), "%.17g %lld %zu %a", 0.1, 1ll << 40, sizeof(text), 1.0);
    check(strcmp(text, "0.10000000000000001 1099511627776 64 0x1p+0") == 0, "printf: %s", text);
    check(strtod("1e-3x", NULL) == 1e-3, "strtod");
    volatile int passes = 0;
    if (setjmp(place) == 0) {
        passes = 1;
        longjmp(place, 7);
    }
    check(passes == 1, "longjmp");
}

static void test_stream(void)
{
    char line[64];
    struct stat facts;
    FILE *stream = fopen(FILE_NAME, "w+");
    if (!check(stream != NULL, "fopen for writing"))
        return;
    for (int i = 0; i < 1000; i++)
        fprintf(stream, "line %d\n", i);
    check(fflush(stream) == 0 && fstat(fileno(stream), &facts) == 0 && facts.st_size == 8890,
          "1000 lines are %ld bytes", (long)facts.st_size);
    check(S_ISREG(facts.st_mode) && facts.st_uid == getuid(), "a regular file of mine");
    rewind(stream);
    check(fgets(line, sizeof(line), stream) && strcmp(line, "line 0\n") == 0, "first line");
    check(fseek(stream, -9, SEEK_END) == 0 && ftell(stream) == 8881, "fseek from the end");
    check(fgets(line, sizeof(line), stream) && strcmp(line, "line 999\n") == 0, "last line");
    check(!fgets(line, sizeof(line), stream) && feof(stream), "end of file");
    check(fclose(stream) == 0, "fclose");
    check(rename(FILE_NAME, FILE_NAME ".2") == 0 && access(FILE_NAME, F_OK) != 0, "rename");
    check(rename(FILE_NAME ".2", "/etc/x") != 0 && errno == EXDEV, "rename to another server");
    check(chmod(FILE_NAME ".2", 0600) == 0 && stat(FILE_NAME ".2", &facts) == 0 &&
              (facts.st_mode & 0777) == 0600,
          "chmod");
    check(remove(FILE_NAME ".2") == 0 && stat(FILE_NAME ".2", &facts) != 0 && errno == ENOENT,
          "remove");
    check(link("/tmp", "/tmp/x") != 0 && errno == ENOTSUP, "no links");
}

static FILE *shared_stream;

static void *print_lines(void *argument)
{
    for (int i = 0; i < 500; i++)
        fprintf(shared_stream, "%s %d %s\n", "thread", (int)(uintptr_t)argument, "says a line");
    return NULL;
}

/* ---- threads ---- */

#define WORKERS 4

static void *allocate_much(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    unsigned char *kept[64] = { 0 };
    size_t sizes[64] = { 0 };
    uintptr_t wrong = 0;
    for (int i = 0; i < 4000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned at = seed >> 16 & 63;
        for (size_t k = 0; k < sizes[at]; k++)
            wrong += kept[at][k] != (unsigned char)(at + (uintptr_t)argument);
        free(kept[at]);
        sizes[at] = seed >> 22 & 511;
        kept[at] = malloc(sizes[at] + 1);
        if (!kept[at])
            return (void *)1;
        memset(kept[at], (int)(at + (uintptr_t)argument), sizes[at]);
    }
    for (int i = 0; i < 64; i++)
        free(kept[i]);
    return (void *)wrong;
}

static struct sw_mutex counter_lock;
static struct sw_condition counter_changed;
static struct sw_once counter_once;
static int counter, once_runs;

static void run_once(void)
{
    once_runs++;
}

static void *count_up(void *argument)
{
    (void)argument;
    sw_once_run(&counter_once, run_once);
    for (int i = 0; i < 5000; i++) {
        sw_mutex_lock(&counter_lock);
        int seen = counter;
        if (i % 64 == 0)
            sw_thread_yield(); /* so that others meet the lock held, on one CPU too */
        counter = seen + 1;
        sw_mutex_unlock(&counter_lock);
    }
    return NULL;
}

/* Takes turns with its partner: odd or even values are its own. */
static void *take_turns(void *argument)
{
    int mine = (int)(uintptr_t)argument;
    for (int i = 0; i < 500; i++) {
        sw_mutex_lock(&counter_lock);
        while ((counter & 1) != mine)
            sw_condition_wait(&counter_changed, &counter_lock, SW_NEVER);
        counter++;
        sw_condition_broadcast(&counter_changed);
        sw_mutex_unlock(&counter_lock);
    }
    return NULL;
}

static _Thread_local int own = 11;

static void *see_errno(void *argument)
{
    (void)argument;
    int fresh = errno == 0 && own == 11;
    errno = EXDEV;
    own = 12;
    return (void *)(uintptr_t)(fresh && close(-1) != 0 && errno == EBADF);
}

static uintptr_t run_workers(void *(*entry)(void *), int count)
{
    struct sw_thread *threads[WORKERS];
    uintptr_t sum = 0;
    int started = 0;
    while (started < count &&
           sw_thread_start(entry, (void *)(uintptr_t)started, 0, &threads[started]) == SW_OK)
        started++;
    for (int i = 0; i < started; i++) {
        void *result = NULL;
        sw_thread_join(threads[i], SW_NEVER, &result);
        sum += (uintptr_t)result;
    }
    return started == count ? sum : UINTPTR_MAX;
}

static void *end_at_once(void *argument)
{
    return argument;
}

static void test_threads(void)
{
    check(run_workers(allocate_much, WORKERS) == 0, "malloc from %d threads", WORKERS);
    counter = 0;
    check(run_workers(count_up, WORKERS) == 0 && counter == 5000 * WORKERS, "mutex: %d", counter);
    check(once_runs == 1, "once");
    counter = 0;
    check(run_workers(take_turns, 2) == 0 && counter == 1000, "condition: %d turns", counter);

    char line[64];
    int whole = 0, thread_number;
    shared_stream = fopen(FILE_NAME, "w+");
    if (check(shared_stream && run_workers(print_lines, WORKERS) == 0, "threads share a stream")) {
        rewind(shared_stream);
        while (fgets(line, sizeof(line), shared_stream))
            whole +=
                sscanf(line, "thread %d says a line", &thread_number) == 1 && strlen(line) == 21;
        check(whole == 500 * WORKERS, "%d of %d lines are whole", whole, 500 * WORKERS);
        fclose(shared_stream);
    }
    unlink(FILE_NAME);

    struct sw_thread *thread;
    void *result = NULL;
    errno = ENOSPC;
    own = 13;
    check_status(sw_thread_start(see_errno, NULL, 0, &thread), SW_OK, "thread");
    sw_thread_join(thread, SW_NEVER, &result);
    check(result && errno == ENOSPC && own == 13,
          "errno and thread-local data are the thread's own");

    struct sw_process_info before, after;
    sw_process_info(0, &before);
    for (int i = 0; i < 50; i++)
        if (sw_thread_start(end_at_once, NULL, 0, &thread) == SW_OK)
            sw_thread_detach(thread);
    do { /* the last detached threads end some time */
        sw_clock_sleep(sw_clock_deadline(SW_MILLISECOND));
        sw_process_info(0, &after);
    } while (after.threads > 1);
    sw_thread_start(end_at_once, &after, 0, &thread); /* sweeps */
    sw_thread_join(thread, SW_NEVER, &result);
    sw_process_info(0, &after);
    check(result == &after && after.memory <= before.memory + 64 * 1024 &&
              after.handles == before.handles,
          "50 detached threads leave nothing behind");

    sw_mutex_lock(&counter_lock);
    check(!sw_mutex_lock_until(&counter_lock, sw_clock_deadline(5 * SW_MILLISECOND)),
          "a mutex that stays locked");
    sw_mutex_unlock(&counter_lock);
}

/* Something else is mapped where the heap would grow to. */
static void test_heap_goes_on(void)
{
    enum { SIZE = 64 << 20 };
    uint64_t above = sw_page_round((uintptr_t)sbrk(0)) + (16 << 20), mapped;
    handle_t memory;
    char *blocks[100];

    if (!check(sw_memory_create(SW_PAGE, 0, &memory) == SW_OK, "memory"))
        return;
    status_t status = sw_memory_map(memory, above, 0, SW_PAGE, SW_MAP_READ, &mapped);
    check(status == SW_OK || status == SW_EXISTS, "16 MiB above the heap");
    char *large = malloc(SIZE);
    if (check(large != NULL && (uintptr_t)large > above, "malloc of 64 MiB behind that")) {
        large[0] = large[SIZE - 1] = 1;
        for (int i = 0; i < 100; i++)
            memset(blocks[i] = malloc(5000), i, 5000);
        int good = large[0] == 1 && large[SIZE - 1] == 1;
        for (int i = 0; i < 100; i++) {
            good &= blocks[i][0] == i && blocks[i][4999] == i;
            free(blocks[i]);
        }
        check(good, "all of it can be used");
    }
    free(large);
    malloc_trim(0);
    if (status == SW_OK)
        sw_mapping_unmap((void *)(uintptr_t)mapped, SW_PAGE);
    sw_handle_close(memory);
}

static void test_heap(void)
{
    struct sw_process_info before, during, after;
    malloc_trim(0);
    sw_process_info(0, &before);
    char *block = malloc(8 << 20);
    if (!check(block != NULL, "malloc of 8 MiB"))
        return;
    memset(block, 1, 8 << 20);
    sw_process_info(0, &during);
    check(during.memory >= before.memory + (8 << 20), "touched pages are counted");
    free(block);
    malloc_trim(0);
    sw_process_info(0, &after);
    check(after.memory <= before.memory + 32 * 1024, "free and trim give them back: %ld KiB over",
          (long)(after.memory - before.memory) / 1024);
    check(malloc((size_t)1 << 45) == NULL && errno == ENOMEM, "malloc of 32 TiB fails");
}

/* ---- descriptors ---- */

static void test_pipe(void)
{
    int fds[2];
    char text[16];
    if (!check(pipe(fds) == 0, "pipe"))
        return;
    check(write(fds[1], "hello", 5) == 5 && read(fds[0], text, sizeof(text)) == 5 &&
              memcmp(text, "hello", 5) == 0,
          "bytes pass");
    check(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0 &&
              fcntl(fds[0], F_GETFL) == (O_RDONLY | O_NONBLOCK),
          "O_NONBLOCK");
    check(read(fds[0], text, 1) == -1 && errno == EAGAIN, "nothing there: EAGAIN");
    check(lseek(fds[0], 0, SEEK_SET) == -1 && errno == ESPIPE, "no seeking");
    check(write(fds[0], "x", 1) == -1 && errno == EBADF, "the read end does not write");
    check(!isatty(fds[0]) && errno == ENOTTY, "no terminal");
    struct stat facts;
    check(fstat(fds[0], &facts) == 0 && S_ISFIFO(facts.st_mode), "fstat says fifo");
    write(fds[1], "end", 3);
    close(fds[1]);
    check(read(fds[0], text, sizeof(text)) == 3 && read(fds[0], text, sizeof(text)) == 0,
          "what was written, then end of file");
    close(fds[0]);
    pipe(fds);
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    check(write(fds[1], "x", 1) == -1 && errno == EPIPE, "no reader: EPIPE");
    signal(SIGPIPE, SIG_DFL);
    close(fds[1]);
    check(close(fds[1]) == -1 && errno == EBADF, "closed twice: EBADF");
}

static void *write_later(void *argument)
{
    sw_clock_sleep(sw_clock_deadline(20 * SW_MILLISECOND));
    write(*(int *)argument, "x", 1);
    return NULL;
}

static void test_poll(void)
{
    int fds[2], copy;
    char byte;
    struct sw_thread *thread;
    pipe(fds);
    copy = dup(fds[0]);
    struct pollfd in = { .fd = fds[0], .events = POLLIN };
    uint64_t start = sw_clock_monotonic();
    check(poll(&in, 1, 20) == 0 && sw_clock_monotonic() - start >= 20 * SW_MILLISECOND, "timeout");
    check(poll(&in, 1, 0) == 0, "nothing ready");
    sw_thread_start(write_later, &fds[1], 0, &thread);
    check(poll(&in, 1, 5000) == 1 && in.revents == POLLIN, "woken by a write");
    sw_thread_join(thread, SW_NEVER, NULL);
    struct pollfd all[] = {
        { .fd = fds[0], .events = POLLIN }, { .fd = fds[1], .events = POLLOUT },
        { .fd = copy, .events = POLLIN },   { .fd = -1, .events = POLLIN },
        { .fd = 200, .events = POLLIN },
    };
    check(poll(all, 5, 1000) == 4 && all[0].revents == POLLIN && all[1].revents == POLLOUT &&
              all[2].revents == POLLIN && all[3].revents == 0 && all[4].revents == POLLNVAL,
          "several, one of them twice: %x %x %x %x %x", all[0].revents, all[1].revents,
          all[2].revents, all[3].revents, all[4].revents);
    read(fds[0], &byte, 1);
    close(fds[1]);
    check(poll(&in, 1, 1000) == 1 && (in.revents & POLLHUP), "writer gone: POLLHUP");
    close(fds[0]);
    close(copy);
    pipe(fds);
    close(fds[0]);
    struct pollfd out = { .fd = fds[1], .events = POLLOUT };
    check(poll(&out, 1, 1000) == 1 && (out.revents & POLLERR), "reader gone: POLLERR");
    close(fds[1]);

    handle_t event;
    uint64_t bits = 0;
    sw_event_create(&event);
    sw_fd_adopt(SW_FD_EVENT, SW_FD_READ | SW_FD_WRITE, event, 0, &copy);
    in.fd = copy;
    check(poll(&in, 1, 0) == 0, "event without bits");
    sw_event_update(event, 0, 6, NULL);
    check(poll(&in, 1, 1000) == 1 && read(copy, &bits, sizeof(bits)) == sizeof(bits) && bits == 6,
          "event with bits");
    check(poll(&in, 1, 0) == 0, "reading cleared them");
    close(copy);
    in.fd = open("/dev/null", O_RDONLY);
    check(poll(&in, 1, -1) == 1 && in.revents == POLLIN, "a file is always ready");
    close(in.fd);
}

static void test_offset(void)
{
    char text[8] = "";
    int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (!check(fd >= 0, "open in /tmp"))
        return;
    check(fcntl(fd, F_GETFD) == FD_CLOEXEC, "close-on-exec by default");
    check(open(FILE_NAME, O_RDWR | O_CREAT | O_EXCL, 0644) == -1 && errno == EEXIST, "O_EXCL");
    write(fd, "0123456789", 10);
    int copy = dup(fd), other = open(FILE_NAME, O_RDONLY);
    check(lseek(fd, 4, SEEK_SET) == 4 && read(copy, text, 2) == 2 && memcmp(text, "45", 2) == 0 &&
              lseek(fd, 0, SEEK_CUR) == 6,
          "dup shares the offset");
    check(read(other, text, 2) == 2 && memcmp(text, "01", 2) == 0, "a second open does not");
    check(pread(fd, text, 3, 7) == 3 && memcmp(text, "789", 3) == 0 && lseek(fd, 0, SEEK_CUR) == 6,
          "pread leaves it");
    check(pwrite(fd, "ab", 2, 1) == 2 && pread(fd, text, 4, 0) == 4 && memcmp(text, "0ab3", 4) == 0,
          "pwrite");
    check(dup2(fd, 50) == 50 && lseek(50, 0, SEEK_END) == 10 && lseek(fd, 0, SEEK_CUR) == 10,
          "dup2");
    check(lseek(fd, -11, SEEK_CUR) == -1 && errno == EINVAL, "no offset below 0");
    check(ftruncate(fd, 3) == 0 && lseek(fd, 0, SEEK_END) == 3, "ftruncate");
    close(50);
    close(copy);
    close(other);
    close(fd);
    int one = open(FILE_NAME, O_WRONLY | O_APPEND), two = open(FILE_NAME, O_WRONLY | O_APPEND);
    write(one, "A", 1);
    write(two, "B", 1);
    write(one, "C", 1);
    check(lseek(one, 0, SEEK_CUR) == 6, "O_APPEND moves the offset to the end");
    close(one);
    close(two);
    text_is(FILE_NAME, "0abABC");
    unlink(FILE_NAME);
    int null = open("/dev/null", O_RDWR);
    check(null >= 0 && write(null, text, 5) == 5 && read(null, text, 5) == 0, "/dev/null");
    close(null);
}

static void test_image(void)
{
    char first[32], again[32];
    struct stat facts;
    int fd = open("/etc/motd", O_RDONLY);
    if (!check(fd >= 0 && fstat(fd, &facts) == 0, "open of an image file"))
        return;
    ssize_t length = read(fd, first, sizeof(first));
    check(length > 0, "read");
    int same = 1;
    for (int i = 0; i < 3; i++) /* by copy, then by mapping */
        same &= lseek(fd, 0, SEEK_SET) == 0 && read(fd, again, sizeof(again)) == length &&
                memcmp(first, again, (size_t)length) == 0;
    check(same, "the same bytes each time");
    check(lseek(fd, 0, SEEK_END) == facts.st_size && read(fd, again, 1) == 0, "its end");
    check(write(fd, "x", 1) == -1 && errno == EBADF, "not opened for writing");
    close(fd);
    check(open("/etc/motd", O_WRONLY) == -1 && (errno == EROFS || errno == EACCES),
          "not to be written: %s", strerror(errno));
    check(open("/etc/none", O_RDONLY) == -1 && errno == ENOENT, "no such file");
    fd = open("/etc", O_RDONLY);
    check(fd >= 0 && read(fd, first, 1) == -1 && errno == EISDIR, "a directory is not read");
    close(fd);
    check(open("/etc/motd/x", O_RDONLY) == -1 && errno == ENOTDIR, "a file is no directory");
    check(fopen("", "r") == NULL && errno == ENOENT, "the empty path");
}

static void test_directory(void)
{
    char path[64];
    int seen = 0, other = 0;
    check(mkdir("/tmp/libc_test", 0755) == 0, "mkdir");
    check(mkdir("/tmp/libc_test", 0755) == -1 && errno == EEXIST, "twice");
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "/tmp/libc_test/entry-%03d", i);
        close(open(path, O_WRONLY | O_CREAT, 0644));
    }
    DIR *stream = opendir("/tmp/libc_test");
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        if (strncmp(entry->d_name, "entry-", 6) == 0 && entry->d_type == DT_REG)
            seen++;
        else
            other++;
    check(stream && closedir(stream) == 0 && seen == 200 && other == 0, "readdir: %d entries",
          seen);
    check(chdir("/tmp/libc_test") == 0 && getcwd(path, sizeof(path)) &&
              strcmp(path, "/tmp/libc_test") == 0,
          "chdir");
    check(access("entry-000", R_OK) == 0 && access("../libc_test/./entry-199", R_OK) == 0,
          "relative paths");
    check(chdir("entry-000") == -1 && errno == ENOTDIR, "chdir to a file");
    check(rmdir("../libc_test") == -1 && errno == ENOTEMPTY, "rmdir of a full one");
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "entry-%03d", i);
        unlink(path);
    }
    check(chdir("/") == 0 && rmdir("/tmp/libc_test") == 0, "rmdir");
}

static void test_time(void)
{
    struct timespec duration = { .tv_nsec = 10000000 }, before, after;
    struct timeval now;
    clock_gettime(CLOCK_MONOTONIC, &before);
    check(nanosleep(&duration, NULL) == 0, "nanosleep");
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t passed = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
    check(passed >= 10000000 && passed < 5000000000, "for %ld us", (long)passed / 1000);
    check(gettimeofday(&now, NULL) == 0 && now.tv_sec > 1600000000, "the year is after 2020");
    check(llabs((long long)time(NULL) - (long long)now.tv_sec) <= 1, "time");
    unsigned char random[2][16];
    check(getentropy(random[0], 16) == 0 && getentropy(random[1], 16) == 0 &&
              memcmp(random[0], random[1], 16) != 0,
          "getentropy");
}

/* An open file outlives the server behind it. */
static void test_restart(void)
{
    char text[16] = "";
    handle_t system;
    int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
    int append = open(FILE_NAME, O_WRONLY | O_APPEND);
    write(fd, "before ", 7);
    if (sw_service_connect("system", SW_NEVER, &system) != SW_OK)
        return;
    status_t status = sw_system_service_kill(system, 0, 0, "tmpfs", 5, SW_NEVER);
    sw_handle_close(system);
    if (check_status(status, SW_OK, "kill tmpfs")) {
        check(write(fd, "after", 5) == 5 && lseek(fd, 0, SEEK_CUR) == 12, "write goes on");
        check(write(append, "!", 1) == 1, "so does appending");
        check(pread(fd, text, sizeof(text), 0) == 13 && memcmp(text, "before after!", 13) == 0,
              "and reading: %.13s", text);
        check(access(FILE_NAME, F_OK) == 0 && access("/tmp/none", F_OK) != 0, "and names");
    }
    close(append);
    close(fd);
    unlink(FILE_NAME);
}

/* ---- children ---- */

static int32_t wait_child(handle_t process)
{
    int32_t result = -1;
    status_t status = sw_process_wait(process, sw_clock_deadline(20 * SW_SECOND), &result);
    sw_handle_close(process);
    return status == SW_OK ? result : status;
}

static void test_spawn(void)
{
    const char *self = sw_start_argument(0);
    const char *arguments[] = { self, "write", NULL };
    const char *environment[] = { "LIBC_TEST=from parent", NULL };
    int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct sw_spawn_descriptor descriptors[] = { { 7, fd }, { 2, 2 } };
    struct sw_spawn_options options = { .arguments = arguments,
                                        .environment = environment,
                                        .descriptors = descriptors,
                                        .descriptor_count = 2,
                                        .directory = "/tmp" };
    handle_t process;
    uint32_t pid;
    write(fd, "a", 1);
    status_t status = sw_spawn_program(self, &options, &process, &pid);
    if (check_status(status, SW_OK, "spawn"))
        check(wait_child(process) == CHILD_STATUS, "the child's status");
    write(fd, "c", 1);
    text_is(FILE_NAME, "abc"); /* the offset is one for both */
    close(fd);

    fd = open(FILE_NAME, O_WRONLY | O_APPEND);
    int other = open(FILE_NAME, O_WRONLY | O_APPEND);
    descriptors[0].parent = fd;
    if (sw_spawn_program(self, &options, &process, &pid) == SW_OK)
        wait_child(process);
    write(other, "d", 1);
    text_is(FILE_NAME, "abcbd"); /* O_APPEND goes with the descriptor */
    close(fd);
    close(other);

    fd = open("/etc/motd", O_RDONLY);
    struct stat facts;
    fstat(fd, &facts);
    arguments[1] = "read";
    descriptors[0].parent = fd;
    if (sw_spawn_program(self, &options, &process, &pid) == SW_OK)
        check(wait_child(process) == CHILD_STATUS && lseek(fd, 0, SEEK_CUR) == facts.st_size,
              "an image file read by the child");
    close(fd);
    check_refused(sw_spawn_program("/etc/motd", &options, &process, &pid), "spawn of a text");
    check_status(sw_spawn_program("/bin/none", &options, &process, &pid), SW_NOT_FOUND,
                 "spawn of nothing");
    descriptors[0].parent = 99;
    check_status(sw_spawn_program(self, &options, &process, &pid), SW_BAD_HANDLE,
                 "spawn with a closed descriptor");

    struct sw_process_info before, after;
    options.descriptors = NULL;
    sw_process_info(0, &before);
    for (int i = 0; i < 5; i++)
        if (sw_spawn_program(self, &options, &process, &pid) == SW_OK)
            wait_child(process);
    sw_process_info(0, &after);
    check(after.handles == before.handles && after.memory == before.memory,
          "spawning leaves no handle and no page behind: %d, %ld",
          (int)(after.handles - before.handles), (long)(after.memory - before.memory));

    FILE *script = fopen(FILE_NAME, "w");
    fprintf(script, "#! %s script\nrest\n", self);
    fclose(script);
    check_status(sw_spawn_program(FILE_NAME, &options, &process, &pid), SW_ACCESS,
                 "a script that is not executable");
    chmod(FILE_NAME, 0755);
    status = sw_spawn_program(FILE_NAME, &options, &process, &pid);
    if (check_status(status, SW_OK, "a script in /tmp"))
        check(wait_child(process) == CHILD_STATUS, "its interpreter gets path and arguments");
    unlink(FILE_NAME);
    check(system("exit 3") == 3 << 8, "system");
    check(check_run("smash") != 0, "a smashed stack ends the child");
    check(check_run("overflow") != 0, "a thread that runs out of stack ends the child");
    check(check_run("exit-in-thread") == CHILD_STATUS, "exit from a thread");
    check(check_run("abort") == 128 + SIGABRT, "abort");
    check(check_run("pipe") == 128 + SIGPIPE, "a pipe nobody reads ends its writer");
}

static int child_write(void)
{
    char directory[64];
    const char *variable = getenv("LIBC_TEST");
    if (write(7, "b", 1) != 1 || !variable || strcmp(variable, "from parent") != 0)
        return 1;
    if (!getcwd(directory, sizeof(directory)) || strcmp(directory, "/tmp") != 0)
        return 2;
    return fcntl(0, F_GETFD) == -1 && errno == EBADF ? CHILD_STATUS : 3;
}

static int child_read(void)
{
    char byte;
    while (read(7, &byte, 1) == 1)
        ;
    return CHILD_STATUS;
}

__attribute__((noinline)) static void smash(volatile size_t count)
{
    char small[8];
    volatile char *p = small;
    for (size_t i = 0; i < count; i++)
        p[i] = 1;
}

__attribute__((noinline)) static int deepen(int depth)
{
    volatile char frame[1024];
    frame[0] = (char)depth;
    return depth == 0 ? frame[0] : deepen(depth - 1) + frame[0];
}

static void *run_deep(void *argument)
{
    return (void *)(uintptr_t)deepen(argument ? 1 << 20 : 0);
}

static void *leave(void *argument)
{
    (void)argument;
    exit(CHILD_STATUS);
}

static int child_pipe(void)
{
    int fds[2];
    if (pipe(fds) != 0)
        return 1;
    close(fds[0]);
    write(fds[1], "x", 1);
    return 0;
}

static int child(int argc, char **argv)
{
    struct sw_thread *thread;
    if (strcmp(argv[1], "write") == 0)
        return child_write();
    if (strcmp(argv[1], "read") == 0)
        return child_read();
    if (strcmp(argv[1], "script") == 0)
        return argc == 4 && strcmp(argv[2], FILE_NAME) == 0 && strcmp(argv[3], "read") == 0
                   ? CHILD_STATUS
                   : 1;
    if (strcmp(argv[1], "pipe") == 0)
        return child_pipe();
    if (strcmp(argv[1], "smash") == 0)
        smash(64);
    if (strcmp(argv[1], "abort") == 0)
        abort();
    if (strcmp(argv[1], "overflow") == 0 && sw_thread_start(run_deep, argv, 0, &thread) == SW_OK)
        sw_thread_join(thread, SW_NEVER, NULL);
    if (strcmp(argv[1], "exit-in-thread") == 0 && sw_thread_start(leave, NULL, 0, &thread) == SW_OK)
        sw_thread_join(thread, SW_NEVER, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return child(argc, argv);
    test_start(argc, argv);
    test_language();
    test_stream();
    test_heap();
    test_heap_goes_on();
    test_threads();
    test_pipe();
    test_poll();
    test_offset();
    test_image();
    test_directory();
    test_time();
    test_restart();
    test_spawn();
    return check_done();
}
