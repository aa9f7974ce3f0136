/* BSD sockets on libswos's.
 *
 * A descriptor exists from socket() on, netd's socket from connect, listen or the first datagram on:
 * until then only what was asked for is noted.
 *
 * Threads may use one descriptor at once. `lock` is held for moments, never while something is waited for. A
 * thread that waits has a bit of netd's event for itself, as it reads, writes or polls; so one of them reads at
 * a time and one writes (`busy`), while others wait for `free`. netd's socket is not let go of while
 * somebody waits on it (`waiting`). */
#include "errors.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <swos/socket.h>
#include <swos/sync.h>
#include <sys/time.h>
#include <unistd.h>

#define KEEPS 3

/* In the order of libswos's options. */
static const int keep_options[KEEPS] = { TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT };
static const int keep_most[KEEPS] = { SW_SOCKET_KEEP_IDLE_MOST, SW_SOCKET_KEEP_INTERVAL_MOST,
                                      SW_SOCKET_KEEP_PROBES_MOST };
_Static_assert(SW_SOCKET_KEEP_INTERVAL == SW_SOCKET_KEEP_IDLE + 1 &&
                   SW_SOCKET_KEEP_PROBES == SW_SOCKET_KEEP_IDLE + 2,
               "one after the other");

enum way { READING, WRITING };
static const uint64_t way_bits[2] = { SW_SOCKET_FOR_READER, SW_SOCKET_FOR_WRITER };
static const uint32_t way_wanted[2] = { SW_POLL_IN, SW_POLL_OUT };

struct bsd_socket {
    struct sw_mutex lock;
    bool busy[2];             /* enum way: a thread is at it */
    struct sw_condition free; /* one is no more */
    uint32_t queued;          /* who wait for `free` */
    uint32_t waiting;
    int type, family;
    struct sw_socket *socket;       /* NULL: none yet */
    struct sw_socket_address local; /* bound to */
    struct sw_socket_address peer;  /* port 0: none */
    bool bound, listening, connecting, error_told;
    uint32_t ring;
    uint64_t receive_time, send_time; /* ns; 0: for ever */
    bool keepalive, nodelay, v6_only;
    uint32_t keep[KEEPS]; /* TCP_KEEPIDLE and so on; 0: as the machine's settings say */
};

/* ------------------------------------------------------------------ addresses */

/* What an IPv4 address begins with where a socket of IPv6 shows it (RFC 3493, 3.7). */
static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool address_get(const struct sockaddr *address, socklen_t length,
                        struct sw_socket_address *out)
{
    memset(out, 0, sizeof(*out));
    if (address && length >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        memcpy(out->bytes, &v4->sin_addr, 4);
        out->family = SW_NET_IPV4;
        out->port = ntohs(v4->sin_port);
        return true;
    }
    if (address && length >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        out->port = ntohs(v6->sin6_port);
        if (memcmp(&v6->sin6_addr, mapped, sizeof(mapped)) == 0) {
            memcpy(out->bytes, (const uint8_t *)&v6->sin6_addr + sizeof(mapped), 4);
            out->family = SW_NET_IPV4;
            return true;
        }
        memcpy(out->bytes, &v6->sin6_addr, 16);
        out->family = SW_NET_IPV6;
        out->scope = v6->sin6_scope_id;
        return true;
    }
    return false;
}

/* family: the socket's. An address of none is zero. */
static void address_put(const struct sw_socket_address *from, int family, struct sockaddr *address,
                        socklen_t *length)
{
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } full = { 0 };
    socklen_t size;

    if (!address || !length)
        return;
    if (family == AF_INET6) {
        full.v6.sin6_family = AF_INET6;
        full.v6.sin6_port = htons(from->port);
        if (from->family == SW_NET_IPV4 && memcmp(from->bytes, (uint8_t[4]){ 0 }, 4) != 0) {
            memcpy(&full.v6.sin6_addr, mapped, sizeof(mapped));
            memcpy((uint8_t *)&full.v6.sin6_addr + sizeof(mapped), from->bytes, 4);
        } else {
            memcpy(&full.v6.sin6_addr, from->bytes, 16);
        }
        full.v6.sin6_scope_id = from->scope;
        size = sizeof(full.v6);
    } else {
        full.v4.sin_family = AF_INET;
        full.v4.sin_port = htons(from->port);
        memcpy(&full.v4.sin_addr, from->bytes, 4);
        size = sizeof(full.v4);
    }
    memcpy(address, &full, *length < size ? *length : size);
    *length = size;
}

/* ------------------------------------------------------------------ the descriptor */

static bool is_there(const struct bsd_socket *socket)
{
    return socket->socket && !socket->listening;
}

static bool is_same_end(const struct sw_socket_address *one, const struct sw_socket_address *other)
{
    return one->family == other->family && one->port == other->port &&
           memcmp(one->bytes, other->bytes, one->family == SW_NET_IPV4 ? 4 : 16) == 0;
}

/* ------------------------------------------------------------------ waiting */

/* Takes turns with other threads that read, or write; locked. TIMED_OUT: it is another's until then. */
static status_t way_take(struct bsd_socket *socket, enum way way, uint64_t deadline)
{
    while (socket->busy[way]) {
        if (deadline == 0)
            return SW_TIMED_OUT;
        socket->queued++;
        bool in_time = sw_condition_wait(&socket->free, &socket->lock, deadline);
        socket->queued--;
        if (!in_time && socket->busy[way])
            return SW_TIMED_OUT;
    }
    socket->busy[way] = true;
    return SW_OK;
}

static void way_leave(struct bsd_socket *socket, enum way way)
{
    socket->busy[way] = false;
    if (socket->queued)
        sw_condition_broadcast(&socket->free);
}

/* Waits without the lock until it is worth trying once more. The way is the caller's. */
static status_t way_wait(struct bsd_socket *socket, enum way way, uint64_t deadline)
{
    if (deadline == 0)
        return SW_TIMED_OUT;
    if (sw_socket_arm(socket->socket, way_bits[way], way_wanted[way]))
        return SW_OK;
    socket->waiting++;
    sw_mutex_unlock(&socket->lock);
    status_t status = sw_socket_wait(socket->socket, way_bits[way], deadline);
    sw_mutex_lock(&socket->lock);
    socket->waiting--;
    sw_socket_disarm(socket->socket, way_bits[way]);
    return status;
}

/* Lets go of a connection that did not come about: connect may be tried again. Not while others wait on it. */
static void connection_drop(struct bsd_socket *socket)
{
    if (socket->waiting)
        return;
    sw_socket_close(socket->socket);
    socket->socket = NULL;
}

/* ------------------------------------------------------------------ bytes and datagrams, locked */

/* The next datagram; of a socket that is connected the next from its peer: others' are dropped. */
static status_t datagram_get(struct bsd_socket *socket, bool peek, void *buffer, size_t length,
                             uint64_t deadline, size_t *out_count,
                             struct sw_socket_address *out_from)
{
    status_t status = way_take(socket, READING, deadline);

    if (status != SW_OK)
        return status;
    for (;;) {
        status = (peek ? sw_socket_peek_from : sw_socket_receive_from)(
            socket->socket, buffer, length, 0, out_count, out_from);
        if (status == SW_TIMED_OUT && (status = way_wait(socket, READING, deadline)) == SW_OK)
            continue;
        if (status != SW_OK || socket->peer.port == 0 || is_same_end(out_from, &socket->peer))
            break;
        if (peek)
            sw_socket_receive_from(socket->socket, buffer, 0, 0, out_count, NULL);
    }
    way_leave(socket, READING);
    return status;
}

static status_t stream_get(struct bsd_socket *socket, int flags, void *buffer, size_t length,
                           uint64_t deadline, size_t *out_count)
{
    status_t status = way_take(socket, READING, deadline);
    size_t count = 0, part;

    if (status != SW_OK)
        return status;
    for (;;) {
        status = flags & MSG_PEEK ? sw_socket_peek(socket->socket, buffer, length, 0, &part)
                                  : sw_socket_read(socket->socket, (uint8_t *)buffer + count,
                                                   length - count, 0, &part);
        count += part;
        if (status == SW_TIMED_OUT && (status = way_wait(socket, READING, deadline)) == SW_OK)
            continue;
        if (status != SW_OK || part == 0 || count == length || !(flags & MSG_WAITALL) ||
            (flags & MSG_PEEK))
            break;
    }
    way_leave(socket, READING);
    *out_count = count;
    return count > 0 ? SW_OK : status;
}

static status_t stream_put(struct bsd_socket *socket, const void *bytes, size_t length,
                           uint64_t deadline, size_t *out_count)
{
    status_t status = way_take(socket, WRITING, deadline);
    size_t count = 0, part;

    if (status != SW_OK)
        return status;
    do {
        status = sw_socket_write(socket->socket, (const uint8_t *)bytes + count, length - count, 0,
                                 &part);
        count += part;
    } while (count < length && (status == SW_OK || status == SW_TIMED_OUT) &&
             (status = way_wait(socket, WRITING, deadline)) == SW_OK);
    way_leave(socket, WRITING);
    *out_count = count;
    return count > 0 ? SW_OK : status;
}

/* ------------------------------------------------------------------ the descriptor's class */

static status_t object_read(void *object, void *buffer, size_t length, uint64_t deadline,
                            size_t *out_done)
{
    struct bsd_socket *socket = object;
    status_t status = SW_NOT_CONNECTED;

    sw_mutex_lock(&socket->lock);
    if (deadline == SW_NEVER && socket->receive_time)
        deadline = sw_clock_deadline(socket->receive_time);
    if (is_there(socket)) {
        if (socket->type == SOCK_STREAM) {
            status = stream_get(socket, 0, buffer, length, deadline, out_done);
        } else {
            struct sw_socket_address from;
            status = datagram_get(socket, false, buffer, length, deadline, out_done, &from);
            if (*out_done > length)
                *out_done = length;
        }
    }
    sw_mutex_unlock(&socket->lock);
    return status;
}

static status_t object_write(void *object, const void *bytes, size_t length, uint64_t deadline,
                             size_t *out_done)
{
    struct bsd_socket *socket = object;
    status_t status = SW_NOT_CONNECTED;

    sw_mutex_lock(&socket->lock);
    if (deadline == SW_NEVER && socket->send_time)
        deadline = sw_clock_deadline(socket->send_time);
    if (is_there(socket) && socket->type == SOCK_STREAM) {
        status = stream_put(socket, bytes, length, deadline, out_done);
    } else if (is_there(socket) && socket->peer.port) {
        status = sw_socket_send_to(socket->socket, &socket->peer, bytes, length);
        *out_done = status == SW_OK ? length : 0;
    }
    sw_mutex_unlock(&socket->lock);
    return status;
}

static uint32_t object_ready(void *object, uint32_t wanted)
{
    struct bsd_socket *socket = object;

    sw_mutex_lock(&socket->lock);
    uint32_t ready = socket->socket ? sw_socket_arm(socket->socket, SW_SOCKET_FOR_POLLER, wanted)
                                    : (wanted & SW_POLL_OUT) | SW_POLL_CLOSED;
    sw_mutex_unlock(&socket->lock);
    return ready;
}

static handle_t object_watched(void *object, uint32_t wanted, uint64_t *out_mask)
{
    struct bsd_socket *socket = object;
    handle_t event = 0;

    *out_mask = 0;
    sw_mutex_lock(&socket->lock);
    if (socket->socket) {
        if (sw_socket_tells(socket->socket, wanted)) {
            *out_mask = SW_SOCKET_FOR_POLLER;
            socket->waiting++;
        }
        event = sw_socket_event(socket->socket);
    }
    sw_mutex_unlock(&socket->lock);
    return event;
}

static void object_unwatched(void *object)
{
    struct bsd_socket *socket = object;

    sw_mutex_lock(&socket->lock);
    socket->waiting--;
    sw_socket_disarm(socket->socket, SW_SOCKET_FOR_POLLER);
    sw_mutex_unlock(&socket->lock);
}

static void object_close(void *object)
{
    struct bsd_socket *socket = object;

    if (socket->socket)
        sw_socket_close(socket->socket);
    free(socket);
}

static const struct sw_fd_class class = { .read = object_read,
                                          .write = object_write,
                                          .ready = object_ready,
                                          .watched = object_watched,
                                          .unwatched = object_unwatched,
                                          .close = object_close };

/* A socket in use: locked, with its descriptor's reference. */
struct use {
    struct bsd_socket *socket;
    uint32_t flags;
    void *reference;
};

static bool use(int fd, struct use *out)
{
    void *object;
    status_t status = sw_fd_object(fd, &class, &object, &out->flags, &out->reference);

    if (status != SW_OK) {
        errno = status == SW_WRONG_TYPE ? ENOTSOCK : EBADF;
        return false;
    }
    out->socket = object;
    sw_mutex_lock(&out->socket->lock);
    return true;
}

static int done(struct use *used, status_t status)
{
    sw_mutex_unlock(&used->socket->lock);
    sw_fd_object_put(used->reference);
    if (status == SW_PEER_CLOSED) {
        errno = EPIPE;
        return -1;
    }
    return status_return(status);
}

static int done_errno(struct use *used, int error)
{
    done(used, SW_OK);
    errno = error;
    return -1;
}

/* ------------------------------------------------------------------ making */

static int adopt(struct bsd_socket *socket, int flags)
{
    int fd;
    status_t status = sw_fd_adopt_object(
        &class, socket, SW_FD_READ | SW_FD_WRITE | (flags & SOCK_NONBLOCK ? SW_FD_NONBLOCK : 0),
        &fd);

    if (status == SW_OK)
        return fd;
    if (socket->socket)
        sw_socket_close(socket->socket);
    free(socket);
    return status_return_fd(status);
}

int socket(int family, int type, int protocol)
{
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (family != AF_INET && family != AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    if ((kind != SOCK_STREAM && kind != SOCK_DGRAM) ||
        (protocol && protocol != (kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))) {
        errno = EPROTONOSUPPORT;
        return -1;
    }
    struct bsd_socket *made = calloc(1, sizeof(*made));
    if (!made) {
        errno = ENOMEM;
        return -1;
    }
    made->type = kind;
    made->family = family;
    made->local.family = family == AF_INET ? SW_NET_IPV4 : SW_NET_ANY;
    return adopt(made, type);
}

/* A UDP socket is netd's from its first use on. */
static status_t datagram_make(struct bsd_socket *socket)
{
    if (socket->socket)
        return SW_OK;
    return sw_socket_bind(&socket->local, &socket->socket, &socket->local.port);
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    struct sw_socket_address local;
    struct use used;

    if (!use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (!address_get(address, length, &local) || address->sa_family != socket->family ||
        socket->bound || socket->socket)
        return done_errno(&used, EINVAL);
    bool any = true;
    for (int i = 0; i < 16; i++)
        any &= local.bytes[i] == 0;
    if (any && local.family == SW_NET_IPV6 && !socket->v6_only)
        local.family = SW_NET_ANY; /* IPv4, too */
    socket->local = local;
    socket->bound = true;
    return done(&used, socket->type == SOCK_DGRAM ? datagram_make(socket) : SW_OK);
}

static void options_set(struct bsd_socket *socket)
{
    for (uint32_t i = 0; i < KEEPS; i++)
        if (socket->keep[i])
            sw_socket_set(socket->socket, SW_SOCKET_KEEP_IDLE + i, socket->keep[i]);
    if (socket->keepalive)
        sw_socket_set(socket->socket, SW_SOCKET_KEEPALIVE, 1);
    if (socket->nodelay)
        sw_socket_set(socket->socket, SW_SOCKET_NODELAY, 1);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct sw_socket_address peer;
    struct use used;
    status_t status;

    if (!use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (!address_get(address, length, &peer) || peer.port == 0)
        return done_errno(&used, EINVAL);
    if (socket->type == SOCK_DGRAM) {
        if ((status = datagram_make(socket)) == SW_OK)
            socket->peer = peer;
        return done(&used, status);
    }
    if (socket->listening)
        return done_errno(&used, EOPNOTSUPP);
    if (socket->socket && !socket->connecting)
        return done_errno(&used, EISCONN);
    if (!socket->socket) {
        status = sw_socket_connect(&peer, socket->ring, &socket->socket);
        if (status != SW_OK)
            return done(&used, status);
        socket->peer = peer;
        socket->connecting = true;
        options_set(socket);
    }
    status = SW_OK;
    if (sw_socket_connecting(socket->socket)) {
        if ((used.flags & SW_FD_NONBLOCK) || way_take(socket, WRITING, 0) != SW_OK)
            return done_errno(&used, EINPROGRESS);
        while (status == SW_OK && sw_socket_connecting(socket->socket))
            status = way_wait(socket, WRITING, SW_NEVER);
        way_leave(socket, WRITING);
    }
    if (status == SW_OK)
        status = sw_socket_wait_connected(socket->socket, 0);
    socket->connecting = false;
    if (status != SW_OK)
        connection_drop(socket);
    return done(&used, status);
}

int listen(int fd, int backlog)
{
    struct use used;

    if (!use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (socket->type != SOCK_STREAM)
        return done_errno(&used, EOPNOTSUPP);
    if (socket->socket)
        return socket->listening ? done(&used, SW_OK) : done_errno(&used, EINVAL);
    status_t status = sw_socket_listen(&socket->local, backlog > 0 ? (uint32_t)backlog : 1,
                                       &socket->socket, &socket->local.port);
    socket->listening = status == SW_OK;
    return done(&used, status);
}

int accept(int fd, struct sockaddr *address, socklen_t *length)
{
    struct sw_socket_address from;
    struct sw_socket *connection;
    struct use used;

    if (!use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket, *made;
    if (!socket->listening)
        return done_errno(&used, EINVAL);
    if (!(made = calloc(1, sizeof(*made))))
        return done_errno(&used, ENOMEM);
    bool nonblock = used.flags & SW_FD_NONBLOCK;
    uint64_t deadline = nonblock               ? 0
                        : socket->receive_time ? sw_clock_deadline(socket->receive_time)
                                               : SW_NEVER;
    status_t status = way_take(socket, READING, deadline);
    if (status == SW_OK) {
        if (!nonblock) /* a look at what netd says is cheaper than asking */
            status = way_wait(socket, READING, deadline);
        while (status == SW_OK) {
            status = sw_socket_accept(socket->socket, socket->ring, 0, &connection, &from);
            if (status != SW_TIMED_OUT || nonblock)
                break;
            status = way_wait(socket, READING, deadline);
        }
        way_leave(socket, READING);
    }
    if (status != SW_OK) {
        free(made);
        return status == SW_TIMED_OUT ? done_errno(&used, EAGAIN) : done(&used, status);
    }
    made->type = SOCK_STREAM;
    made->family = socket->family;
    made->socket = connection;
    made->peer = from;
    made->ring = socket->ring;
    made->nodelay = socket->nodelay;
    made->keepalive = socket->keepalive;
    memcpy(made->keep, socket->keep, sizeof(made->keep));
    options_set(made);
    done(&used, SW_OK);
    address_put(&from, made->family, address, length);
    return adopt(made, 0);
}

/* ------------------------------------------------------------------ bytes */

static uint64_t deadline_of(const struct use *used, int flags, uint64_t time)
{
    if ((used->flags & SW_FD_NONBLOCK) || (flags & MSG_DONTWAIT))
        return 0;
    return time ? sw_clock_deadline(time) : SW_NEVER;
}

static ssize_t finish(struct use *used, status_t status, size_t count, int flags)
{
    sw_mutex_unlock(&used->socket->lock);
    sw_fd_object_put(used->reference);
    if (status == SW_OK)
        return (ssize_t)count;
    if (status == SW_TIMED_OUT)
        errno = EAGAIN;
    else if (status == SW_PEER_CLOSED)
        errno = EPIPE;
    else
        errno = status_errno(status);
    if (status == SW_PEER_CLOSED && !(flags & MSG_NOSIGNAL)) {
        raise(SIGPIPE);
        errno = EPIPE;
    }
    return -1;
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *address,
               socklen_t address_length)
{
    struct sw_socket_address to;
    struct use used;
    size_t count = 0;
    status_t status;

    if (!use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (socket->type == SOCK_STREAM) {
        status = is_there(socket) ? stream_put(socket, bytes, length,
                                               deadline_of(&used, flags, socket->send_time), &count)
                                  : SW_NOT_CONNECTED;
        return finish(&used, status, count, flags);
    }
    if (address ? !address_get(address, address_length, &to) : socket->peer.port == 0) {
        done(&used, SW_OK);
        errno = address ? EINVAL : EDESTADDRREQ;
        return -1;
    }
    status = datagram_make(socket);
    if (status == SW_OK)
        status = sw_socket_send_to(socket->socket, address ? &to : &socket->peer, bytes, length);
    return finish(&used, status, length, flags);
}

ssize_t recvfrom(int fd, void *buffer, size_t length, int flags, struct sockaddr *address,
                 socklen_t *address_length)
{
    struct sw_socket_address from = { 0 };
    struct use used;
    size_t count = 0;
    status_t status = SW_NOT_CONNECTED;

    if (!use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    uint64_t deadline = deadline_of(&used, flags, socket->receive_time);
    if (is_there(socket) && socket->type == SOCK_STREAM) {
        status = stream_get(socket, flags, buffer, length, deadline, &count);
        from = socket->peer;
    } else if (socket->type == SOCK_DGRAM && (status = datagram_make(socket)) == SW_OK) {
        status = datagram_get(socket, flags & MSG_PEEK, buffer, length, deadline, &count, &from);
        if (count > length && !(flags & MSG_TRUNC))
            count = length;
    }
    if (status == SW_OK)
        address_put(&from, socket->family, address, address_length);
    return finish(&used, status, count, flags);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    return sendto(fd, bytes, length, flags, NULL, 0);
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
    return recvfrom(fd, buffer, length, flags, NULL, NULL);
}

/* ------------------------------------------------------------------ the rest */

int shutdown(int fd, int how)
{
    struct use used;

    if (!use(fd, &used))
        return -1;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return done_errno(&used, EINVAL);
    return done(&used, is_there(used.socket) && used.socket->type == SOCK_STREAM
                           ? sw_socket_shutdown(used.socket->socket,
                                                how == SHUT_RD   ? SW_SHUT_READ
                                                : how == SHUT_WR ? SW_SHUT_WRITE
                                                                 : SW_SHUT_READ | SW_SHUT_WRITE)
                           : SW_NOT_CONNECTED);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    struct sw_socket_address local;
    struct use used;
    status_t status = SW_OK;

    if (!use(fd, &used))
        return -1;
    local = used.socket->local;
    if (used.socket->socket)
        status = sw_socket_ends(used.socket->socket, &local, NULL);
    if (status == SW_OK)
        address_put(&local, used.socket->family, address, length);
    return done(&used, status);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    struct use used;

    if (!use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (is_there(socket) && socket->connecting)
        socket->connecting = sw_socket_wait_connected(socket->socket, 0) != SW_OK;
    if (!is_there(socket) || socket->connecting || socket->peer.port == 0)
        return done_errno(&used, ENOTCONN);
    address_put(&socket->peer, socket->family, address, length);
    return done(&used, SW_OK);
}

static uint64_t time_of(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * SW_SECOND + (uint64_t)time->tv_usec * SW_MICROSECOND;
}

/* What became of a connect that did not wait, which may be tried again then, or of a connection: told once. */
static int error_take(struct bsd_socket *socket)
{
    if (!is_there(socket) || socket->type != SOCK_STREAM || socket->error_told)
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
        connection_drop(socket);
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
    struct use used;
    int number;

    if (!use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (!value || !length || *length < sizeof(int))
        return done_errno(&used, EINVAL);
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
        return done_errno(&used, ENOPROTOOPT);
    memcpy(value, &number, sizeof(number));
    *length = sizeof(number);
    return done(&used, SW_OK);
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
    struct use used;
    int number = 0;

    if (!use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    bool timed = level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO);
    if (!value || length < (timed ? sizeof(struct timeval) : sizeof(int)))
        return done_errno(&used, EINVAL);
    if (timed) {
        struct timeval time;
        memcpy(&time, value, sizeof(time));
        if (option == SO_RCVTIMEO)
            socket->receive_time = time_of(&time);
        else
            socket->send_time = time_of(&time);
        return done(&used, SW_OK);
    }
    memcpy(&number, value, sizeof(number));
    if (level == SOL_SOCKET && (option == SO_REUSEADDR || option == SO_BROADCAST))
        return done(&used, SW_OK);
    if (level == SOL_SOCKET && (option == SO_SNDBUF || option == SO_RCVBUF)) {
        if (!socket->socket || socket->listening)
            socket->ring = ring_for(number);
        return done(&used, SW_OK);
    }
    if (level == IPPROTO_IPV6 && option == IPV6_V6ONLY) {
        socket->v6_only = number != 0;
        return done(&used, SW_OK);
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
            return done_errno(&used, EINVAL);
        socket->keep[keep] = (uint32_t)number;
        which = SW_SOCKET_KEEP_IDLE + keep;
    } else {
        return done_errno(&used, ENOPROTOOPT);
    }
    return done(&used, is_there(socket) && socket->type == SOCK_STREAM
                           ? sw_socket_set(socket->socket, which, (uint32_t)number)
                           : SW_OK);
}
