/* BSD sockets as programs from elsewhere use them, over the machine's own address: blocking and not, poll,
 * half-closed connections, time limits, errors, names and addresses as text. With `few` only what takes few
 * connections, for netd remembers each for a minute. With `keepalive PORT`: a server
 * whose connections are asked about after 2 s, each second, three times; it prints what becomes of each. */
#include "check.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/thread.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in self(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t length = sizeof(name);

    return getsockname(fd, (struct sockaddr *)&name, &length) == 0 ? ntohs(name.sin_port) : 0;
}

static int listener(uint16_t *out_port)
{
    struct sockaddr_in any = self(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    any.sin_addr.s_addr = 0;
    if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 8) < 0)
        return -1;
    *out_port = port_of(fd);
    return fd;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = self(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? fd : -1;
}

static short wait_for(int fd, short events, int ms)
{
    struct pollfd one = { .fd = fd, .events = events };
    return poll(&one, 1, ms) > 0 ? one.revents : 0;
}

static void test_addresses(void)
{
    static const char *const good[] = {
        "::", "::1", "fe80::1", "1::", "1:2:3:4:5:6:7:8", "2001:db8::1:0:0:1", "1:2:3:4:5:6::"
    };
    static const char *const bad[] = { "",
                                       ":",
                                       ":::",
                                       "1::2::3",
                                       "1:2:3:4:5:6:7",
                                       "12345::",
                                       "::g",
                                       "1:2:3:4:5:6:7:8:9",
                                       "1:2:3:4:5:6:7:8::",
                                       "1:" };
    static const char *const bad4[] = { "",       "1.2.3",    "1.2.3.4.5", "256.1.1.1",
                                        "1..2.3", "1.2.3.4 ", "a.b.c.d" };
    char text[INET6_ADDRSTRLEN];
    uint8_t bytes[16];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        check(inet_pton(AF_INET6, good[i], bytes) == 1 &&
                  inet_ntop(AF_INET6, bytes, text, sizeof(text)) && !strcmp(text, good[i]),
              "%s there and back", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check(inet_pton(AF_INET6, bad[i], bytes) == 0, "\"%s\" is no IPv6 address", bad[i]);
    for (size_t i = 0; i < sizeof(bad4) / sizeof(bad4[0]); i++)
        check(inet_pton(AF_INET, bad4[i], bytes) == 0, "\"%s\" is no IPv4 address", bad4[i]);
    check(inet_pton(AF_INET6, "::ffff:1.2.3.4", bytes) == 1 && bytes[15] == 4 && bytes[10] == 0xff,
          "an IPv4 address in an IPv6 one");
    check(inet_pton(AF_INET, "10.0.2.15", bytes) == 1 && bytes[0] == 10 && bytes[3] == 15, "IPv4");
    check(inet_ntop(AF_INET, bytes, text, 5) == NULL && errno == ENOSPC, "no room for the text");
}

static void test_names(void)
{
    struct addrinfo *list, hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };

    check(getaddrinfo("127.0.0.1", "80", NULL, &list) == 0 && list->ai_family == AF_INET &&
              !list->ai_next && ((struct sockaddr_in *)list->ai_addr)->sin_port == htons(80),
          "an address in letters has no name server asked");
    freeaddrinfo(list);
    check(getaddrinfo("localhost", "80", &hints, &list) == 0, "localhost");
    freeaddrinfo(list);
    hints.ai_flags = AI_PASSIVE;
    check(getaddrinfo(NULL, "5555", &hints, &list) == 0 &&
              ((struct sockaddr_in *)list->ai_addr)->sin_addr.s_addr == 0,
          "any address");
    freeaddrinfo(list);
    check(getaddrinfo("localhost", "http", &hints, &list) == EAI_SERVICE && !list,
          "services are numbers");
    hints.ai_flags = AI_NUMERICHOST;
    check(getaddrinfo("localhost", "80", &hints, &list) == EAI_NONAME, "AI_NUMERICHOST");
}

static void test_errors(void)
{
    struct sockaddr_in nowhere = self(1);
    uint16_t port = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 0, pipes[2];
    socklen_t length = sizeof(on);
    char byte;

    check(socket(1, SOCK_STREAM, 0) < 0 && errno == EAFNOSUPPORT, "family");
    check(socket(AF_INET, 5, 0) < 0 && errno == EPROTONOSUPPORT, "type");
    check(connect(fd, (struct sockaddr *)&nowhere, sizeof(nowhere)) < 0 && errno == ECONNREFUSED,
          "refused: %s", strerror(errno));
    check(recv(fd, &byte, 1, 0) < 0 && errno == ENOTCONN, "not connected: %s", strerror(errno));
    check(accept(fd, NULL, NULL) < 0 && errno == EINVAL, "does not listen");
    check(getsockopt(fd, SOL_SOCKET, SO_TYPE, &on, &length) == 0 && on == SOCK_STREAM, "SO_TYPE");
    check(setsockopt(fd, SOL_SOCKET, 999, &on, sizeof(on)) < 0 && errno == ENOPROTOOPT, "option");
    close(fd);
    check(send(fd, "x", 1, 0) < 0 && errno == EBADF, "closed");
    pipe(pipes);
    check(send(pipes[1], "x", 1, 0) < 0 && errno == ENOTSOCK, "a pipe");
    close(pipes[0]);
    close(pipes[1]);
    int one = listener(&port);
    struct sockaddr_in same = self(port);
    int other = socket(AF_INET, SOCK_STREAM, 0);
    bind(other, (struct sockaddr *)&same, sizeof(same));
    check(listen(other, 1) < 0 && errno == EADDRINUSE, "port in use: %s", strerror(errno));
    close(other);
    close(one);
}

static void test_stream(void)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    uint16_t port = 0;
    char buffer[64];
    int server = listener(&port), client, there;

    check(server >= 0 && port != 0, "a port is chosen");
    check(wait_for(server, POLLIN, 50) == 0, "nobody waits to be accepted");
    client = connect_to(port);
    check(client >= 0, "connected");
    check(wait_for(server, POLLIN, 2000) == POLLIN, "somebody waits to be accepted");
    there = accept(server, (struct sockaddr *)&peer, &length);
    check(there >= 0 && ntohs(peer.sin_port) == port_of(client), "the peer's port");
    check(getpeername(client, (struct sockaddr *)&peer, &length) == 0 &&
              ntohs(peer.sin_port) == port,
          "getpeername");
    check(wait_for(client, POLLIN, 50) == 0 && wait_for(client, POLLIN | POLLOUT, 50) == POLLOUT,
          "nothing to read, room to write");
    check(recv(client, buffer, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "EAGAIN");
    check(send(there, "hello", 5, 0) == 5 && wait_for(client, POLLIN, 2000) == POLLIN, "readable");
    check(read(client, buffer, 3) == 3 && recv(client, buffer + 3, 60, 0) == 2 &&
              !memcmp(buffer, "hello", 5),
          "in two pieces");
    check(shutdown(client, SHUT_WR) == 0 && recv(there, buffer, 1, 0) == 0, "the end comes");
    check(send(there, "late", 4, 0) == 4 && recv(client, buffer, 4, MSG_WAITALL) == 4,
          "half-closed, the other half goes on");
    check(send(client, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "no more after shutdown");
    close(there);
    check(recv(client, buffer, 1, 0) == 0, "closed by the other end");
    close(client);
    close(server);
}

/* More than both rings hold, by one process: as much as goes without waiting, then read, and so on. */
static void test_much(void)
{
    static uint8_t out[8192], in[8192];
    const size_t all = 2000000;
    size_t sent = 0, got = 0;
    uint16_t port = 0;
    int server = listener(&port), client = connect_to(port), there = accept(server, NULL, NULL);
    int good = 1, full = 0;

    fcntl(client, F_SETFL, O_NONBLOCK);
    fcntl(there, F_SETFL, O_NONBLOCK);
    for (int idle = 0; got < all && idle < 1000;) {
        struct pollfd both[2] = { { .fd = client, .events = sent < all ? POLLOUT : 0 },
                                  { .fd = there, .events = POLLIN } };
        if (poll(both, 2, 100) <= 0)
            idle++;
        for (size_t i = 0; i < sizeof(out); i++)
            out[i] = (uint8_t)((sent + i) * 7 >> 2);
        size_t part = all - sent < sizeof(out) ? all - sent : sizeof(out);
        ssize_t done = part ? write(client, out, part) : 0;
        full += done < 0 && errno == EAGAIN;
        sent += done > 0 ? (size_t)done : 0;
        if (sent > got + 300000 || sent == all) { /* let it fill */
            done = read(there, in, sizeof(in));
            for (ssize_t i = 0; i < done; i++)
                good &= in[i] == (uint8_t)((got + (size_t)i) * 7 >> 2);
            got += done > 0 ? (size_t)done : 0;
        } else if (full && done < 0) {
            done = read(there, in, sizeof(in));
            for (ssize_t i = 0; i < done; i++)
                good &= in[i] == (uint8_t)((got + (size_t)i) * 7 >> 2);
            got += done > 0 ? (size_t)done : 0;
        }
    }
    check(good && got == all && full > 0, "%zu of %zu bytes, %d times full", got, all, full);
    close(client);
    close(there);
    close(server);
}

static void test_nonblocking(void)
{
    struct sockaddr_in to;
    struct timeval limit = { 0, 200000 };
    uint16_t port = 0;
    int server = listener(&port), error = -1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    socklen_t length = sizeof(error);
    char byte;

    fcntl(server, F_SETFL, O_NONBLOCK);
    check(accept(server, NULL, NULL) < 0 && errno == EAGAIN, "accept: EAGAIN");
    to = self(port);
    int result = connect(fd, (struct sockaddr *)&to, sizeof(to));
    check(result == 0 || errno == EINPROGRESS, "connect goes on: %s", strerror(errno));
    check(wait_for(fd, POLLOUT, 2000) & POLLOUT, "it is writable once it is there");
    check(getpeername(fd, (struct sockaddr *)&to, &(socklen_t){ sizeof(to) }) == 0 &&
              ntohs(to.sin_port) == port,
          "getpeername: %s", strerror(errno));
    check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0, "SO_ERROR 0");
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    to = self(1);
    inet_pton(AF_INET, "10.0.2.2", &to.sin_addr); /* the emulator's: not at once */
    result = connect(fd, (struct sockaddr *)&to, sizeof(to));
    if (result < 0 && errno == EINPROGRESS) {
        check(getpeername(fd, (struct sockaddr *)&to, &(socklen_t){ sizeof(to) }) < 0 &&
                  errno == ENOTCONN,
              "no peer yet: %s", strerror(errno));
        check(wait_for(fd, POLLOUT, 20000) != 0, "it fails");
        check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == ECONNREFUSED,
              "SO_ERROR: %s", strerror(error));
        check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0,
              "SO_ERROR again: %s", strerror(error));
    } else {
        check(result < 0 && errno == ECONNREFUSED, "refused at once");
    }
    to = self(port);
    result = connect(fd, (struct sockaddr *)&to, sizeof(to));
    check(result == 0 || errno == EINPROGRESS, "connect once more: %s", strerror(errno));
    check(wait_for(fd, POLLOUT, 2000) == POLLOUT, "which is there now");
    close(fd);
    fd = connect_to(port);
    check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0, "SO_RCVTIMEO");
    check(recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN, "gives up waiting: %s", strerror(errno));
    close(fd);
    close(server);
}

/* A connection that the other end gives up: what SO_ERROR says of it, once. */
static void test_reset(void)
{
    uint16_t port = 0;
    int server = listener(&port), client = connect_to(port), there = accept(server, NULL, NULL);
    int error = -1;
    socklen_t length = sizeof(error);

    check(send(client, "unread", 6, 0) == 6 && wait_for(there, POLLIN, 2000) == POLLIN, "unread");
    close(there);
    check(wait_for(client, 0, 2000) == POLLERR, "an error, though nothing was asked for");
    check(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == ECONNRESET,
          "SO_ERROR: %s", strerror(error));
    check(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0,
          "SO_ERROR again: %s", strerror(error));
    close(client);
    close(server);
}

struct later {
    int fd;
    size_t reads; /* 0: it writes a byte; SIZE_MAX: it shuts the socket down */
};

/* Another thread: does it once the first one sleeps. */
static void *later(void *argument)
{
    static char buffer[65536];
    struct later *what = argument;

    usleep(100000); /* whether it sleeps cannot be seen: if it does not, less is tried */
    if (what->reads == SIZE_MAX)
        shutdown(what->fd, SHUT_RDWR);
    else if (what->reads == 0)
        send(what->fd, "x", 1, 0);
    for (size_t left = what->reads == SIZE_MAX ? 0 : what->reads; left > 0;) {
        ssize_t got = recv(what->fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer), 0);
        if (got <= 0)
            break;
        left -= (size_t)got;
    }
    return NULL;
}

static struct sw_thread *start(struct later *what)
{
    struct sw_thread *thread = NULL;

    check(sw_thread_start(later, what, 0, &thread) == SW_OK, "a thread");
    return thread;
}

static size_t fill(int fd)
{
    static char buffer[4096];
    size_t sent = 0;
    ssize_t part;

    while ((part = send(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
        sent += (size_t)part;
    return sent;
}

/* Two entries of one poll name a socket, one to read and one to write. */
static void test_poll_twice(void)
{
    uint16_t port = 0;
    int server = listener(&port), client = connect_to(port), there = accept(server, NULL, NULL);
    size_t sent = fill(client), more;

    while (usleep(20000), (more = fill(client)) > 0) /* until the other end's ring is full, too */
        sent += more;
    for (int round = 0; round < 4; round++) {
        bool reads = round < 2, first = round % 2 == 0;
        struct pollfd two[2] = { { .fd = client, .events = first ? POLLIN : POLLOUT },
                                 { .fd = client, .events = first ? POLLOUT : POLLIN } };
        struct later what = { there, reads ? 0 : sent };
        struct sw_thread *thread = start(&what);
        check(poll(two, 2, 20000) == 1, "one is ready");
        check(two[first == reads ? 0 : 1].revents == (reads ? POLLIN : POLLOUT), "the right one");
        sw_thread_join(thread, SW_NEVER, NULL);
        if (reads) {
            char byte;
            check(recv(client, &byte, 1, 0) == 1, "the byte");
        } else {
            while (usleep(20000), (more = fill(client)) > 0)
                sent = round == 2 ? more : sent;
        }
    }
    close(client);
    close(there);
    close(server);
}

/* One thread reads while another writes, polls, asks, and ends it. */
static void *reader(void *argument)
{
    char buffer[16];
    int fd = *(int *)argument;
    ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

    check(got == 3 && !memcmp(buffer, "ret", 3), "what is read by a thread of its own");
    got = recv(fd, buffer, sizeof(buffer), 0);
    check(got == 0, "the end that another thread made: %d", (int)got);
    return NULL;
}

static void test_threads(void)
{
    uint16_t port = 0;
    int server = listener(&port), client = connect_to(port), there = accept(server, NULL, NULL);
    struct sw_thread *thread = NULL;
    char byte;

    check(sw_thread_start(reader, &client, 0, &thread) == SW_OK, "a thread");
    usleep(100000); /* it waits now */
    check(recv(client, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN, "it is another's turn");
    check(port_of(client) != 0 && wait_for(client, POLLIN, 50) == 0, "nothing to read");
    check(send(client, "ask", 3, 0) == 3, "a question");
    check(recv(there, &byte, 1, 0) == 1 && byte == 'a', "that comes");
    check(wait_for(client, POLLOUT, 2000) == POLLOUT && send(there, "ret", 3, 0) == 3,
          "the answer");
    usleep(100000);
    check(shutdown(client, SHUT_RD) == 0, "shutdown");
    sw_thread_join(thread, SW_NEVER, NULL);
    size_t sent = fill(client), more;
    while (usleep(20000), (more = fill(client)) > 0)
        sent += more;
    struct later what = { client, SIZE_MAX };
    thread = start(&what);
    signal(SIGPIPE, SIG_IGN);
    check(send(client, &byte, 1, 0) < 0 && errno == EPIPE, "who writes hears of it: %s",
          strerror(errno));
    sw_thread_join(thread, SW_NEVER, NULL);
    close(client);
    close(there);
    close(server);
}

static void *poller(void *argument)
{
    check(wait_for(*(int *)argument, POLLIN, 20000) == POLLIN, "a byte for who polls in a thread");
    return NULL;
}

/* Two poll one connection; the end of one's wait is not the other's. */
static void test_pollers(void)
{
    uint16_t port = 0;
    int server = listener(&port), client = connect_to(port), there = accept(server, NULL, NULL);
    struct sw_thread *thread = NULL;

    check(sw_thread_start(poller, &client, 0, &thread) == SW_OK, "a thread");
    usleep(100000); /* it waits now */
    check(wait_for(client, POLLIN, 50) == 0 && wait_for(client, POLLOUT, 2000) == POLLOUT &&
              wait_for(client, 0, 50) == 0,
          "others come and go");
    clock_t began = clock();
    check(wait_for(client, POLLIN, 500) == 0, "and wait with it");
    check(clock() - began < CLOCKS_PER_SEC / 8, "asleep");
    check(send(there, "x", 1, 0) == 1, "a byte");
    sw_thread_join(thread, SW_NEVER, NULL);
    close(client);
    close(there);
    close(server);
}

static void *asker(void *argument)
{
    char byte;

    check(recv(*(int *)argument, &byte, 1, 0) < 0, "no byte of a connection that fails: %s",
          strerror(errno));
    return NULL;
}

/* A connect that fails while others wait to read: they hear of it, and it may be tried again. */
static void test_failing(void)
{
    uint16_t port = 0;
    struct sockaddr_in to = self(1);
    int server = listener(&port), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sw_thread *threads[2] = { NULL };

    inet_pton(AF_INET, "10.0.2.2", &to.sin_addr); /* the emulator's: not at once */
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno == EINPROGRESS) {
        fcntl(fd, F_SETFL, 0);
        for (int i = 0; i < 2; i++)
            check(sw_thread_start(asker, &fd, 0, &threads[i]) == SW_OK, "a thread");
        for (int i = 0; i < 2; i++)
            sw_thread_join(threads[i], SW_NEVER, NULL);
        int error = 0;
        check(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof(error) }) == 0 &&
                  error == ECONNREFUSED,
              "SO_ERROR: %s", strerror(error));
    }
    to = self(port);
    check(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "once more: %s", strerror(errno));
    check(connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno == EISCONN, "it is there");
    close(fd);
    close(server);
}

/* IPv4 at a socket of IPv6, by mapped addresses. */
static void test_mapped(void)
{
    struct sockaddr_in6 any = { .sin6_family = AF_INET6 }, to, peer;
    socklen_t length = sizeof(any);
    char text[INET6_ADDRSTRLEN] = "";
    int server = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET6, SOCK_STREAM, 0);

    check(bind(server, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(server, 4) == 0 &&
              getsockname(server, (struct sockaddr *)&any, &length) == 0,
          "a listener of both");
    inet_ntop(AF_INET6, &any.sin6_addr, text, sizeof(text));
    check(any.sin6_family == AF_INET6 && strcmp(text, "::") == 0, "at ::, not %s", text);
    to = any;
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
    check(connect(client, (struct sockaddr *)&to, sizeof(to)) == 0, "connect: %s", strerror(errno));
    length = sizeof(peer);
    int there = accept(server, (struct sockaddr *)&peer, &length);
    check(length == sizeof(peer) && peer.sin6_family == AF_INET6 &&
              !memcmp(&peer.sin6_addr, &to.sin6_addr, 16),
          "the client");
    check(getsockname(there, (struct sockaddr *)&peer, &length) == 0 &&
              !memcmp(&peer.sin6_addr, &to.sin6_addr, 16),
          "this end");
    check(getpeername(client, (struct sockaddr *)&peer, &length) == 0 &&
              !memcmp(&peer.sin6_addr, &to.sin6_addr, 16) && peer.sin6_port == any.sin6_port,
          "the server");
    close(client);
    close(there);
    close(server);
}

/* A child gets no socket, and what passes it one is told. */
static void test_children(void)
{
    uint16_t port = 0;
    int server = listener(&port), kept = dup(1);

    check(dup2(server, 1) == 1, "dup2");
    int result = system("true");
    dup2(kept, 1);
    check(result == -1 || result == 127 << 8, "system: %d", result);
    close(kept);
    close(server);
}

/* Who waits for nothing that comes sleeps, also while something waits. */
static void test_poll_sleeps(void)
{
    uint16_t port = 0;
    int server = listener(&port), client = connect_to(port), udp = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = self(0);

    check(wait_for(server, POLLIN, 2000) == POLLIN, "somebody waits to be accepted");
    check(bind(udp, (struct sockaddr *)&to, sizeof(to)) == 0, "bind");
    to = self(port_of(udp));
    check(sendto(udp, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1 &&
              wait_for(udp, POLLIN, 2000) == POLLIN,
          "a datagram");
    clock_t began = clock();
    check(wait_for(server, 0, 500) == 0 && wait_for(server, POLLOUT, 500) == 0 &&
              wait_for(udp, 0, 500) == 0,
          "nothing");
    clock_t used = clock() - began;
    check(used < CLOCKS_PER_SEC / 4, "%ld ms of the CPU", (long)(used * 1000 / CLOCKS_PER_SEC));
    close(udp);
    close(client);
    close(server);
}

/* A socket that is connected hears its peer alone. */
static void test_connected_datagrams(void)
{
    struct sockaddr_in to = self(0), back;
    int here = socket(AF_INET, SOCK_DGRAM, 0), there = socket(AF_INET, SOCK_DGRAM, 0);
    int other = socket(AF_INET, SOCK_DGRAM, 0);
    char buffer[32];

    check(bind(there, (struct sockaddr *)&to, sizeof(to)) == 0, "bind");
    to = self(port_of(there));
    check(connect(here, (struct sockaddr *)&to, sizeof(to)) == 0 && send(here, "?", 1, 0) == 1 &&
              recv(there, buffer, 32, 0) == 1,
          "a question");
    back = self(port_of(here));
    for (int round = 0; round < 3; round++) {
        check(sendto(other, "lie", 3, 0, (struct sockaddr *)&back, sizeof(back)) == 3 &&
                  sendto(there, "answer", 6, 0, (struct sockaddr *)&back, sizeof(back)) == 6,
              "a lie and an answer");
        ssize_t got = round == 2   ? read(here, buffer, 32)
                      : round == 1 ? recv(here, buffer, 32, MSG_PEEK)
                                   : recv(here, buffer, 32, 0);
        check(got == 6 && !memcmp(buffer, "answer", 6), "the answer");
        if (round == 1)
            check(recv(here, buffer, 32, 0) == 6 && !memcmp(buffer, "answer", 6), "again");
    }
    sendto(other, "lie", 3, 0, (struct sockaddr *)&back, sizeof(back));
    check(wait_for(here, POLLIN, 2000) == POLLIN, "somebody's");
    check(recv(here, buffer, 32, MSG_DONTWAIT) < 0 && errno == EAGAIN, "which is not the peer's");
    close(here);
    close(there);
    close(other);
}

static void test_datagrams(void)
{
    struct sockaddr_in to = self(0), from;
    socklen_t length = sizeof(from);
    int here = socket(AF_INET, SOCK_DGRAM, 0), there = socket(AF_INET, SOCK_DGRAM, 0);
    char buffer[32];

    check(bind(there, (struct sockaddr *)&to, sizeof(to)) == 0, "bind");
    to = self(port_of(there));
    check(send(here, "x", 1, 0) < 0 && errno == EDESTADDRREQ, "no peer: %s", strerror(errno));
    check(recvfrom(there, buffer, 1, MSG_DONTWAIT, NULL, NULL) < 0 && errno == EAGAIN, "EAGAIN");
    check(connect(here, (struct sockaddr *)&to, sizeof(to)) == 0 && send(here, "one", 3, 0) == 3 &&
              write(here, "second", 6) == 6 && send(here, "", 0, 0) == 0,
          "three datagrams, one empty");
    check(wait_for(there, POLLIN, 2000) == POLLIN, "readable");
    check(recvfrom(there, buffer, 32, 0, (struct sockaddr *)&from, &length) == 3 &&
              ntohs(from.sin_port) == port_of(here),
          "the first");
    check(recv(there, buffer, 2, MSG_TRUNC) == 6 && !memcmp(buffer, "se", 2), "the second, cut");
    check(recv(there, buffer, 32, 0) == 0, "the empty one");
    close(here);
    close(there);
}

/* What is looked at stays, also where it lies in two pieces of the ring. */
static void test_peek(void)
{
    static uint8_t out[10000], in[10000];
    struct sockaddr_in to = self(0), from;
    socklen_t length = sizeof(from);
    uint16_t port = 0;
    int server = listener(&port), client = connect_to(port), there = accept(server, NULL, NULL);
    char buffer[32];

    check(recv(there, buffer, 4, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN, "nothing to see");
    check(send(client, "peek me", 7, 0) == 7 && recv(there, buffer, 4, MSG_PEEK) == 4 &&
              !memcmp(buffer, "peek", 4) && wait_for(there, POLLIN, 0) == POLLIN,
          "four bytes seen");
    check(recv(there, buffer, 32, MSG_PEEK) == 7 && recv(there, buffer, 32, 0) == 7 &&
              !memcmp(buffer, "peek me", 7),
          "seven, seen and read");
    int good = 1;
    for (int round = 0; round < 8; round++) {
        for (size_t i = 0; i < sizeof(out); i++)
            out[i] = (uint8_t)((i * 7 >> 2) + (size_t)round);
        good &= send(client, out, sizeof(out), 0) == sizeof(out);
        ssize_t got = 0;
        while (good && (got = recv(there, in, sizeof(in), MSG_PEEK)) < (ssize_t)sizeof(in))
            good &= got > 0 && !memcmp(in, out, (size_t)got);
        good &= !memcmp(in, out, sizeof(in));
        memset(in, 0, sizeof(in));
        good &=
            recv(there, in, sizeof(in), MSG_WAITALL) == sizeof(in) && !memcmp(in, out, sizeof(in));
    }
    check(good, "10,000 bytes, eight times");
    close(client);
    check(recv(there, buffer, 1, MSG_PEEK) == 0 && recv(there, buffer, 1, 0) == 0, "the end, seen");
    close(there);
    close(server);

    int here = socket(AF_INET, SOCK_DGRAM, 0);
    there = socket(AF_INET, SOCK_DGRAM, 0);
    bind(there, (struct sockaddr *)&to, sizeof(to));
    to = self(port_of(there));
    connect(here, (struct sockaddr *)&to, sizeof(to));
    check(recv(there, buffer, 4, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN, "no datagram");
    check(send(here, "second", 6, 0) == 6 && recv(there, buffer, 2, MSG_PEEK | MSG_TRUNC) == 6 &&
              !memcmp(buffer, "se", 2),
          "its start and length");
    check(wait_for(there, POLLIN, 0) == POLLIN, "readable, for it is still there");
    check(recvfrom(there, buffer, 32, MSG_PEEK, (struct sockaddr *)&from, &length) == 6 &&
              ntohs(from.sin_port) == port_of(here),
          "whose it is");
    from.sin_port = 0;
    check(recvfrom(there, buffer, 32, 0, (struct sockaddr *)&from, &length) == 6 &&
              !memcmp(buffer, "second", 6) && ntohs(from.sin_port) == port_of(here),
          "the whole of it, then");
    check(recv(there, buffer, 4, MSG_DONTWAIT) < 0 && errno == EAGAIN, "and no other");
    check(send(here, "x", 1, 0) == 1 && recv(there, buffer, 2, MSG_PEEK) == 1,
          "one that nobody reads");
    close(here);
    close(there);
}

static const struct {
    int option, value, most;
} keeps[] = { { TCP_KEEPIDLE, 2, 86400 }, { TCP_KEEPINTVL, 1, 3600 }, { TCP_KEEPCNT, 3, 100 } };

static int keep_get(int fd, int option)
{
    int value = -1;
    socklen_t length = sizeof(value);

    return getsockopt(fd, IPPROTO_TCP, option, &value, &length) == 0 ? value : -1;
}

static int keep_set(int fd, int option, int value)
{
    return setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

static void test_keep(void)
{
    uint16_t port = 0;
    int server = listener(&port), client = connect_to(port), there, good = 1, refused = 1;

    for (int i = 0; i < 3; i++) {
        good &= keep_get(server, keeps[i].option) == 0;
        good &= keep_set(server, keeps[i].option, keeps[i].value) == 0;
        good &= keep_get(server, keeps[i].option) == keeps[i].value;
        good &= keep_set(client, keeps[i].option, keeps[i].most) == 0;
        refused &= keep_set(client, keeps[i].option, keeps[i].most + 1) < 0 && errno == EINVAL;
        refused &= keep_set(client, keeps[i].option, 0) < 0 && errno == EINVAL;
        good &= keep_get(client, keeps[i].option) == keeps[i].most;
    }
    there = accept(server, NULL, NULL);
    for (int i = 0; i < 3; i++)
        good &= keep_get(there, keeps[i].option) == keeps[i].value;
    check(good, "TCP_KEEPIDLE and its like: set, read, and a listener's are its connections'");
    check(refused, "values there are not");
    close(client);
    close(there);
    close(server);
}

static int keep_alive(uint16_t port)
{
    struct sockaddr_in any = self(port);
    int server = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    char byte;

    any.sin_addr.s_addr = 0;
    if (bind(server, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(server, 8) < 0 ||
        setsockopt(server, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0)
        return 1;
    for (int i = 0; i < 3; i++)
        if (keep_set(server, keeps[i].option, keeps[i].value) < 0)
            return 1;
    for (;;) {
        int fd = accept(server, NULL, NULL);
        ssize_t got = recv(fd, &byte, 1, 0);
        printf("%s\n", got < 0 ? strerror(errno) : got ? "a byte" : "the end");
        fflush(stdout);
        close(fd);
    }
}

int main(int count, char **words)
{
    if (count == 3 && strcmp(words[1], "keepalive") == 0)
        return keep_alive((uint16_t)atoi(words[2]));
    test_addresses();
    test_names();
    test_errors();
    test_datagrams();
    test_connected_datagrams();
    test_peek();
    if (count == 1) {
        test_stream();
        test_much();
        test_nonblocking();
        test_reset();
        test_poll_sleeps();
        test_poll_twice();
        test_threads();
        test_pollers();
        test_failing();
        test_mapped();
        test_children();
        test_keep();
    }
    return check_done();
}
