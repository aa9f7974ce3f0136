/* Work that must not notice that servers die: files in /tmp, files of the image, logins.
 *
 *   chaos_load write N    operations on /tmp/load.N; each acknowledged one is printed as
 *                         "@A N SEQUENCE CHECK", so that the host knows what was promised
 *   chaos_load read N     reads files and pieces of /bench/big after dropping imgfs's caches, and
 *                         compares them with what they held at the start
 *   chaos_load login N    logs in
 *   chaos_load talk N     prints numbered lines, for ever; a service, whose log is read at the end
 *
 * Until /tmp/load.stop is there; the last line is "@L KIND N OPERATIONS". "@E" lines say what went
 * wrong. Every operation is of a kind that cannot be repeated unnoticed: a directory that is made
 * twice exists, a file that is renamed twice is gone, a record that is appended twice is there
 * twice. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/path.h>
#include <swos/protocol.h>
#include <swos/service.h>
#include <swos/status.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP "/tmp/load.stop"
#define BEHIND 4 /* files and directories live for so many rounds */
#define BIG "/bench/big"
#define BIG_PIECES 32
#define PIECE (1u << 20)

static unsigned number;
static unsigned long operations, sequence;

static bool is_stopped(void)
{
    struct stat facts;
    return stat(STOP, &facts) == 0;
}

static __attribute__((format(printf, 1, 2))) void wrong(const char *format, ...)
{
    va_list arguments;

    printf("@E %u ", number);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

/* ------------------------------------------------------------------ writing */

static void check_done(int result, const char *what)
{
    operations++;
    if (result < 0)
        wrong("%s at %lu: %s", what, sequence, strerror(errno));
}

static const char *path(const char *kind, unsigned long which)
{
    static char text[64];
    snprintf(text, sizeof(text), "/tmp/load.%u/%s%lu", number, kind, which);
    return text;
}

static void acknowledge(void)
{
    printf("@A %u %lu %lu\n", number, sequence, (sequence * 31 + number) % 997);
    fflush(stdout);
}

static void write_round(int log)
{
    char record[32], old[64], back[sizeof(record)] = "";
    int length = snprintf(record, sizeof(record), "%u %lu\n", number, sequence);

    check_done((int)write(log, record, (size_t)length) == length ? 0 : -1, "append");
    check_done(mkdir(path("d", sequence), 0755), "mkdir");
    int file = open(path("f", sequence), O_CREAT | O_EXCL | O_RDWR, 0644);
    check_done(file, "exclusive open");
    check_done((int)pwrite(file, record, (size_t)length, 4096) == length ? 0 : -1, "write");
    if (pread(file, back, sizeof(back), 4096) != length || memcmp(back, record, (size_t)length))
        wrong("read at %lu: not what was written", sequence);
    strcpy(old, path("f", sequence));
    check_done(rename(old, path("g", sequence)), "rename");
    check_done(ftruncate(file, 4098), "truncate");
    struct stat facts = { 0 };
    if (fstat(file, &facts) != 0 || facts.st_size != 4098)
        wrong("stat at %lu: %ld bytes", sequence, (long)facts.st_size);
    close(file);
    if (sequence > BEHIND) {
        check_done(unlink(path("g", sequence - BEHIND)), "unlink");
        check_done(rmdir(path("d", sequence - BEHIND)), "rmdir");
    }
    acknowledge();
}

static void write_all(void)
{
    char name[64];
    int log = -1;

    snprintf(name, sizeof(name), "/tmp/load.%u", number);
    check_done(mkdir(name, 0755), "mkdir");
    snprintf(name, sizeof(name), "/tmp/load.%u.log", number);
    do {
        if (sequence % 16 == 0) { /* some of the time it was opened before the server's death */
            if (log >= 0)
                close(log);
            log = open(name, O_CREAT | O_WRONLY | O_APPEND, 0644);
            check_done(log, "open of the log");
        }
        sequence++;
        write_round(log);
    } while (!is_stopped());
    close(log);
}

/* ------------------------------------------------------------------ reading */

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return hash;
}

/* The hash of a piece of a file, 0 when it cannot be read whole. */
static uint64_t hash_piece(const char *name, off_t offset, size_t length)
{
    static uint8_t buffer[65536];
    uint64_t hash = 0xcbf29ce484222325ull;
    int file = open(name, O_RDONLY);

    if (file < 0) {
        wrong("open of %s: %s", name, strerror(errno));
        return 0;
    }
    while (length > 0) {
        ssize_t done =
            pread(file, buffer, length < sizeof(buffer) ? length : sizeof(buffer), offset);
        if (done < 0) {
            wrong("read of %s: %s", name, strerror(errno));
            close(file);
            return 0;
        }
        if (done == 0)
            break;
        hash = hash_bytes(hash, buffer, (size_t)done);
        offset += done;
        length -= (size_t)done;
    }
    close(file);
    return hash;
}

static void read_all(void)
{
    static const char *const files[] = { "/bin/sh",   "/bin/ls",          "/hello.txt",
                                         "/etc/motd", "/bin/tests/bench", "/readme.txt" };
    enum { FILES = sizeof(files) / sizeof(files[0]) };
    uint64_t expected[FILES], pieces[BIG_PIECES];
    struct sw_place place;

    if (sw_path_resolve("/", &place) != SW_OK)
        return;
    for (int i = 0; i < FILES; i++)
        expected[i] = hash_piece(files[i], 0, PIECE);
    for (int i = 0; i < BIG_PIECES; i++)
        pieces[i] = hash_piece(BIG, (off_t)i * PIECE, PIECE / 4);
    printf("@B %u\n", number);
    fflush(stdout);
    srand(number);
    do {
        status_t status = sw_file_trim(place.connection, SW_NEVER);
        if (status != SW_OK)
            wrong("trim: %s", sw_status_text(status));
        for (int i = 0; i < 4; i++) {
            int which = rand() % (FILES + BIG_PIECES), piece = which - FILES;
            uint64_t hash = which < FILES ? hash_piece(files[which], 0, PIECE)
                                          : hash_piece(BIG, (off_t)piece * PIECE, PIECE / 4);
            if (hash != 0 && hash != (which < FILES ? expected[which] : pieces[piece]))
                wrong("%s, piece %d: another hash", which < FILES ? files[which] : BIG, piece);
            operations++;
        }
    } while (!is_stopped());
}

/* ------------------------------------------------------------------ logging in */

static void login_all(void)
{
    handle_t auth;
    status_t status = sw_service_connect("auth", SW_NEVER, &auth);

    if (status != SW_OK)
        wrong("auth: %s", sw_status_text(status));
    while (status == SW_OK && !is_stopped()) {
        struct sw_auth_login_reply reply;
        char shell[64];
        handle_t job = 0;
        status_t result = sw_auth_login(auth, "user", 4, "swordfish", 9, &reply, shell,
                                        sizeof(shell), &job, SW_NEVER);
        if (result != SW_OK || !job || strcmp(shell, "/bin/sh") != 0)
            wrong("login: %s, shell %s", sw_status_text(result), shell);
        if (job)
            sw_handle_close(job);
        operations++;
        sw_clock_sleep(sw_clock_deadline(SW_SECOND));
    }
}

/* ------------------------------------------------------------------ talking */

#define TALK_INTERVAL (50 * SW_MILLISECOND)

static _Noreturn void talk(void)
{
    for (;;) {
        printf("T %lu %lu\n", sequence, (sequence * 31 + number) % 997);
        fflush(stdout);
        sequence++;
        sw_clock_sleep(sw_clock_deadline(TALK_INTERVAL));
    }
}

int main(int argc, char **argv)
{
    const char *kind = argc > 2 ? argv[1] : "";

    number = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (!strcmp(kind, "write"))
        write_all();
    else if (!strcmp(kind, "read"))
        read_all();
    else if (!strcmp(kind, "login"))
        login_all();
    else if (!strcmp(kind, "talk"))
        talk();
    else
        return 2;
    printf("@L %s %u %lu\n", kind, number, operations);
    return 0;
}
