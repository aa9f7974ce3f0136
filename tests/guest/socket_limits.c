/* A program that takes more of netd than it should, and programs that die at any step of a connection's
 * life.
 *
 *   socket_limits many    as many sockets as it gets, twice: the same number, and then a clear error;
 *       a connection that was there before goes on
 *   socket_limits hog     as many as it gets, and keeps them until there is /tmp/enough
 *   socket_limits pairs N     so many connections with itself, kept as long
 *   socket_limits idle N      so many connections at port 7777, and what comes on each is sent back; ends with
 *       the last
 *   socket_limits flood   as many datagrams as are kept for it; another's are kept, too
 *   socket_limits passing N   connections made and closed in a row
 *   socket_limits steps   each step of a client's and a server's life is a process's last
 *
 * Children: `client N`, `server N`: ends behind step N. `flooded`: a datagram to itself. */
#include "check.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/protocol.h>
#include <swos/socket.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 7777
#define MOST 20000u
#define SHARE 2048u /* of one process, when others have none */
#define STEPS 7

static const struct sw_socket_address here = { .family = SW_NET_IPV4,
                                               .bytes = { 127, 0, 0, 1 },
                                               .port = PORT };
static const struct sw_socket_address anywhere = { .family = SW_NET_IPV4, .port = PORT };

static struct sw_socket *taken[MOST];

/* Bytes there and back through a pair of connected sockets. */
static bool pair_works(struct sw_socket *one, struct sw_socket *other)
{
    char buffer[5];
    size_t done;

    return sw_socket_write(one, "hello", 5, sw_clock_deadline(SW_SECOND * 10), &done) == SW_OK &&
           sw_socket_read(other, buffer, 5, sw_clock_deadline(SW_SECOND * 10), &done) == SW_OK &&
           done == 5 && memcmp(buffer, "hello", 5) == 0;
}

/* A listener. The port may be another's for a moment, who has ended: his sockets go one by one. */
static status_t listen_soon(uint32_t backlog, struct sw_socket **out_listener)
{
    uint64_t deadline = sw_clock_deadline(20 * SW_SECOND);
    status_t status;

    while ((status = sw_socket_listen(&anywhere, backlog, out_listener, NULL)) == SW_IN_USE &&
           sw_clock_monotonic() < deadline)
        sw_clock_sleep(sw_clock_deadline(10 * SW_MILLISECOND));
    return status;
}

/* A listener, and a connection with ourselves. */
static bool pair_make(struct sw_socket **out_listener, struct sw_socket **out_client,
                      struct sw_socket **out_server)
{
    struct sw_socket_address from;

    return listen_soon(4, out_listener) == SW_OK &&
           sw_socket_connect(&here, 0, out_client) == SW_OK &&
           sw_socket_accept(*out_listener, 0, sw_clock_deadline(10 * SW_SECOND), out_server,
                            &from) == SW_OK;
}

/* What connect() says. */
static int errno_of_connect(void)
{
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(PORT),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int result = connect(fd, (const struct sockaddr *)&to, sizeof(to));
    int error = errno;

    close(fd);
    return result == 0 ? 0 : error;
}

static int many(void)
{
    const struct sw_socket_address any = { .family = SW_NET_IPV4 };
    struct sw_socket *listener, *client, *server;
    uint32_t before = 0;

    if (!check(pair_make(&listener, &client, &server), "a connection"))
        return check_done();
    for (int round = 0; round < 2; round++) {
        uint32_t count = 0;
        status_t status = SW_OK;

        while (count < MOST && (status = sw_socket_bind(&any, &taken[count], NULL)) == SW_OK)
            count++;
        printf("# %u sockets, then %s\n", (unsigned)count, sw_status_name(status));
        check(count > 1000 && count <= SHARE && (round == 0 || count + 8 >= before),
              "%u sockets, before %u", (unsigned)count, (unsigned)before);
        check(status == SW_TOO_MANY_SOCKETS, "the end of them: %s", sw_status_text(status));
        struct sw_socket *more;
        check(sw_socket_connect(&here, 0, &more) == SW_TOO_MANY_SOCKETS &&
                  sw_socket_listen(&anywhere, 4, &more, NULL) == SW_TOO_MANY_SOCKETS,
              "of any kind");
        check(errno_of_connect() == ENOBUFS, "connect() says ENOBUFS");
        check(pair_works(client, server), "the connection goes on");
        before = count;
        while (count > 0)
            sw_socket_close(taken[--count]);
        check(pair_works(server, client), "and when they are gone");
    }
    sw_socket_close(client);
    sw_socket_close(server);
    sw_socket_close(listener);
    return check_done();
}

static void until_enough(void)
{
    fflush(stdout);
    while (access("/tmp/enough", F_OK) != 0)
        sw_clock_sleep(sw_clock_deadline(100 * SW_MILLISECOND));
}

static int hog(void)
{
    const struct sw_socket_address any = { .family = SW_NET_IPV4 };
    uint32_t count = 0;
    status_t status;

    while ((status = sw_socket_bind(&any, &taken[count], NULL)) == SW_OK)
        count++;
    printf("%u sockets, then: %s\n", (unsigned)count, sw_status_text(status));
    until_enough();
    return 0;
}

static int pairs(uint32_t count)
{
    struct sw_socket *listener, *client, *server;
    struct sw_socket_address from;
    status_t status = listen_soon(4, &listener);
    uint32_t made = 0;

    for (; status == SW_OK && made < count; made++)
        if ((status = sw_socket_connect(&here, 4096, &client)) == SW_OK)
            status =
                sw_socket_accept(listener, 4096, sw_clock_deadline(10 * SW_SECOND), &server, &from);
    printf("%u pairs, %s\n", (unsigned)made, sw_status_text(status));
    until_enough();
    return status != SW_OK;
}

#define KEY_LISTENER UINT64_MAX

/* Sends back what has come. False: the connection has ended. */
static bool echo(struct sw_socket *socket)
{
    char buffer[256];
    size_t done;

    sw_event_update(sw_socket_event(socket), SW_SOCKET_FOR_PROGRAM, 0, NULL);
    while (sw_socket_ready(socket, SW_POLL_IN)) {
        if (sw_socket_read(socket, buffer, sizeof(buffer), 0, &done) != SW_OK || done == 0)
            return false;
        if (sw_socket_write(socket, buffer, done, sw_clock_deadline(10 * SW_SECOND), &done) !=
            SW_OK)
            return false;
    }
    return true;
}

/* One connection an event: netd sets it again while more wait. */
static status_t take_waiting(handle_t port, struct sw_socket *listener, uint32_t *count)
{
    struct sw_socket_address from;
    struct sw_socket **place = &taken[*count];
    status_t status = sw_socket_accept(listener, 0, 0, place, &from);

    if (status != SW_OK)
        return status;
    status = sw_port_bind(port, sw_socket_event(*place), SW_SOCKET_FOR_PROGRAM, *count);
    sw_event_update(sw_socket_event(*place), 0, SW_SOCKET_FOR_PROGRAM, NULL);
    ++*count;
    return status;
}

static int idle(uint32_t wanted)
{
    struct sw_wait wait = { 0 };
    struct sw_socket *listener;
    uint32_t count = 0, ended = 0;
    handle_t port;
    status_t status = sw_port_create(&port);

    if (status == SW_OK)
        status = listen_soon(128, &listener);
    if (status == SW_OK)
        status = sw_port_bind(port, sw_socket_event(listener), SW_SOCKET_FOR_PROGRAM, KEY_LISTENER);
    printf("listening, %s\n", sw_status_text(status));
    while (status == SW_OK && ended < wanted) {
        fflush(stdout);
        if ((status = sw_port_wait(port, &wait, SW_NEVER)) != SW_OK)
            break;
        if (wait.event.key == KEY_LISTENER) {
            status = take_waiting(port, listener, &count);
            if (count == wanted)
                printf("all are here\n");
        } else if (!echo(taken[wait.event.key])) {
            sw_port_unbind(port, sw_socket_event(taken[wait.event.key]));
            sw_socket_close(taken[wait.event.key]);
            ended++;
        }
    }
    printf("%u connections, %s\n", (unsigned)count, sw_status_text(status));
    return status != SW_OK;
}

/* Sends itself a datagram; whether it is kept for it. */
static bool datagram_kept(struct sw_socket *socket, uint16_t port, const void *bytes, size_t length)
{
    const struct sw_socket_address to = { .family = SW_NET_IPV4,
                                          .bytes = { 127, 0, 0, 1 },
                                          .port = port };
    return sw_socket_send_to(socket, &to, bytes, length) == SW_OK;
}

#define FLOODED 100
#define DATAGRAM 8000u

/* All that is kept of what 100 sockets are sent, 128 KiB each. */
static int flood(void)
{
    static uint8_t bytes[DATAGRAM];
    const struct sw_socket_address any = { .family = SW_NET_IPV4 };
    struct sw_socket_address from;
    uint64_t kept = 0;
    size_t length;
    uint16_t port;
    handle_t process;
    int32_t result = -1;

    for (int i = 0; i < FLOODED; i++) {
        if (sw_socket_bind(&any, &taken[i], &port) != SW_OK)
            return 1;
        for (int j = 0; j < 16; j++)
            datagram_kept(taken[i], port, bytes, sizeof(bytes));
    }
    check(check_spawn("flooded", NULL, 0, 0, &process) == SW_OK &&
              sw_process_wait(process, sw_clock_deadline(30 * SW_SECOND), &result) == SW_OK &&
              result == 0,
          "another program gets its datagrams");
    for (int i = 0; i < FLOODED; i++) {
        while (sw_socket_receive_from(taken[i], bytes, sizeof(bytes), 0, &length, &from) == SW_OK)
            kept += length;
        if (i == FLOODED - 1) {
            datagram_kept(taken[i], port, bytes, 100);
            check(sw_socket_receive_from(taken[i], bytes, sizeof(bytes),
                                         sw_clock_deadline(10 * SW_SECOND), &length,
                                         &from) == SW_OK &&
                      length == 100,
                  "what was read makes room");
        }
        sw_socket_close(taken[i]);
    }
    check(kept > 1 << 20 && kept <= 2 << 20, "%u bytes were kept", (unsigned)kept);
    return check_done();
}

static bool flooded(void)
{
    const struct sw_socket_address any = { .family = SW_NET_IPV4 };
    struct sw_socket_address from;
    struct sw_socket *socket;
    char buffer[16];
    size_t length;
    uint16_t port;

    return sw_socket_bind(&any, &socket, &port) == SW_OK &&
           datagram_kept(socket, port, "hello", 5) &&
           sw_socket_receive_from(socket, buffer, sizeof(buffer), sw_clock_deadline(10 * SW_SECOND),
                                  &length, &from) == SW_OK &&
           length == 5;
}

/* Each is closed by its client first, so TIME_WAIT is here. */
static int passing(uint32_t count)
{
    struct sw_socket *listener, *client, *server;
    struct sw_socket_address from;
    status_t status = listen_soon(4, &listener);
    uint32_t done = 0;
    size_t length;
    char byte;

    while (status == SW_OK && done < count) {
        if ((status = sw_socket_connect(&here, 4096, &client)) != SW_OK ||
            (status = sw_socket_accept(listener, 4096, sw_clock_deadline(10 * SW_SECOND), &server,
                                       &from)) != SW_OK)
            break;
        sw_socket_close(client);
        status = sw_socket_read(server, &byte, 1, sw_clock_deadline(10 * SW_SECOND), &length);
        sw_socket_close(server);
        done++;
    }
    check(done == count, "%u of %u connections, %s", (unsigned)done, (unsigned)count,
          sw_status_text(status));
    sw_socket_close(listener);
    return check_done();
}

/* A client's life; it ends without a word behind the step. */
static void client_life(int last)
{
    struct sw_socket *socket;
    char buffer[5];
    size_t done;

    if (last == 0 || sw_socket_connect(&here, 0, &socket) != SW_OK || last == 1)
        return;
    if (sw_socket_wait_connected(socket, sw_clock_deadline(10 * SW_SECOND)) != SW_OK || last == 2)
        return;
    sw_socket_write(socket, "hello", 5, sw_clock_deadline(SW_SECOND), &done);
    if (last == 3)
        return;
    sw_socket_read(socket, buffer, 5, sw_clock_deadline(SW_SECOND), &done);
    if (last == 4)
        return;
    sw_socket_shutdown(socket, SW_SHUT_WRITE);
    if (last == 5)
        return;
    sw_socket_read(socket, buffer, 5, sw_clock_deadline(SW_SECOND), &done);
    sw_socket_close(socket);
}

static void server_life(int last)
{
    struct sw_socket *listener, *socket;
    struct sw_socket_address from;
    char buffer[5];
    size_t done;

    if (last == 0 || sw_socket_listen(&anywhere, 4, &listener, NULL) != SW_OK || last == 1)
        return;
    if (sw_socket_accept(listener, 0, sw_clock_deadline(SW_SECOND / 2), &socket, &from) != SW_OK ||
        last == 2)
        return;
    sw_socket_read(socket, buffer, 5, sw_clock_deadline(SW_SECOND / 2), &done);
    if (last == 3)
        return;
    sw_socket_write(socket, buffer, done, sw_clock_deadline(SW_SECOND / 2), &done);
    if (last == 4)
        return;
    sw_socket_shutdown(socket, SW_SHUT_WRITE);
    if (last == 5)
        return;
    sw_socket_read(socket, buffer, 5, sw_clock_deadline(SW_SECOND / 2), &done);
    sw_socket_close(socket);
    sw_socket_close(listener);
}

static int steps(void)
{
    handle_t processes[2];
    struct sw_socket *listener, *client, *server;
    int32_t result;
    int good = 1;

    for (int i = 0; i < STEPS * STEPS; i++) {
        char words[2][16];

        snprintf(words[0], sizeof(words[0]), "server%d", i / STEPS);
        snprintf(words[1], sizeof(words[1]), "client%d", i % STEPS);
        for (int j = 0; j < 2; j++)
            good &= check_spawn(words[j], NULL, 0, 0, &processes[j]) == SW_OK;
        for (int j = 0; j < 2; j++) {
            good &= sw_process_wait(processes[j], sw_clock_deadline(30 * SW_SECOND), &result) ==
                        SW_OK &&
                    result == 0;
            sw_handle_close(processes[j]);
        }
    }
    check(good, "%d pairs of lives", STEPS * STEPS);
    if (!check(pair_make(&listener, &client, &server), "the port is free"))
        return check_done();
    check(pair_works(client, server) && pair_works(server, client), "a connection works");
    sw_socket_close(client);
    sw_socket_close(server);
    sw_socket_close(listener);
    return check_done();
}

int main(int argc, char **argv)
{
    bool counts = argc > 1 && (!strcmp(argv[1], "passing") || !strcmp(argv[1], "pairs") ||
                               !strcmp(argv[1], "idle"));
    const char *word = argc == (counts ? 3 : 2) ? argv[1] : "";

    if (!strcmp(word, "many"))
        return many();
    if (!strcmp(word, "hog"))
        return hog();
    if (!strcmp(word, "pairs"))
        return pairs((uint32_t)atoi(argv[2]));
    if (!strcmp(word, "idle"))
        return idle((uint32_t)atoi(argv[2]));
    if (!strcmp(word, "flood"))
        return flood();
    if (!strcmp(word, "passing"))
        return passing((uint32_t)atoi(argv[2]));
    if (!strcmp(word, "steps"))
        return steps();
    if (!strcmp(word, "flooded"))
        return flooded() ? 0 : 1;
    if (!strncmp(word, "client", 6))
        client_life(atoi(word + 6));
    else if (!strncmp(word, "server", 6))
        server_life(atoi(word + 6));
    else
        return 2;
    return 0;
}
