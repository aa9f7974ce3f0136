/* A directory as a page of HTML. */
#pragma once
#include <stddef.h>
#include <swos/abi.h>

#define LISTING_MOST 4096u /* entries; how many more there are stands below them */

/* path: below the root, "" the root itself. The page is the caller's to free. */
status_t listing_make(const char *path, size_t length, char **out_page, size_t *out_length);
