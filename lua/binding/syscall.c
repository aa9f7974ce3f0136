/* swos.sys.NAME(...): every plain system call, decoded by the generated table.
 *
 * Arguments come in the order of the table: handles, integers, tables (or bytes) for structures,
 * strings for bytes read by the kernel (their length is filled in), a number of bytes for bytes
 * it writes. Results: what was written first (a table, or a string cut to the first number
 * returned), then the remaining outputs; true when there is nothing to return. A failure is nil,
 * message, "NAME", and for a partial transfer the bytes done. */
#include <stdlib.h>
#include <string.h>

#include "binding.h"

/* One call by number: in[] goes to x0..x7, out[] comes from x0..x3. */
static status_t raw_call(unsigned number, const uint64_t in[8], uint64_t out[4])
{
    register uint64_t x0 __asm__("x0") = in[0];
    register uint64_t x1 __asm__("x1") = in[1];
    register uint64_t x2 __asm__("x2") = in[2];
    register uint64_t x3 __asm__("x3") = in[3];
    register uint64_t x4 __asm__("x4") = in[4];
    register uint64_t x5 __asm__("x5") = in[5];
    register uint64_t x6 __asm__("x6") = in[6];
    register uint64_t x7 __asm__("x7") = in[7];
    register uint64_t x8 __asm__("x8") = number;
    __asm__ volatile("svc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     : "r"(x4), "r"(x5), "r"(x6), "r"(x7), "r"(x8)
                     : "memory", "cc");
    out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
    return (status_t)x0;
}

/* Upper bound of one transfer into a Lua string. */
#define BYTES_MAX (16u << 20)

static int system_call_invoke(lua_State *L)
{
    const struct system_call *call = lua_touserdata(L, lua_upvalueindex(1));
    union {
        char bytes[1024]; /* larger than every structure of the ABI */
        uint64_t align;
    } structure;
    const struct structure *written = NULL;
    uint64_t in[8] = { 0 }, out[4];
    char *buffer = NULL;
    size_t capacity = 0;
    int argument = 1;
    lua_settop(L, call->argument_count);
    luaL_checkstack(L, 16, NULL);
    for (unsigned i = 0; i < call->argument_count; i++) {
        switch (call->arguments[i].kind) {
        case ARGUMENT_HANDLE:
            in[i] = handle_check(L, argument++);
            break;
        case ARGUMENT_OPTIONAL:
            in[i] = handle_optional(L, argument++);
            break;
        case ARGUMENT_STRUCT_IN:
            structure_encode(L, argument++, table_structure(call->arguments[i].structure),
                             structure.bytes);
            in[i] = (uintptr_t)structure.bytes;
            break;
        case ARGUMENT_STRUCT_OUT:
            written = table_structure(call->arguments[i].structure);
            in[i] = (uintptr_t)structure.bytes;
            break;
        case ARGUMENT_BYTES_IN: {
            size_t length;
            in[i] = (uintptr_t)luaL_checklstring(L, argument++, &length);
            in[++i] = length;
            break;
        }
        case ARGUMENT_BYTES_OUT:
            capacity = (size_t)luaL_checkinteger(L, argument);
            luaL_argcheck(L, capacity <= BYTES_MAX, argument, "too many bytes");
            argument++;
            buffer = lua_newuserdatauv(L, capacity + 1, 0);
            in[i] = (uintptr_t)buffer;
            in[++i] = capacity;
            break;
        default:
            in[i] = (uint64_t)luaL_checkinteger(L, argument++);
            break;
        }
    }
    handle_t *handles[3] = { NULL };
    int first_handle = lua_gettop(L) + 1;
    for (unsigned i = 0; i < 3; i++)
        if (call->outputs[i] == OUTPUT_HANDLE)
            handles[i] = handle_push_closed(L);
    if (written && written->size > sizeof(structure))
        return luaL_error(L, "structure too large");
    status_t status = raw_call(call->number, in, out);
    if (status != SW_OK) {
        int results = failure_push(L, status, 0);
        if (call->outputs[0] == OUTPUT_NUMBER) {
            lua_pushinteger(L, (lua_Integer)out[1]);
            results++;
        }
        return results;
    }
    int results = 0;
    unsigned next = 0;
    if (buffer) {
        size_t length = capacity;
        if (call->outputs[0] == OUTPUT_NUMBER) {
            length = out[1] <= capacity ? (size_t)out[1] : capacity;
            next = 1;
        }
        lua_pushlstring(L, buffer, length);
        results++;
    } else if (written) {
        lua_createtable(L, 0, written->field_count);
        fields_decode(L, written->first_field, written->field_count, structure.bytes);
        results++;
    }
    for (unsigned i = next, at = 0; i < 3 && call->outputs[i] != OUTPUT_NONE; i++) {
        if (handles[i]) {
            *handles[i] = (handle_t)out[1 + i];
            lua_pushvalue(L, first_handle + (int)at++);
        } else {
            lua_pushinteger(L, (lua_Integer)out[1 + i]);
        }
        results++;
    }
    if (results == 0) {
        lua_pushboolean(L, 1);
        results = 1;
    }
    return results;
}

/* sys[name]: the call as a function, kept in the table. */
static int sys_index(lua_State *L)
{
    const char *name = luaL_checkstring(L, 2);
    const struct system_call *call = system_call_find(name);
    if (!call)
        return luaL_error(L, "no system call '%s'", name);
    lua_pushlightuserdata(L, (void *)call);
    lua_pushcclosure(L, system_call_invoke, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

/* sys.job_list(job, first, count) -> sequence of process infos */
static int sys_job_list(lua_State *L)
{
    handle_t job = handle_check(L, 1);
    lua_Integer first = luaL_optinteger(L, 2, 0), count = luaL_optinteger(L, 3, SW_JOB_LIST_MAX);
    luaL_argcheck(L, count > 0 && count <= SW_JOB_LIST_MAX, 3, "1 to JOB_LIST_MAX");
    struct sw_process_info *infos = lua_newuserdatauv(L, (size_t)count * sizeof(*infos), 0);
    uint32_t filled = 0;
    status_t status = sw_job_list(job, (uint32_t)first, infos, (uint32_t)count, &filled);
    if (status != SW_OK)
        return failure_push(L, status, 0);
    const struct structure *structure =
        table_structure((unsigned)structure_find("sw_process_info"));
    lua_createtable(L, (int)filled, 0);
    for (uint32_t i = 0; i < filled; i++) {
        lua_createtable(L, 0, structure->field_count);
        fields_decode(L, structure->first_field, structure->field_count, &infos[i]);
        lua_seti(L, -2, i + 1);
    }
    return 1;
}

int syscall_open_module(lua_State *L)
{
    lua_createtable(L, 0, 16);
    lua_pushcfunction(L, sys_job_list);
    lua_setfield(L, -2, "job_list");
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, sys_index);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "sys");
    return 0;
}
