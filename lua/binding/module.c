/* The module `swos`: functions of all files, constants by name (SW_ dropped: swos.OPEN_READ,
 * swos.RIGHT_CALL, swos.TYPE_job), and the library modules on first use (swos.fs, swos.loop). */
#include <malloc.h>
#include <string.h>

#include "binding.h"
#include "heap_pages.h"

/* swos[name] for what is not there yet; found once, then kept in the table. */
static int module_index(lua_State *L)
{
    const char *name = luaL_checkstring(L, 2);
    int64_t value;
    if (constant_find(name, &value)) {
        lua_pushinteger(L, value);
    } else {
        lua_getglobal(L, "require");
        lua_pushfstring(L, "swos.%s", name);
        lua_call(L, 1, 1);
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

/* swos.trim() -> bytes: collects garbage (twice: finalizers may free more), gives free heap pages
 * and unused call objects back; returns how much lives in the Lua state. */
static int module_trim(lua_State *L)
{
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    call_trim();
    lua_heap_trim();
    malloc_trim(0);
    lua_pushinteger(L, (lua_Integer)lua_gc(L, LUA_GCCOUNT) * 1024 + lua_gc(L, LUA_GCCOUNTB));
    return 1;
}

int luaopen_swos(lua_State *L)
{
    handle_open_module(L);
    lua_createtable(L, 0, 48);
    codec_open_module(L);
    syscall_open_module(L);
    call_open_module(L);
    port_open_module(L);
    start_open_module(L);
    spawn_open_module(L);
    fd_open_module(L);
    confine_open_module(L);
    stream_open_module(L);
    lua_pushcfunction(L, module_trim);
    lua_setfield(L, -2, "trim");
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, module_index);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    return 1;
}
