/* Handles as userdata: closed by close(), by <close> and by the collector. */
#include "binding.h"

#define HANDLE_TYPE "swos.handle"

handle_t *handle_push_closed(lua_State *L)
{
    handle_t *handle = lua_newuserdatauv(L, sizeof(*handle), 0);
    *handle = 0;
    luaL_setmetatable(L, HANDLE_TYPE);
    return handle;
}

handle_t handle_check(lua_State *L, int index)
{
    const handle_t *handle = luaL_checkudata(L, index, HANDLE_TYPE);
    if (!*handle)
        luaL_argerror(L, index, "the handle is closed");
    return *handle;
}

handle_t handle_optional(lua_State *L, int index)
{
    return lua_isnoneornil(L, index) ? 0 : handle_check(L, index);
}

static int handle_close(lua_State *L)
{
    handle_t *handle = luaL_checkudata(L, 1, HANDLE_TYPE);
    if (*handle)
        sw_handle_close(*handle);
    *handle = 0;
    return 0;
}

static int handle_tostring(lua_State *L)
{
    const handle_t *handle = luaL_checkudata(L, 1, HANDLE_TYPE);
    if (*handle)
        lua_pushfstring(L, "handle (%I)", (lua_Integer)*handle);
    else
        lua_pushliteral(L, "handle (closed)");
    return 1;
}

/* handle:is_open() */
static int handle_is_open(lua_State *L)
{
    const handle_t *handle = luaL_checkudata(L, 1, HANDLE_TYPE);
    lua_pushboolean(L, *handle != 0);
    return 1;
}

/* handle:duplicate([rights]) */
static int handle_duplicate(lua_State *L)
{
    handle_t handle = handle_check(L, 1);
    lua_Integer rights = luaL_optinteger(L, 2, SW_RIGHTS_SAME);
    handle_t *copy = handle_push_closed(L);
    status_t status = sw_handle_duplicate(handle, (uint32_t)rights, copy);
    return status == SW_OK ? 1 : failure_push(L, status, 0);
}

/* handle:info() -> type number, rights, object number */
static int handle_info(lua_State *L)
{
    uint32_t type = 0, rights = 0;
    uint64_t id = 0;
    status_t status = sw_handle_info(handle_check(L, 1), &type, &rights, &id);
    if (status != SW_OK)
        return failure_push(L, status, 0);
    lua_pushinteger(L, type);
    lua_pushinteger(L, rights);
    lua_pushinteger(L, (lua_Integer)id);
    return 3;
}

int handle_open_module(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "close", handle_close },         { "duplicate", handle_duplicate },
        { "info", handle_info },           { "is_open", handle_is_open },
        { "__gc", handle_close },          { "__close", handle_close },
        { "__tostring", handle_tostring }, { NULL, NULL },
    };
    if (luaL_newmetatable(L, HANDLE_TYPE)) {
        luaL_setfuncs(L, methods, 0);
        lua_pushvalue(L, -1);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    return 0;
}
