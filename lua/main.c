/* /bin/lua: the interpreter. Runs scripts, -e chunks, or a prompt; also init, from the bundle.
 *
 *     lua [-e CHUNK] [-l MODULE] [-i] [-v] [SCRIPT | -] [ARGUMENT...]
 *
 * The state is never closed: the process ends, and the kernel takes everything back faster. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>
#include <swos/start.h>
#include <unistd.h>

#include "binding/binding.h"
#include "heap_pages.h"

#define LINE_MAX_BYTES 4096

unsigned int sw_lua_seed(void);

/* Seed of Lua's string hashes, from the random bytes of the start block. */
unsigned int sw_lua_seed(void)
{
    unsigned int seed;
    memcpy(&seed, sw_start_block()->seed + 24, sizeof(seed));
    return seed;
}

/* Only for errors outside every protected call, which is to say no memory at the start. */
static int panicked(lua_State *L)
{
    const char *message = lua_tostring(L, -1);
    fprintf(stderr, "lua: %s\n", message ? message : "error object is not a string");
    return 0; /* Lua aborts */
}

static int is_supervisor(void)
{
    return sw_start_get("bundle") != 0;
}

/* Message of an error, with a back-trace. */
static int message_handler(lua_State *L)
{
    const char *message = lua_tostring(L, 1);
    if (!message) {
        if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING)
            return 1;
        message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    }
    luaL_traceback(L, L, message, 1);
    return 1;
}

static int call_with_trace(lua_State *L, int arguments, int results)
{
    int base = lua_gettop(L) - arguments;
    lua_pushcfunction(L, message_handler);
    lua_insert(L, base);
    int status = lua_pcall(L, arguments, results, base);
    lua_remove(L, base);
    return status;
}

/* Reports the error at the top: on stderr, or in the kernel log when there is none (init). */
static int report(lua_State *L, int status)
{
    if (status == LUA_OK)
        return status;
    const char *message = lua_tostring(L, -1);
    if (!message)
        message = "(no message)";
    if (is_supervisor()) {
        /* a log line holds 240 bytes: one line of the trace each */
        for (const char *end; *message; message = *end ? end + 1 : end) {
            end = strchr(message, '\n');
            end = end ? end : message + strlen(message);
            sw_log(SW_LOG_ERROR, "%.*s", (int)(end - message), message);
        }
    } else {
        fprintf(stderr, "lua: %s\n", message);
        fflush(stderr);
    }
    lua_pop(L, 1);
    return status;
}

static int run_string(lua_State *L, const char *text, const char *name)
{
    int status = luaL_loadbufferx(L, text, strlen(text), name, "t");
    return report(L, status == LUA_OK ? call_with_trace(L, 0, 0) : status);
}

static int require_module(lua_State *L, const char *name)
{
    lua_getglobal(L, "require");
    lua_pushstring(L, name);
    int status = call_with_trace(L, 1, 1);
    if (status == LUA_OK)
        lua_setglobal(L, name);
    return report(L, status);
}

/* Runs the script arguments[script] with the arguments behind it. */
static int run_script(lua_State *L, char **arguments, int script)
{
    const char *name = arguments[script];
    int status = strcmp(name, "-") ? chunk_load_script(L, name) : luaL_loadfilex(L, NULL, "t");
    int count = 0;
    while (arguments[script + 1 + count])
        count++;
    if (status == LUA_OK &&
        !lua_checkstack(L, count + 1)) { /* one more for the handler of errors */
        lua_pushliteral(L, "too many arguments");
        status = LUA_ERRMEM;
    }
    if (status == LUA_OK) {
        for (int i = 0; i < count; i++)
            lua_pushstring(L, arguments[script + 1 + i]);
        status = call_with_trace(L, count, 0);
    }
    return report(L, status);
}

/* ---- the prompt */

/* Pushes a line without its newline; 0 at the end of the input. */
static int line_read(lua_State *L, const char *prompt)
{
    char line[LINE_MAX_BYTES];
    fputs(prompt, stdout);
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return 0;
    line[strcspn(line, "\n")] = 0;
    lua_pushstring(L, line);
    return 1;
}

/* Whether loading failed because the chunk goes on in the next line. */
static int is_incomplete(lua_State *L, int status)
{
    size_t length;
    const char *message = lua_tolstring(L, -1, &length);
    return status == LUA_ERRSYNTAX && length >= 5 && !strcmp(message + length - 5, "<eof>");
}

/* Turns the line at the top into a chunk, reading more lines while it is incomplete. 0: end of
 * input. */
static int chunk_read(lua_State *L, int *out_status)
{
    const char *line = lua_tostring(L, -1);
    /* "=x" prints x, as the prompt of Lua always did. */
    const char *expression = lua_pushfstring(L, "return %s", *line == '=' ? line + 1 : line);
    *out_status = luaL_loadbufferx(L, expression, strlen(expression), "=stdin", "t");
    if (*out_status == LUA_OK) {
        lua_replace(L, 1);
        lua_settop(L, 1);
        return 1;
    }
    lua_pop(L, 2);
    for (;;) {
        size_t length;
        const char *text = lua_tolstring(L, 1, &length);
        *out_status = luaL_loadbufferx(L, text, length, "=stdin", "t");
        if (!is_incomplete(L, *out_status)) {
            lua_replace(L, 1);
            lua_settop(L, 1);
            return 1;
        }
        lua_settop(L, 1);
        if (!line_read(L, ">> "))
            return 0;
        lua_pushliteral(L, "\n");
        lua_insert(L, -2);
        lua_concat(L, 3);
    }
}

static void prompt(lua_State *L)
{
    int status;
    lua_settop(L, 0);
    while (line_read(L, "> ") && chunk_read(L, &status)) {
        if (status == LUA_OK)
            status = call_with_trace(L, 0, LUA_MULTRET);
        report(L, status);
        if (status == LUA_OK && lua_gettop(L) > 0) {
            lua_getglobal(L, "print");
            lua_insert(L, 1);
            report(L, lua_pcall(L, lua_gettop(L) - 1, 0, 0));
        }
        lua_settop(L, 0);
    }
    fputs("\n", stdout);
}

/* ---- the command line */

static int usage(const char *option)
{
    fprintf(stderr,
            "lua: unrecognized option '%s'\n"
            "usage: lua [-e CHUNK] [-l MODULE] [-i] [-v] [SCRIPT | -] [ARGUMENT...]\n",
            option);
    return 1;
}

/* Global `arg`: the script's name is arg[0]. */
static void set_arguments(lua_State *L, char **arguments, int count, int script)
{
    lua_createtable(L, count > script ? count - script - 1 : 0, script + 1);
    for (int i = 0; i < count; i++) {
        lua_pushstring(L, arguments[i]);
        lua_rawseti(L, -2, i - script);
    }
    lua_setglobal(L, "arg");
}

static void open_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        { LUA_GNAME, luaopen_base },
        { LUA_LOADLIBNAME, luaopen_package },
        { LUA_COLIBNAME, luaopen_coroutine },
        { LUA_TABLIBNAME, luaopen_table },
        { LUA_STRLIBNAME, luaopen_string },
        { LUA_MATHLIBNAME, luaopen_math },
        { LUA_UTF8LIBNAME, luaopen_utf8 },
        { LUA_DBLIBNAME, luaopen_debug },
        /* not for init, which must never block */
        { LUA_OSLIBNAME, luaopen_os },
        { LUA_IOLIBNAME, luaopen_io },
        { NULL, NULL },
    };
    for (const luaL_Reg *library = libraries; library->func; library++) {
        if (library->func == luaopen_os && is_supervisor())
            break;
        luaL_requiref(L, library->name, library->func, 1);
        lua_pop(L, 1);
    }
    luaL_requiref(L, "swos", luaopen_swos, 1);
    lua_pop(L, 1);
    chunk_install_searchers(L);
    chunk_restrict_loading(L);
}

int main(int count, char **arguments)
{
    lua_State *L = lua_newstate(lua_heap_allocate, NULL);
    int interactive = 0, version = 0, ran = 0, script = 1;
    if (!L) {
        fputs("lua: not enough memory\n", stderr);
        return 1;
    }
    lua_atpanic(L, panicked);
    open_libraries(L);
    for (; script < count && arguments[script][0] == '-' && arguments[script][1]; script++) {
        const char *option = arguments[script];
        if (!strcmp(option, "--")) {
            script++;
            break;
        }
        if (option[1] == 'i' && !option[2])
            interactive = version = 1;
        else if (option[1] == 'v' && !option[2])
            version = ran = 1;
        else if ((option[1] == 'e' || option[1] == 'l') && (option[2] || script + 1 < count))
            script += !option[2]; /* run below */
        else
            return usage(option);
    }
    set_arguments(L, arguments, count, script < count ? script : 0);
    if (version)
        puts(LUA_COPYRIGHT);
    for (int i = 1; i < script; i++) {
        const char *option = arguments[i];
        if (option[1] != 'e' && option[1] != 'l')
            continue;
        const char *value = option[2] ? option + 2 : arguments[++i];
        ran = 1;
        if ((option[1] == 'e' ? run_string(L, value, "=(command line)")
                              : require_module(L, value)) != LUA_OK)
            return 1;
    }
    if (script < count) {
        if (run_script(L, arguments, script) != LUA_OK && !interactive)
            return 1;
    } else if (!ran && !interactive) {
        if (isatty(0)) {
            interactive = 1;
            puts(LUA_COPYRIGHT);
        } else if (report(L, luaL_loadfilex(L, NULL, "t") || call_with_trace(L, 0, 0)) != LUA_OK) {
            return 1;
        }
    }
    if (interactive)
        prompt(L);
    return 0;
}
