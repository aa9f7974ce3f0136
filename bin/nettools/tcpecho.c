/* tcpecho: sends back what comes. One connection, or with -k as many as come, side by side. */
#include "tools.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define CONNECTIONS 64
#define BUFFER 16384
#define IDLE_MS 1000 /* one-shot: a client that says no more has said all */

struct connection {
    int fd; /* -1: free */
    bool ended;
    size_t start, length; /* of what is to be sent back */
    uint64_t total;
    char buffer[BUFFER];
};

static struct connection connections[CONNECTIONS];

static void finish(struct connection *connection)
{
    printf("tcpecho: got %llu bytes\n", (unsigned long long)connection->total);
    fflush(stdout);
    close(connection->fd);
    connection->fd = -1;
}

/* Moves what can be moved without waiting; false when the connection is done with. */
static bool serve(struct connection *connection)
{
    for (;;) {
        if (connection->length > 0) {
            ssize_t sent = send(connection->fd, connection->buffer + connection->start,
                                connection->length, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0)
                return errno == EAGAIN;
            connection->start += (size_t)sent;
            connection->length -= (size_t)sent;
            continue;
        }
        if (connection->ended)
            return false;
        ssize_t got = recv(connection->fd, connection->buffer, BUFFER, MSG_DONTWAIT);
        if (got < 0)
            return errno == EAGAIN;
        connection->ended = got == 0;
        connection->start = 0;
        connection->length = (size_t)got;
        connection->total += (size_t)got;
    }
}

static void accept_one(int listener)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (connections[i].fd >= 0)
            continue;
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            connections[i].ended = false;
            connections[i].length = 0;
            connections[i].total = 0;
            connections[i].fd = fd;
        }
        return;
    }
}

/* Waits for the next thing to do; the number of connections that are there. */
static int wait_all(int listener, struct pollfd *polls, int timeout)
{
    int open = 0;

    for (int i = 0; i < CONNECTIONS; i++) {
        const struct connection *connection = &connections[i];
        polls[i] = (struct pollfd){ .fd = connection->fd,
                                    .events = connection->length > 0 ? POLLOUT : POLLIN };
        open += connection->fd >= 0;
    }
    polls[CONNECTIONS] =
        (struct pollfd){ .fd = open < CONNECTIONS ? listener : -1, .events = POLLIN };
    return poll(polls, CONNECTIONS + 1, open > 0 ? timeout : -1);
}

int tcpecho(const struct options *options)
{
    struct pollfd polls[CONNECTIONS + 1];
    int listener = bound_socket(options->v6 ? AF_INET6 : AF_INET, SOCK_STREAM, ECHO_PORT);

    if (options->count > 0)
        return usage(options->words[0], ": no operand expected");
    if (listener < 0 || listen(listener, CONNECTIONS) < 0)
        return fail("listen");
    /* What poll said waits may be gone when it is asked for. */
    fcntl(listener, F_SETFL, O_NONBLOCK);
    printf("tcpecho: listening on %d\n", ECHO_PORT);
    fflush(stdout);
    for (int i = 0; i < CONNECTIONS; i++)
        connections[i].fd = -1;
    for (;;) {
        int ready = wait_all(listener, polls, options->keep ? -1 : IDLE_MS);
        if (ready < 0)
            return fail("poll");
        if (polls[CONNECTIONS].revents & POLLERR) {
            errno = ECONNRESET; /* netd came back without us */
            return fail("accept");
        }
        if (polls[CONNECTIONS].revents)
            accept_one(listener);
        for (int i = 0; i < CONNECTIONS; i++) {
            struct connection *connection = &connections[i];
            bool over = ready == 0 && connection->total > 0 && !options->keep;
            if (connection->fd < 0 || (!over && !polls[i].revents) || (!over && serve(connection)))
                continue;
            finish(connection);
            if (!options->keep) {
                close(listener);
                return 0;
            }
        }
    }
}
