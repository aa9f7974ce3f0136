/*
 * Load for measuring TCP: the same program in swos and in the Linux guest it is compared with.
 *
 *   load sink PORT                 takes what comes, answers each connection's end with the count of bytes
 *   load source PORT BYTES         sends so many bytes to each who connects
 *   load connect PORT COUNT        connects to itself so often, prints the microseconds of a connection:
 *                                  connect, accept, close both
 *
 * One connection at a time, blocking calls, 64 KiB each. Ports are listened at on every IPv4 address.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char block[64 * 1024];

static int fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    return 1;
}

/* Writes all of it; false when the other side has gone. */
static int write_all(int socket, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(socket, bytes, count);

        if (written <= 0)
            return 0;
        bytes += written;
        count -= (size_t)written;
    }
    return 1;
}

static void sink(int connection)
{
    uint64_t total = 0;
    char answer[32];
    ssize_t got;

    while ((got = read(connection, block, sizeof block)) > 0)
        total += (uint64_t)got;
    snprintf(answer, sizeof answer, "%llu\n", (unsigned long long)total);
    write_all(connection, answer, strlen(answer));
}

static void source(int connection, uint64_t amount)
{
    while (amount > 0) {
        size_t count = amount < sizeof block ? (size_t)amount : sizeof block;

        if (!write_all(connection, block, count))
            return;
        amount -= count;
    }
}

static struct sockaddr_in address_of(in_addr_t host, const char *port)
{
    struct sockaddr_in address;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = host;
    address.sin_port = htons((uint16_t)atoi(port));
    return address;
}

/* A socket that listens, -1 when there is none. */
static int listen_at(const char *port)
{
    struct sockaddr_in address = address_of(INADDR_ANY, port);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

    if (listener < 0)
        return -1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 16) != 0)
        return -1;
    return listener;
}

static int serve(const char *port, int is_sink, uint64_t amount)
{
    int listener = listen_at(port);

    if (listener < 0)
        return fail(port);
    printf("load: listening on %s\n", port);
    fflush(stdout);
    for (;;) {
        int connection = accept(listener, NULL, NULL);

        if (connection < 0)
            return fail("accept");
        if (is_sink)
            sink(connection);
        else
            source(connection, amount);
        close(connection);
    }
}

/* Both ends are here, so that no connection waits for another program, or finds its queue full. */
static int connect_often(const char *port, uint64_t count)
{
    struct sockaddr_in address = address_of(htonl(INADDR_LOOPBACK), port);
    struct timespec began, ended;
    int listener = listen_at(port);

    if (listener < 0)
        return fail(port);
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (uint64_t i = 0; i < count; i++) {
        int here = socket(AF_INET, SOCK_STREAM, 0), there;

        if (here < 0 || connect(here, (struct sockaddr *)&address, sizeof address) != 0)
            return fail("connect");
        there = accept(listener, NULL, NULL);
        if (there < 0)
            return fail("accept");
        close(here);
        close(there);
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    double took =
        (double)(ended.tv_sec - began.tv_sec) * 1e6 + (double)(ended.tv_nsec - began.tv_nsec) / 1e3;
    printf("connect %.1f us\n", took / (double)count);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "sink") == 0)
        return serve(argv[2], 1, 0);
    if (argc == 4 && strcmp(argv[1], "source") == 0)
        return serve(argv[2], 0, strtoull(argv[3], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "connect") == 0)
        return connect_often(argv[2], strtoull(argv[3], NULL, 10));
    fprintf(stderr, "usage: load sink PORT | source PORT BYTES | connect PORT COUNT\n");
    return 2;
}
