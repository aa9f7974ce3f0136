/* Paths of an image, and who may use what they name. Pure. */
#pragma once
#include "image.h"

#include <stdbool.h>
#include <swos/abi.h>

enum { MAY_EXECUTE = 1, MAY_WRITE = 2, MAY_READ = 4 };

/* Whether the principal may do all of `wanted` (MAY_*) with an inode: owner bits for the owner, the
 * last three for everyone else; there are no groups. */
bool image_may(const struct image_inode *inode, uint32_t principal, uint32_t wanted);

/* Whether every directory on the way to an inode lets the principal through. */
bool image_reaches(const struct image *image, uint32_t principal, uint32_t number);

/* What the last paths led to: one cache for one image, zero at first. The image never changes. */
#define PATH_CACHE_ENTRIES 32
#define PATH_CACHE_LENGTH 59 /* longer paths are walked each time */

struct path_cache {
    struct path_entry {
        uint32_t inode; /* 0: free; the root is not kept */
        uint8_t length;
        char path[PATH_CACHE_LENGTH];
    } entries[PATH_CACHE_ENTRIES];
};
_Static_assert(sizeof(struct path_entry) == 64, "an entry is a line of the cache");

/* Finds a path: names separated by single slashes, "" for the root. Every directory on the way must
 * let the principal through. INVALID (empty name, "." or "..", a NUL), NAME_TOO_LONG, NOT_DIRECTORY,
 * ACCESS, NOT_FOUND. */
status_t image_path(const struct image *image, struct path_cache *cache, uint32_t principal,
                    const char *path, size_t length, uint32_t *out_inode);
