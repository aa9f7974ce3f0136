/* Rings of bytes of a TCP connection. See stream.h. */
#include <stdatomic.h>
#include <swos/stream.h>

/* Pairs with position_store of the other side: bytes come before the position, and are read before
 * it is moved over them. */
static uint32_t position_load(const uint32_t *word)
{
    return atomic_load_explicit((const _Atomic uint32_t *)word, memory_order_acquire);
}

static void position_store(uint32_t *word, uint32_t value)
{
    atomic_store_explicit((_Atomic uint32_t *)word, value, memory_order_release);
}

bool sw_stream_capacity(uint64_t size, uint32_t *out_capacity)
{
    uint64_t capacity = size > SW_PAGE ? (size - SW_PAGE) / 2 : 0;

    if (capacity < SW_SOCKET_RING_LEAST || capacity > SW_SOCKET_RING_MOST ||
        (capacity & (capacity - 1)) != 0 || SW_STREAM_BYTES(capacity) != size)
        return false;
    *out_capacity = (uint32_t)capacity;
    return true;
}

void sw_stream_open(struct sw_stream *stream, void *memory, uint32_t capacity,
                    enum sw_stream_side side)
{
    struct sw_socket_rings *rings = memory;
    uint8_t *up = (uint8_t *)memory + SW_PAGE, *down = up + capacity;
    bool program = side == SW_STREAM_PROGRAM;

    *stream = (struct sw_stream){
        .rings = rings,
        .out = program ? up : down,
        .in = program ? down : up,
        .capacity = capacity,
        .out_produced = program ? &rings->up_produced.value : &rings->down_produced.value,
        .out_consumed = program ? &rings->up_consumed.value : &rings->down_consumed.value,
        .in_produced = program ? &rings->down_produced.value : &rings->up_produced.value,
        .in_consumed = program ? &rings->down_consumed.value : &rings->up_consumed.value,
        .wishes = program ? &rings->program.value : &rings->stack.value,
        .others_wishes = program ? &rings->stack.value : &rings->program.value,
    };
}

void sw_stream_resume(struct sw_stream *stream, void *memory, uint32_t capacity, uint32_t produced,
                      uint32_t consumed)
{
    sw_stream_open(stream, memory, capacity, SW_STREAM_STACK);
    stream->produced = stream->told_produced = produced;
    stream->consumed = stream->told_consumed = stream->come = consumed;
    position_store(stream->out_produced, produced);
    position_store(stream->in_consumed, consumed);
    /* All that the program may have taken and not: what it says it took is within that. */
    stream->acked = produced - capacity;
    sw_stream_free(stream);
    sw_stream_waiting(stream);
}

size_t sw_stream_free(struct sw_stream *stream)
{
    uint32_t consumed = position_load(stream->out_consumed);

    /* It only moves forward, at most to what was produced. */
    if (stream->produced - consumed > stream->produced - stream->acked)
        stream->broken = true;
    else
        stream->acked = consumed;
    return stream->broken ? 0 : stream->capacity - (stream->produced - stream->acked);
}

size_t sw_stream_room(struct sw_stream *stream, uint8_t **out_at)
{
    size_t free = sw_stream_free(stream);
    uint32_t at = stream->produced & (stream->capacity - 1);

    *out_at = stream->out + at;
    return free < stream->capacity - at ? free : stream->capacity - at;
}

void sw_stream_put(struct sw_stream *stream, size_t length)
{
    stream->produced += (uint32_t)length;
    position_store(stream->out_produced, stream->produced);
}

size_t sw_stream_waiting(struct sw_stream *stream)
{
    uint32_t produced = position_load(stream->in_produced);

    if (produced - stream->consumed > stream->capacity ||
        produced - stream->consumed < stream->come - stream->consumed)
        stream->broken = true;
    else
        stream->come = produced;
    return stream->broken ? 0 : stream->come - stream->consumed;
}

size_t sw_stream_data(struct sw_stream *stream, size_t skip, const uint8_t **out_at)
{
    size_t waiting = sw_stream_waiting(stream);
    uint32_t at = (stream->consumed + (uint32_t)skip) & (stream->capacity - 1);

    *out_at = stream->in + at;
    if (waiting <= skip)
        return 0;
    waiting -= skip;
    return waiting < stream->capacity - at ? waiting : stream->capacity - at;
}

void sw_stream_take(struct sw_stream *stream, size_t length)
{
    stream->consumed += (uint32_t)length;
    position_store(stream->in_consumed, stream->consumed);
}

bool sw_stream_flush(struct sw_stream *stream)
{
    uint32_t changed = stream->produced != stream->told_produced ? SW_SOCKET_WANT_MORE : 0;

    stream->told_produced = stream->produced;
    /* Room is worth waking for by the half ring: who waits for it has filled the ring, and whoever empties
     * it goes on until nothing is left. */
    if (stream->consumed != stream->told_consumed &&
        stream->come - stream->consumed <= stream->capacity / 2) {
        changed |= SW_SOCKET_WANT_ROOM;
        stream->told_consumed = stream->consumed;
    }
    if (!changed)
        return false;
    /* Our position before the look at its wish; pairs with sw_stream_want. */
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit((const _Atomic uint32_t *)stream->others_wishes,
                                memory_order_relaxed) &
           changed;
}

void sw_stream_want(struct sw_stream *stream, uint32_t wishes)
{
    atomic_store_explicit((_Atomic uint32_t *)stream->wishes, wishes, memory_order_relaxed);
    /* The wish before the last look; pairs with sw_stream_flush. */
    atomic_thread_fence(memory_order_seq_cst);
}
