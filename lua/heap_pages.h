/* The heap of this process's Lua state. */
#pragma once
#include "heap.h"

/* The lua_Alloc of the interpreter's state. */
void *lua_heap_allocate(void *unused, void *block, size_t old_size, size_t size);
/* Gives back pages without blocks. */
void lua_heap_trim(void);
