/* The memory with a connection's rings, which its program brings: taking it, and going over to larger. */
#include "socket.h"
#include <lwip/priv/tcp_priv.h>
#include <string.h>
#include <swos/mapping.h>

status_t ring_map(handle_t memory, struct ring_memory *out)
{
    uint64_t size, committed;
    uint32_t type, rights, sealed;
    const uint32_t needed = SW_RIGHT_READ | SW_RIGHT_WRITE | SW_RIGHT_MAP;

    if (!memory || sw_handle_info(memory, &type, &rights, &out->id) != SW_OK ||
        type != SW_TYPE_MEMORY)
        return SW_WRONG_TYPE;
    if ((rights & needed) != needed)
        return SW_ACCESS;
    if (sw_memory_info(memory, &size, &committed, &sealed) != SW_OK || sealed ||
        !sw_stream_shape(size, &out->shape))
        return SW_INVALID;
    out->size = size;
    status_t status =
        sw_mapping_map(memory, 0, size, SW_MAP_READ | SW_MAP_WRITE | SW_MAP_COMMITTED, &out->at);
    return status == SW_BAD_STATE ? SW_INVALID : status;
}

void ring_adopt(struct socket *socket, const struct ring_memory *memory)
{
    socket->memory = memory->at;
    socket->size = memory->size;
    socket->memory_id = memory->id;
}

handle_t ring_of(const struct sw_request *request)
{
    return request->event.received_count > 0 ? request->event.received[0] : 0;
}

status_t ring_take(struct socket *socket, const struct sw_request *request)
{
    struct ring_memory rings;
    status_t status = ring_map(ring_of(request), &rings);

    if (status == SW_OK) {
        ring_adopt(socket, &rings);
        memset(socket->memory, 0, sizeof(struct sw_socket_rings));
        sw_stream_open(&socket->stream, socket->memory, &rings.shape, SW_STREAM_STACK);
    }
    return status;
}

/* ------------------------------------------------------------------ larger ones */

/* lwIP sends from the ring: its segments point into the new one. What lay in one piece does so there, for an
 * end of the larger ring is an end of the smaller one, too. */
static void segments_move(struct tcp_seg *segment, uint32_t first_sent, const uint8_t *ring,
                          uint32_t capacity, uint8_t *into, uint32_t into_capacity)
{
    for (; segment; segment = segment->next) {
        /* In front there is a packet buffer with the header and the bytes that were copied, if any. */
        uint32_t position = lwip_ntohl(segment->tcphdr->seqno) - first_sent + segment->len;

        for (const struct pbuf *part = segment->p->next; part; part = part->next)
            position -= part->len;
        for (struct pbuf *part = segment->p->next; part; part = part->next) {
            const uint8_t *payload = part->payload;
            if (payload >= ring && payload < ring + capacity)
                part->payload = into + (position & (into_capacity - 1));
            position += part->len;
        }
    }
}

/* The program waits for the answer, and touches neither memory. Until the new one is kept a successor finds
 * the old one, which is as it was; from then on the new one with a copy of it: nothing is received, sent or
 * acknowledged in between. The program asks again of who answers, and hears that it is done. */
status_t tcp_handle_grow(struct sw_request *request, const struct sw_endpoint_grow_request *in,
                         struct sw_endpoint_grow_reply *out)
{
    struct socket *socket = socket_of(request->event.badge);
    struct ring_memory rings;
    uint64_t id;

    (void)in, (void)out;
    if (!socket)
        return SW_NOT_CONNECTED;
    if (socket->kind != TCP || !socket->memory)
        return SW_INVALID;
    if (sw_handle_info(ring_of(request), NULL, NULL, &id) == SW_OK && id == socket->memory_id)
        return SW_OK;
    if (!socket->pcb || socket->closed || socket->stream.broken)
        return SW_BAD_STATE;
    status_t status = ring_map(ring_of(request), &rings);
    if (status != SW_OK)
        return status;
    struct sw_stream *stream = &socket->stream;
    status = SW_INVALID;
    if (rings.shape.up < stream->in_capacity || rings.shape.down < stream->out_capacity ||
        rings.size <= socket->size)
        goto fail;
    memset(rings.at, 0, sizeof(struct sw_socket_rings));
    status = SW_BAD_STATE;
    if (!sw_stream_copy(stream, rings.at, &rings.shape)) {
        tcp_work(socket); /* resets it */
        goto fail;
    }
    struct sw_socket_rings *head = rings.at;
    head->error = stream->rings->error;
    head->state = stream->rings->state;
    if ((status = vault_keep_memory(socket->badge % VAULT_SOCKETS, ring_of(request))) != SW_OK)
        goto fail;
    const uint8_t *ring = stream->in;
    uint32_t capacity = stream->in_capacity;
    sw_stream_move(stream, rings.at, &rings.shape, SW_STREAM_STACK);
    segments_move(socket->pcb->unsent, socket->first_sent, ring, capacity, stream->in,
                  stream->in_capacity);
    segments_move(socket->pcb->unacked, socket->first_sent, ring, capacity, stream->in,
                  stream->in_capacity);
    sw_mapping_unmap(socket->memory, socket->size);
    ring_adopt(socket, &rings);
    tcp_work(socket);
    return SW_OK;

fail:
    sw_mapping_unmap(rings.at, rings.size);
    return status;
}
