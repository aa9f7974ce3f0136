/* Options of sockets. Those of a connection are told netd at once, or when there is one. */
#include "bsd_socket.h"
#include "errors.h"
#include <netinet/tcp.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <sys/socket.h>
#include <sys/time.h>

/* In the order of libswos's options. */
static const int keep_options[KEEPS] = { TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT };
static const int keep_most[KEEPS] = { SW_SOCKET_KEEP_IDLE_MOST, SW_SOCKET_KEEP_INTERVAL_MOST,
                                      SW_SOCKET_KEEP_PROBES_MOST };
_Static_assert(SW_SOCKET_KEEP_INTERVAL == SW_SOCKET_KEEP_IDLE + 1 &&
                   SW_SOCKET_KEEP_PROBES == SW_SOCKET_KEEP_IDLE + 2,
               "one after the other");

void bsd_options_set(struct bsd_socket *socket)
{
    for (uint32_t i = 0; i < KEEPS; i++)
        if (socket->keep[i])
            sw_socket_set(socket->socket, SW_SOCKET_KEEP_IDLE + i, socket->keep[i]);
    if (socket->keepalive)
        sw_socket_set(socket->socket, SW_SOCKET_KEEPALIVE, 1);
    if (socket->nodelay)
        sw_socket_set(socket->socket, SW_SOCKET_NODELAY, 1);
}

static uint64_t time_of(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * SW_SECOND + (uint64_t)time->tv_usec * SW_MICROSECOND;
}

/* What became of a connect that did not wait, which may be tried again then, or of a connection: told once. */
static int error_take(struct bsd_socket *socket)
{
    if (!bsd_is_there(socket) || socket->type != SOCK_STREAM || socket->error_told)
        return 0;
    if (sw_socket_connecting(socket->socket))
        return 0;
    status_t status = sw_socket_wait_connected(socket->socket, 0);
    if (status == SW_OK) {
        socket->connecting = false;
        return 0;
    }
    if (socket->connecting) {
        socket->connecting = false;
        bsd_drop(socket);
    }
    socket->error_told = socket->socket != NULL;
    return status_errno(status);
}

/* Which of keep_options; KEEPS: none. */
static uint32_t keep_of(int level, int option)
{
    uint32_t which = 0;

    while (which < KEEPS && (level != IPPROTO_TCP || keep_options[which] != option))
        which++;
    return which;
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
    struct bsd_use used;
    int number;

    if (!bsd_use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (!value || !length || *length < sizeof(int))
        return bsd_done_errno(&used, EINVAL);
    if (level == SOL_SOCKET && option == SO_TYPE)
        number = socket->type;
    else if (level == SOL_SOCKET && option == SO_ERROR)
        number = error_take(socket);
    else if (level == SOL_SOCKET && option == SO_REUSEADDR)
        number = 1;
    else if (level == SOL_SOCKET && option == SO_KEEPALIVE)
        number = socket->keepalive;
    else if (level == SOL_SOCKET && (option == SO_SNDBUF || option == SO_RCVBUF))
        number = (int)(socket->ring ? socket->ring : SW_SOCKET_RING);
    else if (level == IPPROTO_TCP && option == TCP_NODELAY)
        number = socket->nodelay;
    else if (keep_of(level, option) < KEEPS)
        number = (int)socket->keep[keep_of(level, option)];
    else if (level == IPPROTO_IPV6 && option == IPV6_V6ONLY)
        number = socket->v6_only;
    else
        return bsd_done_errno(&used, ENOPROTOOPT);
    memcpy(value, &number, sizeof(number));
    *length = sizeof(number);
    return bsd_done(&used, SW_OK);
}

/* A ring's size for a wish: the power of two not below it, within the limits. */
static uint32_t ring_for(int wish)
{
    uint32_t ring = SW_SOCKET_RING_LEAST;

    while (ring < SW_SOCKET_RING_MOST && (int)ring < wish)
        ring *= 2;
    return ring;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    struct bsd_use used;
    int number = 0;

    if (!bsd_use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    bool timed = level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO);
    if (!value || length < (timed ? sizeof(struct timeval) : sizeof(int)))
        return bsd_done_errno(&used, EINVAL);
    if (timed) {
        struct timeval time;
        memcpy(&time, value, sizeof(time));
        if (option == SO_RCVTIMEO)
            socket->receive_time = time_of(&time);
        else
            socket->send_time = time_of(&time);
        return bsd_done(&used, SW_OK);
    }
    memcpy(&number, value, sizeof(number));
    if (level == SOL_SOCKET && (option == SO_REUSEADDR || option == SO_BROADCAST))
        return bsd_done(&used, SW_OK);
    if (level == SOL_SOCKET && (option == SO_SNDBUF || option == SO_RCVBUF)) {
        if (!socket->socket || socket->listening)
            socket->ring = ring_for(number);
        return bsd_done(&used, SW_OK);
    }
    if (level == IPPROTO_IPV6 && option == IPV6_V6ONLY) {
        socket->v6_only = number != 0;
        return bsd_done(&used, SW_OK);
    }
    uint32_t which, keep = keep_of(level, option);
    if (level == SOL_SOCKET && option == SO_KEEPALIVE) {
        number = socket->keepalive = number != 0;
        which = SW_SOCKET_KEEPALIVE;
    } else if (level == IPPROTO_TCP && option == TCP_NODELAY) {
        number = socket->nodelay = number != 0;
        which = SW_SOCKET_NODELAY;
    } else if (keep < KEEPS) {
        if (number < 1 || number > keep_most[keep])
            return bsd_done_errno(&used, EINVAL);
        socket->keep[keep] = (uint32_t)number;
        which = SW_SOCKET_KEEP_IDLE + keep;
    } else {
        return bsd_done_errno(&used, ENOPROTOOPT);
    }
    return bsd_done(&used, bsd_is_there(socket) && socket->type == SOCK_STREAM
                               ? sw_socket_set(socket->socket, which, (uint32_t)number)
                               : SW_OK);
}
