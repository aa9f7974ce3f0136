/* Sockets over netd. See socket.h. */
#include "open_file.h"
#include <stdlib.h>
#include <string.h>
#include <swos/mapping.h>
#include <swos/service.h>
#include <swos/socket.h>
#include <swos/stream.h>

enum kind { TCP, LISTENER, UDP };

#define DATAGRAM_MOST 65536u

/* The next datagram, for who has looked at it. */
struct peeked {
    size_t length;
    struct sw_socket_address from;
    uint8_t bytes[];
};

/* The bits of SW_SOCKET_FOR_PROGRAM. */
static const uint64_t told[3] = { SW_SOCKET_FOR_READER, SW_SOCKET_FOR_WRITER,
                                  SW_SOCKET_FOR_POLLER };

struct sw_socket {
    enum kind kind;
    handle_t connection, event;
    struct sw_stream stream; /* TCP */
    void *memory;
    size_t size;
    uint32_t wishes[3]; /* TCP: SW_SOCKET_WANT_*, as asked for with each bit of `told` */
    bool grows;         /* TCP: rings of no size in particular */
    bool lost;          /* netd's successor does not know it: it could not be kept */
    bool write_ended;   /* by shutdown */
    bool end_told;      /* netd knows of that */
    bool read_ended;
    struct peeked *peeked; /* UDP; NULL: none */
};

static struct sw_mutex network_lock;
static handle_t network;

status_t sw_socket_network(handle_t *out_net)
{
    status_t status = SW_OK;

    sw_mutex_lock(&network_lock);
    if (!network)
        status = sw_service_connect("net", SW_NEVER, &network);
    *out_net = network;
    sw_mutex_unlock(&network_lock);
    return status;
}

/* ------------------------------------------------------------------ life */

/* A socket without its connection. rings: the size of their memory; 0: it has none. */
static status_t socket_make(enum kind kind, uint64_t rings, struct sw_socket **out_socket,
                            handle_t *out_memory)
{
    struct sw_socket *socket = calloc(1, sizeof(*socket));
    struct sw_stream_shape shape;
    status_t status;

    *out_memory = 0;
    if (!socket)
        return SW_NO_MEMORY;
    socket->kind = kind;
    if ((status = sw_event_create(&socket->event)) != SW_OK)
        goto fail_socket;
    if (kind == TCP) {
        socket->size = rings;
        if (!sw_stream_shape(rings, &shape)) {
            status = SW_INVALID;
            goto fail_event;
        }
        status = sw_mapping_create(socket->size, SW_MEMORY_COMMIT, &socket->memory, out_memory);
        if (status != SW_OK)
            goto fail_event;
        sw_stream_open(&socket->stream, socket->memory, &shape, SW_STREAM_PROGRAM);
    }
    *out_socket = socket;
    return SW_OK;

fail_event:
    sw_handle_close(socket->event);
fail_socket:
    free(socket);
    return status;
}

void sw_socket_close(struct sw_socket *socket)
{
    if (socket->connection)
        sw_handle_close(socket->connection);
    sw_handle_close(socket->event);
    if (socket->memory)
        sw_mapping_unmap(socket->memory, socket->size);
    free(socket->peeked);
    free(socket);
}

/* After the call that was to make it: takes the connection, or gives everything up. */
static status_t socket_made(struct sw_socket *socket, status_t status, handle_t memory,
                            handle_t connection, struct sw_socket **out_socket)
{
    if (memory)
        sw_handle_close(memory); /* the mapping keeps it */
    if (status == SW_OK && !connection)
        status = SW_BAD_MESSAGE;
    socket->connection = connection;
    if (status != SW_OK) {
        sw_socket_close(socket);
        return status;
    }
    *out_socket = socket;
    return SW_OK;
}

/* ------------------------------------------------------------------ waiting */

status_t sw_socket_wait(const struct sw_socket *socket, uint64_t bits, uint64_t deadline)
{
    struct sw_wait wait = { 0 };
    handle_t port;
    status_t status = wait_port_take(&port);

    if (status != SW_OK)
        return status;
    status = sw_port_bind(port, socket->event, bits, 0);
    if (status == SW_OK) {
        status = sw_port_wait(port, &wait, deadline);
        sw_port_unbind(port, socket->event);
    }
    wait_port_put(port);
    return status;
}

/* Waits until netd sets the event. The caller has said what it waits for, and looked again. */
static status_t wait_event(const struct sw_socket *socket, uint64_t deadline)
{
    return sw_socket_wait(socket, SW_SOCKET_FOR_PROGRAM, deadline);
}

void sw_socket_tell(struct sw_socket *socket, uint64_t bits)
{
    sw_event_update(socket->event, 0, bits, NULL);
}

static void event_clear(struct sw_socket *socket)
{
    sw_event_update(socket->event, SW_SOCKET_FOR_PROGRAM, 0, NULL);
}

static uint32_t wishes(const struct sw_socket *socket)
{
    return socket->wishes[0] | socket->wishes[1] | socket->wishes[2];
}

/* What netd is to set the event for, SW_SOCKET_WANT_*, as far as these bits of it are concerned. */
static void want(struct sw_socket *socket, uint64_t bits, uint32_t wish)
{
    for (size_t i = 0; i < 3; i++)
        if (bits & told[i])
            socket->wishes[i] = wish;
    sw_stream_want(&socket->stream, wishes(socket));
}

handle_t sw_socket_event(const struct sw_socket *socket)
{
    return socket->event;
}

handle_t sw_socket_connection(const struct sw_socket *socket)
{
    return socket->connection;
}

static uint32_t state_of(const struct sw_socket *socket)
{
    return atomic_load_explicit((const _Atomic uint32_t *)&socket->stream.rings->state,
                                memory_order_acquire);
}

/* Why no bytes flow: OK when they do, or may yet. */
static status_t trouble(const struct sw_socket *socket)
{
    if (socket->stream.broken)
        return SW_RESET;
    if (state_of(socket) & SW_SOCKET_FAILED) {
        status_t error = socket->stream.rings->error;
        return error < 0 ? error : SW_RESET;
    }
    return socket->lost ? SW_RESET : SW_OK;
}

/* The same for who moves bytes. TIMED_OUT, of a connection that never came about, would say there that the
 * deadline came first. */
static status_t trouble_of_bytes(const struct sw_socket *socket)
{
    status_t status = trouble(socket);

    return status == SW_TIMED_OUT ? SW_GIVEN_UP : status;
}

static void flush(struct sw_socket *socket)
{
    if (sw_stream_flush(&socket->stream))
        sw_event_update(socket->event, 0, SW_SOCKET_FOR_STACK, NULL);
}

/* ------------------------------------------------------------------ rings that grow */

/* Asks until netd or its successor says which memory is the connection's: both ends must mean the same. */
static status_t ask_to_grow(struct sw_socket *socket, handle_t memory)
{
    status_t status;

    do
        status = sw_endpoint_grow(socket->connection, memory, SW_NEVER);
    while (status == SW_INTERRUPTED || status == SW_UNKNOWN_OUTCOME);
    if (status == SW_NOT_CONNECTED || status == SW_PEER_DIED || status == SW_SERVER_REPLACED ||
        status == SW_BAD_MESSAGE) {
        socket->lost = true;
        return SW_RESET;
    }
    return status;
}

status_t sw_socket_grow(struct sw_socket *socket, uint32_t up, uint32_t down)
{
    struct sw_stream *stream = &socket->stream;
    struct sw_stream_shape shape;
    handle_t memory;
    void *mapped;

    if (socket->kind != TCP || socket->lost)
        return SW_INVALID;
    if (up <= stream->out_capacity && down <= stream->in_capacity)
        return SW_OK;
    uint64_t size = sw_stream_size(up > stream->out_capacity ? up : stream->out_capacity,
                                   down > stream->in_capacity ? down : stream->in_capacity);
    if (!sw_stream_shape(size, &shape))
        return SW_INVALID;
    status_t status = sw_mapping_create(size, SW_MEMORY_COMMIT, &mapped, &memory);
    if (status != SW_OK)
        return status;
    status = ask_to_grow(socket, memory);
    sw_handle_close(memory);
    if (status != SW_OK) {
        sw_mapping_unmap(mapped, size);
        return status;
    }
    sw_stream_move(stream, mapped, &shape, SW_STREAM_PROGRAM);
    if (wishes(
            socket)) { /* of other threads, which netd may have found nothing of since it moved */
        sw_stream_want(stream, wishes(socket));
        sw_socket_tell(socket, SW_SOCKET_FOR_PROGRAM);
    }
    sw_mapping_unmap(socket->memory, socket->size);
    socket->memory = mapped;
    socket->size = size;
    return SW_OK;
}

/* The size behind `capacity`. least: what it should hold. */
static uint32_t next_size(uint32_t capacity, size_t least)
{
    uint32_t next = capacity < SW_SOCKET_RING ? SW_SOCKET_RING : 4 * capacity;

    while (next < SW_SOCKET_RING_GROWN && next < least)
        next *= 2;
    return next < SW_SOCKET_RING_GROWN ? next : SW_SOCKET_RING_GROWN;
}

/* There is no room for `left` bytes more. False: nor is there now. */
static bool grow_up(struct sw_socket *socket, size_t left)
{
    uint32_t capacity = socket->stream.out_capacity;

    if (!socket->grows || capacity >= SW_SOCKET_RING_GROWN)
        return false;
    socket->grows = sw_socket_grow(socket, next_size(capacity, capacity + left), 0) == SW_OK;
    return socket->grows;
}

/* So many bytes lay in the ring at once: nearly full, it holds up the other end. */
static void grow_down(struct sw_socket *socket, size_t lay)
{
    uint32_t capacity = socket->stream.in_capacity;

    if (socket->grows && capacity < SW_SOCKET_RING_GROWN && lay >= capacity / 4 * 3 &&
        !(state_of(socket) & (SW_SOCKET_ENDED | SW_SOCKET_FAILED)))
        socket->grows = sw_socket_grow(socket, 0, next_size(capacity, 0)) == SW_OK;
}

/* ------------------------------------------------------------------ TCP */

/* The size of rings as asked for; 0: of rings that begin with `first` bytes, and grow. */
static uint64_t rings_size(uint32_t ring, uint32_t first)
{
    ring = ring ? ring : first;
    return (ring & (ring - 1)) == 0 ? sw_stream_size(ring, ring) : 0;
}

status_t sw_socket_connect(const struct sw_socket_address *to, uint32_t ring,
                           struct sw_socket **out_socket)
{
    struct sw_socket *socket;
    handle_t net, memory, connection = 0;
    status_t status = sw_socket_network(&net);

    if (status != SW_OK ||
        (status = socket_make(TCP, rings_size(ring, SW_SOCKET_RING), &socket, &memory)) != SW_OK)
        return status;
    socket->grows = ring == 0;
    status = sw_net_connect(net, to->bytes, to->family, to->port, to->scope, memory, socket->event,
                            &connection, SW_NEVER);
    return socket_made(socket, status, memory, connection, out_socket);
}

status_t sw_socket_wait_connected(struct sw_socket *socket, uint64_t deadline)
{
    if (socket->kind != TCP)
        return SW_INVALID;
    for (;;) {
        if (deadline != 0)
            event_clear(socket);
        status_t status = trouble(socket);
        if (status != SW_OK || (state_of(socket) & SW_SOCKET_CONNECTED))
            return status;
        if (deadline == 0)
            return SW_TIMED_OUT;
        if ((status = wait_event(socket, deadline)) != SW_OK)
            return status;
    }
}

bool sw_socket_connecting(const struct sw_socket *socket)
{
    return socket->kind == TCP && !(state_of(socket) & SW_SOCKET_CONNECTED) &&
           trouble(socket) == SW_OK;
}

status_t sw_socket_listen(const struct sw_socket_address *at, uint32_t backlog,
                          struct sw_socket **out_socket, uint16_t *out_port)
{
    struct sw_net_listen_reply reply = { 0 };
    struct sw_socket *socket;
    handle_t net, memory, connection = 0;
    status_t status = sw_socket_network(&net);

    if (status != SW_OK || (status = socket_make(LISTENER, 0, &socket, &memory)) != SW_OK)
        return status;
    status = sw_net_listen(net, at->bytes, at->family, at->port, backlog, socket->event, &reply,
                           &connection, SW_NEVER);
    if (status == SW_OK && out_port)
        *out_port = (uint16_t)reply.port;
    return socket_made(socket, status, 0, connection, out_socket);
}

status_t sw_socket_accept(struct sw_socket *listener, uint32_t ring, uint64_t deadline,
                          struct sw_socket **out_socket, struct sw_socket_address *out_from)
{
    struct sw_endpoint_accept_reply reply = { 0 };
    struct sw_socket *socket;
    handle_t memory, connection = 0;

    if (listener->kind != LISTENER)
        return SW_INVALID;
    status_t status = socket_make(TCP, rings_size(ring, SW_SOCKET_RING_LEAST), &socket, &memory);
    if (status != SW_OK)
        return status;
    socket->grows = ring == 0;
    for (;;) {
        event_clear(listener);
        status = listener->lost ? SW_RESET
                                : sw_endpoint_accept(listener->connection, memory, socket->event,
                                                     &reply, &connection, SW_NEVER);
        if (status == SW_NOT_CONNECTED) { /* see `lost` */
            listener->lost = true;
            status = SW_RESET;
        }
        if (status != SW_TIMED_OUT || (status = wait_event(listener, deadline)) != SW_OK)
            break;
    }
    if (status != SW_OK && status != SW_TIMED_OUT) /* what waits there may still */
        sw_socket_tell(listener, SW_SOCKET_FOR_PROGRAM);
    if (status == SW_OK && out_from) {
        *out_from = (struct sw_socket_address){ .family = reply.family,
                                                .port = reply.port,
                                                .scope = reply.scope };
        memcpy(out_from->bytes, reply.address, sizeof(reply.address));
    }
    return socket_made(socket, status, memory, connection, out_socket);
}

/* Waits until there is more than `state` had when no byte waited. */
static status_t wait_more(struct sw_socket *socket, uint32_t state, uint64_t deadline)
{
    status_t status = SW_OK;

    if (deadline == 0)
        return SW_TIMED_OUT;
    event_clear(socket);
    want(socket, SW_SOCKET_FOR_PROGRAM, SW_SOCKET_WANT_MORE);
    if (sw_stream_waiting(&socket->stream) == 0 && state_of(socket) == state)
        status = wait_event(socket, deadline);
    want(socket, SW_SOCKET_FOR_PROGRAM, 0);
    return status;
}

/* Bytes that are there, copied; waits for the first. */
static status_t bytes_get(struct sw_socket *socket, void *buffer, size_t length, uint64_t deadline,
                          size_t *out_done)
{
    const uint8_t *bytes;
    size_t done = 0, part;

    *out_done = 0;
    if (socket->kind != TCP)
        return SW_INVALID;
    if (length == 0 || socket->read_ended)
        return SW_OK;
    for (;;) {
        /* The state before the bytes: what came before the end is there. */
        uint32_t state = state_of(socket);

        while (done < length && (part = sw_stream_data(&socket->stream, done, &bytes)) > 0) {
            if (part > length - done)
                part = length - done;
            memcpy((uint8_t *)buffer + done, bytes, part);
            done += part;
        }
        *out_done = done;
        if (done > 0)
            return SW_OK;
        status_t status = state & SW_SOCKET_ENDED ? SW_OK : trouble_of_bytes(socket);
        if (status != SW_OK || (state & SW_SOCKET_ENDED))
            return status;
        if ((status = wait_more(socket, state, deadline)) != SW_OK)
            return status;
    }
}

status_t sw_socket_read(struct sw_socket *socket, void *buffer, size_t length, uint64_t deadline,
                        size_t *out_done)
{
    status_t status = bytes_get(socket, buffer, length, deadline, out_done);

    if (*out_done > 0) {
        size_t lay = sw_stream_waiting(&socket->stream);
        sw_stream_take(&socket->stream, *out_done);
        grow_down(socket, lay);
        flush(socket);
    }
    return status;
}

status_t sw_socket_peek(struct sw_socket *socket, void *buffer, size_t length, uint64_t deadline,
                        size_t *out_done)
{
    status_t status = bytes_get(socket, buffer, length, deadline, out_done);

    /* Nothing is taken: who waits for more than the ring has would do so for ever. */
    if (*out_done > 0 && *out_done < length)
        grow_down(socket, *out_done);
    return status;
}

status_t sw_socket_write(struct sw_socket *socket, const void *bytes, size_t length,
                         uint64_t deadline, size_t *out_done)
{
    uint8_t *room;
    size_t done = 0, part;
    status_t status = SW_OK;

    *out_done = 0;
    if (socket->kind != TCP)
        return SW_INVALID;
    while (done < length) {
        if (socket->write_ended) {
            status = SW_PEER_CLOSED;
            break;
        }
        if ((status = trouble_of_bytes(socket)) != SW_OK)
            break;
        while (done < length && (part = sw_stream_room(&socket->stream, &room)) > 0) {
            if (part > length - done)
                part = length - done;
            memcpy(room, (const uint8_t *)bytes + done, part);
            sw_stream_put(&socket->stream, part);
            done += part;
        }
        if (done < length && grow_up(socket, length - done))
            continue;
        flush(socket);
        if (done == length)
            break;
        if (deadline == 0) {
            status = SW_TIMED_OUT;
            break;
        }
        event_clear(socket);
        want(socket, SW_SOCKET_FOR_PROGRAM, SW_SOCKET_WANT_ROOM);
        uint32_t state = state_of(socket);
        if (sw_stream_free(&socket->stream) == 0 && !(state & SW_SOCKET_FAILED))
            status = wait_event(socket, deadline);
        want(socket, SW_SOCKET_FOR_PROGRAM, 0);
        if (status != SW_OK)
            break;
    }
    *out_done = done;
    return done > 0 ? SW_OK : status;
}

size_t sw_socket_data(struct sw_socket *socket, size_t skip, const uint8_t **out_at)
{
    return sw_stream_data(&socket->stream, skip, out_at);
}

void sw_socket_take(struct sw_socket *socket, size_t length)
{
    sw_stream_take(&socket->stream, length);
}

size_t sw_socket_room(struct sw_socket *socket, uint8_t **out_at)
{
    return sw_stream_room(&socket->stream, out_at);
}

void sw_socket_put(struct sw_socket *socket, size_t length)
{
    sw_stream_put(&socket->stream, length);
}

void sw_socket_flush(struct sw_socket *socket)
{
    flush(socket);
}

status_t sw_socket_shutdown(struct sw_socket *socket, uint32_t how)
{
    if (socket->kind != TCP)
        return SW_INVALID;
    socket->read_ended |= (how & SW_SHUT_READ) != 0;
    socket->write_ended |= (how & SW_SHUT_WRITE) != 0;
    sw_socket_tell(socket, SW_SOCKET_FOR_PROGRAM); /* who waits */
    if (!(how & SW_SHUT_WRITE) || socket->end_told)
        return SW_OK;
    status_t status = sw_endpoint_shutdown(socket->connection, how, 0, SW_NEVER);
    socket->end_told = status == SW_OK;
    return status;
}

/* ------------------------------------------------------------------ UDP */

status_t sw_socket_bind(const struct sw_socket_address *at, struct sw_socket **out_socket,
                        uint16_t *out_port)
{
    struct sw_net_bind_reply reply = { 0 };
    struct sw_socket *socket;
    handle_t net, memory, connection = 0;
    status_t status = sw_socket_network(&net);

    if (status != SW_OK || (status = socket_make(UDP, 0, &socket, &memory)) != SW_OK)
        return status;
    status = sw_net_bind(net, at->bytes, at->family, at->port, 0, socket->event, &reply,
                         &connection, SW_NEVER);
    if (status == SW_OK && out_port)
        *out_port = (uint16_t)reply.port;
    return socket_made(socket, status, 0, connection, out_socket);
}

/* Notes what is lost. */
static status_t gone(struct sw_socket *socket, status_t status)
{
    if (status != SW_NOT_CONNECTED || socket->kind == TCP)
        return status;
    socket->lost = true;
    return SW_RESET;
}

status_t sw_socket_send_to(struct sw_socket *socket, const struct sw_socket_address *to,
                           const void *bytes, size_t length)
{
    if (socket->kind != UDP)
        return SW_INVALID;
    return gone(socket, sw_endpoint_send_to(socket->connection, to->bytes, to->family, to->port,
                                            to->scope, bytes, length, SW_NEVER));
}

static status_t datagram_get(struct sw_socket *socket, void *buffer, size_t capacity,
                             uint64_t deadline, size_t *out_length,
                             struct sw_socket_address *out_from)
{
    struct sw_endpoint_receive_from_reply reply = { 0 };
    status_t status;

    if (socket->kind != UDP)
        return SW_INVALID;
    for (;;) {
        event_clear(socket);
        status = socket->lost ? SW_RESET
                              : gone(socket, sw_endpoint_receive_from(socket->connection, buffer,
                                                                      capacity, &reply, SW_NEVER));
        if (status != SW_TIMED_OUT || (status = wait_event(socket, deadline)) != SW_OK)
            break;
    }
    if (status != SW_OK && status != SW_TIMED_OUT) /* what waits there may still */
        sw_socket_tell(socket, SW_SOCKET_FOR_PROGRAM);
    if (status != SW_OK)
        return status;
    if (reply.length > DATAGRAM_MOST)
        return SW_BAD_MESSAGE;
    *out_length = reply.length;
    if (out_from) {
        *out_from = (struct sw_socket_address){ .family = reply.family,
                                                .port = reply.port,
                                                .scope = reply.scope };
        memcpy(out_from->bytes, reply.address, sizeof(reply.address));
    }
    return SW_OK;
}

static void peeked_give(const struct peeked *peeked, void *buffer, size_t capacity,
                        size_t *out_length, struct sw_socket_address *out_from)
{
    memcpy(buffer, peeked->bytes, peeked->length < capacity ? peeked->length : capacity);
    *out_length = peeked->length;
    if (out_from)
        *out_from = peeked->from;
}

status_t sw_socket_receive_from(struct sw_socket *socket, void *buffer, size_t capacity,
                                uint64_t deadline, size_t *out_length,
                                struct sw_socket_address *out_from)
{
    if (!socket->peeked)
        return datagram_get(socket, buffer, capacity, deadline, out_length, out_from);
    peeked_give(socket->peeked, buffer, capacity, out_length, out_from);
    free(socket->peeked);
    socket->peeked = NULL;
    return SW_OK;
}

status_t sw_socket_peek_from(struct sw_socket *socket, void *buffer, size_t capacity,
                             uint64_t deadline, size_t *out_length,
                             struct sw_socket_address *out_from)
{
    if (!socket->peeked) {
        struct peeked *peeked = malloc(sizeof(*peeked) + DATAGRAM_MOST), *smaller;

        if (!peeked)
            return SW_NO_MEMORY;
        status_t status = datagram_get(socket, peeked->bytes, DATAGRAM_MOST, deadline,
                                       &peeked->length, &peeked->from);
        if (status != SW_OK) {
            free(peeked);
            return status;
        }
        smaller = realloc(peeked, sizeof(*peeked) + peeked->length);
        socket->peeked = smaller ? smaller : peeked;
    }
    peeked_give(socket->peeked, buffer, capacity, out_length, out_from);
    return SW_OK;
}

/* ------------------------------------------------------------------ all */

status_t sw_socket_set(struct sw_socket *socket, uint32_t option, uint32_t value)
{
    return sw_endpoint_set(socket->connection, option, value, SW_NEVER);
}

status_t sw_socket_ends(struct sw_socket *socket, struct sw_socket_address *out_local,
                        struct sw_socket_address *out_remote)
{
    struct sw_endpoint_info_reply reply = { 0 };
    status_t status = sw_endpoint_info(socket->connection, &reply, SW_NEVER);

    if (status != SW_OK)
        return status;
    if (out_local) {
        *out_local = (struct sw_socket_address){ .family = reply.local_family,
                                                 .port = reply.local_port,
                                                 .scope = reply.local_scope };
        memcpy(out_local->bytes, reply.local_address, sizeof(reply.local_address));
    }
    if (out_remote) {
        *out_remote = (struct sw_socket_address){ .family = reply.remote_family,
                                                  .port = reply.remote_port,
                                                  .scope = reply.remote_scope };
        memcpy(out_remote->bytes, reply.remote_address, sizeof(reply.remote_address));
    }
    return SW_OK;
}

uint32_t sw_socket_look(struct sw_socket *socket, uint32_t wanted)
{
    uint32_t state, ready = 0;

    if (socket->lost)
        return (wanted & (SW_POLL_IN | SW_POLL_OUT)) | SW_POLL_ERROR;
    if (socket->kind != TCP) {
        uint64_t bits = 0;

        /* Set while something waits, and once more than that: the call after it says so. */
        sw_event_read(socket->event, &bits);
        if ((bits & SW_SOCKET_FOR_PROGRAM) || socket->peeked)
            ready |= SW_POLL_IN;
        if (socket->kind == UDP)
            ready |= SW_POLL_OUT;
        return ready & wanted;
    }
    state = state_of(socket);
    if (sw_stream_waiting(&socket->stream) > 0 || (state & SW_SOCKET_ENDED) || socket->read_ended)
        ready |= SW_POLL_IN;
    if ((state & SW_SOCKET_CONNECTED) && !socket->write_ended &&
        sw_stream_free(&socket->stream) > 0)
        ready |= SW_POLL_OUT;
    if (trouble(socket) != SW_OK)
        return ((ready | SW_POLL_IN | SW_POLL_OUT) & wanted) | SW_POLL_ERROR;
    return ready & wanted;
}

bool sw_socket_tells(const struct sw_socket *socket, uint32_t wanted)
{
    return socket->kind == TCP || (wanted & SW_POLL_IN);
}

uint32_t sw_socket_arm(struct sw_socket *socket, uint64_t bits, uint32_t wanted)
{
    uint32_t ready = sw_socket_look(socket, wanted);

    if (socket->kind != TCP)
        return ready;
    if (!ready) {
        sw_event_update(socket->event, bits, 0, NULL);
        want(socket, bits,
             (wanted & SW_POLL_IN ? SW_SOCKET_WANT_MORE : 0) |
                 (wanted & SW_POLL_OUT ? SW_SOCKET_WANT_ROOM : 0));
        ready = sw_socket_look(socket, wanted);
    }
    if (ready)
        sw_socket_disarm(socket, bits);
    return ready;
}

void sw_socket_disarm(struct sw_socket *socket, uint64_t bits)
{
    if (socket->kind == TCP && wishes(socket))
        want(socket, bits, 0);
}

uint32_t sw_socket_ready(struct sw_socket *socket, uint32_t wanted)
{
    return sw_socket_arm(socket, SW_SOCKET_FOR_PROGRAM, wanted);
}
