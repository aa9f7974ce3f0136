/* Requests: encoded once, then sent blocking or posted, then decoded.
 *
 * A request is one userdata that holds the message, the reply buffer and the data buffer, so
 * that all three stay where they are while the call is posted. A posted request that is
 * collected as garbage cancels its call first; afterwards no server can touch the buffers
 * (ABI.md: a token of a cancelled call touches nothing). */
#include <stdlib.h>
#include <string.h>
#include <swos/message.h>

#include "binding.h"

#define REQUEST_TYPE "swos.request"
#define REPLY_STRINGS 1024

struct request {
    struct sw_call call;
    const struct operation *operation;
    handle_t posted;          /* call object while it is posted */
    _Alignas(8) char bytes[]; /* request, reply, data; each 8-aligned */
};

/* Call objects not in use. Lua states of one process share them; the binding has one thread. */
static handle_t spare_calls[8];
static unsigned spare_count;

static status_t call_take(handle_t *out_call)
{
    if (spare_count > 0) {
        *out_call = spare_calls[--spare_count];
        return SW_OK;
    }
    return sw_call_create(out_call);
}

static void call_put(handle_t call)
{
    if (spare_count < sizeof(spare_calls) / sizeof(spare_calls[0]))
        spare_calls[spare_count++] = call;
    else
        sw_handle_close(call);
}

void call_trim(void)
{
    while (spare_count > 0)
        sw_handle_close(spare_calls[--spare_count]);
}

static size_t align8(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static struct request *request_check(lua_State *L)
{
    return luaL_checkudata(L, 1, REQUEST_TYPE);
}

/* swos.request(protocol, operation [, table]) -> request
 * The table has the fields and strings by name, handles to send under theirs, `data` (a string)
 * for operations that read data, `capacity` (bytes) for those that write it. */
static int request_new(lua_State *L)
{
    const char *protocol_name = luaL_checkstring(L, 1), *name = luaL_checkstring(L, 2);
    const struct operation *operation = operation_find(protocol_name, name);
    if (!operation)
        return luaL_error(L, "no operation %s.%s", protocol_name, name);
    if (lua_isnoneornil(L, 3)) {
        lua_settop(L, 2);
        lua_newtable(L);
    }
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    luaL_checkstack(L, 24, NULL);

    const struct part *part = &operation->request;
    size_t request_length = part->size, data_length = 0, lengths[4] = { 0 };
    const char *data = NULL, *strings[4] = { NULL };
    for (unsigned i = 0; i < part->string_count && i < 4; i++) {
        lua_getfield(L, 3, string_name(part->first_string + i));
        strings[i] = lua_tolstring(L, -1, &lengths[i]);
        if (!strings[i])
            return luaL_error(L, "%s.%s needs the string '%s'", protocol_name, name,
                              string_name(part->first_string + i));
        request_length += lengths[i]; /* stays on the stack, so the pointer stays valid */
    }
    if (request_length > SW_MESSAGE_MAX)
        return failure_push(L, SW_NAME_TOO_LONG, 0);
    if (operation->data == DATA_IN) {
        lua_getfield(L, 3, "data");
        data = luaL_checklstring(L, -1, &data_length);
    } else if (operation->data == DATA_OUT) {
        lua_getfield(L, 3, "capacity");
        lua_Integer capacity = luaL_optinteger(L, -1, SW_PAGE);
        luaL_argcheck(L, capacity >= 0 && capacity <= SW_DATA_MAX, 3, "capacity out of range");
        data_length = (size_t)capacity;
    }
    size_t reply_capacity =
        operation->reply.size + (operation->reply.string_count ? REPLY_STRINGS : 0);
    size_t total = align8(request_length) + align8(reply_capacity) + data_length;

    struct request *request = lua_newuserdatauv(L, sizeof(*request) + total, 1);
    memset(request, 0, sizeof(*request) + align8(request_length));
    luaL_setmetatable(L, REQUEST_TYPE);
    lua_pushvalue(L, 3); /* keeps the handles sent alive */
    lua_setiuservalue(L, -2, 1);
    request->operation = operation;
    const struct protocol *protocol = table_protocol(operation->protocol);
    *(struct sw_request_header *)request->bytes =
        (struct sw_request_header){ protocol->id, protocol->version, operation->number, 0,
                                    operation->once ? sw_request_id() : 0 };
    fields_encode(L, 3, part->first_field, part->field_count, request->bytes);
    char *at = request->bytes + part->size;
    for (unsigned i = 0; i < part->string_count && i < 4; i++) {
        uint32_t length = (uint32_t)lengths[i];
        memcpy(request->bytes + part->lengths + 4 * i, &length, 4);
        memcpy(at, strings[i], length);
        at += length;
    }
    struct sw_call *call = &request->call;
    call->request = (uintptr_t)request->bytes;
    call->request_length = (uint32_t)request_length;
    call->reply = call->request + align8(request_length);
    call->reply_capacity = (uint32_t)reply_capacity;
    call->flags = operation->secret ? SW_CALL_SECRET : 0;
    if (operation->data != DATA_NONE) {
        call->data = call->reply + align8(reply_capacity);
        call->data_length = data_length;
        call->flags |= operation->data == DATA_IN ? SW_CALL_DATA_IN : SW_CALL_DATA_OUT;
        if (data)
            memcpy((void *)(uintptr_t)call->data, data, data_length);
    }
    for (unsigned i = 0; i < operation->send_count; i++) {
        if (lua_getfield(L, 3, string_name(operation->first_send + i)) != LUA_TNIL)
            call->send[call->send_count++] = handle_check(L, lua_gettop(L));
        lua_pop(L, 1);
    }
    return 1;
}

/* Decodes what came: a table of fields, strings, handles by name and data; or a failure, its
 * fourth result the reply header's detail, its fifth the fields if the server sent them. Handles that
 * come with a failure, or that the operation does not have, are closed at once: a server could fill
 * the table of a client that leaves them to its collector. */
static int reply_decode(lua_State *L, struct request *request, status_t status)
{
    const struct operation *operation = request->operation;
    const struct part *part = &operation->reply;
    const char *bytes = (const char *)(uintptr_t)request->call.reply;
    uint32_t length = request->call.reply_length, detail = 0,
             received = request->call.received_count;
    luaL_checkstack(L, 16, NULL);
    if (status == SW_OK) {
        const struct sw_reply_header *header = (const void *)bytes;
        if (length < sizeof(*header)) {
            status = SW_BAD_MESSAGE;
        } else {
            status = header->status;
            detail = header->detail;
            if (status == SW_OK && length < part->size)
                status = SW_BAD_MESSAGE;
        }
    } else {
        length = 0;
        received = 0;
    }

    lua_createtable(L, 0, part->field_count + 2);
    int result = lua_gettop(L);
    /* Handles first: whatever happens, they are closed by somebody. */
    for (unsigned i = 0; i < received && i < SW_HANDLES_MAX; i++) {
        if (status != SW_OK || i >= operation->receive_count) {
            sw_handle_close(request->call.received[i]);
            continue;
        }
        handle_t *handle = handle_push_closed(L);
        *handle = request->call.received[i];
        lua_setfield(L, result, string_name(operation->first_receive + i));
    }
    request->call.received_count = 0;
    if (length >= part->size) {
        fields_decode(L, part->first_field, part->field_count, bytes);
        size_t at = part->size;
        for (unsigned i = 0; i < part->string_count; i++) {
            uint32_t size;
            memcpy(&size, bytes + part->lengths + 4 * i, 4);
            if (size > length - at) {
                if (status == SW_OK)
                    status = SW_BAD_MESSAGE;
                break;
            }
            lua_pushlstring(L, bytes + at, size);
            lua_setfield(L, result, string_name(part->first_string + i));
            at += size;
        }
    }
    if (status != SW_OK) {
        failure_push(L, status, detail);
        lua_pushinteger(L, detail);
        lua_pushvalue(L, result);
        return 5;
    }
    if (operation->data == DATA_OUT) {
        /* The reply says how much of the buffer the server filled. */
        size_t filled = (size_t)request->call.data_length;
        if (lua_getfield(L, result, "done") == LUA_TNUMBER ||
            lua_getfield(L, result, "bytes") == LUA_TNUMBER) {
            uint64_t said = (uint64_t)lua_tointeger(L, -1);
            filled = said < filled ? (size_t)said : filled;
        }
        lua_settop(L, result);
        lua_pushlstring(L, (const char *)(uintptr_t)request->call.data, filled);
        lua_setfield(L, result, "data");
    }
    lua_settop(L, result);
    return 1;
}

/* request:call(connection, deadline): waits in the kernel. */
static int request_call(lua_State *L)
{
    struct request *request = request_check(L);
    handle_t connection = handle_check(L, 2);
    lua_Integer deadline = luaL_optinteger(L, 3, (lua_Integer)SW_NEVER);
    uint32_t reply_length = 0, received = 0;
    request->call.received_count = 0;
    status_t status =
        sw_call(connection, &request->call, (uint64_t)deadline, &reply_length, &received);
    request->call.reply_length = reply_length;
    request->call.received_count = received;
    return reply_decode(L, request, status);
}

/* request:post(connection, port, key, deadline) -> true: CALL_DONE with key comes to the port. */
static int request_post(lua_State *L)
{
    struct request *request = request_check(L);
    handle_t connection = handle_check(L, 2), port = handle_check(L, 3);
    lua_Integer key = luaL_checkinteger(L, 4),
                deadline = luaL_optinteger(L, 5, (lua_Integer)SW_NEVER);
    if (request->posted)
        return luaL_error(L, "the request is posted already");
    handle_t call = 0;
    status_t status = call_take(&call);
    if (status != SW_OK)
        return failure_push(L, status, 0);
    status =
        sw_call_post(call, connection, &request->call, port, (uint64_t)key, (uint64_t)deadline);
    if (status != SW_OK) {
        call_put(call);
        return failure_push(L, status, 0);
    }
    request->posted = call;
    lua_pushboolean(L, 1);
    return 1;
}

/* request:collect() -> as request:call; only after CALL_DONE. */
static int request_collect(lua_State *L)
{
    struct request *request = request_check(L);
    if (!request->posted)
        return luaL_error(L, "the request is not posted");
    uint32_t reply_length = 0, received = 0;
    status_t status = sw_call_collect(request->posted, &request->call, &reply_length, &received);
    if (status == SW_BAD_STATE)
        return failure_push(L, status, 0);
    call_put(request->posted);
    request->posted = 0;
    request->call.reply_length = reply_length;
    request->call.received_count = received;
    return reply_decode(L, request, status);
}

/* request:cancel() and __gc: takes a posted call back, and the handles of an answer with it. */
static int request_cancel(lua_State *L)
{
    struct request *request = request_check(L);
    if (!request->posted)
        return 0;
    sw_call_cancel(request->posted);
    uint32_t reply_length = 0, received = 0;
    if (sw_call_collect(request->posted, &request->call, &reply_length, &received) == SW_OK)
        for (uint32_t i = 0; i < received && i < SW_HANDLES_MAX; i++)
            sw_handle_close(request->call.received[i]);
    sw_handle_close(request->posted);
    request->posted = 0;
    return 0;
}

/* request:may_repeat(): whether the same request may be sent again when a server died with it. */
static int request_may_repeat(lua_State *L)
{
    const struct operation *operation = request_check(L)->operation;
    lua_pushboolean(L, operation->idempotent || operation->once);
    return 1;
}

int call_open_module(lua_State *L)
{
    static const luaL_Reg functions[] = { { "request", request_new }, { NULL, NULL } };
    static const luaL_Reg methods[] = {
        { "call", request_call },
        { "post", request_post },
        { "collect", request_collect },
        { "cancel", request_cancel },
        { "may_repeat", request_may_repeat },
        { "__gc", request_cancel },
        { "__close", request_cancel },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
    if (luaL_newmetatable(L, REQUEST_TYPE)) {
        luaL_setfuncs(L, methods, 0);
        lua_pushvalue(L, -1);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    return 0;
}
