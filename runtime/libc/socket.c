/* BSD sockets on libswos's.
 *
 * A descriptor exists from socket() on, netd's socket from connect, listen or the first datagram on:
 * until then only what was asked for is noted. Options are in socket_options.c. */
#include "bsd_socket.h"
#include "errors.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <swos/socket.h>
#include <swos/sync.h>
#include <unistd.h>

static const uint64_t way_bits[2] = { SW_SOCKET_FOR_READER, SW_SOCKET_FOR_WRITER };
static const uint32_t way_wanted[2] = { SW_POLL_IN, SW_POLL_OUT };

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
    if (!socket->socket) /* dropped meanwhile */
        return SW_NOT_CONNECTED;
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

void bsd_drop(struct bsd_socket *socket)
{
    socket->dropped = socket->waiting > 0;
    if (socket->dropped)
        return;
    sw_socket_close(socket->socket);
    socket->socket = NULL;
    socket->error_told = false;
    socket->peer = (struct sw_socket_address){ 0 };
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
    if (bsd_is_there(socket)) {
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
    if (bsd_is_there(socket) && socket->type == SOCK_STREAM) {
        status = stream_put(socket, bytes, length, deadline, out_done);
    } else if (bsd_is_there(socket) && socket->peer.port) {
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
    uint32_t ready = socket->socket ? sw_socket_look(socket->socket, wanted)
                                    : (wanted & SW_POLL_OUT) | SW_POLL_CLOSED;
    sw_mutex_unlock(&socket->lock);
    return ready;
}

/* One bit is for all who poll: it is cleared when nobody has what he waits for. */
static void pollers_arm(struct bsd_socket *socket)
{
    uint32_t wanted =
        (socket->pollers[READING] ? SW_POLL_IN : 0) | (socket->pollers[WRITING] ? SW_POLL_OUT : 0);

    if (sw_socket_arm(socket->socket, SW_SOCKET_FOR_POLLER, wanted))
        sw_socket_tell(socket->socket, SW_SOCKET_FOR_POLLER);
}

static void pollers_count(struct bsd_socket *socket, uint32_t wanted, int32_t change)
{
    socket->waiting += (uint32_t)change;
    socket->pollers[READING] += wanted & SW_POLL_IN ? (uint32_t)change : 0;
    socket->pollers[WRITING] += wanted & SW_POLL_OUT ? (uint32_t)change : 0;
}

static handle_t object_watched(void *object, uint32_t wanted, uint64_t *out_mask)
{
    struct bsd_socket *socket = object;
    handle_t event = 0;

    *out_mask = 0;
    sw_mutex_lock(&socket->lock);
    if (socket->socket) {
        event = sw_socket_event(socket->socket);
        if (sw_socket_tells(socket->socket, wanted)) {
            *out_mask = SW_SOCKET_FOR_POLLER;
            pollers_count(socket, wanted, 1);
            pollers_arm(socket);
        }
    }
    sw_mutex_unlock(&socket->lock);
    return event;
}

static void object_rewatched(void *object)
{
    struct bsd_socket *socket = object;

    sw_mutex_lock(&socket->lock);
    pollers_arm(socket);
    sw_mutex_unlock(&socket->lock);
}

static void object_unwatched(void *object, uint32_t wanted)
{
    struct bsd_socket *socket = object;

    sw_mutex_lock(&socket->lock);
    pollers_count(socket, wanted, -1);
    if (socket->pollers[READING] + socket->pollers[WRITING] == 0)
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
                                          .rewatched = object_rewatched,
                                          .unwatched = object_unwatched,
                                          .close = object_close };

bool bsd_use(int fd, struct bsd_use *out)
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

int bsd_done(struct bsd_use *used, status_t status)
{
    sw_mutex_unlock(&used->socket->lock);
    sw_fd_object_put(used->reference);
    if (status == SW_PEER_CLOSED) {
        errno = EPIPE;
        return -1;
    }
    return status_return(status);
}

int bsd_done_errno(struct bsd_use *used, int error)
{
    bsd_done(used, SW_OK);
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
    struct bsd_use used;

    if (!bsd_use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (!address_get(address, length, &local) || address->sa_family != socket->family ||
        socket->bound || socket->socket)
        return bsd_done_errno(&used, EINVAL);
    bool any = true;
    for (int i = 0; i < 16; i++)
        any &= local.bytes[i] == 0;
    if (any && local.family == SW_NET_IPV6 && !socket->v6_only)
        local.family = SW_NET_ANY; /* IPv4, too */
    socket->local = local;
    socket->bound = true;
    return bsd_done(&used, socket->type == SOCK_DGRAM ? datagram_make(socket) : SW_OK);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct sw_socket_address peer;
    struct bsd_use used;
    status_t status;

    if (!bsd_use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (!address_get(address, length, &peer) || peer.port == 0)
        return bsd_done_errno(&used, EINVAL);
    if (socket->type == SOCK_DGRAM) {
        if ((status = datagram_make(socket)) == SW_OK)
            socket->peer = peer;
        return bsd_done(&used, status);
    }
    if (socket->listening)
        return bsd_done_errno(&used, EOPNOTSUPP);
    if (socket->dropped)
        bsd_drop(socket);
    if (socket->dropped || (socket->connecting && sw_socket_connecting(socket->socket)))
        return bsd_done_errno(&used, EALREADY);
    if (socket->socket && !socket->connecting)
        return bsd_done_errno(&used, EISCONN);
    if (!socket->socket) {
        status = sw_socket_connect(&peer, socket->ring, &socket->socket);
        if (status != SW_OK)
            return bsd_done(&used, status);
        socket->peer = peer;
        socket->connecting = true;
        bsd_options_set(socket);
    }
    status = SW_OK;
    if (sw_socket_connecting(socket->socket)) {
        if ((used.flags & SW_FD_NONBLOCK) || way_take(socket, WRITING, 0) != SW_OK)
            return bsd_done_errno(&used, EINPROGRESS);
        while (status == SW_OK && sw_socket_connecting(socket->socket))
            status = way_wait(socket, WRITING, SW_NEVER);
        way_leave(socket, WRITING);
    }
    if (status == SW_OK)
        status = sw_socket_wait_connected(socket->socket, 0);
    socket->connecting = false;
    if (status != SW_OK)
        bsd_drop(socket);
    return bsd_done(&used, status);
}

int listen(int fd, int backlog)
{
    struct bsd_use used;

    if (!bsd_use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (socket->type != SOCK_STREAM)
        return bsd_done_errno(&used, EOPNOTSUPP);
    if (socket->socket)
        return socket->listening ? bsd_done(&used, SW_OK) : bsd_done_errno(&used, EINVAL);
    status_t status = sw_socket_listen(&socket->local, backlog > 0 ? (uint32_t)backlog : 1,
                                       &socket->socket, &socket->local.port);
    socket->listening = status == SW_OK;
    return bsd_done(&used, status);
}

int accept(int fd, struct sockaddr *address, socklen_t *length)
{
    struct sw_socket_address from;
    struct sw_socket *connection;
    struct bsd_use used;

    if (!bsd_use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket, *made;
    if (!socket->listening)
        return bsd_done_errno(&used, EINVAL);
    if (!(made = calloc(1, sizeof(*made))))
        return bsd_done_errno(&used, ENOMEM);
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
        return status == SW_TIMED_OUT ? bsd_done_errno(&used, EAGAIN) : bsd_done(&used, status);
    }
    made->type = SOCK_STREAM;
    made->family = socket->family;
    made->socket = connection;
    made->peer = from;
    made->ring = socket->ring;
    made->nodelay = socket->nodelay;
    made->keepalive = socket->keepalive;
    memcpy(made->keep, socket->keep, sizeof(made->keep));
    bsd_options_set(made);
    bsd_done(&used, SW_OK);
    address_put(&from, made->family, address, length);
    return adopt(made, 0);
}

/* ------------------------------------------------------------------ bytes */

static uint64_t deadline_of(const struct bsd_use *used, int flags, uint64_t time)
{
    if ((used->flags & SW_FD_NONBLOCK) || (flags & MSG_DONTWAIT))
        return 0;
    return time ? sw_clock_deadline(time) : SW_NEVER;
}

static ssize_t finish(struct bsd_use *used, status_t status, size_t count, int flags)
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
    struct bsd_use used;
    size_t count = 0;
    status_t status;

    if (!bsd_use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (socket->type == SOCK_STREAM) {
        status = bsd_is_there(socket)
                     ? stream_put(socket, bytes, length,
                                  deadline_of(&used, flags, socket->send_time), &count)
                     : SW_NOT_CONNECTED;
        return finish(&used, status, count, flags);
    }
    if (address ? !address_get(address, address_length, &to) : socket->peer.port == 0) {
        bsd_done(&used, SW_OK);
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
    struct bsd_use used;
    size_t count = 0;
    status_t status = SW_NOT_CONNECTED;

    if (!bsd_use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    uint64_t deadline = deadline_of(&used, flags, socket->receive_time);
    if (bsd_is_there(socket) && socket->type == SOCK_STREAM) {
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
    struct bsd_use used;

    if (!bsd_use(fd, &used))
        return -1;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return bsd_done_errno(&used, EINVAL);
    return bsd_done(&used, bsd_is_there(used.socket) && used.socket->type == SOCK_STREAM
                               ? sw_socket_shutdown(used.socket->socket,
                                                    how == SHUT_RD   ? SW_SHUT_READ
                                                    : how == SHUT_WR ? SW_SHUT_WRITE
                                                                     : SW_SHUT_READ | SW_SHUT_WRITE)
                               : SW_NOT_CONNECTED);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    struct sw_socket_address local;
    struct bsd_use used;
    status_t status = SW_OK;

    if (!bsd_use(fd, &used))
        return -1;
    local = used.socket->local;
    if (used.socket->socket)
        status = sw_socket_ends(used.socket->socket, &local, NULL);
    if (status == SW_OK)
        address_put(&local, used.socket->family, address, length);
    return bsd_done(&used, status);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    struct bsd_use used;

    if (!bsd_use(fd, &used))
        return -1;
    struct bsd_socket *socket = used.socket;
    if (bsd_is_there(socket) && socket->connecting)
        socket->connecting = sw_socket_wait_connected(socket->socket, 0) != SW_OK;
    if (!bsd_is_there(socket) || socket->connecting || socket->dropped || socket->peer.port == 0)
        return bsd_done_errno(&used, ENOTCONN);
    address_put(&socket->peer, socket->family, address, length);
    return bsd_done(&used, SW_OK);
}
