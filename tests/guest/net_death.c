/* Sockets of a program while netd dies; the test (tests/acceptance/netd_death_test.lua) kills it and is the
 * other end. Each step is told on standard output.
 *
 *   net_death half     reads a connection to its end; after a datagram it sends back what was read, so often
 *                      as fits into a MiB
 *   net_death sender   sends a MiB and ends, then reads to the end
 *   net_death poll     waits in one poll for a connection, a listener and datagrams, and tells which it was
 *   net_death pair     connects to itself over the loopback interface and moves 32 MiB each way
 *   net_death grow N   N times: connects to itself with the least rings, moves 1 MiB each way, and lets the
 *                      rings of both ends grow step by step meanwhile, in every order
 *   net_death idle N [PORT]
 *                      connects N times to itself (TCP port PORT, and UDP port PORT + 1) and keeps the
 *                      connections; after a datagram it sends a byte through each
 *
 * TCP port 5555, UDP port 5556. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/protocol.h>
#include <swos/socket.h>
#include <swos/status.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_PORT 5555
#define UDP_PORT 5556
#define MIB (1u << 20)
#define PAIR_BYTES (32u * MIB)

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

static _Noreturn void fail(const char *what)
{
    say("failed: %s: %s", what, strerror(errno));
    exit(1);
}

static int bound(int type, uint16_t port)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, type, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
        (type == SOCK_STREAM && listen(fd, 128) < 0))
        fail("bind");
    return fd;
}

static int connect_self(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        fail("connect");
    return fd;
}

static void await_datagram(int udp)
{
    char byte;

    if (recv(udp, &byte, 1, 0) != 1)
        fail("recv of a datagram");
}

static void send_all(int fd, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0)
            fail("send");
        bytes += sent;
        length -= (size_t)sent;
    }
}

/* The byte at a place: none like its neighbours, and no short period. */
static uint8_t byte_at(uint32_t place)
{
    uint32_t hash = (place >> 2) * 2654435761u;

    return (uint8_t)(hash >> (place % 4 * 8));
}

static int half(void)
{
    static uint8_t kept[65536], bytes[65536];
    int listener = bound(SOCK_STREAM, TCP_PORT), udp = bound(SOCK_DGRAM, UDP_PORT);
    size_t length = 0;
    ssize_t got;

    say("listening");
    int fd = accept(listener, NULL, NULL);
    while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
        memcpy(kept + length, bytes, (size_t)got);
        length += (size_t)got;
    }
    if (got < 0)
        fail("recv");
    say("read %zu bytes to the end", length);
    await_datagram(udp);
    say("sending");
    for (size_t done = 0; done + length <= MIB; done += length)
        send_all(fd, kept, length);
    if (shutdown(fd, SHUT_WR) < 0)
        fail("shutdown");
    close(fd);
    say("sent");
    return 0;
}

static int sender(void)
{
    static uint8_t bytes[MIB];
    int listener = bound(SOCK_STREAM, TCP_PORT);
    size_t length = 0;
    ssize_t got;

    say("listening");
    int fd = accept(listener, NULL, NULL);
    for (uint32_t i = 0; i < MIB; i++)
        bytes[i] = byte_at(i);
    send_all(fd, bytes, MIB);
    if (shutdown(fd, SHUT_WR) < 0)
        fail("shutdown");
    say("sent");
    while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        length += (size_t)got;
    if (got < 0)
        fail("recv");
    say("read %zu bytes to the end", length);
    return 0;
}

static int polls(void)
{
    int listener = bound(SOCK_STREAM, TCP_PORT), udp = bound(SOCK_DGRAM, UDP_PORT);
    char bytes[64];

    say("listening");
    fcntl(listener, F_SETFL, O_NONBLOCK);
    struct pollfd all[3] = { { -1, POLLIN, 0 }, { listener, POLLIN, 0 }, { udp, POLLIN, 0 } };
    for (;;) {
        if (poll(all, 3, -1) < 0)
            fail("poll");
        if (all[1].revents) {
            int fd = accept(listener, NULL, NULL);
            if (fd < 0 && errno != EAGAIN)
                fail("accept");
            if (fd >= 0) {
                say("a connection");
                all[0].fd = all[0].fd < 0 ? fd : all[0].fd;
            }
        }
        if (all[2].revents) {
            ssize_t got = recv(udp, bytes, sizeof(bytes), MSG_DONTWAIT);
            if (got < 0 && errno != EAGAIN)
                fail("recv of a datagram");
            if (got > 0)
                say("a datagram: %.*s", (int)got, bytes);
        }
        if (all[0].fd >= 0 && all[0].revents) {
            ssize_t got = recv(all[0].fd, bytes, sizeof(bytes), MSG_DONTWAIT);
            if (got < 0 && errno != EAGAIN)
                fail("recv");
            if (got > 0) {
                say("bytes: %.*s", (int)got, bytes);
                send_all(all[0].fd, (const uint8_t *)bytes, (size_t)got);
            }
            if (got == 0) {
                say("the end");
                return 0;
            }
        }
    }
}

struct end {
    int fd;
    uint32_t sent, got;
};

/* Moves what can be moved; the bytes of both directions are those of byte_at. */
static void end_work(struct end *end)
{
    static uint8_t bytes[16384];
    ssize_t got;

    while ((got = recv(end->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            if (bytes[i] != byte_at(end->got + (uint32_t)i)) {
                say("byte %u is another", (unsigned)(end->got + (uint32_t)i));
                exit(1);
            }
        end->got += (uint32_t)got;
    }
    if (got < 0 && errno != EAGAIN)
        fail("recv");
    while (end->sent < PAIR_BYTES) {
        uint32_t length = PAIR_BYTES - end->sent;
        length = length < sizeof(bytes) ? length : sizeof(bytes);
        for (uint32_t i = 0; i < length; i++)
            bytes[i] = byte_at(end->sent + i);
        ssize_t sent = send(end->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            fail("send");
        if (sent < 0)
            break;
        end->sent += (uint32_t)sent;
    }
}

static int pair(void)
{
    int listener = bound(SOCK_STREAM, TCP_PORT);
    struct end ends[2] = { { .fd = connect_self(TCP_PORT) } };

    ends[1].fd = accept(listener, NULL, NULL);
    say("connected");
    while (ends[0].got < PAIR_BYTES || ends[1].got < PAIR_BYTES) {
        struct pollfd both[2];
        for (int i = 0; i < 2; i++) {
            end_work(&ends[i]);
            both[i] =
                (struct pollfd){ .fd = ends[i].fd,
                                 .events = POLLIN | (ends[i].sent < PAIR_BYTES ? POLLOUT : 0) };
        }
        if ((ends[0].got < PAIR_BYTES || ends[1].got < PAIR_BYTES) && poll(both, 2, -1) < 0)
            fail("poll");
    }
    say("all bytes came");
    return 0;
}

/* An end whose rings grow, a step after so many bytes or up to twice as many. */
#define GROW_BYTES MIB
#define GROW_EVERY 49152u

struct growing {
    struct sw_socket *socket;
    uint32_t sent, got, grow_at, up, down;
};

static void must_be(status_t status, const char *what)
{
    if (status != SW_OK) {
        say("failed: %s: %s", what, sw_status_name(status));
        exit(1);
    }
}

static void grow_step(struct growing *end, uint32_t *grown)
{
    if (end->sent + end->got < end->grow_at ||
        (end->up == SW_SOCKET_RING_MOST && end->down == SW_SOCKET_RING_MOST))
        return;
    end->grow_at += GROW_EVERY + (uint32_t)rand() % GROW_EVERY;
    int which = rand() % 3;
    if (which != 1 && end->up < SW_SOCKET_RING_MOST)
        end->up *= 2;
    if (which != 0 && end->down < SW_SOCKET_RING_MOST)
        end->down *= 2;
    must_be(sw_socket_grow(end->socket, end->up, end->down), "grow");
    ++*grown;
}

/* Moves what can be moved; false: nothing. */
static bool grow_work(struct growing *end)
{
    static uint8_t bytes[20000];
    size_t got, sent;
    status_t status =
        sw_socket_read(end->socket, bytes, 1 + (size_t)rand() % sizeof(bytes), 0, &got);

    if (status != SW_OK && status != SW_TIMED_OUT)
        must_be(status, "read");
    for (size_t i = 0; i < got; i++)
        if (bytes[i] != byte_at(end->got + (uint32_t)i)) {
            say("byte %u is another", (unsigned)(end->got + (uint32_t)i));
            exit(1);
        }
    end->got += (uint32_t)got;
    uint32_t length = GROW_BYTES - end->sent;
    length = length < sizeof(bytes) ? length : 1 + (uint32_t)rand() % sizeof(bytes);
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = byte_at(end->sent + i);
    status = sw_socket_write(end->socket, bytes, length, 0, &sent);
    if (status != SW_OK && status != SW_TIMED_OUT)
        must_be(status, "write");
    end->sent += (uint32_t)sent;
    return got > 0 || sent > 0;
}

/* A connection with ourselves. What nobody has accepted goes with netd: it is made anew then. False: again. */
static bool grow_connect(struct sw_socket *listener, const struct sw_socket_address *to,
                         struct sw_socket **out_near, struct sw_socket **out_far)
{
    const uint32_t least = SW_SOCKET_RING_LEAST;
    struct sw_socket_address local, from;

    must_be(sw_socket_connect(to, least, out_near), "connect");
    uint64_t deadline = sw_clock_deadline(3 * SW_SECOND);
    if (sw_socket_wait_connected(*out_near, deadline) == SW_OK &&
        sw_socket_ends(*out_near, &local, NULL) == SW_OK) {
        while (sw_socket_accept(listener, least, deadline, out_far, &from) == SW_OK) {
            if (from.port == local.port)
                return true;
            sw_socket_close(*out_far);
        }
    }
    sw_socket_close(*out_near);
    return false;
}

static int grow(unsigned rounds)
{
    struct sw_socket_address to = { .family = SW_NET_IPV4, .bytes = { 127, 0, 0, 1 } };
    const struct sw_socket_address any = { .family = SW_NET_IPV4 };
    struct sw_socket *listener;
    uint32_t grown = 0;

    must_be(sw_socket_listen(&any, 1, &listener, &to.port), "listen");
    say("growing");
    for (unsigned round = 0; round < rounds; round++) {
        struct growing ends[2] = { { .up = SW_SOCKET_RING_LEAST, .down = SW_SOCKET_RING_LEAST },
                                   { .up = SW_SOCKET_RING_LEAST, .down = SW_SOCKET_RING_LEAST } };
        while (!grow_connect(listener, &to, &ends[0].socket, &ends[1].socket))
            ;
        while (ends[0].got < GROW_BYTES || ends[1].got < GROW_BYTES) {
            bool moved = false;
            for (int i = 0; i < 2; i++) {
                moved |= grow_work(&ends[i]);
                grow_step(&ends[i], &grown);
            }
            if (!moved) /* two ends to watch, and often nobody who moves anything: netd is dead */
                sw_clock_sleep(sw_clock_deadline(SW_MILLISECOND));
        }
        sw_socket_close(ends[0].socket);
        sw_socket_close(ends[1].socket);
    }
    say("all bytes came, the rings grew %u times", (unsigned)grown);
    return 0;
}

static _Noreturn void idle(unsigned count, uint16_t port)
{
    int listener = bound(SOCK_STREAM, port), udp = bound(SOCK_DGRAM, (uint16_t)(port + 1));
    int *near = calloc(count, sizeof(int)), *far = calloc(count, sizeof(int));

    for (unsigned i = 0; i < count; i++) {
        near[i] = connect_self(port);
        far[i] = accept(listener, NULL, NULL);
        if (far[i] < 0)
            fail("accept");
    }
    say("connected");
    for (unsigned round = 1;; round++) {
        await_datagram(udp);
        for (unsigned i = 0; i < count; i++) {
            uint8_t byte = (uint8_t)(i + round), back = 0;
            send_all(near[i], &byte, 1);
            if (recv(far[i], &back, 1, 0) != 1 || back != byte)
                fail("a byte");
        }
        say("round %u", round);
    }
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";

    if (strcmp(what, "half") == 0)
        return half();
    if (strcmp(what, "sender") == 0)
        return sender();
    if (strcmp(what, "poll") == 0)
        return polls();
    if (strcmp(what, "pair") == 0)
        return pair();
    if (strcmp(what, "grow") == 0 && count > 2)
        return grow((unsigned)atoi(words[2]));
    if (strcmp(what, "idle") == 0 && count > 2)
        idle((unsigned)atoi(words[2]), count > 3 ? (uint16_t)atoi(words[3]) : TCP_PORT);
    return 2;
}
