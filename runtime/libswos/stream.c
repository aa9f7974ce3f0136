/* Rings of bytes of a TCP connection. See stream.h. */
#include <stdatomic.h>
#include <string.h>
#include <swos/stream.h>

#ifdef SW_HOST_TEST
void stream_store_hook(void); /* the test's: netd may die before any store of a copy */
#else
static inline void stream_store_hook(void) {}
#endif

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

#define PAGES_MOST (2 * SW_SOCKET_RING_MOST / SW_PAGE + 1)

static bool is_power(uint32_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

/* One page: the head and two small rings. More: behind the head's page as many pages as both rings have, and
 * one that is not used where the second ring is the larger one. Rings of different sizes have at least two
 * pages each, so that this one shows. */
bool sw_stream_shape(uint64_t size, struct sw_stream_shape *out)
{
    if (size == SW_PAGE) {
        *out = (struct sw_stream_shape){
            .up = SW_PAGE / 2, .down = SW_PAGE / 4, .up_at = SW_PAGE / 2, .down_at = SW_PAGE / 4
        };
        return true;
    }
    if (size % SW_PAGE != 0 || size < 3 * SW_PAGE || size > (PAGES_MOST + 1) * (uint64_t)SW_PAGE)
        return false;
    uint32_t pages = (uint32_t)(size / SW_PAGE) - 1, large, small;
    if (is_power(pages)) {
        large = small = pages / 2;
    } else {
        small = (pages & ~1u) & -(pages & ~1u);
        large = (pages & ~1u) - small;
        if (small < 2 || !is_power(large))
            return false;
    }
    if (large > SW_SOCKET_RING_MOST / SW_PAGE)
        return false;
    bool swapped = !is_power(pages) && (pages & 1);
    *out = (struct sw_stream_shape){ .up = (swapped ? small : large) * SW_PAGE,
                                     .down = (swapped ? large : small) * SW_PAGE,
                                     .up_at = SW_PAGE };
    out->down_at = out->up_at + out->up;
    return true;
}

static uint32_t power_above(uint32_t number)
{
    uint32_t power = SW_PAGE;

    while (power < number)
        power *= 2;
    return power;
}

uint64_t sw_stream_size(uint32_t up, uint32_t down)
{
    if (up > SW_SOCKET_RING_MOST || down > SW_SOCKET_RING_MOST)
        return 0;
    if (up <= SW_PAGE / 2 && down <= SW_PAGE / 4)
        return SW_PAGE;
    up = power_above(up);
    down = power_above(down);
    if (up == down)
        return SW_STREAM_BYTES(up);
    if (up == SW_PAGE || down == SW_PAGE) {
        up = up > SW_PAGE ? up : 2 * SW_PAGE;
        down = down > SW_PAGE ? down : 2 * SW_PAGE;
    }
    return (uint64_t)SW_PAGE + up + down + (down > up ? SW_PAGE : 0);
}

void sw_stream_move(struct sw_stream *stream, void *memory, const struct sw_stream_shape *shape,
                    enum sw_stream_side side)
{
    struct sw_socket_rings *rings = memory;
    uint8_t *up = (uint8_t *)memory + shape->up_at, *down = (uint8_t *)memory + shape->down_at;
    bool program = side == SW_STREAM_PROGRAM;

    stream->rings = rings;
    stream->out = program ? up : down;
    stream->in = program ? down : up;
    stream->out_capacity = program ? shape->up : shape->down;
    stream->in_capacity = program ? shape->down : shape->up;
    stream->out_produced = program ? &rings->up_produced.value : &rings->down_produced.value;
    stream->out_consumed = program ? &rings->up_consumed.value : &rings->down_consumed.value;
    stream->in_produced = program ? &rings->down_produced.value : &rings->up_produced.value;
    stream->in_consumed = program ? &rings->down_consumed.value : &rings->up_consumed.value;
    stream->wishes = program ? &rings->program.value : &rings->stack.value;
    stream->others_wishes = program ? &rings->stack.value : &rings->program.value;
}

void sw_stream_open(struct sw_stream *stream, void *memory, const struct sw_stream_shape *shape,
                    enum sw_stream_side side)
{
    *stream = (struct sw_stream){ 0 };
    sw_stream_move(stream, memory, shape, side);
}

void sw_stream_resume(struct sw_stream *stream, void *memory, const struct sw_stream_shape *shape,
                      uint32_t produced, uint32_t consumed)
{
    sw_stream_open(stream, memory, shape, SW_STREAM_STACK);
    stream->produced = stream->told_produced = produced;
    stream->consumed = stream->told_consumed = stream->come = consumed;
    position_store(stream->out_produced, produced);
    position_store(stream->in_consumed, consumed);
    /* All that the program may have taken and not: what it says it took is within that. */
    stream->acked = produced - stream->out_capacity;
    sw_stream_free(stream);
    sw_stream_waiting(stream);
}

/* Bytes [from, to) of one ring into a larger one. */
static void copy(uint8_t *into, uint32_t into_capacity, const uint8_t *ring, uint32_t capacity,
                 uint32_t from, uint32_t to)
{
    while (from != to) {
        uint32_t at = from & (capacity - 1), part = to - from;
        if (part > capacity - at)
            part = capacity - at; /* the larger one's end is an end of this one, too */
        stream_store_hook();
        memcpy(into + (from & (into_capacity - 1)), ring + at, part);
        from += part;
    }
}

static void copy_position(uint32_t *word, uint32_t value)
{
    stream_store_hook();
    position_store(word, value);
}

bool sw_stream_copy(struct sw_stream *stream, void *memory, const struct sw_stream_shape *shape)
{
    struct sw_stream other;

    sw_stream_free(stream);
    sw_stream_waiting(stream);
    if (stream->broken)
        return false;
    sw_stream_open(&other, memory, shape, SW_STREAM_STACK);
    copy(other.out, other.out_capacity, stream->out, stream->out_capacity, stream->acked,
         stream->produced);
    copy(other.in, other.in_capacity, stream->in, stream->in_capacity, stream->consumed,
         stream->come);
    copy_position(&other.rings->down_consumed.value, stream->acked);
    copy_position(&other.rings->down_produced.value, stream->produced);
    copy_position(&other.rings->up_consumed.value, stream->consumed);
    copy_position(&other.rings->up_produced.value, stream->come);
    return true;
}

size_t sw_stream_free(struct sw_stream *stream)
{
    uint32_t consumed = position_load(stream->out_consumed);

    /* It only moves forward, at most to what was produced. */
    if (stream->produced - consumed > stream->produced - stream->acked)
        stream->broken = true;
    else
        stream->acked = consumed;
    return stream->broken ? 0 : stream->out_capacity - (stream->produced - stream->acked);
}

size_t sw_stream_room(struct sw_stream *stream, uint8_t **out_at)
{
    size_t free = sw_stream_free(stream);
    uint32_t at = stream->produced & (stream->out_capacity - 1);

    *out_at = stream->out + at;
    return free < stream->out_capacity - at ? free : stream->out_capacity - at;
}

void sw_stream_put(struct sw_stream *stream, size_t length)
{
    stream->produced += (uint32_t)length;
    position_store(stream->out_produced, stream->produced);
}

size_t sw_stream_waiting(struct sw_stream *stream)
{
    uint32_t produced = position_load(stream->in_produced);

    if (produced - stream->consumed > stream->in_capacity ||
        produced - stream->consumed < stream->come - stream->consumed)
        stream->broken = true;
    else
        stream->come = produced;
    return stream->broken ? 0 : stream->come - stream->consumed;
}

size_t sw_stream_data(struct sw_stream *stream, size_t skip, const uint8_t **out_at)
{
    size_t waiting = sw_stream_waiting(stream);
    uint32_t at = (stream->consumed + (uint32_t)skip) & (stream->in_capacity - 1);

    *out_at = stream->in + at;
    if (waiting <= skip)
        return 0;
    waiting -= skip;
    return waiting < stream->in_capacity - at ? waiting : stream->in_capacity - at;
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
        stream->come - stream->consumed <= stream->in_capacity / 2) {
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
