/* What the files of the Lua binding share. Each file adds one kind of function to the module
 * `swos`; module.c puts them together.
 *
 * A handle is a full userdata holding one handle number. It is made closed (0) before the call
 * that fills it, so no error between the two can lose a handle. */
#pragma once
#include <lauxlib.h>
#include <lua.h>
#include <swos/abi.h>

#include "tables.h"

/* ---- tables.c */
const char *table_name(uint16_t offset);
const struct field *table_field(unsigned index);
const struct structure *table_structure(unsigned index);
int structure_find(const char *name); /* -1: none */
const char *string_name(unsigned index);
const struct system_call *system_call_find(const char *name);
const struct protocol *table_protocol(unsigned index);
const struct operation *table_operation(unsigned index);
/* NULL when there is none. */
const struct operation *operation_find(const char *protocol, const char *name);
const struct operation *operation_find_number(uint16_t protocol, uint16_t number);
int constant_find(const char *name, int64_t *out_value);
const char *status_name(status_t status);
const char *status_message(status_t status);
int status_find(const char *name, status_t *out_status);
const char *capability_name(unsigned bit); /* NULL: no such bit in this build */

/* ---- handle.c */
/* Pushes a closed handle and returns where its number goes. */
handle_t *handle_push_closed(lua_State *L);
handle_t handle_check(lua_State *L, int index);    /* raises when closed or none */
handle_t handle_optional(lua_State *L, int index); /* nil is 0 */
int handle_open_module(lua_State *L);

/* ---- codec.c */
/* Writes the table at index into bytes by the fields; absent fields are 0. Raises on a wrong type.
 */
void fields_encode(lua_State *L, int index, unsigned first, unsigned count, void *bytes);
/* Sets the fields in the table at the top. */
void fields_decode(lua_State *L, unsigned first, unsigned count, const void *bytes);
/* A struct from a table or from a string of its size. */
void structure_encode(lua_State *L, int index, const struct structure *structure, void *bytes);
int codec_open_module(lua_State *L);

/* ---- failure.c */
/* nil, message, "NAME"; detail as in a reply header. Returns 3. */
int failure_push(lua_State *L, status_t status, uint32_t detail);

/* ---- call.c */
/* Closes the call objects kept for the next requests. */
void call_trim(void);

/* ---- the rest of the module; each adds its functions to the table at the top */
int syscall_open_module(lua_State *L);
int call_open_module(lua_State *L);
int port_open_module(lua_State *L);
int start_open_module(lua_State *L);
int spawn_open_module(lua_State *L);
int fd_open_module(lua_State *L);
int confine_open_module(lua_State *L);
int stream_open_module(lua_State *L);
int luaopen_swos(lua_State *L);

/* ---- chunk.c: where code comes from */
/* Installs the module searchers behind package.preload: the boot bundle (init only), the modules
 * built into the interpreter, /lib/lua of the image. */
void chunk_install_searchers(lua_State *L);
/* Makes the global load, loadfile and dofile take text only. */
void chunk_restrict_loading(lua_State *L);
/* Pushes the chunk of a script: "bundle:NAME", the start handle `script`, or a path. Anything but
 * LUA_OK: an error message is pushed instead. */
int chunk_load_script(lua_State *L, const char *name);
