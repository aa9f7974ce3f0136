/* swos.confine: runs a chunk of text in a Lua state of its own that has nothing but pure functions
 * and a limit on memory, and brings what it returns out as plain data.
 *
 * An empty environment alone confines nothing in Lua 5.4: byte code, debug and metatables lead out
 * of it. Hence a fresh state without load, debug, pcall, coroutine, io, os, require and without
 * any way to set a metatable; text only; a limit in the allocator. pcall is missing too, for with
 * it a script could outlive its own lack of memory again and again. Time is limited from outside:
 * string functions run below every hook, so init ends the process. The result is copied by raw
 * access within limits; the bytes are those of lua/swos/service/plain.lua. */
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "heap_pages.h"

#define RESULT_BYTES 32768
#define RESULT_DEPTH 8
#define RESULT_VALUES 4096
#define PATH_BYTES 96

struct confined {
    size_t used, limit; /* of its allocator */
    const char *text, *name;
    size_t length;
    char *out;
    size_t written;
    unsigned values;
    char path[PATH_BYTES]; /* the key being copied, for messages */
};

static void *limited_allocate(void *data, void *block, size_t old_size, size_t size)
{
    struct confined *confined = data;
    if (!block)
        old_size = 0; /* it says what the block will be for */
    if (size > old_size && size - old_size > confined->limit - confined->used)
        return NULL;
    void *result = lua_heap_allocate(NULL, block, old_size, size);
    if (result || size == 0)
        confined->used += size - old_size;
    return result;
}

/* ---- the state */

static int no_global(lua_State *L)
{
    return luaL_error(L, "there is no global '%s'", luaL_tolstring(L, 2, NULL));
}

static int no_new_global(lua_State *L)
{
    return luaL_error(L, "global '%s' cannot be set; use local", luaL_tolstring(L, 2, NULL));
}

static void remove_fields(lua_State *L, int table, const char *const *names)
{
    table = lua_absindex(L, table);
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, table, *names);
    }
}

static void open_pure_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        { LUA_GNAME, luaopen_base },        { LUA_TABLIBNAME, luaopen_table },
        { LUA_STRLIBNAME, luaopen_string }, { LUA_MATHLIBNAME, luaopen_math },
        { LUA_UTF8LIBNAME, luaopen_utf8 },  { NULL, NULL }
    };
    static const char *const impure[] = { "_G",       "collectgarbage", "dofile", "getmetatable",
                                          "load",     "loadfile",       "pcall",  "print",
                                          "rawequal", "rawget",         "rawlen", "rawset",
                                          "require",  "setmetatable",   "warn",   "xpcall",
                                          NULL };
    static const char *const impure_string[] = { "dump", NULL };
    static const char *const impure_math[] = { "random", "randomseed", NULL };

    for (const luaL_Reg *library = libraries; library->func; library++) {
        luaL_requiref(L, library->name, library->func, 1);
        lua_pop(L, 1);
    }
    lua_pushglobaltable(L);
    remove_fields(L, -1, impure);
    lua_getfield(L, -1, LUA_STRLIBNAME);
    remove_fields(L, -1, impure_string);
    lua_getfield(L, -2, LUA_MATHLIBNAME);
    remove_fields(L, -1, impure_math);
    lua_pop(L, 2);
    /* what luaL_requiref left behind for require */
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, no_global);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, no_new_global);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

/* ---- the result */

static void put(lua_State *L, struct confined *confined, const void *bytes, size_t length)
{
    if (length > RESULT_BYTES - confined->written)
        luaL_error(L, "the result is larger than %d bytes", RESULT_BYTES);
    memcpy(confined->out + confined->written, bytes, length);
    confined->written += length;
}

static void put_tagged(lua_State *L, struct confined *confined, char tag, const void *bytes,
                       size_t length)
{
    put(L, confined, &tag, 1);
    put(L, confined, bytes, length);
}

/* Adds the key at the top of the stack to the path; returns the path's length before. */
static size_t path_enter(lua_State *L, struct confined *confined)
{
    size_t length = strlen(confined->path);
    char *end = confined->path + length;
    if (lua_type(L, -1) == LUA_TSTRING)
        snprintf(end, PATH_BYTES - length, "%s%s", length ? "." : "", lua_tostring(L, -1));
    else if (lua_isinteger(L, -1))
        snprintf(end, PATH_BYTES - length, "[%lld]", (long long)lua_tointeger(L, -1));
    return length;
}

/* Copies the value at the top of the stack and leaves it there. Nothing here runs code of the
 * script: it has no metatables. */
static void put_value(lua_State *L, struct confined *confined, int depth)
{
    int type = lua_type(L, -1);
    if (++confined->values > RESULT_VALUES)
        luaL_error(L, "the result holds more than %d values", RESULT_VALUES);
    if (type == LUA_TBOOLEAN) {
        put(L, confined, lua_toboolean(L, -1) ? "T" : "F", 1);
    } else if (lua_isinteger(L, -1)) {
        lua_Integer number = lua_tointeger(L, -1);
        put_tagged(L, confined, 'i', &number, sizeof(number));
    } else if (type == LUA_TNUMBER) {
        lua_Number number = lua_tonumber(L, -1);
        put_tagged(L, confined, 'n', &number, sizeof(number));
    } else if (type == LUA_TSTRING) {
        size_t length;
        const char *text = lua_tolstring(L, -1, &length);
        uint32_t stored = (uint32_t)length;
        if (length > RESULT_BYTES)
            luaL_error(L, "the result is larger than %d bytes", RESULT_BYTES);
        put_tagged(L, confined, 's', &stored, sizeof(stored));
        put(L, confined, text, length);
    } else if (type != LUA_TTABLE) {
        luaL_error(L, "%s: the result holds a %s", confined->path[0] ? confined->path : "result",
                   luaL_typename(L, -1));
    } else {
        if (depth == RESULT_DEPTH)
            luaL_error(L, "%s: the result is nested deeper than %d levels", confined->path,
                       RESULT_DEPTH);
        luaL_checkstack(L, 4, "result");
        put(L, confined, "{", 1);
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            size_t path = path_enter(L, confined);
            put_value(L, confined, depth + 1);
            lua_pop(L, 1);
            put_value(L, confined, depth + 1);
            confined->path[path] = 0;
        }
        put(L, confined, "}", 1);
    }
}

/* Everything that may raise, within one protected call. */
static int run(lua_State *L)
{
    struct confined *confined = lua_touserdata(L, 1);
    lua_settop(L, 0);
    open_pure_libraries(L);
    lua_pushfstring(L, "@%s", confined->name);
    if (luaL_loadbufferx(L, confined->text, confined->length, lua_tostring(L, 1), "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    if (!lua_istable(L, -1))
        return luaL_error(L, "%s: expected the script to return a table, got %s", confined->name,
                          luaL_tolstring(L, -1, NULL));
    put_value(L, confined, 0);
    return 0;
}

/* swos.confine(text, name, memory limit) -> true, bytes of the result | false, message */
static int confine(lua_State *L)
{
    struct confined confined = { .limit = (size_t)luaL_checkinteger(L, 3) };
    confined.text = luaL_checklstring(L, 1, &confined.length);
    confined.name = luaL_checkstring(L, 2);
    confined.out = lua_newuserdatauv(L, RESULT_BYTES, 0);
    lua_State *inner = lua_newstate(limited_allocate, &confined);
    if (!inner) {
        lua_pushboolean(L, 0);
        lua_pushliteral(L, "not enough memory");
        return 2;
    }
    lua_pushcfunction(inner, run);
    lua_pushlightuserdata(inner, &confined);
    int status = lua_pcall(inner, 1, 0, 0);
    lua_pushboolean(L, status == LUA_OK);
    if (status == LUA_OK)
        lua_pushlstring(L, confined.out, confined.written);
    else if (lua_type(inner, -1) == LUA_TSTRING)
        lua_pushstring(L, lua_tostring(inner, -1));
    else
        lua_pushfstring(L, "%s: error object is a %s", confined.name, luaL_typename(inner, -1));
    lua_close(inner);
    return 2;
}

int confine_open_module(lua_State *L)
{
    lua_pushcfunction(L, confine);
    lua_setfield(L, -2, "confine");
    return 0;
}
