/* A client of the C library whose servers are hostile: the stubs of all operations (hostile_calls.inc),
 * and what the library makes of files, names and programs. It ends with 3 when it was made to believe
 * what cannot be, with 4 when it has grown. */
#include "hostile.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <swos/message.h>
#include <swos/protocol.h>
#include <swos/service.h>
#include <swos/spawn.h>
#include <swos/start.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ the stubs */

static uint8_t call_data[4096];

/* Success is 0 and a failure negative, whatever the server said. */
static void took_status(status_t status)
{
    if (status > 0)
        exit(3);
}

static void took_text(status_t status, const char *text, size_t capacity)
{
    if (status == SW_OK && memchr(text, 0, capacity) == NULL)
        exit(3);
}

/* None comes with a failure. */
static void took_handle(status_t status, handle_t handle)
{
    if (handle && (status != SW_OK || sw_handle_close(handle) != SW_OK))
        exit(3);
}

#include "hostile_calls.inc"

/* ------------------------------------------------------------------ the library */

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
    handle_t got = 0;

    if (sw_service_connect("auth", SW_NEVER, &got) == SW_OK && sw_handle_close(got) != SW_OK)
        exit(3);
    sw_fd_terminal(0);
    sw_file_stat(sw_start_get("hostile"), "x", 1, NULL, sw_clock_deadline(SW_MILLISECOND));
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

int victim(uint32_t count)
{
    const handle_t hostile = sw_start_get("hostile");
    struct sw_process_info before, after;

    if (!odds_create())
        return 2;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        calls[i](hostile);
    for (uint32_t i = 0; i < count; i++) {
        if (i == count / 4)
            sw_process_info(0, &before);
        switch (below(12)) {
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
        case 4:
        case 5:
            use_file("/h/a");
            break;
        default:
            calls[below(sizeof(calls) / sizeof(calls[0]))](hostile);
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
