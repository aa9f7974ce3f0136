/* What swos sets in Lua, seen by every file of the core before luaconf.h. */

#ifndef SWOS_LUACONF_H
#define SWOS_LUACONF_H

/* Modules come from the image only; there is no C module to load. */
#define LUA_PATH_DEFAULT "/lib/lua/?.lua;/lib/lua/?/init.lua"
#define LUA_CPATH_DEFAULT ""

/* The seed of string hashes: from the start block's random bytes, never from time or
 * addresses. Supplied by the binding. */
unsigned int sw_lua_seed(void);
#define luai_makeseed(L) ((void)(L), sw_lua_seed())

#endif
