/* swos.stream: the program's side of a TCP connection's rings (swos/stream.h), for swos.net.
 *
 * A stream is a full userdata over memory that is mapped here and that netd gets a handle of. Nothing
 * here waits or calls anybody; what the other side writes is believed as far as sw_stream does. A closed
 * stream has no bytes, no room, and failed. */
#include <stdatomic.h>
#include <string.h>
#include <swos/mapping.h>
#include <swos/stream.h>

#include "binding.h"

#define STREAM_TYPE "swos.stream"

struct stream {
    struct sw_stream sides;
    void *memory; /* NULL: closed */
    size_t size;
};

static struct stream *stream_check(lua_State *L)
{
    return luaL_checkudata(L, 1, STREAM_TYPE);
}

/* swos.stream(capacity) -> stream, memory: rings of so many bytes each (a power of two from
 * SOCKET_RING_LEAST to SOCKET_RING_MOST), committed; the handle is for netd. */
static int stream_new(lua_State *L)
{
    lua_Integer capacity = luaL_checkinteger(L, 1);
    struct sw_stream_shape shape;
    luaL_argcheck(L,
                  capacity >= SW_SOCKET_RING_LEAST && capacity <= SW_SOCKET_RING_MOST &&
                      (capacity & (capacity - 1)) == 0,
                  1, "no size of a ring");
    struct stream *stream = lua_newuserdatauv(L, sizeof(*stream), 0);
    memset(stream, 0, sizeof(*stream));
    luaL_setmetatable(L, STREAM_TYPE);
    handle_t *memory = handle_push_closed(L);
    void *address = NULL;
    size_t size = sw_stream_size((uint32_t)capacity, (uint32_t)capacity);
    sw_stream_shape(size, &shape);
    status_t status = sw_mapping_create(size, SW_MEMORY_COMMIT, &address, memory);
    if (status != SW_OK)
        return failure_push(L, status, 0);
    stream->memory = address;
    stream->size = size;
    sw_stream_open(&stream->sides, address, &shape, SW_STREAM_PROGRAM);
    return 2;
}

/* stream:state() -> SOCKET_CONNECTED, _ENDED, _FAILED in one number. Bytes that came before an end are
 * there once it is seen. */
static int stream_state(lua_State *L)
{
    const struct stream *stream = stream_check(L);
    uint32_t state = SW_SOCKET_FAILED;
    if (stream->memory)
        state = atomic_load_explicit((const _Atomic uint32_t *)&stream->sides.rings->state,
                                     memory_order_acquire);
    lua_pushinteger(L, state);
    return 1;
}

/* stream:check() -> true; or nil, message, name: why no bytes flow any more */
static int stream_is_well(lua_State *L)
{
    const struct stream *stream = stream_check(L);
    if (!stream->memory)
        return failure_push(L, SW_BAD_STATE, 0);
    if (stream->sides.broken)
        return failure_push(L, SW_RESET, 0);
    lua_settop(L, 1);
    stream_state(L);
    if (lua_tointeger(L, -1) & SW_SOCKET_FAILED) {
        status_t error = stream->sides.rings->error;
        return failure_push(L, error < 0 ? error : SW_RESET, 0);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* stream:read(most) -> string, "" when nothing has come */
static int stream_read(lua_State *L)
{
    struct stream *stream = stream_check(L);
    lua_Integer most = luaL_checkinteger(L, 2);
    luaL_argcheck(L, most > 0, 2, "out of range");
    size_t waiting = stream->memory ? sw_stream_waiting(&stream->sides) : 0, done = 0, part;
    if ((size_t)most < waiting)
        waiting = (size_t)most;
    if (waiting == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    luaL_Buffer buffer;
    char *bytes = luaL_buffinitsize(L, &buffer, waiting);
    const uint8_t *at;
    while (done < waiting && (part = sw_stream_data(&stream->sides, 0, &at)) > 0) {
        if (part > waiting - done)
            part = waiting - done;
        memcpy(bytes + done, at, part);
        sw_stream_take(&stream->sides, part);
        done += part;
    }
    luaL_pushresultsize(&buffer, done);
    return 1;
}

/* stream:write(string, from) -> how many bytes from there on went into the ring */
static int stream_write(lua_State *L)
{
    struct stream *stream = stream_check(L);
    size_t length, done = 0, part;
    const char *bytes = luaL_checklstring(L, 2, &length);
    lua_Integer from = luaL_checkinteger(L, 3);
    luaL_argcheck(L, from >= 1 && (size_t)from <= length + 1, 3, "out of range");
    bytes += from - 1;
    length -= (size_t)from - 1;
    uint8_t *room;
    while (stream->memory && done < length && (part = sw_stream_room(&stream->sides, &room)) > 0) {
        if (part > length - done)
            part = length - done;
        memcpy(room, bytes + done, part);
        sw_stream_put(&stream->sides, part);
        done += part;
    }
    lua_pushinteger(L, (lua_Integer)done);
    return 1;
}

/* stream:amounts() -> bytes that wait to be read, bytes of room to write */
static int stream_amounts(lua_State *L)
{
    struct stream *stream = stream_check(L);
    lua_pushinteger(L, stream->memory ? (lua_Integer)sw_stream_waiting(&stream->sides) : 0);
    lua_pushinteger(L, stream->memory ? (lua_Integer)sw_stream_free(&stream->sides) : 0);
    return 2;
}

/* stream:flush() -> whether netd is to be woken for what was read and written */
static int stream_flush(lua_State *L)
{
    struct stream *stream = stream_check(L);
    lua_pushboolean(L, stream->memory && sw_stream_flush(&stream->sides));
    return 1;
}

/* stream:want(SOCKET_WANT_*): what the event is to be set for; look again afterwards. */
static int stream_want(lua_State *L)
{
    struct stream *stream = stream_check(L);
    lua_Integer wishes = luaL_checkinteger(L, 2);
    if (stream->memory)
        sw_stream_want(&stream->sides, (uint32_t)wishes);
    return 0;
}

/* stream:close(), __close and __gc: netd keeps its own mapping, and sends what is in the ring. */
static int stream_close(lua_State *L)
{
    struct stream *stream = stream_check(L);
    if (stream->memory)
        sw_mapping_unmap(stream->memory, stream->size);
    stream->memory = NULL;
    return 0;
}

int stream_open_module(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "state", stream_state },
        { "check", stream_is_well },
        { "read", stream_read },
        { "write", stream_write },
        { "amounts", stream_amounts },
        { "flush", stream_flush },
        { "want", stream_want },
        { "close", stream_close },
        { "__gc", stream_close },
        { "__close", stream_close },
        { NULL, NULL },
    };
    if (luaL_newmetatable(L, STREAM_TYPE)) {
        luaL_setfuncs(L, methods, 0);
        lua_pushvalue(L, -1);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, stream_new);
    lua_setfield(L, -2, "stream");
    return 0;
}
