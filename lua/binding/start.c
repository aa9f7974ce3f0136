/* What the process was given, and time: start handles, path table, directory, clocks. */
#include <string.h>
#include <swos/clock.h>
#include <swos/message.h>
#include <swos/path.h>
#include <swos/start.h>

#include "binding.h"

/* A table from handle number to its userdata: a start handle is wrapped once and never collected,
 * because libc and libswos use the same numbers. */
#define BORROWED "swos.borrowed"

static void borrowed_push(lua_State *L, handle_t number)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, BORROWED);
    if (lua_geti(L, -1, number) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        handle_t *handle = handle_push_closed(L);
        *handle = number;
        lua_pushvalue(L, -1);
        lua_seti(L, -3, number);
    }
    lua_remove(L, -2);
}

/* swos.handle(name) -> handle; nil when there is none of that name */
static int start_handle(lua_State *L)
{
    const struct sw_start_handle *entry = sw_start_find(luaL_checkstring(L, 1));
    if (!entry || !entry->handle) {
        lua_pushnil(L);
        return 1;
    }
    borrowed_push(L, entry->handle);
    return 1;
}

/* swos.handle_names() -> sequence of names */
static int start_handle_names(lua_State *L)
{
    const struct sw_start_handle *entry;
    lua_newtable(L);
    for (size_t i = 0; (entry = sw_start_handle_at(i)); i++) {
        lua_pushlstring(L, sw_start_text(entry->offset), entry->length);
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* swos.paths() -> sequence of { prefix, connection } */
static int start_paths(lua_State *L)
{
    const struct sw_start_handle *entry;
    lua_newtable(L);
    for (size_t i = 0; (entry = sw_start_path_at(i)); i++) {
        lua_createtable(L, 2, 0);
        lua_pushlstring(L, sw_start_text(entry->offset), entry->length);
        lua_seti(L, -2, 1);
        borrowed_push(L, entry->handle);
        lua_seti(L, -2, 2);
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* swos.environment() -> sequence of "NAME=VALUE" as given at the start */
static int start_environment(lua_State *L)
{
    const char *text;
    lua_newtable(L);
    for (size_t i = 0; (text = sw_start_environment(i)); i++) {
        lua_pushstring(L, text);
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int path_directory(lua_State *L)
{
    char directory[SW_PATH_MAX];
    status_t status = sw_path_directory(directory, sizeof(directory));
    if (status != SW_OK)
        return failure_push(L, status, 0);
    lua_pushstring(L, directory);
    return 1;
}

static int path_change_directory(lua_State *L)
{
    status_t status = sw_path_change_directory(luaL_checkstring(L, 1));
    if (status != SW_OK)
        return failure_push(L, status, sw_last_detail());
    lua_pushboolean(L, 1);
    return 1;
}

static int clock_monotonic(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)sw_clock_monotonic());
    return 1;
}

static int clock_wall(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)sw_clock_wall());
    return 1;
}

/* swos.deadline(seconds) -> deadline that many seconds from now */
static int clock_deadline(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    luaL_argcheck(L, seconds >= 0, 1, "negative");
    uint64_t now = sw_clock_monotonic();
    lua_pushinteger(L, seconds > 1e9 ? (lua_Integer)SW_NEVER
                                     : (lua_Integer)(now + (uint64_t)(seconds * 1e9)));
    return 1;
}

/* swos.sleep(seconds) -> true */
static int clock_sleep(lua_State *L)
{
    clock_deadline(L);
    status_t status = sw_clock_sleep((uint64_t)lua_tointeger(L, -1));
    if (status != SW_OK && status != SW_TIMED_OUT)
        return failure_push(L, status, 0);
    lua_pushboolean(L, 1);
    return 1;
}

/* swos.info() -> the info page as a table */
static int start_info(lua_State *L)
{
    const struct structure *structure = table_structure((unsigned)structure_find("sw_info_page"));
    lua_createtable(L, 0, structure->field_count);
    fields_decode(L, structure->first_field, structure->field_count, sw_info());
    return 1;
}

/* swos.capability_names(mask) -> "console spawn ...", and the bits no name is known for */
static int capability_names(lua_State *L)
{
    uint64_t mask = (uint64_t)luaL_checkinteger(L, 1), unknown = 0;
    luaL_Buffer buffer;
    int first = 1;
    luaL_buffinit(L, &buffer);
    for (unsigned bit = 0; bit < 64; bit++) {
        if (!(mask >> bit & 1))
            continue;
        const char *name = capability_name(bit);
        if (!name) {
            unknown |= 1ull << bit;
            continue;
        }
        if (!first)
            luaL_addchar(&buffer, ' ');
        luaL_addstring(&buffer, name);
        first = 0;
    }
    luaL_pushresult(&buffer);
    lua_pushinteger(L, (lua_Integer)unknown);
    return 2;
}

int start_open_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "handle", start_handle },
        { "handle_names", start_handle_names },
        { "paths", start_paths },
        { "environment", start_environment },
        { "directory", path_directory },
        { "change_directory", path_change_directory },
        { "monotonic", clock_monotonic },
        { "wall", clock_wall },
        { "deadline", clock_deadline },
        { "sleep", clock_sleep },
        { "info", start_info },
        { "capability_names", capability_names },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
    return 0;
}
