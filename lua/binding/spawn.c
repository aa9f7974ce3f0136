/* Starting programs: Lua tables into libswos's spawn options. */
#include <string.h>
#include <swos/message.h>
#include <swos/spawn.h>

#include "binding.h"

/* Everything the options point to. Strings and handles are kept alive by the options table. */
struct build {
    struct sw_spawn_options options;
    struct sw_spawn_handle handles[SW_SPAWN_HANDLES_MAX];
    struct sw_spawn_descriptor descriptors[SW_SPAWN_HANDLES_MAX];
    struct sw_spawn_path paths[8];
};

static const char *option_string(lua_State *L, int table, const char *name)
{
    const char *text = NULL;
    if (lua_getfield(L, table, name) != LUA_TNIL)
        text = luaL_checkstring(L, -1);
    lua_pop(L, 1);
    return text;
}

/* A NULL-terminated vector of the strings of table[name]; it lives in a userdata left on the stack.
 */
static const char *const *option_strings(lua_State *L, int table, const char *name)
{
    if (lua_getfield(L, table, name) == LUA_TNIL)
        return NULL;
    luaL_checktype(L, -1, LUA_TTABLE);
    size_t count = lua_rawlen(L, -1);
    const char **vector = lua_newuserdatauv(L, (count + 1) * sizeof(*vector), 0);
    for (size_t i = 0; i < count; i++) {
        lua_geti(L, -2, (lua_Integer)i + 1);
        /* strings only: a number would be converted to one that nothing keeps alive */
        luaL_checktype(L, -1, LUA_TSTRING);
        vector[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    vector[count] = NULL;
    return vector;
}

/* options.handles: { name = handle } or { name = { handle, rights = N, info = N } }; false as
 * handle gives the name and info alone. */
static void option_handles(lua_State *L, int table, struct build *build)
{
    if (lua_getfield(L, table, "handles") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE);
    int handles = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, handles); lua_pop(L, 1)) {
        if (build->options.handle_count == SW_SPAWN_HANDLES_MAX)
            luaL_error(L, "more than %d handles", SW_SPAWN_HANDLES_MAX);
        struct sw_spawn_handle *entry = &build->handles[build->options.handle_count++];
        luaL_checktype(L, -2, LUA_TSTRING);
        entry->name = lua_tostring(L, -2);
        entry->rights = SW_RIGHTS_SAME;
        if (lua_istable(L, -1)) {
            lua_getfield(L, -1, "rights");
            entry->rights = (uint32_t)luaL_optinteger(L, -1, SW_RIGHTS_SAME);
            lua_getfield(L, -2, "info");
            entry->info = (uint32_t)luaL_optinteger(L, -1, 0);
            lua_geti(L, -3, 1);
            entry->handle = lua_toboolean(L, -1) ? handle_check(L, lua_gettop(L)) : 0;
            lua_pop(L, 3);
        } else {
            entry->handle = handle_check(L, lua_gettop(L));
        }
    }
    build->options.handles = build->handles;
}

/* options.descriptors: { [child] = parent } */
static void option_descriptors(lua_State *L, int table, struct build *build)
{
    if (lua_getfield(L, table, "descriptors") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE);
    int descriptors = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, descriptors); lua_pop(L, 1)) {
        if (build->options.descriptor_count == SW_SPAWN_HANDLES_MAX)
            luaL_error(L, "more than %d descriptors", SW_SPAWN_HANDLES_MAX);
        struct sw_spawn_descriptor *entry = &build->descriptors[build->options.descriptor_count++];
        entry->child = (int)luaL_checkinteger(L, -2);
        entry->parent = (int)luaL_checkinteger(L, -1);
    }
    build->options.descriptors = build->descriptors;
}

/* options.paths: { { prefix, connection }... } */
static void option_paths(lua_State *L, int table, struct build *build)
{
    if (lua_getfield(L, table, "paths") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE);
    size_t count = lua_rawlen(L, -1);
    if (count > sizeof(build->paths) / sizeof(build->paths[0]))
        luaL_error(L, "too many paths");
    for (size_t i = 0; i < count; i++) {
        lua_geti(L, -1, (lua_Integer)i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_geti(L, -1, 1);
        build->paths[i].prefix = luaL_checkstring(L, -1);
        lua_geti(L, -2, 2);
        build->paths[i].connection = handle_check(L, lua_gettop(L));
        lua_pop(L, 3);
    }
    build->options.paths = build->paths;
    build->options.path_count = count;
}

static void options_build(lua_State *L, int table, struct build *build)
{
    memset(build, 0, sizeof(*build));
    luaL_checktype(L, table, LUA_TTABLE);
    luaL_checkstack(L, 24, NULL);
    lua_getfield(L, table, "job");
    build->options.job = handle_optional(L, lua_gettop(L));
    build->options.arguments = option_strings(L, table, "arguments");
    build->options.environment = option_strings(L, table, "environment");
    option_handles(L, table, build);
    option_descriptors(L, table, build);
    option_paths(L, table, build);
    lua_getfield(L, table, "bare");
    build->options.bare = lua_toboolean(L, -1);
    build->options.directory = option_string(L, table, "directory");
    build->options.name = option_string(L, table, "name");
    lua_getfield(L, table, "drop_caps");
    build->options.drop_caps = (uint64_t)luaL_optinteger(L, -1, 0);
    lua_getfield(L, table, "band");
    build->options.band = (uint32_t)luaL_optinteger(L, -1, 0);
}

static int spawned(lua_State *L, status_t status, uint32_t detail, uint32_t pid)
{
    if (status != SW_OK)
        return failure_push(L, status, detail);
    lua_pushinteger(L, pid);
    return 2;
}

/* swos.spawn(path, options) -> process, pid */
static int spawn_program(lua_State *L)
{
    struct build build;
    const char *path = luaL_checkstring(L, 1);
    options_build(L, 2, &build);
    handle_t *process = handle_push_closed(L);
    uint32_t pid = 0;
    status_t status = sw_spawn_program(path, &build.options, process, &pid);
    return spawned(L, status, sw_last_detail(), pid);
}

/* swos.spawn_loaded(program bytes, { memory handles }, options) -> process, pid; never waits. */
static int spawn_loaded(lua_State *L)
{
    struct build build;
    struct sw_program program;
    handle_t memory[4] = { 0 };
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);
    luaL_argcheck(L, length == sizeof(program), 1, "not a struct sw_program");
    memcpy(&program, bytes, sizeof(program));
    luaL_checktype(L, 2, LUA_TTABLE);
    for (int i = 0; i < 4; i++) {
        lua_geti(L, 2, i + 1);
        memory[i] = handle_optional(L, lua_gettop(L));
        lua_pop(L, 1);
    }
    options_build(L, 3, &build);
    handle_t *process = handle_push_closed(L);
    uint32_t pid = 0;
    status_t status = sw_spawn_loaded(&program, memory, &build.options, process, &pid);
    return spawned(L, status, 0, pid);
}

/* swos.process_wait(process [, deadline]) -> status */
static int process_wait(lua_State *L)
{
    int32_t exit_status = 0;
    status_t status = sw_process_wait(
        handle_check(L, 1), (uint64_t)luaL_optinteger(L, 2, (lua_Integer)SW_NEVER), &exit_status);
    if (status != SW_OK)
        return failure_push(L, status, 0);
    lua_pushinteger(L, exit_status);
    return 1;
}

int spawn_open_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "spawn", spawn_program },
        { "spawn_loaded", spawn_loaded },
        { "process_wait", process_wait },
        { NULL, NULL },
    };
    luaL_setfuncs(L, functions, 0);
    return 0;
}
