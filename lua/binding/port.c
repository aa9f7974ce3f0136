/* Ports and the server side: waiting for events, decoding requests, answering them. */
#include <string.h>
#include <swos/message.h>

#include "binding.h"

/* Requests of Lua servers are small; a longer one is refused, not read. */
#define REQUEST_CAPACITY 1024

/* Checks a request by the tables, in the order of the generated C dispatchers, and pushes {
 * protocol =, operation =, request = {...} }, or the same with refuse = "NAME" and detail = N. */
static void message_push(lua_State *L, const struct sw_event *event, const char *bytes)
{
    const struct sw_request_header *header = (const void *)bytes;
    const struct operation *operation = NULL;
    status_t refuse = SW_OK;
    uint32_t detail = 0, length = event->request_length;

    lua_createtable(L, 0, 12);
    lua_pushinteger(L, (lua_Integer)event->token);
    lua_setfield(L, -2, "token");
    lua_pushinteger(L, (lua_Integer)event->badge);
    lua_setfield(L, -2, "badge");
    lua_pushinteger(L, (lua_Integer)event->caps);
    lua_setfield(L, -2, "caps");
    lua_pushinteger(L, event->principal);
    lua_setfield(L, -2, "principal");
    lua_pushinteger(L, event->session);
    lua_setfield(L, -2, "session");
    lua_pushinteger(L, event->pid);
    lua_setfield(L, -2, "pid");
    lua_pushinteger(L, (lua_Integer)event->data_length);
    lua_setfield(L, -2, "data_length");
    lua_createtable(L, (int)event->received_count, 0);
    for (unsigned i = 0; i < event->received_count && i < SW_HANDLES_MAX; i++) {
        handle_t *handle = handle_push_closed(L);
        *handle = event->received[i];
        lua_seti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "handles");

    if (length < sizeof(*header) || length > REQUEST_CAPACITY)
        refuse = length < sizeof(*header) ? SW_BAD_MESSAGE : SW_TOO_LARGE;
    else if (!(operation = operation_find_number(header->protocol, header->operation)))
        refuse = SW_NOT_SUPPORTED;
    else if (header->version != table_protocol(operation->protocol)->version)
        refuse = SW_VERSION, detail = table_protocol(operation->protocol)->version;
    else if (operation->capability && !(event->caps >> (operation->capability - 1) & 1))
        refuse = SW_ACCESS, detail = operation->capability;
    else if (length < operation->request.size)
        refuse = SW_BAD_MESSAGE;
    else if (event->reply_capacity < operation->reply.size)
        refuse = SW_TOO_LARGE;
    else if (operation->data != DATA_NONE &&
             !(event->bits & (operation->data == DATA_IN ? SW_CALL_DATA_IN : SW_CALL_DATA_OUT)))
        refuse = SW_BAD_MESSAGE;

    if (operation) {
        const struct part *part = &operation->request;
        lua_pushstring(L, table_name(table_protocol(operation->protocol)->name));
        lua_setfield(L, -2, "protocol");
        lua_pushstring(L, table_name(operation->name));
        lua_setfield(L, -2, "operation");
        if (refuse == SW_OK) {
            lua_createtable(L, 0, part->field_count + part->string_count);
            fields_decode(L, part->first_field, part->field_count, bytes);
            size_t at = part->size;
            for (unsigned i = 0; i < part->string_count; i++) {
                uint32_t size;
                memcpy(&size, bytes + part->lengths + 4 * i, 4);
                if (size > length - at) {
                    refuse = SW_BAD_MESSAGE;
                    break;
                }
                lua_pushlstring(L, bytes + at, size);
                lua_setfield(L, -2, string_name(part->first_string + i));
                at += size;
            }
            if (refuse == SW_OK && part->string_count && at != length)
                refuse = SW_BAD_MESSAGE;
            lua_setfield(L, -2, "request");
        }
    }
    if (refuse != SW_OK) {
        lua_pushstring(L, status_name(refuse));
        lua_setfield(L, -2, "refuse");
        lua_pushinteger(L, detail);
        lua_setfield(L, -2, "detail");
    }
}

/* swos.port_wait(port, deadline) -> kind, key, bits, badge [, message] */
static int port_wait(lua_State *L)
{
    handle_t port = handle_check(L, 1);
    lua_Integer deadline = luaL_optinteger(L, 2, (lua_Integer)SW_NEVER);
    luaL_checkstack(L, 16, NULL);
    union {
        char bytes[REQUEST_CAPACITY];
        uint64_t align;
    } buffer;
    struct sw_wait wait = { .buffer = (uintptr_t)buffer.bytes, .capacity = sizeof(buffer.bytes) };
    status_t status = sw_port_wait(port, &wait, (uint64_t)deadline);
    if (status != SW_OK)
        return failure_push(L, status, 0);
    lua_pushinteger(L, wait.event.kind);
    lua_pushinteger(L, (lua_Integer)wait.event.key);
    lua_pushinteger(L, wait.event.bits);
    lua_pushinteger(L, (lua_Integer)wait.event.badge);
    if (wait.event.kind != SW_EVENT_MESSAGE)
        return 4;
    message_push(L, &wait.event, buffer.bytes);
    return 5;
}

/* swos.reply(message, table | nil [, "STATUS" [, detail]]): answers a message once. The table has
 * the reply's fields and strings, and handles under the names of the operation; they are moved. */
static int message_reply(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    status_t status = SW_OK;
    const char *name = luaL_optstring(L, 3, "OK");
    if (!status_find(name, &status))
        return luaL_error(L, "no status '%s'", name);
    uint32_t detail = (uint32_t)luaL_optinteger(L, 4, 0);
    lua_settop(L, 2);
    luaL_checkstack(L, 16, NULL);

    const struct operation *operation = NULL;
    lua_getfield(L, 1, "protocol");
    lua_getfield(L, 1, "operation");
    if (lua_isstring(L, -1) && lua_isstring(L, -2))
        operation = operation_find(lua_tostring(L, -2), lua_tostring(L, -1));
    lua_getfield(L, 1, "token");
    uint64_t token = (uint64_t)luaL_checkinteger(L, -1);

    union {
        struct sw_reply_header header;
        char bytes[REQUEST_CAPACITY];
    } answer;
    memset(&answer, 0, sizeof(answer));
    answer.header.status = status;
    answer.header.detail = detail;
    struct sw_reply reply = { .data = (uintptr_t)answer.bytes, .length = sizeof(answer.header) };
    handle_t *moved[SW_HANDLES_MAX];
    if (operation && status == SW_OK) {
        const struct part *part = &operation->reply;
        reply.length = part->size;
        if (lua_istable(L, 2)) {
            fields_encode(L, 2, part->first_field, part->field_count, answer.bytes);
            for (unsigned i = 0; i < part->string_count; i++) {
                lua_getfield(L, 2, string_name(part->first_string + i));
                size_t length;
                const char *text = luaL_checklstring(L, -1, &length);
                if (length > sizeof(answer.bytes) - reply.length)
                    return luaL_error(L, "the reply is too long");
                uint32_t stored = (uint32_t)length;
                memcpy(answer.bytes + part->lengths + 4 * i, &stored, 4);
                memcpy(answer.bytes + reply.length, text, length);
                reply.length += stored;
                lua_pop(L, 1);
            }
            for (unsigned i = 0; i < operation->receive_count; i++) {
                if (lua_getfield(L, 2, string_name(operation->first_receive + i)) != LUA_TNIL) {
                    handle_check(L, lua_gettop(L));
                    moved[reply.send_count] = lua_touserdata(L, -1);
                    reply.send[reply.send_count] = *moved[reply.send_count];
                    reply.send_move |= 1u << reply.send_count;
                    reply.send_count++;
                }
                lua_pop(L, 1);
            }
        }
    }
    status = sw_reply(token, &reply);
    if (status == SW_TOO_LARGE) { /* the caller hears that, or without room for it just the end */
        struct sw_reply refusal = { .data = (uintptr_t)answer.bytes,
                                    .length = sizeof(answer.header) };
        if (answer.header.status == SW_OK)
            answer.header.status = SW_TOO_LARGE;
        if (sw_reply(token, &refusal) == SW_TOO_LARGE) {
            refusal.length = 0;
            sw_reply(token, &refusal);
        }
    }
    if (status != SW_OK)
        return failure_push(L, status, 0);
    for (unsigned i = 0; i < reply.send_count; i++)
        *moved[i] = 0;
    lua_pushboolean(L, 1);
    return 1;
}

int port_open_module(lua_State *L)
{
    static const luaL_Reg functions[] = { { "port_wait", port_wait },
                                          { "reply", message_reply },
                                          { NULL, NULL } };
    luaL_setfuncs(L, functions, 0);
    return 0;
}
