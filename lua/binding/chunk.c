/* Where Lua code comes from, and what may be byte code.
 *
 * Byte code can do anything to the interpreter, so it is taken only from what a signature covers:
 * the boot bundle, the interpreter itself, and memory that may be mapped executable, a right only
 * the holder of the code authority (imgfs) can make. Everything else is text, what load() gets
 * too. */
#include <stdlib.h>
#include <string.h>
#include <swos/mapping.h>
#include <swos/path.h>
#include <swos/start.h>

#include "binding.h"
#include "bundle.h"
#include <lua/modules.inc>

#define LIBRARY "/lib/lua/"

/* Loads code, skipping a first line that starts with '#' as luaL_loadfilex does. */
static int load(lua_State *L, const char *bytes, size_t length, const char *name, const char *mode)
{
    if (length > 0 && bytes[0] == '#') {
        const char *end = memchr(bytes, '\n', length);
        size_t skipped = end ? (size_t)(end - bytes) : length;
        /* The newline stays, so that line numbers are right, but not before byte code. */
        if (end && skipped + 1 < length && end[1] == LUA_SIGNATURE[0])
            skipped++;
        bytes += skipped;
        length -= skipped;
    }
    lua_pushfstring(L, "@%s", name);
    int status = luaL_loadbufferx(L, bytes, length, lua_tostring(L, -1), mode);
    lua_remove(L, -2);
    return status;
}

static int load_failed(lua_State *L, const char *name, status_t status)
{
    lua_pushfstring(L, "cannot open %s: %s", name, status_message(status));
    return LUA_ERRFILE;
}

/* Loads memory holding `size` bytes of code. */
static int load_memory(lua_State *L, handle_t memory, size_t size, const char *name)
{
    uint32_t type, rights = 0;
    uint64_t id;
    void *mapped;
    status_t status = sw_handle_info(memory, &type, &rights, &id);
    if (status == SW_OK && size == 0)
        status = SW_BAD_IMAGE;
    if (status == SW_OK)
        status = sw_mapping_map(memory, 0, size, SW_MAP_READ, &mapped);
    if (status != SW_OK)
        return load_failed(L, name, status);
    int result = load(L, mapped, size, name, rights & SW_RIGHT_EXECUTE ? "bt" : "t");
    sw_mapping_unmap(mapped, size);
    return result;
}

/* ---- the boot bundle, which only init has */

/* The bundle, mapped once for good; NULL when this process has none. */
static const struct bundle_header *bundle_map(void)
{
    static const struct bundle_header *bundle;
    handle_t memory = sw_start_get("bundle");
    uint64_t size, committed;
    uint32_t sealed;
    void *mapped;
    if (bundle || !memory)
        return bundle;
    if (sw_memory_info(memory, &size, &committed, &sealed) != SW_OK ||
        sw_mapping_map(memory, 0, size, SW_MAP_READ, &mapped) != SW_OK)
        return NULL;
    const struct bundle_header *header = mapped;
    if (memcmp(header->magic, BUNDLE_MAGIC, sizeof(header->magic)) ||
        header->version != BUNDLE_VERSION ||
        sizeof(*header) + header->entry_count * (uint64_t)sizeof(struct bundle_entry) > size)
        return NULL;
    return bundle = header;
}

static const struct bundle_entry *bundle_find(const char *name)
{
    const struct bundle_header *bundle = bundle_map();
    const struct bundle_entry *entries = bundle ? (const void *)(bundle + 1) : NULL;
    for (uint32_t i = 0; bundle && i < bundle->entry_count; i++)
        if (entries[i].kind == BUNDLE_FILE &&
            !strncmp(entries[i].name, name, sizeof(entries[i].name)))
            return &entries[i];
    return NULL;
}

static int bundle_load(lua_State *L, const struct bundle_entry *entry)
{
    return load(L, (const char *)bundle_map() + entry->offset, entry->size, entry->name, "bt");
}

/* ---- image files */

/* Opens a file for execution; *out_size is the length of its text. */
static status_t image_open(const char *path, handle_t *out_memory, size_t *out_size)
{
    struct sw_place place;
    struct sw_file_open_program_reply reply;
    handle_t memory[4];
    status_t status = sw_path_resolve(path, &place);
    if (status == SW_OK)
        status = sw_file_open_program(place.connection, place.path, place.length, &reply,
                                      &memory[0], &memory[1], &memory[2], &memory[3], SW_NEVER);
    if (status != SW_OK)
        return status;
    for (int i = reply.form == 2; i < 4; i++)
        if (memory[i])
            sw_handle_close(memory[i]);
    if (reply.form != 2)
        return SW_BAD_IMAGE;
    *out_memory = memory[0];
    *out_size = reply.attributes.size;
    return SW_OK;
}

static int image_load(lua_State *L, const char *path)
{
    handle_t memory;
    size_t size;
    status_t status = image_open(path, &memory, &size);
    if (status != SW_OK)
        return load_failed(L, path, status);
    int result = load_memory(L, memory, size, path);
    sw_handle_close(memory);
    return result;
}

/* ---- searchers: each returns a loader and where it is from, or a message */

static const char *with_slashes(lua_State *L, const char *module)
{
    return luaL_gsub(L, module, ".", "/");
}

static int searched(lua_State *L, int status, const char *module)
{
    if (status != LUA_OK)
        return luaL_error(L, "error loading module '%s':\n\t%s", module, lua_tostring(L, -1));
    return 1;
}

static int search_bundle(lua_State *L)
{
    const char *module = luaL_checkstring(L, 1);
    lua_pushfstring(L, "lua/%s.lua", with_slashes(L, module));
    const struct bundle_entry *entry = bundle_find(lua_tostring(L, -1));
    if (!entry) {
        lua_pushfstring(L, "no entry '%s' in the boot bundle", lua_tostring(L, -1));
        return 1;
    }
    return searched(L, bundle_load(L, entry), module);
}

static int search_built_in(lua_State *L)
{
    const char *module = luaL_checkstring(L, 1);
    for (size_t i = 0; i < sizeof(module_table) / sizeof(module_table[0]); i++) {
        const struct module_entry *entry = &module_table[i];
        if (strcmp(module_names + entry->name, module))
            continue;
        lua_pushfstring(L, "=%s", module);
        return searched(L,
                        luaL_loadbufferx(L, module_bytes + entry->offset, entry->size,
                                         lua_tostring(L, -1), "b"),
                        module);
    }
    lua_pushfstring(L, "no built-in module '%s'", module);
    return 1;
}

static int search_image(lua_State *L)
{
    const char *module = luaL_checkstring(L, 1);
    lua_pushfstring(L, LIBRARY "%s.lua", with_slashes(L, module));
    const char *path = lua_tostring(L, -1);
    int status = image_load(L, path);
    if (status == LUA_ERRFILE)
        return 1; /* the message says why */
    return searched(L, status, module);
}

void chunk_install_searchers(lua_State *L)
{
    static const lua_CFunction searchers[] = { search_built_in, search_image };
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers");
    /* Slot 1 is preload. The stock searchers of files and C modules go: package.path is a means
     * to load text of any place, and there is no dynamic loader. */
    for (lua_Integer i = luaL_len(L, -1); i > 1; i--) {
        lua_pushnil(L);
        lua_seti(L, -2, i);
    }
    lua_Integer slot = 2;
    if (sw_start_get("bundle")) {
        lua_pushcfunction(L, search_bundle);
        lua_seti(L, -2, slot++);
    }
    for (size_t i = 0; i < sizeof(searchers) / sizeof(searchers[0]); i++) {
        lua_pushcfunction(L, searchers[i]);
        lua_seti(L, -2, slot++);
    }
    lua_pop(L, 2);
}

/* load(chunk, name, mode, env) for text only; upvalue 1 is Lua's own load. */
static int load_text(lua_State *L)
{
    int count = lua_gettop(L) > 4 ? 4 : lua_gettop(L);
    lua_settop(L, count < 3 ? 3 : count); /* a missing env differs from nil */
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* loadfile([name [, mode [, env]]]) for text only. */
static int load_file_text(lua_State *L)
{
    if (luaL_loadfilex(L, luaL_optstring(L, 1, NULL), "t") != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (!lua_isnone(L, 3)) {
        lua_pushvalue(L, 3);
        if (!lua_setupvalue(L, -2, 1))
            lua_pop(L, 1);
    }
    return 1;
}

static int do_file_text(lua_State *L)
{
    const char *name = luaL_optstring(L, 1, NULL);
    lua_settop(L, 1);
    if (luaL_loadfilex(L, name, "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

void chunk_restrict_loading(lua_State *L)
{
    lua_getglobal(L, "load");
    lua_pushcclosure(L, load_text, 1);
    lua_setglobal(L, "load");
    lua_register(L, "loadfile", load_file_text);
    lua_register(L, "dofile", do_file_text);
}

int chunk_load_script(lua_State *L, const char *name)
{
    static const char prefix[] = "bundle:";
    if (!strncmp(name, prefix, sizeof(prefix) - 1)) {
        const struct bundle_entry *entry = bundle_find(name + sizeof(prefix) - 1);
        return entry ? bundle_load(L, entry) : load_failed(L, name, SW_NOT_FOUND);
    }
    /* An image's script comes as a handle from whoever spawned us. */
    const struct sw_start_handle *script = sw_start_find("script");
    if (script && script->handle)
        return load_memory(L, script->handle, script->info, name);
    int status = image_load(L, name);
    if (status != LUA_ERRFILE)
        return status;
    lua_pop(L, 1);
    return luaL_loadfilex(L, name, "t");
}
