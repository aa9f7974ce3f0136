/* What a process was given: start block, info page, and where its heap begins.
 *
 * The start block is read-only and written by the spawner, who decides everything about the new
 * process anyway; it is believed. All pointers returned here live as long as the process. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

/* Called once by the start code, before anything else of libswos. */
void sw_start_init(const struct sw_start *start, const struct sw_info_page *info, uintptr_t heap);

const struct sw_start *sw_start_block(void);
const struct sw_info_page *sw_info(void);

/* First address of the heap: nothing is mapped from here upward. Page-aligned. */
uintptr_t sw_start_heap(void);

/* The handle given under a name, 0 when there is none. It stays the process's: closing it is up
 * to whoever knows that nobody else uses the name. */
handle_t sw_start_get(const char *name);

/* The whole entry (with its info word) of a name, NULL when there is none. */
const struct sw_start_handle *sw_start_find(const char *name);

/* Entry number i of the handle table or of the path table, NULL past the end; the name is
 * sw_start_text(entry->offset), entry->length bytes, followed by a NUL. */
const struct sw_start_handle *sw_start_handle_at(size_t i);
const struct sw_start_handle *sw_start_path_at(size_t i);
const char *sw_start_text(uint32_t offset);

/* Argument and environment string i (NAME=VALUE), NULL past the end. */
const char *sw_start_argument(size_t i);
const char *sw_start_environment(size_t i);
