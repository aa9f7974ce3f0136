/* See fetch.h. */
#include "fetch.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/protocol.h>
#include <swos/socket.h>
#include <swos/status.h>

#define CONNECT_TIME (30 * SW_SECOND)
#define IDLE_TIME (60 * SW_SECOND)
#define RING (128u << 10)

static struct sw_socket *open_socket;

static void address_of(const struct addrinfo *from, struct sw_socket_address *out)
{
    *out = (struct sw_socket_address){ 0 };
    if (from->ai_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)from->ai_addr;
        memcpy(out->bytes, &v4->sin_addr, 4);
        out->family = SW_NET_IPV4;
        out->port = ntohs(v4->sin_port);
    } else {
        const struct sockaddr_in6 *v6 = (const void *)from->ai_addr;
        memcpy(out->bytes, &v6->sin6_addr, 16);
        out->family = SW_NET_IPV6;
        out->port = ntohs(v6->sin6_port);
        out->scope = v6->sin6_scope_id;
    }
}

static bool refuse(const char *shown, status_t status)
{
    if (status == SW_NOT_FOUND)
        complain(shown, "there is no network on this machine");
    else if (status == SW_ACCESS)
        complain(NULL, "permission denied (needs capability net)");
    else
        complain(shown, "%s", sw_status_text(status));
    return false;
}

bool connection_open(const struct http_url *url, const char *shown, const char *request)
{
    struct addrinfo *list, hints = { .ai_socktype = SOCK_STREAM };
    char port[8];
    size_t done;
    handle_t net;
    status_t status = sw_socket_network(&net);

    if (status != SW_OK)
        return refuse(shown, status);
    snprintf(port, sizeof(port), "%u", (unsigned)url->port);
    int error = getaddrinfo(url->host, port, &hints, &list);
    if (error) {
        if (error == EAI_SYSTEM && errno == EACCES)
            return refuse(shown, SW_ACCESS);
        complain(shown, "%s: %s", url->host,
                 error == EAI_SYSTEM ? sw_errno_text(errno) : gai_strerror(error));
        return false;
    }
    for (const struct addrinfo *at = list; at; at = at->ai_next) {
        struct sw_socket_address address;
        address_of(at, &address);
        status = sw_socket_connect(&address, RING, &open_socket);
        if (status != SW_OK)
            continue;
        status = sw_socket_wait_connected(open_socket, sw_clock_deadline(CONNECT_TIME));
        if (status == SW_OK)
            break;
        connection_close();
    }
    freeaddrinfo(list);
    if (status == SW_OK)
        status = sw_socket_write(open_socket, request, strlen(request),
                                 sw_clock_deadline(IDLE_TIME), &done);
    return status == SW_OK || refuse(shown, status);
}

bool connection_read(char *buffer, size_t capacity, size_t *out_length, const char **out_why)
{
    status_t status =
        sw_socket_read(open_socket, buffer, capacity, sw_clock_deadline(IDLE_TIME), out_length);

    *out_why = status == SW_TIMED_OUT ? "the server sent nothing for 60 s"
               : status == SW_RESET   ? "the connection was reset"
                                      : sw_status_text(status);
    return status == SW_OK;
}

void connection_close(void)
{
    if (open_socket)
        sw_socket_close(open_socket);
    open_socket = NULL;
}
