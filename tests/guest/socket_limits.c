/* A program that takes more of netd than it should, and programs that die at any step of a connection's
 * life.
 *
 *   socket_limits many    as many sockets as it gets, twice: the same number, and then a clear error;
 *       a connection that was there before goes on
 *   socket_limits steps   each step of a client's and a server's life is a process's last
 *
 * Children: `client N`, `server N`: ends behind step N. */
#include "check.h"
#include <stdlib.h>
#include <string.h>
#include <swos/protocol.h>
#include <swos/socket.h>

#define PORT 7777
#define MOST 20000u
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

/* A listener, and a connection with ourselves. The port may be another's for a moment, who has ended: his
 * sockets go one by one. */
static bool pair_make(struct sw_socket **out_listener, struct sw_socket **out_client,
                      struct sw_socket **out_server)
{
    struct sw_socket_address from;
    uint64_t deadline = sw_clock_deadline(20 * SW_SECOND);
    status_t status;

    while ((status = sw_socket_listen(&anywhere, 4, out_listener, NULL)) == SW_IN_USE &&
           sw_clock_monotonic() < deadline)
        sw_clock_sleep(sw_clock_deadline(10 * SW_MILLISECOND));
    return status == SW_OK && sw_socket_connect(&here, 0, out_client) == SW_OK &&
           sw_socket_accept(*out_listener, 0, sw_clock_deadline(10 * SW_SECOND), out_server,
                            &from) == SW_OK;
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
        check(count > 100 && count < MOST && (round == 0 || count + 8 >= before),
              "%u sockets, before %u", (unsigned)count, (unsigned)before);
        check(status == SW_QUOTA || status == SW_NO_MEMORY, "the end of them: %s",
              sw_status_text(status));
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
    const char *word = argc == 2 ? argv[1] : "";

    if (!strcmp(word, "many"))
        return many();
    if (!strcmp(word, "steps"))
        return steps();
    if (!strncmp(word, "client", 6))
        client_life(atoi(word + 6));
    else if (!strncmp(word, "server", 6))
        server_life(atoi(word + 6));
    else
        return 2;
    return 0;
}
