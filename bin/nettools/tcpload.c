/* tcpload: bytes as fast as they go, one way, to measure with. Listens or connects; sends or reads. */
#include "tools.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <unistd.h>

#define BUFFER 65536
#define RING 262144 /* the most netd has */

static char buffer[BUFFER];

/* Digits, and K, M or G. */
static bool read_size(const char *text, uint64_t *out)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;

    *out = (uint64_t)number << shift;
    return text[0] >= '0' && text[0] <= '9' && !end[shift > 0] && *out >> shift == number;
}

static bool send_all(int fd, uint64_t size, uint64_t *out_done)
{
    for (*out_done = 0; *out_done < size;) {
        size_t piece = size - *out_done < BUFFER ? (size_t)(size - *out_done) : BUFFER;
        ssize_t sent = send(fd, buffer, piece, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        *out_done += (uint64_t)sent;
    }
    shutdown(fd, SHUT_WR);
    return recv(fd, buffer, 1, 0) >= 0; /* until the other end has it all and is done */
}

static bool read_all(int fd, uint64_t *out_done)
{
    ssize_t got;

    for (*out_done = 0; (got = recv(fd, buffer, BUFFER, 0)) > 0;)
        *out_done += (uint64_t)got;
    return got == 0;
}

/* One connection, from its beginning to its end. */
static int run(int fd, bool sends, uint64_t size)
{
    uint64_t start = sw_clock_monotonic(), done, time;
    bool good = sends ? send_all(fd, size, &done) : read_all(fd, &done);
    int why = errno;

    time = (sw_clock_monotonic() - start) / SW_MICROSECOND + 1;
    printf("tcpload: %s %llu bytes in %llu ms, %llu.%llu MB/s\n", sends ? "sent" : "got",
           (unsigned long long)done, (unsigned long long)(time / 1000),
           (unsigned long long)(done / time), (unsigned long long)(done % time * 10 / time));
    fflush(stdout);
    close(fd);
    errno = why;
    return good ? 0 : fail(sends ? "send" : "receive");
}

static void use_large_rings(int fd)
{
    int size = RING;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static int serve(const struct options *options, const char *port, bool sends, uint64_t size)
{
    char *end;
    unsigned long number = strtoul(port, &end, 10);
    int status = 0;

    if (!port[0] || *end || number == 0 || number > 65535)
        return usage(port, ": not a port");
    int listener = bound_socket(AF_INET, SOCK_STREAM, (uint16_t)number);
    if (listener < 0)
        return fail("listen");
    use_large_rings(listener);
    if (listen(listener, 8) < 0)
        return fail("listen");
    printf("tcpload: listening on %lu\n", number);
    fflush(stdout);
    do {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return fail("accept");
        status = run(fd, sends, size);
    } while (options->keep);
    close(listener);
    return status;
}

int tcpload(const struct options *options)
{
    const char *const *words = options->words;
    bool sends = options->count > 0 && !strcmp(words[0], "source");
    int operands = options->count - sends, status;
    uint64_t size = 0;

    if (options->count == 0 || (!sends && strcmp(words[0], "sink") != 0))
        return usage("sink or source expected", "");
    if (operands < 2 || operands > 3)
        return usage("operands missing, or too many", "");
    if (sends && !read_size(words[options->count - 1], &size))
        return usage(words[options->count - 1], ": not a number of bytes");
    if (operands == 2)
        return serve(options, words[1], sends, size);
    if (options->keep)
        return usage("-k is for listening", "");
    int fd = connected_socket(words[1], words[2], &status);
    return fd < 0 ? status : run(fd, sends, size);
}
